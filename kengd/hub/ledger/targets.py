"""What each post of a dispatch has answered, as rows: read, locked and changed in one order everywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, and_, bindparam, update

from kengd.hub.dispatching import State, Target
from kengd.hub.ledger import changes
from kengd.hub.ledger.dispatch_rows import TargetRow
from kengd.hub.ledger.rows import table

TARGET = table(TargetRow)
IN_ORDER: Final = (TARGET.c.dispatch, TARGET.c.post)
"""So everywhere where rows are locked: two workers never wait for each other."""
UNANSWERED: Final = (State.WAITING.value, State.SENT.value)
_CHANGING: Final = [
    "state", "reason", "activation", "proved", "awaited", "sent_ms", "received_ms", "ringing_ms", "ended_ms",
]  # fmt: skip


def change(connection: Connection, targets: Sequence[Target]) -> None:
    """These are what they are now."""
    if not targets:
        return
    for dispatch in sorted({target.dispatch for target in targets}):
        changes.note(connection, "dispatch", dispatch=dispatch)
    where = and_(TARGET.c.dispatch == bindparam("k_dispatch"), TARGET.c.post == bindparam("k_post"))
    statement = update(TARGET).where(where).values({name: bindparam(f"v_{name}") for name in _CHANGING})
    rows = []
    for target in targets:
        values = row_of(target)
        row = {f"v_{name}": values[name] for name in _CHANGING}
        rows.append(row | {"k_dispatch": target.dispatch, "k_post": target.post})
    connection.execute(statement, rows)


def locked(connection: Connection, query: Any) -> Any:
    """The query, with its rows locked where the database can."""
    return query.with_for_update() if connection.dialect.name == "postgresql" else query


def row_of(target: Target) -> dict[str, Any]:
    """As it is kept."""
    values = asdict(target)
    values["state"], values["awaited"] = target.state.value, json.dumps(target.awaited)
    return values


def target_of(row: RowMapping) -> Target:
    """As it was kept."""
    values = dict(row)
    values["state"], values["awaited"] = State(row["state"]), tuple(json.loads(row["awaited"]))
    return Target(**values)
