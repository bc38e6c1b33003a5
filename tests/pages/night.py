"""A commune with nothing faked, for the browser: hub, broker with TLS, posts as processes, the desk open on a free port."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from playwright.sync_api import BrowserContext, Page

from kengd.hub.desk.server import DeskServer
from kengd.hub.people.people import People
from kengd.settings.dropped import read_dropped
from kengd.wire.pin import SALT, pin_hash, write_pins
from tests.hub.commune import Bell, Commune, now_ms
from tests.pages.browsing import watched

KEEPER: Final = "Ông Tư"
PIN: Final = "258037"
PASSWORD: Final = "bốn con vịt qua cầu"


class Night:
    """`posts`: id and village of those that are let in already; their keeper is KEEPER, with PIN."""

    def __init__(self, directory: Path, posts: Mapping[str, str]) -> None:
        self.commune = Commune(directory, alarm_s=120)
        pins = write_pins({KEEPER: pin_hash(PIN, secrets.token_bytes(SALT))})
        for post, village in posts.items():
            self.commune.enrol(post, [village], pins=pins)
        self.commune.start()
        self.people = People(self.commune.hub.ledger, now_ms, secrets.token_bytes)
        self._server = DeskServer(self.commune.hub, self.people, revoked=self.commune.hub.write_broker)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()

    def begin(self, post: str, file: bytes, web: int) -> Bell:
        """The installer drops the file on a card, and the post comes up."""
        dropped = read_dropped(file, "kengd.toml")
        assert dropped.settings is not None
        bell = Bell(self.commune.directory / post, post, dropped.settings, dropped.keys, web)
        self.commune.bells[post] = bell
        return bell.start()

    def close(self) -> None:
        """End everything."""
        self._server.stop()
        self._thread.join(15)
        for bell in self.commune.bells.values():
            bell.end()
        self.commune.close()

    def first_sign_in(self, page: Page) -> None:
        """With the password that was told once."""
        page.goto(self.url)
        page.fill("#login", self.commune.founded.login)
        page.fill("#password", self.commune.founded.password)
        page.click("#sign-in button")
        page.wait_for_url("**/mat-khau")

    def own_password(self, page: Page) -> None:
        """And one that nobody else knows."""
        page.fill("#old", self.commune.founded.password)
        page.fill("#new", PASSWORD)
        page.fill("#again", PASSWORD)
        page.click("#new-password button")
        page.wait_for_url(lambda url: not url.endswith("/mat-khau"))


def keepers_phone(context: BrowserContext, bell: Bell) -> Page:
    """At the post's own page, let in by the PIN."""
    phone = watched(context)
    phone.goto(f"http://127.0.0.1:{bell.web}/")
    phone.fill("#pin", PIN)
    phone.click("#sign-in button")
    phone.wait_for_selector("[data-ring=alarm]")
    return phone
