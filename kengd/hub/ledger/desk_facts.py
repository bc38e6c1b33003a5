"""What the officer's desk looks up: last rings, books in doubt, pages of the merged book, dispatches of incidents."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, and_, func, or_, select

from kengd.hub.chains import Chain
from kengd.hub.dispatching import State
from kengd.hub.ledger.book_rows import BookRow, EntryRow
from kengd.hub.ledger.dispatch_rows import CommandRow, DispatchRow, TargetRow
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.successions import chains_followed

ENTRY, BOOK = table(EntryRow), table(BookRow)
DISPATCH, TARGET, COMMAND = table(DispatchRow), table(TargetRow), table(CommandRow)
_RINGS: Final = ("ringing", "finished", "cut", "failed")
_SHOWN: Final = [
    ENTRY.c.n, ENTRY.c.post, ENTRY.c.book, ENTRY.c.seq, ENTRY.c.at_ms, ENTRY.c.kind, ENTRY.c.activation, ENTRY.c.command_id,
    ENTRY.c.signal, ENTRY.c.purpose, ENTRY.c.source, ENTRY.c.place, ENTRY.c.by, ENTRY.c.reason, ENTRY.c.clock,
    ENTRY.c.detail, ENTRY.c.heard_ms,
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries of the merged book; None: any. `from_ms`, `to_ms`: [from, to) by the post's clock. `before_n`: older ones.
    `by`: a part of the name or of the button's place. `rung`: the activations and the commands' ids of one incident."""

    posts: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    activation: str | None = None
    before_n: int | None = None
    signal: str | None = None
    by: str | None = None
    rung: tuple[frozenset[str], frozenset[str]] | None = None


def newest_n(connection: Connection) -> int:
    """The number of the entry that was heard last; 0: none."""
    return int(connection.execute(select(func.max(ENTRY.c.n))).scalar() or 0)


def rings_after(connection: Connection, n: int) -> list[dict[str, Any]]:
    """Entries about sounding that were heard behind this number, in the order of hearing; `detail` as it is kept."""
    columns = [
        ENTRY.c.n, ENTRY.c.post, ENTRY.c.at_ms, ENTRY.c.kind, ENTRY.c.activation, ENTRY.c.signal, ENTRY.c.purpose,
        ENTRY.c.source, ENTRY.c.place, ENTRY.c.by, ENTRY.c.reason, ENTRY.c.detail, ENTRY.c.heard_ms,
    ]  # fmt: skip
    query = select(*columns).where(ENTRY.c.n > n, ENTRY.c.kind.in_(_RINGS)).order_by(ENTRY.c.n)
    return [dict(row) for row in connection.execute(query).mappings()]


def doubtful_books(connection: Connection) -> list[Chain]:
    """Books with a gap or a wrong link, and those that took another one's place while nobody has accepted it."""
    wrong = or_(BOOK.c.gap_ms.is_not(None), BOOK.c.wrong_seq.is_not(None))
    return [
        chain
        for chain in chains_followed(connection, wrong)
        if chain.gap_ms is not None or chain.wrong_seq is not None or chain.follows is not None
    ]


def page_of_entries(connection: Connection, wanted: Wanted, limit: int) -> list[dict[str, Any]]:
    """Newest first (as they were heard); each with `n`, `post`, `heard_ms` and the facts of the entry, `detail` as data."""
    query = select(*_SHOWN).order_by(ENTRY.c.n.desc()).limit(limit)
    if wanted.posts is not None:
        query = query.where(ENTRY.c.post.in_(wanted.posts))
    if wanted.kinds is not None:
        query = query.where(ENTRY.c.kind.in_(wanted.kinds))
    if wanted.from_ms is not None:
        query = query.where(ENTRY.c.at_ms >= wanted.from_ms)
    if wanted.to_ms is not None:
        query = query.where(ENTRY.c.at_ms < wanted.to_ms)
    if wanted.activation is not None:
        query = query.where(ENTRY.c.activation == wanted.activation)
    if wanted.before_n is not None:
        query = query.where(ENTRY.c.n < wanted.before_n)
    if wanted.signal is not None:
        query = query.where(ENTRY.c.signal == wanted.signal)
    if wanted.by is not None:
        named = (ENTRY.c.by, ENTRY.c.place)
        query = query.where(or_(*(column.contains(wanted.by, autoescape=True) for column in named)))
    if wanted.rung is not None:
        activations, commands = wanted.rung
        query = query.where(or_(ENTRY.c.activation.in_(activations), ENTRY.c.command_id.in_(commands)))
    return [_entry(row) for row in connection.execute(query).mappings()]


def counted(
    connection: Connection, kinds: Collection[str], from_ms: int
) -> list[tuple[str, str | None, str | None, int]]:
    """How many entries of these kinds since then, by the posts' clocks: (kind, signal, purpose, count)."""
    by = (ENTRY.c.kind, ENTRY.c.signal, ENTRY.c.purpose)
    where = and_(ENTRY.c.kind.in_(kinds), ENTRY.c.at_ms >= from_ms)
    return [tuple(row) for row in connection.execute(select(*by, func.count()).where(where).group_by(*by))]


def dispatches_of(connection: Connection, incidents: Collection[str]) -> list[dict[str, Any]]:
    """Of these incidents, oldest first: id, do, signal, by, made_ms, incident."""
    if not incidents:
        return []
    columns = [
        DISPATCH.c.id, DISPATCH.c.do, DISPATCH.c.signal, DISPATCH.c.by, DISPATCH.c.made_ms, DISPATCH.c.incident,
    ]  # fmt: skip
    query = select(*columns).where(DISPATCH.c.incident.in_(incidents)).order_by(DISPATCH.c.made_ms, DISPATCH.c.id)
    return [dict(row) for row in connection.execute(query).mappings()]


def tallies(connection: Connection, dispatches: Collection[str]) -> dict[str, dict[str, int]]:
    """Per dispatch how many posts are in each state."""
    query = (
        select(TARGET.c.dispatch, TARGET.c.state, func.count())
        .where(TARGET.c.dispatch.in_(dispatches))
        .group_by(TARGET.c.dispatch, TARGET.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for dispatch, state, count in connection.execute(query):
        found.setdefault(dispatch, {})[state] = count
    return found


def last_order(connection: Connection, post: str, do: str) -> bytes | None:
    """The signed bytes of the newest order of this kind (`codebook`, `timetable`) that the post has carried out."""
    joined = TARGET.join(COMMAND, COMMAND.c.jti == TARGET.c.jti)
    where = and_(
        TARGET.c.post == post, TARGET.c.do == do, TARGET.c.state == State.DONE.value, TARGET.c.reason.is_(None)
    )
    query = select(COMMAND.c.jws).select_from(joined).where(where).order_by(TARGET.c.ended_ms.desc()).limit(1)
    found = connection.execute(query).scalar()
    return None if found is None else bytes(found)


def _entry(row: RowMapping) -> dict[str, Any]:
    return {**row, "detail": None if row["detail"] is None else json.loads(row["detail"])}
