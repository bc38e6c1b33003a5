"""Nhật ký việc làm: who did what when at this hub, in sentences; and whether the book is whole."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from kengd.hub.desk.audit_room import By, Number
from kengd.hub.desk.audit_words import ACTS_SAID, sentence, who
from kengd.hub.desk.book_lines import Day, day_of
from kengd.hub.desk.desk import desk_of
from kengd.hub.desk.pages.page import Looking, language, page
from kengd.hub.ledger import audits
from kengd.hub.ledger.audits import Wanted

router = APIRouter(include_in_schema=False)
LINES: Final = 100
QUICK: Final = 20_000
"""So many lines are proved each time the page is opened; more when somebody asks for it."""
ActChoice = Annotated[str | None, Query(pattern=r"^([a-z_]{1,40})?$")]


@router.get("/nhat-ky")
def audit(
    request: Request, caller: Looking, ai: By = None, viec: ActChoice = None, ngay: Day = "", before: Number = None,
    kiem: bool = False,
) -> HTMLResponse:  # fmt: skip
    """Newest first, a page at a time. `kiem`: prove the whole chain, however long it is."""
    caller.require("audit")
    desk, said_in = desk_of(request), language(request)
    from_ms, to_ms = day_of(ngay)
    found = desk.people.audit_newest(caller, before, LINES, Wanted(ai or None, viec or None, from_ms, to_ms))
    officers = {officer.id: officer.name for officer in desk.people.officers(ended=True)}
    posts = {post.id: post.name for post in desk.hub.roster().posts}
    with desk.hub.ledger.read() as connection:
        seq, _ = audits.head(connection)
    proved = kiem or seq <= QUICK
    chosen = {"ai": ai or "", "viec": viec or "", "ngay": ngay}
    csv = {"by": ai, "act": viec, "from_ms": from_ms, "to_ms": to_ms}
    return page(
        request, "audit.html", caller, officers=officers, wanted=chosen, seq=seq, proved=proved,
        wrong=desk.people.audit_wrong() if proved else None, older=found[-1].seq if len(found) == LINES else None,
        acts=sorted((sentence(act, {}, said_in, {}, {}), act) for act in ACTS_SAID),
        query=urlencode({key: value for key, value in chosen.items() if value}),
        csv=urlencode({key: value for key, value in csv.items() if value not in (None, "")}),
        lines=[
            {
                "seq": item.seq,
                "at_ms": item.at_ms,
                "who": who(item.by, said_in, officers),
                "what": sentence(item.act, item.facts, said_in, officers, posts),
            }
            for item in found
        ],
    )  # fmt: skip
