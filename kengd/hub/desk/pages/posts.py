"""Điểm kẻng: every post with its versions and certificate; a new one let in, a dead unit swapped, silence, a silent test, shut out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from kengd.hub.desk.board import posts_now
from kengd.hub.desk.desk import desk_of
from kengd.hub.desk.pages.page import Looking, page

router = APIRouter(include_in_schema=False)


@router.get("/diem-keng")
def posts(request: Request, caller: Looking) -> HTMLResponse:
    """All of them; what an officer may not do is not offered."""
    caller.require_awake()
    desk = desk_of(request)
    now_ms, roster = desk.now_ms(), desk.hub.roster()
    ends = {one.subject: one.not_after_ms for one in desk.hub.authority.index.current() if one.purpose == "post"}
    villages = {village.id: village.name for village in roster.villages}
    views: list[dict[str, Any]] = posts_now(roster, desk.hub.watch.all(), {}, now_ms, bool(desk.hub.line.up))
    for view in views:
        view["village_names"] = [villages.get(one, one) for one in view["villages"]]
        view["ends_ms"] = ends.get(view["id"])
        view["keepers"] = [keeper for keeper in roster.keepers if keeper.post == view["id"]]
    return page(
        request, "posts.html", caller, posts=views, villages=roster.villages, may_enrol=caller.why_not("enrol") is None,
        may_silence=caller.why_not("silence") is None, names=desk.hub.settings.broker.names,
    )  # fmt: skip
