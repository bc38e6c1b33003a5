"""What a report is made of, read from the ledger: rings, dispatches, incidents and presence of a period."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, and_, or_, select

from kengd.duty.words import Purpose
from kengd.hub.dispatching import State
from kengd.hub.incidents import FROM_VILLAGE, Incident, Outcome
from kengd.hub.ledger import incidents
from kengd.hub.ledger.book_rows import EntryRow
from kengd.hub.ledger.dispatch_rows import DispatchRow, TargetRow
from kengd.hub.ledger.merging import entry_from
from kengd.hub.ledger.roster_rows import PostRow
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.values import presence_between
from kengd.hub.reports.facts import (
    DispatchFacts,
    Ground,
    IncidentFacts,
    PostFacts,
    PresenceFacts,
    RingFacts,
    VillageFacts,
)
from kengd.hub.reports.rings import rings_of
from kengd.hub.roster import Roster
from kengd.wire.entry import Entry

ENTRY, DISPATCH, TARGET, POST = table(EntryRow), table(DispatchRow), table(TargetRow), table(PostRow)
AROUND_MS: Final = 15 * 60_000
"""An alarm may begin before the period or end behind it; no ring lasts longer (P2)."""
MOST_INCIDENTS: Final = 100_000
_KINDS: Final = ("received", "ringing", "finished", "cut", "failed", "tested", "refused", "missed")
ANSWERS_WITHIN_MS: Final = 10_000
"""A post that is there answers a ring at once: one that had this long and said nothing did not answer, called back or not."""
_PURPOSES: Final = {purpose.value: purpose for purpose in Purpose}


def ground_of(connection: Connection, roster: Roster, from_ms: int, to_ms: int, now_ms: int) -> Ground:
    """All facts of [from_ms, to_ms), unix ms, with what reaches over its ends. The duty room's own sounder is no village's bell."""
    posts = tuple(PostFacts(post.id, post.name, post.villages) for post in roster.bells())
    villages = tuple(VillageFacts(item.id, item.name, item.households or None) for item in roster.villages)
    asked = _dispatches(connection, from_ms - AROUND_MS, to_ms + AROUND_MS)
    books, heard = _entries(connection, from_ms - AROUND_MS, to_ms + AROUND_MS)
    rings: list[RingFacts] = []
    for post in posts:
        own = [dispatch for dispatch in asked if post.id in dispatch.posts]
        entries = books.get(post.id, ())
        rings += rings_of(post, entries, now_ms=now_ms, dispatches=own, heard_ms=heard.get(post.id, {}))
    presences = _presences(connection, {post.id for post in posts}, from_ms, to_ms, now_ms)
    return Ground(posts, villages, tuple(rings), _incidents(connection, from_ms, to_ms), presences)


def _entries(
    connection: Connection, from_ms: int, to_ms: int
) -> tuple[dict[str, list[Entry]], dict[str, dict[tuple[str, int], int]]]:
    """Per post its entries (books in the order in which they were first heard, seq within), and when the hub heard each."""
    by_clock = and_(ENTRY.c.at_ms >= from_ms, ENTRY.c.at_ms < to_ms)
    by_hearing = and_(ENTRY.c.clock == "untrusted", ENTRY.c.heard_ms >= from_ms, ENTRY.c.heard_ms < to_ms)
    query = select(ENTRY).where(ENTRY.c.kind.in_(_KINDS), or_(by_clock, by_hearing)).order_by(ENTRY.c.n)
    found: dict[str, dict[str, list[Entry]]] = {}
    heard: dict[str, dict[tuple[str, int], int]] = {}
    for row in connection.execute(query).mappings():
        entry = entry_from(row)
        found.setdefault(row["post"], {}).setdefault(entry.book, []).append(entry)
        heard.setdefault(row["post"], {})[entry.book, entry.seq] = row["heard_ms"]
    in_order = {
        post: [entry for book in books.values() for entry in sorted(book, key=lambda entry: entry.seq)]
        for post, books in found.items()
    }
    return in_order, heard


def _dispatches(connection: Connection, from_ms: int, to_ms: int) -> list[DispatchFacts]:
    """Rings that were asked for; a post whose command was called back before it could answer was asked for nothing."""
    joined = TARGET.join(DISPATCH, DISPATCH.c.id == TARGET.c.dispatch)
    where = and_(DISPATCH.c.do == "ring", DISPATCH.c.made_ms >= from_ms, DISPATCH.c.made_ms < to_ms)
    columns = [
        DISPATCH.c.id, DISPATCH.c.made_ms, DISPATCH.c.signal, DISPATCH.c.purpose, DISPATCH.c.by, DISPATCH.c.why,
        TARGET.c.post, TARGET.c.jti, TARGET.c.exp_ms, TARGET.c.state, TARGET.c.ended_ms,
    ]  # fmt: skip
    found: dict[str, list[Mapping[str, Any]]] = {}
    query = select(*columns).select_from(joined).where(where).order_by(DISPATCH.c.made_ms, DISPATCH.c.id, TARGET.c.post)
    for row in connection.execute(query).mappings():
        found.setdefault(row["id"], []).append(dict(row))
    return [_dispatch(rows) for rows in found.values()]


def _called_back(row: Mapping[str, Any]) -> bool:
    if row["state"] != State.CANCELLED.value:
        return False
    return bool(row["ended_ms"] is None or row["ended_ms"] - row["made_ms"] < ANSWERS_WITHIN_MS)


def _dispatch(rows: Sequence[Mapping[str, Any]]) -> DispatchFacts:
    first = rows[0]
    return DispatchFacts(
        first["id"],
        tuple(dict.fromkeys(row["jti"] for row in rows)),
        tuple(row["post"] for row in rows if not _called_back(row)),
        first["made_ms"],
        max(row["exp_ms"] for row in rows),
        first["signal"] or "",
        _PURPOSES.get(first["purpose"], Purpose.ACTUAL),
        first["by"],
        first["why"],
    )


def _incidents(connection: Connection, from_ms: int, to_ms: int) -> tuple[IncidentFacts, ...]:
    found = incidents.between(connection, from_ms, to_ms, MOST_INCIDENTS)
    newest: dict[str, Outcome] = {}
    first_of: dict[str, str | None] = {}
    for first in range(0, len(found), 500):
        part = [item.id for item in found[first : first + 500]]
        newest |= {outcome.incident: outcome for outcome in incidents.outcomes_of(connection, part)}
        for one in incidents.sounded_of(connection, part):
            first_of.setdefault(one.incident, one.source)
    return tuple(_incident(item, newest.get(item.id), first_of.get(item.id)) for item in found)


def _incident(item: Incident, outcome: Outcome | None, source: str | None) -> IncidentFacts:
    """`source`: of the first that sounded for it; None: nothing has."""
    pressed = item.origin == "alarm" and (source is None or source in FROM_VILLAGE)
    return IncidentFacts(
        item.id, item.began_ms, item.village, outcome.kind if outcome else None, item.origin == "call",
        item.acknowledged_ms, item.acknowledged_by, (outcome.done or None) if outcome else None,
        (outcome.text if outcome else "") or item.text,
        from_officer=item.origin != "call" and not pressed, villages=item.villages,
    )  # fmt: skip


def _presences(
    connection: Connection, posts: Collection[str], from_ms: int, to_ms: int, now_ms: int
) -> tuple[PresenceFacts, ...]:
    """A post that never came counts as absent since it was enrolled."""
    until_ms = min(to_ms, now_ms)
    changes = presence_between(connection, from_ms, until_ms)
    enrolled = connection.execute(select(POST.c.id, POST.c.enrolled_ms).where(POST.c.id.in_(posts)).order_by(POST.c.id))
    return tuple(
        PresenceFacts(post, enrolled_ms, until_ms, _spans(changes.get(post, ()), until_ms))
        for post, enrolled_ms in enrolled
    )


def _spans(changes: Sequence[tuple[int, bool]], until_ms: int) -> tuple[tuple[int, int], ...]:
    """[from, to) in which it was present."""
    if not changes:
        return ()
    ends = [from_ms for from_ms, _ in changes[1:]] + [until_ms]
    return tuple(
        (from_ms, end_ms)
        for (from_ms, present), end_ms in zip(changes, ends, strict=True)
        if present and end_ms > from_ms
    )
