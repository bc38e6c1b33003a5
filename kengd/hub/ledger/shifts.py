"""Shifts of duty: one officer relieves another, and nobody is relieved twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from kengd.hub.ledger import changes
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.shift_rows import ShiftRow

SHIFT = table(ShiftRow)


@dataclass(frozen=True, slots=True)
class Shift:
    """`officer`: an id. `after`: the shift it relieved, 0: none. `note`, `summary`: what was handed over at `handed_ms`, None: nothing
    was. `ended_ms`: when somebody took over, None: the officer is on duty."""

    n: int
    after: int
    officer: str
    began_ms: int
    note: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    handed_ms: int | None = None
    ended_ms: int | None = None


def newest(connection: Connection) -> Shift | None:
    """The one that is on duty now; None: nobody has ever been."""
    found = last(connection, 1)
    return found[0] if found else None


def last(connection: Connection, limit: int) -> list[Shift]:
    """Newest first."""
    query = select(SHIFT).order_by(SHIFT.c.n.desc()).limit(limit)
    return [_shift(row) for row in connection.execute(query).mappings()]


def of_officer(connection: Connection, officer: str) -> list[Shift]:
    """All shifts of one officer, oldest first."""
    query = select(SHIFT).where(SHIFT.c.officer == officer).order_by(SHIFT.c.n)
    return [_shift(row) for row in connection.execute(query).mappings()]


def begin(connection: Connection, after: int, officer: str, now_ms: int) -> Shift | None:
    """This officer relieves the shift `after` (0: nobody has been on duty before). None: somebody else has just done so, or it is
    not the one that is on duty."""
    now = newest(connection)
    if (0 if now is None else now.n) != after:
        return None
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"after": after, "officer": officer, "began_ms": now_ms, "note": "", "summary": "{}"}
    statement = insert(SHIFT).values(**values).on_conflict_do_nothing().returning(SHIFT.c.n)
    n = connection.execute(statement).scalar()
    if n is None:
        return None
    connection.execute(update(SHIFT).where(SHIFT.c.n == after).values(ended_ms=now_ms))
    changes.note(connection, "hub", shift=n)
    return Shift(n, after, officer, began_ms=now_ms)


def hand_over(connection: Connection, n: int, note: str, summary: Mapping[str, Any], now_ms: int) -> bool:
    """What the next officer has to know; said again, it replaces what nobody has taken over yet. False: the shift is over."""
    values = {"note": note, "summary": json.dumps(dict(summary), ensure_ascii=False), "handed_ms": now_ms}
    where = and_(SHIFT.c.n == n, SHIFT.c.ended_ms.is_(None))
    done = connection.execute(update(SHIFT).where(where).values(**values)).rowcount > 0
    if done:
        changes.note(connection, "hub", shift=n)
    return done


def _shift(row: RowMapping) -> Shift:
    return Shift(
        row["n"], row["after"], row["officer"], row["began_ms"], row["note"], json.loads(row["summary"]), row["handed_ms"],
        row["ended_ms"],
    )  # fmt: skip
