"""The officers' pages in a real browser: in, one order held and followed, stop all, an alarm at the top, a line that is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.ledger import values
from kengd.hub.service import wall_ms
from tests.hub.commune import until
from tests.hub.people_database import PASSWORD
from tests.pages.browsing import PHONE, Desk, a_whole_hold, signed_in


def orders(desk: Desk) -> list[tuple[str, str | None]]:
    """What was ordered, oldest first."""
    found = desk.station.admin.get("/api/dispatches").json()["dispatches"]
    return [(one["do"], one["signal"]) for one in reversed(found)]


def chosen(page: Page, desk: Desk) -> None:
    """An actual alarm at one post, up to the sentence."""
    page.goto(f"{desk.url}/danh-keng?post=an-lao")
    page.fill("#why", "trộm đột nhập")
    page.click("#ring > p button")
    expect(page.locator("#sentence")).to_have_text(
        "Đánh THẬT “Báo động” ở Điểm An Lão, 120 hộ nghe thấy: người dân sẽ ra ngay, cầm theo gậy gộc."
    )


def held(page: Page, ms: int) -> None:
    """A finger on the button for so long."""
    box = page.locator("#fire").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(ms)


def leaves(page: Page) -> None:
    page.mouse.move(5, 5)
    page.wait_for_timeout(900)
    page.mouse.up()


def lets_go(page: Page) -> None:
    page.mouse.up()
    page.wait_for_timeout(900)


def loses_focus(page: Page) -> None:
    page.evaluate("dispatchEvent(new Event('blur'))")
    page.wait_for_timeout(900)
    page.mouse.up()


@pytest.mark.parametrize("interrupted", [leaves, lets_go, loses_focus])
def test_a_hold_that_is_interrupted_rings_nothing(page: Page, desk: Desk, interrupted: Callable[[Page], None]) -> None:
    """R48: a slip of the finger, a finger that leaves, a window that comes before it."""
    chosen(page, desk)
    held(page, 400)
    interrupted(page)
    assert orders(desk) == []
    expect(page.locator("#sure")).to_be_visible()


def test_one_order_is_held_once_and_followed_live_and_stopped(page: Page, desk: Desk) -> None:
    """From the choice to what the post says, without touching the page again; then stop all, one press."""
    chosen(page, desk)
    held(page, 1_400)
    page.mouse.up()
    page.wait_for_url("**/lenh/tr-*")
    assert orders(desk) == [("ring", "alarm")]
    expect(page.locator(".card .state")).to_have_text(
        "đã gửi, điểm kẻng chưa trả lời: chưa bao giờ liên lạc với máy trực ban"
    )
    dispatch = page.url.rpartition("/")[2]
    desk.station.status("an-lao")
    desk.station.answers(dispatch, "an-lao", "received", "ringing")
    expect(page.locator(".card .state")).to_contain_text("đang đánh")
    expect(page.locator("svg.blows rect").first).to_be_attached()
    page.go_back()
    expect(page.locator("#sure")).to_be_hidden()
    page.click(".top .hush-all")
    expect(page.locator("#say")).to_contain_text("chưa phải hết báo động")
    assert orders(desk) == [("ring", "alarm"), ("hush", None)]


def test_the_keyboard_holds_and_fires_too(page: Page, desk: Desk) -> None:
    """Somebody without a mouse; Escape ends the hold and the dialog."""
    chosen(page, desk)
    page.keyboard.down(" ")
    page.wait_for_timeout(400)
    page.keyboard.press("Escape")
    page.keyboard.up(" ")
    page.wait_for_timeout(900)
    assert orders(desk) == []
    page.click("#ring > p button")
    expect(page.locator("#fire")).to_be_focused()
    page.keyboard.down("Enter")
    page.wait_for_url("**/lenh/tr-*")
    page.keyboard.up("Enter")
    assert orders(desk) == [("ring", "alarm")]


def test_all_posts_are_held_twice(page: Page, desk: Desk) -> None:
    """R62: an alarm for all has a second step, and its own words."""
    page.goto(f"{desk.url}/danh-keng")
    page.check("input[name=all]")
    page.fill("#why", "lũ")
    page.click("#ring > p button")
    expect(page.locator("#sentence")).to_contain_text("TẤT CẢ 3 điểm kẻng")
    held(page, 1_400)
    page.mouse.up()
    expect(page.locator("#fire")).to_have_text("GIỮ LẦN NỮA: BÁO ĐỘNG TẤT CẢ")
    assert orders(desk) == []
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as withdrawn:
        page.click("#back")  # who thinks better of it leaves nothing that another could agree to
    assert withdrawn.value.ok
    page.check("input[value=drill]")
    page.fill("#why", "cháy thật")
    page.click("#ring > p button")
    expect(page.locator("#fire")).to_have_text("GIỮ 1 GIÂY ĐỂ DIỄN TẬP")
    expect(page.locator("#warnings .bad").first).to_contain_text("Lý do ghi là thật, mà lệnh này là diễn tập")
    page.click("#back")
    page.check("input[value=actual]")
    page.fill("#why", "lũ")
    page.click("#ring > p button")
    expect(page.locator("#fire")).to_have_text("GIỮ 1 GIÂY ĐỂ ĐÁNH")
    assert page.locator("#warnings li", has_text="Lý do").count() == 0
    held(page, 1_400)
    page.mouse.up()
    expect(page.locator("#fire")).to_have_text("GIỮ LẦN NỮA: BÁO ĐỘNG TẤT CẢ")
    held(page, 1_400)
    page.mouse.up()
    page.wait_for_url("**/lenh/tr-*")
    assert orders(desk) == [("ring", "alarm")]


def test_a_second_officer_agrees_and_what_has_lapsed_waits_for_a_hand(browser: Browser, tmp_path: Path) -> None:
    """R62, H14: who agrees reads what came of it; the order goes out by itself then, and only then. Meanwhile no hold is offered."""
    two = Desk(tmp_path, duty={"alarm_all": "second_officer"})
    try:
        two.station.officer("chi", "chief")
        first, second = (signed_in(browser.new_context(viewport=PHONE), two, who) for who in ("truong", "chi"))  # type: ignore[arg-type]
        first.goto(f"{two.url}/danh-keng")
        first.check("input[name=all]")
        first.fill("#why", "lũ")
        first.click("#ring > p button")
        a_whole_hold(first, "#fire")
        expect(second.locator("#upper [data-until]")).to_contain_text("xin báo động THẬT ở TẤT CẢ 3 điểm kẻng (200 hộ)")
        expect(first.locator("#fire")).to_have_text("ĐANG CHỜ CÁN BỘ THỨ HAI ĐỒNG Ý…")
        expect(first.locator("#fire")).to_be_disabled()
        with two.station.hub.ledger.write() as connection:
            (key,) = values.under(connection, "confirm:")
            values.put_value(connection, key, None)
        expect(first.locator("#second")).to_contain_text("giữ lại từ đầu")
        expect(first.locator("#fire")).to_have_text("GIỮ 1 GIÂY ĐỂ ĐÁNH")
        with two.station.hub.ledger.read() as connection:
            assert values.under(connection, "confirm:") == {}
        assert orders(two) == []
        a_whole_hold(first, "#fire")
        expect(first.locator("#fire")).to_be_disabled()
        a_whole_hold(second, "#upper [data-until] button")
        expect(second.locator("#say")).to_have_text("Đã đồng ý; lệnh do Trưởng công an xã phát.")
        first.wait_for_url("**/lenh/tr-*")
        assert orders(two) == [("ring", "alarm")]
        expect(second.locator("#upper [data-until]")).to_have_count(0)
    finally:
        for context in browser.contexts:
            context.close()
        two.close()


def test_whoever_waits_in_vain_rings_alone_and_says_why(browser: Browser, tmp_path: Path) -> None:
    """H14: the button can be held when holding does something: a reason is written and the time for the second officer is over.
    A line that fails once meanwhile ends neither the waiting nor the way out."""
    two = Desk(tmp_path, duty={"alarm_all": "second_officer", "alone_after_s": 5})
    try:
        page = signed_in(browser.new_context(viewport=PHONE), two)  # type: ignore[arg-type]
        page.goto(f"{two.url}/danh-keng")
        page.check("input[name=all]")
        page.fill("#why", "lũ")
        page.click("#ring > p button")
        asked: list[Any] = []
        page.route("**/api/confirmations", lambda route: (asked.append(route), route.abort()), times=1)
        a_whole_hold(page, "#fire")
        page.fill("#alone-why", "đồng chí kia đi viện")
        expect(page.locator("#fire")).to_be_disabled()
        expect(page.locator("#fire")).to_have_text("GIỮ 1 GIÂY: MỘT MÌNH BÁO ĐỘNG TẤT CẢ")
        assert len(asked) == 1 and orders(two) == []
        page.fill("#alone-why", " ")
        expect(page.locator("#fire")).to_be_disabled()
        page.fill("#alone-why", "đồng chí kia đi viện")
        expect(page.locator("#fire")).to_be_enabled()
        a_whole_hold(page, "#fire")
        page.wait_for_url("**/lenh/tr-*")
        assert orders(two) == [("ring", "alarm")]
    finally:
        for context in browser.contexts:
            context.close()
        two.close()


def test_a_refusal_in_red_stays_until_somebody_goes_on(page: Page, desk: Desk) -> None:
    """No timer takes away what has to be read; the next press does, and so does an act that succeeds."""
    page.goto(f"{desk.url}/danh-keng")
    page.clock.install()
    page.fill("#why", "lũ")
    for _ in range(2):
        page.click("#ring > p button")
        expect(page.locator("#say.bad")).to_have_text("Chưa chọn điểm kẻng nào.")
        page.clock.run_for(60_000)
        page.mouse.click(5, 400)  # a finger that scrolls, or touches nothing
        expect(page.locator("#say.bad")).to_have_text("Chưa chọn điểm kẻng nào.")
        page.click("nav.rooms summary")
        expect(page.locator("#say")).to_be_empty()
    page.focus("nav.rooms summary")
    page.evaluate(
        "import(document.querySelector('link[href$=\"/say.js\"]').href).then((one) => one.say('không được', true))"
    )
    page.keyboard.press("Enter")
    expect(page.locator("#say")).to_be_empty()


def test_what_is_said_while_a_dialog_is_open_stands_in_it_and_afterwards_on_the_page(page: Page, desk: Desk) -> None:
    """R48: under the dialog's veil "nothing was sent" would be dim, and a screen reader could not reach it."""
    page.goto(f"{desk.url}/danh-keng")
    page.check("input[name=post][value=an-lao]")
    page.fill("#why", "trộm")
    page.click("#ring > p button")
    page.locator("#fire").focus()
    page.keyboard.down("Enter")
    page.wait_for_timeout(200)
    page.keyboard.up("Enter")
    expect(page.locator("#sure[open] #say")).to_have_text("Chưa gửi: giữ đủ 1 giây.")
    page.click("#back")
    page.uncheck("input[name=post][value=an-lao]")
    page.click("#ring > p button")
    expect(page.locator("body > #say.bad")).to_have_text("Chưa chọn điểm kẻng nào.")


