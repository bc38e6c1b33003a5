"""The shape of the file: made whole for a new book, brought up step by step for an old one (`PRAGMA user_version`)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection
from sqlalchemy.schema import CreateTable

from kengd.journal.faults import Malformed
from kengd.journal.tables import TABLES

_STEPS: Final[dict[int, tuple[str, ...]]] = {
    # 1 → 2: repeats are counted (only the first is written), records of former boots are remembered
    1: (
        "ALTER TABLE seen ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0",
        "CREATE TABLE spool (boot TEXT NOT NULL, n INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (boot))"
        " WITHOUT ROWID",
    ),
}
NEWEST: Final = max(_STEPS) + 1


def version_of(connection: Connection) -> int:
    """0 for an empty file. Raises Malformed when there are tables that no version of ours made, or newer ones."""
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    tables = int(connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar_one())
    if version > NEWEST or (version == 0) != (tables == 0) or version < 0:
        raise Malformed(f"schema version {version} with {tables} tables")
    return version


def check_shape(connection: Connection) -> None:
    """A rotten schema can still be read by SQLite: every table must have its columns. Raises Malformed."""
    for table in TABLES:
        columns = [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table.name})")]
        if set(columns) != set(table.columns.keys()):
            raise Malformed(f"table {table.name} has the columns {columns}")


def create(connection: Connection) -> None:
    """All tables of the newest version, inside the caller's transaction."""
    for table in TABLES:
        connection.execute(CreateTable(table))
    connection.exec_driver_sql(f"PRAGMA user_version={NEWEST}")


def migrate(connection: Connection, version: int) -> None:
    """From `version` to the newest, inside the caller's transaction: a power cut leaves the old file whole."""
    for step in range(version, NEWEST):
        for statement in _STEPS[step]:
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA user_version={NEWEST}")
