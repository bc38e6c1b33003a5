"""Dispatches, their signed bytes, and what each post has answered."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, func, or_, select

from kengd.errors import KengdError
from kengd.hub.dispatching import State, Target, advance, came_late, could_not_read
from kengd.hub.incidents import hushed_at_post, sounding_end
from kengd.hub.ledger import changes, values
from kengd.hub.ledger.book_rows import EntryRow
from kengd.hub.ledger.dispatch_rows import CommandRow, DispatchRow
from kengd.hub.ledger.incident_rows import SoundedRow
from kengd.hub.ledger.merging import Heard, entry_from
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.targets import IN_ORDER, TARGET, UNANSWERED, change, locked, row_of, target_of
from kengd.wire.entry import Entry
from kengd.wire.orders import is_id

DISPATCH, COMMAND, ENTRY = table(DispatchRow), table(CommandRow), table(EntryRow)
SOUNDED = table(SoundedRow)
_ENDS: Final = ("finished", "cut", "failed", "tested")
_ANSWERS_LOCK: Final = 0x6B656E6B
_RINGS_LOCK: Final = 0x6B656E6C
LATE: Final = "late:"
"""Before the keys of `late`."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One act. `officer`, `second`: ids of who ordered and who confirmed it. `repeats`: the dispatch whose silent posts it is
    for. `digest`: SHA-256 of what the client asked."""

    id: str
    do: str
    by: str
    made_ms: int
    digest: bytes
    signal: str | None = None
    purpose: str | None = None
    why: str | None = None
    at_s: int | None = None
    gap_s: int = 0
    officer: str | None = None
    second: str | None = None
    incident: str | None = None
    repeats: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """Signed bytes. `due_ms`: when they are to be sent (again). `topic`: for the first time; repeats go to single topics."""

    jti: str
    dispatch: str
    topic: str
    jws: bytes
    exp_ms: int
    due_ms: int
    sends: int = 0


def find(connection: Connection, dispatch_id: str) -> Dispatch | None:
    """The dispatch with this id."""
    row = connection.execute(select(DISPATCH).where(DISPATCH.c.id == dispatch_id)).mappings().first()
    return None if row is None else Dispatch(**row)


def rung_first(connection: Connection, incidents: Collection[str]) -> dict[str, Dispatch]:
    """What was ordered for these incidents first that is neither help nor an all-clear: incident → who rang it, and why."""
    alarm = and_(DISPATCH.c.do == "ring", DISPATCH.c.signal.not_in(("support", "all_clear")))
    query = select(DISPATCH).where(DISPATCH.c.incident.in_(incidents), alarm)
    found: dict[str, Dispatch] = {}
    for row in connection.execute(query.order_by(DISPATCH.c.made_ms, DISPATCH.c.id)).mappings():
        found.setdefault(str(row["incident"]), Dispatch(**row))
    return found


def recent(connection: Connection, *, before_ms: int | None = None, limit: int = 50) -> list[Dispatch]:
    """The newest ones first."""
    query = select(DISPATCH).order_by(DISPATCH.c.made_ms.desc(), DISPATCH.c.id).limit(limit)
    if before_ms is not None:
        query = query.where(DISPATCH.c.made_ms < before_ms)
    return [Dispatch(**row) for row in connection.execute(query).mappings()]


def same_act(connection: Connection, wanted: Dispatch) -> bool:
    """True when this act is there already (R47). Raises KengdError `id_reused` when the id is another act's.

    Another worker that is just making the same act is waited for.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(wanted.id))))
    known = find(connection, wanted.id)
    if known is None:
        return False
    if known.digest != wanted.digest:
        raise KengdError(
            "id_reused",
            "mã lần phát lệnh này đã dùng cho một lệnh khác",
            cure="tải lại trang rồi phát lại",
            en="this dispatch id was used for another act",
        )
    return True


def create(connection: Connection, dispatch: Dispatch, commands: Iterable[Command], targets: Iterable[Target]) -> None:
    """Keep all of it, in the caller's transaction: from its commit on it will be sent, whatever becomes of us."""
    connection.execute(DISPATCH.insert(), asdict(dispatch))
    connection.execute(COMMAND.insert(), [{**asdict(command), "open": True} for command in commands])
    connection.execute(TARGET.insert(), [row_of(target) for target in targets])
    changes.note(connection, "dispatch", dispatch=dispatch.id)
    if dispatch.incident is not None:
        changes.note(connection, "incident", incident=dispatch.incident)


