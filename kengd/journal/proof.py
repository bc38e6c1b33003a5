"""Is the book whole? Every link from the oldest archive to the newest entry, read-only, while the daemon runs or not."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kengd.journal.archive import archives_of, read_archive
from kengd.journal.batch import Head
from kengd.journal.faults import SQLITE_FAULTS, unreadable
from kengd.journal.reading import Anchor, BadRow, anchor_of, entries_after, head_of, visit, walk
from kengd.wire.entry import FIRST_PREV, Entry, chain_hash, entry_of

DAMAGED: Final = (OSError, EOFError, zlib.error, ValueError)


@dataclass(frozen=True, slots=True)
class Proof:
    """What `verify` found. `wrong`: the first wrong seq, None when whole. `first`…`head.seq` were proved, `archived` of them
    in archives; `missing_archives`: entries before `first` exist no more here (only the hub has them)."""

    head: Head | None
    first: int
    archived: int
    wrong: int | None = None
    why: str = ""


def prove(path: Path) -> Proof:
    """Check archives, chain, end and the file's own structure. Raises KengdError `book_missing`, `book_forbidden`."""
    head: Head | None = None
    first, archived = 1, 0
    try:
        with visit(path) as connection:
            connection.execute("BEGIN")  # one moment of a book that is being written
            head, anchor = head_of(connection), anchor_of(connection)
            first, archived = _prove_archives(path.parent, head.book, anchor)
            end = anchor
            for facts, own_hash in walk(connection, head.book, anchor):
                end = Anchor(facts.seq, own_hash)
            if end != (head.seq, head.hash):
                raise BadRow(min(end.seq, head.seq) + 1, "the book does not end where it says it ends")
            _prove_structure(connection, end.seq)
    except BadRow as bad:
        return Proof(head, first, archived, bad.seq, bad.why)
    except SQLITE_FAULTS as error:
        return Proof(head, first, archived, 1, str(error))
    except OSError as error:
        raise unreadable(error, path) from error
    return Proof(head, first, archived)


def _prove_archives(directory: Path, book: str, anchor: Anchor) -> tuple[int, int]:
    """(first seq that is still here, entries proved in archives). The oldest archive's first `prev` is taken on trust unless
    it is entry 1. Raises BadRow."""
    archives = [archive for archive in archives_of(directory, book) if archive.first <= anchor.seq]
    if not archives:
        return anchor.seq + 1, 0
    end: Anchor | None = Anchor(0, FIRST_PREV) if archives[0].first == 1 else None
    for archive in archives:
        expected = archive.first if end is None else end.seq + 1
        if archive.first != expected:
            raise BadRow(expected, "the archive that holds it is missing")
        try:
            for entry in read_archive(archive.path):
                end = _link(entry, book, expected, end)
                expected += 1
        except DAMAGED as error:
            raise BadRow(expected, f"{archive.path.name}: {error}") from error
        if expected != archive.last + 1:
            raise BadRow(expected, f"{archive.path.name} ends too early")
    if end != anchor:
        raise BadRow((end.seq if end else 0) + 1, "the archives do not lead to the book")
    return archives[0].first, anchor.seq - archives[0].first + 1


def _link(entry: Entry, book: str, expected: int, before: Anchor | None) -> Anchor:
    prev = entry.prev if before is None else before.hash
    if (entry.book, entry.seq, entry.prev) != (book, expected, prev) or chain_hash(prev, entry) != entry.hash:
        raise BadRow(expected, "does not fit in its archive")
    return Anchor(entry.seq, entry.hash)


def _prove_structure(connection: sqlite3.Connection, last: int) -> None:
    """The chain holds, but the file's pages may not (the tables beside the entries). Raises BadRow."""
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found is None or found[0] != "ok":
        raise BadRow(last + 1, f"the chain holds to entry {last}, but the file is damaged: {found and found[0]}")


UNREADABLE: Final = (*DAMAGED, BadRow, sqlite3.Error, TypeError)


def newest(path: Path, n: int) -> list[Entry]:
    """The newest `n` entries in the book, oldest first, unproved. Raises KengdError `book_missing`, `book_broken` …"""
    try:
        with visit(path) as connection:
            connection.execute("BEGIN")
            return entries_after(connection, head_of(connection).seq - n, n)
    except UNREADABLE as error:
        raise unreadable(error, path) from error


def whole_book(path: Path) -> Iterator[Entry]:
    """Every entry that is still here, archives first, each link of the book proved. Raises KengdError as `newest`."""
    try:
        with visit(path) as connection:
            connection.execute("BEGIN")
            book, anchor = head_of(connection).book, anchor_of(connection)
            for archive in archives_of(path.parent, book):
                if archive.last <= anchor.seq:
                    yield from read_archive(archive.path)
            prev = anchor.hash
            for facts, own_hash in walk(connection, book, anchor):
                yield entry_of(facts, book, prev, own_hash)
                prev = own_hash
    except UNREADABLE as error:
        raise unreadable(error, path) from error
