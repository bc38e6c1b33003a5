"""Officers, their devices and tokens, and keepers' PINs, kept. Secrets come in as hashes only."""

from __future__ import annotations

import hmac
import json
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, func, select, update

from kengd.errors import KengdError
from kengd.hub.ledger.people_rows import OfficerRow, SessionRow, TokenRow
from kengd.hub.ledger.roster_rows import KeeperRow
from kengd.hub.ledger.rows import table
from kengd.hub.people.words import Officer, Session, Token

OFFICER, SESSION, TOKEN = table(OfficerRow), table(SessionRow), table(TokenRow)
KEEPER = table(KeeperRow)
ID_LENGTH: Final = 12
_LOCK: Final = 0x6B656E69


def lock(connection: Connection) -> None:
    """One change of officers at a time: the last admin is not ended by two who look at once. Before the audit book's lock."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def add_officer(connection: Connection, officer: Officer, password: str) -> None:
    """A new one."""
    row = {
        "id": officer.id, "login": officer.login, "name": officer.name, "role": officer.role, "password": password,
        "must_change": officer.must_change, "phone": officer.phone, "rank": officer.rank,
        "channels": json.dumps(officer.channels), "made_ms": officer.made_ms,
    }  # fmt: skip
    connection.execute(OFFICER.insert().values(**row))


def put_officer(connection: Connection, officer: Officer) -> None:
    """Name, role, phone, rank and channels, changed."""
    news = {
        "name": officer.name, "role": officer.role, "phone": officer.phone, "rank": officer.rank,
        "channels": json.dumps(officer.channels),
    }  # fmt: skip
    connection.execute(update(OFFICER).where(OFFICER.c.id == officer.id).values(**news))


def officers(connection: Connection, *, ended: bool = False) -> list[Officer]:
    """In their order; with `ended` also those who left."""
    query = select(OFFICER).order_by(OFFICER.c.rank, OFFICER.c.made_ms, OFFICER.c.id)
    if not ended:
        query = query.where(OFFICER.c.ended_ms.is_(None))
    return [_officer(row) for row in connection.execute(query)]


def officer(connection: Connection, officer_id: str) -> Officer | None:
    """The officer with this id, ended or not."""
    row = connection.execute(select(OFFICER).where(OFFICER.c.id == officer_id)).first()
    return None if row is None else _officer(row)


def in_service(connection: Connection, officer_id: str) -> Officer:
    """The officer with this id. Raises KengdError `no_such_officer`, also when they have ended."""
    found = officer(connection, officer_id)
    if found is None or found.ended_ms is not None:
        raise KengdError(
            "no_such_officer",
            "không có cán bộ này, hoặc đã nghỉ",
            cure="tải lại danh sách cán bộ",
            en="no such officer, or ended",
        )
    return found


def officer_of_login(connection: Connection, login: str) -> tuple[Officer, str] | None:
    """The officer who signs in with this, and the hash of the password."""
    where = (OFFICER.c.login == login) & OFFICER.c.ended_ms.is_(None)
    row = connection.execute(select(OFFICER).where(where)).first()
    return None if row is None else (_officer(row), row.password)


def kept_secrets(connection: Connection, officer_id: str, *, for_update: bool = False) -> tuple[str, str | None] | None:
    """The hashes of password and PIN of an officer who has not ended; `for_update`: nobody changes them in this transaction."""
    where = (OFFICER.c.id == officer_id) & OFFICER.c.ended_ms.is_(None)
    query = select(OFFICER.c.password, OFFICER.c.pin).where(where)
    row = connection.execute(query.with_for_update() if for_update else query).first()
    return None if row is None else (row.password, row.pin)


def put_password(connection: Connection, officer_id: str, password: str, *, must_change: bool) -> None:
    """Another hash."""
    news = {"password": password, "must_change": must_change}
    connection.execute(update(OFFICER).where(OFFICER.c.id == officer_id).values(**news))


def renew_hash(connection: Connection, officer_id: str, old: str, new: str) -> None:
    """The same password hashed anew; nothing when it was changed meanwhile."""
    where = (OFFICER.c.id == officer_id) & (OFFICER.c.password == old)
    connection.execute(update(OFFICER).where(where).values(password=new))


def put_pin(connection: Connection, officer_id: str, pin: str | None) -> None:
    """The hash of the PIN that opens an idle device."""
    connection.execute(update(OFFICER).where(OFFICER.c.id == officer_id).values(pin=pin))


def end_officer(connection: Connection, officer_id: str, now_ms: int) -> None:
    """Signs in no more; devices and tokens are ended too, the login is free again."""
    news: dict[str, Any] = {"ended_ms": now_ms, "login": None, "password": "", "pin": None}
    connection.execute(update(OFFICER).where(OFFICER.c.id == officer_id).values(**news))
    end_sessions(connection, officer_id)
    tokens = (TOKEN.c.officer == officer_id) & TOKEN.c.ended_ms.is_(None)
    connection.execute(update(TOKEN).where(tokens).values(ended_ms=now_ms))


def admins(connection: Connection) -> int:
    """How many there are."""
    where = (OFFICER.c.role == "admin") & OFFICER.c.ended_ms.is_(None)
    return connection.execute(select(func.count()).select_from(OFFICER).where(where)).scalar_one()


def anybody(connection: Connection) -> bool:
    """Whether there is an officer."""
    return connection.execute(select(OFFICER.c.id).where(OFFICER.c.ended_ms.is_(None)).limit(1)).first() is not None


def add_session(connection: Connection, digest: str, session: Session) -> None:
    """A device has signed in."""
    row = {
        "hash": digest, "officer": session.officer, "device": session.device, "made_ms": session.made_ms,
        "used_ms": session.used_ms, "until_ms": session.until_ms,
    }  # fmt: skip
    connection.execute(SESSION.insert().values(**row))


def session_of(connection: Connection, digest: str, now_ms: int) -> tuple[Session, Officer] | None:
    """The device with this secret, unless its time is over, and whose it is."""
    row = connection.execute(select(SESSION).where(SESSION.c.hash == digest, SESSION.c.until_ms > now_ms)).first()
    if row is None or not hmac.compare_digest(row.hash, digest):
        return None
    found = officer(connection, row.officer)
    return None if found is None or found.ended_ms is not None else (_session(row), found)


def use_session(connection: Connection, digest: str, now_ms: int, until_ms: int) -> None:
    """It was used just now."""
    connection.execute(update(SESSION).where(SESSION.c.hash == digest).values(used_ms=now_ms, until_ms=until_ms))


def sessions(connection: Connection, officer_id: str, now_ms: int) -> list[Session]:
    """The officer's devices, the last used first."""
    where = (SESSION.c.officer == officer_id) & (SESSION.c.until_ms > now_ms)
    query = select(SESSION).where(where).order_by(SESSION.c.used_ms.desc(), SESSION.c.hash)
    return [_session(row) for row in connection.execute(query)]


