"""Serve the page: uvicorn in the thread that calls `serve`, plain and, where there is a certificate, with HTTPS beside it."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from anyio.to_thread import current_default_thread_limiter
from starlette.types import ASGIApp

from kengd.pages.door import Door, Places
from kengd.ports import PostView
from kengd.web.api import make_app
from kengd.web.lingering import Lingering

log = logging.getLogger("kengd.page")
MOST: Final = 128
"""Connections at once, on both ports together …"""
EACH: Final = 40
"""… and of one address: a browser opens six."""
SWEEP_S: Final = 2.0
THREADS: Final = 16
"""Requests that are worked on at once: the service may have 64 threads in all (TasksMax=)."""


@dataclass(frozen=True, slots=True)
class Tls:
    """A port, and the files (PEM) of certificate and key."""

    port: int
    cert: str
    key: str


def serve(post: PostView, host: str, port: int, tls: Tls | None = None) -> None:
    """Serve until the process ends. Without a usable certificate, or its port, the plain page is served alone (`page_tls_down`).

    Raises OSError when the plain port cannot be had.
    """
    app = make_app(post)
    places = Places(MOST, EACH)
    servers = [_Server(_config(app), Door(host, port, places))]
    try:
        if tls is not None:
            servers.append(_with_tls(app, host, tls, places))
        post.ail("page_tls_down", False)
    except (OSError, ValueError) as wrong:  # ssl.SSLError is an OSError
        said = wrong.strerror if isinstance(wrong, OSError) and not isinstance(wrong, ssl.SSLError) else None
        log.error("no HTTPS: %s", wrong)
        post.ail("page_tls_down", True, said or "chứng thư hoặc khoá không đọc được", said or "bad certificate or key")
    asyncio.run(_all(servers))


class _Server(uvicorn.Server):
    """One port. Signals are the office's business."""

    def __init__(self, config: uvicorn.Config, door: Door) -> None:
        super().__init__(config)
        self._door = door

    async def run_here(self) -> None:
        """Until it is told to stop."""
        sweeping = asyncio.create_task(self._sweep())
        try:
            await self._serve([self._door])
        finally:
            sweeping.cancel()

    async def _sweep(self) -> None:
        lingering = Lingering()
        while True:
            await asyncio.sleep(SWEEP_S)
            for one in lingering.over(list(self.server_state.connections), time.monotonic()):
                one.transport.abort()


async def _all(servers: list[_Server]) -> None:
    current_default_thread_limiter().total_tokens = THREADS
    await asyncio.gather(*(server.run_here() for server in servers))


def _with_tls(app: ASGIApp, host: str, tls: Tls, places: Places) -> _Server:
    config = _config(app, ssl_certfile=tls.cert, ssl_keyfile=tls.key)
    config.load()
    context = config.ssl
    assert context is not None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return _Server(config, Door(host, tls.port, places))


def _config(app: ASGIApp, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_keep_alive=10, server_header=False,
        http="h11", ws="none", proxy_headers=False, timeout_graceful_shutdown=2, **more,
    )  # fmt: skip