def test_an_alarm_for_all_is_rung_again_by_holding_twice_too(page: Page, desk: Desk) -> None:
    """R62, R65: where every post was silent, the second step is said, and the next hold takes it."""
    form = {"id": "act-00000001", "signal": "alarm", "purpose": "actual", "why": "lũ", "all": True}
    token = desk.station.admin.post("/api/rings", form).json()["token"]
    assert desk.station.admin.post("/api/rings", {**form, "confirm": token}).status_code == 201
    with desk.station.hub.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE target SET state = 'no_answer'")
    page.goto(f"{desk.url}/lenh/act-00000001")
    a_whole_hold(page, "[data-hold-act]")
    expect(page.locator("#say")).to_contain_text("giữ nút thêm một lần nữa để phát")
    assert orders(desk) == [("ring", "alarm")]
    a_whole_hold(page, "[data-hold-act]")
    until(lambda: orders(desk) == [("ring", "alarm"), ("ring", "alarm")], 5, "rung again")


def test_a_group_is_a_quick_way_to_tick_its_posts(page: Page, desk: Desk) -> None:
    """What is rung is what is ticked, nothing besides; a group that is not whole any more says so; nothing chosen is said."""
    page.goto(f"{desk.url}/danh-keng")
    page.fill("#why", "diễn tập")
    page.check("input[value=drill]")
    page.click("#ring > p button")
    expect(page.locator("#say")).to_have_text("Chưa chọn điểm kẻng nào.")
    group = page.get_by_label("Ven sông")
    group.check()
    ticked = page.locator("input[name=post]:checked")
    assert ticked.evaluate_all("found => found.map((one) => one.value)") == ["bo-trang", "cau-ngang"]
    page.uncheck("input[value=cau-ngang]")
    assert not group.is_checked() and group.evaluate("one => one.indeterminate")
    page.click("#ring > p button")
    expect(page.locator("#sentence")).to_contain_text("DIỄN TẬP “Báo động” ở Điểm Bồ Tràng, 80 hộ nghe thấy")


