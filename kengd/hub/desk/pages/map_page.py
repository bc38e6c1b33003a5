"""Bản đồ: posts as points on a plain drawing of the commune, by what they do now; several chosen lead to the order."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.pages.duty import STATES, Ids, facts_of
from kengd.hub.desk.pages.map_drawing import frame_of, lines_of, spots_of, step_of
from kengd.hub.desk.pages.page import Looking, desk_and_caller, fragment, page
from kengd.hub.incidents import keepers_at_home
from kengd.hub.ledger import plans
from kengd.hub.plan import Plan, from_plan
from kengd.hub.roster import Post

router = APIRouter(include_in_schema=False)
MARKS = {
    "ready": "M-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0z",
    "rings": "M0-17L4-7 14-10 8-1 16 6 6 6 5 17-1 8-9 14-7 5-17 3-9-3-12-12-3-7z",
    "drill": "M0-13L13 0 0 13-13 0z",
    "cannot": "M-9-5L-5-9 0-4 5-9 9-5 4 0 9 5 5 9 0 4-5 9-9 5-4 0z",
    "absent": "M-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0zm3-1.5h10v3h-10z",
    "unsure": "M0-11L11 8H-11z",
    "silenced": "M-8-8h6V8h-6zM2-8h6V8H2z",
}
"""A shape for each state, around (0, 0): colour alone tells nobody anything."""


@router.get("/ban-do")
def map_page(
    request: Request, caller: Looking, post: Ids = None, sua: Annotated[bool, Query()] = False
) -> HTMLResponse:
    """The plan and the same as a list. `post`: chosen already; `sua`: posts and picture are put in their places."""
    desk = desk_of(request)
    may_edit = caller.why_not("people") is None
    facts = facts_for(desk, phones=not caller.locked)
    return page(
        request, "map.html", caller, **facts, chosen=set(post or ()), editing=sua and may_edit, may_edit=may_edit
    )


@router.get("/phan/ban-do")
def parts(request: Request, id: Ids = None) -> HTMLResponse:
    """Points and lines of these posts, or of all."""
    desk, caller = desk_and_caller(request)
    facts = facts_for(desk, phones=not caller.locked, only=None if id is None else set(id))
    return fragment(request, "map_part.html", **facts, chosen=set())


def facts_for(desk: Desk, *, phones: bool, only: set[str] | None = None) -> dict[str, Any]:
    """The board's facts with a place for each post. `frame`: another one when the drawing itself has changed."""
    facts = facts_of(desk, phones=phones, only=only)
    roster = desk.hub.roster()
    with desk.hub.ledger.read() as connection:
        plan = plans.read_plan(connection)
    box = frame_of(((one.x, one.y) for one in roster.posts if one.x is not None and one.y is not None), plan.picture)
    spots = {spot.post: spot for spot in spots_of(roster.posts, box)}
    known = {one.id: one for one in roster.posts}
    for post in facts["posts"]:
        post["spot"] = spots.get(post["id"])
        post["place"] = _place(known[post["id"]])
        post["weight"] = len(STATES) - [*STATES].index(post["states"][0])
        at_home = keepers_at_home(roster.keepers, post["id"], facts["now_ms"]) if phones else ()
        post["keepers"] = [{"name": item.name, "phone": item.phone} for item in at_home]
    drawn = sha256(repr((box, plan.picture, sorted(spots))).encode()).hexdigest()[:12]
    across, down = lines_of(box)
    return facts | {
        "box": box, "plan": plan, "frame": drawn, "step": step_of(box), "across": across, "down": down, "marks": MARKS,
        "state_names": STATES,
        "degrees": _degrees(plan, facts["posts"]),
    }  # fmt: skip


def _place(post: Post) -> tuple[float, float] | None:
    return None if post.x is None or post.y is None else (post.x, post.y)


def _degrees(plan: Plan, posts: list[dict[str, Any]]) -> dict[str, str]:
    """ "21.03, 105.85" of those that have a place, as it can be typed again."""
    if plan.origin is None:
        return {}
    placed = {post["id"]: from_plan(plan.origin, *post["place"]) for post in posts if post["place"] is not None}
    return {post: f"{lat}, {lon}" for post, (lat, lon) in placed.items()}
