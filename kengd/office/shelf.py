"""The shelf: the duty book where there is one. A book that cannot be opened now is tried again; meanwhile nothing stops (R40)."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from kengd.duty.words import ClockTrust, Instant
from kengd.journal.batch import Batch, Head, KeptMark, SeenCommand
from kengd.journal.book import Book
from kengd.journal.faults import BookBroken
from kengd.wire.entry import Entry, to_json

log = logging.getLogger("kengd.shelf")
T = TypeVar("T")


class Shelf:
    """All reads answer with nothing while the book cannot be read; `write` raises BookBroken."""

    def __init__(self, state_dir: Path, post: str, now: Callable[[], Instant], boot: str) -> None:
        self._directory = state_dir / "book"
        self._marker = state_dir / "unit_replaced"
        self._post = post
        self._now = now
        self._boot = boot
        self._lock = threading.Lock()
        self._book: Book | None = None
        self.clock: ClockTrust = "untrusted"
        self.began: Instant | None = None
        self.fresh: str | None = None
        self._said: str | None = None

    def open(self) -> Book:
        """The book, opened if need be. Raises BookBroken."""
        with self._lock:
            if self._book is None:
                opened = Book.open(
                    self._directory,
                    post=self._post,
                    now=self.began or self._now(),
                    boot=self._boot,
                    clock=self.clock,
                    unit_replaced=os.path.exists(self._marker),
                )
                self._book, self.fresh = opened.book, opened.fresh
                if opened.fresh is not None:
                    log.warning("a new duty book was begun: %s", opened.fresh)
            return self._book

    def write(self, batch: Batch) -> list[Entry]:
        """See `Book.write`."""
        return self.open().write(batch)

    def head(self) -> Head:
        """The newest entry, or an empty head."""
        return self._read(lambda book: book.head(), Head("", 0, "0" * 64))

    def entries(self, after_seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """(seq, JSON) for the outbox."""
        nothing: list[Entry] = []
        found = self._read(lambda book: book.entries(after_seq, limit), nothing)
        return [(entry.seq, to_json(entry).encode()) for entry in found]

    def tail(self, n: int) -> list[Entry]:
        """The newest entries."""
        return self._read(lambda book: book.tail(n), [])

    def believed_ms(self) -> int | None:
        """What the clock said (unix ms) in the newest entry under a believed one; 0 = no such entry, None = cannot be read."""
        return self._read(lambda book: book.believed_ms(), None)

    def seen_commands(self) -> Iterable[SeenCommand]:
        """For the order desk's start."""
        return self._read(lambda book: book.seen(), [])

    def ledger(self) -> list[KeptMark]:
        """All timetable marks that are kept."""
        return self._read(lambda book: book.ledger(), [])

    def values(self, prefix: str) -> dict[str, str]:
        """Stored values."""
        return self._read(lambda book: book.values(prefix), {})

    def open_activations(self) -> list[Entry]:
        """Rings that were under way when the book was last written."""
        return self._read(lambda book: book.open_activations(), [])

    def written_upto(self, spool: str) -> int:
        """The highest record of this spool in the book; 0 = none."""
        return self._read(lambda book: book.written_upto(spool), 0)

    def last_alarm_end(self, alarms: Sequence[str]) -> tuple[int, bool] | None:
        """(unix ms, power lost) of the last ACTUAL alarm's end."""
        end = self._read(lambda book: book.last_alarm_end(alarms), None)
        return None if end is None else (end.ended_wall_ms, end.reason == "power_lost")

    def tidy(self, now: Instant, keep_entries: int, keep_days: int, sent_seq: int) -> None:
        """Daily: archive what is too old."""
        with self._lock:
            book = self._book
        if book is not None:
            while book.tidy(now, keep_entries=keep_entries, keep_days=keep_days, sent_seq=sent_seq):
                pass

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._book is not None:
                self._book.close()
                self._book = None

    def _read(self, read: Callable[[Book], T], otherwise: T) -> T:
        try:
            found = read(self.open())
        except BookBroken as broken:
            if self._said != broken.code:  # once, not once a second
                log.warning("the book cannot be read: %s", broken)
            self._said = broken.code
            return otherwise
        self._said = None
        return found
