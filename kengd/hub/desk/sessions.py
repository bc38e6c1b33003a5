"""Signing in and out, one's own password, PIN, devices and tokens."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter, Request

from kengd.hub.desk.begin_room import start_of
from kengd.hub.desk.desk import Asking, At, Awake, Desk, Hushing, Writing, csrf_of
from kengd.hub.desk.forms import AnyId
from kengd.hub.desk.gate import address_of
from kengd.hub.desk.people_forms import NewPassword, NewToken, OwnPin, Pin, SignIn
from kengd.hub.desk.refusals import Json
from kengd.hub.people.entrance import DAY_MS
from kengd.hub.people.words import ACTS, Caller, Officer

router = APIRouter(prefix="/api")
COOKIE_DAYS = 390
"""How long a browser keeps the cookie; how long it is good for the hub decides."""


@router.post("/session")
def sign_in(form: SignIn, request: Request, desk: At) -> Json:
    """A new device session: the cookie, what has to be sent with each write (`csrf`), and the page to begin with (`start`)."""
    secret, _ = desk.people.sign_in(form.login, form.password, address_of(request.scope), form.device)
    caller = desk.people.of_session(secret)
    assert caller is not None
    answer = Json(_me(caller, csrf_of(secret), desk) | {"start": start_of(desk, caller)}, 201)
    answer.set_cookie(
        desk.cookie, secret, max_age=COOKIE_DAYS * DAY_MS // 1000, path="/", secure=desk.secure, httponly=True,
        samesite="strict",
    )  # fmt: skip
    return answer


@router.delete("/session")
def sign_out(desk: At, caller: Hushing) -> Json:
    """This device."""
    desk.people.sign_out(caller)
    answer = Json({"signed_out": True})
    answer.delete_cookie(desk.cookie, path="/", secure=desk.secure, httponly=True, samesite="strict")
    return answer


@router.get("/me")
def me(request: Request, desk: At, caller: Asking) -> Json:
    """Who I am, what I may do, whether this device was idle too long, and `csrf` for cookie sessions."""
    secret = request.cookies.get(desk.cookie)
    return Json(_me(caller, csrf_of(secret) if secret and caller.session else None, desk))


@router.post("/session/unlock")
def unlock(form: Pin, request: Request, desk: At, caller: Hushing) -> Json:
    """An idle device goes on."""
    secret = request.cookies.get(desk.cookie, "")
    after = desk.people.unlock(secret, form.pin) if caller.session is not None else caller
    return Json(_me(after, csrf_of(secret) if after.session else None, desk))


@router.put("/me/password")
def change_password(form: NewPassword, desk: At, caller: Writing) -> Json:
    """One's own; other devices have to sign in again."""
    desk.people.change_password(caller, form.old, form.new)
    caller = replace(caller, officer=replace(caller.officer, must_change=False))
    return Json({"changed": True, "start": start_of(desk, caller)})


@router.put("/me/pin")
def set_pin(form: OwnPin, desk: At, caller: Writing) -> Json:
    """One's own, for idle devices."""
    desk.people.set_pin(caller, form.password, form.pin)
    return Json({"has_pin": form.pin is not None})


@router.get("/me/devices")
def devices(desk: At, caller: Awake) -> Json:
    """Where I am signed in."""
    return Json(
        {"devices": [{**asdict(item), "here": item.id == caller.session} for item in desk.people.devices(caller)]}
    )


@router.delete("/me/devices/{device}")
def end_device(device: AnyId, desk: At, caller: Writing) -> Json:
    """A device that was lost; `others`: all but this one."""
    if device == "others":
        return Json({"ended": desk.people.end_other_devices(caller)})
    return Json({"ended": int(desk.people.end_device(caller, device))})


@router.get("/me/tokens")
def tokens(desk: At, caller: Awake) -> Json:
    """My API tokens, without themselves."""
    return Json({"tokens": [asdict(item) for item in desk.people.tokens(caller)]})


@router.post("/me/tokens")
def make_token(form: NewToken, desk: At, caller: Writing) -> Json:
    """A new one: `secret` is shown this once."""
    secret, token = desk.people.make_token(caller, form.name, form.role, form.until_ms)
    return Json({"secret": secret, "token": asdict(token)}, 201)


@router.delete("/me/tokens/{token}")
def end_token(token: AnyId, desk: At, caller: Writing) -> Json:
    """Revoke it."""
    return Json({"ended": desk.people.end_token(caller, token)})


def officer_view(officer: Officer, *, whole: bool) -> dict[str, Any]:
    """`whole`: also what is for those who look after people."""
    view = {"id": officer.id, "name": officer.name, "role": officer.role, "phone": officer.phone, "rank": officer.rank}
    if whole:
        more = ("login", "channels", "must_change", "has_pin", "made_ms", "ended_ms", "erased_ms")
        view |= {key: getattr(officer, key) for key in more}
    return view


def _me(caller: Caller, csrf: str | None, desk: Desk) -> dict[str, Any]:
    return {
        "officer": officer_view(caller.officer, whole=True),
        "role": caller.role,
        "locked": caller.locked,
        "must_change": caller.officer.must_change,
        "session": caller.session,
        "csrf": csrf,
        "may": [act for act in ACTS if caller.why_not(act) is None],
        "now_ms": desk.now_ms(),
    }
