"""The whole ledger as lines of JSON, and back: the same from SQLite and PostgreSQL, so a commune may change its database.

First a line that says which shape it is, then per table a line `{"table": …, "columns": […]}` and one array per row, last a line
with the number of rows. Bytes are `{"b64": …}`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table, delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from kengd.errors import KengdError
from kengd.hub.dispatching import State
from kengd.hub.ledger.dispatch_rows import CommandRow, TargetRow
from kengd.hub.ledger.dispatches import LATE
from kengd.hub.ledger.incident_rows import IncidentRow
from kengd.hub.ledger.people_rows import SessionRow, TokenRow
from kengd.hub.ledger.rows import Row, table
from kengd.hub.ledger.store import Ledger
from kengd.hub.ledger.trials import WAITING
from kengd.hub.ledger.values import VALUE
from kengd.hub.ledger.watch_rows import ErrandRow, TrialRow

FORMAT: Final = 1
_AT_ONCE: Final = 1_000
COMMAND, TARGET, INCIDENT = table(CommandRow), table(TargetRow), table(IncidentRow)
SESSION, TOKEN = table(SessionRow), table(TokenRow)
TRIAL, ERRAND = table(TrialRow), table(ErrandRow)
_PENDING: Final = ("clear:", "confirm:", LATE, "worker:")
"""Values that would make the hub act by itself, or hold back: all-clears on their way, alarms that wait for a second yes, rings that
came too late and are to be ended, workers that are no more."""
_UNFIT: Final = (RecursionError, OverflowError, SQLAlchemyError)
"""What is JSON for nobody, and numbers that no database holds."""


def lines(ledger: Ledger) -> Iterator[str]:
    """All of it as it is at one moment, whoever goes on writing meanwhile."""
    isolation = {} if ledger.sqlite else {"isolation_level": "REPEATABLE READ"}
    with ledger.engine.connect().execution_options(**isolation) as connection, connection.begin():
        yield _json({"format": FORMAT, "revision": _revision(connection)})
        count = 0
        for each in Row.metadata.sorted_tables:
            yield _json({"table": each.name, "columns": [column.name for column in each.columns]})
            rows = connection.execution_options(yield_per=_AT_ONCE).execute(select(each).order_by(*each.primary_key))
            for row in rows:
                yield _json([_plain(value) for value in row])
                count += 1
        yield _json({"rows": count})


def is_empty(ledger: Ledger) -> bool:
    """Nothing was ever written into it."""
    with ledger.read() as connection:
        return all(connection.execute(select(each).limit(1)).first() is None for each in Row.metadata.sorted_tables)


def fill(ledger: Ledger, source: Iterable[str], now_ms: int) -> int:
    """Write these lines into an empty ledger, all or nothing, so that nothing old is ever acted upon again (`_laid_to_rest`).

    How many rows. Raises KengdError `backup_broken`, `backup_other_release`.
    """
    tables = {each.name: each for each in Row.metadata.sorted_tables}
    with ledger.write() as connection:
        try:
            count = _fill(connection, tables, iter(source))
        except (ValueError, KeyError, TypeError, IndexError, StopIteration, *_UNFIT) as wrong:
            raise _broken(type(wrong).__name__) from wrong
        _laid_to_rest(connection, now_ms)
        if not ledger.sqlite:
            _count_on(connection)
    return count


def wipe(ledger: Ledger) -> None:
    """As if nothing had ever been written: for what was filled and cannot be used."""
    with ledger.write() as connection:
        for each in reversed(Row.metadata.sorted_tables):
            connection.execute(delete(each))


def _fill(connection: Connection, tables: dict[str, Table], source: Iterator[str]) -> int:
    head = json.loads(next(source))
    if head["format"] != FORMAT or head["revision"] != _revision(connection):
        raise KengdError(
            "backup_other_release",
            "bản sao lưu này do một bản kengd khác làm ra",
            cure="cài đúng bản của kengd mà tệp sao lưu ghi, khôi phục, rồi mới nâng cấp",
            en=f"the backup has the shape {head['revision']}",
        )
    into: Table | None = None
    columns: list[str] = []
    rows: list[dict[str, Any]] = []
    count = 0
    for line in source:
        data = json.loads(line)
        if isinstance(data, list):
            if into is None or len(data) != len(columns):
                raise ValueError("a row that belongs nowhere")
            rows.append({name: _value(value) for name, value in zip(columns, data, strict=True)})
            count += 1
            if len(rows) < _AT_ONCE:
                continue
        if into is not None and rows:
            connection.execute(into.insert(), rows)
            rows = []
        if isinstance(data, dict) and "rows" in data:
            if data["rows"] != count:
                raise ValueError("rows are missing")
            return count
        if isinstance(data, dict):
            into, columns = tables[data["table"]], [str(name) for name in data["columns"]]
    raise ValueError("the end is missing")


def _laid_to_rest(connection: Connection, now_ms: int) -> None:
    """Old commands are not sent, old alarms call nobody, old notices are not told, devices sign in anew. Tokens end: which of them
    were revoked after the backup is known to nobody here."""
    connection.execute(update(COMMAND).values(open=False))
    unanswered = TARGET.c.state.in_([State.WAITING.value, State.SENT.value])
    connection.execute(update(TARGET).where(unanswered).values(state=State.CANCELLED.value, ended_ms=now_ms))
    connection.execute(update(INCIDENT).values(call_due_ms=None))
    for prefix in _PENDING:
        connection.execute(delete(VALUE).where(VALUE.c.key.startswith(prefix, autoescape=True)))
    connection.execute(delete(TRIAL).where(TRIAL.c.result == WAITING))
    connection.execute(delete(ERRAND))
    connection.execute(delete(SESSION))
    connection.execute(update(TOKEN).where(TOKEN.c.ended_ms.is_(None)).values(ended_ms=now_ms))


def _count_on(connection: Connection) -> None:
    """PostgreSQL counts rows up by itself only from where it is told."""
    for each in Row.metadata.sorted_tables:
        column = each.autoincrement_column
        if column is None:
            continue
        sequence = connection.execute(select(func.pg_get_serial_sequence(f'"{each.name}"', column.name))).scalar()
        newest = connection.execute(select(func.max(column))).scalar()
        if sequence is not None and newest is not None:
            connection.execute(select(func.setval(sequence, newest)))


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _plain(value: Any) -> Any:
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes | memoryview) else value


def _value(value: Any) -> Any:
    return base64.b64decode(value["b64"], validate=True) if isinstance(value, dict) else value


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _broken(what: str) -> KengdError:
    return KengdError(
        "backup_broken",
        "tệp sao lưu bị hỏng hoặc bị cắt ngắn; chưa khôi phục gì",
        cure="dùng bản sao lưu khác",
        en=f"the backup is broken: {what}",
    )
