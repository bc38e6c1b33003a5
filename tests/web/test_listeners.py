"""Pages that listen to a post: no keeper's take the places of all the others, and a device's newest page is always told."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kengd.errors import KengdError
from kengd.web import live
from kengd.web.house import House
from kengd.web.listeners import EACH, MOST, Listeners
from tests.web.paper_post import HOA, THAI, PaperPost


def refused(listeners: Listeners, keeper: str, device: str) -> bool:
    """There is no place for it."""
    try:
        listeners.enter(keeper, device)
    except KengdError as error:
        assert error.code == "too_many_listeners"
        return True
    return False


def test_the_fourth_page_of_a_device_ends_its_oldest() -> None:
    """Tabs that were forgotten; the one in the keeper's hand is told."""
    listeners = Listeners()
    pages = [listeners.enter(THAI, "a") for _ in range(EACH + 1)]
    assert [page.ended for page in pages] == [True] + [False] * EACH
    listeners.leave(pages[0])
    listeners.enter(THAI, "a")
    assert [page.ended for page in pages] == [True, True] + [False] * (EACH - 1)


def test_one_keeper_takes_the_live_line_from_nobody() -> None:
    """X6: whatever the number of his devices and pages; among equals the last one is refused."""
    listeners = Listeners()
    pages = [listeners.enter(THAI, f"{n // EACH}") for n in range(MOST)]
    hoas = [listeners.enter(HOA, "h"), listeners.enter(HOA, "h")]
    assert [page.ended for page in pages] == [True, True] + [False] * (MOST - 2)
    assert not any(page.ended for page in hoas)
    assert refused(listeners, THAI, "another")
    for page in pages[:2]:
        listeners.leave(page)
    assert refused(listeners, THAI, "another")
    listeners.leave(pages[2])
    assert not refused(listeners, THAI, "another")


def test_pages_that_do_not_go_take_no_end_of_places() -> None:
    """Told to go, and still here: the next ones wait."""
    listeners = Listeners()
    for n in range(MOST):
        listeners.enter(f"{n}", f"{n}")
    assert refused(listeners, "last", "last")
    full = Listeners()
    assert [refused(full, THAI, "a") for _ in range(MOST + EACH + 2)] == [False] * (MOST + EACH) + [True] * 2


@pytest.mark.parametrize("ended", [False, True])
def test_a_page_that_gave_up_its_place_comes_again_later(ended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or four pages would take turns each second."""
    monkeypatch.setattr(live, "LOOK_S", 0.0)
    place = Listeners().enter(THAI, "a")
    looks = iter([False, False, True])

    async def gone() -> bool:
        place.ended = ended
        return next(looks)

    request: Any = SimpleNamespace(is_disconnected=gone)
    house: Any = SimpleNamespace(post=PaperPost(), keeper_of=lambda _: object())

    async def told() -> list[int | None]:
        return [event.retry async for event in live.events(house, request, place)]

    assert asyncio.run(told()) == ([live.LATER_MS] if ended else [live.RETRY_MS])
    assert isinstance(House(PaperPost()).listeners, Listeners)
