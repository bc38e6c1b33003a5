"""Every page of the hub, on a phone, by day and by night: for whoever cannot see well, has a poor line or a small screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from kengd.hub.desk.app import PAGES
from kengd.hub.desk.pages.page import SIGN_IN
from tests.pages.browsing import PHONE, Desk, signed_in
from tests.pages.looking import Look, look
from tests.pages.tour import evening, stops

HEAVIEST = 60_000
"""Bytes over the wire of a page with everything it loads."""


@pytest.fixture(scope="module")
def looks(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Look]]:
    """By path. The door is looked at by somebody who is not in yet."""
    desk = Desk(tmp_path_factory.mktemp("every"))
    known = evening(desk.station)
    inside, outside = (browser.new_context(viewport=PHONE, locale="vi-VN") for _ in range(2))  # type: ignore[arg-type]
    signed_in(inside, desk).close()
    yield {
        stop.path: look(outside if stop.path == SIGN_IN else inside, desk.url + stop.path)
        for stop in stops(PAGES, known)
    }
    inside.close()
    outside.close()
    desk.close()


def test_axe_finds_nothing_serious_on_any_page(looks: dict[str, Look]) -> None:
    """WCAG A and AA and more, as axe-core tests it: labels, names, contrast by day and by night, order of headings."""
    assert {path: one.faults for path, one in looks.items() if one.faults} == {}


def test_no_page_is_wider_than_a_phone(looks: dict[str, Look]) -> None:
    """What does not fit scrolls in a place of its own."""
    assert {path: one.wide for path, one in looks.items() if one.wide > 0} == {}


def test_each_page_with_all_it_loads_is_light(looks: dict[str, Look]) -> None:
    """A poor line: 60 kB the first time, nothing of it kept yet; and nothing from elsewhere (R53)."""
    assert len(looks) > 9
    assert {path: one.sent for path, one in looks.items() if not 2_000 < one.sent <= HEAVIEST} == {}
    assert {path: one.foreign for path, one in looks.items() if one.foreign} == {}


def test_each_page_says_what_it_is(looks: dict[str, Look]) -> None:
    """One main heading, and a title of its own for whoever has many pages open."""
    assert {path: one.titles for path, one in looks.items() if one.titles[1] != 1} == {}
    titles = [one.titles[0] for one in looks.values()]
    assert len(set(titles)) == len(titles), titles
