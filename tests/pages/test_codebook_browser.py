"""A chief changes a signal in a real browser: said, drawn, heard, tapped, sent; and what the posts answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from kengd.hub.founding import SETTINGS_OF
from kengd.hub.ledger import values
from kengd.settings.find import EXAMPLE
from tests.hub.test_hub_codebook import SIREN
from tests.pages.browsing import PHONE, Desk, signed_in

CALM = "3 hồi, mỗi hồi 3 tiếng thong thả, cách 5 giây"


@pytest.fixture(scope="module")
def town(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Page]]:
    """One hub for all of it: a bell, a siren, and a chief's phone."""
    desk = Desk(tmp_path_factory.mktemp("codes"))
    with desk.station.hub.ledger.write() as connection:
        values.put_value(connection, f"{SETTINGS_OF}an-lao", EXAMPLE.read_text())
        values.put_value(connection, f"{SETTINGS_OF}bo-trang", SIREN)
    for post in ("an-lao", "bo-trang"):
        desk.station.status(post)
    context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    page = signed_in(context, desk)
    page.on("dialog", lambda dialog: dialog.accept())
    yield desk, page
    context.close()
    desk.close()


@pytest.fixture
def nightly(town: tuple[Desk, Page]) -> Iterator[tuple[Page, Locator]]:
    """The nightly ring in the editor, opened; no draft is left behind by those before."""
    desk, page = town
    draft = desk.station.admin.get("/api/codes/codebook/draft").json()
    if draft["rev"]:
        desk.station.admin.post("/api/codes/codebook/draft/strike", {"rev": draft["rev"]})
    page.goto(f"{desk.url}/hieu-lenh/sua?tu=mau:cong_lac")
    place = page.locator(".signal[data-id=curfew]")
    place.locator("summary").first.click()
    expect(place.locator(".answer")).to_contain_text("5 tiếng, cách nhau 2 giây")
    yield page, place


def blows(place: Locator) -> int:
    """How many the page has planned since it began to play."""
    return int(place.locator("button.play").get_attribute("data-blows") or 0)


def held(page: Page) -> None:
    box = page.locator("#fire").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(1_300)
    page.mouse.up()


def test_what_is_written_is_drawn_and_told_or_the_mistake_is_shown(nightly: tuple[Page, Locator]) -> None:
    """Nobody has to know the notation: a mistake offers a line that can be read, a list offers what others ring."""
    _, place = nightly
    place.locator("[name=pattern]").fill("3 hồi dài")
    expect(place.locator(".answer")).to_contain_text("3 hồi thì phải nói cách nhau bao lâu")
    expect(place.locator(".hear")).to_be_hidden()
    place.get_by_role("button", name="Viết lại thành: 3 hồi dài, cách 3 giây").click()
    expect(place.locator(".answer")).to_contain_text("3 lần (23 tiếng, cách nhau 900 ms), giữa hai lần nghỉ 3 giây")
    expect(place.locator("svg.line circle")).to_have_count(69)
    expect(place.locator(".answer .bad")).to_contain_text("8 giây đầu nghe giống “1 hồi dài nhanh dần;")
    place.locator("[name=model]").select_option("2 hồi dài, cách 3 giây")
    expect(place.locator("svg.line circle")).to_have_count(46)
    expect(place.locator("[name=pattern]")).to_have_value("2 hồi dài, cách 3 giây")


def test_a_code_is_heard_to_its_end_or_until_it_is_stopped(nightly: tuple[Page, Locator]) -> None:
    """Web Audio from a press, bell or siren; the play-head goes along; every blow is planned once, and none after a stop."""
    page, place = nightly
    place.locator("[name=pattern]").fill("3 tiếng dồn dập")
    expect(place.locator("svg.line circle")).to_have_count(3)
    button = place.locator("button.play")
    button.click()
    expect(button).to_have_text("■ Thôi nghe")
    expect(place.locator(".head")).to_have_attribute("visibility", "visible")
    expect(button).to_have_text("▶ Nghe")
    assert blows(place) == 3
    page.select_option("#bell", "siren")
    place.locator("[name=pattern]").fill("(hú 1 giây; nghỉ 500 ms) 9 lần")
    expect(place.locator("svg.line rect")).to_have_count(9)
    button.click()
    expect(button).to_have_attribute("data-blows", "1")
    button.click()
    expect(button).to_have_text("▶ Nghe")
    planned = blows(place)
    page.wait_for_timeout(1_800)  # nothing happens any more
    assert blows(place) == planned < 9


@pytest.mark.parametrize("way", ["finger", "space"])
def test_a_tapped_rhythm_becomes_a_code(nightly: tuple[Page, Locator], way: str) -> None:
    """Five taps, by finger or by the space bar; what was rounded is told."""
    page, place = nightly
    place.get_by_role("button", name="Gõ thử…").click()
    box = page.locator("#pad").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    press, release = (page.mouse.down, page.mouse.up) if way == "finger" else _space(page)
    for _ in range(5):
        press()
        page.wait_for_timeout(40)
        release()
        page.wait_for_timeout(300)
    expect(page.locator("#tapped")).to_have_text("5")
    page.click("#tap-done")
    expect(place.locator("[name=pattern]")).to_have_value(re.compile(r"^5 tiếng( dồn dập| mỗi tiếng \d+ ms)?$"))
    expect(place.locator(".rounded")).to_contain_text(
        re.compile(r"^(Đã làm tròn: gõ (từ )?\d+ ms|Gõ đều, không phải làm tròn gì)")
    )
    expect(place.locator("svg.line circle")).to_have_count(5)


