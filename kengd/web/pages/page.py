"""What every page of the post has: its name, language, who looks, and the words of its modules. Templates are read when first used."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kengd import clock
from kengd.errors import KengdError
from kengd.pages.headers import is_loopback
from kengd.pages.language import COOKIE, Language, language_of
from kengd.web.devices import csrf_of
from kengd.web.house import House, house_of, is_secure
from kengd.web.keepers import Keeper
from kengd.web.refusals import said

if TYPE_CHECKING:
    from kengd.pages.frame import Frame

HERE: Final = Path(__file__).parent
SIGN_IN: Final = "/vao"


@cache
def frame() -> Frame:
    """A Pi Zero imports, reads and packs for a moment: not before somebody looks."""
    from kengd.pages.frame import Frame

    return Frame([HERE])


def looking(request: Request) -> Keeper:
    """Who opens a keeper's page; nobody whose device is not known."""
    keeper = house_of(request).keeper_of(request)
    if keeper is None:
        raise elsewhere(SIGN_IN)
    return keeper


def elsewhere(path: str) -> HTTPException:
    """Look there instead."""
    return HTTPException(303, headers={"Location": path})


def language(request: Request) -> Language:
    """As this browser has chosen."""
    return language_of(request.cookies.get(COOKIE))


def page(request: Request, template: str, keeper: Keeper | None, /, **facts: Any) -> HTMLResponse:
    """A whole page, or a part of one."""
    house = house_of(request)
    secret = house.secret_of(request)
    status = house.post.status()
    shared = {
        "name": status["name"],
        "csrf": csrf_of(secret) if keeper is not None and secret else "",
        "keeper": keeper,
        "simulated": house.post.simulated and is_near(request),
        "plain": not is_secure(request) and not is_near(request),
        "tls_url": tls_url(house, request),
        "now_ms": clock.now().wall_ms,
    }
    chosen = language(request)

    def pick(pair: tuple[str, str]) -> str:
        return pair[1] if chosen == "en" else pair[0]

    return HTMLResponse(frame().render(template, chosen, **(shared | facts | {"pick": pick})))


def is_near(request: Request) -> bool:
    """On this very machine, and asked for by its own address: a page from outside may have bent its name to here (DNS rebinding)."""
    try:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    return is_loopback(request.client.host if request.client else "") and (host == "localhost" or is_loopback(host))


def tls_url(house: House, request: Request) -> str | None:
    """The same page with HTTPS, on the host by which this one was found."""
    host, port = request.url.hostname, house.post.tls_port
    if port is None or host is None:
        return None
    return f"https://{f'[{host}]' if ':' in host else host}:{port}/"


async def refused(request: Request, error: Exception) -> Response:
    """What the API says as JSON, as a page for whoever opened one in a browser."""
    assert isinstance(error, KengdError)
    answer = said(error)
    shows = "text/html" in request.headers.get("accept", "") and request.method == "GET"
    if not shows or request.url.path.startswith(("/api/", "/sim/", "/static/")):
        return answer
    shown = page(request, "refused.html", None, vi=error.vi, cure=error.cure, en=error.en)
    shown.status_code = answer.status_code
    return shown
