"""Ca trực: who is on duty, what is left to the next officer, and what the hub itself adds to that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, StringConstraints

from kengd.errors import KengdError, UsageError
from kengd.hub.desk import health
from kengd.hub.desk.board import signal_vi
from kengd.hub.desk.desk import At, Awake, Desk, Writing
from kengd.hub.desk.desk_page import board_of
from kengd.hub.desk.forms import Form
from kengd.hub.desk.refusals import Json
from kengd.hub.desk.silence import Silence
from kengd.hub.ledger import desk_facts, incidents, shifts
from kengd.hub.ledger.shifts import Shift
from kengd.hub.people.ground import only_officers
from kengd.settings.field import Wrong
from kengd.wire.orders import LARGEST_NUMBER, is_text

router = APIRouter(prefix="/api")
KEPT: Final = 30
LONGEST_NOTE: Final = 2_000
MOST_LINES: Final = 20


def _lines(text: str) -> str:
    """Lines that a book can hold."""
    said = text.replace("\r\n", "\n").strip()
    if not all(is_text("." + line[at : at + 100]) for line in said.split("\n") for at in range(0, len(line) + 1, 100)):
        raise Wrong("có ký tự không viết được trong sổ", "bỏ ký tự điều khiển", "no control characters but new lines")
    return said


Number = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]


class ReceiveForm(Form):
    """`after`: the shift that is relieved, as the page has shown it; 0: nobody has been on duty yet."""

    after: Number


class HandOverForm(Form):
    """`n`: one's own shift."""

    n: Number
    note: Annotated[str, StringConstraints(max_length=LONGEST_NOTE), AfterValidator(_lines)] = ""


@router.get("/shift")
def now(desk: At, caller: Awake) -> Json:
    """Who is on duty, since when, what the shift before has left, and what a hand-over would say by itself now."""
    with desk.hub.ledger.read() as connection:
        found = shifts.last(connection, 2)
    names = names_of(desk)
    since_ms = found[0].began_ms if found else None
    return Json({
        "now_ms": desk.now_ms(),
        "shift": shift_view(found[0], names) if found else None,
        "before": shift_view(found[1], names) if len(found) > 1 else None,
        "mine": bool(found) and found[0].officer == caller.officer.id,
        "summary": summary_of(desk, since_ms),
    })  # fmt: skip


@router.get("/shifts")
def last(desk: At, caller: Awake, limit: Annotated[int, Query(ge=1, le=KEPT)] = KEPT) -> Json:
    """The last shifts with what was handed over, newest first."""
    with desk.hub.ledger.read() as connection:
        found = shifts.last(connection, limit)
    names = names_of(desk)
    return Json({"now_ms": desk.now_ms(), "shifts": [shift_view(item, names) for item in found]})


@router.post("/shift/receive")
def receive(form: ReceiveForm, desk: At, caller: Writing) -> Json:
    """I am on duty from now on, and have read what was left. Pressed twice it is one shift. Raises KengdError `shift_taken`."""
    caller.require("acknowledge")
    officer, now_ms = only_officers(caller), desk.now_ms()
    with desk.hub.ledger.write() as connection:
        on_duty = shifts.newest(connection)
        if on_duty is not None and on_duty.after == form.after and on_duty.officer == officer:
            begun: Shift | None = on_duty
        else:
            begun = shifts.begin(connection, form.after, officer, now_ms)
            if begun is not None:
                desk.audit_in(connection, caller, "shift_begun", {"shift": begun.n, "after": form.after})
    if begun is None:
        who = "" if on_duty is None else names_of(desk).get(on_duty.officer, "")
        raise KengdError(
            "shift_taken",
            f"ca trực đã có người khác nhận{': ' + who if who else ''}",
            cure="tải lại trang để xem ai đang trực",
            en="somebody else has taken over meanwhile",
        )
    return Json({"shift": shift_view(begun, names_of(desk))})


