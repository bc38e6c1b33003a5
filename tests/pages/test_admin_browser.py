"""Administration in a real browser: a shift with its sound, an alarm that no page hides, people, backup and restore, the door."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kengd.hub import staging
from kengd.hub.authority import sealing
from kengd.hub.beginning import PUT_AWAY
from kengd.hub.ledger import values
from tests.hub.commune import until
from tests.hub.people_database import PASSWORD
from tests.hub.spine_kit import COMMUNE
from tests.pages.browsing import Desk, signed_in

PASS = "năm con trâu qua sông"
TITLE = "Trực ban Xã Cộng Lạc"
PLAYED = """
window.played = [];
const start = AudioBufferSourceNode.prototype.start, stop = AudioBufferSourceNode.prototype.stop;
AudioBufferSourceNode.prototype.start = function (...given) { played.push(this.loop ? "alarm" : "once"); return start.apply(this, given); };
AudioBufferSourceNode.prototype.stop = function (...given) { played.push("quiet"); return stop.apply(this, given); };
"""
"""What goes to the loudspeaker, noted on its way."""


def heard(page: Page, what: str) -> None:
    """The last thing that went to the loudspeaker."""
    until(lambda: page.evaluate("played.at(-1)") == what, 10, what)


def take_shift(page: Page) -> None:
    page.get_by_role("button", name="Nhận ca…").click()
    page.get_by_role("button", name="đã đọc và nhận ca").click()
    expect(page.locator("#shift")).to_be_hidden()


def test_a_shift_is_received_by_name_and_that_press_unlocks_the_sound(page: Page, desk: Desk) -> None:
    """Handed over with a note; the board says who is on duty, and whether this page can be heard, always."""
    an = desk.station.officer("an")
    an.post("/api/shift/receive", {"after": 0})
    an.post("/api/shift/hand-over", {"n": 1, "note": "Anh Tư đi viện.\nGọi anh Năm."})
    sound = page.locator("#sound")
    expect(sound).to_have_text("✗ tiếng: CHƯA BẬT – bấm để bật")
    expect(page.locator("#upper")).to_contain_text("chờ người nhận")
    page.get_by_role("button", name="Nhận ca…").click()
    expect(page.locator("#shift .said")).to_have_text("Anh Tư đi viện.\nGọi anh Năm.")
    page.get_by_role("button", name="Tôi, Trưởng công an xã, đã đọc và nhận ca").click()
    expect(page.locator("#upper")).to_contain_text("Đang trực: Trưởng công an xã")
    expect(page.locator("#upper")).to_contain_text("Ca trước dặn: “Anh Tư đi viện.")
    expect(sound).to_have_text("♪ tiếng: bật")
    page.goto(f"{desk.url}/ca-truc")
    page.fill("#note", "Yên cả đêm.")
    with page.expect_navigation():
        page.locator("#hand-over button").click()
    expect(page.locator("#hand-over .banner")).to_contain_text("chưa ai nhận: bạn vẫn là người trực")
    shift = desk.station.admin.get("/api/shift").json()["shift"]
    assert (shift["n"], shift["note"], shift["ended_ms"]) == (2, "Yên cả đêm.", None)


def test_an_untaken_alarm_sounds_and_flashes_until_somebody_takes_it(page: Page, desk: Desk) -> None:
    """One loop that needs no timer; two minutes of quiet end at once with the next alarm; taken, it is over."""
    page.add_init_script(PLAYED)
    page.reload()
    take_shift(page)
    first = desk.station.pressed("an-lao", "an-0001")
    expect(page).to_have_title(f"● BÁO ĐỘNG (1) – {TITLE}")
    expect(page).to_have_title(f"○ BÁO ĐỘNG (1) – {TITLE}")
    heard(page, "alarm")
    page.get_by_role("button", name="Tắt tiếng 2 phút").click()
    expect(page.locator("#sound")).to_have_text("♪ đang tắt tiếng 2 phút")
    heard(page, "quiet")
    second = desk.station.pressed("bo-trang", "bo-0001")
    heard(page, "alarm")
    expect(page.locator("#sound")).to_have_text("♪ tiếng: bật")
    for incident in (first, second):
        desk.station.admin.post(f"/api/incidents/{incident}/acknowledge")
    heard(page, "quiet")
    expect(page).to_have_title(TITLE)
    assert page.evaluate("played") == ["alarm", "quiet", "alarm", "quiet"]


def test_on_any_other_page_an_alarm_is_said_in_red_and_leads_to_the_board(page: Page, desk: Desk) -> None:
    """Nobody misses one because the report was open."""
    page.goto(f"{desk.url}/can-bo")
    expect(page.locator("#alarm")).to_be_hidden()
    desk.station.pressed("an-lao")
    expect(page.locator("#alarm a")).to_have_text("BÁO ĐỘNG (1): chưa ai nhận. Bấm để mở bảng trực ban", timeout=10_000)
    expect(page).to_have_title(re.compile(r"^● BÁO ĐỘNG \(1\)"))
    page.click("#alarm a")
    expect(page).to_have_url(f"{desk.url}/")


def test_an_officer_is_added_changed_signed_out_and_ended(page: Page, desk: Desk) -> None:
    """The first password is shown once, and is gone from the page with its dialog."""
    page.click("nav.rooms summary")
    page.get_by_role("link", name="Cán bộ và phân quyền").click()
    page.fill("#name", "Đại úy Nguyễn Văn An")
    page.fill("#login", "an")
    page.select_option("#role", "chief")
    page.get_by_role("button", name="Thêm, và hiện mật khẩu lần đầu").click()
    expect(page.locator("#once-secret")).to_have_text(re.compile(r"^[a-z2-9]{4}(-[a-z2-9]{4}){3}$"))
    password = page.locator("#once-secret").inner_text()
    with page.expect_navigation():
        page.get_by_role("button", name="Đã ghi lại, đóng").click()
    assert password not in page.content()
    page.locator(".card", has_text="Nguyễn Văn An").get_by_role("link", name="Sửa").click()
    page.fill("#phone", "0912 345 678")
    page.fill("#channels", "tgram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/987654\n\n")
    page.get_by_role("button", name="Lưu").click()
    expect(page.locator(".card", has_text="Nguyễn Văn An")).to_contain_text("1 địa chỉ nhận tin")
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator(".card", has_text="Nguyễn Văn An").get_by_role("link", name="Sửa").click()
    page.get_by_role("button", name="Cho nghỉ…").click()
    page.wait_for_url(f"{desk.url}/can-bo")
    expect(page.locator(".card", has_text="Nguyễn Văn An")).to_have_count(0)
    page.locator(".card").get_by_role("link", name="Sửa").click()
    page.get_by_role("button", name="Cho nghỉ…").click()
    expect(page.locator("#say")).to_contain_text("quản trị cuối cùng")


def test_a_pin_is_set_and_a_token_shown_once_and_revoked(page: Page, desk: Desk) -> None:
    """One's own affairs; a slip of the finger in the second field sets nothing."""
    page.goto(f"{desk.url}/can-bo/toi")
    page.fill("#pin", "271828")
    page.fill("#pin-again", "271829")
    page.fill("#pin-password", PASSWORD)
    page.get_by_role("button", name="Lưu PIN").click()
    expect(page.locator("#say")).to_have_text("Hai lần nhập không giống nhau")
    assert desk.station.admin.get("/api/me").json()["officer"]["has_pin"] is False
    page.fill("#pin-again", "271828")
    with page.expect_navigation():
        page.get_by_role("button", name="Lưu PIN").click()
    expect(page.locator("legend .good")).to_have_text("✓ đã đặt")
    page.fill("#token-name", "Camera")
    page.get_by_role("button", name="Tạo, và hiện mã một lần").click()
    expect(page.locator("#once-secret")).to_have_text(re.compile(r"^kengd_\S{40,}$"))
    with page.expect_navigation():
        page.get_by_role("button", name="Đã ghi lại, đóng").click()
    page.on("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        page.locator("li", has_text="Camera").get_by_role("button", name="Thu hồi").click()
    expect(page.locator("main")).to_contain_text("Không có mã nào.")


def test_a_backup_is_downloaded_looked_into_and_restored_at_the_next_start(
    page: Page, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file from the browser goes back in by the browser; the hub ends to be started anew, with the other data beside it."""
    monkeypatch.setattr(sealing, "N", sealing.LEAST_N)
    config = tmp_path / "hub.toml"
    config.write_text(
        f'state_dir = "{tmp_path}"\n[commune]\nid = "{COMMUNE}"\nname = "Xã Cộng Lạc"\n[broker]\nnames = ["127.0.0.1"]\ntls = false\n',
        encoding="utf-8",
    )
    ended: list[bool] = []
    desk.server.desk.config = config
    desk.server.desk.restart = lambda: ended.append(True)
    page.goto(f"{desk.url}/sao-luu")
    page.fill("#pass", "ngắn")
    expect(page.locator("#strength")).to_have_text("ngắn quá: ít nhất 12 ký tự")
    page.fill("#pass", PASS)
    expect(page.locator("#strength")).to_have_text("được")
    page.fill("#pass-again", PASS)
    with page.expect_download() as coming:
        page.get_by_role("button", name="Sao lưu ngay, tải về").click()
    file = tmp_path / "handed.zip"
    coming.value.save_as(file)
    assert coming.value.suggested_filename.startswith(f"kengd-{COMMUNE}-")
    desk.station.officer("sau-do")

    page.set_input_files("#file", file)
    page.fill("#check-pass", "không phải câu này")
    page.locator("#check button").click()
    expect(page.locator("#say")).to_contain_text("mật khẩu sao lưu không đúng")
    expect(page.locator("#restore")).to_be_hidden()
    page.fill("#check-pass", PASS)
    page.locator("#check button").click()
    expect(page.locator("#found .sentence")).to_contain_text("Bản sao lưu còn nguyên")
    expect(page.locator("#found")).to_contain_text("thêm cán bộ Đồng chí sau-do, vai trò trực ban")
    page.fill("#commune-id", COMMUNE)
    page.locator("#restore button").click()
    page.wait_for_url(f"{desk.url}/", timeout=20_000)
    assert ended == [True]
    plan = staging.staged(tmp_path)
    assert plan is not None and (tmp_path / staging.NEXT / "ledger.sqlite").exists()
    page.goto(f"{desk.url}/sao-luu")
    expect(page.locator("main .banner.bad").first).to_contain_text("Đang chờ khởi động lại")


def test_the_first_steps_take_a_village_and_lead_on(page: Page, desk: Desk) -> None:
    """Its id is made of its name; the step that is next stands open."""
    page.goto(f"{desk.url}/bat-dau")
    expect(page.locator("details[open] summary")).to_contain_text("1. Mật khẩu và PIN của mình")
    page.locator("summary", has_text="2. Các thôn").click()
    page.fill("#new-name", "Thôn Đồng Sen")
    page.fill("#new-households", "95")
    with page.expect_navigation():
        page.get_by_role("button", name="Thêm thôn này").click()
    villages = desk.station.admin.get("/api/roster").json()["villages"]
    assert ("thon-dong-sen", "Thôn Đồng Sen", 95) in [(one["id"], one["name"], one["households"]) for one in villages]
    page.locator("summary", has_text="7. Đọc bảng").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Đã đọc").click()
    expect(page.locator("summary", has_text="7. Đọc bảng")).to_contain_text("✓ xong")


def test_who_waits_sees_the_seconds_and_who_comes_back_is_where_they_were(browser: Browser, desk: Desk) -> None:
    """The button is back when another try is allowed; the first steps come up only where no page was asked for."""
    with desk.station.hub.ledger.write() as connection:
        values.put_value(connection, PUT_AWAY, None)
    context = browser.new_context(locale="vi-VN")
    page = context.new_page()
    page.goto(f"{desk.url}/nhat-ky?viec=ring")
    expect(page.locator(".banner").first).to_contain_text("trở lại trang đang xem")
    page.fill("#login", "truong")
    for _ in range(7):
        page.fill("#password", "sai mật khẩu")
        with page.expect_response("**/api/session") as answered:
            page.click("#sign-in button")
        if answered.value.status == 429:
            break
        expect(page.locator("#sign-in button")).to_be_enabled()
    expect(page.locator("#wait")).to_have_text(re.compile(r"^Thử lại được sau \d+ giây$"))
    expect(page.locator("#sign-in button")).to_be_disabled()
    expect(page.locator("#sign-in button")).to_be_enabled(timeout=10_000)
    page.fill("#password", PASSWORD)
    page.click("#sign-in button")
    page.wait_for_url(f"{desk.url}/nhat-ky?viec=ring")
    context.clear_cookies()
    page.goto(desk.url)
    page.fill("#login", "truong")
    page.fill("#password", PASSWORD)
    page.click("#sign-in button")
    page.wait_for_url(f"{desk.url}/bat-dau")
    context.close()


def test_a_page_whose_device_was_signed_out_leads_to_the_door_and_back(
    browser: Browser, page: Page, desk: Desk
) -> None:
    """A lost phone that is signed out shows nothing more."""
    context = browser.new_context(locale="vi-VN")
    other = signed_in(context, desk)
    other.goto(f"{desk.url}/can-bo/toi")
    page.goto(f"{desk.url}/can-bo/toi")
    page.on("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        page.get_by_role("button", name="Mất điện thoại: đăng xuất mọi máy khác").click()
    other.fill("#token-name", "Máy")
    other.get_by_role("button", name="Tạo, và hiện mã một lần").click()
    other.wait_for_url(f"{desk.url}/vao?tu=%2Fcan-bo%2Ftoi")
    context.close()
