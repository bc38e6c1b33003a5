"""Alarms that people may have to be told of: those that are open, and those that ended lately."""

from __future__ import annotations

from typing import Final, NamedTuple

from kengd.hub import tidings
from kengd.hub.incidents import Incident
from kengd.hub.ledger import dispatches, incidents
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.store import Transaction

CLOSED_LATELY_MS: Final = 3_600_000
"""How long after its end an incident is still looked at."""


class Alarm(NamedTuple):
    """`sounded`: what sounds or has sounded for it. `order`: what was ordered for it first, where it was an order."""

    incident: Incident
    sounded: list[Sounded]
    order: Dispatch | None


def alarms_lately(connection: Transaction, now_ms: int) -> list[Alarm]:
    """None that began so long ago that it is no news."""
    opened = {incident.id: incident for incident in incidents.open_ones(connection)}
    for incident in incidents.between(connection, now_ms - tidings.STALE_MS, now_ms + 1):
        if incident.closed_ms is not None and now_ms - incident.closed_ms < CLOSED_LATELY_MS:
            opened[incident.id] = incident
    young = [one for one in opened.values() if now_ms - one.began_ms <= tidings.STALE_MS]
    sounded: dict[str, list[Sounded]] = {}
    for item in incidents.sounded_of(connection, [one.id for one in young]):
        sounded.setdefault(item.incident, []).append(item)
    asked = [one.id for one in young if one.origin != "alarm" and one.id in sounded]
    orders = dispatches.rung_first(connection, asked) if asked else {}
    return [Alarm(one, sounded.get(one.id, []), orders.get(one.id)) for one in young]
