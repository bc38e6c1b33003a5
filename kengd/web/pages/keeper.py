"""The keeper's page: the alarm, the stop, what sounds, lamps, what is wrong and what to do, the next rings and the last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from kengd import clock
from kengd.bellcode.signal import Kind
from kengd.duty.outlook import Coming
from kengd.duty.words import Source
from kengd.pages.blows import score_data
from kengd.ports import Face, SignalFace
from kengd.web import words
from kengd.web.alarms import LOUD, alarms
from kengd.web.cures import cure
from kengd.web.house import House, house_of
from kengd.web.keepers import Keeper, no_pins
from kengd.web.pages.page import elsewhere, language, looking, page
from kengd.web.rings import Ring, Told

router = APIRouter(include_in_schema=False)
Looking = Annotated[Keeper, Depends(looking)]
RINGS: Final = 6
ASKED_FOR_MS: Final = 20 * 3_600_000
"""So long after a nightly ring it is asked whether it was heard."""


@dataclass(frozen=True, slots=True)
class Line:
    """A ring in one line. `how`: how it ended; `who`: who or what asked for it."""

    at_ms: int
    name: str
    purpose: str
    who: str
    why: str | None
    how: str
    bad: bool


@router.get("/")
def keeper_page(request: Request, keeper: Looking) -> HTMLResponse:
    """The whole page."""
    return page(request, "keeper.html", keeper, **facts_of(house_of(request), language(request) == "en"))


@router.get("/phan/nay")
def now(request: Request, keeper: Looking) -> HTMLResponse:
    """What changes of it, anew."""
    return page(request, "keeper_now.html", keeper, **facts_of(house_of(request), language(request) == "en"))


@router.get("/hieu-lenh")
def signals(request: Request) -> HTMLResponse:
    """Every signal: drawn, said, heard. Villagers may look too."""
    house = house_of(request)
    book = [{"face": one, "score": score_data(one.score)} for one in house.post.codebook()]
    return page(request, "signals.html", house.keeper_of(request), signals=book, bell=house.post.bell)


@router.get("/vao")
def sign_in(request: Request) -> HTMLResponse:
    """For whoever is not in; without any PIN it says what the installer must do."""
    house = house_of(request)
    keeper = house.keeper_of(request)
    if keeper is not None and keeper.standing == "open":
        raise elsewhere("/")
    wrong = None if house.keepers.any else no_pins(asked_for=house.keepers.asked_for)
    return page(request, "sign_in.html", keeper, wrong=wrong)


@router.get("/ma-pin")
def new_pin(request: Request, keeper: Looking) -> HTMLResponse:
    """Change one's own."""
    return page(request, "pin.html", keeper)


def facts_of(house: House, english: bool) -> dict[str, Any]:
    """All that the keeper's page shows."""
    face, told = house.post.face(), house.told()
    today = f"{clock.local(face.now_ms):%Y-%m-%d}"
    asked = asked_about(told, face.now_ms)
    book = {one.id: one for one in house.post.codebook()}
    sounding = face.sounding
    cause = None if sounding is None else told.ring(sounding.activation)
    known = [one for one in book.values() if one.kind == Kind.ALARM]
    kinds = {one.id: one.kind for one in book.values()}
    stopped = alarms(told.rings, kinds, told.taken or {}, None if sounding is None else sounding.activation)
    return {
        "face": face,
        "today": today,
        "sounding": sounding,
        "sounds": None if sounding is None else name_of(book, sounding.signal, english),
        "score": None if sounding is None or sounding.score is None else score_data(sounding.score),
        "who": None if cause is None else who(cause, english),
        "why": None if cause is None else cause.why,
        "joined": 0 if cause is None else cause.joined,
        "taken_by": None if sounding is None else (told.taken or {}).get(sounding.activation),
        "bell_lamp": words.BELL_LAMP[face.bell_lamp],
        "police_lamp": _police(face, kinds),
        "stopped": [
            (one, name_of(book, one.signal, english)) for one in stopped if not one.sounds and one.open(face.now_ms)
        ],
        "conditions": [(item, cure(item["code"])) for item in house.post.status()["conditions"]],
        "coming": [(item, name_of(book, item.line.signal, english), held(item, face)) for item in face.coming],
        "rings": [line_of(ring, book, face, english) for ring in told.rings[:RINGS]],
        "trial": told.trial,
        "trial_why": None if told.trial is None or told.trial.good else words.why(told.trial.would),
        "asked": asked,
        "asked_last_night": asked is not None and f"{clock.local(asked.at_ms):%Y-%m-%d}" != today,
        "alarm": next((one for one in known if one.id == "alarm"), known[0] if known else None),
        "others": [one for one in book.values() if one.kind in _OTHERS and one.id != "alarm"],
    }


