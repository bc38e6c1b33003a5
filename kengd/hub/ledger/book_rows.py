"""The merged duty book: every entry of every post once, and how far each chain is proved (P8)."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from kengd.hub.ledger.rows import WHOLE, Row, numbered


class EntryRow(Row, table=True):
    """One entry of a post (DESIGN section 7). `n`: in the order in which the hub heard them. `detail`: canonical JSON or None."""

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("post", "book", "seq", name="entry_identity"),
        Index("entry_activation", "activation"),
        Index("entry_command", "command_id"),
        Index("entry_post_at", "post", "at_ms"),
        Index("entry_at", "at_ms"),
    )

    n: int | None = Field(default=None, sa_column=numbered())
    post: str = Field(sa_type=Text)
    book: str = Field(sa_type=Text)
    seq: int = Field(sa_type=WHOLE)
    at_ms: int = Field(sa_type=WHOLE)
    kind: str = Field(sa_type=Text)
    activation: str | None = Field(default=None, sa_type=Text)
    command_id: str | None = Field(default=None, sa_type=Text)
    signal: str | None = Field(default=None, sa_type=Text)
    purpose: str | None = Field(default=None, sa_type=Text)
    source: str | None = Field(default=None, sa_type=Text)
    place: str | None = Field(default=None, sa_type=Text)
    by: str | None = Field(default=None, sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    clock: str = Field(sa_type=Text)
    detail: str | None = Field(default=None, sa_type=Text)
    prev: bytes = Field(sa_type=LargeBinary)
    hash: bytes = Field(sa_type=LargeBinary)
    heard_ms: int = Field(sa_type=WHOLE)


class BookRow(Row, table=True):
    """One chain. Up to `seq` every entry is here and every link holds; `hash` is that entry's.

    `known_seq`: the highest seq that the post has ever named. `gap_ms`: since when something below it is missing.
    `wrong_seq`, `wrong`: the first link that does not hold, and how (broken, rewritten, shortened).
    """

    __tablename__ = "book"

    post: str = Field(primary_key=True, sa_type=Text)
    book: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(default=0, sa_type=WHOLE)
    hash: bytes = Field(sa_type=LargeBinary)
    known_seq: int = Field(default=0, sa_type=WHOLE)
    gap_ms: int | None = Field(default=None, sa_type=WHOLE)
    asked_ms: int | None = Field(default=None, sa_type=WHOLE)
    asks: int = 0
    wrong_seq: int | None = Field(default=None, sa_type=WHOLE)
    wrong: str | None = Field(default=None, sa_type=Text)
    began: str | None = Field(default=None, sa_type=Text)
    heard_ms: int = Field(sa_type=WHOLE)


class HeadRow(Row, table=True):
    """The head of a chain at some moment, signed by the hub: `jws` over post, book, seq, hash, at."""

    __tablename__ = "head"

    post: str = Field(primary_key=True, sa_type=Text)
    book: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(primary_key=True, sa_type=WHOLE)
    hash: bytes = Field(sa_type=LargeBinary)
    at_ms: int = Field(sa_type=WHOLE)
    jws: str = Field(sa_type=Text)
