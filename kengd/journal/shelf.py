"""Where the book stands: it is held by one process, taken up at start and again after a fault, set aside when damaged."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from kengd.duty.words import ClockTrust, Instant, Stamped
from kengd.journal.aside import newest_aside, set_aside
from kengd.journal.batch import Head
from kengd.journal.faults import SQLITE_FAULTS, BookBroken, Malformed, broken, in_use, is_corrupt
from kengd.journal.opening import Known, OtherPost, begin_book, first_entry, take_up
from kengd.journal.pen import Pen
from kengd.journal.reading import Reader

FILE: Final = "book.db"
FAULTS: Final = (SQLAlchemyError, *SQLITE_FAULTS, OSError)


class Shelf:
    """The open file and what is known of it. Its methods are called with `lock` held, but for `reading`."""

    def __init__(
        self, directory: Path, post: str, now: Instant, boot: str, clock: ClockTrust, unit_replaced: bool
    ) -> None:
        self.directory = directory
        self.lock = threading.RLock()
        self._path = directory / FILE
        self._post, self._now, self._boot, self._clock = post, now, boot, clock
        self._reason = "unit_replaced" if unit_replaced else "new"
        self._hold: int | None = None
        self._pen: Pen | None = None
        self._reader: Reader | None = None
        self._known: Known | None = None
        self._doubtful = False
        self.fresh: str | None = None
        self.aside: Path | None = None

    @property
    def post(self) -> str:
        """The post this book belongs to."""
        return self._post

    def take_hold(self) -> None:
        """The folder (0700) and the right to write in it: a second process would set aside a living book."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.directory.stat().st_mode & 0o077:
                self.directory.chmod(0o700)
            self._hold = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise in_use(self.directory) from held
        except OSError as error:
            raise broken(error, self.directory) from error

    def saw(self, stamped: Stamped) -> None:
        """The newest moment heard of: a book begun in the middle of a run needs a time for its first entry."""
        self._now, self._clock, self._boot = Instant(stamped.mono_ms, stamped.wall_ms), stamped.clock, stamped.boot

    def ready(self) -> tuple[Pen, Known]:
        """The pen and what is known, taken up again after a fault. Raises BookBroken."""
        if self._hold is None:
            raise BookBroken("book_broken", "Sổ kẻng đã đóng.", en="the book is closed")
        if (self._pen is not None and not self._pen.is_there()) or (
            self._reader is not None and self._reader.found_damage
        ):
            self._let_go()
        if self._pen is not None and self._doubtful and not self._still_fits(self._pen):
            self._let_go()
        if self._pen is None or self._known is None:
            return self._take_up()
        return self._pen, self._known

    def know(self, known: Known) -> None:
        """After a commit: what is in the file now."""
        self._known = known

    def reading(self) -> Reader:
        """The read connection, from any thread. Raises BookBroken."""
        reader = self._reader
        if reader is None:
            with self.lock:
                self.ready()
                reader = self._reader
        assert reader is not None
        return reader

    def fault(self, error: BaseException) -> BookBroken:
        """A write failed: look before the next one, and begin anew when the file itself is damaged."""
        self._doubtful = True
        if is_corrupt(error):
            self._let_go()
        return broken(error, self.directory)

    def close(self) -> None:
        """Let go of the file and the folder. Safe to call twice."""
        self._let_go()
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None

    def _take_up(self) -> tuple[Pen, Known]:
        """Go on with a whole book, or set a damaged one aside and begin. Set aside only what is damaged: a full, read-only or
        failing disk is no reason for a new book."""
        try:
            try:
                if not self._path.exists():
                    set_aside(self._path, self._now.wall_ms)  # a log without its book must not flow into the new one
                self._pen = Pen(self._path)
                known = take_up(self._pen, self._post)
            except (*FAULTS, Malformed) as error:
                if not (isinstance(error, Malformed) or is_corrupt(error)):
                    raise
                self._let_go()
                if isinstance(error, OtherPost):
                    self._reason = "unit_replaced"
                set_aside(self._path, self._now.wall_ms)
                self._pen, known = Pen(self._path), None
            self.fresh = self.aside = None
            if known is None:
                known = self._begin(self._pen)
            self._reader = Reader(self._path)
            self._known = known
        except FAULTS as error:
            self._let_go()
            raise broken(error, self.directory) from error
        except BaseException:
            self._let_go()
            raise
        return self._pen, known

    def _begin(self, pen: Pen) -> Known:
        """A new book. A book that was set aside before is its reason, even when the disk was too full to begin at once."""
        aside = newest_aside(self.directory)
        reason = "book_set_aside" if self._reason == "new" and aside is not None else self._reason
        first = first_entry(reason, self._boot, self._now.mono_ms, self._now.wall_ms, self._clock, aside)
        known = begin_book(pen, self._post, first, aside if reason == "book_set_aside" else None)
        self.fresh, self.aside, self._reason = reason, aside, "new"
        return known

    def _still_fits(self, pen: Pen) -> bool:
        """After a failed write: does the file end where we think it ends?"""
        try:
            with pen.connection.begin():
                row = pen.connection.exec_driver_sql("SELECT book, seq, hash FROM head WHERE id = 1").one()
        except FAULTS:
            return False
        self._doubtful = False
        return self._known is not None and Head(row[0], row[1], row[2].hex()) == self._known.head

    def _let_go(self) -> None:
        for part in (self._reader, self._pen):
            if part is not None:
                with suppress(*FAULTS):
                    part.close()
        self._reader = self._pen = self._known = None
        self._doubtful = False
