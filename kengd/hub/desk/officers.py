"""Officers: who they are, what they may do, and what is kept of them."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from kengd.hub.desk.desk import At, Awake, Writing
from kengd.hub.desk.forms import AnyId
from kengd.hub.desk.people_forms import OfficerChange, OfficerForm
from kengd.hub.desk.refusals import Json
from kengd.hub.desk.sessions import officer_view

router = APIRouter(prefix="/api/officers")


@router.get("")
def officers(desk: At, caller: Awake, ended: bool = False) -> Json:
    """In their order of calling; logins and notice addresses only for those who look after people."""
    whole = caller.why_not("people") is None
    found = desk.people.officers(ended=ended and whole)
    return Json({"officers": [officer_view(item, whole=whole) for item in found]})


@router.post("", status_code=201)
def make(form: OfficerForm, desk: At, caller: Writing) -> Json:
    """A new officer; `password` is for one sign-in and shown this once."""
    made, password = desk.people.make_officer(
        caller, form.login, form.name, form.role, phone=form.phone, channels=form.channels
    )
    return Json({"officer": officer_view(made, whole=True), "password": password}, 201)


@router.put("/{officer}")
def change(officer: AnyId, form: OfficerChange, desk: At, caller: Writing) -> Json:
    """What is given, changed."""
    done = desk.people.change_officer(
        caller, officer, name=form.name, role=form.role, phone=form.phone, rank=form.rank, channels=form.channels
    )
    return Json({"officer": officer_view(done, whole=True)})


@router.delete("/{officer}")
def end(officer: AnyId, desk: At, caller: Writing) -> Json:
    """They left; what they did stays."""
    desk.people.end_officer(caller, officer)
    return Json({"ended": True})


@router.post("/{officer}/password")
def reset_password(officer: AnyId, desk: At, caller: Writing) -> Json:
    """A forgotten one: a new one for one sign-in."""
    return Json({"password": desk.people.reset_password(caller, officer)})


@router.get("/{officer}/devices")
def devices(officer: AnyId, desk: At, caller: Awake) -> Json:
    """Where they are signed in."""
    return Json({"devices": [asdict(item) for item in desk.people.devices_of(caller, officer)]})


@router.delete("/{officer}/devices")
def end_devices(officer: AnyId, desk: At, caller: Writing) -> Json:
    """A lost phone: signed out everywhere."""
    return Json({"ended": desk.people.end_devices_of(caller, officer)})


@router.get("/{officer}/tokens")
def tokens(officer: AnyId, desk: At, caller: Awake) -> Json:
    """Their machines."""
    return Json({"tokens": [asdict(item) for item in desk.people.tokens(caller, officer)]})


@router.delete("/{officer}/tokens/{token}")
def end_token(officer: AnyId, token: AnyId, desk: At, caller: Writing) -> Json:
    """Revoke one."""
    return Json({"ended": desk.people.end_token(caller, token, officer)})


@router.get("/{officer}/data")
def data(officer: AnyId, desk: At, caller: Awake) -> Json:
    """All that is kept of them."""
    return Json(desk.people.officer_data(caller, officer))


@router.post("/{officer}/erase")
def erase(officer: AnyId, desk: At, caller: Writing) -> Json:
    """Name, phone and addresses of one who has left."""
    desk.people.erase_officer(caller, officer)
    return Json({"erased": True})