def targets_of(connection: Connection, dispatches: Collection[str]) -> list[Target]:
    """Every post of these dispatches."""
    query = select(TARGET).where(TARGET.c.dispatch.in_(dispatches)).order_by(*IN_ORDER)
    return [target_of(row) for row in connection.execute(query).mappings()]


def sounding_at(connection: Connection, posts: Collection[str]) -> dict[str, tuple[str, int]]:
    """The newest that has begun at each of these posts and of whose end nothing has been heard: post → its activation, and since
    when (unix ms by the hub's clock where a ring was ordered, else by the post's as far as it is trusted)."""
    rung = select(TARGET.c.post, TARGET.c.activation, TARGET.c.ringing_ms)
    rung = rung.where(TARGET.c.do == "ring", TARGET.c.state == State.RINGING.value, TARGET.c.post.in_(posts))
    pressed = select(SOUNDED.c.post, SOUNDED.c.activation, SOUNDED.c.began_ms)
    pressed = pressed.where(SOUNDED.c.ended_ms.is_(None), SOUNDED.c.post.in_(posts))
    newest: dict[str, tuple[str, int]] = {}
    for query in (rung, pressed):
        for post, activation, at_ms in connection.execute(query):
            if activation is not None and (at_ms or 0) >= newest.get(post, ("", 0))[1]:
                newest[str(post)] = (str(activation), at_ms or 0)
    return newest


def rings_of(connection: Connection, incident: str) -> list[Target]:
    """Where was rung for this incident, by whomever: the alarm, help, the duty room's sounder, drills; not its all-clear, and not
    what tests without a sound."""
    query = select(TARGET).where(TARGET.c.dispatch.in_(_asked(incident))).order_by(*IN_ORDER)
    return [target_of(row) for row in connection.execute(query).mappings()]


def drills_of(connection: Connection, incident: str) -> set[str]:
    """The ids of those dispatches that rang for this incident as a drill."""
    return {str(one) for one in connection.execute(_asked(incident).where(DISPATCH.c.purpose == "drill")).scalars()}


def answered(connection: Connection, fresh: Sequence[Heard]) -> list[Target]:
    """What these new entries change; the targets as they are now."""
    jtis = {item.entry.command_id for item in fresh if item.entry.command_id is not None}
    ended = {item.post for item in fresh if item.entry.kind in _ENDS}
    unread = {item.post for item in fresh if could_not_read(item.entry)}
    if not jtis and not ended and not unread:
        return []
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock_shared(_ANSWERS_LOCK)))
    by_jti = and_(TARGET.c.jti.in_(jtis), TARGET.c.post.in_({item.post for item in fresh}))
    hushed = and_(TARGET.c.do == "hush", TARGET.c.state == State.RECEIVED.value, TARGET.c.post.in_(ended))
    guessed = and_(TARGET.c.state.in_(UNANSWERED), TARGET.c.post.in_(unread))
    query = select(TARGET).where(or_(by_jti, hushed, guessed)).order_by(*IN_ORDER)
    rows = connection.execute(locked(connection, query)).mappings()
    before = {(row["dispatch"], row["post"]): target_of(row) for row in rows}
    after = dict(before)
    late: dict[tuple[str, str], str | None] = {}
    of_post: dict[str, list[tuple[str, str]]] = {}
    for key in before:
        of_post.setdefault(key[1], []).append(key)
    for item in fresh:
        for key in of_post.get(item.post, ()):
            target = after[key]
            if item.entry.activation in target.awaited and _before_answer(connection, target, item):
                continue
            over = _over(connection, item) if target.do == "hush" and item.entry.kind == "received" else ()
            after[key] = advance(target, item.entry, item.heard_ms, over)
            late[key] = came_late(target, after[key], item.entry) or late.get(key)
    changed = [target for key, target in after.items() if target != before[key]]
    change(connection, changed)
    for key, name in sorted(late.items()):
        if name is not None and after[key].state in (State.RECEIVED, State.RINGING):
            stop_late(connection, after[key], name)
    return changed


