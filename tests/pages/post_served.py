"""What the tests and the pictures of the post's pages share: a post on paper with its pages on a free port, and who signs in."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any, Final

import uvicorn
from playwright.sync_api import BrowserContext, Page, expect

from kengd.web.api import make_app
from tests.deploy.pem import pair
from tests.pages.browsing import PATIENCE_MS
from tests.web.paper_post import PIN_OF, THAI, PaperPost, last_night_ms

PAGES: Final = ("/", "/ma-pin", "/vao", "/vi-sao", "/hieu-lenh", "/chung-thu", "/tap-luyen")


class Served:
    """A post on paper, its page on a free port."""

    def __init__(self) -> None:
        self.post = PaperPost()
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(make_app(self.post), log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server._serve([listening])), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No answer any more."""
        self._server.should_exit = True
        self._thread.join(10)


def evening(post: PaperPost) -> None:
    """A nightly ring that nobody has confirmed, an alarm that the police ring now, mains lost; the commune's certificate is there."""
    post.ca, post.tls_port = pair("xa")[0], 8443
    nightly: dict[str, Any] = {"signal": "curfew", "purpose": "actual", "source": "timetable", "activation": "c" * 16}
    post.write("ringing", at_ms=last_night_ms(), **nightly)
    post.write("finished", at_ms=last_night_ms() + 9_000, **nightly)
    post.rings(by="Đ/c Minh", source="hub", detail={"why": "trộm đột nhập"})
    post.ail("mains_lost", True)


def signed_in(context: BrowserContext, served: Served) -> Page:
    """A keeper at the page; a mistake of a module fails whatever is tried."""
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("pageerror", fail)
    page.goto(served.url)
    expect(page).to_have_url(f"{served.url}/vao")
    page.fill("#pin", PIN_OF[THAI])
    page.click("#sign-in button")
    page.wait_for_url(f"{served.url}/")
    expect(page.locator("#line")).not_to_be_empty()
    return page


def fail(error: object) -> None:
    raise AssertionError(f"a module failed: {error}")
