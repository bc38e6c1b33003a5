"""The book's tables. Dense on purpose: no secondary index, `prev` and `book` are not repeated in each row (bytes per ring)."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, Table, Text, text
from sqlmodel import Field, SQLModel


class EntryRow(SQLModel, table=True):
    """One entry; columns in the order of `wire.entry.Facts`, then the hash as 32 bytes."""

    __tablename__ = "entry"

    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    at_ms: int
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
    hash: bytes = Field(sa_type=LargeBinary)


class HeadRow(SQLModel, table=True):
    """One row: the newest entry and the newest spool record written, so that a lost tail shows and a re-sent record is known."""

    __tablename__ = "head"

    id: int = Field(default=1, primary_key=True)
    post: str = Field(sa_type=Text)
    book: str = Field(sa_type=Text)
    seq: int
    hash: bytes = Field(sa_type=LargeBinary)
    boot: str = Field(sa_type=Text)
    spool_n: int


class SpoolRow(SQLModel, table=True):
    """Highest spool record written of former boots (the present one stands in `head`)."""

    __tablename__ = "spool"
    __table_args__ = {"sqlite_with_rowid": False}

    boot: str = Field(primary_key=True, sa_type=Text)
    n: int
    seq: int


class SeenRow(SQLModel, table=True):
    """Commands already heard (R2): kept until `until_s`, unix s."""

    __tablename__ = "seen"
    __table_args__ = {"sqlite_with_rowid": False}

    jti: str = Field(primary_key=True, sa_type=Text)
    sha256: bytes = Field(sa_type=LargeBinary)
    until_s: int
    first_reply: int | None = None
    repeats: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})


class LedgerRow(SQLModel, table=True):
    """Timetable: what became of a line on a local date (P6)."""

    __tablename__ = "ledger"
    __table_args__ = {"sqlite_with_rowid": False}

    line: str = Field(primary_key=True, sa_type=Text)
    date: str = Field(primary_key=True, sa_type=Text)
    state: str = Field(sa_type=Text)
    key: str | None = Field(default=None, sa_type=Text)


class ValueRow(SQLModel, table=True):
    """Key and value: silences, locks, cursors, versions; keys that begin with "_" are the book's own."""

    __tablename__ = "value"
    __table_args__ = {"sqlite_with_rowid": False}

    key: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text)


TABLES: tuple[Table, ...] = tuple(
    SQLModel.metadata.tables[name] for name in ("entry", "head", "spool", "seen", "ledger", "value")
)
