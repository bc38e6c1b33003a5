"""Officers, their sessions and tokens, and the hub's own chained audit book."""

from __future__ import annotations

from sqlalchemy import Text
from sqlmodel import Field

from kengd.hub.ledger.rows import WHOLE, Row, numbered


class OfficerRow(Row, table=True):
    """An officer. `id`: made up, says nothing of the person; `login`: None once ended. `role`: duty, chief or admin.

    `password`: argon2, empty once ended; `must_change`: it was given by somebody else. `pin`: scrypt.
    """

    __tablename__ = "officer"

    id: str = Field(primary_key=True, sa_type=Text)
    login: str | None = Field(default=None, sa_type=Text, index=True, unique=True)
    name: str = Field(sa_type=Text)
    role: str = Field(sa_type=Text)
    password: str = Field(sa_type=Text)
    must_change: bool = False
    phone: str = Field(default="", sa_type=Text)
    rank: int = 0
    channels: str = Field(default="[]", sa_type=Text)
    pin: str | None = Field(default=None, sa_type=Text)
    made_ms: int = Field(sa_type=WHOLE)
    ended_ms: int | None = Field(default=None, sa_type=WHOLE)
    erased_ms: int | None = Field(default=None, sa_type=WHOLE)


class SessionRow(Row, table=True):
    """A signed-in device. `hash`: SHA-256 (hex) of the cookie's secret."""

    __tablename__ = "session"

    hash: str = Field(primary_key=True, sa_type=Text)
    officer: str = Field(foreign_key="officer.id", sa_type=Text, index=True)
    device: str = Field(default="", sa_type=Text)
    made_ms: int = Field(sa_type=WHOLE)
    used_ms: int = Field(sa_type=WHOLE)
    until_ms: int = Field(sa_type=WHOLE)


class TokenRow(Row, table=True):
    """An API token. `hash`: SHA-256 (hex); the token itself is shown once."""

    __tablename__ = "token"

    hash: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    officer: str = Field(foreign_key="officer.id", sa_type=Text, index=True)
    role: str = Field(sa_type=Text)
    made_ms: int = Field(sa_type=WHOLE)
    until_ms: int | None = Field(default=None, sa_type=WHOLE)
    ended_ms: int | None = Field(default=None, sa_type=WHOLE)


class AuditRow(Row, table=True):
    """What was done at the hub, by whom: a chain like a post's book. `facts`: canonical JSON."""

    __tablename__ = "audit"

    seq: int = Field(sa_column=numbered())
    at_ms: int = Field(sa_type=WHOLE)
    by: str = Field(sa_type=Text)
    act: str = Field(sa_type=Text)
    facts: str = Field(sa_type=Text)
    prev: str = Field(sa_type=Text)
    hash: str = Field(sa_type=Text)
