"""One night in the duty room, in Vietnamese and with nothing faked: hub, broker with TLS, five posts as processes, a browser.

First run, a post let in, one ring, five rings, a keeper's alarm, one post gone, the outcome, the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.broker import free_port
from tests.hub.commune import Bell, until
from tests.pages.browsing import PHONE, a_whole_hold, watched
from tests.pages.night import KEEPER, PIN, Night, keepers_phone

POSTS = {"dong": "Thôn Đông", "tay": "Thôn Tây", "nam": "Thôn Nam", "bac": "Thôn Bắc"}
LAST = "giua"


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    made = Night(tmp_path, POSTS)
    yield made
    made.close()


def test_a_whole_night_from_the_first_sign_in_to_the_report(night: Night, browser: Browser) -> None:
    """The way that an officer goes, on a phone, by nothing but what stands on the pages."""
    context = browser.new_context(viewport=PHONE, locale="vi-VN", accept_downloads=True)  # type: ignore[arg-type]
    page = watched(context)
    _first_run(page, night)
    _let_in(page, night)
    _one_rings(page, night)
    incident = _five_ring_and_are_hushed(page, night)
    _keepers_alarm(browser, page, night)
    _one_is_absent(page, night)
    _outcome_and_report(page, night, incident)
    context.close()


def _first_run(page: Page, night: Night) -> None:
    """The password of the first sign-in opens nothing but its own change."""
    night.first_sign_in(page)
    page.goto(f"{night.url}/danh-keng")
    page.wait_for_url("**/mat-khau")
    night.own_password(page)
    page.goto(night.url)
    for post in POSTS:
        expect(page.locator(f"#diem-{post} .state")).to_contain_text("sẵn sàng")


def _let_in(page: Page, night: Night) -> None:
    """The wizard with the installer's own template; the file, once; the page waits until the post is there."""
    web = free_port()
    page.goto(f"{night.url}/diem-keng/moi")
    page.fill("#name", "Kẻng giữa làng")
    page.fill("#id", LAST)
    page.fill("#new-village", "Thôn Giữa")
    page.click("#add-village")
    page.locator("summary", has_text="mẫu cài đặt có sẵn").click()
    template = night.commune.template(night.commune.directory / LAST, web)
    page.fill("#template", template)
    page.click("#add-keeper")
    row = page.locator("#keepers fieldset").last
    row.locator("[data-key=name]").fill(KEEPER)
    row.locator("[data-key=pin]").fill(PIN)
    row.locator("[data-key=again]").fill(PIN)
    expect(page.locator("#verdict")).to_contain_text("Điểm kẻng đọc được tệp này")
    with page.expect_download() as got:
        page.click("#make")
    expect(page.locator("#wait")).to_contain_text("Chưa thấy điểm kẻng")
    night.begin(LAST, got.value.path().read_bytes(), web)
    expect(page.locator("#wait")).to_contain_text("mọi thứ tốt", timeout=30_000)


def _keepers_alarm(browser: Browser, page: Page, night: Night) -> None:
    """H6: a keeper's phone at the post's own page: PIN, a whole hold, the bell; the duty room sees who and where, and takes it."""
    bell = night.commune.bells[LAST]
    context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    phone = keepers_phone(context, bell)
    a_whole_hold(phone, "[data-ring=alarm]")
    expect(phone.locator("#now")).to_contain_text("ĐANG ĐÁNH")
    expect(page.locator(".incident.untaken h2")).to_contain_text("Báo động: Thôn Giữa")
    page.get_by_role("button", name="Tôi nhận xử lý").click()
    expect(phone.locator("#now")).to_contain_text("công an đã nhận xử lý (sáng liền)")
    phone.click("#hush")
    expect(phone.locator("#now")).to_contain_text("CHƯA hết báo động")
    expect(page.locator(f"#diem-{LAST} .state")).to_contain_text("sẵn sàng")
    context.close()


def _one_rings(page: Page, night: Night) -> None:
    """Chosen at its card, held, followed, stopped."""
    page.goto(night.url)
    page.locator("#diem-dong h3 a").click()
    _order(page, "trộm đột nhập")
    expect(page.locator(".card .state")).to_contain_text("đang đánh")
    assert until(lambda: night.commune.bells["dong"].edges(), 5, "the relay moves")[0] == 1
    page.click(".top .hush-all")
    expect(page.locator("#say")).to_contain_text("chưa phải hết báo động")
    until(lambda: night.commune.bells["dong"].edges()[-1] == 0, 10, "it is silent")
    expect(page.locator(".card .state")).to_contain_text("bị ngắt")


def _five_ring_and_are_hushed(page: Page, night: Night) -> str:
    """All of them: held twice; every one of five says that it rings; one press ends all. The incident that it is."""
    page.goto(f"{night.url}/danh-keng")
    page.check("input[name=all]")
    _order(page, "nước lũ lên", twice=True)
    sounding = page.locator(".card.rings .state", has_text="đang đánh")
    expect(sounding).to_have_count(5)
    page.goto(night.url)
    expect(page.locator("#posts .card.rings")).to_have_count(5)
    page.click(".top .hush-all")
    expect(page.locator("#posts .card.rings")).to_have_count(0)
    for bell in night.commune.bells.values():
        until(partial(_silent, bell), 10, f"{bell.id} is silent")
    links = page.locator(".incident a[href^='/vu-viec/']")
    return str(links.first.get_attribute("href"))


def _one_is_absent(page: Page, night: Night) -> None:
    """Said on the board, said before the order, and said for each order that it does not answer."""
    night.commune.bells["tay"].end()
    page.goto(night.url)
    expect(page.locator("#diem-tay .state")).to_contain_text("Không nhận được lệnh từ đây: mất liên lạc từ")
    page.goto(f"{night.url}/danh-keng?post=tay")
    _order(page, "cháy nhà", warned="mất liên lạc")
    expect(page.locator(".card .state")).to_contain_text("chưa trả lời: mất liên lạc từ")
    page.click(".top .hush-all")


def _outcome_and_report(page: Page, night: Night, incident: str) -> None:
    """What it was is written down, and stands in the month's report."""
    page.goto(night.url + incident)
    page.select_option("#kind", "disaster")
    page.fill("#done", "đưa bà con lên đê")
    with page.expect_navigation():
        page.click("#outcome button")
    expect(page.locator("main .banner strong").first).to_have_text("thiên tai")
    page.goto(f"{night.url}/bao-cao")
    expect(page.locator("main")).to_contain_text("Thiên tai")
    rings = page.locator(".figures div", has_text="Lần đánh thật").locator("dd")
    expect(rings).to_have_text("7")


def _silent(bell: Bell) -> bool:
    return bell.edges()[-1] == 0


def _order(page: Page, why: str, *, twice: bool = False, warned: str | None = None) -> None:
    page.fill("#why", why)
    page.click("#ring > p button")
    expect(page.locator("#sentence")).to_contain_text("Đánh THẬT")
    if warned is not None:
        expect(page.locator("#warnings")).to_contain_text(warned)
    a_whole_hold(page, "#fire")
    if twice:
        expect(page.locator("#fire")).to_contain_text("GIỮ LẦN NỮA")
        a_whole_hold(page, "#fire")
    page.wait_for_url(re.compile(r"/lenh/"))
