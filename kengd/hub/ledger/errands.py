"""What has been claimed to be told and has not all gone out, each by one worker at a time. A worker that dies leaves it to the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, true, update

from kengd.hub.ledger.rows import table
from kengd.hub.ledger.watch_rows import ErrandRow, NoticeRow

ERRAND, NOTICE = table(ErrandRow), table(NoticeRow)
LEASE_MS: Final = 60_000
"""A worker that has said nothing of an errand for so long tells it no more."""


@dataclass(frozen=True, slots=True)
class Errand:
    """`said`: what is to be told and to whom, as text. `made_ms`: since when."""

    key: str
    made_ms: int
    said: str


def begin(connection: Connection, worker: str, said: Mapping[str, str], now_ms: int) -> None:
    """These are this worker's, in the transaction that claims them."""
    if said:
        own = {"worker": worker, "until_ms": now_ms + LEASE_MS, "made_ms": now_ms}
        connection.execute(ERRAND.insert(), [{"key": key, "said": said[key], **own} for key in sorted(said)])


def renew(connection: Connection, worker: str, keys: Collection[str], now_ms: int) -> None:
    """They are still on their way."""
    where = and_(ERRAND.c.worker == worker, ERRAND.c.key.in_(keys))
    connection.execute(update(ERRAND).where(where).values(until_ms=now_ms + LEASE_MS))


def done(connection: Connection, worker: str, keys: Collection[str]) -> None:
    """They have all gone out, or never will."""
    connection.execute(delete(ERRAND).where(ERRAND.c.worker == worker, ERRAND.c.key.in_(keys)))


def leave(connection: Connection, worker: str) -> None:
    """This worker ends: whoever looks next may have them."""
    connection.execute(update(ERRAND).where(ERRAND.c.worker == worker).values(until_ms=0))


def is_any_left(connection: Connection, worker: str, now_ms: int, *, alone: bool, but: Collection[str] = ()) -> bool:
    """Whether another worker has left something. `alone`: there is no other, so what is not ours is of one that is dead. `but`: what
    is not looked at."""
    where = and_(_left(worker, now_ms, alone), ERRAND.c.key.not_in(but))
    return connection.execute(select(ERRAND.c.key).where(where).limit(1)).first() is not None


def take(connection: Connection, worker: str, now_ms: int, *, alone: bool, but: Collection[str] = ()) -> list[Errand]:
    """What others have left is this worker's now; of several workers one gets each."""
    change = (
        update(ERRAND)
        .where(_left(worker, now_ms, alone), ERRAND.c.key.not_in(but))
        .values(worker=worker, until_ms=now_ms + LEASE_MS)
    )
    rows = connection.execute(change.returning(ERRAND.c.key, ERRAND.c.made_ms, ERRAND.c.said))
    return sorted((Errand(*row) for row in rows), key=lambda errand: (errand.made_ms, errand.key))


def gone_out(connection: Connection, key: str) -> dict[tuple[str, str], int]:
    """(person, channel as shown) → how often their part of it has gone out: nobody is told twice who need not be."""
    where = and_(NOTICE.c.errand == key, NOTICE.c.ok)
    query = select(NOTICE.c.to, NOTICE.c.channel, func.count()).where(where).group_by(NOTICE.c.to, NOTICE.c.channel)
    return {(str(to), str(channel)): int(count) for to, channel, count in connection.execute(query)}


def _left(worker: str, now_ms: int, alone: bool) -> ColumnElement[bool]:
    """A lease that ends later than any lease can was given before our clock was put back."""
    over = or_(ERRAND.c.until_ms <= now_ms, ERRAND.c.until_ms > now_ms + LEASE_MS)
    return and_(ERRAND.c.worker != worker, true() if alone else over)
