"""Pictures of every page, for people to look at.

    python -m tests.pages.pictures [DIRECTORY]     kengd-pages/ in the temporary directory, unless told otherwise

Phone and desktop, by day and by night, Vietnamese and English: PAGE-SIZE-SCHEME-LANGUAGE.png.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Page, ViewportSize, sync_playwright

from kengd.hub.desk.app import PAGES
from kengd.hub.desk.pages.page import SIGN_IN
from kengd.pages.language import COOKIE
from tests.pages.browsing import Desk, chromium, signed_in
from tests.pages.tour import evening, still_there, stops

SIZES: Final[dict[str, ViewportSize]] = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1280, "height": 800},
}
_Taken = tuple[str, Literal["light", "dark"], str]
LOOKS: Final[tuple[_Taken, ...]] = (
    ("phone", "light", "vi"),
    ("phone", "dark", "vi"),
    ("desktop", "light", "vi"),
    ("phone", "light", "en"),
)


def main(directory: Path) -> int:
    """How many pictures were taken is printed."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = chromium(playwright)
        desk = Desk(Path(scratch))
        tour = list(stops(PAGES, evening(desk.station)))
        inside, outside = browser.new_context(locale="vi-VN"), browser.new_context(locale="vi-VN")
        signed_in(inside, desk).close()
        for stop in tour:
            still_there(desk.station)
            context = outside if stop.path == SIGN_IN else inside
            for size, scheme, language in LOOKS:
                context.add_cookies([{"name": COOKIE, "value": language, "url": desk.url}])
                page = context.new_page()
                page.set_viewport_size(SIZES[size])
                page.emulate_media(color_scheme=scheme)
                _take(page, desk.url + stop.path, directory / f"{stop.name}-{size}-{scheme}-{language}.png")
                page.close()
        browser.close()
        desk.close()
    print(f"{len(tour) * len(LOOKS)} pictures in {directory}")
    return 0


def _take(page: Page, url: str, place: Path) -> None:
    page.goto(url, wait_until="load")
    page.wait_for_timeout(400)  # what is drawn from live news has been drawn
    page.screenshot(path=place, full_page=True)


if __name__ == "__main__":
    given = sys.argv[1:2]
    sys.exit(main(Path(given[0]) if given else Path(tempfile.gettempdir(), "kengd-pages")))
