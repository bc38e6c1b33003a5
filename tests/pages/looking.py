"""One look at one page in a browser: what it weighs, what axe has to say of it, how wide it is, what it asked for. axe-core 4.14
(vendor/, Mozilla Public License 2.0) is loaded by the debugger's way, past the page's own rules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import BrowserContext, CDPSession, Page

AXE: Final = Path(__file__).with_name("vendor") / "axe.min.js"
SERIOUS: Final = ("serious", "critical")
_RUN: Final = """async (only) => {
  const runOnly = only.length ? { runOnly: only } : {};
  const found = await axe.run(document, { resultTypes: ["violations"], ...runOnly });
  return found.violations.map((one) => [one.impact, one.id, one.nodes.map((node) => node.target.join(" "))]);
}"""


@dataclass(frozen=True, slots=True)
class Look:
    """`sent`: bytes that came over the wire with an empty cache. `faults`: what axe calls serious or critical. `wide`: pixels by
    which the page is wider than the window. `foreign`: addresses that are not ours. `titles`: of the page and its first heading."""

    sent: int
    faults: tuple[str, ...]
    wide: int
    foreign: tuple[str, ...]
    titles: tuple[str, int]


def look(context: BrowserContext, url: str) -> Look:
    """Open it in a page of its own, by day; then the colours once more by night."""
    page = context.new_page()
    try:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        wire = _Wire(context, page)
        page.goto(url, wait_until="load")
        page.wait_for_timeout(150)  # modules that ask for something at once have asked
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        titles = (page.title(), page.locator("h1").count())
        sent, found = wire.sent, faults(page)
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        found += tuple(f"by night: {fault}" for fault in faults(page, "color-contrast"))
        return Look(sent, found, wide, tuple(wire.foreign(url)), titles)
    finally:
        page.close()


def faults(page: Page, *only: str) -> tuple[str, ...]:
    """ "critical label: #why" each. `only`: of these rules."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(_axe())
    found: list[Any] = page.evaluate(_RUN, only)
    return tuple(f"{impact} {rule}: {', '.join(where[:4])}" for impact, rule, where in found if impact in SERIOUS)


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


class _Wire:
    """What the browser fetched, the long answers of live pages as far as they came."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.sent, self._urls = 0, list[str]()
        session: CDPSession = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.requestWillBeSent", lambda told: self._urls.append(told["request"]["url"]))

    def _finished(self, told: dict[str, Any]) -> None:
        self.sent += int(told["encodedDataLength"])

    def foreign(self, own: str) -> list[str]:
        place = "/".join(own.split("/", 3)[:3])
        return [url for url in self._urls if not url.startswith((place, "data:", "blob:"))]
