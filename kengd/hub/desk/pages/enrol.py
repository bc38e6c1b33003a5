"""Thêm điểm kẻng: a post let in, step by step on one page, checked while it is typed; the same for a unit that died or a new file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin
from kengd.firmware.wiring import FORBIDDEN, PULLED_UP_AT_RESET, RISKY
from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.pages.page import Looking, page
from kengd.hub.desk.post_orders import post_of
from kengd.hub.ledger import people, rosters
from kengd.hub.ledger.store import Transaction
from kengd.hub.people.words import Caller
from kengd.hub.post_templates import kept_tables
from kengd.hub.roster import Post
from kengd.hub.sheet import given_to
from kengd.pages.language import noted
from kengd.pages.trust import fingerprint
from kengd.settings.bell import Siren, Striker
from kengd.settings.field import Section
from kengd.settings.hours import BY_CLOCK
from kengd.settings.model import LimitSettings

router = APIRouter(include_in_schema=False)
HEADER: Final = (
    "3V3", "5V", 2, "5V", 3, "GND", 4, 14, "GND", 15, 17, 18, 27, "GND", 22, 23, "3V3", 24, 10, "GND", 9, 25, 11, 8, "GND", 7,
    0, 1, 5, "GND", 6, 12, 13, "GND", 19, 16, 26, 20, "GND", 21,
)  # fmt: skip
"""The 40 pins of a Pi's header, from pin 1: a voltage, ground, or the number of the GPIO."""
MAIN: Final = {
    "striker": ("hold_ms", "shortest_gap_ms", "longest_stroke_ms", "steady_every_ms", "urgent_every_ms"),
    "siren": ("shortest_blast_ms", "blast_ms", "shortest_gap_ms", "spin_up_ms", "longest_continuous_ms"),
    "limits": ("alarm_s", "hard_limit_s", "after_alarm_min"),
}
"""Fields in sight; the others lie behind one press."""
UNITS: Final = (noted("phút"), noted("lần"))
"""Units of the settings that are words; the others are the same in every language."""
BOOKS: Final = {
    "cong_lac": "Cộng Lạc", "nam_ngan": "Nam Ngạn", "ea_o": "Ea Ô", "ta_gia_khau": "Tả Gia Khâu", "coi_hu": noted("còi hú"),
}  # fmt: skip
_REASON: Final = re.compile(r" ?\((?:[^():]*: )?[HPR]\d+(?:, [HPR]\d+)*\)")
"""Of the settings' descriptions, where it only names a rule of ours."""
Slug = Annotated[str | None, Query(pattern=r"^[a-z0-9-]{1,40}$")]


@router.get("/diem-keng/moi")
def wizard(request: Request, caller: Looking, thay: Slug = None, theo: Slug = None, giu: bool = False) -> HTMLResponse:
    """`thay`: this post gets a new file (a swapped unit; `giu`: for the unit that runs, its certificates stay). `theo`: begin with
    this post's settings. Raises KengdError `unknown_post`."""
    caller.require_awake()
    caller.require("enrol")
    desk = desk_of(request)
    with desk.hub.ledger.read() as connection:
        facts = facts_of(desk, connection, thay, theo)
    if thay is not None and facts["post"] is None:
        post_of(desk, thay)
    mode = "new" if facts["post"] is None else "renew" if giu else "swap"
    return page(request, "enrol.html", caller, mode=mode, may_keepers=_may(caller), mark=ca_mark(desk), **facts)


def ca_mark(desk: Desk) -> str:
    """What people compare before they trust the commune's certificate."""
    return fingerprint(desk.hub.authority.ca_file.read_text("ascii"))


def _may(caller: Caller) -> bool:
    return caller.why_not("people") is None


def facts_of(desk: Desk, connection: Transaction, thay: str | None, theo: str | None) -> dict[str, Any]:
    """What is known already, and what there is to choose from."""
    roster = rosters.read_roster(connection)
    post: Post | None = rosters.any_post(connection, thay) if thay is not None else None
    start = post.id if post is not None else theo
    index = desk.hub.authority.index
    pages = () if post is None else index.of("page", post.id)
    return {
        "post": post, "start": start,
        "own": start is None or given_to(connection, start).own, "tables": kept_tables(connection, start), "villages": roster.villages,
        "keepers": [
            {"id": one.id, "name": one.name, "phone": one.phone, "has_pin": people.keeper_pin(connection, one.id) is not None}
            for one in roster.keepers if post is not None and one.post == post.id
        ],
        "taken": [one.id for one in roster.posts], "starts": roster.posts,
        "page_names": list(pages[-1].names) if pages else [], "server_names": index.server_names,
        "broker_port": desk.hub.settings.broker.port, "bells": {"striker": fields(Striker), "siren": fields(Siren)},
        "limits": fields(LimitSettings), "main": MAIN, "header": header(), "pins": pins(), "codebooks": codebooks(),
    }  # fmt: skip


def fields(section: type[Section]) -> list[dict[str, Any]]:
    """Whole numbers of a table of the settings file, each with its words, unit and bounds as the post's own reader has them."""
    found = []
    for name, field in section.model_fields.items():
        if field.annotation is not int:
            continue
        more = field.json_schema_extra if isinstance(field.json_schema_extra, Mapping) else {}
        bounds = {key: getattr(one, key) for one in field.metadata for key in ("ge", "le") if hasattr(one, key)}
        found.append({
            "name": name, "vi": _plainly(field.description or ""), "en": _plainly(str(more["en"])), "unit": more["unit"],
            "default": field.default, "low": bounds["ge"], "high": bounds["le"],
        })  # fmt: skip
    return found


def _plainly(description: str) -> str:
    text = _REASON.sub("", description)
    return text[:1].upper() + text[1:]


def header() -> list[tuple[tuple[int, str | int], tuple[int, str | int]]]:
    """Rows of the header as it is seen from above: ((1, "3V3"), (2, "5V")), …"""
    return [((n + 1, HEADER[n]), (n + 2, HEADER[n + 1])) for n in range(0, len(HEADER), 2)]


def pins() -> Iterator[dict[str, Any]]:
    """GPIO 2–27 with their places; `relay`: why no relay may be there (`never`), or better not."""
    for pin in range(2, 28):
        yield {
            "pin": pin, "place": HEADER.index(pin) + 1, "never": pin in FORBIDDEN,
            "relay": FORBIDDEN.get(pin) or RISKY.get(pin) or "", "up": pin in PULLED_UP_AT_RESET,
        }  # fmt: skip


def codebooks() -> list[dict[str, Any]]:
    """The shipped ones with their signals; `calm`: what a timetable may ring."""
    return [
        {
            "name": name,
            "title": BOOKS.get(name, name),
            "signals": [
                {"id": one.id, "vi": one.name_vi, "en": one.name_en, "calm": one.kind in BY_CLOCK}
                for one in builtin(name).signals.values()
            ],
        }
        for name in BUILTIN_NAMES
    ]
