"""Notices that were sent, what has been told already (once, whichever worker tells it), and the entries that people are told."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from kengd.hub.ledger.book_rows import EntryRow
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.values import VALUE
from kengd.hub.ledger.watch_rows import NoticeRow

ENTRY, NOTICE = table(EntryRow), table(NoticeRow)
TOLD: Final = "told:"
"""Keys of what has been told; the value is when, unix ms."""
BEHIND: Final = 2_000
"""Entries are looked at again this far back: several workers may commit them in another order than they are numbered."""
FIRST_LOOK: Final = 50_000
"""So far back after a start: more than a commune writes in the hours in which a missed ring is news."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A notice and what became of it. `to`: the person's id; `channel`: how, without any secret. `incident`, `turn`: what about, and
    as whose turn somebody was called for it. `errand`: what it was a part of. `n`: its place in the list."""

    at_ms: int
    kind: str
    to: str
    channel: str
    text: str
    ok: bool
    detail: str = ""
    incident: str | None = None
    turn: int | None = None
    errand: str | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True)
class MissedRing:
    """A ring of the timetable that a post let go by, as it says itself. `due`: local ISO time, as the post wrote it. `at_ms`: when it
    wrote that, by its clock."""

    post: str
    book: str
    seq: int
    at_ms: int
    signal: str | None
    reason: str | None
    due: str | None


def keep(connection: Connection, sent: Sent) -> None:
    """One more line in the list of notices."""
    row = {key: value for key, value in asdict(sent).items() if key != "n"}
    connection.execute(NOTICE.insert().values(**row))


def newest(
    connection: Connection,
    *,
    before_n: int | None = None,
    failed: bool = False,
    incident: str | None = None,
    limit: int = 100,
) -> list[Sent]:
    """What was sent last, newest first. `failed`: only what did not get through. `before_n`: older ones."""
    query = select(NOTICE).order_by(NOTICE.c.n.desc()).limit(limit)
    if before_n is not None:
        query = query.where(NOTICE.c.n < before_n)
    if failed:
        query = query.where(NOTICE.c.ok.is_(False))
    if incident is not None:
        query = query.where(NOTICE.c.incident == incident)
    return [Sent(**row) for row in connection.execute(query).mappings()]


def reached(connection: Connection, people: Collection[str]) -> bool:
    """Whether a service has ever taken a notice to one of these people."""
    where = and_(NOTICE.c.ok.is_(True), NOTICE.c.to.in_(people))
    return connection.execute(select(NOTICE.c.n).where(where).limit(1)).first() is not None


def tries(connection: Connection, incident: str) -> list[Sent]:
    """All notices about this incident, oldest first."""
    query = select(NOTICE).where(NOTICE.c.incident == incident).order_by(NOTICE.c.n)
    return [Sent(**row) for row in connection.execute(query).mappings()]


def failed_since(connection: Connection, since_ms: int) -> int:
    """How many notices have not got through since this moment."""
    where = and_(NOTICE.c.at_ms >= since_ms, NOTICE.c.ok.is_(False))
    return int(connection.execute(select(func.count()).select_from(NOTICE).where(where)).scalar() or 0)


def claim(connection: Connection, key: str, value: str) -> bool:
    """Keep this value under a key that nobody has used: True for the first of all workers, and for no one after it."""
    return bool(claim_all(connection, {key: value}))


def claim_all(connection: Connection, wanted: Mapping[str, str]) -> set[str]:
    """The same for many keys at once (an alarm at a thousand posts is as many): those that were not used."""
    if not wanted:
        return set()
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(VALUE).on_conflict_do_nothing().returning(VALUE.c.key)
    rows = [{"key": key, "value": wanted[key]} for key in sorted(wanted)]  # two workers never wait for each other
    return {str(key) for key in connection.execute(statement, rows).scalars()}


def release(connection: Connection, key: str) -> bool:
    """Strike it: True for the one worker that did, so that the end of something is told once too."""
    return connection.execute(delete(VALUE).where(VALUE.c.key == key)).rowcount > 0


def told(connection: Connection, keys: Collection[str]) -> set[str]:
    """Which of these have been told."""
    if not keys:
        return set()
    query = select(VALUE.c.key).where(VALUE.c.key.in_([TOLD + key for key in keys]))
    return {str(key).removeprefix(TOLD) for key in connection.execute(query).scalars()}


def forget_told(connection: Connection, before_ms: int) -> int:
    """Strike what was told before this moment: nobody will ask again. Returns how many."""
    old = VALUE.c.value < str(before_ms)  # 13 digits until the year 2286: texts stand in the order of the numbers
    where = and_(VALUE.c.key.startswith(TOLD, autoescape=True), func.length(VALUE.c.value) == 13, old)
    return connection.execute(delete(VALUE).where(where)).rowcount


def missed_rings(connection: Connection, after_n: int, since_ms: int) -> tuple[list[MissedRing], int]:
    """Rings that posts say they have missed since this moment (by their clocks, or heard by ours, which may be another), among the
    entries behind `after_n` and a little before; and the number of the newest entry, for the next look."""
    newest_n = int(connection.execute(select(func.max(ENTRY.c.n))).scalar() or 0)
    lately = or_(ENTRY.c.at_ms >= since_ms, ENTRY.c.heard_ms >= since_ms)
    where = and_(ENTRY.c.n > max(after_n - BEHIND, newest_n - FIRST_LOOK), ENTRY.c.kind == "missed", lately)
    found = [_missed(row) for row in connection.execute(select(ENTRY).where(where).order_by(ENTRY.c.n)).mappings()]
    return found, newest_n


def last_rings(connection: Connection, since_ms: int) -> dict[str, int]:
    """Per post when it last began to sound since this moment, unix ms by its clock."""
    where = and_(ENTRY.c.at_ms >= since_ms, ENTRY.c.kind == "ringing")
    query = select(ENTRY.c.post, func.max(ENTRY.c.at_ms)).where(where).group_by(ENTRY.c.post)
    return {str(post): int(at_ms) for post, at_ms in connection.execute(query)}


def _missed(row: Mapping[Any, Any]) -> MissedRing:
    detail = json.loads(row["detail"]) if row["detail"] else {}
    due = detail.get("due")
    return MissedRing(
        row["post"], row["book"], row["seq"], row["at_ms"], row["signal"], row["reason"], due if isinstance(due, str) else None
    )  # fmt: skip
