"""Ledgers for the tests of people: SQLite in a file, PostgreSQL of its own in a temporary directory; fast hashing; a clock."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import psycopg

from kengd.hub.ledger.store import Ledger
from kengd.hub.people.passwords import argon2
from kengd.hub.people.people import People

START_MS = 1_793_000_000_000
PASSWORD = "con trâu đi trước"


class Clock:
    """Unix ms that a test sets."""

    def __init__(self) -> None:
        self.ms = START_MS

    def __call__(self) -> int:
        return self.ms


class Dice:
    """Bytes that look random and are the same in every run."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, count: int) -> bytes:
        out = b""
        while len(out) < count:
            self.n += 1
            out += sha256(str(self.n).encode()).digest()
        return out[:count]


def people_of(ledger: Ledger, clock: Clock) -> People:
    """The facade with the cheapest argon2id there is."""
    return People(ledger, clock, Dice(), argon2(time_cost=1, memory_kib=8))


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = shutil.which("initdb")
    assert found or path, "PostgreSQL is not installed: apt install postgresql"
    return found[-1].parent if found else Path(str(path)).resolve().parent


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a fresh PostgreSQL on a unix socket; it refuses to run as root, so it runs as `postgres` then."""
    programs = _programs()
    where = Path(tempfile.mkdtemp(prefix="kengd-pg-", dir="/tmp"))
    server: subprocess.Popen[bytes] | None = None
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(where, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
    try:
        data = where / "data"
        init = [str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "kengd", "-E", "UTF8", "--no-sync"]
        subprocess.run([*as_user, *init], check=True, capture_output=True, cwd=where)
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={where}", "-c", "fsync=off"]
        with (where / "log").open("wb") as log:
            serve = [*as_user, str(programs / "postgres"), "-D", str(data), *options]
            server = subprocess.Popen(serve, cwd=where, stdout=log, stderr=log)
        _until_ready(where, server)
        yield f"postgresql://kengd@/postgres?host={where}"
    finally:
        if server is not None:
            server.terminate()
            server.wait(20)
        shutil.rmtree(where, ignore_errors=True)


def _until_ready(where: Path, server: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        assert server.poll() is None, (where / "log").read_text(errors="replace")
        try:
            psycopg.connect(f"host={where} user=kengd dbname=postgres", connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError((where / "log").read_text(errors="replace"))
