"""Copies of the book for upgrades and the way back; standard library only, since the bell waits for `bring_back`.

A release that knows a newer shape of the file changes the book when it takes it up; a release of before then sets that book
aside and begins another, as with a damaged one (`opening`). Entries may exist once only: the copy of before the upgrade goes
on as the book only when nothing was written since. Otherwise the hub would get two entries under one (book, seq).
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kengd.journal.archive import sync_folder
from kengd.journal.aside import set_aside
from kengd.journal.faults import SQLITE_FAULTS, unreadable
from kengd.journal.reading import BadRow, head_of, value_of, visit

FILE = "book.db"


@dataclass(frozen=True, slots=True)
class Since:
    """Today's book beside a copy made before. `shape`: the file's, beside the copy's ("newer": a newer release changed it);
    `new_entries`: written since, None when that cannot be told (another book, a damaged one); `unsent`: of all entries, not
    at the hub yet."""

    shape: Literal["same", "newer", "older"]
    new_entries: int | None
    unsent: int | None


def copy_book(source: Path, target: Path) -> None:
    """One moment of a book that may be in use, as a whole file on disk. `source`: book.db. Raises KengdError, OSError."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".new")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with visit(source) as book:
            copy = sqlite3.connect(unfinished)
            try:
                book.backup(copy)  # all pages in one step: the writer meanwhile writes behind it
                copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
            finally:
                copy.close()
    except (*SQLITE_FAULTS, OSError) as error:
        unfinished.unlink(missing_ok=True)
        raise unreadable(error, source) from error
    _sync(unfinished)
    os.replace(unfinished, target)
    sync_folder(target.parent)


def since(today: Path, before: Path) -> Since:
    """What has happened to the book since this copy was made. Raises KengdError `book_missing`, `book_broken` …"""
    try:
        with visit(today) as new, visit(before) as old:
            now, then = (int(book.execute("PRAGMA user_version").fetchone()[0]) for book in (new, old))
            shape: Literal["same", "newer", "older"] = "same" if now == then else "newer" if now > then else "older"
            return Since(shape, _new_entries(new, old), _unsent(new))
    except (*SQLITE_FAULTS, OSError) as error:
        raise unreadable(error, today) from error


def bring_back(directory: Path, before: Path, wall_ms: int) -> Since:
    """With the post stopped: the copy takes the place of a book that a newer release reshaped and wrote nothing in.

    Anything else is left to the release that starts next: it goes on with a book it knows, and sets one aside that it does
    not know. A power cut between the two renames costs the copy's identity, never an entry: the next start begins a new
    book. Raises KengdError, OSError.
    """
    found = since(directory / FILE, before)
    if found.shape == "newer" and found.new_entries == 0:
        copy_book(before, directory / f"{FILE}.before")
        set_aside(directory / FILE, wall_ms)
        os.replace(directory / f"{FILE}.before", directory / FILE)
        sync_folder(directory)
    return found


def _new_entries(new: sqlite3.Connection, old: sqlite3.Connection) -> int | None:
    """How many came after the copy's end; None unless the book goes on from that very entry."""
    try:
        now, then = head_of(new), head_of(old)
    except BadRow:
        return None
    row = new.execute("SELECT hash FROM entry WHERE seq = ?", (then.seq,)).fetchone()
    if now.book != then.book or (now.seq != then.seq and (row is None or row[0].hex() != then.hash)):
        return None
    if now.seq == then.seq and now.hash != then.hash:
        return None
    return now.seq - then.seq


def _unsent(book: sqlite3.Connection) -> int | None:
    """Entries behind the outbox's cursor, "BOOK:SEQ"; the cursor is kept lazily, so this is at most too many."""
    try:
        head, kept = head_of(book), value_of(book, "outbox_cursor")
    except BadRow:
        return None
    name, _, seq = (kept or "").partition(":")
    return head.seq - int(seq) if name == head.book and seq.isdecimal() else head.seq


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
