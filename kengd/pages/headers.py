"""Headers that keep a page safe: the hub's and the post's are served with the same ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

CSP: Final = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}

_RAW: Final = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


def safely(
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> Callable[[MutableMapping[str, Any]], Awaitable[None]]:
    """An ASGI `send` that puts these headers on every answer, where its route has not said otherwise."""

    async def safe(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            said = {bytes(name).lower() for name, _ in given}
            message = {**message, "headers": given + [(name, value) for name, value in _RAW if name not in said]}
        await send(message)

    return safe


def is_loopback(host: str) -> bool:
    """Whether this address of a caller is this very machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def own_path(referer: str | None, host: str | None) -> str:
    """Where somebody came from, if that is a page of ours; else "/"."""
    try:
        back = urlsplit(referer or "/")
    except ValueError:
        return "/"
    own = back.netloc == host and back.path.startswith("/") and not back.path.startswith("//")
    return back.path if own else "/"
