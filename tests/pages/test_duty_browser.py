"""The officer's hands at the board, in a browser: the stop button's place, hết báo động, leaving a shift and being relieved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.browsing import PHONE, WIDE, Desk, a_whole_hold, signed_in


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("duty"))
    yield made
    made.close()


@pytest.fixture
def page(desk: Desk, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    yield signed_in(context, desk)
    context.close()


def test_the_stop_button_keeps_its_place_when_an_alarm_comes(desk: Desk, page: Page) -> None:
    """R62: on a phone and on a wide screen, with the sound on, while "Tắt tiếng 2 phút" comes and goes; and the alarm is in sight."""
    for size, activation in ((PHONE, "place-0001"), (WIDE, "place-0002")):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.goto(desk.url)
        page.locator("#sound").click()
        expect(page.locator("#sound")).to_have_attribute("aria-pressed", "true")
        stop = page.locator(".top .hush-all")
        before = stop.bounding_box()
        incident = desk.station.pressed("an-lao", activation)
        expect(page.locator("#mute")).to_be_visible()
        assert stop.bounding_box() == before
        expect(page.locator(f"#vu-{incident} h2")).to_be_in_viewport()
        desk.station.admin.post(f"/api/incidents/{incident}/all-clear", {"id": desk.station.act()})
        expect(page.locator("#mute")).to_be_hidden()
        assert stop.bounding_box() == before


def test_every_page_shows_whether_it_can_be_heard_and_a_press_unlocks_it(desk: Desk, page: Page) -> None:
    """The gesture and its state, on a page without news of its own as on the board; not in red for whoever has never asked
    to hear alarms here, in red after a reload that locks what was on."""
    sound = page.locator(".top #sound")
    for path, off in (
        ("/bao-cao", "✗ tiếng: tắt"),
        ("/diem-keng", "✗ tiếng: tắt"),
        ("/", "✗ tiếng: CHƯA BẬT – bấm để bật"),
    ):
        page.evaluate("localStorage.clear()")
        page.goto(desk.url + path)
        expect(sound).to_have_text(off)
        expect(sound).to_have_class("alarm" if path == "/" else "quiet")
        sound.click()
        expect(sound).to_have_text("♪ tiếng: bật")
        expect(sound).to_have_attribute("aria-pressed", "true")
        expect(sound).to_be_in_viewport()  # also in a calm night
        box = sound.bounding_box()
        assert box is not None and box["height"] >= 44
    # as a browser that asks for a press again
    page.add_init_script("AudioContext.prototype.resume = () => new Promise(() => {});")
    page.add_init_script("Object.defineProperty(AudioContext.prototype, 'state', { get: () => 'suspended' });")
    page.goto(f"{desk.url}/bao-cao")
    expect(sound).to_have_text("✗ tiếng: tắt")
    expect(sound).to_have_class("alarm")


def test_the_all_clear_is_read_held_and_followed(desk: Desk, page: Page) -> None:
    """H16: no question of the browser's own that freezes the board; then the incident's page, where each post and the outcome are."""
    incident = desk.station.pressed("an-lao", "clear-0001")
    page.locator(f"#vu-{incident} [data-clear]").click()
    expect(page.locator("#clear")).to_contain_text("hiệu lệnh hết báo động ở 1 điểm: Điểm An Lão")
    a_whole_hold(page, "#clear .hold")
    page.wait_for_url(f"{desk.url}/vu-viec/{incident}")
    expect(page.locator("#facts")).to_contain_text("Điểm An Lão: chờ kẻng dứt tiếng rồi mới đánh")
    desk.station.hears("an-lao", "cut", activation="clear-0001", reason="hushed")
    expect(page.locator("#facts")).to_contain_text("dứt lúc")
    expect(page.locator("#outcome")).to_be_visible()
    expect(page.locator("#facts")).to_contain_text("Không ai bấm nhận xử lý")
    expect(page.get_by_role("button", name="Tôi nhận xử lý")).to_have_count(0)


def test_who_is_on_duty_is_asked_before_signing_out_and_sees_who_took_over(desk: Desk, page: Page) -> None:
    """The page of a shift that somebody else has taken says so without being loaded anew."""
    officer = desk.station.officer("an")
    newest = officer.get("/api/shift").json()["shift"]
    assert desk.station.admin.post("/api/shift/receive", {"after": newest["n"] if newest else 0}).status_code == 200
    page.locator("#sign-out").click()
    expect(page.locator("#leave")).to_be_visible()
    page.locator("#leave a").click()
    page.wait_for_url(f"{desk.url}/ca-truc")
    expect(page.locator("#shift-now")).to_contain_text("Bạn đang trực từ")
    number = officer.get("/api/shift").json()["shift"]["n"]
    assert officer.post("/api/shift/receive", {"after": number}).status_code == 200
    expect(page.locator("#shift-now")).to_contain_text("Đồng chí an đã nhận ca của bạn lúc")
    expect(page.locator("#shift-now")).not_to_contain_text("Bạn đang trực từ")
    page.locator("#sign-out").click()
    page.wait_for_url(f"{desk.url}/vao")
