"""Danh bạ: villages, posts, keepers, who helps whom, groups; each changed on a page of its own that fits a phone."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from kengd.errors import KengdError
from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.forms import Slug
from kengd.hub.desk.pages.page import Looking, page
from kengd.hub.ledger import rosters
from kengd.hub.people.words import Caller
from kengd.hub.roster import Roster

router = APIRouter(include_in_schema=False)
Chosen = Annotated[str, Query(pattern=r"^([a-z0-9-]{1,40})?$")]


@router.get("/danh-ba")
def everybody(request: Request, caller: Looking) -> HTMLResponse:
    """All of it, read-only for whoever may change nothing."""
    caller.require_awake()
    return page(request, "roster.html", caller, **_facts(desk_of(request), caller))


@router.get("/danh-ba/them/thon")
def new_village(request: Request, caller: Looking) -> HTMLResponse:
    """One more."""
    caller.require("people")
    return page(request, "roster_village.html", caller, **_facts(desk_of(request), caller), one=None, helps={}, rank=0)


@router.get("/danh-ba/thon/{village}")
def one_village(village: Slug, request: Request, caller: Looking) -> HTMLResponse:
    """Its name and households, and which villages come to its help."""
    caller.require("people")
    facts = _facts(desk_of(request), caller)
    one = facts["roster"].village(village)
    if one is None:
        raise _unknown("unknown_village", "không có thôn này")
    helps = {item.neighbour: item.by_itself for item in facts["roster"].neighbours if item.village == village}
    rank = facts["ranks"]["villages"][village]
    return page(request, "roster_village.html", caller, **facts, one=one, helps=helps, rank=rank)


@router.get("/danh-ba/diem/{post}")
def one_post(post: Slug, request: Request, caller: Looking) -> HTMLResponse:
    """Its name, who hears it, its public page."""
    caller.require("enrol")
    facts = _facts(desk_of(request), caller)
    one = facts["roster"].post(post)
    if one is None:
        raise _unknown("unknown_post", "không có điểm kẻng này")
    return page(request, "roster_post.html", caller, **facts, one=one, rank=facts["ranks"]["posts"][post])


@router.get("/danh-ba/them/nguoi")
def new_keeper(request: Request, caller: Looking, post: Chosen = "") -> HTMLResponse:
    """One more. `post`: where."""
    caller.require("people")
    return page(request, "roster_keeper.html", caller, **_facts(desk_of(request), caller), one=None, at=post)


@router.get("/danh-ba/nguoi/{keeper}")
def one_keeper(keeper: Slug, request: Request, caller: Looking) -> HTMLResponse:
    """Where, how to be reached, in which order; away, PIN, what is kept of this person."""
    caller.require("people")
    facts = _facts(desk_of(request), caller)
    one = next((item for item in facts["roster"].keepers if item.id == keeper), None)
    if one is None:
        raise _unknown("no_such_keeper", "không có người giữ kẻng này")
    return page(request, "roster_keeper.html", caller, **facts, one=one, at=one.post)


@router.get("/danh-ba/them/nhom")
def new_group(request: Request, caller: Looking) -> HTMLResponse:
    """One more."""
    caller.require("people")
    return page(request, "roster_group.html", caller, **_facts(desk_of(request), caller), one=None, members=())


@router.get("/danh-ba/nhom/{group}")
def one_group(group: Slug, request: Request, caller: Looking) -> HTMLResponse:
    """Posts that are rung together."""
    caller.require("people")
    facts = _facts(desk_of(request), caller)
    members = (facts["roster"].groups or {}).get(group)
    if members is None:
        raise _unknown("unknown_group", "không có nhóm này")
    return page(request, "roster_group.html", caller, **facts, one=group, members=members)


def _facts(desk: Desk, caller: Caller) -> dict[str, Any]:
    with desk.hub.ledger.read() as connection:
        roster, ranks = rosters.read_roster(connection), rosters.ranks(connection)
        groups, pins = rosters.group_names(connection), rosters.with_pin(connection)
    return {
        "roster": roster, "ranks": ranks, "group_names": groups, "pins": pins,
        "names": {post.id: post.name for post in roster.posts},
        "villages": {village.id: village.name for village in roster.villages},
        "helped": _helped(roster),
        "may_people": caller.why_not("people") is None, "may_enrol": caller.why_not("enrol") is None,
    }  # fmt: skip


def _helped(roster: Roster) -> dict[str, list[tuple[str, bool]]]:
    """Village → the names of those that come to its help, and whether by themselves."""
    names = {village.id: village.name for village in roster.villages}
    found: dict[str, list[tuple[str, bool]]] = {}
    for item in roster.neighbours:
        found.setdefault(item.village, []).append((names.get(item.neighbour, item.neighbour), item.by_itself))
    return found


def _unknown(code: str, vi: str) -> KengdError:
    return KengdError(code, vi, cure="mở lại từ Danh bạ", en="there is none of this name")
