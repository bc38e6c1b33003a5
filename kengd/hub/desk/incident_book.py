"""Incidents: taken charge of by name, helped, cleared, and given an outcome."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from kengd.errors import KengdError
from kengd.hub.desk.board import incident_view
from kengd.hub.desk.desk import Asking, At, Desk, Writing, actor_of
from kengd.hub.desk.dispatches import id_reused, view_of
from kengd.hub.desk.forms import LATEST_MS, ActForm, AnyId, CallForm, OutcomeForm
from kengd.hub.desk.refusals import Json
from kengd.hub.incidents import KINDS, Incident, Outcome
from kengd.hub.ledger import desk_facts, dispatches, incidents
from kengd.hub.reports.period import parse

router = APIRouter(prefix="/api/incidents")
LATELY_MS = 31 * 86_400_000


@router.get("")
def listed(
    desk: At,
    caller: Asking,
    period: Annotated[str | None, Query(max_length=20)] = None,
    from_ms: Annotated[int | None, Query(ge=0, le=LATEST_MS)] = None,
    to_ms: Annotated[int | None, Query(ge=0, le=LATEST_MS)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Json:
    """Begun in a period ("2026-11", "2026-q4", "2026") or in [from, to); the last 31 days unless told; newest first."""
    now_ms = desk.now_ms()
    if period is not None:
        chosen = parse(period)
        from_ms, to_ms = chosen.from_ms, chosen.to_ms
    first = now_ms - LATELY_MS if from_ms is None else from_ms
    with desk.hub.ledger.read() as connection:
        found = incidents.between(connection, first, LATEST_MS if to_ms is None else to_ms, limit)
        views = views_of(desk, connection, found)
    return Json({"now_ms": now_ms, "kinds": dict(KINDS), "incidents": views})


@router.post("", status_code=201)
def call_in(form: CallForm, desk: At, caller: Writing) -> Json:
    """Tin báo: somebody has called the officer on duty."""
    caller.require("acknowledge")
    line = desk.line(caller, "call_in", {"incident": form.id, "village": form.village})
    incident = desk.hub.acts.call_in(actor_of(caller), form.id, form.text, form.village, line)
    if (incident.origin, incident.text, incident.village) != ("call", form.text, form.village):
        raise id_reused()
    return Json(_view(desk, incident), 201)


@router.get("/{incident}")
def one(incident: AnyId, desk: At, caller: Asking) -> Json:
    """With what sounded, its dispatches and all outcomes (the newest counts)."""
    return Json(_view(desk, _known(desk, incident)))


@router.post("/{incident}/acknowledge")
def acknowledge(incident: AnyId, desk: At, caller: Writing) -> Json:
    """Take charge, by name. 409 `already_taken` says who was first."""
    caller.require("acknowledge")
    before = _find(desk, incident)
    if before is None or before.acknowledged_by != caller.officer.name:
        desk.hub.acts.acknowledge(actor_of(caller), incident, desk.line(caller, "acknowledge", {"incident": incident}))
    return Json(_view(desk, _known(desk, incident)))


@router.post("/{incident}/support")
def support(incident: AnyId, form: ActForm, desk: At, caller: Writing) -> Json:
    """Ask the neighbours for help (H13). `dispatch` None: no neighbours are named in the roster."""
    caller.require("ring")
    _known(desk, incident)
    with desk.hub.ledger.read() as connection:
        known = dispatches.find(connection, form.id)
    if known is not None and (known.signal, known.incident) != ("support", incident):
        raise id_reused()
    line = desk.line(caller, "support", {"incident": incident, "dispatch": form.id})
    dispatch = known or desk.hub.acts.support(actor_of(caller), incident, form.id, also=line)
    return Json({"dispatch": None if dispatch is None else view_of(desk, dispatch, caller)})


@router.post("/{incident}/all-clear")
def all_clear(incident: AnyId, form: ActForm, desk: At, caller: Writing) -> Json:
    """Hết báo động: hush, the all-clear at each post that sounded, the incident closed (H16)."""
    caller.require("acknowledge")
    _known(desk, incident)
    line = desk.line(caller, "all_clear", {"incident": incident, "act": form.id})
    desk.hub.acts.all_clear(actor_of(caller), incident, form.id, line)
    return Json(_view(desk, _known(desk, incident)))


@router.post("/{incident}/outcomes", status_code=201)
def outcome(incident: AnyId, form: OutcomeForm, desk: At, caller: Writing) -> Json:
    """What it turned out to be. A correction is a further one; the same one sent twice is one, also at once."""
    caller.require("outcome")
    given = Outcome(incident, desk.now_ms(), caller.officer.name, form.kind, form.done, form.done_by, form.text)
    line = desk.line(caller, "outcome", {"incident": incident, "kind": form.kind})
    desk.hub.acts.outcome(actor_of(caller), given, line, form.id)
    return Json(_view(desk, _known(desk, incident)), 201)


def _find(desk: Desk, incident: str) -> Incident | None:
    with desk.hub.ledger.read() as connection:
        return incidents.find(connection, incident)


def _known(desk: Desk, incident: str) -> Incident:
    found = _find(desk, incident)
    if found is None:
        raise KengdError("unknown_incident", "không có vụ việc này", cure="tải lại trang", en="no such incident")
    return found


def _view(desk: Desk, incident: Incident) -> dict[str, Any]:
    with desk.hub.ledger.read() as connection:
        return views_of(desk, connection, [incident])[0] | {"now_ms": desk.now_ms()}


def views_of(desk: Desk, connection: Any, found: list[Incident]) -> list[dict[str, Any]]:
    """Each with what sounded, its dispatches and its outcomes."""
    ids = [incident.id for incident in found]
    sounded = incidents.sounded_of(connection, ids) if ids else []
    acts = desk_facts.dispatches_of(connection, ids)
    outcomes = incidents.outcomes_of(connection, ids) if ids else []
    roster, now_ms = desk.hub.roster(), desk.now_ms()
    views = []
    for incident in found:
        own = [item for item in outcomes if item.incident == incident.id]
        view = incident_view(
            incident, [item for item in sounded if item.incident == incident.id],
            [act for act in acts if act["incident"] == incident.id], roster, now_ms,
        )  # fmt: skip
        told = [_outcome(item) for item in own]
        views.append(view | {"outcome": told[-1] if told else None, "outcomes": told})
    return views


def _outcome(item: Outcome) -> dict[str, Any]:
    return {
        "at_ms": item.at_ms, "by": item.by, "kind": item.kind, "kind_vi": KINDS.get(item.kind, item.kind), "done": item.done,
        "done_by": item.done_by, "text": item.text,
    }  # fmt: skip
