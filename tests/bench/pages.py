"""Pages of hub and post on a slow processor (Chromium slowed six times) and over a poor line: until they can be used, their weight.

Usable: the browser's DOMContentLoaded, before which it has fetched and run every module of the page. The floor of the same run is
the smallest document of the same server. The cache is empty each time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from kengd.hub.desk.app import PAGES
from kengd.hub.desk.pages.page import FRAME, SIGN_IN
from tests.bench.figures import Figure, median
from tests.pages import post_served
from tests.pages.browsing import PHONE, Desk, chromium, signed_in, watched
from tests.pages.night import Night, keepers_phone
from tests.pages.test_pages_every import HEAVIEST
from tests.pages.tour import Stop, evening, many, stops

SLOWER = 6
USABLE_MS = 1_000
HOLD_MS = 1_000
POOR_LINE = {"offline": False, "latency": 300, "downloadThroughput": 50_000, "uploadThroughput": 20_000}
"""Bytes a second and ms there and back: a village's 3G on a bad day."""
_USABLE = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def measure(directory: Path, *, quick: bool = False) -> list[Figure]:
    """Every page; then the board with 300 posts."""
    directory.mkdir(parents=True, exist_ok=True)
    rounds = 1 if quick else 3
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        desk = Desk(directory)
        try:
            tour = list(stops(PAGES, evening(desk.station)))
            outside, inside = (browser.new_context(viewport=PHONE) for _ in range(2))  # type: ignore[arg-type]
            signed_in(inside, desk).close()
            floor = _timed(inside, desk.url + FRAME.assets.url("keng.svg"), rounds)[0]
            figures = [Figure("smallest document, processor slowed 6 times", floor, "ms", note="the floor")]
            for stop in tour:
                context = outside if stop.path == SIGN_IN else inside
                figures += _of(context, desk.url, stop, rounds, floor)
            poor = _timed(inside, desk.url + "/", rounds, POOR_LINE)[0]
            figures.append(Figure("/ over a poor line (400 kbit/s, 300 ms)", poor, "ms"))
            figures += _boards(inside, desk, rounds)
            many(desk.station, 297)
            ms, sent = _timed(inside, desk.url + "/", rounds)
            figures.append(Figure("/ with 300 posts, usable", ms, "ms", note=f"{ms / floor:.1f} times the floor"))
            figures.append(Figure("/ with 300 posts, over the wire", sent / 1000, "kB"))
            figures += _post(browser, rounds, floor)
            figures += _keeper(browser, directory / "night", 3 if quick else 15)
        finally:
            browser.close()
            desk.close()
    return figures


def _post(browser: Browser, rounds: int, floor: float) -> list[Figure]:
    """The pages of a post."""
    served = post_served.Served()
    try:
        inside, outside = (browser.new_context(viewport=PHONE) for _ in range(2))  # type: ignore[arg-type]
        post_served.signed_in(inside, served).close()
        post_served.evening(served.post)
        figures = []
        for path in post_served.PAGES:
            context = outside if path == SIGN_IN else inside
            figures += _of(context, served.url, Stop("post", path), rounds, floor, "post: ")
        return figures
    finally:
        served.stop()


def _keeper(browser: Browser, directory: Path, rounds: int) -> list[Figure]:
    """From the end of the hold on the post's own page, over relay, book, broker with TLS and ledger, to the officer's board."""
    directory.mkdir()
    night = Night(directory, {"dong": "Thôn Đông"})
    found = []
    try:
        officer, keeper = (browser.new_context(viewport=PHONE) for _ in range(2))  # type: ignore[arg-type]
        board = watched(officer)
        night.first_sign_in(board)
        night.own_password(board)
        board.goto(night.url)
        phone = keepers_phone(keeper, night.commune.bells["dong"])
        for _ in range(rounds):
            phone.locator("[data-ring=alarm]").focus()
            began = time.monotonic()
            phone.keyboard.down(" ")
            board.wait_for_selector(".incident.untaken")
            found.append((time.monotonic() - began) * 1000 - HOLD_MS)
            phone.keyboard.up(" ")
            phone.click("#hush")
            board.get_by_role("button", name="Tôi nhận xử lý").click()
            board.wait_for_selector(".incident.untaken", state="detached")
            phone.wait_for_selector("#now >> text=Kẻng đang im")
    finally:
        night.close()
    return [
        Figure("keeper's page to the officer's board, median", median(found), "ms", most=1_000),
        Figure("keeper's page to the officer's board, worst", max(found), "ms"),
    ]


def _of(context: BrowserContext, base: str, stop: Stop, rounds: int, floor: float, whose: str = "") -> list[Figure]:
    ms, sent = _timed(context, base + stop.path, rounds)
    note = f"{ms / floor:.1f} times the floor"
    return [
        Figure(f"{whose}{stop.path[:32]} usable", ms, "ms", most=USABLE_MS, note=note),
        Figure(f"{whose}{stop.path[:32]} over the wire", sent / 1000, "kB", most=HEAVIEST / 1000),
    ]


def _boards(context: BrowserContext, desk: Desk, rounds: int) -> list[Figure]:
    """From a stored press until both of two officers see it at the top, on processors that are not slowed."""
    pages = [context.new_page() for _ in range(2)]
    for page in pages:
        page.goto(desk.url)
        page.wait_for_selector("#line:not(:empty)")
    found = []
    for number in range(rounds * 2):
        began = time.monotonic()
        incident = desk.station.pressed("bo-trang", f"{number:016}")
        for page in pages:
            page.wait_for_selector(f"#vu-{incident}")
        found.append((time.monotonic() - began) * 1000)
        desk.station.admin.post(f"/api/incidents/{incident}/acknowledge")
    for page in pages:
        page.close()
    return [Figure("a press until two officers both see it", median(found), "ms", most=1_000)]


def _timed(context: BrowserContext, url: str, rounds: int, line: dict[str, Any] | None = None) -> tuple[float, float]:
    """Medians of ms and bytes."""
    found = [_once(context, url, line) for _ in range(rounds)]
    return median([ms for ms, _ in found]), median([sent for _, sent in found])


def _once(context: BrowserContext, url: str, line: dict[str, Any] | None) -> tuple[float, float]:
    page = context.new_page()
    session = context.new_cdp_session(page)
    sent: list[float] = []
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    if line is not None:
        session.send("Network.emulateNetworkConditions", line)
    session.on("Network.loadingFinished", lambda told: sent.append(told["encodedDataLength"]))
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    try:
        page.goto(url, wait_until="load")
        ms = float(page.evaluate(_USABLE))
        page.wait_for_timeout(100)
        return ms, sum(sent)
    finally:
        page.close()
