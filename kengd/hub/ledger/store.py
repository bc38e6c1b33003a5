"""The ledger's database: SQLite in the state directory, or PostgreSQL by a URL. Brought to the newest shape when opened."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection as Connection  # for those who may not know sqlalchemy
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from kengd import clock
from kengd.errors import KengdError, UsageError

# Each family of rows has to be known before the tables are looked at.
from kengd.hub.ledger import (  # noqa: F401
    book_rows,
    change_rows,
    changes,
    dispatch_rows,
    incident_rows,
    people_rows,
    roster_rows,
    shift_rows,
    watch_rows,
)
from kengd.hub.ledger.changes import Noted
from kengd.hub.ledger.migrations import NEWEST

Transaction = Connection
"""What `write` and `read` give: an open transaction. Other rooms hand it on and never look into it."""

_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=10000",
    "foreign_keys=ON",
    "journal_size_limit=16777216",
    "cache_size=-8192",
)
TROUBLE: Final = (SQLAlchemyError, OSError)
"""What a transaction raises when the database is away, full or broken."""
_OF_CONTENT: Final = ("21", "22", "23", "54")
"""Classes of SQLSTATE (PostgreSQL, appendix A): what was asked can never be done. 54 is a row that is too long for its index,
and comes as an operational error."""
_MIGRATING: Final = 0x6B656E67
"""PostgreSQL's advisory lock: two workers that start together do not both change the tables."""


_DEAD_PEERS: Final = (
    "SET tcp_keepalives_idle = 5",
    "SET tcp_keepalives_interval = 2",
    "SET tcp_keepalives_count = 3",
    "SET idle_in_transaction_session_timeout = '20s'",
)
"""What a worker has locked is free again some seconds after its machine is gone without a word, or its process hangs."""


class Ledger:
    """One database. `write` and `read` may be called from any thread; each is one transaction.

    `tells`: whether other processes want to know what this one changes (`changes`). `on_noted`: told of it here, after each commit.
    """

    def __init__(
        self, url: str, *, tells: bool = True, on_noted: Callable[[Sequence[Noted]], None] = lambda _: None
    ) -> None:
        """Open it and bring it up to date. Raises UsageError `bad_database_url`, KengdError `ledger_unreachable`, `ledger_newer`."""
        self.name = secrets.token_hex(6)
        """Of this process, in what it tells."""
        self._tells, self._on_noted = tells, on_noted
        self.engine = _engine(url)
        self.sqlite = self.engine.dialect.name == "sqlite"
        self._writing = threading.Lock()
        if self.sqlite:
            _only_ours(Path(str(self.engine.url.database)))
        try:
            self._migrate()
        except DBAPIError as wrong:
            self.engine.dispose()
            raise KengdError(
                "ledger_unreachable",
                f"không mở được cơ sở dữ liệu của máy trực ban ({_first_line(wrong.orig)})",
                cure="xem máy chủ PostgreSQL có chạy không, hoặc đĩa còn chỗ và quyền ghi không",
                en=f"cannot open the ledger: {_first_line(wrong.orig)}",
            ) from wrong

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may change things: committed when the block ends, rolled back when it raises."""
        with self._writer() as connection:
            notes = changes.listen(connection)
            yield connection
            noted = tuple(notes.values())
            if noted and self._tells:
                changes.keep(connection, self.name, noted, clock.now().wall_ms)
        if noted:
            self._on_noted(noted)

    @contextmanager
    def _writer(self) -> Iterator[Connection]:
        """SQLite has one writer at a time: it is chosen here, fairly, instead of by waiting for its file lock."""
        if not self.sqlite:
            with self.engine.begin() as connection:
                yield connection
            return
        with self._writing, self.engine.connect() as connection:
            connection.info["immediate"] = True
            try:
                with connection.begin():
                    yield connection
            finally:
                connection.info.pop("immediate", None)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only looks: one state of all tables."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()

    def _migrate(self) -> None:
        """Alembic costs 40 MiB that are never given back: it is only loaded where there is a step to take."""
        with self.read() as connection:
            if revision_of(connection) == NEWEST:
                return
        from kengd.hub.ledger.stepping import take_steps

        with self.write() as connection:
            if not self.sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            take_steps(connection)


def revision_of(connection: Connection) -> str | None:
    """The shape of this ledger, as alembic writes it down; None: there are no tables."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def trouble_in_words(wrong: BaseException) -> str:
    """The database's own first line, for logs and conditions."""
    return _first_line(getattr(wrong, "orig", None) or wrong)


def ledger_trouble() -> KengdError:
    """As people are told; the database's own words may hold what was being written."""
    return KengdError(
        "ledger_trouble",
        "cơ sở dữ liệu của máy trực ban đang hỏng hoặc đầy",
        cure="xem đĩa còn chỗ không, PostgreSQL có chạy không; thử lại sau vài giây",
        en="the ledger cannot be read or written",
    )


def is_away(wrong: BaseException) -> bool:
    """True: the database is away, full or busy, and the same will do later. False: it is what was asked that cannot be done."""
    if not isinstance(wrong, TROUBLE):
        return False
    state = getattr(getattr(wrong, "orig", None), "sqlstate", None)
    if state is not None:
        return str(state)[:2] not in _OF_CONTENT
    return not isinstance(wrong, DataError | IntegrityError | ProgrammingError)


def _only_ours(path: Path) -> None:
    """A new file is nobody else's to read from its first byte on: people's numbers will be in it. SQLite's own files beside it are
    given its mode."""
    with suppress(OSError):  # there already; or it cannot be made, which SQLite will say
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def sqlite_url(path: Path) -> str:
    """The URL of a ledger in this file."""
    return f"sqlite:///{path}"


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            engine = create_engine(parsed, poolclass=QueuePool, pool_size=8, max_overflow=24)
            event.listen(engine, "connect", _prepare)
            event.listen(engine, "begin", _begin)
            return engine
        if parsed.get_backend_name() == "postgresql":
            pool: dict[str, Any] = {"pool_size": 8, "max_overflow": 24, "pool_pre_ping": True}
            engine = create_engine(parsed.set(drivername="postgresql+psycopg"), **pool)
            event.listen(engine, "connect", _bury_the_dead)
            return engine
    except (ArgumentError, ValueError):
        pass
    raise UsageError(
        "bad_database_url",
        "địa chỉ cơ sở dữ liệu không dùng được",  # never shown: it may hold a password (P12)
        cure='ghi url = "postgresql://TÊN:MẬT_KHẨU@MÁY/CƠ_SỞ", hoặc bỏ dòng đó để dùng SQLite',
        en="database.url is neither sqlite nor postgresql",
    )


def _prepare(connection: Any, _record: object) -> None:
    """Transactions begin when SQLAlchemy says so, not when the driver thinks so."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _bury_the_dead(connection: Any, _record: object) -> None:
    """PostgreSQL waits two hours for a machine that has lost its power; nobody else may ring meanwhile."""
    connection.autocommit = True
    for statement in _DEAD_PEERS:
        connection.execute(statement)
    connection.autocommit = False


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("immediate") else "BEGIN")


def _first_line(wrong: object) -> str:
    return str(wrong).strip().partition("\n")[0][:200]
