"""Before any route: bounded bodies, no write from a foreign page, a pace for strangers, and headers that keep a page safe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kengd.errors import KengdError, UsageError
from kengd.hub.desk.refusals import said
from kengd.hub.ledger.store import TROUBLE, ledger_trouble
from kengd.hub.pictures import LARGEST as LARGEST_PICTURE
from kengd.pages.headers import safely
from kengd.pages.pace import Pace

LARGEST: Final = 16 * 1024
LARGER: Final = (
    ("/api/posts/", 128 * 1024),
    ("/api/codes/", 64 * 1024),
    ("/cap", 256 * 1024),
    ("/api/plan/picture", LARGEST_PICTURE),
)
"""Codebooks and templates; CAP alerts; the picture under the plan. Only for those whom the hub knows."""
LARGER_AT_ONCE: Final = 4
"""So many bodies over LARGEST are in memory at the same time."""
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
    """ASGI around the application. `origin`: what browsers see behind a proxy (settings), None: what they ask for. `known`: whether
    a request bears a session or token that is good now; it may read the ledger."""

    def __init__(self, app: ASGIApp, origin: str | None, known: Callable[[HTTPConnection], bool]) -> None:
        self._app, self._origin, self._known = app, origin, known
        self._strangers = Pace(burst=120, each_s=20.0)
        self._larger = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = safely(send)
        if scope["method"] in READS:
            await self._app(scope, receive, send)
            return
        larger = False
        try:
            try:
                known = await self._checked(scope)
                if scope["path"] not in STREAMED:
                    largest, larger = self._bound(scope, known)
                    self._larger += larger
                    receive = replayed(await _body(receive, largest), receive)
            except KengdError as error:
                await said(error)(scope, receive, send)
                return
            await self._app(scope, receive, send)
        finally:
            self._larger -= larger

    async def _checked(self, scope: Scope) -> bool:
        """A write: from here, not too many. Whether the hub knows whose it is. Raises KengdError."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins(scope, headers):
            raise KengdError(
                "wrong_origin",
                "yêu cầu từ trang khác bị từ chối",
                cure="mở trang của máy trực ban rồi làm lại; nếu có máy trung gian, đặt web.origin trong hub.toml",
                en="a write from another origin",
            )
        if scope["path"] == NEVER_SLOWED:
            return False
        if ("authorization" in headers or "cookie" in headers) and await self._is_known(HTTPConnection(scope)):
            return True
        self._strangers.take(address_of(scope))
        return False

    async def _is_known(self, asking: HTTPConnection) -> bool:
        try:
            return await run_in_threadpool(self._known, asking)
        except TROUBLE as wrong:
            raise ledger_trouble() from wrong

    def _bound(self, scope: Scope, known: bool) -> tuple[int, bool]:
        """So many bytes of this body are read at most; whether it takes one of the places of the larger ones. Raises KengdError
        before a byte is read."""
        largest = next((size for path, size in LARGER if scope["path"].startswith(path)), LARGEST)
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > 12 or int(length) > largest:
            raise _too_large(largest)
        streams = "transfer-encoding" in headers
        if largest == LARGEST or (int(length) <= LARGEST and not streams):
            return LARGEST, False
        if not known:
            if streams:
                return LARGEST, False  # its route says who may
            raise KengdError(
                "not_signed_in",
                "chưa đăng nhập, hoặc mã truy cập không đúng",
                cure="đăng nhập rồi làm lại",
                en="a long body of somebody unknown",
            )
        if self._larger >= LARGER_AT_ONCE:
            raise KengdError(
                "busy",
                "đang nhận nhiều tệp một lúc",
                cure="thử lại sau vài giây",
                en="other long bodies are being read",
            )
        return largest, True

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
