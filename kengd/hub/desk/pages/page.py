"""What every page of the desk has: who looks, in which language, the rooms that are there, and the words of its modules."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kengd.errors import KengdError
from kengd.hub.desk.desk import Desk, csrf_of, desk_of
from kengd.hub.desk.refusals import said
from kengd.hub.people.words import ROLE_VI, Act, Caller, may
from kengd.pages.frame import Frame
from kengd.pages.headers import is_loopback
from kengd.pages.language import COOKIE, Language, language_of, noted

HERE: Final = Path(__file__).parent
FRAME: Final = Frame([HERE])
LEAST_PACKED: Final = 1_000
SIGN_IN: Final = "/vao"
NEW_PASSWORD: Final = "/mat-khau"
TRUST: Final = "/chung-thu"
LONGEST_BACK: Final = 500
ROOMS: Final = (
    ("/", noted("Trực ban")), ("/danh-keng", noted("Đánh kẻng")), ("/vu-viec", noted("Vụ việc")), ("/so-keng", noted("Sổ kẻng")),
)  # fmt: skip
"""Always in sight."""
MORE: Final[tuple[tuple[str, str, Act | None], ...]] = (
    ("/ban-do", noted("Bản đồ"), None),
    ("/danh-ba", noted("Danh bạ"), None),
    ("/hieu-lenh", noted("Hiệu lệnh"), None),
    ("/diem-keng", noted("Điểm kẻng"), None),
    ("/bao-cao", noted("Báo cáo"), None),
    ("/ca-truc", noted("Ca trực"), None),
    ("/can-bo", noted("Cán bộ và phân quyền"), None),
    ("/nhat-ky", noted("Nhật ký việc làm"), "audit"),
    ("/sao-luu", noted("Sao lưu, khôi phục"), "backup"),
    ("/nhat-ky-may", noted("Nhật ký máy"), "audit"),
    ("/bat-dau", noted("Bắt đầu: các bước"), "settings"),
)
"""Behind one press; those that need an act are shown to whose role has it."""


def looking(request: Request) -> Caller:
    """Who opens a page; nobody who is not signed in, and with a first password only the page that changes it."""
    desk = desk_of(request)
    try:
        caller = desk.caller(request, use=False)
    except KengdError as wrong:
        if wrong.code not in ("not_signed_in", "bad_token"):
            raise
        back = request.url.path if request.url.path != "/" else ""
        if back and request.url.query:
            back += f"?{request.url.query}"
        raise elsewhere(f"{SIGN_IN}?tu={quote(back, safe='')}" if back else SIGN_IN) from wrong
    if caller.officer.must_change and request.url.path != NEW_PASSWORD:
        raise elsewhere(NEW_PASSWORD)
    return caller


def caller_or_nobody(request: Request) -> Caller | None:
    """For pages that everybody may see."""
    try:
        return desk_of(request).caller(request, use=False)
    except KengdError:
        return None


Looking = Annotated[Caller, Depends(looking)]


def way_back(path: str) -> str:
    """This path where it is one of our own pages; else nothing: no address that somebody made up leads an officer away from here."""
    own = (
        len(path) <= LONGEST_BACK and path.startswith("/") and not path.startswith(("//", "/\\", SIGN_IN, NEW_PASSWORD))
    )
    return path if own and path.isprintable() and "\\" not in path else ""


def elsewhere(path: str) -> HTTPException:
    """Look there instead."""
    return HTTPException(303, headers={"Location": path})


def language(request: Request) -> Language:
    """As this browser has chosen."""
    return language_of(request.cookies.get(COOKIE))


def page(request: Request, template: str, caller: Caller | None, /, **facts: Any) -> HTMLResponse:
    """A whole page."""
    desk = desk_of(request)
    secret = request.cookies.get(desk.cookie)
    frame = {
        "commune": desk.hub.settings.commune.name,
        "csrf": csrf_of(secret) if caller is not None and secret else "",
        "caller": caller,
        "role": None if caller is None else ROLE_VI[caller.role],
        "rooms": ROOMS,
        "more": [] if caller is None else [room[:2] for room in MORE if room[2] is None or may(caller.role, room[2])],
        "here": request.url.path,
        "place": f"{desk.epoch}.{desk.hub.feed.n}",
        "plain": not desk.secure and not is_loopback(request.client.host if request.client else ""),
        "now_ms": desk.now_ms(),
    }
    return _packed(request, FRAME.render(template, language(request), **(facts | frame)))


def fragment(request: Request, template: str, /, **facts: Any) -> HTMLResponse:
    """A part of a page, anew."""
    return _packed(
        request, FRAME.render(template, language(request), **(facts | {"now_ms": desk_of(request).now_ms()}))
    )


def _packed(request: Request, html: str) -> HTMLResponse:
    """A district's board on a poor line. Its size tells strangers nothing: no other site can make a browser ask as us (SameSite)."""
    if len(html) < LEAST_PACKED or "gzip" not in request.headers.get("accept-encoding", ""):
        return HTMLResponse(html, headers={"Vary": "Accept-Encoding"})
    headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return HTMLResponse(gzip.compress(html.encode(), 5, mtime=0), headers=headers)


async def refused(request: Request, error: Exception) -> Response:
    """What the API says as JSON, as a page for whoever opened one in a browser: the sentence, the cure, and the way back."""
    assert isinstance(error, KengdError)
    answer = said(error)
    if request.method != "GET" or request.url.path.startswith(("/api/", "/phan/", "/cap", "/static/")):
        return answer
    if "text/html" not in request.headers.get("accept", ""):
        return answer
    try:
        caller = desk_of(request).caller(request, use=False)  # whoever is on duty can stop the sound from here too
    except KengdError:
        caller = None
    shown = page(request, "refused.html", caller, vi=error.vi, cure=error.cure, en=error.en)
    shown.status_code = answer.status_code
    return shown


def desk_and_caller(request: Request) -> tuple[Desk, Caller]:
    """For a part of a page: refused as the API refuses, the page then knows what to do."""
    desk = desk_of(request)
    return desk, desk.caller(request, use=False)
