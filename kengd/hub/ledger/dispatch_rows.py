"""What was ordered, the signed bytes that are repeated, and how far each post has come."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, Text
from sqlmodel import Field

from kengd.hub.ledger.rows import WHOLE, Row


class DispatchRow(Row, table=True):
    """One act of an officer (or of the hub itself). `digest`: SHA-256 of what was asked; the same id with another is refused.

    `lifts`: for a hush with a lock nothing; `incident`: what it belongs to.
    """

    __tablename__ = "dispatch"

    id: str = Field(primary_key=True, sa_type=Text)
    do: str = Field(sa_type=Text)
    signal: str | None = Field(default=None, sa_type=Text)
    purpose: str | None = Field(default=None, sa_type=Text)
    by: str = Field(sa_type=Text)
    why: str | None = Field(default=None, sa_type=Text)
    at_s: int | None = Field(default=None, sa_type=WHOLE)
    gap_s: int = 0
    officer: str | None = Field(default=None, sa_type=Text)
    second: str | None = Field(default=None, sa_type=Text)
    incident: str | None = Field(default=None, sa_type=Text, index=True)
    repeats: str | None = Field(default=None, sa_type=Text)
    made_ms: int = Field(sa_type=WHOLE, index=True)
    digest: bytes = Field(sa_type=LargeBinary)


class CommandRow(Row, table=True):
    """One signed command: these bytes and no others go out, again and again, until answered or `exp_ms`."""

    __tablename__ = "command"
    __table_args__ = (Index("command_due", "open", "due_ms"),)

    jti: str = Field(primary_key=True, sa_type=Text)
    dispatch: str = Field(foreign_key="dispatch.id", sa_type=Text, index=True)
    topic: str = Field(sa_type=Text)
    jws: bytes = Field(sa_type=LargeBinary)
    exp_ms: int = Field(sa_type=WHOLE)
    due_ms: int = Field(sa_type=WHOLE)
    sends: int = 0
    open: bool = True


class TargetRow(Row, table=True):
    """One post's part in a dispatch: the columns of `dispatching.Target`; `awaited` is a JSON list."""

    __tablename__ = "target"
    __table_args__ = (Index("target_command", "jti", "post"), Index("target_open", "state", "exp_ms"))

    dispatch: str = Field(primary_key=True, foreign_key="dispatch.id", sa_type=Text)
    post: str = Field(primary_key=True, sa_type=Text)
    jti: str = Field(sa_type=Text)
    do: str = Field(sa_type=Text)
    exp_ms: int = Field(sa_type=WHOLE)
    state: str = Field(sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    activation: str | None = Field(default=None, sa_type=Text)
    proved: bool | None = None
    awaited: str = Field(default="[]", sa_type=Text)
    sent_ms: int | None = Field(default=None, sa_type=WHOLE)
    received_ms: int | None = Field(default=None, sa_type=WHOLE)
    ringing_ms: int | None = Field(default=None, sa_type=WHOLE)
    ended_ms: int | None = Field(default=None, sa_type=WHOLE)
