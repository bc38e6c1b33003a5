"""Đánh kẻng: what, where, why, one sentence that says what will happen, a held press; then what each post says, live."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

from kengd.errors import KengdError
from kengd.hub.desk.choosing import posts_of
from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.dispatch_view import SILENT
from kengd.hub.desk.dispatches import view_of
from kengd.hub.desk.forms import AnyId, Where
from kengd.hub.desk.pages.page import Looking, desk_and_caller, fragment, language, page
from kengd.hub.desk.pages.saying import sentence
from kengd.hub.desk.scores import all_signals
from kengd.hub.desk.silence import silence_of
from kengd.hub.ledger import dispatches as kept
from kengd.hub.ledger import rosters
from kengd.hub.people.words import Caller
from kengd.hub.roster import Roster, Seen

router = APIRouter(include_in_schema=False)
Slugs = Annotated[list[Annotated[str, Query(pattern=r"^[a-z0-9-]{1,40}$")]] | None, Query(max_length=1_000)]


@router.get("/danh-keng")
def ring_page(request: Request, caller: Looking, post: Slugs = None, incident: AnyId | None = None) -> HTMLResponse:
    """The order, step by step; `post`: those that are chosen already; `incident`: what it is rung for."""
    desk = desk_of(request)
    roster, seen, now_ms = desk.hub.roster(), desk.hub.watch.all(), desk.now_ms()
    line_up = bool(desk.hub.line.up)
    found = {one.id: desk.scores.of(one.id, one.enrolled_ms, seen.get(one.id, Seen())) for one in roster.bells()}
    scores: dict[str, Any] = {}
    for one in found.values():
        for signal, score in one.scores.items():
            scores.setdefault(signal, score)
    return page(
        request, "ring.html", caller,
        posts=roster.bells(), marks=_marks(desk, roster), heard=_heard(roster), chosen=set(post or ()),
        silent={one.id: _silent(request, seen.get(one.id, Seen()), now_ms, line_up) for one in roster.bells()},
        signals=all_signals(found.values()), scores=scores, incident=incident,
        may_all=caller.why_not("ring_all") is None, may=caller.why_not("ring"),
        alone_after_s=desk.hub.settings.duty.alone_after_s,
    )  # fmt: skip


def _silent(request: Request, seen: Seen, now_ms: int, line_up: bool) -> str | None:
    found = silence_of(seen, now_ms, line_up=line_up)
    return None if found is None else found.sentence(language(request))


def _marks(desk: Desk, roster: Roster) -> list[dict[str, Any]]:
    """Villages and groups as ways to tick posts; a village whose one post bears it alone is ticked as that post."""
    with desk.hub.ledger.read() as connection:
        names = rosters.group_names(connection)
    bells = {post.id for post in roster.bells()}
    found = [(village.name, tuple(post.id for post in roster.serving([village.id]))) for village in roster.villages]
    found = [one for one in found if len(one[1]) > 1]
    found += [(names.get(key, key), posts) for key, posts in (roster.groups or {}).items()]
    rung = [(name, [post for post in posts if post in bells]) for name, posts in found]
    return [{"name": name, "posts": posts} for name, posts in rung if posts]


def _heard(roster: Roster) -> dict[str, str]:
    """By post: the villages that hear it."""
    names = {village.id: village.name for village in roster.villages}
    return {post.id: ", ".join(names[one] for one in post.villages if one in names) for post in roster.bells()}


@router.get("/phan/cau")
def told(
    request: Request,
    signal: Annotated[str, Query(pattern=r"^[a-z0-9_-]{1,40}$")],
    purpose: Annotated[str, Query(pattern=r"^(actual|drill|test)$")],
    post: Slugs = None,
    all: bool = False,
) -> JSONResponse:
    """The sentence to be read before firing, and which of these posts will not sound. Raises what choosing raises."""
    desk, _ = desk_and_caller(request)
    roster, seen, now_ms = desk.hub.roster(), desk.hub.watch.all(), desk.now_ms()
    chosen = posts_of(roster, Where(posts=post, all=all))
    known = {one.id: one for one in roster.posts}
    found = {one: desk.scores.of(one, known[one].enrolled_ms, seen.get(one, Seen())) for one in chosen if one in known}
    by_id = {item.id: item for item in all_signals(found.values())}
    if signal not in by_id:
        raise KengdError(
            "unknown_signal", "các điểm đã chọn không có hiệu lệnh này", cure="chọn hiệu lệnh khác", en="no such signal"
        )
    line_up = bool(desk.hub.line.up)
    silent = {one: _silent(request, seen.get(one, Seen()), now_ms, line_up) for one in chosen}
    lacking = [one for one, item in found.items() if signal not in {known.id for known in item.signals}]
    return JSONResponse({
        "sentence": sentence(by_id[signal], purpose, chosen, roster, language(request)),
        "posts": list(chosen),
        "silent": [{"name": known[one].name, "why": why} for one, why in silent.items() if why is not None],
        "lacking": [known[one].name for one in lacking],
    })  # fmt: skip


@router.get("/lenh/{dispatch}")
def dispatch_page(dispatch: AnyId, request: Request, caller: Looking) -> HTMLResponse:
    """One order, followed to each post."""
    desk = desk_of(request)
    return page(request, "dispatch.html", caller, **_facts(desk, caller, dispatch))


@router.get("/phan/lenh/{dispatch}")
def dispatch_part(dispatch: AnyId, request: Request) -> HTMLResponse:
    """The same, anew."""
    desk, caller = desk_and_caller(request)
    return fragment(request, "dispatch_part.html", **_facts(desk, caller, dispatch))


def _facts(desk: Desk, caller: Caller, dispatch: str) -> dict[str, Any]:
    """The order as the API has it, its blows; `nobody`: why there is no one to phone where a post does not answer ("none" is written
    down, all are "away"). Raises KengdError `unknown_dispatch`."""
    with desk.hub.ledger.read() as connection:
        found = kept.find(connection, dispatch)
    if found is None:
        raise KengdError("unknown_dispatch", "không có lệnh này", cure="mở lại từ bảng trực ban", en="no such dispatch")
    view = view_of(desk, found, caller)
    roster, seen = desk.hub.roster(), desk.hub.watch.all()
    known = {post.id: post for post in roster.posts}
    for target in view["targets"]:
        target["score"] = None
        quiet = target["state"] in SILENT or (view["do"] == "ring" and target["post"] in view["again"])
        target["nobody"] = None
        if quiet and not caller.locked and not target["keepers"]:
            target["nobody"] = "away" if any(one.post == target["post"] for one in roster.keepers) else "none"
        post = known.get(target["post"])
        if post is not None and target["state"] == "ringing":
            found_scores = desk.scores.of(post.id, post.enrolled_ms, seen.get(post.id, Seen())).scores
            target["score"] = found_scores.get(view["signal"])
    return {"dispatch": view, "may_people": caller.why_not("people") is None}
