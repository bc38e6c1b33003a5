"""A broken book is set aside and kept, a new one begun; a good one never is (R40, R52)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kengd.duty.words import Instant, Stamped
from kengd.journal import schema
from kengd.journal.batch import Batch, KeptMark, SeenCommand
from kengd.journal.book import Book, OpenedBook
from kengd.journal.faults import BookBroken
from kengd.journal.proof import prove
from kengd.wire.entry import verify_chain

Record = Callable[..., Stamped]
Open = Callable[..., OpenedBook]


def test_a_broken_file_is_kept_and_a_new_book_begun(open_book: Open, record: Record, tmp_path: Path) -> None:
    """R40: moved aside with its time, nothing of it thrown away; the first entry says `book_set_aside` and where it is."""
    first = open_book().book
    first.write(Batch([record(1)]))
    former = first.head().book
    first.close()
    path = tmp_path / "book" / "book.db"
    broken = b"no database at all" + path.read_bytes()[18:]
    path.write_bytes(broken)
    opened = open_book()
    (entry,) = opened.book.entries(0, 9)
    assert opened.set_aside == tmp_path / "book" / "book-aside-0001-20261201T150000Z.db"
    assert opened.set_aside.read_bytes() == broken
    assert (entry.kind, entry.reason, entry.detail) == (
        "started",
        "book_set_aside",
        {"set_aside": opened.set_aside.name},
    )
    assert entry.book != former
    assert open_book().fresh is None


def test_the_log_of_a_broken_book_never_flows_into_the_new_one(open_book: Open, record: Record, tmp_path: Path) -> None:
    """What was committed last may stand only in -wal: it belongs to the file that was set aside, or to none."""
    path = tmp_path / "book" / "book.db"
    open_book().book.write(Batch([record(n) for n in range(1, 500)]))
    book = open_book().book
    book.write(Batch([record(500)]))
    log = path.with_name("book.db-wal").read_bytes()
    book.close()
    path.write_bytes(b"x" * path.stat().st_size)
    path.with_name("book.db-wal").write_bytes(log)
    opened = open_book()
    assert opened.set_aside is not None and opened.set_aside.stat().st_size > 4096
    assert opened.book.head().seq == 1

    opened.book.close()
    path.unlink()
    path.with_name("book.db-wal").write_bytes(log)
    assert len(open_book().book.entries(0, 9)) == 1


def test_commands_and_timetable_marks_outlive_a_broken_chain(open_book: Open, record: Record, tmp_path: Path) -> None:
    """P5, P6: a command or a 22:00 ring is not rung twice because the book was begun anew."""
    book = open_book().book
    seen = SeenCommand("jti-1", b"\x01" * 32, 2_000_000_000)
    mark = KeptMark("1", "2026-12-01", "rung")
    book.write(Batch([record(1, "received", command_id="jti-1")], seen=[seen], ledger=[mark], values={"silence": "7"}))
    book.close()
    with sqlite3.connect(tmp_path / "book" / "book.db") as hand:
        hand.execute("UPDATE entry SET by = 'x' WHERE seq = 2")
    hand.close()
    opened = open_book()
    assert opened.fresh == "book_set_aside"
    assert (opened.book.seen(), opened.book.ledger(), opened.book.values()) == ([seen], [mark], {"silence": "7"})
    assert opened.book.value("_anchor") is None


def test_the_newest_five_broken_books_are_kept(open_book: Open, tmp_path: Path) -> None:
    """R41: a card that breaks the book at each start does not fill itself with broken books."""
    path = tmp_path / "book" / "book.db"
    for _ in range(8):
        open_book().book.close()
        path.write_bytes(b"broken" * 1_000)
    open_book()
    names = sorted(p.name[:15] for p in path.parent.glob("book-aside-*.db"))
    assert names == [f"book-aside-{n:04d}" for n in range(4, 9)]


def test_an_empty_file_is_a_new_book_not_a_broken_one(open_book: Open, tmp_path: Path) -> None:
    """Power lost at the very first start: nothing was written yet, nothing is to be set aside."""
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "book.db").touch()
    assert open_book().fresh == "new"


def test_the_installers_marker_names_the_reason(open_book: Open) -> None:
    """Section 7: `unit_replaced`; the marker says nothing about a book that goes on."""
    opened = open_book(unit_replaced=True)
    assert (opened.fresh, opened.book.tail(1)[0].reason) == ("unit_replaced", "unit_replaced")
    assert open_book(unit_replaced=True).fresh is None


def test_the_book_of_another_post_is_not_continued(open_book: Open, record: Record) -> None:
    """A card moved to another post: identity is (post, book, seq), so that post begins its own book; nothing goes over."""
    book = open_book().book
    book.write(Batch([record(1)], seen=[SeenCommand("jti-1", b"\x01" * 32, 2_000_000_000)]))
    opened = open_book(post="thon-2")
    assert (opened.fresh, opened.book.seen()) == ("unit_replaced", [])
    assert opened.set_aside is not None and prove(opened.set_aside).wrong is None


def test_a_book_of_a_newer_program_is_kept_aside(open_book: Open, tmp_path: Path) -> None:
    """A step back to an older version must not write in a shape it does not know."""
    open_book().book.close()
    with sqlite3.connect(tmp_path / "book" / "book.db") as hand:
        hand.execute("PRAGMA user_version=99")
    hand.close()
    assert open_book().fresh == "book_set_aside"


def test_a_book_deleted_under_the_daemon_is_begun_anew(open_book: Open, record: Record, tmp_path: Path) -> None:
    """Entries never go to a file that nobody can find any more."""
    book = open_book().book
    book.write(Batch([record(1)]))
    former = book.head().book
    for file in (tmp_path / "book").glob("book.db*"):
        file.unlink()
    (written,) = book.write(Batch([record(2)]))
    assert (written.seq, book.head().book == former) == (2, False)
    assert prove(tmp_path / "book" / "book.db").wrong is None


def test_a_book_that_rots_under_the_daemon_is_set_aside_and_begun_anew(
    open_book: Open, record: Record, tmp_path: Path
) -> None:
    """R40: one BookBroken, and the records that the caller kept go into the new book."""
    path = tmp_path / "book" / "book.db"
    book = open_book().book
    book.write(Batch([record(n) for n in range(1, 400)]))
    book = open_book().book  # folded into the file
    with path.open("r+b") as file:
        size = path.stat().st_size
        file.seek(1024)
        file.write(b"\xee" * (size - 1024))
    for n in range(400, 410):
        try:
            book.write(Batch([record(n)]))
            book.entries(0, 1_000)
        except BookBroken as told:
            assert told.code == "book_broken"
    entries = book.entries(0, 1_000)
    assert (entries[0].kind, entries[0].reason) == ("started", "book_set_aside")
    assert 5 < len(entries) <= 11
    assert prove(path).wrong is None


@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_place_that_cannot_hold_a_book_is_an_error_not_a_crash(tmp_path: Path, what: str) -> None:
    """P7: the office goes on without the book and asks again later."""
    (tmp_path / "book" if what == "file" else tmp_path / "elsewhere").write_text("in the way")
    if what == "directory":
        (tmp_path / "book" / "book.db").mkdir(parents=True)
    arguments: dict[str, Any] = {"post": "p", "now": Instant(1, 1), "boot": "b"}
    with pytest.raises(BookBroken):
        Book.open(tmp_path / "book", **arguments)


V1 = """
CREATE TABLE entry (seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, activation TEXT, command_id TEXT,
  signal TEXT, purpose TEXT, source TEXT, place TEXT, "by" TEXT, reason TEXT, clock TEXT NOT NULL, detail TEXT,
  hash BLOB NOT NULL, PRIMARY KEY (seq));
