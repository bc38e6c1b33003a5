"""Serve the desk: uvicorn in the thread that calls, plain or with TLS, stopped gracefully."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvicorn

from kengd.errors import KengdError
from kengd.hub.authority.store import SERVER
from kengd.hub.desk.app import make_app
from kengd.hub.desk.connections import MOST, Connection
from kengd.hub.desk.desk import Desk
from kengd.hub.people.people import People
from kengd.hub.service import Hub
from kengd.pages.door import Door, Places

log = logging.getLogger("kengd.hub.desk")
LISTENERS_LEAVE_S: Final = 3
OPEN_MOST: Final = 600
"""Connections at once, with those that have not finished their TLS handshake …"""
OPEN_EACH: Final = 100
"""… and of one address, unless all come through a proxy."""


class DeskServer:
    """Listens from its making on; `run` serves until `stop`, which may be called from any thread (or SIGTERM, SIGINT)."""

    def __init__(self, hub: Hub, people: People, *, revoked: Callable[[], None] = lambda: None) -> None:
        """Raises KengdError `port_taken`, `bad_certificate`."""
        web = hub.settings.web
        self._app = make_app(hub, people, revoked=revoked)
        self._socket = _listen(web.host, web.port, Places(OPEN_MOST, OPEN_EACH if web.origin is None else None))
        self.port: int = self._socket.getsockname()[1]
        """The real one, where the settings say 0."""
        options: dict[str, Any] = {}
        if web.cert is not None:
            options = {"ssl_certfile": web.cert, "ssl_keyfile": web.key}
        elif web.own_cert:
            own = str(hub.settings.authority / SERVER)
            options = {"ssl_certfile": own, "ssl_keyfile": own}
        config = uvicorn.Config(
            self._app, log_level="warning", access_log=False, lifespan="off", server_header=False, limit_concurrency=MOST,
            loop="asyncio", http=Connection, timeout_keep_alive=20, timeout_graceful_shutdown=LISTENERS_LEAVE_S, ws="none",
            proxy_headers=web.origin is not None, **options,
        )  # fmt: skip
        try:
            config.load()
        except OSError as wrong:  # ssl.SSLError is one
            self._socket.close()
            raise KengdError(
                "bad_certificate",
                f"không dùng được chứng thư HTTPS của trang trực ban ({wrong.strerror or 'sai khuôn dạng'})",
                cure="xem web.cert và web.key trong hub.toml: tệp PEM, đọc được, và là một đôi; "
                "chứng thư của chính xã thì chạy: kengd hub keys renew",
                en=f"cannot use the desk's certificate: {wrong}",
            ) from wrong
        if web.own_cert and config.ssl is not None:
            hub.on_renewed = partial(_renewed, config.ssl, hub.settings.authority / SERVER)
        self._server = uvicorn.Server(config)
        self.desk: Desk = self._app.state.desk
        self.desk.stopping = lambda: self._server.should_exit

    def run(self) -> None:
        """Serve; returns when stopped, with every answer that was under way given."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """No new requests; listeners are let go."""
        self._server.should_exit = True


def serve(
    hub: Hub,
    people: People,
    *,
    told: Callable[[int], None] = lambda port: None,
    revoked: Callable[[], None] = lambda: None,
) -> None:
    """Serve in this thread until SIGTERM or SIGINT. `told(port)`: called when the port is open. Raises as DeskServer."""
    server = DeskServer(hub, people, revoked=revoked)
    told(server.port)
    server.run()


def _renewed(context: ssl.SSLContext, pair: Path) -> None:
    """Connections made from now on see the new certificate."""
    try:
        context.load_cert_chain(pair)
    except OSError as wrong:  # the one before goes on until it ends
        log.error("the desk goes on with its certificate of before: %s", wrong)


def _listen(host: str, port: int, places: Places) -> Door:
    try:
        return Door(host, port, places, backlog=256)
    except OSError as wrong:
        raise KengdError(
            "port_taken",
            f"không mở được {host}:{port} cho trang trực ban ({wrong.strerror})",
            cure="đổi web.host hoặc web.port trong hub.toml, hoặc dừng chương trình đang giữ cổng",
            en=f"cannot listen on {host}:{port}: {wrong.strerror}",
        ) from wrong
