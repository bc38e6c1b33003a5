"""Before any route of the post's page: bounded bodies, no write from a foreign page, a pace for each address, and safe headers."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from kengd.errors import KengdError
from kengd.pages.headers import is_loopback, safely
from kengd.pages.pace import Pace
from kengd.web.refusals import said

LARGEST_BODY: Final = 8_192
READS: Final = ("GET", "HEAD", "OPTIONS")
NEVER_SLOWED: Final = ("/api/keeper/hush", "/api/hush", "/healthz")
"""A hush waits for nobody, and `/healthz` is asked by watchers; programs on this machine are not slowed at all."""


class Gate:
    """ASGI around the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._reads = Pace(burst=150, each_s=15.0, room=2_000)
        self._writes = Pace(burst=30, each_s=3.0, room=2_000)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = safely(send)
        try:
            self._check(scope)
        except KengdError as error:
            await said(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        """Raises KengdError."""
        headers, reads = Headers(scope=scope), scope["method"] in READS
        length = headers.get("content-length", "0")
        if (
            not (length.isascii() and length.isdigit())
            or int(length[:9]) > LARGEST_BODY
            or "transfer-encoding" in headers
        ):
            raise KengdError("too_large", "yêu cầu quá dài", en="body too large")
        origin = headers.get("origin")
        if not reads and origin is not None and origin != f"{scope['scheme']}://{headers.get('host', '')}":
            raise KengdError(
                "forbidden", "yêu cầu từ trang khác bị từ chối", cure="mở trang của điểm kẻng rồi làm lại", en="cross-origin write"
            )  # fmt: skip
        if not (scope["path"].startswith(NEVER_SLOWED) or is_loopback(str((scope.get("client") or [""])[0]))):
            (self._reads if reads else self._writes).take(address_of(scope))


def address_of(scope: Scope) -> str:
    """The other end's address, and nothing that it says of itself; of IPv6 the /64, which a single line has to itself."""
    client = scope.get("client")
    host = str(client[0]) if client else "unknown"
    return ":".join(host.split(":")[:4]) if host.count(":") > 3 and not host.startswith("::") else host
