"""Báo cáo: a period's figures as pictures and numbers, with the printed page and the workbook one press away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from kengd.clock import local
from kengd.duty.words import Purpose
from kengd.errors import UsageError
from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.pages.page import Looking, page
from kengd.hub.desk.report_room import ground_for
from kengd.hub.reports import names
from kengd.hub.reports.figures import Figures, figures_of
from kengd.hub.reports.period import Period, begun, month, parse, quarter, year

router = APIRouter(include_in_schema=False)
MONTHS: Final = 14
HEIGHT: Final = 60
Chosen = Annotated[str | None, Query(max_length=10)]
Village = Annotated[str | None, Query(pattern=r"^([a-z0-9-]{1,40})?$")]


@router.get("/bao-cao")
def report(request: Request, caller: Looking, ky: Chosen = None, village: Village = None) -> HTMLResponse:
    """`ky`: the period, as in "2026-11", "2026-q4", "2026"; this month unless told."""
    caller.require_awake()
    desk = desk_of(request)
    now_ms = desk.now_ms()
    wrong = None
    period = _this_month(now_ms)
    try:
        period = begun(parse(ky), now_ms) if ky else period
    except UsageError as error:
        wrong = error.vi
    villages = [village] if village else None
    with desk.reporting():
        ground = ground_for(desk, period, villages)
        figures = figures_of(ground, period, villages)
        drilled = replace(ground, rings=tuple(ring for ring in ground.rings if ring.purpose is Purpose.DRILL))
        drills = figures_of(drilled, period, villages)
    return page(
        request, "report.html", caller,
        period=period, periods=_periods(now_ms), villages=desk.hub.roster().villages, village=village or "", wrong=wrong,
        figures=figures, drills=drills.rings, pictures=pictures(figures, drills, desk), presence=_presence(figures, desk),
        ring_s=[(names.SOURCES.get(source, "?"), names.seconds(spread.median_ms)) for source, spread in figures.time_to_ring.items()],
        acknowledge_s=names.seconds(figures.time_to_acknowledge.median_ms),
    )  # fmt: skip


def pictures(figures: Figures, drills: Figures, desk: Desk) -> list[dict[str, Any]]:
    """Each: `title`, and `bars` as `bars` makes them. `drills`: the same period's drills alone, which stand apart in each picture."""
    villages = {item.id: item.name for item in desk.hub.roster().villages}
    weeks = sorted(figures.by_week.items())
    kinds = (
        (names.KINDS.get(kind, "?"), count, drills.by_kind.get(kind, 0)) for kind, count in figures.by_kind.items()
    )
    places = (
        (villages.get(one or "", one or names.NO_VILLAGE), count, drills.by_village.get(one, 0))
        for one, count in figures.by_village.items()
    )
    cases = ((names.incident_words(kind), count, 0) for kind, count in figures.incidents_by_kind.items())
    return [
        {"title": title, "bars": bars(found)}
        for title, found in (
            ("by_week", ((f"{day.day}/{day.month}", count, drills.by_week.get(day, 0)) for day, count in weeks)),
            ("by_hour", ((str(hour), count, drills.by_hour[hour]) for hour, count in enumerate(figures.by_hour))),
            ("by_kind", kinds),
            ("by_village", places),
            ("by_case", cases),
        )
    ]


def bars(found: Iterable[tuple[str, int, int]]) -> list[dict[str, Any]]:
    """Of (name, all, drills among them): real ones and drills, each with a height against the tallest of all, so that one ring is
    still to be seen."""
    rows = list(found)
    most = max((count for _, count, _ in rows), default=0)

    def height(count: int) -> int:
        return 0 if not count else max(2, round(count * HEIGHT / most))

    return [
        {
            "name": name, "count": count - drills, "height": height(count - drills), "drills": drills,
            "drill_height": height(drills),
        }
        for name, count, drills in rows
    ]  # fmt: skip


def _presence(figures: Figures, desk: Desk) -> list[tuple[str, str]]:
    known = {post.id: post.name for post in desk.hub.roster().posts}
    return [(known.get(item.post, item.post), names.percent(item.share)) for item in figures.presence]


def _this_month(now_ms: int) -> Period:
    today = local(now_ms).date()
    return month(today.year, today.month)


def _periods(now_ms: int) -> list[Period]:
    """The last months, their quarters and years, newest first."""
    first = local(now_ms).date().replace(day=1)
    months, found = first, []
    for _ in range(MONTHS):
        found.append(month(months.year, months.month))
        months = (months - timedelta(days=1)).replace(day=1)
    quarters = dict.fromkeys((int(one.id[:4]), (int(one.id[5:]) + 2) // 3) for one in found)
    years = dict.fromkeys(int(one.id[:4]) for one in found)
    return [*found, *(quarter(*one) for one in quarters), *(year(one) for one in years)]