_OTHERS: Final = (Kind.ALARM, Kind.SUPPORT, Kind.ALL_CLEAR)


def _police(face: Face, kinds: Mapping[str, str]) -> words.Pair:
    """Nobody waits for an officer to take an all-clear, and nobody has to tell the hub of what it has ordered."""
    rings = face.sounding
    if rings is None or face.police_lamp != "reached":
        return words.POLICE_LAMP[face.police_lamp]
    if rings.purpose != "actual" or kinds.get(rings.signal) not in LOUD:
        return words.SENT_CALM
    return words.ORDERED if rings.source == Source.HUB else words.POLICE_LAMP["reached"]


def name_of(book: dict[str, SignalFace], signal: str, english: bool) -> str:
    """As people say it."""
    found = book.get(signal)
    if found is None:
        return signal
    return found.name_en or found.name_vi if english else found.name_vi


def who(ring: Ring, english: bool) -> str:
    """Who or what asked for it: "Ông Thái, nút bấm, nhà văn hóa"."""
    source = words.SOURCES.get(ring.source, (ring.source, ring.source))[english]
    return ", ".join(part for part in (ring.by, source, ring.place) if part)


def held(item: Coming, face: Face) -> words.Pair | None:
    """Why it will not sound, with until when or by which exception."""
    if item.held is None:
        return None
    vi, en = words.HELD[item.held]
    if item.rule is not None:
        return f"{vi} ({item.rule.text})", f"{en} ({item.rule.text})"
    if item.held == "silenced" and face.silenced_until_ms is not None:
        until = f"{clock.local(face.silenced_until_ms):%H:%M %d/%m}"
        return f"{vi} đến {until}", f"{en} until {until}"
    return vi, en


def line_of(ring: Ring, book: dict[str, SignalFace], face: Face, english: bool) -> Line:
    """One line of the last rings."""
    sounds = face.sounding is not None and face.sounding.activation == ring.activation
    bad = ring.end in ("missed", "refused", "failed") or ring.reason in ("power_lost", "crashed")
    if sounds:
        how = ("đang kêu", "ringing")[english]
    elif ring.end is None:
        how = ("chưa rõ đã dứt thế nào", "how it ended is not known")[english]
    else:
        told = words.why(ring.end)[english] if ring.reason is None or ring.end in ("missed", "refused") else ""
        reason = words.why(ring.reason)[english] if ring.reason is not None else ""
        how = ": ".join(part for part in (told, reason) if part) + (f" ({ring.ended_by})" if ring.ended_by else "")
    name = name_of(book, ring.signal, english)
    return Line(ring.at_ms, name, ring.purpose, who(ring, english), ring.why, how, bad and not sounds)


def asked_about(told: Told, now_ms: int) -> Ring | None:
    """The last ring of the timetable, if nobody has said yet whether it was heard (H2)."""
    for ring in told.rings:
        if ring.source == "timetable" and ring.activation is not None and ring.purpose == "actual":
            recent = 0 <= now_ms - ring.at_ms < ASKED_FOR_MS and ring.end is not None
            return ring if recent and ring.activation not in (told.heard or {}) else None
    return None
