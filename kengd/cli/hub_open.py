"""What the hub's shell commands share: settings, ledger, authority, who is at the keyboard, and a line to the broker."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kengd import clock
from kengd.hub.act_ground import Actor, check_text
from kengd.hub.authority.authority import Authority
from kengd.hub.called import called
from kengd.hub.founding import SHELL
from kengd.hub.ledger.store import Ledger
from kengd.hub.settings import HubSettings, load_hub
from kengd.uplink.shell import ShellLink


@dataclass(frozen=True, slots=True)
class Opened:
    """A hub, from the outside: its service may be running or not."""

    settings: HubSettings
    authority: Authority
    ledger: Ledger


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[Opened]:
    """Open it. Raises UsageError, KengdError."""
    settings = load_hub(args.config)
    authority = Authority.open(settings.authority)
    ledger = Ledger(settings.database_url)
    try:
        yield Opened(settings, authority, ledger)
    finally:
        ledger.close()


@contextmanager
def reading(args: argparse.Namespace) -> Iterator[tuple[HubSettings, Ledger]]:
    """Settings and ledger of a hub whose keys are no concern of this command. Raises UsageError, KengdError."""
    settings = load_hub(args.config)
    ledger = Ledger(settings.database_url)
    try:
        yield settings, ledger
    finally:
        ledger.close()


def say(text: str) -> None:
    """Print a sentence that names a command, as it is typed on this machine."""
    print(called(text))


def link(hub: Opened) -> ShellLink:
    """A connection of the shell's own, with its own certificate; not yet connected."""
    broker = hub.settings.broker
    if not broker.tls:
        return ShellLink(broker.host, broker.port)
    files = hub.authority.client_files(SHELL, clock.now().wall_ms)
    return ShellLink(broker.host, broker.port, ca=files.ca, cert=files.cert, key=files.key, client_id=SHELL)


def actor(by: str | None = None) -> Actor:
    """Whoever is at the keyboard: named as they say, known as they logged in. Raises KengdError `bad_text`."""
    if by:
        check_text(by, "tên người ra lệnh (--by)")
    user = getpass.getuser()
    return Actor(f"shell:{user}", by or user)
