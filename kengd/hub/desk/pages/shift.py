"""Ca trực: who is on duty, the note to the next one, and the last thirty of them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.pages.page import Looking, desk_and_caller, fragment, page
from kengd.hub.desk.shift_book import KEPT, LONGEST_NOTE, names_of, shift_view, summary_of
from kengd.hub.ledger import shifts
from kengd.hub.people.words import Caller

router = APIRouter(include_in_schema=False)


@router.get("/ca-truc")
def shift_page(request: Request, caller: Looking) -> HTMLResponse:
    """To hand over, to receive, to read what others had handed over."""
    caller.require_awake()
    return page(request, "shift.html", caller, longest=LONGEST_NOTE, **facts_of(desk_of(request), caller))


@router.get("/phan/ca")
def shift_part(request: Request) -> HTMLResponse:
    """What has to be read before one receives: shown on the board too. Raises KengdError `session_locked`."""
    desk, caller = desk_and_caller(request)
    caller.require_awake()
    return fragment(request, "shift_part.html", caller=caller, **facts_of(desk, caller))


@router.get("/phan/ca-truc")
def now_part(request: Request) -> HTMLResponse:
    """All of the page that changes when somebody takes over. Raises KengdError `session_locked`."""
    desk, caller = desk_and_caller(request)
    caller.require_awake()
    return fragment(request, "shift_now.html", caller=caller, longest=LONGEST_NOTE, **facts_of(desk, caller))


def facts_of(desk: Desk, caller: Caller) -> dict[str, Any]:
    """`shift`: on duty now; `mine`: it is the caller's; `summary`: as a hand-over would say it now."""
    with desk.hub.ledger.read() as connection:
        found = shifts.last(connection, KEPT + 1)
    names = names_of(desk)
    views = [shift_view(item, names) for item in found]
    for view, follower in zip(views[1:], views, strict=False):
        view["to"] = follower["name"]
    shift = views[0] if views else None
    return {
        "shift": shift,
        "mine": shift is not None and shift["officer"] == caller.officer.id,
        "before": views[1:],
        "summary": summary_of(desk, None if shift is None else shift["began_ms"]),
    }
