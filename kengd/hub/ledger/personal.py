"""What is kept of one person, in all tables; and its erasing. Entries of books are chained and stay as they were written."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Column, Connection, delete, func, or_, select, update

from kengd.hub.ledger import shifts
from kengd.hub.ledger.audits import by_one
from kengd.hub.ledger.book_rows import EntryRow
from kengd.hub.ledger.dispatch_rows import DispatchRow
from kengd.hub.ledger.incident_rows import IncidentRow, OutcomeRow
from kengd.hub.ledger.people import KEEPER, OFFICER, SESSION, TOKEN, officer, sessions, tokens
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.watch_rows import NoticeRow

ENTRY, DISPATCH, NOTICE = table(EntryRow), table(DispatchRow), table(NoticeRow)
INCIDENT, OUTCOME = table(IncidentRow), table(OutcomeRow)

OFFICER_LEFT: Final = "cán bộ đã nghỉ"
KEEPER_LEFT: Final = "người giữ kẻng đã nghỉ"
_NAMED: Final = (
    DISPATCH.c.by,
    DISPATCH.c.second,
    INCIDENT.c.acknowledged_by,
    INCIDENT.c.closed_by,
    OUTCOME.c.by,
    OUTCOME.c.done_by,
)
"""Where people's names stand outside the books."""


def of_officer(connection: Connection, officer_id: str) -> dict[str, Any] | None:
    """All that is kept of an officer, as plain JSON data without hashes of secrets; None: no such officer."""
    found = officer(connection, officer_id)
    if found is None:
        return None
    return {
        "officer": asdict(found),
        "devices": [asdict(item) for item in sessions(connection, officer_id, -1)],
        "tokens": [asdict(item) for item in tokens(connection, officer_id)],
        "audit": [asdict(item) for item in by_one(connection, officer_id)],
        "shifts": [asdict(item) for item in shifts.of_officer(connection, officer_id)],
        "dispatches": _dispatches(connection, officer_id, found.name),
        **_by_name(connection, found.name, _addresses(found.id, found.name, found.phone, found.channels)),
    }


def of_keeper(connection: Connection, keeper_id: str) -> dict[str, Any] | None:
    """All that is kept of a keeper; None: no such keeper."""
    row = connection.execute(select(KEEPER).where(KEEPER.c.id == keeper_id)).mappings().first()
    if row is None:
        return None
    channels = tuple(json.loads(row["channels"]))
    plain = {key: value for key, value in row.items() if key not in ("pin", "channels")}
    return {
        "keeper": {**plain, "channels": channels, "has_pin": row["pin"] is not None},
        **_by_name(connection, row["name"], _addresses(keeper_id, row["name"], row["phone"], channels)),
    }


def erase_officer(connection: Connection, officer_id: str, now_ms: int) -> bool:
    """Phone, channels, name and devices of one who has ended. False: no such officer, not ended, or erased before."""
    found = officer(connection, officer_id)
    if found is None or found.ended_ms is None or found.erased_ms is not None:
        return False
    gone = _addresses(found.id, found.name, found.phone, found.channels)
    news: dict[str, Any] = {
        "name": OFFICER_LEFT, "phone": "", "channels": "[]", "password": "", "pin": None, "erased_ms": now_ms,
    }  # fmt: skip
    connection.execute(update(OFFICER).where(OFFICER.c.id == officer_id).values(**news))
    connection.execute(delete(SESSION).where(SESSION.c.officer == officer_id))
    connection.execute(delete(TOKEN).where(TOKEN.c.officer == officer_id))
    connection.execute(update(DISPATCH).where(DISPATCH.c.officer == officer_id).values(by=OFFICER_LEFT))
    _forget(connection, found.name, gone, OFFICER_LEFT)
    return True


def erase_keeper(connection: Connection, keeper_id: str) -> bool:
    """The keeper's row as a whole, nothing hangs on it; the name elsewhere. False: no such keeper."""
    row = connection.execute(select(KEEPER).where(KEEPER.c.id == keeper_id)).first()
    if row is None:
        return False
    gone = _addresses(keeper_id, row.name, row.phone, tuple(json.loads(row.channels)))
    connection.execute(delete(KEEPER).where(KEEPER.c.id == keeper_id))
    _forget(connection, row.name, gone, KEEPER_LEFT)
    return True


def left_before(connection: Connection, ms: int) -> list[str]:
    """Officers who ended before then and are not erased yet."""
    where = (OFFICER.c.ended_ms < ms) & OFFICER.c.erased_ms.is_(None)
    return list(connection.execute(select(OFFICER.c.id).where(where).order_by(OFFICER.c.id)).scalars())


def _forget(connection: Connection, name: str, addresses: set[str], label: str) -> None:
    """The name wherever it stands as somebody's, unless it is also another person's: then nobody can say whose it was."""
    others = [
        connection.execute(select(func.count()).select_from(rows).where(rows.c.name == name)).scalar_one()
        for rows in (OFFICER, KEEPER)
    ]
    if not any(others):
        for column in _NAMED:
            _replace(connection, column, name, label)
        addresses = addresses | {name}
    else:
        addresses = addresses - {name}
    connection.execute(update(NOTICE).where(NOTICE.c.to.in_(addresses)).values(to=label))
    connection.execute(update(NOTICE).where(NOTICE.c.channel.in_(addresses)).values(channel=""))


def _replace(connection: Connection, column: Column[Any], old: str, new: str) -> None:
    connection.execute(update(column.table).where(column == old).values({column.key: new}))


def _addresses(person: str, name: str, phone: str, channels: tuple[str, ...]) -> set[str]:
    return {text for text in (person, name, phone, *channels) if text}


def _dispatches(connection: Connection, officer_id: str, name: str) -> list[dict[str, Any]]:
    query = (
        select(DISPATCH.c.id, DISPATCH.c.do, DISPATCH.c.signal, DISPATCH.c.by, DISPATCH.c.why, DISPATCH.c.made_ms)
        .where(or_(DISPATCH.c.officer == officer_id, DISPATCH.c.second.in_((officer_id, name)), DISPATCH.c.by == name))
        .order_by(DISPATCH.c.made_ms, DISPATCH.c.id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _by_name(connection: Connection, name: str, addresses: set[str]) -> dict[str, Any]:
    taken = or_(INCIDENT.c.acknowledged_by == name, INCIDENT.c.closed_by == name)
    wrote = or_(OUTCOME.c.by == name, OUTCOME.c.done_by == name)
    told = or_(NOTICE.c.to.in_(addresses), NOTICE.c.channel.in_(addresses))
    entries = select(ENTRY.c.post, ENTRY.c.book, ENTRY.c.seq, ENTRY.c.at_ms, ENTRY.c.kind, ENTRY.c.reason)
    return {
        "incidents": _plain(connection, select(INCIDENT).where(taken).order_by(INCIDENT.c.began_ms, INCIDENT.c.id)),
        "outcomes": _plain(connection, select(OUTCOME).where(wrote).order_by(OUTCOME.c.n)),
        "notices": _plain(connection, select(NOTICE).where(told).order_by(NOTICE.c.n)),
        "entries": _plain(connection, entries.where(ENTRY.c.by == name).order_by(ENTRY.c.n)),
    }


def _plain(connection: Connection, query: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]
