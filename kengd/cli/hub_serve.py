"""`kengd hub serve`: the hub's service. Told to systemd when it listens; ends on SIGTERM and Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal

from kengd import clock, service
from kengd.errors import KengdError
from kengd.hub import staging
from kengd.hub.desk.server import DeskServer
from kengd.hub.ledger import audits
from kengd.hub.loglines import Recent
from kengd.hub.people.people import People
from kengd.hub.service import Hub
from kengd.hub.settings import HubSettings, file_of, load_hub

log = logging.getLogger("kengd.hub")


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop. Raises UsageError, KengdError when it cannot begin."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    recent = Recent()
    logging.getLogger().addHandler(recent)
    settings = load_hub(args.config)
    taken = take_restored(settings)
    hub = Hub(settings)
    if taken is not None and taken.back:
        with hub.ledger.write() as connection:
            audits.write(connection, taken.by, "restore_undone", {"made_ms": taken.made_ms}, clock.now().wall_ms)
    people = People(hub.ledger, lambda: clock.now().wall_ms, secrets.token_bytes)
    # the web server raises the signal that ended it once more: without this that would be the end, before anything is put away
    signal.signal(signal.SIGTERM, lambda *_: None)
    server = DeskServer(hub, people, revoked=hub.write_broker)
    server.desk.config, server.desk.log = file_of(args.config).absolute(), recent
    if os.environ.get("NOTIFY_SOCKET"):  # then systemd starts what ends (Restart=always)
        server.desk.restart = server.stop
    tell_broker(hub)
    hub.start()
    try:
        service.ready(f"đang trực, cổng {server.port}")
        server.run()
    finally:
        service.stopping("đang tắt")
        hub.stop()
    return 0


def take_restored(settings: HubSettings) -> staging.Plan | None:
    """What an administrator has asked to be restored takes its place before anything is opened. Raises KengdError `restore_stuck`."""
    if settings.database.url is not None:
        return None
    taken = staging.take(settings.state)
    if taken is not None:
        log.warning("restored: this hub is as it was at %s; what was there is in %s", taken.made_ms, taken.aside)
    return taken


def tell_broker(hub: Hub) -> None:
    """Home Assistant, a listener or this very worker may be new in the settings; nothing is written where nothing is."""
    try:
        hub.write_broker()
    except KengdError as wrong:  # posts can be rung all the same
        log.error("the broker's files cannot be written: %s", wrong)
