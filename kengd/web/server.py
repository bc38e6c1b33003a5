"""Serve the page: uvicorn in the thread that calls `serve`."""

from __future__ import annotations

import threading

import uvicorn

from kengd.ports import PostView
from kengd.web.api import make_app


def serve(post: PostView, host: str, port: int) -> None:
    """Serve until the process ends. Raises OSError or SystemExit when the port cannot be had."""
    config = uvicorn.Config(
        make_app(post),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=20,
        limit_concurrency=64,
        server_header=False,
    )
    server = uvicorn.Server(config)
    if threading.current_thread() is not threading.main_thread():
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    server.run()
