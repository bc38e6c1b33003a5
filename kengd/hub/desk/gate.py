"""Before any route: bounded bodies, no write from a foreign page, a pace for strangers, and headers that keep a page safe."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kengd.errors import KengdError, UsageError
from kengd.hub.desk.refusals import said
from kengd.hub.pictures import LARGEST as LARGEST_PICTURE
from kengd.pages.headers import HEADERS
from kengd.pages.pace import Pace

LARGEST: Final = 16 * 1024
LARGER: Final = (
    ("/api/posts/", 128 * 1024),
    ("/api/codes/", 64 * 1024),
    ("/cap", 256 * 1024),
    ("/api/plan/picture", LARGEST_PICTURE),
)
"""Codebooks and templates; CAP alerts; the picture under the plan."""
LARGEST_BACKUP: Final = 4 << 30
STREAMED: Final = ("/api/backup/check", "/api/backup/restore")
"""Their routes take the body as it comes, onto the disk, and bound it themselves."""
BODY_WITHIN_S: Final = 10.0
READS: Final = ("GET", "HEAD", "OPTIONS")
NEVER_SLOWED: Final = "/api/hushes"
PRINTED_CSP: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
)
"""Of pages that are made to be printed: their style is inside, and no script ever runs."""


class Gate:
    """ASGI around the application. `origin`: what browsers see behind a proxy (settings), None: what they ask for."""

    def __init__(self, app: ASGIApp, origin: str | None) -> None:
        self._app, self._origin = app, origin
        self._strangers = Pace(burst=120, each_s=20.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            if scope["method"] not in READS:
                receive = await self._checked(scope, receive)
        except KengdError as error:
            await said(error)(scope, receive, safely)
            return
        await self._app(scope, receive, safely)

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """A write: from here, not too many, not too big. Its body, read. Raises KengdError."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins(scope, headers):
            raise KengdError(
                "wrong_origin",
                "yêu cầu từ trang khác bị từ chối",
                cure="mở trang của máy trực ban rồi làm lại; nếu có máy trung gian, đặt web.origin trong hub.toml",
                en="a write from another origin",
            )
        if scope["path"] != NEVER_SLOWED and "authorization" not in headers and "cookie" not in headers:
            self._strangers.take(address_of(scope))
        if scope["path"] in STREAMED:
            return receive
        largest = next((size for path, size in LARGER if scope["path"].startswith(path)), LARGEST)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length[:12]) > largest:
            raise _too_large(largest)
        return replayed(await _body(receive, largest), receive)

    def _origins(self, scope: Scope, headers: Headers) -> set[str]:
        here = {f"{scope['scheme']}://{headers.get('host', '')}"}
        return here | ({self._origin.rstrip("/")} if self._origin else set())


def address_of(scope: Scope) -> str:
    """The other end's address."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives this body, then what else comes (that the client has gone)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _body(receive: Receive, largest: int) -> bytes:
    found, size = [], 0
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise UsageError("invalid", "yêu cầu bị đứt giữa chừng", cure="gửi lại", en="the request broke off")
                found.append(message.get("body", b""))
                size += len(found[-1])
                if size > largest:
                    raise _too_large(largest)
                if not message.get("more_body", False):
                    return b"".join(found)
    except TimeoutError:
        raise UsageError(
            "invalid", "yêu cầu gửi quá chậm", cure="xem mạng rồi gửi lại", en="the request came too slowly"
        ) from None


def _too_large(largest: int) -> KengdError:
    return KengdError(
        "too_large", f"yêu cầu dài quá {largest // 1024} KiB", cure="gửi ít hơn", en=f"the body is over {largest} bytes"
    )
