"""The outbox: signed bytes that have not been answered, when they are due again, and what becomes of those that lapse."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, RowMapping, and_, or_, select, update

from kengd.hub.dispatching import STOPPED, UNREAD, State, Target, cancelled, lapsed
from kengd.hub.ledger import changes
from kengd.hub.ledger.dispatch_rows import CommandRow, DispatchRow
from kengd.hub.ledger.dispatches import Command, stop_late
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.targets import IN_ORDER, TARGET, UNANSWERED, change, locked, target_of

DISPATCH, COMMAND = table(DispatchRow), table(CommandRow)
STEPPED_MS: Final = 60_000
"""Nothing is made or due so much later than now: it was before our clock was put back. Workers' clocks differ by less."""


def due(connection: Connection, now_ms: int, limit: int = 100) -> list[tuple[Command, tuple[str, ...]]]:
    """Commands to be sent now, each with the posts that have not answered it; those with none left are closed.

    With several workers each command is one's alone until the transaction ends.
    """
    when = or_(COMMAND.c.due_ms <= now_ms, COMMAND.c.due_ms > now_ms + STEPPED_MS)
    query = select(COMMAND).where(COMMAND.c.open, when).order_by(COMMAND.c.due_ms).limit(limit)
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    found = [_command(row) for row in connection.execute(query).mappings()]
    if not found:
        return []
    waiting: dict[str, list[str]] = {command.jti: [] for command in found}
    # a refusal that names no command is only taken for this one's: it is sent again all the same
    guessed = and_(TARGET.c.state == State.REFUSED.value, TARGET.c.reason.in_(UNREAD), TARGET.c.exp_ms > now_ms)
    where = and_(TARGET.c.jti.in_(waiting), or_(TARGET.c.state.in_(UNANSWERED), guessed))
    for jti, post in connection.execute(select(TARGET.c.jti, TARGET.c.post).where(where).order_by(TARGET.c.post)):
        waiting[jti].append(post)
    over = [jti for jti, posts in waiting.items() if not posts]
    if over:
        connection.execute(update(COMMAND).where(COMMAND.c.jti.in_(over)).values(open=False))
    return [(command, tuple(waiting[command.jti])) for command in found if waiting[command.jti]]


def sent(connection: Connection, jti: str, posts: Collection[str], now_ms: int, due_ms: int) -> None:
    """These posts' command was given to the broker; it is due again at `due_ms`."""
    one = update(COMMAND).where(COMMAND.c.jti == jti).values(sends=COMMAND.c.sends + 1, due_ms=due_ms)
    dispatch = connection.execute(one.returning(COMMAND.c.dispatch)).scalar()
    where = and_(TARGET.c.jti == jti, TARGET.c.post.in_(posts), TARGET.c.state == State.WAITING.value)
    if connection.dialect.name == "postgresql":  # an UPDATE locks rows as it finds them, and answers come meanwhile
        connection.execute(locked(connection, select(TARGET.c.post).where(where).order_by(*IN_ORDER)))
    news = update(TARGET).where(where).values(state=State.SENT.value, sent_ms=now_ms)
    if connection.execute(news).rowcount:
        changes.note(connection, "dispatch", dispatch=dispatch)


def put_off(connection: Connection, jti: str, due_ms: int) -> None:
    """The line was down: try then."""
    connection.execute(update(COMMAND).where(COMMAND.c.jti == jti).values(due_ms=due_ms))


def hurry(connection: Connection, posts: Collection[str], now_ms: int) -> None:
    """These posts are there again: what they have not answered is due now."""
    unanswered = select(TARGET.c.jti).where(TARGET.c.post.in_(posts), TARGET.c.state.in_(UNANSWERED))
    where = and_(COMMAND.c.open, COMMAND.c.due_ms > now_ms, COMMAND.c.exp_ms > now_ms, COMMAND.c.jti.in_(unanswered))
    query = locked(connection, select(COMMAND.c.jti).where(where).order_by(COMMAND.c.jti))
    found = connection.execute(query).scalars().all()
    connection.execute(update(COMMAND).where(COMMAND.c.jti.in_(found)).values(due_ms=now_ms))


def lapse(connection: Connection, now_ms: int) -> list[Target]:
    """Commands that have expired unanswered; their posts gave no answer. One that was made in our future has expired too, as far
    as anybody can tell: our clock was put back since (P5)."""
    later = select(DISPATCH.c.id).where(DISPATCH.c.made_ms > now_ms + STEPPED_MS)
    query = select(TARGET).where(TARGET.c.state.in_(UNANSWERED))
    query = query.where(or_(TARGET.c.exp_ms < now_ms, TARGET.c.dispatch.in_(later)))
    query = query.order_by(*IN_ORDER)
    found = [target_of(row) for row in connection.execute(locked(connection, query)).mappings()]
    stepped = set(connection.execute(later).scalars()) if found else set()
    changed = [
        after for before in found if (after := lapsed(before, now_ms, stepped=before.dispatch in stepped)) != before
    ]
    change(connection, changed)
    return changed


def stop(
    connection: Connection, posts: Collection[str], now_ms: int, dispatches: Collection[str] | None = None
) -> None:
    """A hush of these posts: no ring that they have not answered is sent again, and what has not begun there is ended too, since
    a hush that names what sounds does not reach it (P13). `dispatches`: of these alone."""
    states = (*UNANSWERED, State.RECEIVED.value)
    where = and_(TARGET.c.do == "ring", TARGET.c.post.in_(posts), TARGET.c.state.in_(states))
    if dispatches is not None:
        where = and_(where, TARGET.c.dispatch.in_(dispatches))
    query = locked(connection, select(TARGET).where(where).order_by(*IN_ORDER))
    found = [target_of(row) for row in connection.execute(query).mappings()]
    waiting = [target for target in found if target.state is State.RECEIVED]
    change(connection, [cancelled(target, now_ms) for target in found if target.state is not State.RECEIVED])
    change(connection, [replace(target, reason=STOPPED) for target in waiting])
    for target in waiting:
        stop_late(connection, target, target.jti)


def next_due_ms(connection: Connection) -> int | None:
    """When the outbox has to be looked at next."""
    query = select(COMMAND.c.due_ms).where(COMMAND.c.open).order_by(COMMAND.c.due_ms).limit(1)
    return connection.execute(query).scalar()


def _command(row: RowMapping) -> Command:
    return Command(
        row["jti"], row["dispatch"], row["topic"], bytes(row["jws"]), row["exp_ms"], row["due_ms"], row["sends"]
    )
