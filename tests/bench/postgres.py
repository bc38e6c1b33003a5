"""A PostgreSQL for the hub's bench, as durable as an installed one: every commit is on disk before it counts."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.hub.conftest import as_whom, tool

READY_WITHIN_S = 60.0


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database; the server and all of it are gone at the end. Its directory is on the machine's disk, not in
    memory. PostgreSQL's own settings but for the socket."""
    directory = Path(tempfile.mkdtemp(prefix="kengd-bench-pg-", dir="/var/tmp"))
    start: dict[str, Any] = {
        "cwd": "/", "env": {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}, "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL, **as_whom(directory),
    }  # fmt: skip
    data = str(directory / "data")
    try:
        subprocess.run([tool("initdb"), "-D", data, "-U", "kengd", "-A", "trust", "-E", "UTF8"], check=True, **start)
        where = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={directory}"]
        server = subprocess.Popen([tool("postgres"), "-D", data, *where], **start)
        try:
            _begin(directory)
            yield f"postgresql://kengd@/bench?host={directory}"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _begin(directory: Path) -> None:
    until_s = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            with psycopg.connect(dbname="postgres", user="kengd", host=str(directory), autocommit=True) as connection:
                connection.execute("CREATE DATABASE bench")
            return
        except psycopg.OperationalError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.1)
