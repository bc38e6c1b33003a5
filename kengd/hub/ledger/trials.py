"""The silent tests, kept: one row per night and post, from its beginning to its result."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, and_, func, select, update

from kengd.hub.ledger.book_rows import EntryRow
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.watch_rows import TrialRow

TRIAL, ENTRY = table(TrialRow), table(EntryRow)
WAITING: Final = "waiting"


@dataclass(frozen=True, slots=True)
class Trial:
    """One post's silent test. `night`: local date, with the time behind it when somebody asked for it by day.

    `result`: waiting, passed, failed or missed. `at_ms`: when it began. `findings`: plain JSON, see `silent_test.Verdict`.
    """

    night: str
    post: str
    dispatch: str
    result: str
    at_ms: int
    findings: dict[str, Any] = field(default_factory=dict)


def begin(connection: Connection, night: str, dispatch: str, posts: Sequence[str], now_ms: int) -> None:
    """These posts are being tested, in the transaction that makes the dispatch."""
    rows = [
        {"night": night, "post": post, "dispatch": dispatch, "result": WAITING, "findings": "{}", "at_ms": now_ms}
        for post in posts
    ]
    connection.execute(TRIAL.insert(), rows)


def waiting(connection: Connection) -> list[Trial]:
    """Those without a result; with several workers each is one's alone until the transaction ends."""
    query = select(TRIAL).where(TRIAL.c.result == WAITING).order_by(TRIAL.c.night, TRIAL.c.post)
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    return [_trial(row) for row in connection.execute(query).mappings()]


def is_waiting(connection: Connection) -> bool:
    """Whether there is any, without keeping another worker from it."""
    return connection.execute(select(TRIAL.c.post).where(TRIAL.c.result == WAITING).limit(1)).first() is not None


def end(connection: Connection, trial: Trial, result: str, findings: dict[str, Any]) -> None:
    """Its result. A result that is there already stays."""
    where = and_(TRIAL.c.night == trial.night, TRIAL.c.post == trial.post, TRIAL.c.result == WAITING)
    connection.execute(
        update(TRIAL).where(where).values(result=result, findings=json.dumps(findings, ensure_ascii=False))
    )


def of_night(connection: Connection, night: str) -> list[Trial]:
    """All of this night, by post."""
    query = select(TRIAL).where(TRIAL.c.night == night).order_by(TRIAL.c.post)
    return [_trial(row) for row in connection.execute(query).mappings()]


def newest_night(connection: Connection) -> str | None:
    """The last night on which the hub tested by itself; what somebody asked for by day is none."""
    query = select(TRIAL.c.night).where(TRIAL.c.night.like("____-__-__")).order_by(TRIAL.c.night.desc()).limit(1)
    return connection.execute(query).scalar()


def last_of_each(connection: Connection) -> dict[str, Trial]:
    """Per post its newest test of the last month that has a result, by night or by day."""
    last = connection.execute(select(func.max(TRIAL.c.night))).scalar()
    if last is None:
        return {}
    since = (date.fromisoformat(last[:10]) - timedelta(days=31)).isoformat()
    ended = and_(TRIAL.c.result != WAITING, TRIAL.c.night >= since)
    newest = select(TRIAL.c.post, func.max(TRIAL.c.at_ms).label("at_ms")).where(ended).group_by(TRIAL.c.post).subquery()
    same = and_(TRIAL.c.post == newest.c.post, TRIAL.c.at_ms == newest.c.at_ms)
    query = select(TRIAL).join(newest, same).where(ended).order_by(TRIAL.c.post, TRIAL.c.night)
    return {row["post"]: _trial(row) for row in connection.execute(query).mappings()}


def tested(connection: Connection, jtis: Collection[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """What posts wrote of these commands' tests: (post, jti) → the detail of the `tested` entry."""
    where = and_(ENTRY.c.command_id.in_(jtis), ENTRY.c.kind == "tested")
    query = select(ENTRY.c.post, ENTRY.c.command_id, ENTRY.c.detail).where(where)
    return {(post, jti): json.loads(detail) if detail else {} for post, jti, detail in connection.execute(query)}


def _trial(row: RowMapping) -> Trial:
    return Trial(
        row["night"], row["post"], row["dispatch"] or "", row["result"], row["at_ms"], dict(json.loads(row["findings"]))
    )
