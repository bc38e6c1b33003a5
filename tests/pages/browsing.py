"""What the tests, the pictures and the bench of the officers' pages share: a hub's pages on a free port, and who signs in."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from kengd.hub.desk.server import DeskServer
from tests.hub.desk_kit import Station, station
from tests.hub.people_database import PASSWORD

CHROMIUM: Final = "/usr/bin/chromium"
PHONE: Final = {"width": 360, "height": 740}
WIDE: Final = {"width": 1280, "height": 800}
PATIENCE_MS: Final = 15_000


class Desk:
    """A hub whose broker is not there, its pages on a free port. `stop`: as when its machine loses the network."""

    def __init__(self, directory: Path, **more: Any) -> None:
        self.station: Station = station(directory, web={"port": 0}, **more)
        self.server = DeskServer(self.station.hub, self.station.people)
        self.url = f"http://127.0.0.1:{self.server.port}"
        self._thread = threading.Thread(target=self.server.run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No answer any more."""
        self.server.stop()
        self._thread.join(15)

    def close(self) -> None:
        """End."""
        self.stop()
        self.station.hub.ledger.close()


def chromium(playwright: Playwright, *more: str) -> Browser:
    """Debian's, without a window."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *more])


def watched(context: BrowserContext) -> Page:
    """A page of this browser; a mistake of a module fails whatever is tried."""
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("pageerror", _fail)
    return page


def a_whole_hold(page: Page, selector: str) -> None:
    """A finger on a button until it fires."""
    page.locator(selector).scroll_into_view_if_needed()
    box = page.locator(selector).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(1_400)
    page.mouse.up()


def signed_in(context: BrowserContext, desk: Desk, login: str = "truong") -> Page:
    """An officer at the board."""
    page = watched(context)
    page.goto(desk.url)
    expect(page).to_have_url(f"{desk.url}/vao")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("#sign-in button")
    page.wait_for_url(f"{desk.url}/")
    return page


def _fail(error: object) -> None:
    raise AssertionError(f"a module failed: {error}")
