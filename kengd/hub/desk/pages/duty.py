"""Bảng trực ban: alarms first, what is wrong, and every post as it is now; parts of it anew when something changes."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from kengd.hub.absences import TOGETHER_MS
from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.desk_page import board_of
from kengd.hub.desk.pages.page import Looking, desk_and_caller, fragment, page
from kengd.hub.incidents import KINDS, keepers_at_home

router = APIRouter(include_in_schema=False)
MOST_ASKED: Final = 400
Ids = Annotated[list[Annotated[str, Query(pattern=r"^[a-z0-9-]{1,40}$")]] | None, Query(max_length=MOST_ASKED)]


@router.get("/")
def desk_page(request: Request, caller: Looking) -> HTMLResponse:
    """The whole board."""
    desk = desk_of(request)
    return page(request, "duty.html", caller, **facts_of(desk, phones=not caller.locked))


@router.get("/phan/tren")
def upper(request: Request) -> HTMLResponse:
    """Incidents and what is wrong with the hub itself."""
    desk, caller = desk_and_caller(request)
    return fragment(request, "duty_upper.html", **facts_of(desk, phones=not caller.locked))


@router.get("/phan/diem")
def posts(request: Request, id: Ids = None) -> HTMLResponse:
    """These posts, or all."""
    desk, caller = desk_and_caller(request)
    facts = facts_of(desk, phones=not caller.locked)
    if id is not None:
        facts["posts"] = [post for post in facts["posts"] if post["id"] in set(id)]
    return fragment(request, "duty_posts.html", **facts)


def facts_of(desk: Desk, *, phones: bool) -> dict[str, Any]:
    """The board's own facts, and what only a page shows: blows, whom to phone, a whole commune that is gone as one line."""
    facts = board_of(desk)
    roster, seen = desk.hub.roster(), desk.hub.watch.all()
    outage = together_gone(facts["posts"], facts["line_up"])
    names = {post.id: post.name for post in roster.posts}
    villages = {village.id: village.name for village in roster.villages}
    enrolled = {post.id: post.enrolled_ms for post in roster.posts}
    for post in facts["posts"]:
        post["village_names"] = [villages.get(village, village) for village in post["villages"]]
        post["looks"] = looks(post, outage)
        post["score"] = None
        if post["sounding"] is not None and (known := seen.get(post["id"])) is not None:
            scores = desk.scores.of(post["id"], enrolled[post["id"]], known).scores
            post["score"] = scores.get(post["sounding"]["signal"])
    for incident in facts["incidents"]:
        incident["post_name"] = names.get(incident["post"] or "")
        for item in incident["sounded"]:
            item["post_name"] = names.get(item["post"], item["post"])
        at_home = keepers_at_home(roster.keepers, incident["post"], facts["now_ms"]) if incident["post"] else ()
        incident["helper_names"] = [villages.get(one, names.get(one, one)) for one in incident["helpers"]]
        incident["keepers"] = [{"name": item.name, "phone": item.phone} for item in at_home] if phones else []
    untaken = [one for one in facts["incidents"] if one["origin"] == "alarm" and one["acknowledged_ms"] is None]
    return facts | {"outage": outage, "untaken": len(untaken), "kinds": KINDS, "names": names}


def together_gone(posts: list[dict[str, Any]], line_up: bool) -> dict[str, Any] | None:
    """Most posts gone at one time are one thing, not ten: the network, or the power of the whole commune."""
    gone = sorted(
        (post["since_ms"], post["id"])
        for post in posts
        if line_up and not post["present"] and post["since_ms"] is not None and not post["sounder"]
    )
    if len(gone) < 2 or len(gone) * 2 <= len(posts):
        return None
    best: list[tuple[int, str]] = []
    for at, (since_ms, _) in enumerate(gone):
        at_once = [one for one in gone[at:] if one[0] - since_ms <= TOGETHER_MS]
        best = max(best, at_once, key=len)
    if len(best) < 2 or len(best) * 2 <= len(posts):
        return None
    return {"since_ms": best[0][0], "posts": [post for _, post in best]}


def looks(post: dict[str, Any], outage: dict[str, Any] | None) -> str:
    """The card's class: what is to be seen first of it."""
    if post["sounding"] is not None:
        return f"rings {post['sounding']['purpose']}"
    if outage is not None and post["id"] in outage["posts"]:
        return "away"
    if post["why_silent"] is not None:
        return "cannot"
    return "unsure" if post["conditions"] or post["clock_vi"] or post["why_calm_silent"] else "ready"
