"""A keeper's alarm from his phone to the relay and to the hub, and back: a whole post, a broker, a browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.broker import Broker
from tests.pages.browsing import PATIENCE_MS, PHONE
from tests.post.hub import Hub, until
from tests.post.village import Post
from tests.web.paper_post import PIN_OF, PINS, THAI


@dataclass(frozen=True)
class Village:
    """A post with keepers, the hub that hears it, and a keeper's phone."""

    post: Post
    hub: Hub
    page: Page

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.post.web_port}"


@pytest.fixture
def village(tmp_path: Path, browser: Browser) -> Iterator[Village]:
    pins = tmp_path / "web.pins"
    pins.write_text(PINS)
    with Broker(tmp_path / "broker") as broker, ExitStack() as ends:
        hub = Hub(broker.port)
        ends.callback(hub.close)
        post = Post(tmp_path / "post", id="thon-1", hub=hub, web=f'pins = "{pins}"')
        ends.callback(post.end)
        post.start()
        context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
        ends.callback(context.close)
        context.set_default_timeout(PATIENCE_MS)
        made = Village(post, hub, context.new_page())
        made.page.goto(f"{made.url}/")
        made.page.fill("#pin", PIN_OF[THAI])
        made.page.click("#sign-in button")
        made.page.wait_for_url(f"{made.url}/")
        yield made


def holds_the_alarm(page: Page) -> int:
    """A whole second; CLOCK_MONOTONIC ns of its end at the earliest."""
    box = page.locator("[data-ring=alarm]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    began_ns = time.monotonic_ns()
    page.mouse.down()
    page.wait_for_timeout(1_100)
    page.mouse.up()
    return began_ns + 1_000_000_000


def test_a_keepers_alarm_rings_is_at_the_hub_within_a_second_and_is_hushed(village: Village) -> None:
    """PIN → hold → relay → book → hub, under the keeper's name; then the stop. A new office knows the phone still; a bell that was
    not heard is a condition that the hub sees."""
    post, hub, page = village.post, village.hub, village.page
    fired_ns = holds_the_alarm(page)
    post.rings(since_ns=fired_ns)
    entry = until(lambda: hub.wrote(post.id, lambda one: one["kind"] == "ringing"), 5, "at the hub")
    heard_s = next(at_s for at_s, status in hub.statuses[post.id] if status.get("sounding"))
    assert heard_s - fired_ns / 1e9 < 1.0
    assert (entry["source"], entry["by"], entry["signal"], entry["purpose"]) == ("page", THAI, "alarm", "actual")
    expect(page.locator("#say")).to_have_text("Đang đánh: Báo động")
    expect(page.locator("#now")).to_contain_text("đã gửi tới máy chủ của xã, chưa thấy công an nhận")
    expect(page.locator("#now")).to_contain_text("Ông Thái, trang này")
    page.click("#hush")
    post.rests()
    ended = post.wrote("cut", "hushed")
    assert ended["detail"]["hushed_by"]["by"] == THAI
    expect(page.locator("#now .state")).to_have_text("Kẻng đang im, nhưng CHƯA hết báo động.")
    post.renew_office()
    csrf = page.get_attribute("body", "data-csrf")
    answer = page.request.post(
        f"{village.url}/api/keeper/heard",
        data={"ring": entry["activation"], "heard": False},
        headers={"X-Kengd-Csrf": csrf or ""},
    )
    assert answer.status == 200
    said = post.wrote("tested", "not_heard")
    assert (said["by"], said["signal"], said["detail"]["heard"]) == (THAI, "alarm", False)
    until(lambda: "not_heard" in {item["code"] for item in hub.status(post.id)["conditions"]}, 5, "told to the hub")
