"""Vụ việc: calls noted down, incidents looked up, outcomes written and corrected."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from kengd.errors import KengdError
from kengd.hub.desk import incident_book
from kengd.hub.desk.desk import desk_of
from kengd.hub.desk.forms import LATEST_MS, AnyId
from kengd.hub.desk.pages.page import Looking, page
from kengd.hub.incidents import KINDS
from kengd.hub.ledger import incidents

router = APIRouter(include_in_schema=False)
MOST = 200


@router.get("/vu-viec")
def cases(request: Request, caller: Looking, lau: Annotated[bool, Query()] = False) -> HTMLResponse:
    """The last 31 days, or (`lau`) as far back as there are; and the form for a call."""
    desk = desk_of(request)
    first = 0 if lau else desk.now_ms() - incident_book.LATELY_MS
    with desk.hub.ledger.read() as connection:
        found = incidents.between(connection, first, LATEST_MS, MOST)
        views = incident_book.views_of(desk, connection, found)
    return page(
        request, "cases.html", caller, incidents=_named(desk, views), villages=desk.hub.roster().villages, long=lau
    )


@router.get("/vu-viec/{incident}")
def case(incident: AnyId, request: Request, caller: Looking) -> HTMLResponse:
    """One of them, with all that was written about it."""
    desk = desk_of(request)
    with desk.hub.ledger.read() as connection:
        found = incidents.find(connection, incident)
        views = [] if found is None else incident_book.views_of(desk, connection, [found])
    if not views:
        raise KengdError(
            "unknown_incident", "không có vụ việc này", cure="xem danh sách vụ việc", en="no such incident"
        )
    return page(request, "case.html", caller, incident=_named(desk, views)[0], kinds=KINDS)


def _named(desk: Any, views: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = {post.id: post.name for post in desk.hub.roster().posts}
    for view in views:
        view["post_name"] = names.get(view["post"] or "")
        for item in view["sounded"]:
            item["post_name"] = names.get(item["post"], item["post"])
    return views
