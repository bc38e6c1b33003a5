"""Bắt đầu: the first steps of a hub, ticked by facts, each with what to do and where."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from kengd.hub import beginning
from kengd.hub.desk.begin_room import facts_of, put_away
from kengd.hub.desk.desk import desk_of
from kengd.hub.desk.pages.page import Looking, page
from kengd.hub.ledger import notices, rosters

router = APIRouter(include_in_schema=False)


@router.get("/bat-dau")
def begin(request: Request, caller: Looking) -> HTMLResponse:
    """For administrators: at sign-in until all is done or somebody puts it away, and whenever they like."""
    caller.require("settings")
    desk = desk_of(request)
    facts = facts_of(desk, caller)
    steps = beginning.done(facts)
    with desk.hub.ledger.read() as connection:
        last = notices.newest(connection, limit=1)
        ranks = rosters.ranks(connection)["villages"]
    following = next((step for step, done in steps.items() if not done), None)
    return page(
        request, "begin.html", caller, steps=steps, count=sum(steps.values()), facts=facts, away=put_away(desk), following=following,
        ranks=ranks, next_rank=max(ranks.values(), default=-1) + 1, last_notice=last[0] if last else None,
        unreachable=[one for one in facts.officers if not (one.phone or one.channels)],
        admins=sum(1 for one in facts.officers if one.role == "admin"), posts=desk.hub.roster().bells(),
    )  # fmt: skip
