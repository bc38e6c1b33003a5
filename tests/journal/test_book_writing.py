"""Writing and reading: true order, written once, all or nothing, read from any thread."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kengd.duty.words import Instant, Stamped
from kengd.journal.batch import Batch, KeptMark, SeenCommand
from kengd.journal.book import Book, OpenedBook
from kengd.journal.faults import BookBroken
from kengd.journal.proof import prove
from kengd.wire.entry import FIRST_PREV, from_json, to_json, verify_chain

Record = Callable[..., Stamped]
Open = Callable[..., OpenedBook]


def test_a_new_book_begins_with_started_new(open_book: Open) -> None:
    """Section 7: the first entry has seq 1, prev 64 zeros, and is `started` with reason `new`."""
    opened = open_book()
    (first,) = opened.book.entries(0, 10)
    assert (opened.fresh, opened.set_aside, opened.former_boot) == ("new", None, None)
    assert (first.seq, first.prev, first.kind, first.reason) == (1, FIRST_PREV, "started", "new")
    assert first.at == "2026-12-01T15:00:00.000Z"
    assert opened.book.head() == (first.book, 1, first.hash)
    assert len(first.book) == 16 and int(first.book, 16) >= 0


def test_a_book_goes_on_where_it_ended(open_book: Open, record: Record) -> None:
    """R52: the log survives a restart; no second first entry."""
    first = open_book()
    written = first.book.write(Batch([record(1), record(2)]))
    again = open_book(boot="boot-b")
    assert (again.fresh, again.former_boot) == (None, "boot-a")
    more = again.book.write(Batch([record(1, boot="boot-b")]))
    everything = again.book.entries(0, 100)
    assert [entry.seq for entry in everything] == [1, 2, 3, 4]
    assert everything[1:] == [*written, *more]
    assert verify_chain(everything) is None


def test_what_write_answers_is_what_is_read_and_what_goes_over_the_wire(open_book: Open, record: Record) -> None:
    """P7, P8: one entry, three ways, the same value: also with tuples, numbers as keys and enums in the detail."""
    book = open_book().book
    detail = {"edges": (1, 2.5), "ê": {"b": None, "a": True}, "n": {10: 1, 9: 2}}
    drafts = [record(1, "ringing", alarm=True, activation="a" * 16, by="Bà Tư", detail=detail), record(2, "stopped")]
    written = book.write(Batch(drafts))
    assert book.entries(1, 9) == written == book.tail(2)
    assert [from_json(to_json(entry)) for entry in written] == written
    assert written[0].detail == {"edges": [1, 2.5], "ê": {"b": None, "a": True}, "n": {"10": 1, "9": 2}}


def test_a_record_that_was_sent_again_is_written_once(open_book: Open, record: Record) -> None:
    """P7: after a crash the belfry sends what was not confirmed; (boot, n) tells what is in the book."""
    book = open_book().book
    assert len(book.write(Batch([record(1), record(2)]))) == 2
    assert [e.seq for e in book.write(Batch([record(1), record(2), record(3)]))] == [4]
    book = open_book().book
    assert (book.written_upto("boot-a"), book.written_upto("boot-b")) == (3, 0)
    assert book.write(Batch([record(2), record(3)])) == []
    assert len(book.write(Batch([record(1, boot="boot-b"), record(3), record(4)]))) == 2
    book = open_book().book
    assert (book.written_upto("boot-a"), book.written_upto("boot-b")) == (4, 1)
    assert book.write(Batch([record(4), record(1, boot="boot-b")])) == []


def test_a_record_of_the_office_itself_is_always_written(open_book: Open, record: Record) -> None:
    """n = 0: not from the spool, nothing to compare with."""
    book = open_book().book
    assert len(book.write(Batch([record(0), record(1), record(0)]))) == 3
    assert len(book.write(Batch([record(0), record(1)]))) == 1


def test_nothing_new_writes_nothing(open_book: Open, record: Record, tmp_path: Path) -> None:
    """While idle not a byte goes to the card."""
    book = open_book().book
    book.write(Batch([record(1)]))
    before = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in sorted((tmp_path / "book").iterdir())]
    assert book.write(Batch()) == book.write(Batch([record(1)])) == []
    book.head(), book.tail(5), book.seen(), book.value("x"), book.open_activations()
    after = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in sorted((tmp_path / "book").iterdir())]
    assert [item for item in after if not item[0].endswith("-shm")] == [i for i in before if not i[0].endswith("-shm")]


@pytest.mark.parametrize(
    "draft",
    [
        {"by": "\ud800 lone", "reason": "\udfff"},
        {"by": "x" * 100_000},
        {"detail": {"x": float("nan")}},
        {"detail": {"x": float("inf"), "y": object()}},
        {"detail": {"x": "\ud800"}},
        {"detail": {"x": "y" * 100_000}},
        {"detail": {("a", "b"): 1}},
        {"by": "a\x00b\x1b[31m\n"},
        {"by": 5},
    ],
)
def test_no_record_can_block_the_ones_behind_it(open_book: Open, record: Record, draft: dict[str, Any]) -> None:
    """P7: whatever a draft holds, an entry comes out, the chain holds and the next is written."""
    book = open_book().book
    written = book.write(Batch([record(1, **draft), record(2, wall_ms=-5), record(3, wall_ms=10**18), record(4)]))
    assert [entry.seq for entry in written] == [2, 3, 4, 5]
    assert written[1].at == "1970-01-01T00:00:00.000Z" and written[2].at.startswith("9999-12-31")
    assert book.entries(1, 9) == written
    assert len(to_json(written[0]).encode()) < 20_000
    book = open_book().book
    assert verify_chain(book.entries(0, 9)) is None


def test_commands_are_remembered_with_their_first_reply(open_book: Open, record: Record) -> None:
    """R2, P5: executed ids stay on disk; a repeat is answered by the stored first reply and changes neither it nor the bytes."""
    book = open_book().book
    heard = SeenCommand("jti-1", b"\x01" * 32, 2_000_000_000)
    replies = book.write(
        Batch([record(1, "received", command_id="jti-1"), record(2, "ringing", command_id="jti-1")], seen=[heard])
    )
    book.write(Batch(seen=[SeenCommand("jti-2", b"\x02" * 32, 2_000_000_000)]))
    later = book.write(Batch([record(3, "received", command_id="jti-2"), record(4, "finished", command_id="jti-2")]))
    repeat = SeenCommand("jti-1", b"\x09" * 32, 1_000, repeats=1)
    book.write(Batch([record(5, "refused", command_id="jti-1", reason="duplicate")], seen=[repeat]))
    book = open_book().book
    assert book.first_reply("jti-1") == replies[0]
    assert book.first_reply("jti-2") == later[0]
    assert book.first_reply("jti-3") is None
    assert book.seen() == [
        SeenCommand("jti-1", b"\x01" * 32, 2_000_000_000, 1, replies[0].seq),
        SeenCommand("jti-2", b"\x02" * 32, 2_000_000_000, 0, later[0].seq),
    ]


def test_ledger_and_values_are_written_with_the_entries_or_not_at_all(open_book: Open, record: Record) -> None:
    """P6: the ledger row is durable together with what it belongs to; one bad part and nothing is there."""
    book = open_book().book
    mark = KeptMark("1", "2026-12-01", "sent", "timetable:1:2026-12-01")
    book.write(Batch([record(1)], ledger=[mark], values={"line_since": "5", "silence": "1"}))
    with pytest.raises(BookBroken):
        book.write(Batch([record(2)], ledger=[KeptMark("1", "2026-12-02", "sent"), KeptMark(None, "x", "y")]))  # type: ignore[arg-type]
    book.write(Batch(ledger=[KeptMark("1", "2026-12-01", "rung", mark.key)], values={"silence": None}))
    assert len(book.write(Batch([record(2)]))) == 1
    book = open_book().book
    assert book.ledger() == [KeptMark("1", "2026-12-01", "rung", mark.key)]
    assert book.ledger("2026-12-02") == []
    assert (book.value("line_since"), book.value("silence"), book.values()) == ("5", None, {"line_since": "5"})
    assert [entry.seq for entry in book.entries(0, 9)] == [1, 2, 3]


def test_soundings_without_an_end_are_known_after_a_restart(open_book: Open, record: Record) -> None:
    """P7: the book can say `power_lost` for a ring that was under way, however long ago its entry was proved."""
    book = open_book().book
    ringing = book.write(
        Batch(
            [
                record(1, "ringing", alarm=True, activation="a1"),
                record(2, "ringing", alarm=True, activation="a2"),
                record(3, "ringing", alarm=True, activation="a1"),
                record(4, "cut", alarm=True, activation="a2", reason="hushed"),
                record(5, "refused", activation="a3"),
            ]
        )
    )
    assert book.open_activations() == [ringing[0]]
    book.write(Batch([record(n) for n in range(6, 2_600)]))
    book = open_book().book
    assert book.value("_proved") is not None
    assert book.open_activations() == [ringing[0]]
    book.write(Batch([record(2_600, "cut", activation="a1", reason="power_lost")]))
    assert book.open_activations() == open_book().book.open_activations() == []


def test_the_last_alarm_and_its_end_are_found(open_book: Open, record: Record) -> None:
    """P4, H10: after a reboot the arbiter learns when the last ACTUAL alarm ended and whether power cut it."""
    book = open_book().book
    assert book.last_alarm_end() is None
    book.write(
        Batch(
            [record(1, "ringing", alarm=True, activation="a1"), record(2, "ringing", signal="curfew", activation="a2")]
        )
    )
    assert book.last_alarm_end() is None
    written = book.write(
        Batch([record(3, "cut", activation="a1", reason="power_lost"), record(4, "finished", activation="a2")])
    )
    found = book.last_alarm_end(["alarm", "flood"])
    assert found is not None and (found.activation, found.reason) == ("a1", "power_lost")
    assert found.ended_wall_ms == 1_796_137_200_003 and written[0].at.endswith("00.003Z")
    assert book.last_alarm_end(["flood"]) is None


def test_reads_go_on_from_other_threads_while_entries_are_written(open_book: Open, record: Record) -> None:
    """Reads have their own connection: each sees whole batches, in order."""
    book = open_book().book
    wrong: list[Any] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            entries = book.entries(0, 10_000)
            if verify_chain(entries) is not None or (len(entries) - 1) % 10:
                wrong.append(len(entries))

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for start in range(1, 1_000, 10):
        book.write(Batch([record(n) for n in range(start, start + 10)]))
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_directory_and_files_are_for_the_owner_alone(open_book: Open, record: Record, tmp_path: Path) -> None:
    """P12: 0700 and 0600, also when they were left open before, whatever the umask."""
    before = os.umask(0)
    try:
        book = open_book().book
        book.write(Batch([record(n) for n in range(1, 3_000)]))
        book.tidy(Instant(1, 1_796_137_200_000), keep_entries=1_000)
        folder = tmp_path / "book"
        book.close()
        folder.chmod(0o755)
        (folder / "book.db").chmod(0o666)
        open_book().book.write(Batch([record(3_000)]))
    finally:
        os.umask(before)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in [folder, *folder.rglob("*")]}
    assert set(modes) >= {"book", "book.db", "book.db-wal", "book.db-shm", "archive"}
    assert {mode for name, mode in modes.items() if (folder / name).is_dir() or name == "book"} == {0o700}
    assert {mode for name, mode in modes.items() if name.startswith("book.db") or name.endswith("gz")} == {0o600}


def test_two_processes_never_write_one_book(open_book: Open, tmp_path: Path) -> None:
    """A second writer is told so, and never sets a living book aside."""
    open_book()
    with pytest.raises(BookBroken) as told:
        Book.open(tmp_path / "book", post="thon-1", now=Instant(1, 1), boot="b")
    assert told.value.code == "book_in_use"
    assert prove(tmp_path / "book" / "book.db").wrong is None


def test_a_closed_book_says_so(open_book: Open, record: Record) -> None:
    """No silent loss after close."""
    book = open_book().book
    book.close()
    with pytest.raises(BookBroken):
        book.write(Batch([record(1)]))


def test_a_ring_costs_the_card_less_than_16_kib(open_book: Open, record: Record) -> None:
    """Bytes on disk per activation of 3 entries in 2 commits ≤ 16 KiB; 100 activations, folded into the file as they come."""
    book = open_book().book
    before = _written_bytes()
    for n in range(100):
        say = {"alarm": True, "activation": f"{n:016x}", "command_id": f"command-{n:04d}", "by": "Nguyễn Văn An"}
        seen = SeenCommand(f"command-{n:04d}", os.urandom(32), 2_000_000_000)
        book.write(Batch([record(3 * n + 1, "received", **say), record(3 * n + 2, "ringing", **say)], seen=[seen]))
        book.write(Batch([record(3 * n + 3, "finished", **say)]))
    assert (_written_bytes() - before) / 100 <= 16 * 1024


def _written_bytes() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return max(int(line.split()[1]) for line in lines if line.startswith(("wchar", "write_bytes")))


def test_a_burst_is_written_fast_enough(open_book: Open, record: Record) -> None:
    """5,000 entries a second and more in batches of 100 (30,000 and more measured; the bound leaves room for a busy machine)."""
    book = open_book().book
    batches = [
        Batch([record(n, alarm=True, command_id=f"c{n}") for n in range(s, s + 100)]) for s in range(1, 5_001, 100)
    ]
    began = time.perf_counter()
    for batch in batches:
        book.write(batch)
    assert time.perf_counter() - began < 1.0
    assert book.head().seq == 5_001
