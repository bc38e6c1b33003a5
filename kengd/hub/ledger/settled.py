"""Codebooks and timetables that posts were sent: what was sent when, how far each post is, and what it said when it refused."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, and_, func, select

from kengd.hub.dispatching import State, Target
from kengd.hub.ledger.book_rows import EntryRow
from kengd.hub.ledger.dispatch_rows import CommandRow, DispatchRow
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.targets import TARGET, target_of

DISPATCH, COMMAND, ENTRY = table(DispatchRow), table(CommandRow), table(EntryRow)
MOST_TARGETS: Final = 5_000


def orders_sent(connection: Connection, do: str, limit: int) -> list[tuple[Dispatch, bytes]]:
    """Orders of this kind (`codebook`, `timetable`), newest first, each with one of its signed commands: all say the same."""
    some = select(COMMAND.c.dispatch, func.min(COMMAND.c.jti).label("jti")).group_by(COMMAND.c.dispatch).subquery()
    query = (
        select(DISPATCH, COMMAND.c.jws.label("signed"))
        .join(some, some.c.dispatch == DISPATCH.c.id)
        .join(COMMAND, COMMAND.c.jti == some.c.jti)
        .where(DISPATCH.c.do == do)
        .order_by(DISPATCH.c.made_ms.desc(), DISPATCH.c.id)
        .limit(limit)
    )
    found = []
    for row in connection.execute(query).mappings():
        facts = dict(row)
        signed = bytes(facts.pop("signed"))
        found.append((Dispatch(**facts), signed))
    return found


def signed_of(connection: Connection, dispatch: str) -> bytes | None:
    """One of the signed commands of this order: all say the same."""
    query = select(COMMAND.c.jws).where(COMMAND.c.dispatch == dispatch).order_by(COMMAND.c.jti).limit(1)
    found = connection.execute(query).scalar()
    return None if found is None else bytes(found)


def carried_out(connection: Connection, do: str) -> dict[str, bytes]:
    """By post, the signed bytes of the newest order of this kind that it has carried out: for all posts at once."""
    done = and_(TARGET.c.do == do, TARGET.c.state == State.DONE.value, TARGET.c.reason.is_(None))
    query = select(TARGET.c.post, TARGET.c.jti).where(done).order_by(TARGET.c.ended_ms.desc())
    newest: dict[str, str] = {}
    for post, jti in connection.execute(query):
        newest.setdefault(post, jti)
    signed = select(COMMAND.c.jti, COMMAND.c.jws).where(COMMAND.c.jti.in_({*newest.values()}))
    found = {jti: bytes(jws) for jti, jws in connection.execute(signed)}
    return {post: found[jti] for post, jti in newest.items() if jti in found}


def newest_targets(connection: Connection, do: str) -> dict[str, Target]:
    """By post, its part in the newest order of this kind that it was sent."""
    query = (
        select(TARGET)
        .join(DISPATCH, DISPATCH.c.id == TARGET.c.dispatch)
        .where(TARGET.c.do == do)
        .order_by(DISPATCH.c.made_ms.desc(), DISPATCH.c.id)
        .limit(MOST_TARGETS)
    )
    found: dict[str, Target] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["post"], target_of(row))
    return found


def refusals(connection: Connection, jtis: Collection[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """What posts wrote when they refused these commands: (post, jti) → the detail of the `refused` entry."""
    if not jtis:
        return {}
    where = and_(ENTRY.c.command_id.in_(jtis), ENTRY.c.kind == "refused", ENTRY.c.detail.is_not(None))
    query = select(ENTRY.c.post, ENTRY.c.command_id, ENTRY.c.detail).where(where).order_by(ENTRY.c.n.desc())
    return {(post, jti): json.loads(detail) for post, jti, detail in connection.execute(query)}
