"""Reports of a month, quarter or year as JSON, workbook and printed page; and the sheet that hangs beside each bell."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from enum import Enum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from kengd.errors import KengdError
from kengd.hub.desk.desk import At, Awake, Desk
from kengd.hub.desk.downloads import named
from kengd.hub.desk.forms import Slug
from kengd.hub.desk.gate import PRINTED_CSP
from kengd.hub.desk.refusals import Json
from kengd.hub.ledger.report_facts import ground_of
from kengd.hub.reports.facts import Ground
from kengd.hub.reports.figures import figures_of
from kengd.hub.reports.period import Period, begun, parse
from kengd.hub.reports.printed import Heading, printed
from kengd.hub.reports.workbook import workbook
from kengd.hub.sheet import settings_of, sheet_of

router = APIRouter()
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Villages = Annotated[list[Annotated[str, Query(pattern=r"^[a-z0-9-]{1,40}$")]] | None, Query(max_length=100)]
Text = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


@router.get("/api/reports/{period}.json")
def as_json(period: str, desk: At, caller: Awake, village: Villages = None) -> Json:
    """The figures. `village`: again for each one; all without."""
    chosen = begun(parse(period), desk.now_ms())
    with desk.reporting():
        ground = ground_for(desk, chosen, village)
        figures = plain(asdict(figures_of(ground, chosen, village)))
    figures["by_ending"] = [
        {"outcome": key[0], "reason": key[1], "count": count} for key, count in figures["by_ending"]
    ]
    return Json({"now_ms": desk.now_ms(), "figures": figures})


@router.get("/api/reports/{period}.xlsx")
def as_workbook(period: str, desk: At, caller: Awake, village: Villages = None) -> Response:
    """The figures and all that they were counted from."""
    chosen = begun(parse(period), desk.now_ms())
    with desk.reporting():
        made = workbook(ground_for(desk, chosen, village), chosen, village)
    name = f"bao-cao-keng-{chosen.id}.xlsx"
    return Response(made, media_type=XLSX, headers=named(name))


@router.get("/api/reports/{period}.html")
def as_page(
    period: str, desk: At, caller: Awake, village: Villages = None, superior: Text = "", number: Text = ""
) -> Response:
    """Laid out as a commune's report, to be printed and signed."""
    chosen, commune = begun(parse(period), desk.now_ms()), desk.hub.settings.commune
    heading = Heading(superior, commune.office.upper(), commune.name, desk.now_ms(), number or None)
    with desk.reporting():
        made = printed(ground_for(desk, chosen, village), chosen, heading, village)
    return HTMLResponse(made, headers={"Content-Security-Policy": PRINTED_CSP})


@router.get("/posts/{post}/rules")
def rules(
    post: Slug, desk: At, caller: Awake, phone: Annotated[str, Query(max_length=40, pattern=r"^[0-9 +().-]*$")] = ""
) -> Response:
    """Nội quy kẻng, printed from the post's own codebook. `phone`: of the police, as it is to stand there."""
    roster = desk.hub.roster()
    known = roster.post(post)
    if known is None:
        raise KengdError("unknown_post", f"không có điểm kẻng “{post}”", cure="tải lại trang", en="no such post")
    with desk.hub.ledger.read() as connection:
        loaded = settings_of(connection, post)
    made = sheet_of(known, roster, loaded, desk.hub.settings.commune.name, phone, desk.now_ms())
    return HTMLResponse(made, headers={"Content-Security-Policy": PRINTED_CSP})


def plain(value: Any) -> Any:
    """Figures as JSON data: names instead of enums and dates, "" for what is not known; pairs where the keys are pairs."""
    if isinstance(value, dict):
        if any(isinstance(key, tuple) for key in value):
            return [([plain(part) for part in key], plain(item)) for key, item in value.items()]
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _key(value) if isinstance(value, Enum | date) else value


def _key(key: Any) -> str:
    if key is None:
        return ""
    return str(key.value) if isinstance(key, Enum) else key.isoformat() if isinstance(key, date) else str(key)


def ground_for(desk: Desk, period: Period, villages: list[str] | None) -> Ground:
    """What a report of this period is counted from. Raises KengdError `unknown_village`."""
    roster = desk.hub.roster()
    known = {item.id for item in roster.villages}
    if strange := [village for village in villages or () if village not in known]:
        raise KengdError("unknown_village", f"không có thôn “{strange[0]}”", cure="tải lại trang", en="no such village")
    with desk.hub.ledger.read() as connection:
        return ground_of(connection, roster, period.from_ms, period.to_ms, desk.now_ms())
