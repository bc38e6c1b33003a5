"""A few values of the hub's own, by key; and who was present when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from kengd.hub.ledger.rows import table
from kengd.hub.ledger.watch_rows import PresenceRow, ValueRow

VALUE, PRESENCE = table(ValueRow), table(PresenceRow)
_PRESENCE_LOCK: Final = 0x6B656E6A


def value_of(connection: Connection, key: str) -> str | None:
    """The value kept under this key."""
    return connection.execute(select(VALUE.c.value).where(VALUE.c.key == key)).scalar()


def values_of(connection: Connection, *keys: str) -> dict[str, str]:
    """The values kept under these keys; a key without one is left out."""
    query = select(VALUE.c.key, VALUE.c.value).where(VALUE.c.key.in_(keys))
    return {str(key): str(value) for key, value in connection.execute(query)}


def put_value(connection: Connection, key: str, value: str | None) -> None:
    """Keep it; None strikes it."""
    if value is None:
        connection.execute(delete(VALUE).where(VALUE.c.key == key))
        return
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(VALUE).values(key=key, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def put_new(connection: Connection, key: str, value: str) -> bool:
    """Keep it unless it is what is kept there already; whether it was new. Of several workers with the same value one is told so."""
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(VALUE).values(key=key, value=value)
    changed = statement.on_conflict_do_update(
        index_elements=["key"], set_={"value": value}, where=VALUE.c.value != value
    )
    return connection.execute(changed.returning(VALUE.c.key)).first() is not None


def put_first(connection: Connection, key: str, value: str) -> bool:
    """Keep it where nothing is kept yet; False when something is. Of several at once one is the first."""
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(VALUE).values(key=key, value=value).on_conflict_do_nothing(index_elements=["key"])
    return connection.execute(statement.returning(VALUE.c.key)).first() is not None


def swap(connection: Connection, key: str, before: str, value: str | None) -> bool:
    """Keep it in the place of `before` (None strikes it); False when that is not what is kept there any more."""
    where = and_(VALUE.c.key == key, VALUE.c.value == before)
    change = delete(VALUE).where(where) if value is None else update(VALUE).where(where).values(value=value)
    return connection.execute(change).rowcount > 0


def under(connection: Connection, prefix: str) -> dict[str, str]:
    """All whose key begins with `prefix`."""
    query = (
        select(VALUE.c.key, VALUE.c.value).where(VALUE.c.key.startswith(prefix, autoescape=True)).order_by(VALUE.c.key)
    )
    return {str(key): str(value) for key, value in connection.execute(query)}


def note_presence(connection: Connection, came: Sequence[tuple[str, bool, int]]) -> list[tuple[str, bool, int]]:
    """(post, whether it is present, from when on, unix ms), in their order. Several workers see the same: those that were new."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_PRESENCE_LOCK})")
    known: dict[str, bool | None] = {}
    new = []
    for post, present, from_ms in came:
        if post not in known:
            newest = select(PRESENCE.c.present).where(PRESENCE.c.post == post).order_by(PRESENCE.c.n.desc()).limit(1)
            known[post] = connection.execute(newest).scalar()
        if known[post] is not present:
            known[post] = present
            new.append((post, present, from_ms))
    if new:
        rows = [{"post": post, "present": present, "from_ms": from_ms} for post, present, from_ms in new]
        connection.execute(PRESENCE.insert(), rows)
    return new


def absent_since(connection: Connection) -> dict[str, int]:
    """Posts that were gone when somebody last looked, and since when (unix ms)."""
    newest = select(func.max(PRESENCE.c.n)).group_by(PRESENCE.c.post)
    query = select(PRESENCE.c.post, PRESENCE.c.from_ms).where(PRESENCE.c.n.in_(newest), PRESENCE.c.present.is_(False))
    return {str(post): int(from_ms) for post, from_ms in connection.execute(query)}


def presence_between(connection: Connection, from_ms: int, to_ms: int) -> dict[str, list[tuple[int, bool]]]:
    """Per post its changes, ascending, with the last one before `from_ms`."""
    query = (
        select(PRESENCE).where(PRESENCE.c.from_ms < to_ms).order_by(PRESENCE.c.post, PRESENCE.c.from_ms, PRESENCE.c.n)
    )
    found: dict[str, list[tuple[int, bool]]] = {}
    for row in connection.execute(query).mappings():
        changes = found.setdefault(row["post"], [])
        if row["from_ms"] <= from_ms:
            changes.clear()
        changes.append((row["from_ms"], row["present"]))
    return found
