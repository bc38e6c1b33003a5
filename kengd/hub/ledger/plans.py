"""The commune's plan among the ledger's values: where it lies, and the picture under it. So it is in every backup and with every worker."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from typing import Final

from sqlalchemy import Connection

from kengd.hub.ledger import changes
from kengd.hub.ledger.values import put_value, value_of
from kengd.hub.plan import Origin, Picture, Plan

PLAN: Final = "plan"
PICTURE: Final = "plan.picture"


def read_plan(connection: Connection) -> Plan:
    """As it was last put."""
    said = json.loads(value_of(connection, PLAN) or "{}")
    origin, picture = said.get("origin"), said.get("picture")
    return Plan(None if origin is None else Origin(**origin), None if picture is None else Picture(**picture))


def put_plan(connection: Connection, plan: Plan) -> None:
    """Whoever shows it draws it anew."""
    changes.note(connection, "hub", roster=True)
    put_value(connection, PLAN, json.dumps(asdict(plan)))


def picture_bytes(connection: Connection) -> bytes | None:
    """As they were uploaded."""
    kept = value_of(connection, PICTURE)
    return None if kept is None else base64.b64decode(kept)


def put_picture(connection: Connection, data: bytes | None) -> None:
    """None: there is none any more. `put_plan` says where it lies."""
    put_value(connection, PICTURE, None if data is None else base64.b64encode(data).decode())
