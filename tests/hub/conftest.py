"""The ledger on both databases: SQLite in a file, and one PostgreSQL server for the whole run with an own database per test."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kengd.hub.ledger.store import Ledger, sqlite_url
from tests.hub.people_database import on_disk
from tests.hub.town_kit import Town

UNPRIVILEGED = ("postgres", "nobody")
START_WITHIN_S = 30.0


def tool(name: str) -> str:
    """A program of PostgreSQL: on the path, or where Debian keeps it (the newest)."""
    found = shutil.which(name)
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    if found is None and not beside:
        pytest.fail(f"{name} is not here: install the package postgresql")
    return found or str(beside[-1])


def as_whom(directory: Path) -> dict[str, Any]:
    """How to start a server that will not run as root: as somebody unprivileged, who then owns the directory."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    who = next(names[name] for name in UNPRIVILEGED if name in names)
    os.chown(directory, who.pw_uid, who.pw_gid)
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


class Server:
    """One PostgreSQL on a socket in its own directory; nothing of it is kept on disk longer than the run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._numbers = itertools.count(1)
        start: dict[str, Any] = {"cwd": "/", "env": {**os.environ, "LC_ALL": "C.UTF-8"}, **as_whom(directory)}
        data, log = directory / "data", directory / "initdb.log"
        with log.open("wb") as out:
            made = subprocess.run(
                [tool("initdb"), "-D", str(data), "-U", "kengd", "-A", "trust", "-E", "UTF8", "--no-sync"],
                stdout=out, stderr=out, check=False, **start,
            )  # fmt: skip
        assert made.returncode == 0, log.read_text()
        options = {
            "listen_addresses": "", "unix_socket_directories": str(directory), "fsync": "off", "full_page_writes": "off",
            "synchronous_commit": "off", "shared_buffers": "16MB", "max_connections": "100", "autovacuum": "off",
        }  # fmt: skip
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (directory / "server.log").open("wb") as out:
            self._process = subprocess.Popen(
                [tool("postgres"), "-D", str(data), *words], stdout=out, stderr=out, **start
            )
        self._wait()

    def url(self, database: str) -> str:
        """As `database.url` of the settings writes it."""
        return f"postgresql://kengd@/{database}?host={self.directory}"

    def made_from(self, template: str) -> str:
        """The URL of a new database that is a copy of this one."""
        name = f"test_{next(self._numbers)}"
        self.say(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def say(self, statement: str) -> None:
        """To the server itself."""
        with psycopg.connect(dbname="postgres", user="kengd", host=str(self.directory), autocommit=True) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        """Fast shutdown, by its pid."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)

    def _wait(self) -> None:
        until = time.monotonic() + START_WITHIN_S
        while True:
            try:
                return self.say("SELECT 1")
            except psycopg.OperationalError:
                alive = self._process.poll() is None
                assert alive and time.monotonic() < until, (self.directory / "server.log").read_text()
                time.sleep(0.05)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server; its database `shaped` is a migrated, empty ledger."""
    memory = (
        "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
    )  # a copy of a database is many small files
    directory = Path(
        tempfile.mkdtemp(prefix="kengd-pg-", dir=memory)
    )  # not below pytest's own, which others may not enter
    server = Server(directory)
    try:
        server.say("CREATE DATABASE shaped")
        Ledger(server.url("shaped")).close()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """An empty ledger of this test's own in PostgreSQL."""
    url = postgres.made_from("shaped")
    yield url
    name = url.partition("@/")[2].partition("?")[0]
    postgres.say(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def shaped_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty ledger in SQLite, to be copied."""
    path = tmp_path_factory.mktemp("shaped") / "ledger.sqlite"
    Ledger(sqlite_url(path)).close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path, shaped_file: Path) -> str:
    """An empty ledger of this test's own, in each of the two databases."""
    if request.param == "sqlite":
        return sqlite_url(Path(shutil.copy(shaped_file, tmp_path / "ledger.sqlite")))
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """That ledger, opened."""
    opened = Ledger(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A commune whose messages are caught, and its heralds ended."""
    ledger = on_disk(tmp_path)
    made = Town(ledger, tmp_path)
    yield made
    for herald in made.heralds:
        herald.stop()
    ledger.close()
