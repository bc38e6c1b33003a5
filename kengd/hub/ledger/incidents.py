"""Incidents and what belongs to them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, and_, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from kengd.hub.incidents import Incident, Outcome
from kengd.hub.ledger import changes
from kengd.hub.ledger.incident_rows import IncidentRow, OutcomeRow, SoundedRow
from kengd.hub.ledger.rows import table

LONGEST_WAIT_MS: Final = 3_600_000
"""Between two calls (`duty.call_after_s`)."""
INCIDENT, SOUNDED, OUTCOME = table(IncidentRow), table(SoundedRow), table(OutcomeRow)


@dataclass(frozen=True, slots=True)
class Sounded:
    """An activation of an incident. `ended`: finished, failed, or the reason of its cut; "at_post" where it was hushed there."""

    post: str
    activation: str
    incident: str
    signal: str | None
    source: str | None
    place: str | None
    began_ms: int
    ended_ms: int | None = None
    ended: str | None = None


def add(connection: Connection, incident: Incident) -> bool:
    """False when it is there already."""
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(INCIDENT).values(**_row_of(incident)).on_conflict_do_nothing().returning(INCIDENT.c.id)
    return _noted(connection, incident.id, connection.execute(statement).first() is not None)


def find(connection: Connection, incident_id: str) -> Incident | None:
    """The incident with this id."""
    row = connection.execute(select(INCIDENT).where(INCIDENT.c.id == incident_id)).mappings().first()
    return None if row is None else _incident(row)


def open_ones(connection: Connection) -> list[Incident]:
    """Not closed yet; oldest first."""
    query = select(INCIDENT).where(INCIDENT.c.closed_ms.is_(None)).order_by(INCIDENT.c.began_ms)
    return [_incident(row) for row in connection.execute(query).mappings()]


def between(connection: Connection, from_ms: int, to_ms: int, limit: int = 1_000) -> list[Incident]:
    """Begun in [from, to), newest first."""
    where = and_(INCIDENT.c.began_ms >= from_ms, INCIDENT.c.began_ms < to_ms)
    query = select(INCIDENT).where(where).order_by(INCIDENT.c.began_ms.desc()).limit(limit)
    return [_incident(row) for row in connection.execute(query).mappings()]


def sound(connection: Connection, sounded: Sequence[Sounded]) -> set[tuple[str, str]]:
    """These activations belong to those incidents. Returns the (post, activation) of those that were not there already
    (perhaps of another incident)."""
    if not sounded:
        return set()
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(SOUNDED).on_conflict_do_nothing().returning(SOUNDED.c.post, SOUNDED.c.activation)
    rows = connection.execute(statement, [asdict(item) for item in sounded])
    new = {(str(post), str(activation)) for post, activation in rows}
    for item in sounded:
        _noted(connection, item.incident, (item.post, item.activation) in new)
    return new


def name_place(connection: Connection, post: str, activation: str, place: str) -> None:
    """Where the button is: a status, which may have told of the alarm first, does not say it."""
    of = and_(SOUNDED.c.post == post, SOUNDED.c.activation == activation, SOUNDED.c.place.is_(None))
    connection.execute(update(SOUNDED).where(of).values(place=place))


def locate(connection: Connection, incident_id: str, villages: Sequence[str]) -> None:
    """Where it is, as soon as somebody knows it: what is known already stays."""
    unknown = and_(INCIDENT.c.id == incident_id, INCIDENT.c.villages == "[]", INCIDENT.c.village.is_(None))
    if villages:
        found = connection.execute(update(INCIDENT).where(unknown).values(villages=json.dumps(list(villages))))
        _noted(connection, incident_id, found.rowcount > 0)


def in_earnest(connection: Connection, incident_id: str) -> None:
    """An alarm is rung for real because of what was announced as an exercise: from now on it is none."""
    drill = and_(INCIDENT.c.id == incident_id, INCIDENT.c.purpose == "drill")
    found = connection.execute(update(INCIDENT).where(drill).values(purpose="actual"))
    _noted(connection, incident_id, found.rowcount > 0)


def wake(connection: Connection, incident_id: str, began_ms: int, due_ms: int) -> None:
    """It was taken for history and sounds now: somebody is to be called, unless somebody has been or has taken it."""
    quiet = and_(INCIDENT.c.call_due_ms.is_(None), INCIDENT.c.turns == 0)
    nobody = and_(INCIDENT.c.acknowledged_ms.is_(None), INCIDENT.c.closed_ms.is_(None))
    where = and_(INCIDENT.c.id == incident_id, quiet, nobody)
    connection.execute(update(INCIDENT).where(where).values(began_ms=began_ms, call_due_ms=due_ms))


def rung_for(connection: Connection, incident_id: str, villages: Sequence[str], due_ms: int) -> bool:
    """A call that nobody has taken, closed or rung for is rung for now: where it is, and when somebody is to be called. False: it
    is none of these."""
    nobody = and_(
        INCIDENT.c.acknowledged_ms.is_(None), INCIDENT.c.closed_ms.is_(None), INCIDENT.c.call_due_ms.is_(None)
    )
    where = and_(INCIDENT.c.id == incident_id, INCIDENT.c.origin == "call", nobody)
    news = {"villages": json.dumps(list(villages)), "call_due_ms": due_ms, "purpose": "actual"}
    found = connection.execute(update(INCIDENT).where(where).values(news))
    return _noted(connection, incident_id, found.rowcount > 0)


def sound_ended(connection: Connection, ended: Mapping[tuple[str, str], str], at_ms: int) -> None:
    """These (post, activation) do not sound any more: how each has ended."""
    if not ended:
        return
    one = and_(SOUNDED.c.post == bindparam("k_post"), SOUNDED.c.activation == bindparam("k_activation"))
    statement = (
        update(SOUNDED).where(one, SOUNDED.c.ended_ms.is_(None)).values(ended=bindparam("v_how"), ended_ms=at_ms)
    )
    rows = [
        {"k_post": post, "k_activation": activation, "v_how": how} for (post, activation), how in sorted(ended.items())
    ]
    connection.execute(statement, rows)


def sounded_of(connection: Connection, incidents: Collection[str]) -> list[Sounded]:
    """All activations of these incidents."""
    query = select(SOUNDED).where(SOUNDED.c.incident.in_(incidents)).order_by(SOUNDED.c.began_ms, SOUNDED.c.post)
    return [Sounded(**row) for row in connection.execute(query).mappings()]


def incidents_of(connection: Connection, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Which incident each (post, activation) belongs to; those that belong to none are left out."""
    where = SOUNDED.c.activation.in_({activation for _, activation in pairs})
    rows = connection.execute(select(SOUNDED.c.post, SOUNDED.c.activation, SOUNDED.c.incident).where(where))
    found = {(str(post), str(activation)): str(incident) for post, activation, incident in rows}
    wanted = set(pairs)
    return {pair: incident for pair, incident in found.items() if pair in wanted}


