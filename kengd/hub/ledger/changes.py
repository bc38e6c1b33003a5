"""What a transaction has changed, written with it: whoever dies after the commit, the other workers are told all the same.

Noted where a table is written, so that the service, its fellows and the shell need no arrangement: `Ledger.write` puts all notes
of a transaction into one row at its end, and the others look for new rows by number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, or_, select

from kengd.hub.ledger.change_rows import ChangeRow
from kengd.hub.ledger.rows import table

CHANGE = table(ChangeRow)
KEPT_MS: Final = 600_000
"""A worker that has not looked for so long tells its pages to look at everything anew."""
_NOTES: Final = "kengd_notes"
_MOST: Final = 5_000


@dataclass(frozen=True, slots=True)
class Noted:
    """One change. `topic`: entry, dispatch, incident, book, trial, hub (see `feed.Change`). `data`: plain JSON data."""

    topic: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction of another process has changed."""

    n: int
    at_ms: int
    by: str
    noted: tuple[Noted, ...]


def listen(connection: Connection) -> dict[str, Noted]:
    """Begin to collect the notes of this transaction; the same one twice is one."""
    notes: dict[str, Noted] = {}
    connection.info[_NOTES] = notes
    return notes


def note(connection: Connection, topic: str, **data: Any) -> None:
    """Something changed in this transaction."""
    notes = connection.info.get(_NOTES)
    if notes is not None:
        notes[json.dumps([topic, data], sort_keys=True)] = Noted(topic, data)


def keep(connection: Connection, by: str, notes: Sequence[Noted], at_ms: int) -> None:
    """Write them down, last of all: numbers and commits then stand in nearly the same order."""
    said = json.dumps([[each.topic, each.data] for each in notes], ensure_ascii=False)
    connection.execute(CHANGE.insert().values(at_ms=at_ms, by=by, said=said))


def newest(connection: Connection) -> int:
    """The number of the last row; 0 when there is none."""
    return int(connection.execute(select(func.max(CHANGE.c.n))).scalar() or 0)


def oldest(connection: Connection) -> tuple[int, int]:
    """Number and moment of the first row that is still kept; zeros when there is none."""
    row = connection.execute(select(CHANGE.c.n, CHANGE.c.at_ms).order_by(CHANGE.c.n).limit(1)).first()
    return (0, 0) if row is None else (row.n, row.at_ms)


def after(connection: Connection, n: int) -> list[Change]:
    """Rows behind `n`, ascending."""
    query = select(CHANGE).where(CHANGE.c.n > n).order_by(CHANGE.c.n).limit(_MOST)
    return [Change(row.n, row.at_ms, row.by, _noted(row.said)) for row in connection.execute(query)]


def is_old(at_ms: int, now_ms: int) -> bool:
    """Everybody has read it; or a clock that was wrong has dated it ahead."""
    return abs(now_ms - at_ms) > KEPT_MS


def forget(connection: Connection, now_ms: int) -> None:
    """Strike what is old. The newest row stays: SQLite counts on from it."""
    last = select(func.max(CHANGE.c.n)).scalar_subquery()
    old = or_(CHANGE.c.at_ms < now_ms - KEPT_MS, CHANGE.c.at_ms > now_ms + KEPT_MS)
    connection.execute(delete(CHANGE).where(old, CHANGE.c.n < last))


def _noted(said: str) -> tuple[Noted, ...]:
    return tuple(Noted(topic, data) for topic, data in json.loads(said))
