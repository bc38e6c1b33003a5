"""`kengd hub serve`: the hub's service. Told to systemd when it listens; ends on SIGTERM and Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import secrets
import signal

from kengd import clock, service
from kengd.errors import KengdError
from kengd.hub.desk.server import DeskServer
from kengd.hub.people.people import People
from kengd.hub.service import Hub
from kengd.hub.settings import load_hub

log = logging.getLogger("kengd.hub")


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop. Raises UsageError, KengdError when it cannot begin."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    hub = Hub(load_hub(args.config))
    people = People(hub.ledger, lambda: clock.now().wall_ms, secrets.token_bytes)
    # the web server raises the signal that ended it once more: without this that would be the end, before anything is put away
    signal.signal(signal.SIGTERM, lambda *_: None)
    server = DeskServer(hub, people, revoked=hub.write_broker)
    tell_broker(hub)
    hub.start()
    try:
        service.ready(f"đang trực, cổng {server.port}")
        server.run()
    finally:
        service.stopping("đang tắt")
        hub.stop()
    return 0


def tell_broker(hub: Hub) -> None:
    """Home Assistant, a listener or this very worker may be new in the settings; nothing is written where nothing is."""
    try:
        hub.write_broker()
    except KengdError as wrong:  # posts can be rung all the same
        log.error("the broker's files cannot be written: %s", wrong)
