"""What the hub has seen of its posts: presence, the nightly silent tests, notices sent; and a few values of its own."""

from __future__ import annotations

from sqlalchemy import Index, Text
from sqlmodel import Field

from kengd.hub.ledger.rows import WHOLE, Row, numbered


class PresenceRow(Row, table=True):
    """From `from_ms` on the post was present or absent, until its next row."""

    __tablename__ = "presence"
    __table_args__ = (Index("presence_post", "post", "from_ms"),)

    n: int | None = Field(default=None, sa_column=numbered())
    post: str = Field(sa_type=Text)
    present: bool
    from_ms: int = Field(sa_type=WHOLE)


class TrialRow(Row, table=True):
    """The silent test of one night at one post. `result`: passed, missed, failed, waiting; `findings`: JSON object."""

    __tablename__ = "trial"

    night: str = Field(primary_key=True, sa_type=Text)
    post: str = Field(primary_key=True, sa_type=Text)
    dispatch: str | None = Field(default=None, sa_type=Text)
    result: str = Field(sa_type=Text)
    findings: str = Field(default="{}", sa_type=Text)
    at_ms: int = Field(sa_type=WHOLE)


class NoticeRow(Row, table=True):
    """A notice and what became of it."""

    __tablename__ = "notice"

    n: int | None = Field(default=None, sa_column=numbered())
    at_ms: int = Field(sa_type=WHOLE, index=True)
    kind: str = Field(sa_type=Text)
    to: str = Field(sa_type=Text)
    channel: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    ok: bool
    detail: str = Field(default="", sa_type=Text)


class ValueRow(Row, table=True):
    """Key and value: the lock of a hush-all, hub settings that people change."""

    __tablename__ = "value"

    key: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text)
