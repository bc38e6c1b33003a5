"""Map, board, book and roster in a real browser: places touched, posts chosen, a live point, cards found without marks."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.ledger import rosters
from kengd.hub.roster import Post
from kengd.hub.service import wall_ms
from tests.pages.browsing import PHONE, WIDE, Desk, signed_in

PLACES = {"an-lao": (0, 0), "bo-trang": (900, 400), "cau-ngang": (-600, 1100)}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One hub for all of these tests."""
    made = Desk(tmp_path_factory.mktemp("map"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def kept(browser: Browser, town: Desk) -> Iterator[Page]:
    """One officer's phone, signed in."""
    context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    yield signed_in(context, town)
    context.close()


@pytest.fixture
def page(kept: Page, town: Desk) -> Page:
    """Every post where it stands, ready, nothing under them."""
    for post, (x, y) in PLACES.items():
        assert town.station.admin.put(f"/api/posts/{post}/place", {"x": x, "y": y}).status_code == 200
        town.station.status(post)
    kept.set_viewport_size(PHONE)  # type: ignore[arg-type]
    return kept


def test_several_posts_are_chosen_on_the_map_and_are_the_orders(page: Page, town: Desk) -> None:
    """A tap says what a post does; with “several” it chooses; the order has them ticked."""
    page.goto(f"{town.url}/ban-do")
    page.click("#cho-an-lao a", force=True)
    expect(page.locator("#here")).to_contain_text("Điểm An Lão")
    expect(page.locator("#picked")).to_have_text("")
    page.click("#several")
    for post in ("bo-trang", "cau-ngang", "bo-trang"):
        page.click(f"#cho-{post} a", force=True)
    expect(page.locator("#picked")).to_have_text("Đã chọn: 1")
    page.locator("#here input").check()
    expect(page.locator("#picked")).to_have_text("Đã chọn: 2")
    expect(page.locator("#cho-bo-trang")).to_have_class("spot ready picked")
    page.click("#choose button")
    page.wait_for_url("**/danh-keng?*")
    chosen = page.locator("input[name=post]:checked").evaluate_all("all => all.map((one) => one.value)")
    assert sorted(chosen) == ["bo-trang", "cau-ngang"]


def test_a_point_changes_its_shape_and_word_as_its_bell_begins(page: Page, town: Desk) -> None:
    """Live, and what was chosen stays chosen."""
    page.goto(f"{town.url}/ban-do?post=an-lao")
    expect(page.locator("#cho-bo-trang a")).to_have_attribute("aria-label", "Điểm Bồ Tràng sẵn sàng")
    before = page.locator("#cho-bo-trang path").get_attribute("d")
    page.click("#cho-bo-trang a", force=True)
    sounding = Sounding("b" * 16, "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms())
    town.station.status("bo-trang", sounding=sounding)
    expect(page.locator("#cho-bo-trang a")).to_have_attribute("aria-label", "Điểm Bồ Tràng đang đánh")
    assert page.locator("#cho-bo-trang path").get_attribute("d") != before
    expect(page.locator("#here")).to_contain_text("ĐANG ĐÁNH Báo động")
    expect(page.locator("#here svg.blows rect").first).to_be_attached()
    expect(page.locator("#dong-an-lao input")).to_be_checked()


def test_a_post_is_put_where_the_plan_is_touched(page: Page, town: Desk) -> None:
    """Touched, read, then said yes to: in metres, to a few pixels' worth."""
    page.goto(f"{town.url}/ban-do?sua=1")
    page.select_option("#place-post", "cau-ngang")
    box = page.locator("#plan").bounding_box()
    frame = page.locator("#plan").evaluate("plan => ({...plan.dataset})")
    assert box is not None
    per_px = float(frame["width"]) / box["width"]
    page.locator("#plan").click(position={"x": 40, "y": 30}, force=True)
    wanted = float(frame["x"]) + 40 * per_px, float(frame["y"]) - 30 * per_px
    expect(page.locator("#place-at")).to_have_value("")
    with page.expect_navigation():
        page.click("#place button:not([type=button])")
    posts = {one["id"]: one for one in town.station.admin.get("/api/roster").json()["posts"]}
    assert (posts["cau-ngang"]["x"], posts["cau-ngang"]["y"]) == pytest.approx(wanted, abs=3 * per_px)
    page.select_option("#place-post", "an-lao")
    page.fill("#place-at", "không biết")
    page.click("#place button:not([type=button])")
    expect(page.locator("#say")).to_contain_text("gõ như 21.03, 105.85")


def png(width: int, height: int) -> bytes:
    """A grey one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_large_picture_is_made_small_uploaded_and_laid_by_two_touches(page: Page, town: Desk) -> None:
    """No more than a poor line carries, without what a camera writes beside it; under the posts at once."""
    page.goto(f"{town.url}/ban-do?sua=1")
    page.set_input_files("#file", {"name": "xa.png", "mimeType": "image/png", "buffer": png(4_800, 3_600)})
    with page.expect_navigation():
        page.click("#picture button:not([type=button])")
    kept = town.station.admin.get("/api/plan").json()["picture"]
    assert (kept["kind"], kept["width"], kept["height"]) == ("image/jpeg", 2_000, 1_500)
    expect(page.locator(".plan-ground image")).to_be_attached()
    page.fill("#lay-width", "6000")
    with page.expect_navigation():
        page.click("#lay button")
    assert town.station.admin.get("/api/plan").json()["picture"]["width_m"] == 6_000
    for number, post in enumerate(("bo-trang", "cau-ngang"), 1):
        page.select_option(f"#refer-{number}", post)
        page.click(f'[data-refer="{number}"]')
        at = page.locator(f"#cho-{post}").evaluate("""one => { const all = document.getElementById("plan");
            const part = (name, whole) => parseFloat(one.getAttribute(name)) / 100 * whole;
            return {x: part("x", all.clientWidth), y: part("y", all.clientHeight)}; }""")
        page.locator("#plan").click(position=at, force=True)
        expect(page.locator(f'[data-refer="{number}"]')).to_have_text("Đã chạm, chạm lại…")
    with page.expect_navigation():
        page.click("#refer button:not([type=button])")
    laid = town.station.admin.get("/api/plan").json()["picture"]
    assert laid["width_m"] == pytest.approx(6_000, rel=0.03), "touched where they were: it stays where it lay"
    page.once("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        page.click("#drop-picture")
    assert town.station.admin.get("/api/plan").json()["picture"] is None


def test_cards_are_found_without_marks_and_the_address_keeps_it(page: Page, town: Desk) -> None:
    """By name, village, group and state; a reload shows the same, and live changes keep to it."""
    with town.station.hub.ledger.write() as connection:
        for number in range(8):
            rosters.put_post(connection, Post(f"them-{number}", f"Điểm Đồng Sen {number}", ("bo-trang",)), 9)
    town.station.hub.forget_roster()
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto(town.url)
    shown = page.locator("#posts .card:visible")
    expect(shown).to_have_count(11)
    page.fill("#find", "dong sen 3")
    expect(shown).to_have_count(1)
    page.fill("#find", "bo trang")
    expect(shown).to_have_count(9)
    page.select_option("#group", "ven-song")
    expect(shown).to_have_count(1)
    assert "tim=bo+trang" in page.url and "nhom=ven-song" in page.url
    page.reload()
    expect(shown).to_have_count(1)
    page.goto(f"{town.url}/?tinh=rings")
    expect(shown).to_have_count(0)
    sounding = Sounding("c" * 16, "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms())
    town.station.status("cau-ngang", sounding=sounding)
    expect(shown).to_have_count(1)
    expect(page.locator('[data-state="rings"] b')).to_have_text("1")
    page.click('[data-state=""]')
    expect(shown).to_have_count(11)
    assert page.locator("#posts .card").first.get_attribute("id") == "diem-cau-ngang", "what rings is first"
    page.goto(f"{town.url}/?man-hinh=1")
    expect(page.locator(".hush-all").first).to_be_visible()
    expect(page.locator("nav.rooms")).to_be_hidden()
    expect(page.locator("#line")).to_contain_text(":")
    with town.station.hub.ledger.write() as connection:
        for number in range(8):
            rosters.retire_post(connection, f"them-{number}", wall_ms())
    town.station.hub.forget_roster()


def test_a_village_a_keeper_and_a_group_are_entered_on_a_phone(page: Page, town: Desk) -> None:
    """An id follows the name and never takes another's place; what helps whom is put whole."""
    page.goto(f"{town.url}/danh-ba/them/thon")
    page.fill("#name", "Thôn Đồng Sen")
    expect(page.locator("#id")).to_have_value("thon-dong-sen")
    page.fill("#name", "An Lão")
    expect(page.locator("#id")).to_have_value("an-lao-2")
    page.fill("#households", "75")
    page.click("#main form button:has-text('Lưu')")
    page.wait_for_url("**/danh-ba")
    page.goto(f"{town.url}/danh-ba/thon/an-lao-2")
    page.select_option("#helps-an-lao", "itself")
    page.click("text=Lưu các thôn giúp")
    page.wait_for_url("**/danh-ba")
    page.goto(f"{town.url}/danh-ba/them/nguoi?post=an-lao")
    page.fill("#name", "Ông Sáu")
    page.fill("#phone", "abc")
    page.click("#main form button:has-text('Lưu')")
    expect(page.locator("#say")).to_contain_text("số điện thoại")
    page.fill("#phone", "0988 000 111")
    page.click("#main form button:has-text('Lưu')")
    page.wait_for_url("**/danh-ba")
    page.fill("#find", "ong sau")
    expect(page.locator("li.card:visible")).to_have_count(1)
    page.goto(f"{town.url}/danh-ba/them/nhom")
    page.fill("#name", "Hai điểm")
    page.check("input[value=an-lao]")
    page.check("input[value=bo-trang]")
    page.click("#main form button:has-text('Lưu')")
    page.wait_for_url("**/danh-ba")
    told = town.station.admin.get("/api/roster").json()
    assert {"village": "an-lao-2", "neighbour": "an-lao", "by_itself": True} in told["neighbours"]
    assert {"id": "hai-diem", "name": "Hai điểm", "posts": ["an-lao", "bo-trang"]} in told["groups"]
    assert next(one for one in told["villages"] if one["id"] == "an-lao-2")["households"] == 75
    page.goto(f"{town.url}/danh-ba/nguoi/ong-sau")
    page.click("#show-data")
    expect(page.locator("#data")).to_contain_text("0988 000 111")
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("text=Xóa người này")
    page.wait_for_url("**/danh-ba")
    assert "ong-sau" not in town.station.admin.get("/api/roster").text
