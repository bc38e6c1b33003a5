"""Rings and hushes: ordered once however often they are sent, and followed to each post."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from kengd.errors import KengdError
from kengd.hub.codebook_versions import left_over, why_of
from kengd.hub.confirmations import NeedsConfirming
from kengd.hub.desk.choosing import posts_of, posts_to_hush
from kengd.hub.desk.desk import Asking, At, Desk, Hushing, Writing, actor_of
from kengd.hub.desk.desk_page import agreed, confirmations
from kengd.hub.desk.dispatch_view import head_view, whole_view
from kengd.hub.desk.forms import LATEST_MS, AgainForm, AnyId, HushForm, RingForm
from kengd.hub.desk.refusals import Json, said
from kengd.hub.dispatching import SETTLED, State, Target
from kengd.hub.ledger import desk_facts, incidents, settled, values
from kengd.hub.ledger import dispatches as kept
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ledger.store import TROUBLE, Transaction
from kengd.hub.order_rules import check_times
from kengd.hub.people.ground import only_officers
from kengd.hub.people.words import Caller
from kengd.hub.ring_acts import RingWish
from kengd.hub.sheet import order_in

router = APIRouter(prefix="/api")


@router.post("/rings", status_code=201)
def ring(form: RingForm, desk: At, caller: Writing) -> Response:
    """Ring. 409 `confirm_needed` with `token` before an actual alarm at all posts: sent again with `confirm` it goes out; 409
    `confirm_lapsed` when that came too late."""
    caller.require("ring")
    roster = desk.hub.roster()
    posts = posts_of(roster, form)
    bells = {post.id for post in roster.bells()}
    if len(bells) > 1 and bells <= set(posts):
        caller.require("ring_all")
    known = _known(desk, form.id)
    if known is None:
        check_times(posts, form.at, form.first, form.gap_s, desk.now_ms())
        _incident_is_there(desk, form.incident)
    wish = RingWish(
        form.id, form.signal, form.purpose, posts, form.why, form.at, form.first, form.gap_s, form.confirm, form.alone_why,
        form.incident,
    )  # fmt: skip

    def line(connection: Transaction, second: str | None) -> None:
        facts = {"dispatch": form.id, "signal": form.signal, "purpose": form.purpose, "posts": len(posts)}
        alone = form.alone_why if second is None else None
        desk.audit_in(connection, caller, "ring", {**facts, "why": form.why, "second": second, "alone_why": alone})

    asked = desk.line(caller, "alarm_asked", {"signal": form.signal, "posts": len(posts), "why": form.why})
    try:
        dispatch = desk.hub.acts.ring(actor_of(caller), wish, line, asked)
    except NeedsConfirming as needed:
        return said(
            needed, token=needed.token, posts=len(posts), households=roster.households(posts), by_second=needed.by_second,
            sentence=needed.vi,
        )  # fmt: skip
    return Json(view_of(desk, dispatch, caller), 201)


@router.get("/confirmations")
def waiting_confirmations(desk: At, caller: Asking) -> Json:
    """Alarms for all posts that wait for a second officer; `agreed`: tokens of those that may be sent again now."""
    with desk.hub.ledger.read() as connection:
        waiting = values.under(connection, "confirm:")
    now_ms = desk.now_ms()
    return Json({"confirmations": confirmations(waiting, now_ms), "agreed": agreed(waiting, now_ms)})


@router.post("/confirmations/{token}")
def confirm(token: AnyId, desk: At, caller: Writing) -> Json:
    """A second officer agrees; the first one's page then sends its order again."""
    only_officers(caller)
    caller.require("ring")
    desk.hub.acts.confirm(actor_of(caller), token, desk.line(caller, "alarm_confirmed", {"token": token}))
    return Json({"confirmed": True})


@router.delete("/confirmations/{token}")
def withdraw(token: AnyId, desk: At, caller: Writing) -> Json:
    """Whoever asked for an alarm for all posts does not want it any more."""
    caller.require("ring")
    desk.hub.acts.withdraw(actor_of(caller), token, desk.line(caller, "alarm_withdrawn", {"token": token}))
    return Json({"withdrawn": True})


@router.post("/hushes", status_code=201)
def hush(form: HushForm, desk: At, caller: Hushing) -> Json:
    """Stop the sound (not an all-clear). Refused to nobody who is signed in, also on a device that was idle; only the lock
    asks for one that is awake, and `locked` says whether it was taken."""
    caller.require("hush")
    lock = form.lock and caller.why_not("ring") is None
    try:
        known = _known(desk, form.id)
    except TROUBLE:
        known = None  # a ledger that is away keeps no bell sounding: said twice, a hush does no harm
    posts = posts_to_hush(desk.hub.roster(), form)
    if known is not None and _same_hush(desk, known, caller, posts, form.why):
        if lock:
            desk.hub.acts.lock(actor_of(caller), form.why, desk.line(caller, "lock", {"dispatch": form.id}))
        return Json({**view_of(desk, known, caller), "locked": desk.hub.acts.locked() is not None}, 201)
    line = desk.line(caller, "hush", {"dispatch": form.id, "posts": len(posts), "lock": lock, "why": form.why})
    dispatch = desk.hub.acts.hush(actor_of(caller), form.id, posts, form.why, lock=lock, also=line)
    return Json({**view_of(desk, dispatch, caller), "locked": desk.hub.acts.locked() is not None}, 201)


@router.post("/lock/unlock")
def unlock(desk: At, caller: Writing) -> Json:
    """New rings may be ordered again."""
    caller.require("ring")
    was = desk.hub.acts.locked()
    if was is not None:
        desk.hub.acts.unlock(actor_of(caller), desk.line(caller, "unlock", {"at_ms": was["at_ms"]}))
    return Json({"lock": None})


