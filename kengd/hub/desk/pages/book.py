"""Sổ kẻng: the merged book, filtered by post, kind and day, a page at a time; and whether its chains are whole."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from kengd.clock import unix_ms, zone
from kengd.hub.desk.board import books_in_doubt, signal_vi
from kengd.hub.desk.desk import desk_of
from kengd.hub.desk.pages.page import Looking, page
from kengd.hub.ledger import desk_facts
from kengd.hub.ledger.desk_facts import Wanted
from kengd.wire.orders import LARGEST_NUMBER
from kengd.wire.said import KINDS, PURPOSES, SOURCES, reason_text

router = APIRouter(include_in_schema=False)
LINES: Final = 100
Slug = Annotated[str | None, Query(pattern=r"^([a-z0-9-]{1,40})?$")]
Kind = Annotated[str | None, Query(pattern=r"^([a-z_]{1,40})?$")]
Day = Annotated[str | None, Query(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
Before = Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)]


@router.get("/so-keng")
def book(
    request: Request, caller: Looking, post: Slug = None, kind: Kind = None, day: Day = None, before: Before = None
) -> HTMLResponse:
    """Newest first, as they were heard."""
    caller.require_awake()
    desk = desk_of(request)
    from_ms, to_ms = day_of(day)
    wanted = Wanted((post,) if post else None, (kind,) if kind else None, from_ms, to_ms, before_n=before)
    with desk.hub.ledger.read() as connection:
        found = desk_facts.page_of_entries(connection, wanted, LINES)
        doubtful = desk_facts.doubtful_books(connection)
    names = {one.id: one.name for one in desk.hub.roster().posts}
    return page(
        request, "book.html", caller,
        lines=[_line(row, names) for row in found], posts=desk.hub.roster().posts, kinds=KINDS,
        wanted={"post": post or "", "kind": kind or "", "day": day or ""},
        older=found[-1]["n"] if len(found) == LINES else None,
        doubtful=books_in_doubt(doubtful, desk.now_ms()), names=names,
        may_accept=caller.why_not("audit") is None,
    )  # fmt: skip


def day_of(text: str | None) -> tuple[int | None, int | None]:
    """[from, to) of this day of the village's calendar; one that there is not is no filter."""
    try:
        first = date.fromisoformat(text) if text else None
    except ValueError:
        first = None
    if first is None or first == date.max:
        return None, None
    begins = [datetime(one.year, one.month, one.day, tzinfo=zone()) for one in (first, first + timedelta(days=1))]
    return unix_ms(begins[0]), unix_ms(begins[1])


def _line(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {
        "at_ms": row["at_ms"],
        "heard_ms": row["heard_ms"],
        "post": names.get(row["post"], row["post"]),
        "kind": KINDS.get(row["kind"], row["kind"]),
        "signal": signal_vi(row["signal"]) or "",
        "purpose": row["purpose"],
        "purpose_vi": PURPOSES.get(row["purpose"] or "", ""),
        "source": SOURCES.get(row["source"] or "", row["source"] or ""),
        "by": row["by"] or row["place"] or "",
        "why": reason_text(row["kind"], row["reason"], row["detail"] or {}),
        "seq": row["seq"],
    }