def acknowledge(connection: Connection, incident_id: str, by: str, at_ms: int) -> bool:
    """Somebody has taken charge. False: somebody else was first, or there is no such incident."""
    where = and_(INCIDENT.c.id == incident_id, INCIDENT.c.acknowledged_ms.is_(None))
    done = connection.execute(
        update(INCIDENT).where(where).values(acknowledged_ms=at_ms, acknowledged_by=by, call_due_ms=None)
    )
    return _noted(connection, incident_id, done.rowcount > 0)


def close(connection: Connection, incident_id: str, by: str, at_ms: int) -> bool:
    """Hết báo động. False: closed already, or there is none."""
    where = and_(INCIDENT.c.id == incident_id, INCIDENT.c.closed_ms.is_(None))
    done = connection.execute(update(INCIDENT).where(where).values(closed_ms=at_ms, closed_by=by, call_due_ms=None))
    return _noted(connection, incident_id, done.rowcount > 0)


def calls_due(connection: Connection, now_ms: int, after_ms: int = LONGEST_WAIT_MS) -> list[Incident]:
    """Nobody has taken charge, and the next person is to be called; each is one worker's alone.

    `after_ms`: how long one waits for a call at most: what is due later than that was set before our clock was put back.
    """
    query = select(INCIDENT).where(or_(INCIDENT.c.call_due_ms <= now_ms, INCIDENT.c.call_due_ms > now_ms + after_ms))
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    return [_incident(row) for row in connection.execute(query).mappings()]


def turn_came(connection: Connection, incident_id: str, next_ms: int) -> None:
    """It is one more person's turn to be called; whether that can be done is not said yet (`called`)."""
    where = INCIDENT.c.id == incident_id
    connection.execute(update(INCIDENT).where(where).values(turns=INCIDENT.c.turns + 1, call_due_ms=next_ms))


def called(connection: Connection, incident_id: str) -> None:
    """One more was called: a service has taken the notice."""
    where = INCIDENT.c.id == incident_id
    connection.execute(update(INCIDENT).where(where).values(calls=INCIDENT.c.calls + 1))
    _noted(connection, incident_id, True)


def add_outcome(connection: Connection, outcome: Outcome) -> None:
    """A correction is a further one."""
    connection.execute(OUTCOME.insert().values(**asdict(outcome)))
    _noted(connection, outcome.incident, True)


def outcomes_of(connection: Connection, incidents: Collection[str]) -> list[Outcome]:
    """Oldest first."""
    query = select(OUTCOME).where(OUTCOME.c.incident.in_(incidents)).order_by(OUTCOME.c.n)
    return [Outcome(**{k: v for k, v in row.items() if k != "n"}) for row in connection.execute(query).mappings()]


def _noted(connection: Connection, incident: str, changed: bool) -> bool:
    """Whether it changed, and whoever watches is told so."""
    if changed:
        changes.note(connection, "incident", incident=incident)
    return changed


def _row_of(incident: Incident) -> dict[str, Any]:
    return {**asdict(incident), "villages": json.dumps(list(incident.villages))}


def _incident(row: RowMapping) -> Incident:
    return Incident(**{**row, "villages": tuple(json.loads(row["villages"]))})
