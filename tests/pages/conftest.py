"""A browser for each module of tests, a hub for each test, and an officer's phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.pages.browsing import PHONE, Desk, chromium, signed_in


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for longer than a module: while it is there, no other event loop can run in this thread."""
    with sync_playwright() as playwright:
        made = chromium(playwright)
        yield made
        made.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The hub of one test."""
    made = Desk(tmp_path)
    yield made
    made.close()


@pytest.fixture
def page(browser: Browser, desk: Desk) -> Iterator[Page]:
    """An officer's phone, signed in."""
    context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    yield signed_in(context, desk)
    context.close()
