"""Guards that no crash of a test machine would show: durability settings, page checks, read-only eyes (P7, R40)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from kengd.duty.words import Stamped
from kengd.journal.batch import Batch
from kengd.journal.book import OpenedBook
from kengd.journal.pen import Pen
from kengd.journal.proof import prove
from kengd.journal.reading import Reader, visit

Record = Callable[..., Stamped]
Open = Callable[..., OpenedBook]


def test_a_commit_is_on_the_card_before_it_is_acknowledged(tmp_path: Path) -> None:
    """A power cut loses nothing that was written: WAL with synchronous FULL (NORMAL lost 128 to 467 rows in five cuts)."""
    pen = Pen(tmp_path / "book.db")
    driver = pen.connection.connection.driver_connection
    assert driver is not None
    found = {
        name: driver.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "page_size")
    }
    pen.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "page_size": 512}


def test_damage_before_the_last_proved_entry_is_found_at_the_start(
    open_book: Open, record: Record, tmp_path: Path
) -> None:
    """R40: the start checks hashes only since the last note, but every page of the file."""
    path = tmp_path / "book" / "book.db"
    book = open_book().book
    book.write(Batch([record(n, by=f"người thứ {n}") for n in range(1, 2_500)]))
    book.write(Batch([record(2_500)]))
    assert (book.value("_proved") or "").startswith("2500:")
    book.close()
    rotten = bytearray(path.read_bytes())
    page = rotten.find("người thứ 200".encode()) // 512 * 512
    rotten[page : page + 64] = b"\0" * 64
    path.write_bytes(rotten)
    opened = open_book()
    assert opened.fresh == "book_set_aside"
    assert opened.set_aside is not None and 150 < (prove(opened.set_aside).wrong or 0) <= 200


@pytest.mark.parametrize(
    "sql",
    ["ALTER TABLE seen RENAME COLUMN first_reply TO x", "DROP TABLE ledger", "ALTER TABLE entry DROP COLUMN reason"],
)
def test_a_book_of_another_shape_is_set_aside(open_book: Open, record: Record, tmp_path: Path, sql: str) -> None:
    """R40: a rotten schema that SQLite still reads is no book of ours."""
    book = open_book().book
    book.write(Batch([record(1)]))
    book.close()
    with sqlite3.connect(tmp_path / "book" / "book.db") as hand:
        hand.execute(sql)
    hand.close()
    opened = open_book()
    assert opened.fresh == "book_set_aside"
    assert len(opened.book.write(Batch([record(2)]))) == 1


@pytest.mark.parametrize("living", [True, False])
def test_who_reads_cannot_write(open_book: Open, record: Record, tmp_path: Path, living: bool) -> None:
    """R52: neither the command line nor the office's readers can change an entry, even by mistake."""
    path = tmp_path / "book" / "book.db"
    book = open_book().book
    book.write(Batch([record(1)]))
    if living:
        reader = Reader(path)
        with reader.moment() as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM entry")
        reader.close()
    else:
        book.close()
    with visit(path) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM entry")
