"""The wizard in a real browser: from a name to the file on the disk and a post that comes up; what is wrong is said at its field."""

from __future__ import annotations

import tomllib
from pathlib import Path

from playwright.sync_api import Page, expect

from kengd.duty.health import condition
from kengd.settings.dropped import read_dropped
from kengd.settings.find import read_as
from kengd.settings.keycheck import key_problems
from kengd.settings.overlay import Overlays
from kengd.wire.pin import pin_holds, read_pins
from tests.pages.browsing import Desk


def begun(page: Page, desk: Desk, query: str = "") -> None:
    """The wizard, as far as its name."""
    page.goto(f"{desk.url}/diem-keng/moi{query}")
    expect(page.locator("#buttons fieldset")).to_have_count(3)


def downloaded(page: Page, directory: Path) -> bytes:
    """The file, as it lies on the officer's disk."""
    with page.expect_download() as got:
        page.click("#make")
    file = directory / "kengd.toml"
    assert got.value.suggested_filename == "kengd.toml"
    got.value.save_as(file)
    return file.read_bytes()


def test_a_post_is_let_in_from_its_name_to_green(page: Page, desk: Desk, tmp_path: Path) -> None:
    """The whole way: proposed id, a new village, a keeper with a PIN, a pin that is moved, the file, QR codes, and the post comes."""
    begun(page, desk)
    page.fill("#name", "Kẻng Đồng Sen, đình làng")
    expect(page.locator("#id")).to_have_value("dong-sen-dinh-lang")
    page.fill("#id", "dong-sen")
    page.fill("#new-village", "Thôn Đồng Sen")
    page.fill("#new-households", "75")
    page.click("#add-village")
    page.fill("#names", "10.0.0.31")
    expect(page.locator("#page")).to_have_value("http://10.0.0.31:8480/vi-sao")
    page.select_option("[data-where='gpio.relay.pin']", "27")
    page.click("#add-keeper")
    page.fill("[data-where='keepers[1].name']", "Ông Bảy")
    page.fill("[data-where='keepers[1].phone']", "0987 654 321")
    expect(page.locator("#verdict")).to_contain_text("Điểm kẻng đọc được tệp này")
    with page.expect_event("dialog") as asked:  # no PIN: that is asked before a file is made
        page.click("#make")
    assert "Ông Bảy. Vẫn tạo tệp?" in asked.value.message
    asked.value.dismiss()
    expect(page.locator("#done")).to_be_hidden()
    page.click("#keepers .dice")
    pin = page.locator("#keepers .made").inner_text()
    expect(page.locator("#verdict")).to_contain_text("Điểm kẻng đọc được tệp này")
    expect(page.locator("#preview")).to_contain_text("pin = 27")
    dropped = read_dropped(downloaded(page, tmp_path), "kengd.toml")
    assert key_problems(dropped.keys, dropped.lines) == [] and dropped.settings is not None
    loaded = read_as(dropped.settings.encode(), tmp_path / "kengd.toml", overlays=Overlays())
    assert (loaded.plan.post_id, loaded.plan.villages, loaded.plan.relay.pin) == ("dong-sen", ("Thôn Đồng Sen",), 27)
    assert pin_holds(read_pins(dropped.keys["web.pins"]).by_name["Ông Bảy"], pin)
    expect(page.locator("#pins-list")).to_contain_text(pin)
    expect(page.locator("#wait")).to_contain_text("Chưa thấy điểm kẻng")
    assert page.locator("#public img").evaluate("(one) => one.decode().then(() => one.naturalWidth > 0)")
    desk.station.status("dong-sen", conditions=(condition("button_stuck", "alarm"),))
    expect(page.locator("#wait")).to_contain_text("Điểm kẻng đã lên.")
    expect(page.locator("#wait")).to_contain_text("gọi người giữ kẻng gỡ nút")
    desk.station.status("dong-sen")
    expect(page.locator("#wait")).to_contain_text("Điểm kẻng đã lên, mọi thứ tốt")
    page.locator("#wait [data-test]").click()
    page.wait_for_url("**/lenh/tr-*")
    roster = desk.station.admin.get("/api/roster").json()
    village = next(one for one in roster["villages"] if one["name"] == "Thôn Đồng Sen")
    assert village["households"] == 75 and "Ông Bảy" in [one["name"] for one in roster["keepers"]]