def end_session(connection: Connection, officer_id: str, session_id: str) -> bool:
    """One device of the officer's. False: there is none of this id."""
    return connection.execute(delete(SESSION).where(_is(SESSION, officer_id, session_id))).rowcount > 0


def end_sessions(connection: Connection, officer_id: str, but: str | None = None) -> int:
    """All devices of the officer's, but one. Returns how many."""
    where = SESSION.c.officer == officer_id
    if but is not None:
        where &= func.substr(SESSION.c.hash, 1, ID_LENGTH) != but
    return connection.execute(delete(SESSION).where(where)).rowcount


def sweep_sessions(connection: Connection, now_ms: int) -> int:
    """Strike those whose time is over. Returns how many."""
    return connection.execute(delete(SESSION).where(SESSION.c.until_ms <= now_ms)).rowcount


def add_token(connection: Connection, digest: str, token: Token) -> None:
    """A new one."""
    row = {
        "hash": digest, "name": token.name, "officer": token.officer, "role": token.role, "made_ms": token.made_ms,
        "until_ms": token.until_ms,
    }  # fmt: skip
    connection.execute(TOKEN.insert().values(**row))


def token_of(connection: Connection, digest: str, now_ms: int) -> tuple[Token, Officer] | None:
    """The token with this hash while it is good, and whose it is."""
    row = connection.execute(select(TOKEN).where(TOKEN.c.hash == digest, TOKEN.c.ended_ms.is_(None))).first()
    if row is None or not hmac.compare_digest(row.hash, digest):
        return None
    found = officer(connection, row.officer)
    if found is None or found.ended_ms is not None or (row.until_ms is not None and row.until_ms <= now_ms):
        return None
    return _token(row), found


def tokens(connection: Connection, officer_id: str | None = None) -> list[Token]:
    """All tokens, or an officer's, with those that are revoked or over; newest first."""
    query = select(TOKEN).order_by(TOKEN.c.made_ms.desc(), TOKEN.c.hash)
    if officer_id is not None:
        query = query.where(TOKEN.c.officer == officer_id)
    return [_token(row) for row in connection.execute(query)]


def end_token(connection: Connection, officer_id: str, token_id: str, now_ms: int) -> bool:
    """Revoked. False: the officer has none of this id, or it was revoked before."""
    where = _is(TOKEN, officer_id, token_id) & TOKEN.c.ended_ms.is_(None)
    return connection.execute(update(TOKEN).where(where).values(ended_ms=now_ms)).rowcount > 0


def keeper_pin(connection: Connection, keeper_id: str) -> str | None:
    """The hash of a keeper's PIN; None: there is no such keeper, or no PIN."""
    return connection.execute(select(KEEPER.c.pin).where(KEEPER.c.id == keeper_id)).scalar()


def put_keeper_pin(connection: Connection, keeper_id: str, pin: str | None) -> bool:
    """Another hash, or none. False: no such keeper."""
    return connection.execute(update(KEEPER).where(KEEPER.c.id == keeper_id).values(pin=pin)).rowcount > 0


def _is(rows: Table, officer_id: str, short: str) -> Any:
    return (rows.c.officer == officer_id) & (func.substr(rows.c.hash, 1, ID_LENGTH) == short)


def _officer(row: Any) -> Officer:
    return Officer(
        row.id, row.login, row.name, row.role, row.must_change, row.phone, row.rank, tuple(json.loads(row.channels)),
        row.pin is not None, row.made_ms, row.ended_ms, row.erased_ms,
    )  # fmt: skip


def _session(row: Any) -> Session:
    return Session(row.hash[:ID_LENGTH], row.officer, row.device, row.made_ms, row.used_ms, row.until_ms)


def _token(row: Any) -> Token:
    return Token(row.hash[:ID_LENGTH], row.name, row.officer, row.role, row.made_ms, row.until_ms, row.ended_ms)
