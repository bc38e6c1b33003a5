"""Vụ việc: calls noted down, incidents looked up, ended after reading what that does, outcomes written and corrected."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from kengd.errors import KengdError
from kengd.hub.desk import incident_book
from kengd.hub.desk.board import posts_now, signal_vi
from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.dispatches import view_of
from kengd.hub.desk.forms import LATEST_MS, AnyId
from kengd.hub.desk.pages.duty import sounds_now
from kengd.hub.desk.pages.page import Looking, desk_and_caller, fragment, language, page
from kengd.hub.desk.silence import Silence
from kengd.hub.incidents import KINDS
from kengd.hub.ledger import desk_facts, dispatches, incidents, values
from kengd.hub.people.words import Caller

router = APIRouter(include_in_schema=False)
MOST = 200


@router.get("/vu-viec")
def cases(request: Request, caller: Looking, lau: Annotated[bool, Query()] = False) -> HTMLResponse:
    """Those that are open; the form for a call; the last 31 days, or (`lau`) as far back as there are."""
    desk = desk_of(request)
    first = 0 if lau else desk.now_ms() - incident_book.LATELY_MS
    with desk.hub.ledger.read() as connection:
        found = incidents.between(connection, first, LATEST_MS, MOST)
        views = _named(desk, incident_book.views_of(desk, connection, found))
        opened = _named(desk, incident_book.views_of(desk, connection, incidents.open_ones(connection)))
    return page(
        request, "cases.html", caller, incidents=views, opened=opened, villages=desk.hub.roster().villages, long=lau
    )


@router.get("/vu-viec/{incident}")
def case(incident: AnyId, request: Request, caller: Looking) -> HTMLResponse:
    """One of them, with all that was written about it."""
    return page(request, "case.html", caller, kinds=KINDS, **_facts(desk_of(request), caller, incident))


@router.get("/phan/vu-viec/{incident}")
def case_part(incident: AnyId, request: Request) -> HTMLResponse:
    """What changes of it, anew."""
    desk, caller = desk_and_caller(request)
    return fragment(request, "case_part.html", **_facts(desk, caller, incident))


@router.get("/phan/het/{incident}")
def clear_part(incident: AnyId, request: Request) -> HTMLResponse:
    """What hết báo động would end, by name, before it is held."""
    desk, _ = desk_and_caller(request)
    view, posts = _one(desk, incident), _posts(desk)
    clearing = desk.hub.acts.to_clear(incident)
    clear = [one for one in clearing.posts if one in posts]
    sounding = {item["post"] for item in view["sounded"] if item["ended_ms"] is None}
    return fragment(
        request, "clear_part.html", incident=view, purpose=clearing.purpose, clear_names=[posts[one]["name"] for one in clear],
        households=desk.hub.roster().households(clear),
        doubts=[
            f"{posts[one]['name']}: {Silence(**posts[one]['silence']).sentence(language(request))}"
            for one in clear if posts[one]["silence"] is not None
        ],
        others=[
            post["name"] for one, post in posts.items()
            if post["sounding"] is not None and one not in {*clear, *sounding} and not post["sounder"]
        ],
    )  # fmt: skip


def _one(desk: Desk, incident: str) -> dict[str, Any]:
    with desk.hub.ledger.read() as connection:
        found = incidents.find(connection, incident)
        views = [] if found is None else incident_book.views_of(desk, connection, [found])
    if not views:
        raise KengdError(
            "unknown_incident", "không có vụ việc này", cure="xem danh sách vụ việc", en="no such incident"
        )
    return _named(desk, views)[0]


def _facts(desk: Desk, caller: Caller, incident: str) -> dict[str, Any]:
    """`cleared`: what each post said to the all-clear; `waiting`: names of those whose turn it is when they are silent."""
    view, posts = _one(desk, incident), _posts(desk)
    for item in view["sounded"]:
        item["says"], item["proof"] = sounds_now(item, posts.get(item["post"]))
    with desk.hub.ledger.read() as connection:
        orders = desk_facts.dispatches_of(connection, [incident])
        left = values.value_of(connection, f"clear:{incident}")
        clears = [
            found
            for one in orders
            if one["do"] == "ring" and one["signal"] == "all_clear"
            if (found := dispatches.find(connection, one["id"])) is not None
        ]
    cleared = [target | {"order": one.id} for one in clears for target in view_of(desk, one, caller)["targets"]]
    return {
        "incident": view,
        "orders": [one | {"signal_vi": signal_vi(one["signal"])} for one in orders],
        "cleared": cleared,
        "waiting": [posts[one]["name"] for one in json.loads(left)["posts"] if one in posts] if left else [],
    }


def _posts(desk: Desk) -> dict[str, dict[str, Any]]:
    found = posts_now(desk.hub.roster(), desk.hub.watch.all(), {}, desk.now_ms(), bool(desk.hub.line.up))
    return {post["id"]: post for post in found}


def _named(desk: Desk, views: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = {post.id: post.name for post in desk.hub.roster().posts}
    for view in views:
        view["post_name"] = names.get(view["post"] or "")
        for item in view["sounded"]:
            item["post_name"] = names.get(item["post"], item["post"])
    return views