CREATE TABLE head (id INTEGER NOT NULL, post TEXT NOT NULL, book TEXT NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL,
  boot TEXT NOT NULL, spool_n INTEGER NOT NULL, PRIMARY KEY (id));
CREATE TABLE seen (jti TEXT NOT NULL, sha256 BLOB NOT NULL, until_s INTEGER NOT NULL, first_reply INTEGER,
  PRIMARY KEY (jti)) WITHOUT ROWID;
CREATE TABLE ledger (line TEXT NOT NULL, date TEXT NOT NULL, state TEXT NOT NULL, "key" TEXT, PRIMARY KEY (line, date))
  WITHOUT ROWID;
CREATE TABLE value ("key" TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY ("key")) WITHOUT ROWID;
INSERT INTO entry VALUES (1, 1796137200000, 'started', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'new', 'ntp', NULL,
  x'{hash}');
INSERT INTO head VALUES (1, 'thon-1', '00112233aabbccdd', 1, x'{hash}', 'boot-a', 7);
INSERT INTO seen VALUES ('jti-1', x'{hash}', 2000000000, 1);
INSERT INTO value VALUES ('silence', '5');
PRAGMA user_version = 1;
"""
V1_HASH = "8d75d3bb9b1fff6e524a95e27a0bd47a0d0011954e0583cdcb43e368eb3c3c78"


def shape(path: Path) -> dict[str, list[Any]]:
    """Columns, types, defaults and keys of every table."""
    connection = sqlite3.connect(path)
    tables = [
        name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    ]
    found = {table: connection.execute(f"PRAGMA table_xinfo({table})").fetchall() for table in tables}
    connection.close()
    return found


def test_a_book_of_the_first_version_is_brought_up_and_goes_on(open_book: Open, record: Record, tmp_path: Path) -> None:
    """Schema migrations: every step in one transaction, nothing lost, the same shape as a new book's."""
    path = tmp_path / "book" / "book.db"
    path.parent.mkdir()
    old = sqlite3.connect(path)
    old.executescript(V1.replace("{hash}", V1_HASH))
    old.close()
    assert prove(path).wrong is None
    opened = open_book()
    assert (opened.fresh, opened.former_boot, opened.book.written_upto("boot-a")) == (None, "boot-a", 7)
    assert len(opened.book.write(Batch([record(7), record(8)]))) == 1
    assert opened.book.seen() == [SeenCommand("jti-1", bytes.fromhex(V1_HASH), 2_000_000_000, 0, 1)]
    assert opened.book.value("silence") == "5"
    assert verify_chain(opened.book.entries(0, 9)) is None
    new = open_book(directory=tmp_path / "new")
    new.book.close()
    assert shape(path) == shape(tmp_path / "new" / "book.db")


def test_a_step_that_fails_leaves_the_old_book_whole(
    open_book: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Power lost in a migration: the next start finds version 1, not half of version 2."""
    path = tmp_path / "book" / "book.db"
    path.parent.mkdir()
    old = sqlite3.connect(path)
    old.executescript(V1.replace("{hash}", V1_HASH))
    old.close()
    before = shape(path)

    def cut() -> Iterator[str]:
        yield from steps
        raise OSError("the disk is full")

    steps = schema._STEPS[1]
    monkeypatch.setitem(schema._STEPS, 1, cut())
    with pytest.raises(BookBroken):
        open_book()
    assert shape(path) == before
    monkeypatch.undo()
    assert open_book().fresh is None
