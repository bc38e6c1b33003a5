"""The one connection that writes. WAL with synchronous FULL: what was committed survives a power cut (STACK: 5 of 5 cuts);
pages of 512 bytes, since each commit writes whole pages: a ring (3 entries, 2 commits) costs 5.5 kB of them, with 1 KiB 8.0 kB,
with 4 KiB 24 kB."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, create_engine, delete, event, insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql import ClauseElement, func

from kengd.duty.ledger import StoredMark
from kengd.journal.batch import Head, SeenCommand
from kengd.journal.tables import EntryRow, HeadRow, LedgerRow, SeenRow, SpoolRow, ValueRow
from kengd.wire.entry import Facts

_PRAGMAS: Final = (
    "page_size=512",  # only heeded while the file is new
    "journal_mode=WAL",
    "synchronous=FULL",
    "cache_size=-512",
    "wal_autocheckpoint=1000",
    "journal_size_limit=1048576",
    "temp_store=MEMORY",
    "busy_timeout=3000",
)


def _sql(statement: ClauseElement) -> str:
    """A statement compiled once; rows are then handed to the driver as tuples, in the order of the columns."""
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="qmark")))


def _or_newer(model: type[Any], keys: Sequence[str], **changes: Any) -> str:
    statement = upsert(model)
    news = changes or {c.name: statement.excluded[c.name] for c in model.__table__.columns if c.name not in keys}
    return _sql(statement.on_conflict_do_update(index_elements=list(keys), set_=news))


_INSERT_ENTRY: Final = _sql(insert(EntryRow))
_PUT_HEAD: Final = _or_newer(HeadRow, ["id"])
_PUT_SPOOL: Final = _or_newer(SpoolRow, ["boot"])
_PUT_LEDGER: Final = _or_newer(LedgerRow, ["line", "date"])
_PUT_VALUE: Final = _or_newer(ValueRow, ["key"])
_DROP_VALUE: Final = _sql(delete(ValueRow.__table__).where(ValueRow.__table__.c.key == bindparam("key")))  # type: ignore[attr-defined]
_PUT_SEEN: Final = _or_newer(
    SeenRow,
    ["jti"],
    until_s=func.max(SeenRow.until_s, upsert(SeenRow).excluded.until_s),
    repeats=upsert(SeenRow).excluded.repeats,
)
_ANSWER_SEEN: Final = "UPDATE seen SET first_reply = ? WHERE jti = ? AND first_reply IS NULL"


class Pen:
    """The writing connection to one file, which is made (0600) if it is not there. Raises OSError, sqlalchemy's DBAPIError."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        for file in (path, *(path.with_name(path.name + tail) for tail in ("-wal", "-shm"))):
            if file.exists() and file.stat().st_mode & 0o077:
                file.chmod(0o600)
        self.path = path
        self.inode = path.stat().st_ino
        self._engine = _engine(path)
        try:
            self.connection: Connection = self._engine.connect()
        except BaseException:
            self._engine.dispose()
            raise

    def is_there(self) -> bool:
        """False when somebody deleted or replaced the file beneath us."""
        try:
            return os.stat(self.path).st_ino == self.inode
        except OSError:
            return False

    def close(self) -> None:
        """Let go; the write-ahead log is folded into the file."""
        self.connection.close()
        self._engine.dispose()

    # each of these runs inside the caller's transaction

    def add(self, rows: Sequence[tuple[Facts, str]]) -> None:
        """Entries at the end of the book, each with its hash."""
        self._many(_INSERT_ENTRY, [(*facts, bytes.fromhex(own_hash)) for facts, own_hash in rows])

    def put_head(self, post: str, head: Head, boot: str, spool_n: int) -> None:
        """Where the book now ends, and the newest spool record of this boot."""
        self._many(_PUT_HEAD, [(1, post, head.book, head.seq, bytes.fromhex(head.hash), boot, spool_n)])

    def put_spool(self, boot: str, n: int, seq: int) -> None:
        """Remember a former boot's newest record, and forget all but the newest eight boots."""
        self._many(_PUT_SPOOL, [(boot, n, seq)])
        self.connection.exec_driver_sql(
            "DELETE FROM spool WHERE boot NOT IN (SELECT boot FROM spool ORDER BY seq DESC LIMIT 8)"
        )

    def put_seen(self, seen: Iterable[SeenCommand]) -> None:
        """Commands heard, or heard again."""
        self._many(_PUT_SEEN, [(s.jti, s.sha256, s.until_s, s.first_reply, s.repeats) for s in seen])

    def answer_seen(self, replies: Mapping[str, int]) -> None:
        """The seq of the first reply of commands that had none."""
        self._many(_ANSWER_SEEN, [(seq, jti) for jti, seq in replies.items()])

    def put_ledger(self, marks: Iterable[StoredMark]) -> None:
        """Timetable marks; the last one of a line and date stays."""
        self._many(_PUT_LEDGER, [(m.line, m.date, m.state, m.key) for m in marks])

    def put_values(self, values: Mapping[str, str | None]) -> None:
        """Values; None removes."""
        self._many(_DROP_VALUE, [(key,) for key, text in values.items() if text is None])
        self._many(_PUT_VALUE, [(key, text) for key, text in values.items() if text is not None])

    def forget(self, upto_seq: int, before_s: int, before_date: str) -> int:
        """Delete archived entries, seen commands past their time and old timetable marks; how many entries went."""
        gone = self.connection.exec_driver_sql("DELETE FROM entry WHERE seq <= ?", (upto_seq,)).rowcount
        self.connection.exec_driver_sql("DELETE FROM seen WHERE until_s < ?", (before_s,))
        self.connection.exec_driver_sql("DELETE FROM ledger WHERE date < ?", (before_date,))
        return gone

    def _many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self.connection.exec_driver_sql(statement, list(rows))


def _engine(path: Path) -> Engine:
    """SQLite's own transactions, not the driver's guesses: DDL and DML alike stand between our BEGIN and COMMIT."""

    def open_file() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=32)
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=open_file, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine
