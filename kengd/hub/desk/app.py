"""The application: every room of the desk, behind one gate."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from kengd import __version__
from kengd.errors import KengdError
from kengd.hub.desk import (
    audit_room,
    backup_room,
    begin_room,
    book_files,
    books,
    cap_room,
    codebook_room,
    codebook_sending,
    desk_page,
    dispatches,
    enrol_room,
    health,
    incident_book,
    live,
    log_room,
    notice_book,
    officers,
    plan_room,
    post_orders,
    refusals,
    report_room,
    roster_book,
    sessions,
    shift_book,
)
from kengd.hub.desk.desk import Desk
from kengd.hub.desk.gate import Gate
from kengd.hub.desk.pages import (
    audit,
    backup,
    begin,
    book,
    cases,
    codebook,
    duty,
    enrol,
    entrance,
    logs,
    map_page,
    people,
    posts,
    reports,
    ringing,
    roster,
    shift,
)
from kengd.hub.desk.pages.page import refused
from kengd.hub.people.people import People
from kengd.hub.service import Hub

ROOMS = (
    sessions, desk_page, live, dispatches, incident_book, books, book_files, notice_book, roster_book, codebook_room,
    codebook_sending, plan_room, post_orders, enrol_room, officers, report_room, cap_room, shift_book,
    audit_room, backup_room, log_room, begin_room, health,
)  # fmt: skip
PAGES = (
    entrance,
    duty,
    ringing,
    cases,
    book,
    reports,
    codebook,
    posts,
    enrol,
    map_page,
    roster,
    shift,
    people,
    audit,
    backup,
    logs,
    begin,
)


def make_app(hub: Hub, people: People, *, revoked: Callable[[], None] = lambda: None) -> FastAPI:
    """The desk of this hub. `revoked`: called in a request's thread when certificates were revoked or replaced.

    `app.state.desk` is its `Desk`.
    """
    app = FastAPI(
        title="kengd hub", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    desk = app.state.desk = Desk(hub, people, revoked)
    app.add_middleware(Gate, origin=hub.settings.web.origin, known=desk.knows)
    refusals.add_to(app)
    app.add_exception_handler(KengdError, refused)
    for room in (*ROOMS, *PAGES):
        app.include_router(room.router)
    return app
