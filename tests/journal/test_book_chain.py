"""The chain holds through any batches, re-sent records and restarts, and any damage to it is found (P7)."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kengd.duty.words import Draft, EntryKind, Instant, Stamped
from kengd.errors import KengdError
from kengd.journal.batch import Batch
from kengd.journal.book import Book, OpenedBook
from kengd.journal.proof import newest, prove, whole_book
from kengd.wire.entry import Entry, verify_chain

DRAFTS = st.builds(
    Draft,
    kind=st.sampled_from(EntryKind),
    activation=st.none() | st.sampled_from(["a1", "a2", "a3"]),
    by=st.none() | st.text(max_size=20),
    detail=st.none() | st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
)


class BookLife(RuleBasedStateMachine):
    """A spool that sends again what it likes, an office that restarts, a machine that reboots, a daily tidy-up."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="kengd-book-"))
        self.boot, self.spool = 0, []  # type: int, list[Stamped]
        self.expected: list[tuple[str, str | None]] = [("started", None)]
        self.ringing: set[str] = set()
        self.known: list[Entry] = []

    @initialize()
    def begin(self) -> None:
        self.book = self._open().book
        self.known = self.book.entries(0, 10)

    def _open(self) -> OpenedBook:
        return Book.open(self.directory / "book", post="p", now=Instant(1, 1), boot=f"boot-{self.boot}")

    @rule(drafts=st.lists(DRAFTS, max_size=6), again=st.integers(0, 8), clock=st.integers(-10, 2**45))
    def send(self, drafts: list[Draft], again: int, clock: int) -> None:
        """New records, and the last `again` old ones once more before them."""
        resent = self.spool[-again:] if again else []
        news = [
            Stamped(len(self.spool) + n, f"boot-{self.boot}", n, clock, "ntp", draft)
            for n, draft in enumerate(drafts, start=1)
        ]
        written = self.book.write(Batch([*resent, *news]))
        assert [(entry.kind, entry.activation) for entry in written] == [(d.kind.value, d.activation) for d in drafts]
        self.spool += news
        self.known += written
        for draft in drafts:
            if draft.activation and draft.kind is EntryKind.RINGING:
                self.ringing.add(draft.activation)
            if draft.kind in (EntryKind.FINISHED, EntryKind.CUT, EntryKind.FAILED):
                self.ringing.discard(draft.activation or "")

    @rule()
    def restart(self) -> None:
        self.book.close()
        opened = self._open()
        assert opened.fresh is None
        self.book = opened.book

    @rule()
    def reboot(self) -> None:
        self.boot, self.spool = self.boot + 1, []
        self.restart()

    @rule()
    def tidy(self) -> None:
        self.book.tidy(Instant(1, 2**41), keep_entries=1)

    @invariant()
    def whole(self) -> None:
        if not self.known:
            return
        entries = self.book.entries(0, 10_000)
        assert entries == self.known
        assert verify_chain(entries) is None
        assert self.book.head() == (entries[-1].book, entries[-1].seq, entries[-1].hash)
        assert {entry.activation for entry in self.book.open_activations()} == self.ringing

    def teardown(self) -> None:
        proof = prove(self.directory / "book" / "book.db")
        self.book.close()
        again = prove(self.directory / "book" / "book.db")
        shutil.rmtree(self.directory)
        assert (proof.wrong, again.wrong) == (None, None)


BookLife.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestBookLife = BookLife.TestCase


@pytest.fixture
def closed(open_book: Callable[..., OpenedBook], record: Callable[..., Stamped], tmp_path: Path) -> Path:
    """A closed book of 41 entries."""
    book = open_book().book
    book.write(Batch([record(n, "refused", by=f"người {n}", reason="expired", detail={"n": n}) for n in range(1, 41)]))
    book.close()
    return tmp_path / "book" / "book.db"


