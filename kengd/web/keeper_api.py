"""What a keeper does from the page: sign in by PIN, ring an alarm, stop the sound, test in silence, say whether the bell was heard."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from kengd.bellcode.signal import Kind
from kengd.errors import KengdError
from kengd.web import words
from kengd.web.devices import KNOWN_FOR_MS
from kengd.web.gate import address_of
from kengd.web.house import At, House, Hushing, Writing, is_secure

router = APIRouter(prefix="/api/keeper")
MAY_RING: Final = (Kind.ALARM, Kind.SUPPORT, Kind.ALL_CLEAR)
"""From the page; calm rings are the timetable's, and the hub's."""
Pin = Annotated[str, Field(max_length=40)]
Act = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


class SignIn(BaseModel):
    """Six digits."""

    model_config = ConfigDict(extra="forbid", strict=True)
    pin: Pin


class NewPin(BaseModel):
    """The old one proves who asks."""

    model_config = ConfigDict(extra="forbid", strict=True)
    old: Pin
    new: Pin


class KeeperRing(BaseModel):
    """`id`: of this act; sent twice it rings once."""

    model_config = ConfigDict(extra="forbid", strict=True)
    id: Act
    signal: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")] = "alarm"
    purpose: Literal["actual", "test"] = "actual"


class Heard(BaseModel):
    """Whether the bell was heard. `ring`: the activation that is asked about."""

    model_config = ConfigDict(extra="forbid", strict=True)
    ring: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    heard: bool


@router.post("/session")
def sign_in(order: SignIn, request: Request, house: At) -> JSONResponse:
    """Sign in by PIN; this device then stays signed in for 90 days."""
    keeper, secret = house.keepers.sign_in(order.pin.strip(), address_of(request.scope), house.keeper_of(request))
    answer = JSONResponse({"by": keeper})
    if secret is None:
        secret = house.secret_of(request) or ""
    secure = is_secure(request)
    answer.set_cookie(
        house.cookie(secure), secret, max_age=KNOWN_FOR_MS // 1000, path="/", secure=secure, httponly=True, samesite="strict"
    )  # fmt: skip
    return answer


@router.delete("/session")
def sign_out(request: Request, house: At, keeper: Hushing) -> JSONResponse:
    """This device is known no more, and hushes no more."""
    house.keepers.devices.forget(keeper.device)
    answer = JSONResponse({"by": keeper.name})
    answer.delete_cookie(house.cookie(is_secure(request)), path="/", secure=is_secure(request), httponly=True)
    return answer


@router.put("/pin")
def change_pin(order: NewPin, request: Request, house: At, keeper: Writing) -> JSONResponse:
    """Another PIN of one's own."""
    house.keepers.change(keeper, order.old.strip(), order.new.strip(), address_of(request.scope))
    return JSONResponse({"by": keeper.name})


@router.post("/ring")
def ring(order: KeeperRing, house: At, keeper: Writing) -> JSONResponse:
    """Ring an alarm, a call for support or the all-clear under the keeper's name, or test in silence; 409 when refused."""
    signal = next((one for one in house.post.codebook() if one.id == order.signal), None)
    if signal is None or signal.kind not in MAY_RING:
        raise KengdError("invalid", "không đánh được hiệu lệnh này từ trang", en="not a signal for this page")
    decided = house.post.ring(order.signal, order.purpose, keeper.name, None, f"page:{order.id}")
    verdict, reason = decided["verdict"], decided["reason"]
    if verdict == "refuse" and reason == "duplicate":
        return _decided(words.AGAIN, verdict, reason, None)
    if verdict == "refuse":
        vi, en = words.why(reason or "")
        return _decided((f"Từ chối: {vi}", f"Refused: {en}"), verdict, reason, None, 409)
    vi, en = words.DECIDED.get(verdict, (verdict, verdict))
    if verdict in ("ring", "interrupt"):
        vi, en = f"{vi}: {signal.name_vi}", f"{en}: {signal.name_en or signal.name_vi}"
    return _decided((vi, en), verdict, reason, decided["activation"])


@router.post("/hush")
def hush(house: At, keeper: Hushing) -> JSONResponse:
    """Stop the sound (the alarm stays open). A device that is known is enough: no PIN, no pace."""
    decided = house.post.hush(None, keeper.name, None)
    said = words.DECIDED["hush"] if decided["activation"] else words.NOTHING_SOUNDS
    return _decided(said, decided["verdict"], decided["reason"], decided["activation"])


@router.post("/heard")
def heard(order: Heard, house: At, keeper: Writing) -> JSONResponse:
    """Say whether a ring was heard (H2): written, and a "no" is a condition that the hub shows."""
    asked = _asked_about(house, order.ring)
    house.post.heard(keeper.name, order.heard, asked)
    said = ("Đã ghi vào sổ: kẻng có kêu.", "Written: the bell was heard.")
    if not order.heard:
        said = (
            "Đã ghi, sẽ báo Công an xã khi có đường truyền: kẻng không kêu.",
            "Written; the police are told when there is a line.",
        )
        if house.post.face().line_up:
            said = (
                "Đã ghi và báo Công an xã: kẻng không kêu.",
                "Written and told to the police: the bell was not heard.",
            )
    return _decided(said, "written", None, order.ring)


def _asked_about(house: House, activation: str) -> dict[str, object]:
    found = house.told().ring(activation)
    if found is None:
        raise KengdError(
            "no_such_thing", "không còn thấy lần đánh này trong sổ", cure="tải lại trang", en="no such ring"
        )
    return {"activation": activation, "signal": found.signal, "at_ms": found.at_ms}


def _decided(
    said: words.Pair, verdict: str, reason: str | None, activation: str | None, status: int = 200
) -> JSONResponse:
    body = {"verdict": verdict, "reason": reason, "activation": activation, "vi": said[0], "en": said[1], "cure": ""}
    return JSONResponse(body, status)
