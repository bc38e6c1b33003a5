"""GET /api/notices: what was sent to whom, and why it did not get through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query

from kengd.hub import calling
from kengd.hub.desk.desk import At, Awake, Desk
from kengd.hub.desk.forms import AnyId
from kengd.hub.desk.refusals import Json
from kengd.hub.ledger import notices
from kengd.hub.ledger.notices import Sent
from kengd.hub.notices.words import KINDS_VI
from kengd.wire.orders import LARGEST_NUMBER

router = APIRouter(prefix="/api")


@router.get("/notices")
def listed(
    desk: At,
    caller: Awake,
    failed: bool = False,
    incident: AnyId | None = None,
    before_n: Annotated[int | None, Query(ge=0, le=LARGEST_NUMBER)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Json:
    """Newest first. `failed`: only what did not get through. `next`: `before_n` of the following page, null at the end."""
    with desk.hub.ledger.read() as connection:
        found = notices.newest(connection, before_n=before_n, failed=failed, incident=incident, limit=limit)
    names = _names(desk)
    return Json({
        "now_ms": desk.now_ms(), "notices": [_view(sent, names) for sent in found],
        "next": found[-1].n if len(found) == limit else None,
    })  # fmt: skip


def _names(desk: Desk) -> Mapping[str, str]:
    """Of everybody who may have been told, also of officers who have left."""
    officers = {officer.id: officer.name for officer in desk.people.officers(ended=True)}
    keepers = {keeper.id: keeper.name for keeper in desk.hub.roster().keepers}
    return keepers | officers | {calling.NOBODY: "không ai"}


def _view(sent: Sent, names: Mapping[str, str]) -> dict[str, Any]:
    """`channel`: the service alone, or the end of a number; addresses and their secrets are nowhere in it (P12)."""
    return {
        "n": sent.n,
        "at_ms": sent.at_ms,
        "kind": sent.kind,
        "kind_vi": KINDS_VI.get(sent.kind, sent.kind),
        "to": sent.to,
        "to_name": names.get(sent.to, sent.to),
        "channel": sent.channel,
        "text": sent.text,
        "ok": sent.ok,
        "why": None if sent.ok else sent.detail,
        "incident": sent.incident,
        "turn": sent.turn,
    }
