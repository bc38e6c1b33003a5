"""The duty book: what is written is on disk, in true order, chained by hash, and stays provable (P5, P7, P8, R40, R41, R52)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kengd.duty.words import ClockTrust, Instant
from kengd.journal.batch import Batch, Head, KeptMark, SeenCommand
from kengd.journal.faults import must_be_writable
from kengd.journal.opening import Known, proved_note
from kengd.journal.pen import Pen
from kengd.journal.reading import AlarmEnd
from kengd.journal.shelf import FAULTS, Shelf
from kengd.journal.stamping import stamp
from kengd.journal.trimming import KEEP_DAYS, KEEP_ENTRIES, trim
from kengd.wire.entry import Entry, Facts

_NOTE_EVERY: Final = 1_000


@dataclass(frozen=True, slots=True)
class OpenedBook:
    """`fresh`: None when an existing book goes on, else the reason of its first entry (`new`, `book_set_aside`,
    `unit_replaced`), which is written already. `former_boot`: kernel boot id of the last batch before this start."""

    book: Book
    fresh: str | None
    set_aside: Path | None
    former_boot: str | None


class Book:
    """One writer; reads from any thread. All methods but `close` raise BookBroken."""

    def __init__(self, shelf: Shelf) -> None:
        """Use `Book.open`."""
        self._shelf = shelf

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        post: str,
        now: Instant,
        boot: str,
        clock: ClockTrust = "untrusted",
        unit_replaced: bool = False,
    ) -> OpenedBook:
        """Take up `directory`/book.db, or begin it. Raises BookBroken (nothing was changed; try again later).

        `unit_replaced`: the caller found the installer's marker; it becomes the reason of a book begun for want of one.
        """
        shelf = Shelf(directory, post, now, boot, clock, unit_replaced)
        try:
            shelf.take_hold()
            known = shelf.ready()[1]
        except BaseException:
            shelf.close()
            raise
        return OpenedBook(cls(shelf), shelf.fresh, shelf.aside, None if shelf.fresh else known.boot)

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        with self._shelf.lock:
            self._shelf.close()

    # ---- writing

    def write(self, batch: Batch) -> list[Entry]:
        """All of the batch on disk in one transaction, or BookBroken and nothing of it. The entries newly written, in order.

        A spool record that was written before (same boot, n not above the highest written) is left out.
        """
        with self._shelf.lock:
            if batch.drafts:
                self._shelf.saw(batch.drafts[-1])
            pen, known = self._shelf.ready()
            must_be_writable(self._shelf.directory)
            try:
                return self._write(pen, known, batch)
            except FAULTS as error:
                raise self._shelf.fault(error) from error

    def _write(self, pen: Pen, known: Known, batch: Batch) -> list[Entry]:
        rows, entries, marks, boot = self._chain(known, batch)
        if not (entries or batch.seen or batch.ledger or batch.values):
            return []
        first_replies: dict[str, int] = {}
        for entry in entries:
            if entry.command_id is not None:
                first_replies.setdefault(entry.command_id, entry.seq)
        seen = [
            s
            if s.first_reply is not None
            else SeenCommand(s.jti, s.sha256, s.until_s, s.repeats, first_replies.get(s.jti))
            for s in batch.seen
        ]
        replies = {jti: seq for jti, seq in first_replies.items() if jti in known.unanswered}
        with pen.connection.begin():
            pen.add(rows)
            pen.put_seen(seen)
            pen.answer_seen(replies)
            pen.put_ledger(batch.ledger)
            pen.put_values(batch.values)
            known = self._advanced(pen, known, entries, marks, boot)
        known.unanswered = (known.unanswered - replies.keys()) | {s.jti for s in seen if s.first_reply is None}
        self._shelf.know(known)
        return entries

    def _chain(self, known: Known, batch: Batch) -> tuple[list[tuple[Facts, str]], list[Entry], dict[str, int], str]:
        rows: list[tuple[Facts, str]] = []
        entries: list[Entry] = []
        marks, boot = dict(known.marks), known.boot
        book, seq, prev = known.head
        for stamped in batch.drafts:
            if stamped.n >= 1:
                if stamped.n <= marks.get(stamped.boot, 0):
                    continue
                marks[stamped.boot] = stamped.n
            boot = stamped.boot
            seq += 1
            facts, entry = stamp(stamped, seq, prev, book)
            prev = entry.hash
            rows.append((facts, prev))
            entries.append(entry)
        return rows, entries, marks, boot

    def _advanced(self, pen: Pen, known: Known, entries: list[Entry], marks: dict[str, int], boot: str) -> Known:
        """Within the transaction: the new end of the book, and now and then a note from where the next start must check."""
        if not entries:
            return known
        last = entries[-1]
        for former in marks.keys() - {boot}:
            if marks[former] != known.marks.get(former, 0) or former == known.boot:
                pen.put_spool(former, marks[former], last.seq)
        pen.put_head(self._shelf.post, Head(last.book, last.seq, last.hash), boot, marks.get(boot, 0))
        news = Known(
            Head(last.book, last.seq, last.hash), boot, marks, dict(known.ringing), known.unanswered, known.proved_seq
        )
        for entry in entries:
            news.learn(entry)
        if last.seq - known.proved_seq >= _NOTE_EVERY:
            pen.put_values({"_proved": proved_note(news)})
            news.proved_seq = last.seq
        return news

    # ---- reading, from any thread

    def head(self) -> Head:
        """(book id, seq, hash) of the newest entry."""
        with self._shelf.lock:
            return self._shelf.ready()[1].head

    def entries(self, after_seq: int, limit: int) -> list[Entry]:
        """Up to `limit` entries with seq > `after_seq`, oldest first; archived ones are left out."""
        return self._shelf.reading().entries(after_seq, limit)

    def tail(self, n: int) -> list[Entry]:
        """The newest `n`, oldest first."""
        return self._shelf.reading().tail(n)

    def believed_ms(self) -> int:
        """What the clock said (unix ms) in the newest entry that was written under a believed one; 0 = there is none."""
        return self._shelf.reading().believed_ms()

    def first_reply(self, command_id: str) -> Entry | None:
        """The first entry that answered this command."""
        return self._shelf.reading().first_reply(command_id)

    def seen(self) -> list[SeenCommand]:
        """All commands that are still remembered, for the start."""
        return self._shelf.reading().seen()

    def ledger(self, since_date: str = "") -> list[KeptMark]:
        """Timetable marks of local dates ≥ `since_date` ("YYYY-MM-DD")."""
        return self._shelf.reading().ledger(since_date)

    def value(self, key: str) -> str | None:
        """A stored value, or None."""
        return self._shelf.reading().value(key)

    def values(self, prefix: str = "") -> dict[str, str]:
        """All values whose key begins with `prefix`."""
        return self._shelf.reading().values(prefix)

    def last_alarm_end(self, alarm_signals: Collection[str] = ("alarm",)) -> AlarmEnd | None:
        """The newest end of an ACTUAL sounding of one of these signals (those of Kind.ALARM)."""
        return self._shelf.reading().last_alarm_end(alarm_signals)

    def open_activations(self) -> list[Entry]:
        """The first `ringing` entry of each cause (the first of an activation, and those that joined) that has no end."""
        with self._shelf.lock:
            return list(self._shelf.ready()[1].ringing.values())

    def written_upto(self, boot: str) -> int:
        """The highest spool record of this boot in the book; 0 = none."""
        with self._shelf.lock:
            return self._shelf.ready()[1].marks.get(boot, 0)

    # ---- keeping it small

    def tidy(
        self, now: Instant, *, keep_entries: int = KEEP_ENTRIES, keep_days: int = KEEP_DAYS, sent_seq: int | None = None
    ) -> int:
        """Archive and delete what is too old or too much; how many entries went. Call it daily, only under a trusted clock.

        Entries after `sent_seq` (not at the hub yet) stay until there are twice `keep_entries`. The newest 1,000 always stay.
        Seen commands go after `until_s`, timetable marks after 400 days. At most 5,000 entries a call: call again while > 0.
        """
        with self._shelf.lock:
            pen, known = self._shelf.ready()
            must_be_writable(self._shelf.directory)
            reader = self._shelf.reading()
            try:
                return trim(pen, reader, known, now, keep_entries=keep_entries, keep_days=keep_days, sent_seq=sent_seq)
            except FAULTS as error:
                raise self._shelf.fault(error) from error
