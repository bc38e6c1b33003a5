"""The hub's own book: every act in a chain, as in a post's book (P8).

hash = SHA-256 over `prev` as 64 lower-case ASCII characters followed by the canonical JSON (keys sorted, compact, UTF-8) of
act, at_ms, by, facts, prev and seq. The newest link is kept a second time, so that a book cut short is seen too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any, Final

from sqlalchemy import Connection, select

from kengd.hub.ledger.people_rows import AuditRow
from kengd.hub.ledger.rows import table
from kengd.hub.ledger.values import put_value, value_of

AUDIT = table(AuditRow)
FIRST_PREV: Final = "0" * 64
HEAD: Final = "audit.head"
SECRET: Final = frozenset({"password", "pin", "secret", "token_secret", "private_key", "passphrase", "cookie"})
"""Keys of facts that nobody may write: what is in the book stays in it."""
_LOCK: Final = 0x6B656E68
_PAGE: Final = 1_000
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Audit:
    """One act. `by`: an officer's id, `shell:USER`, or a part of the hub. `prev` and `hash`: 64 lower-case hex."""

    seq: int
    at_ms: int
    by: str
    act: str
    facts: dict[str, Any]
    prev: str
    hash: str


def write(connection: Connection, by: str, act: str, facts: Mapping[str, Any], at_ms: int) -> int:
    """Add an act in the caller's transaction, which should do it last: on PostgreSQL other writers wait until it ends.

    `facts`: plain JSON, ids rather than names. Returns its seq. Raises ValueError or TypeError on facts that are no JSON, or
    that carry a secret.
    """
    _no_secrets(facts)
    text = _encode(facts)
    text.encode()  # a lone surrogate is refused before anything is written
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    last = connection.execute(select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)).first()
    seq, prev = (1, FIRST_PREV) if last is None else (last.seq + 1, last.hash)
    own = link(seq, at_ms, by, act, text, prev)
    row = {"seq": seq, "at_ms": at_ms, "by": by, "act": act, "facts": text, "prev": prev, "hash": own}
    connection.execute(AUDIT.insert().values(**row))
    put_value(connection, HEAD, f"{seq} {own}")
    return seq


def link(seq: int, at_ms: int, by: str, act: str, facts: str, prev: str) -> str:
    """The hash of an act; `facts`: its canonical text."""
    text = (
        f'{{"act":{encode_basestring(act)},"at_ms":{at_ms},"by":{encode_basestring(by)},"facts":{facts},'
        f'"prev":"{prev}","seq":{seq}}}'
    )
    return sha256((prev + text).encode()).hexdigest()


def verify(connection: Connection) -> int | None:
    """The first seq that was changed, is missing or does not belong; None: every act is as it was written."""
    seq, prev = 0, FIRST_PREV
    for row in _rows(connection):
        seq += 1
        if row.seq != seq:
            return seq
        try:
            holds = row.prev == prev and row.hash == link(row.seq, row.at_ms, row.by, row.act, row.facts, row.prev)
        except (TypeError, ValueError):
            holds = False
        if not holds:
            return seq
        prev = row.hash
    kept = value_of(connection, HEAD)
    if kept == (f"{seq} {prev}" if seq else None):
        return None
    return seq if kept is not None and kept.startswith(f"{seq} ") else seq + 1


def head(connection: Connection) -> tuple[int, str]:
    """Seq and hash of the newest act; 0 and 64 zeros when there is none."""
    last = connection.execute(select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)).first()
    return (0, FIRST_PREV) if last is None else (last.seq, last.hash)


def read(connection: Connection, after: int = 0, limit: int = 200) -> list[Audit]:
    """Acts with a seq above `after`, oldest first."""
    query = select(AUDIT).where(AUDIT.c.seq > after).order_by(AUDIT.c.seq).limit(limit)
    return [_audit(row) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which acts; None: any. `from_ms`, `to_ms`: [from, to)."""

    by: str | None = None
    act: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


ANY: Final = Wanted()


def newest(connection: Connection, before: int | None = None, limit: int = 200, wanted: Wanted = ANY) -> list[Audit]:
    """The last acts, or those before a seq; newest first."""
    query = select(AUDIT).order_by(AUDIT.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(AUDIT.c.seq < before)
    if wanted.by is not None:
        query = query.where(AUDIT.c.by == wanted.by)
    if wanted.act is not None:
        query = query.where(AUDIT.c.act == wanted.act)
    if wanted.from_ms is not None:
        query = query.where(AUDIT.c.at_ms >= wanted.from_ms)
    if wanted.to_ms is not None:
        query = query.where(AUDIT.c.at_ms < wanted.to_ms)
    return [_audit(row) for row in connection.execute(query)]


def of_acts(connection: Connection, acts: Sequence[str], since_ms: int, limit: int) -> list[Audit]:
    """These acts from this moment on, newest first."""
    where = (AUDIT.c.at_ms >= since_ms) & AUDIT.c.act.in_(acts)
    return [
        _audit(row) for row in connection.execute(select(AUDIT).where(where).order_by(AUDIT.c.seq.desc()).limit(limit))
    ]


def by_one(connection: Connection, by: str) -> list[Audit]:
    """All that one person did."""
    query = select(AUDIT).where(AUDIT.c.by == by).order_by(AUDIT.c.seq)
    return [_audit(row) for row in connection.execute(query)]


def _rows(connection: Connection) -> Iterator[Any]:
    after: int | None = None
    while True:
        query = select(AUDIT).order_by(AUDIT.c.seq).limit(_PAGE)
        rows = connection.execute(query if after is None else query.where(AUDIT.c.seq > after)).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].seq


def _audit(row: Any) -> Audit:
    try:
        facts = json.loads(row.facts)
    except ValueError:
        facts = {"unreadable": row.facts}  # somebody has been at it: shown as it is, `verify` says where
    return Audit(row.seq, row.at_ms, row.by, row.act, facts, row.prev, row.hash)


def _no_secrets(value: Any) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if str(key).casefold() in SECRET:
                raise ValueError(f"a secret does not belong into the audit book: {key}")
            _no_secrets(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _no_secrets(item)
