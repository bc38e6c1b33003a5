"""Pages for everybody in the village: what the bell has just rung for, how to trust the commune's certificate, and files of pages."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from kengd import clock
from kengd.bellcode.signal import Kind
from kengd.errors import KengdError
from kengd.pages.headers import own_path
from kengd.pages.language import COOKIE, Language
from kengd.pages.trust import FILE, KIND, certificates_of, fingerprint
from kengd.web.alarms import Alarm, alarms
from kengd.web.house import House, house_of, is_secure
from kengd.web.pages.page import frame, page

router = APIRouter(include_in_schema=False)
YEAR_S: Final = 365 * 86_400
SHOWN: Final = 4
SINCE_MS: Final = 24 * 3_600_000


@router.get("/vi-sao")
def why(request: Request) -> HTMLResponse:
    """What rang, when, what it means, what to do. No names, no reasons that somebody gave, no controls."""
    return page(request, "public.html", None, **heard_of(house_of(request)))


@router.get("/vi-sao/phan")
def why_part(request: Request) -> HTMLResponse:
    """The same, for a page that is open."""
    return page(request, "public_now.html", None, **heard_of(house_of(request)))


@router.get("/vi-sao/moc")
def why_pulse(request: Request) -> JSONResponse:
    """Whether there is anything new: a short mark, and the post's time."""
    now_ms = clock.now().wall_ms
    pulse = f"{house_of(request).post.pulse()}|{now_ms // 60_000}"  # some of it changes with time alone
    return JSONResponse({"now_ms": now_ms, "n": sha256(pulse.encode()).hexdigest()[:12]})


def heard_of(house: House) -> dict[str, Any]:
    """What sounds, and what has sounded within a day; of each only what the codebook says of its signal."""
    face = house.post.face()
    book = {one.id: one for one in house.post.codebook()}
    kinds = {one.id: one.kind for one in book.values()}
    rung, sounding = house.told(), face.sounding
    events = alarms(rung.rings, kinds, {}, None if sounding is None else sounding.activation)
    of = {activation: event for event in events for activation in event.activations}
    rings = [
        {
            "at_ms": ring.at_ms,
            "ago": ago(face.now_ms - ring.at_ms),
            "purpose": ring.purpose,
            "signal": book.get(ring.signal),
            "kind": book[ring.signal].kind if ring.signal in book else Kind.ROUTINE,
            "sounds": sounding is not None and sounding.activation == ring.activation,
            "event": of.get(ring.activation),
            "fresh": ring.activation not in of or of[ring.activation].recent(face.now_ms),
        }
        for ring in rung.rings
        if ring.activation is not None
        and ring.end not in ("missed", "refused")
        and face.now_ms - ring.at_ms < SINCE_MS
        and _is_last(ring.activation, of)
    ]
    if sounding is not None and not any(ring["sounds"] for ring in rings):  # not in the book yet
        signal = book.get(sounding.signal)
        kind = signal.kind if signal is not None else Kind.ROUTINE
        rings.insert(0, {
            "at_ms": sounding.since_ms, "ago": ago(0), "purpose": sounding.purpose, "signal": signal, "kind": kind, "sounds": True,
            "event": None, "fresh": True,
        })  # fmt: skip
    coming = next((item for item in face.coming if item.held is None), None)
    return {
        "rings": rings[:SHOWN],
        "next_ms": None if coming is None else clock.unix_ms(coming.due),
        "next_signal": None if coming is None else book.get(coming.line.signal),
    }


def _is_last(activation: str, of: dict[str, Alarm]) -> bool:
    """An alarm is one card, where it was last heard."""
    return activation not in of or of[activation].activations[-1] == activation


def ago(ms: int) -> tuple[str, str]:
    """An age in words; modules count it on by the post's clock."""
    minutes = max(0, ms) // 60_000
    if minutes < 100:
        return f"{minutes} phút trước", f"{minutes} min ago"
    return f"{minutes // 60} giờ trước", f"{minutes // 60} h ago"


@router.get("/chung-thu")
def certificate(request: Request) -> HTMLResponse:
    """How a phone or a PC learns to trust the commune's certificate, in plain steps."""
    pem = ca_of(house_of(request))
    return page(request, "certificate.html", None, mark=None if pem is None else fingerprint(pem))


@router.get("/ca.pem")
def ca(request: Request) -> Response:
    """The commune's CA. It is public."""
    pem = ca_of(house_of(request))
    if pem is None:
        raise KengdError(
            "no_such_thing", "điểm kẻng này chưa có chứng thư của xã", cure="hỏi Công an xã", en="there is no CA at this post"
        )  # fmt: skip
    return Response(pem, media_type=KIND, headers={"Content-Disposition": f'attachment; filename="{FILE}"'})


def ca_of(house: House) -> str | None:
    """The file that the line to the hub is proved by."""
    return certificates_of(house.post.ca_text() or "")


@router.get("/ngon-ngu/{wanted}")
def choose_language(wanted: Language, request: Request, referer: Annotated[str | None, Header()] = None) -> Response:
    """Back to the page that one came from, in this language."""
    answer = RedirectResponse(own_path(referer, request.headers.get("host")), 303)
    answer.set_cookie(COOKIE, wanted, max_age=YEAR_S, path="/", secure=is_secure(request), samesite="lax")
    return answer


@router.get("/static/{digest}/{name}")
def asset(
    digest: Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")],
    name: Annotated[str, Path(pattern=r"^[a-z0-9_.-]{1,60}$")],
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """A file that pages are made of."""
    found = frame().assets.answer(digest, name, accept_encoding)
    if found is None:
        raise KengdError("no_such_thing", "không có tệp này", en="no such file")
    content, kind, headers = found
    return Response(content, media_type=kind, headers=headers)
