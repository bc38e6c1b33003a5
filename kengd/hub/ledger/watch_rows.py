"""What the hub has seen of its posts: presence, the nightly silent tests, lines that cannot be read; notices; a few values."""

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
    """A notice and what became of it. `incident`, `turn`: what it calls for, as whose turn. `errand`: what it is a part of."""

    __tablename__ = "notice"

    n: int | None = Field(default=None, sa_column=numbered())
    at_ms: int = Field(sa_type=WHOLE, index=True)
    kind: str = Field(sa_type=Text)
    to: str = Field(sa_type=Text)
    channel: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    ok: bool
    detail: str = Field(default="", sa_type=Text)
    incident: str | None = Field(default=None, sa_type=Text, index=True)
    turn: int | None = None
    errand: str | None = Field(default=None, sa_type=Text, index=True)


class ErrandRow(Row, table=True):
    """What has been claimed to be told and has not all gone out: `worker` tells it, until `until_ms`. `said`: JSON, the errand."""

    __tablename__ = "errand"

    key: str = Field(primary_key=True, sa_type=Text)
    worker: str = Field(sa_type=Text)
    until_ms: int = Field(sa_type=WHOLE)
    made_ms: int = Field(sa_type=WHOLE)
    said: str = Field(sa_type=Text)


class UnreadRow(Row, table=True):
    """A line of a post's book that could not be kept. `digest`: of its bytes; `book`, `seq`: where it says that it belongs."""

    __tablename__ = "unread"

    post: str = Field(primary_key=True, sa_type=Text)
    digest: str = Field(primary_key=True, sa_type=Text)
    book: str | None = Field(default=None, sa_type=Text)
    seq: int | None = Field(default=None, sa_type=WHOLE)
    why: str = Field(sa_type=Text)
    first_ms: int = Field(sa_type=WHOLE)
    last_ms: int = Field(sa_type=WHOLE)


class ValueRow(Row, table=True):
    """Key and value: the lock of a hush-all, hub settings that people change."""

    __tablename__ = "value"

    key: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text)