@pytest.mark.parametrize(
    "sql, wrong",
    [
        ("UPDATE entry SET reason = 'silenced' WHERE seq = 17", 17),
        ("UPDATE entry SET by = 'Người khác' WHERE seq = 2", 2),
        ("UPDATE entry SET at_ms = at_ms + 1 WHERE seq = 41", 41),
        ("UPDATE entry SET at_ms = -1 WHERE seq = 5", 5),
        ("UPDATE entry SET at_ms = 'x' WHERE seq = 5", 5),
        ("UPDATE entry SET by = NULL WHERE seq = 9", 9),
        ("UPDATE entry SET detail = '{\"n\": 9}' WHERE seq = 10", 10),
        ("UPDATE entry SET detail = '{' WHERE seq = 10", 10),
        ("UPDATE entry SET by = x'ff' WHERE seq = 7", 7),
        ("UPDATE entry SET by = CAST(x'ff' AS TEXT) WHERE seq = 7", 7),
        ("UPDATE entry SET hash = zeroblob(32) WHERE seq = 30", 30),
        ("UPDATE entry SET hash = 'text' WHERE seq = 30", 30),
        ("DELETE FROM entry WHERE seq = 20", 20),
        ("DELETE FROM entry WHERE seq = 41", 41),
        ("DELETE FROM entry WHERE seq > 11", 12),
        ("DELETE FROM entry", 1),
        ("DELETE FROM entry WHERE seq = 1", 1),
        ("UPDATE entry SET seq = 100 WHERE seq = 41", 41),
        ("INSERT INTO entry SELECT 42, at_ms, kind, activation, command_id, signal, purpose, source, place, by, reason, clock,"
         " detail, hash FROM entry WHERE seq = 41", 42),
        ("UPDATE head SET book = 'ffffffffffffffff'", 1),
        ("UPDATE head SET seq = 40", 41),
        ("DELETE FROM head", 1),
        ("INSERT INTO value VALUES ('_anchor', '3:' || hex(zeroblob(32)))", 4),
    ],
)  # fmt: skip
def test_any_change_by_hand_is_found_at_its_place(closed: Path, sql: str, wrong: int) -> None:
    """P7: a book that was edited, shortened, lengthened or renamed does not verify; the first wrong seq is named."""
    assert prove(closed).wrong is None
    with sqlite3.connect(closed) as hand:
        hand.execute(sql)
    hand.close()
    assert prove(closed).wrong == wrong


def test_a_change_by_hand_is_found_at_the_next_start(
    closed: Path, open_book: Callable[..., OpenedBook], record: Callable[..., Stamped]
) -> None:
    """R40: what was written since the last proved entry is checked; the changed book is kept aside."""
    with sqlite3.connect(closed) as hand:
        hand.execute("UPDATE entry SET by = 'x' WHERE seq = 30")
    hand.close()
    opened = open_book()
    assert opened.fresh == "book_set_aside"
    assert opened.set_aside is not None and prove(opened.set_aside).wrong == 30


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@example(place=0.0, flip=1)
def test_a_flipped_byte_is_found_or_changes_nothing(closed: Path, place: float, flip: int) -> None:
    """P7, R40: whichever byte of the file rots, `verify` finds it, or every entry still reads as it was written."""
    whole = closed.read_bytes()
    good = list(whole_book(closed))
    at = int(place * len(whole))
    rotten = closed.with_name("rotten.db")
    rotten.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
    if prove(rotten).wrong is None:
        assert list(whole_book(rotten)) == good
        assert newest(rotten, 5) == good[-5:]
    else:
        try:
            newest(rotten, 5)
        except KengdError as told:
            assert told.code == "book_broken"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.floats(0, 1, exclude_max=True), length=st.integers(1, 3_000), fill=st.sampled_from([b"\0", b"\xff", b"a"])
)
def test_a_start_on_any_damage_ends_with_a_book_that_can_be_written(
    closed: Path, record: Callable[..., Stamped], place: float, length: int, fill: bytes
) -> None:
    """R40: no damage keeps the office from a book; what it cannot trust is kept aside, and the new book says so."""
    whole = closed.read_bytes()
    at = int(place * len(whole))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "book", "book.db")
        path.parent.mkdir()
        path.write_bytes(whole[:at] + fill * length + whole[at + length :])
        opened = Book.open(path.parent, post="thon-1", now=Instant(1, 1), boot="boot-a")
        try:
            assert (opened.fresh, opened.set_aside is None) in [("book_set_aside", False), (None, True)]
            assert len(opened.book.write(Batch([record(50)]))) == 1
            entries = opened.book.entries(0, 100)
            assert opened.fresh is None or [(e.kind, e.reason) for e in entries][:1] == [("started", "book_set_aside")]
            assert verify_chain(entries) is None
        finally:
            opened.book.close()