def _space(page: Page) -> tuple[Callable[[], None], Callable[[], None]]:
    return lambda: page.keyboard.down(" "), lambda: page.keyboard.up(" ")


def test_a_codebook_is_tried_sent_held_and_answered_by_each_post(
    town: tuple[Desk, Page], nightly: tuple[Page, Locator]
) -> None:
    """From the draft to what each post says, without touching the page again: taken by one, refused by another with its reason."""
    desk, page = town
    _, place = nightly
    place.locator("[name=pattern]").fill(CALM)
    expect(place.locator(".answer")).to_contain_text("giữa hai lần nghỉ 5 giây")
    page.click("#go")
    page.wait_for_url("**/hieu-lenh/gui/codebook")
    expect(page.locator("label", has_text="Điểm An Lão")).to_contain_text("kẻng ở đây đánh được")
    expect(page.locator("label", has_text="Điểm Bồ Tràng")).to_contain_text("sẽ từ chối")
    expect(page.locator("[name=post][value=bo-trang]")).not_to_be_checked()
    page.check("[name=post][value=bo-trang]")
    page.uncheck("[name=post][value=cau-ngang]")
    page.click("#settle > p button")
    expect(page.locator("#sentence")).to_have_text(
        "Gửi bảng hiệu lệnh bản số 1 tới Điểm An Lão, Điểm Bồ Tràng (200 hộ nghe thấy): "
        "nhận được là kẻng ở đó đánh theo bảng này, phải báo cho dân biết."
    )
    held(page)
    page.wait_for_url("**/lenh/tr-*")
    expect(page.locator("h1")).to_have_text("Bảng hiệu lệnh bản số 1")
    order = page.url.rpartition("/")[2]
    desk.station.answers(order, "an-lao", "received", "settings_changed")
    why = {"vi": "cách đánh này nhanh quá, còi không theo kịp", "why": "too fast"}
    desk.station.answers(order, "bo-trang", "refused", reason="cannot_play", detail=why)
    expect(page.locator(".card", has_text="Điểm An Lão").locator(".state")).to_have_text("đã làm xong")
    expect(page.locator(".card", has_text="Điểm Bồ Tràng")).to_contain_text("còi không theo kịp")
    page.goto(f"{desk.url}/hieu-lenh")
    expect(page.locator("section", has_text="Điểm An Lão").first).to_contain_text(CALM)
    page.get_by_role("link", name="Quay lại bản này…").click()
    expect(page.locator("main")).to_contain_text("Nội dung của bản số 1, gửi lại thành bản số 2")


def test_a_timetable_shows_its_next_days_as_it_is_written(town: tuple[Desk, Page]) -> None:
    """A day without it is said in lunar dates, and stands in the preview at once."""
    desk, page = town
    page.goto(f"{desk.url}/hieu-lenh/gio")
    expect(page.locator("#days tr")).to_have_count(14)
    lunar = page.locator("#days tr").nth(5).locator("td").nth(1).inner_text()
    line = page.locator(".line-fields")
    line.locator("[name=hour]").fill("21")
    line.locator("[name=minute]").fill("30")
    line.locator("[name=except]").fill(f"{lunar}; 32/13 âm")
    expect(line.locator(".problem")).to_contain_text("không có ngày âm lịch này")
    line.locator("[name=except]").fill(lunar)
    expect(page.locator("#days tr").nth(4)).to_contain_text("21:30 Báo yên (kẻng đêm 22h)")
    expect(page.locator("#days tr").nth(5)).to_contain_text(f"(nghỉ, theo “{lunar}”)")
    expect(line.locator(".problem")).to_be_empty()
    page.click("#go")
    page.wait_for_url("**/hieu-lenh/gui/timetable")
    expect(page.locator("label", has_text="Điểm An Lão")).to_contain_text("kẻng ở đây đánh được")


def test_what_another_officer_has_kept_is_not_overwritten(
    nightly: tuple[Page, Locator], town: tuple[Desk, Page]
) -> None:
    """The second is told, and his page still holds what he wrote."""
    desk, _ = town
    page, place = nightly
    place.locator("[name=pattern]").fill("7 tiếng")
    content = {
        "use": "cong_lac",
        "signals": [{"id": "alarm", "kind": "alarm", "name": "Báo động", "pattern": "1 tiếng"}],
    }
    assert desk.station.admin.put("/api/codes/codebook/draft", {"rev": "", **content}).status_code == 200
    page.click("#keep")
    expect(page.locator("#say")).to_contain_text("vừa được người khác sửa hoặc gửi đi")
    expect(place.locator("[name=pattern]")).to_have_value("7 tiếng")