@router.get("/dispatches")
def dispatches(
    desk: At,
    caller: Asking,
    before_ms: Annotated[int | None, Query(ge=0, le=LATEST_MS)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Json:
    """The newest first, each with how many posts are in which state."""
    with desk.hub.ledger.read() as connection:
        found = kept.recent(connection, before_ms=before_ms, limit=limit)
        tallies = desk_facts.tallies(connection, [dispatch.id for dispatch in found])
    now_ms = desk.now_ms()
    return Json({
        "now_ms": now_ms,
        "dispatches": [head_view(dispatch, tallies.get(dispatch.id, {}), now_ms) for dispatch in found],
    })  # fmt: skip


@router.get("/dispatches/{dispatch}")
def dispatch_now(dispatch: AnyId, desk: At, caller: Asking) -> Json:
    """Per post sent, received, ringing, finished, or refused and no answer with the reason and whom to phone."""
    found = _known(desk, dispatch)
    if found is None:
        raise unknown_dispatch()
    return Json(view_of(desk, found, caller))


@router.post("/dispatches/{dispatch}/again", status_code=201)
def again(dispatch: AnyId, form: AgainForm, desk: At, caller: Writing) -> Json:
    """Phát lại cho điểm chưa kêu (R65); where those are all bells, confirmed as a ring is."""
    caller.require("ring")
    known = _known(desk, form.id)
    if known is not None and known.repeats != dispatch:
        raise id_reused()
    roster = desk.hub.roster()
    bells = {post.id for post in roster.bells()}

    def may(posts: Sequence[str]) -> None:
        if len(bells) > 1 and bells <= set(posts):
            caller.require("ring_all")

    def line(connection: Transaction, second: str | None) -> None:
        facts: dict[str, str | None] = {"dispatch": form.id, "repeats": dispatch}
        if second is not None or form.alone_why is not None:
            facts |= {"second": second, "alone_why": form.alone_why if second is None else None}
        desk.audit_in(connection, caller, "ring_again", facts)

    asked = desk.line(caller, "alarm_asked", {"dispatch": form.id, "repeats": dispatch, "posts": len(bells)})
    try:
        done = desk.hub.acts.again(
            actor_of(caller), dispatch, form.id, line, confirm=form.confirm, alone_why=form.alone_why, may=may,
            asked=asked,
        )  # fmt: skip
    except NeedsConfirming as needed:
        return said(
            needed, token=needed.token, posts=needed.posts, households=needed.households, by_second=needed.by_second,
            sentence=needed.vi,
        )  # fmt: skip
    return Json(view_of(desk, done, caller), 201)


def unknown_dispatch() -> KengdError:
    """There is none of this id."""
    return KengdError("unknown_dispatch", "không có lần phát lệnh này", cure="tải lại trang", en="no such dispatch")


def id_reused() -> KengdError:
    """The id stands for something else already."""
    return KengdError(
        "id_reused",
        "mã này đã dùng cho việc khác",
        cure="tải lại trang rồi làm lại",
        en="this id was used for another act",
    )


def view_of(desk: Desk, dispatch: Dispatch, caller: Caller) -> dict[str, Any]:
    """As `GET /api/dispatches/{id}` gives it."""
    with desk.hub.ledger.read() as connection:
        targets = kept.targets_of(connection, [dispatch.id])
        more = _settled(connection, dispatch, targets) if dispatch.do in SETTLED else None
    now_ms = desk.now_ms()
    view = whole_view(
        dispatch, targets, desk.hub.roster(), desk.hub.watch.all(), now_ms, line_up=bool(desk.hub.line.up),
        phones=not caller.locked,
    )  # fmt: skip
    if more is not None:
        view |= {"version": more.version, "again": more.again}
    for target in view["targets"]:
        target["why"] = None if more is None else more.why.get(target["post"])
    return {"now_ms": now_ms, **view}


@dataclass(frozen=True, slots=True)
class _Settled:
    """Of a codebook or a timetable: its number, posts that could be sent it once more, and what posts said when they refused."""

    version: int | None
    again: list[str]
    why: dict[str, str | None]


def _settled(connection: Transaction, dispatch: Dispatch, targets: Sequence[Target]) -> _Settled:
    words = settled.refusals(connection, [target.jti for target in targets if target.state is State.REFUSED])
    jws = settled.signed_of(connection, dispatch.id)
    cmd = None if jws is None else order_in(jws)
    why = {target.post: why_of(target, words.get((target.post, target.jti))) for target in targets}
    return _Settled(None if cmd is None else cmd.get("version"), left_over(connection, dispatch), why)


def _known(desk: Desk, dispatch: str) -> Dispatch | None:
    with desk.hub.ledger.read() as connection:
        return kept.find(connection, dispatch)


def _same_hush(desk: Desk, known: Dispatch, caller: Caller, posts: Sequence[str], why: str | None) -> bool:
    """This very hush was said already (R47); any other is said, whatever its id."""
    if (known.do, known.officer, known.why) != ("hush", caller.officer.id, why):
        return False
    with desk.hub.ledger.read() as connection:
        return {target.post for target in kept.targets_of(connection, [known.id])} == set(posts)


def _incident_is_there(desk: Desk, incident: str | None) -> None:
    if incident is None:
        return
    with desk.hub.ledger.read() as connection:
        if incidents.find(connection, incident) is None:
            raise KengdError("unknown_incident", "không có vụ việc này", cure="tải lại trang", en="no such incident")
