"""Bắt đầu: which of the first steps are done; and a trial notice, which is one of them."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from kengd.errors import KengdError
from kengd.hub import backups, beginning
from kengd.hub.beginning import PUT_AWAY, SEEN, Facts
from kengd.hub.desk.desk import At, Awake, Desk, Writing
from kengd.hub.desk.forms import AnyId, Form
from kengd.hub.desk.refusals import Json
from kengd.hub.ledger import notices, trials, values
from kengd.hub.people.ground import only_officers
from kengd.hub.people.words import Caller
from kengd.hub.roster import Seen, why_silent

router = APIRouter(prefix="/api")
PAGE = "/bat-dau"


class SeenForm(Form):
    """What was read."""

    what: Literal["codebook"]


class AwayForm(Form):
    """True: the steps are shown at sign-in no more; False: again."""

    away: bool


class TrialForm(Form):
    """To whom; None: oneself."""

    officer: AnyId | None = None


@router.get("/begin")
def steps(desk: At, caller: Awake) -> Json:
    """Each of the first steps and whether it is done; whether they are shown at sign-in."""
    caller.require("settings")
    found = beginning.done(facts_of(desk, caller))
    return Json({"steps": dict(found), "complete": all(found.values()), "away": put_away(desk)})


@router.post("/begin/seen")
def seen(form: SeenForm, desk: At, caller: Writing) -> Json:
    """Somebody has read the codebook and the hours."""
    caller.require("codebook")
    with desk.hub.ledger.write() as connection:
        if values.put_new(connection, SEEN, form.what):
            desk.audit_in(connection, caller, "begin_seen", {"what": form.what})
    return Json({"seen": form.what})


@router.post("/begin/away")
def away(form: AwayForm, desk: At, caller: Writing) -> Json:
    """Put away, or shown again."""
    caller.require("settings")
    with desk.hub.ledger.write() as connection:
        values.put_value(connection, PUT_AWAY, "1" if form.away else None)
        desk.audit_in(connection, caller, "begin_put_away", {"away": form.away})
    return Json({"away": form.away})


@router.post("/notices/trial", status_code=201)
def trial(form: TrialForm, desk: At, caller: Writing) -> Json:
    """A notice that says it is a trial, to an officer, by every way there is. `messages`: so many are on their way; what becomes of
    them stands in `GET /api/notices`. Raises KengdError `no_way`."""
    person = form.officer or only_officers(caller)
    if person != caller.officer.id or caller.token is not None:
        caller.require("people")
    caller.require_awake()
    if (officer := desk.people.officer(person)) is None or officer.ended_ms is not None:
        raise KengdError(
            "no_such_officer", "không có cán bộ này", cure="tải lại danh sách cán bộ", en="no such officer"
        )
    count = desk.hub.herald.trial(person, caller.officer.name)
    if not count:
        raise KengdError(
            "no_way",
            f"{officer.name} chưa có địa chỉ nhận tin nào dùng được",
            cure="ghi số điện thoại (cần modem SMS, bảng [sms] trong hub.toml) hoặc địa chỉ nhận tin ở trang Cán bộ",
            en="this officer has no address that notices could go to",
        )
    with desk.hub.ledger.write() as connection:
        desk.audit_in(connection, caller, "notice_tested", {"officer": person})
    return Json({"messages": count}, 201)


def facts_of(desk: Desk, caller: Caller) -> Facts:
    """As they are now."""
    hub, now_ms = desk.hub, desk.now_ms()
    roster, known, line_up = hub.roster(), hub.watch.all(), bool(hub.line.up)
    officers = desk.people.officers()
    with hub.ledger.read() as connection:
        tested = [trial.post for trial in trials.last_of_each(connection).values() if trial.result == "passed"]
        kept = values.values_of(connection, SEEN, backups.KEPT)
        reached = notices.reached(connection, [one.id for one in officers])
    ready = [
        post.id for post in roster.bells() if why_silent(known.get(post.id, Seen()), now_ms, line_up=line_up) is None
    ]
    certificates = {one.subject for one in hub.authority.index.valid("post")}
    return Facts(
        caller.officer,
        officers,
        roster.villages,
        certificates,
        ready,
        tested,
        SEEN in kept,
        backups.KEPT in kept,
        reached,
    )


def put_away(desk: Desk) -> bool:
    """Whether an admin wants to see the steps no more."""
    with desk.hub.ledger.read() as connection:
        return values.value_of(connection, PUT_AWAY) is not None


def start_of(desk: Desk, caller: Caller) -> str:
    """Where somebody who has just signed in begins."""
    if caller.why_not("settings") is not None or put_away(desk):
        return "/"
    return "/" if all(beginning.done(facts_of(desk, caller)).values()) else PAGE