def test_what_is_wrong_is_said_at_its_field_before_a_file_is_made(page: Page, desk: Desk) -> None:
    """Taken pins cannot be chosen and say by whom; a bound that is broken stands beside its field with the cure; no file."""
    begun(page, desk)
    page.click("#make")
    expect(page.locator("#say")).to_contain_text("Ghi tên và mã điểm")
    page.fill("#name", "Kẻng Hạ")
    relay = page.locator("[data-where='gpio.relay.pin']")
    taken = relay.locator("option[value='5']")
    expect(taken).to_be_disabled()
    expect(taken).to_have_text("GPIO5 (chân 29): đã dùng cho nút alarm")
    expect(relay.locator("option[value='14']")).to_be_disabled()
    page.fill("[data-where='bell.hold_ms'][data-kind=striker]", "900")
    expect(page.locator("[data-where='bell.hold_ms'][data-kind=striker]")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("p.problem")).to_contain_text("nhiều nhất là 400")
    page.click("#make")
    expect(page.locator("#say")).to_contain_text("Còn chỗ phải sửa")
    page.fill("[data-where='bell.hold_ms'][data-kind=striker]", "120")
    expect(page.locator("p.problem")).to_have_count(0)
    page.fill("#names", "127.0.0.1")
    expect(page.locator("p.problem")).to_contain_text("là tên của máy trực ban")
    page.fill("#names", "")
    page.check("[name=kind][value=siren]")
    expect(page.locator("#use")).to_have_value("coi_hu")
    expect(page.locator("#preview")).to_contain_text('kind = "siren"')
    page.locator("summary", has_text="mẫu cài đặt").click()
    page.set_input_files(
        "#template-file", {"name": "mau.toml", "mimeType": "text/plain", "buffer": b"[gpio]\npins = 7\n"}
    )
    expect(page.locator("#own")).to_be_hidden()
    expect(page.locator("#template")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#problems")).to_contain_text("7 không dùng được")
    assert desk.station.hub.authority.index.valid("post") == ()


def test_a_unit_is_swapped_with_all_that_its_post_had(page: Page, desk: Desk, tmp_path: Path) -> None:
    """Prefilled from its last file; the old certificates end, the keeper's PIN goes with it, nothing has to be typed."""
    tables = {
        "gpio": {
            "pins": "kengd",
            "relay": {"pin": 26},
            "inputs": [{"name": "rung", "pin": 24, "means": "proof_of_sound"}],
        }
    }
    keeper = {"name": "Bà Tư", "pin": "270615"}
    form = {"id": desk.station.act(), "name": "Điểm Hạ", "villages": ["an-lao"], "tables": tables, "keepers": [keeper]}
    assert desk.station.admin.post("/api/posts/ha/enrol", form).status_code == 200
    old = desk.station.hub.authority.index.valid("post", "ha")
    page.goto(f"{desk.url}/diem-keng/moi?theo=ha")
    expect(page.locator("[data-where='gpio.relay.pin']")).to_have_value("26")
    expect(page.locator("main > .banner.bad")).to_have_count(0)
    page.goto(f"{desk.url}/diem-keng/moi?thay=cau-ngang")
    expect(page.locator("main > .banner.bad")).to_contain_text("không giữ tệp cũ của điểm này")
    page.goto(f"{desk.url}/diem-keng/ha/xem")
    page.get_by_role("link", name="Thay máy hỏng").click()
    expect(page.locator("h1")).to_have_text("Thay máy hỏng: Điểm Hạ")
    expect(page.locator("[data-where='gpio.relay.pin']")).to_have_value("26")
    expect(page.locator("#verdict")).to_contain_text("Điểm kẻng đọc được tệp này")
    page.on("dialog", lambda dialog: dialog.accept())
    data = tomllib.loads(downloaded(page, tmp_path).decode())
    assert data["gpio"]["inputs"] == tables["gpio"]["inputs"] and data["post"]["villages"] == ["Thôn An Lão"]
    assert pin_holds(read_pins(data["keys"]["web.pins"]).by_name["Bà Tư"], "270615")
    assert not set(old) & set(desk.station.hub.authority.index.valid("post", "ha"))


def test_a_post_is_silenced_and_a_bad_button_locked_from_its_card(page: Page, desk: Desk) -> None:
    """For how long and why; which button, as its file names them. Each is one order, followed like any other."""
    desk.station.status("an-lao")
    page.goto(f"{desk.url}/diem-keng")
    card = page.locator("#may-an-lao")
    expect(card.locator(".state")).to_contain_text("sẵn sàng")
    desk.station.absent("an-lao")
    expect(card.locator(".state")).to_contain_text("mất liên lạc từ")
    for deed, done in (("silence", "silence"), ("lock", "lock_input")):
        page.goto(f"{desk.url}/diem-keng")
        card.locator("summary").click()
        card.locator(f"[data-{deed}]").click()
        page.fill(f"#{deed}-why", "đám tang")
        page.click(f"#{deed} button[value=go]")
        page.wait_for_url("**/lenh/tr-*")
        assert desk.station.admin.get("/api/dispatches").json()["dispatches"][0]["do"] == done