@router.post("/shift/hand-over")
def hand_over(form: HandOverForm, desk: At, caller: Writing) -> Json:
    """What the next one has to know; I stay on duty until somebody has received it. Raises KengdError `shift_over`, `not_your_shift`."""
    caller.require("acknowledge")
    officer, now_ms = only_officers(caller), desk.now_ms()
    with desk.hub.ledger.read() as connection:
        on_duty = shifts.newest(connection)
    if on_duty is None or on_duty.n != form.n:
        raise _over()
    if on_duty.officer != officer:
        raise UsageError(
            "not_your_shift",
            "ca này không phải của bạn",
            cure="người đang trực tự bàn giao, hoặc bạn nhận ca",
            en="another officer is on duty",
        )
    summary = summary_of(desk, on_duty.began_ms)
    with desk.hub.ledger.write() as connection:
        if not shifts.hand_over(connection, form.n, form.note, summary, now_ms):
            raise _over()
        facts = {"shift": form.n, "length": len(form.note)}
        desk.audit_in(connection, caller, "shift_handed", facts)
    return Json({"handed_ms": now_ms})


def names_of(desk: Desk) -> Mapping[str, str]:
    """Officer's id → name, also of those who have left."""
    return {officer.id: officer.name for officer in desk.people.officers(ended=True)}


def shift_view(shift: Shift, names: Mapping[str, str]) -> dict[str, Any]:
    """One shift as clients see it."""
    return {
        "n": shift.n,
        "after": shift.after,
        "officer": shift.officer,
        "name": names.get(shift.officer, shift.officer),
        "began_ms": shift.began_ms,
        "handed_ms": shift.handed_ms,
        "ended_ms": shift.ended_ms,
        "note": shift.note,
        "summary": dict(shift.summary) if shift.handed_ms is not None else None,
    }


def summary_of(desk: Desk, since_ms: int | None) -> dict[str, Any]:
    """What an officer would forget to say: open cases, silent posts, conditions, silences, and what happened since (unix ms)."""
    board, now_ms = board_of(desk), desk.now_ms()
    since_ms = now_ms - health.DAY_MS if since_ms is None else since_ms
    with desk.hub.ledger.read() as connection:
        begun = incidents.between(connection, since_ms, now_ms + 1)
        counted = desk_facts.counted(connection, ("ringing", "failed", "missed"), since_ms)
    names = {post["id"]: post["name"] for post in board["posts"]}
    rings: dict[str, Counter[bool]] = {}
    kinds = Counter[str]()
    for kind, signal, purpose, count in counted:
        kinds[kind] += count
        if kind == "ringing":
            rings.setdefault(signal_vi(signal) or "?", Counter())[purpose == "drill"] += count
    most = sorted(rings.items(), key=lambda item: -item[1].total())[:MOST_LINES]
    return {
        "at_ms": now_ms,
        "since_ms": since_ms,
        "open": [
            {
                "id": one["id"],
                "where": one["village_name"] or names.get(one["post"] or "", ""),
                "at_ms": one["began_ms"],
                "taken": one["acknowledged_ms"] is not None,
            }
            for one in board["incidents"][:MOST_LINES]
        ],
        "silent": [
            {"post": post["name"], "why": Silence(**post["silence"]).sentence("vi")}
            for post in board["posts"]
            if post["silence"] is not None
        ][:MOST_LINES],
        "calm": [
            {"post": post["name"], "why": post["why_calm_silent"]}
            for post in board["posts"]
            if post["why_calm_silent"] is not None
        ][:MOST_LINES],
        "conditions": _conditions(desk, board)[:MOST_LINES],
        "rings": [{"signal": name, "count": found[False], "drills": found[True]} for name, found in most],
        "failed": kinds["failed"],
        "missed": kinds["missed"],
        "incidents": len(begun),
    }


def _conditions(desk: Desk, board: Mapping[str, Any]) -> list[dict[str, str]]:
    """The hub's own, then those of posts."""
    return [{"vi": item["vi"], "en": item["en"]} for item in health.conditions_now(desk)] + [
        {"vi": f"{post['name']}: {item['vi']}", "en": f"{post['name']}: {item['en']}"}
        for post in board["posts"]
        for item in post["conditions"]
    ]


def _over() -> KengdError:
    return KengdError(
        "shift_over", "ca này đã có người nhận", cure="tải lại trang để xem ai đang trực", en="this shift is over"
    )
