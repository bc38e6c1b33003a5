"""Would this release go on with that book? Tried on a copy: taken up, proved, written in, proved again. Imports the ORM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kengd.duty.words import Draft, EntryKind, Instant, Stamped
from kengd.errors import KengdError
from kengd.journal.batch import Batch
from kengd.journal.book import Book
from kengd.journal.copying import FILE, copy_book
from kengd.journal.faults import SQLITE_FAULTS
from kengd.journal.proof import prove
from kengd.journal.reading import visit

_BOOT = "trial"


@dataclass(frozen=True, slots=True)
class Tried:
    """`goes_on`: this release takes the book up as it is and writes on in it; otherwise it would set it aside and begin
    another. `whole`: the chain held before it was touched. `why`: what does not hold, for logs."""

    goes_on: bool
    whole: bool
    entries: int
    why: str = ""


def try_book(source: Path, scratch: Path, now: Instant) -> Tried:
    """Try it on a copy in `scratch` (an empty directory; the archives beside `source` are only read).

    Raises KengdError (no book, not readable, no room).
    """
    copy = scratch / FILE
    copy_book(source, copy)
    if (source.parent / "archive").is_dir():
        (scratch / "archive").symlink_to(source.parent / "archive")
    before = prove(copy)
    entries = 0 if before.head is None else before.head.seq
    opened = Book.open(scratch, post=_owner(copy), now=now, boot=_BOOT)
    try:
        if opened.fresh is not None:
            return Tried(False, before.wrong is None, entries, opened.fresh)
        draft = Draft(EntryKind.TESTED, reason="upgrade")
        opened.book.write(Batch([Stamped(0, _BOOT, now.mono_ms, now.wall_ms, "untrusted", draft)]))
    except KengdError as broken:
        return Tried(False, before.wrong is None, entries, broken.en)
    finally:
        opened.book.close()
    after = prove(copy)
    grown = after.head is not None and after.head.seq == entries + 1
    return Tried(grown and after.wrong == before.wrong, before.wrong is None, entries, after.why)


def _owner(book: Path) -> str:
    """Whose book it is, by its own word; a book that does not say so is nobody's."""
    try:
        with visit(book) as connection:
            row = connection.execute("SELECT post FROM head WHERE id = 1").fetchone()
    except SQLITE_FAULTS:
        return ""
    return str(row[0]) if row else ""