def stop_late(connection: Connection, ring: Target, name: str) -> None:
    """This ring is to be ended at its post by a hush of its own, which names `name`; kept until that hush is (`late`)."""
    facts = {"dispatch": ring.dispatch, "post": ring.post, "name": name}
    values.put_value(connection, f"{LATE}{ring.jti}:{ring.post}", json.dumps(facts))


def hold_rings(connection: Connection, *, alone: bool) -> None:
    """Until this transaction ends: a ring that is being kept shares it, a hush has it `alone`. So a hush sees every ring that was
    kept before it, and a ring sees the lock of every hush."""
    if connection.dialect.name == "postgresql":
        take = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
        connection.execute(select(take(_RINGS_LOCK)))


def hold_answers(connection: Connection) -> None:
    """Until this transaction ends no worker takes in answers: one that does so just now is waited for, and `answered_early` then
    sees what it has stored. Without it neither would see the other's rows."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ANSWERS_LOCK)))


def answered_early(connection: Connection, jtis: Collection[str]) -> list[Target]:
    """What posts have answered to these commands before their targets were here: a hush is said before it is kept."""
    query = select(ENTRY).where(ENTRY.c.command_id.in_(jtis)).order_by(ENTRY.c.n)
    rows = connection.execute(query).mappings()
    return answered(connection, [Heard(row["post"], entry_from(row), row["heard_ms"]) for row in rows])


def _over(connection: Connection, item: Heard) -> set[str]:
    named = (item.entry.detail or {}).get("ended")
    if not isinstance(named, list) or not named:
        return set()
    where = and_(
        ENTRY.c.post == item.post,
        ENTRY.c.activation.in_([name for name in named if is_id(name)]),
        ENTRY.c.kind.in_(_ENDS),
        or_(ENTRY.c.book != item.entry.book, ENTRY.c.seq > item.entry.seq),
    )
    return {str(found) for found in connection.execute(select(ENTRY.c.activation).where(where)).scalars()}


def _before_answer(connection: Connection, target: Target, end: Heard) -> bool:
    """An end that the post wrote before it answered the hush: one of several causes had ended by itself, the sound went on."""
    where = and_(
        ENTRY.c.post == target.post,
        ENTRY.c.command_id == target.jti,
        ENTRY.c.kind == "received",
        ENTRY.c.book == end.entry.book,
        ENTRY.c.seq > end.entry.seq,
    )
    return connection.execute(select(ENTRY.c.n).where(where).limit(1)).first() is not None


def incidents_of(connection: Connection, jtis: Collection[str]) -> dict[str, str]:
    """Of commands whose dispatch belongs to an incident: jti → incident."""
    query = select(COMMAND.c.jti, DISPATCH.c.incident).join(DISPATCH, COMMAND.c.dispatch == DISPATCH.c.id)
    rows = connection.execute(query.where(COMMAND.c.jti.in_(jtis), DISPATCH.c.incident.is_not(None)))
    return {str(jti): str(incident) for jti, incident in rows}


def ends_of(connection: Connection, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Of (post, activation) all whose causes have ended, how: finished, failed, the reason of the cut, or "at_post" (P13)."""
    of_them = ENTRY.c.activation.in_({activation for _, activation in pairs})
    some = select(ENTRY.c.post, ENTRY.c.activation).where(of_them, ENTRY.c.kind.in_(_ENDS)).distinct()
    ending = {(str(post), str(activation)) for post, activation in connection.execute(some)} & set(pairs)
    if not ending:
        return {}
    whole = and_(
        ENTRY.c.activation.in_({activation for _, activation in ending}), ENTRY.c.kind.in_(("ringing", *_ENDS))
    )
    lives: dict[tuple[str, str], list[Entry]] = {pair: [] for pair in ending}
    for row in connection.execute(select(ENTRY).where(whole).order_by(ENTRY.c.at_ms, ENTRY.c.seq)).mappings():
        if (pair := (row["post"], row["activation"])) in lives:
            lives[pair].append(entry_from(row))
    ends = {pair: end for pair, life in lives.items() if (end := sounding_end(life)) is not None}
    return {pair: "at_post" if hushed_at_post(end) else end.reason or end.kind for pair, end in ends.items()}


def _asked(incident: str) -> Select[Any]:
    return select(DISPATCH.c.id).where(
        DISPATCH.c.incident == incident, DISPATCH.c.do == "ring",
        DISPATCH.c.signal != "all_clear", DISPATCH.c.purpose != "test",
    )  # fmt: skip
