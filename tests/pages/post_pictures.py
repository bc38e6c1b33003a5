"""Pictures of every page of the post, for people to look at.

    python -m tests.pages.post_pictures [DIRECTORY]     kengd-post-pages/ in the temporary directory, unless told otherwise

Phone, desktop and the small screen at the post, by day and by night, Vietnamese and English: PAGE-SIZE-SCHEME-LANGUAGE.png.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

from kengd.pages.language import COOKIE
from tests.pages.browsing import chromium
from tests.pages.pictures import LOOKS, SIZES
from tests.pages.post_served import PAGES, Served, evening, signed_in

SCREENS: Final = SIZES | {"screen": {"width": 480, "height": 320}}


def main(directory: Path) -> int:
    """How many pictures were taken is printed."""
    directory.mkdir(parents=True, exist_ok=True)
    looks = (*LOOKS, ("screen", "dark", "vi"))
    served = Served()
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        inside, outside = browser.new_context(locale="vi-VN"), browser.new_context(locale="vi-VN")
        signed_in(inside, served).close()
        evening(served.post)
        for path in PAGES:
            for size, scheme, language in looks:
                context = outside if path == "/vao" else inside
                context.add_cookies([{"name": COOKIE, "value": language, "url": served.url}])
                page = context.new_page()
                page.set_viewport_size(SCREENS[size])
                page.emulate_media(color_scheme=scheme)
                page.goto(served.url + path)
                page.wait_for_timeout(400)  # what is drawn from live news has been drawn
                page.screenshot(
                    path=directory / f"{path.strip('/') or 'chinh'}-{size}-{scheme}-{language}.png",
                    full_page=size != "screen",
                )
                page.close()
        browser.close()
    served.stop()
    print(f"{len(PAGES) * len(looks)} pictures in {directory}")
    return 0


if __name__ == "__main__":
    given = sys.argv[1:2]
    sys.exit(main(Path(given[0]) if given else Path(tempfile.gettempdir(), "kengd-post-pages")))
