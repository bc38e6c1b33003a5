"""Keeping the book small while its chain stays provable: archive first, delete after (R41)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from kengd.duty.words import Instant
from kengd.journal.archive import write_archive
from kengd.journal.opening import Known, proved_note
from kengd.journal.pen import Pen
from kengd.journal.reading import Reader, anchor_of
from kengd.wire.entry import LATEST_MS, parse_at

KEEP_ENTRIES: Final = 200_000
KEEP_DAYS: Final = 5 * 366
LEAST_KEPT: Final = 1_000
CHUNK: Final = 5_000
_LEDGER_KEPT: Final = timedelta(days=400)


def trim(
    pen: Pen, reader: Reader, known: Known, now: Instant, *, keep_entries: int, keep_days: int, sent_seq: int | None
) -> int:
    """One chunk of `Book.tidy`; how many entries went. Raises what SQLite and the file system raise."""
    with reader.moment() as connection:
        anchor = anchor_of(connection)
    newest, keep = known.head.seq, max(keep_entries, LEAST_KEPT)
    upto = max(newest - keep, _older_than(reader, anchor.seq, now.wall_ms - keep_days * 86_400_000))
    if sent_seq is not None:
        upto = min(upto, max(sent_seq, newest - 2 * keep))
    upto = min(upto, newest - LEAST_KEPT, anchor.seq + CHUNK)
    leaving = reader.entries(anchor.seq, upto - anchor.seq) if upto > anchor.seq else []
    values: dict[str, str | None] = {}
    if leaving:
        last = leaving[-1]
        write_archive(pen.path.parent, known.head.book, leaving, leaving[0].seq, last.seq)
        values = {"_anchor": f"{last.seq}:{last.hash}", "_proved": proved_note(known)}
    today = datetime.fromtimestamp(min(max(now.wall_ms, 0), LATEST_MS) // 1000, UTC).date()
    with pen.connection.begin():
        pen.forget(leaving[-1].seq if leaving else 0, now.wall_ms // 1000, (today - _LEDGER_KEPT).isoformat())
        pen.put_values(values)
    if leaving:
        known.proved_seq = newest
    return len(leaving)


def _older_than(reader: Reader, anchor_seq: int, wall_ms: int) -> int:
    """The last of the oldest entries (at most one chunk of them) that were written before `wall_ms`."""
    upto = anchor_seq
    for entry in reader.entries(anchor_seq, CHUNK):
        if parse_at(entry.at) >= wall_ms:
            break
        upto = entry.seq
    return upto
