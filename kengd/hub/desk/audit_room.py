"""The hub's own audit book: who did what when, as data and as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from kengd.clock import local
from kengd.hub.desk.audit_words import sentence, who
from kengd.hub.desk.desk import At, Awake, Desk
from kengd.hub.desk.downloads import CSV, packets, sent
from kengd.hub.desk.forms import LATEST_MS
from kengd.hub.desk.refusals import Json
from kengd.hub.ledger import audits
from kengd.hub.ledger.audits import Audit, Wanted
from kengd.hub.reports.book_file import inert
from kengd.wire.orders import LARGEST_NUMBER

router = APIRouter(prefix="/api")
AT_ONCE: Final = 1_000
Number = Annotated[int | None, Query(ge=0, le=LARGEST_NUMBER)]
Moment = Annotated[int | None, Query(ge=0, le=LATEST_MS)]
By = Annotated[str | None, Query(max_length=130)]
ActName = Annotated[str | None, Query(pattern=r"^[a-z_]{1,40}$")]


@router.get("/audit")
def audit(
    desk: At,
    caller: Awake,
    by: By = None,
    act: ActName = None,
    from_ms: Moment = None,
    to_ms: Moment = None,
    before_seq: Number = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Json:
    """What was done at this hub, by whom; newest first. `by`: an officer's id."""
    found = desk.people.audit_newest(caller, before_seq, limit, Wanted(by, act, from_ms, to_ms))
    names = {officer.id: officer.name for officer in desk.people.officers(ended=True)}
    lines = [{**asdict(item), "by_name": names.get(item.by, item.by)} for item in found]
    return Json({"audit": lines, "next": found[-1].seq if len(found) == limit else None})


@router.get("/audit.csv", response_class=StreamingResponse)
def audit_csv(
    desk: At, caller: Awake, by: By = None, act: ActName = None, from_ms: Moment = None, to_ms: Moment = None
) -> StreamingResponse:
    """The same, all of it, oldest last, with a Vietnamese sentence and the hashes: UTF-8 that spreadsheets open."""
    caller.require("audit")
    wanted = Wanted(by, act, from_ms, to_ms)
    return sent(packets(row.encode("utf-8", "replace") for row in _rows(desk, wanted)), CSV, "nhat-ky.csv")


def _rows(desk: Desk, wanted: Wanted) -> Iterator[str]:
    officers = {officer.id: officer.name for officer in desk.people.officers(ended=True)}
    posts = {post.id: post.name for post in desk.hub.roster().posts}
    yield "\ufeff" + _line(["mục", "lúc", "ai", "việc", "mã việc", "chi tiết", "băm"])
    before: int | None = None
    while True:
        with desk.hub.ledger.read() as connection:
            found = audits.newest(connection, before, AT_ONCE, wanted)
        for item in found:
            yield _line([*_facts(item, officers, posts)])
        if len(found) < AT_ONCE:
            return
        before = found[-1].seq


def _facts(item: Audit, officers: dict[str, str], posts: dict[str, str]) -> Iterator[str]:
    yield str(item.seq)
    yield f"{local(item.at_ms):%Y-%m-%d %H:%M:%S}"
    yield who(item.by, "vi", officers)
    yield sentence(item.act, item.facts, "vi", officers, posts)
    yield item.act
    yield json.dumps(item.facts, ensure_ascii=False)
    yield item.hash


def _line(cells: list[str]) -> str:
    """A cell that a spreadsheet would compute is text instead."""
    out = io.StringIO()
    csv.writer(out).writerow(inert(cell) for cell in cells)
    return out.getvalue()
