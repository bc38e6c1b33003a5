"""A full, read-only or failing disk: told with its reason, nothing half written, and it goes on when there is room again (R41)."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kengd.duty.words import Instant, Stamped
from kengd.journal import faults
from kengd.journal.batch import Batch
from kengd.journal.book import OpenedBook
from kengd.journal.faults import BookBroken
from kengd.journal.pen import Pen
from kengd.journal.proof import prove
from kengd.wire.entry import verify_chain

Record = Callable[..., Stamped]
Open = Callable[..., OpenedBook]


@pytest.fixture
def pens(monkeypatch: pytest.MonkeyPatch) -> list[Pen]:
    """The pens that the book takes up, so that a test can make SQLite itself say that there is no room."""
    taken: list[Pen] = []
    begin = Pen.__init__

    def note(pen: Pen, path: Path) -> None:
        begin(pen, path)
        taken.append(pen)

    monkeypatch.setattr(Pen, "__init__", note)
    return taken


def say(pen: Pen, pragma: str) -> Any:
    """A pragma past the book, to the driver's own connection."""
    driver = pen.connection.connection.driver_connection
    assert driver is not None
    row = driver.execute(f"PRAGMA {pragma}").fetchone()
    return row and row[0]


def test_a_full_disk_is_told_and_the_records_go_in_when_there_is_room(
    open_book: Open, record: Record, pens: list[Pen], tmp_path: Path
) -> None:
    """R41: SQLITE_FULL from SQLite itself; the same batch, kept by the caller, is written later, once and in order."""
    book = open_book().book
    book.write(Batch([record(1)]))
    pages = say(pens[-1], "page_count")
    say(pens[-1], f"max_page_count={pages + 20}")
    upto = 1
    with pytest.raises(BookBroken) as told:
        while True:
            book.write(Batch([record(n, by="x" * 200) for n in range(upto + 1, upto + 11)]))
            upto += 10
    head = book.head()
    assert told.value.code == "disk_full" and "đầy" in told.value.vi
    for _ in range(3):
        with pytest.raises(BookBroken):
            book.write(Batch([record(n, by="x" * 200) for n in range(upto + 1, upto + 11)]))
    assert (book.head(), book.tail(1)[0].hash) == (head, head.hash)
    say(pens[-1], "max_page_count=1073741823")
    assert len(book.write(Batch([record(n, by="x" * 200) for n in range(upto + 1, upto + 11)]))) == 10
    assert [entry.seq for entry in book.entries(0, 10_000)] == list(range(1, upto + 12))
    assert verify_chain(book.entries(0, 10_000)) is None
    assert prove(tmp_path / "book" / "book.db").wrong is None


FULL = """
import resource, signal, sys
from pathlib import Path
from kengd.duty.words import Draft, EntryKind, Instant, Stamped
from kengd.journal.batch import Batch
from kengd.journal.book import Book
from kengd.journal.faults import BookBroken

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
batch = lambda n: Batch([Stamped(n + i, "b", 1, 1, "ntp", Draft(EntryKind.REFUSED, by="x" * 500)) for i in range(1, 11)])
book = Book.open(Path(sys.argv[1]), post="p", now=Instant(1, 1), boot="b").book
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
n = faults = 0
while faults < 20:
    try:
        book.write(batch(n))
        n += 10
    except BookBroken as told:
        assert told.code in ("book_broken", "disk_full"), told.code
        faults += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert n > 50
book.write(batch(n))
book.tidy(Instant(1, 1))
assert book.head().seq == n + 11, (book.head(), n)
assert book.tail(1)[0].hash == book.head().hash
book.close()
print(n + 11)
"""


def test_writes_that_the_system_refuses_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """R41: real failing write() calls (a file size limit of the kernel), twenty in a row, then it goes on by itself."""
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "book")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    proof = prove(tmp_path / "book" / "book.db")
    assert proof.head is not None and (proof.wrong, proof.head.seq) == (None, int(done.stdout))
    assert not list((tmp_path / "book").glob("book-aside*"))


def test_a_full_disk_at_the_start_sets_nothing_aside(
    open_book: Open, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R41: no room is no reason to give up a good book."""
    book = open_book().book
    book.write(Batch([record(1)]))
    book.close()

    def no_room(pen: Pen, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(Pen, "__init__", no_room)
        full.setattr(faults, "_no_room", lambda directory: True)
        with pytest.raises(BookBroken) as told:
            open_book()
        assert told.value.code == "disk_full"
    opened = open_book()
    assert (opened.fresh, opened.book.head().seq) == (None, 2)


def test_a_disk_that_became_read_only_beneath_the_book_is_not_believed(
    open_book: Open, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R41, P7: Linux goes on to take writes into memory and calls fsync a success; a power cut would lose them all."""
    book = open_book().book
    book.write(Batch([record(1)]))
    with monkeypatch.context() as disk:
        disk.setattr(
            os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY, f_bavail=1_000, f_frsize=4096, f_files=0)
        )
        for deed in (lambda: book.write(Batch([record(2)])), lambda: book.tidy(Instant(1, 1))):
            with pytest.raises(BookBroken) as told:
                deed()
            assert told.value.code == "disk_read_only" and "chỉ đọc" in told.value.vi
        assert book.head().seq == 2
    assert [entry.seq for entry in book.write(Batch([record(2)]))] == [3]
    assert prove(tmp_path / "book" / "book.db").wrong is None


def test_a_card_that_returns_errors_is_called_so(
    open_book: Open, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cure is another card, not a look at the book."""
    book = open_book().book

    def fails(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Pen, "put_head", fails)
    with pytest.raises(BookBroken) as told:
        book.write(Batch([record(1)]))
    assert told.value.code == "book_broken" and "Thẻ nhớ báo lỗi" in told.value.vi


def test_a_read_only_disk_is_told_by_its_name(open_book: Open, record: Record, pens: list[Pen]) -> None:
    """R41: the kernel remounts a dying card read-only; the book says so and waits."""
    book = open_book().book
    say(pens[-1], "query_only=1")
    with pytest.raises(BookBroken) as told:
        book.write(Batch([record(1)]))
    assert told.value.code == "disk_read_only" and told.value.cure
    say(pens[-1], "query_only=0")
    assert len(book.write(Batch([record(1)]))) == 1