def test_an_alarm_comes_to_two_officers_at_once_and_one_takes_it(browser: Browser, page: Page, desk: Desk) -> None:
    """H6: at the top, in the title; the other sees by whom it was taken. Both without touching the page."""
    desk.station.officer("an")
    context = browser.new_context(locale="vi-VN")
    other = signed_in(context, desk, "an")
    desk.station.status("an-lao", sounding=Sounding("a" * 16, "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms()))
    desk.station.pressed("an-lao", "a" * 16)
    for each in (page, other):
        expect(each.locator(".incident.untaken h2")).to_contain_text("Báo động: Thôn An Lão")
        expect(each).to_have_title("● BÁO ĐỘNG (1) – Trực ban Xã Cộng Lạc")
        expect(each.locator("#diem-an-lao .state")).to_contain_text("ĐANG ĐÁNH")
    other.get_by_role("button", name="Tôi nhận xử lý").click()
    for each in (page, other):
        expect(each.locator(".incident .good")).to_have_text("Đồng chí an đã nhận")
        expect(each).to_have_title("Trực ban Xã Cộng Lạc")
    context.close()


def test_a_page_that_lost_its_line_says_so_in_red_and_shows_nothing_as_new(page: Page, desk: Desk) -> None:
    """P9: within five seconds; what is still there is grey, and from when it is stands above it."""
    expect(page.locator("#line")).not_to_be_empty()
    desk.stop()
    page.route("**/api/hushes", lambda _: None)  # sent, and no answer comes
    page.click(".top .hush-all")
    expect(page.locator("#say")).to_contain_text("Đang gửi lệnh dừng")
    expect(page.locator("#say")).to_contain_text("gọi điện cho người giữ kẻng")
    expect(page.locator("#lost")).to_be_visible(timeout=7_000)
    expect(page.locator("#lost")).to_contain_text("MẤT LIÊN LẠC")
    assert float(page.locator("#posts").evaluate("one => getComputedStyle(one).opacity")) < 0.6


def test_an_outcome_is_written_and_corrected(page: Page, desk: Desk) -> None:
    """Corrections are added, never overwritten."""
    incident = desk.station.pressed("an-lao")
    page.goto(f"{desk.url}/vu-viec/{incident}")
    for kind, done in (("theft", "bắt được một người"), ("false_alarm", "nhầm, người nhà về khuya")):
        page.select_option("#kind", kind)
        page.fill("#done", done)
        with page.expect_navigation():
            page.dblclick("#outcome button")
    texts = page.locator("main .banner strong").all_inner_texts()
    assert texts == ["báo nhầm", "trộm cắp"]


def test_an_idle_device_still_stops_the_sound_and_asks_before_anything_else(page: Page, desk: Desk) -> None:
    """A session that was left lying never keeps an officer from hushing."""
    incident = desk.station.pressed("an-lao")
    until(lambda: page.locator(".incident").count() == 1, 10, "it is shown")
    desk.station.idle()
    page.click(".top .hush-all")
    expect(page.locator("#say")).to_contain_text("chưa phải hết báo động")
    page.get_by_role("button", name="Tôi nhận xử lý").click()
    expect(page.locator("#unlock")).to_be_visible()
    page.fill("#unlock-pin", PASSWORD)
    page.click("#unlock-form button")
    expect(page.locator("#unlock")).to_be_hidden()
    page.get_by_role("button", name="Tôi nhận xử lý").click()
    expect(page.locator(f"#vu-{incident} .good")).to_contain_text("đã nhận")


def test_a_page_that_hears_no_news_says_too_that_the_line_is_lost(page: Page, desk: Desk) -> None:
    """Within five seconds, in red, on the book as on the board; an alarm comes to it as well, with a way to its sound."""
    page.goto(f"{desk.url}/so-keng")
    desk.station.pressed("an-lao")
    expect(page.locator("#alarm a")).to_contain_text("BÁO ĐỘNG (1)")
    expect(page.locator("#alarm button")).to_be_visible()
    page.click("#alarm button")
    expect(page.locator("#alarm button")).to_be_hidden()
    desk.stop()
    expect(page.locator("#lost")).to_contain_text("MẤT LIÊN LẠC", timeout=7_000)


def test_however_many_tabs_are_open_the_stop_goes_out(page: Page, desk: Desk) -> None:
    """A browser has six connections for a server, and each tab that hears news holds one: hidden tabs let go, and hear again."""
    tabs = [page]
    for _ in range(7):
        tabs.append(page.context.new_page())
        hide(tabs[-2], True)
        tabs[-1].goto(desk.url)
        expect(tabs[-1].locator("#line")).not_to_be_empty()
    tabs[-1].click(".top .hush-all")
    expect(tabs[-1].locator("#say")).to_contain_text("chưa phải hết báo động")
    hide(page, False)
    desk.station.pressed("an-lao")
    expect(page.locator(".incident.untaken h2")).to_contain_text("Thôn An Lão")


def hide(page: Page, hidden: bool) -> None:
    """Another tab lies over this one, as the browser tells a page; without a window all of them are in sight."""
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )
