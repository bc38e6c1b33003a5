"""The scribe: order, grouping, and a book that cannot be written. `_write` is called by hand: no thread, no waiting."""

from __future__ import annotations

from collections.abc import Sequence

from kengd.duty.words import Draft, EntryKind, Stamped
from kengd.journal.batch import Batch
from kengd.journal.faults import BookBroken
from kengd.office.scribe import RETRY_S, Scribe, Task
from kengd.wire.entry import Entry


class FakeBook:
    """Chains nothing; numbers entries; can be full."""

    def __init__(self) -> None:
        self.full = False
        self.entries: list[Entry] = []
        self.commits = 0
        self.values: dict[str, str | None] = {}

    def write(self, batch: Batch) -> list[Entry]:
        if self.full:
            raise BookBroken("disk_full", "đầy")
        self.commits += 1
        self.values.update(batch.values)
        fresh = []
        for stamped in batch.drafts:
            draft = stamped.draft
            entry = Entry(
                "b", len(self.entries) + 1, "2026-01-01T00:00:00.000Z", draft.kind.value, draft.activation,
                draft.command_id, None, None, None, None, None, draft.reason, "ntp", None, "", "",
            )  # fmt: skip
            self.entries.append(entry)
            fresh.append(entry)
        return fresh


class Office:
    """What the scribe tells."""

    def __init__(self) -> None:
        self.book = FakeBook()
        self.log: list[str] = []
        self.now_s = 0.0
        self.scribe = Scribe(
            self.book,
            wrote=lambda entries: self.log.append(f"wrote {len(entries)}"),
            settled=lambda: self.log.append("settled"),
            ailing=lambda broken: self.log.append("well" if broken is None else broken.code),
            monotonic=lambda: self.now_s,
        )

    def task(self, name: str, n: int = 0) -> Task:
        stamped = Stamped(n, "s", 0, 0, "ntp", Draft(EntryKind.RINGING, activation=name))

        def done(entries: Sequence[Entry] | None) -> None:
            self.log.append(f"{name} {'waits' if entries is None else [entry.seq for entry in entries]}")

        return Task((stamped,), done=done)


def test_what_waits_together_is_one_commit_and_each_hears_its_own() -> None:
    """One fsync for a burst; entries published first, then each task's answer, then the spool is confirmed."""
    office = Office()
    office.scribe._write([office.task("a"), office.task("b")])
    assert office.log == ["wrote 2", "a [1]", "b [2]", "settled"]
    assert office.book.commits == 1


def test_a_full_disk_keeps_nobody_waiting_and_loses_nothing() -> None:
    """R41: it counts as written for the line, is kept in order, and is written when the disk is back."""
    office = Office()
    office.book.full = True
    office.scribe._write([office.task("a")])
    office.scribe._write([office.task("b")])
    assert office.log == ["disk_full", "a waits", "b waits"]
    office.book.full = False
    office.now_s += RETRY_S
    office.scribe._write([office.task("c")])
    assert office.log[3:] == ["well", "wrote 3", "c [3]", "settled"]
    assert [entry.activation for entry in office.book.entries] == ["a", "b", "c"]


def test_a_sick_book_is_not_tried_for_every_entry() -> None:
    """A card that answers slowly with errors is left alone for some seconds."""
    office = Office()
    office.book.full = True
    for name in "abc":
        office.scribe._write([office.task(name)])
    assert office.log.count("disk_full") == 1


def test_the_thread_writes_what_is_there_before_it_ends() -> None:
    """An orderly stop loses nothing; with the real thread."""
    office = Office()
    office.scribe.start()
    for n in range(50):
        office.scribe.put(office.task(f"t{n}"))
    office.scribe.close(5.0)
    assert [entry.activation for entry in office.book.entries] == [f"t{n}" for n in range(50)]
    assert not office.scribe.alive
