"""The commune's plan among the ledger's values: where it lies, and the picture under it. So it is in every backup and with every worker."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from typing import Final

from sqlalchemy import Connection

from kengd.hub.ledger import changes
from kengd.hub.ledger.values import put_value, value_of, values_of
from kengd.hub.plan import Origin, Picture, Plan

PLAN: Final = "plan"
PICTURE: Final = "plan.picture"
_LOCK: Final = 0x6B656E6B


def read_plan(connection: Connection) -> Plan:
    """As it was last put."""
    return _read(value_of(connection, PLAN))


def held_plan(connection: Connection) -> Plan:
    """The same for whoever will put it changed: it is kept whole, so others who would wait until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    return read_plan(connection)


def put_plan(connection: Connection, plan: Plan) -> None:
    """Whoever shows it draws it anew."""
    changes.note(connection, "hub", roster=True)
    put_value(connection, PLAN, json.dumps(asdict(plan)))


def picture_of(connection: Connection, digest: str) -> tuple[str, bytes] | None:
    """Kind and bytes of the picture under this name; None: it is another one by now, or none. Both by one look: between two of them
    another worker may have put a new one, and a browser would keep that under the old name for good."""
    kept = values_of(connection, PLAN, PICTURE)
    picture = _read(kept.get(PLAN)).picture
    if picture is None or picture.digest != digest or PICTURE not in kept:
        return None
    return picture.kind, base64.b64decode(kept[PICTURE])


def put_picture(connection: Connection, data: bytes | None) -> None:
    """None: there is none any more. `put_plan` says where it lies."""
    put_value(connection, PICTURE, None if data is None else base64.b64encode(data).decode())


def _read(kept: str | None) -> Plan:
    said = json.loads(kept or "{}")
    origin, picture = said.get("origin"), said.get("picture")
    return Plan(None if origin is None else Origin(**origin), None if picture is None else Picture(**picture))
