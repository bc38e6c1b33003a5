"""The post's pages in a real browser: a keeper's phone, a villager's without JavaScript, a line that is lost, training."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.browsing import PHONE
from tests.pages.looking import Look, look
from tests.pages.post_served import PAGES, Served, evening, fail, signed_in
from tests.web.paper_post import PIN_OF, THAI, last_night_ms

SMALL = {"width": 480, "height": 320}
HEAVIEST = 60_000
"""Bytes over the wire of a page with everything it loads."""


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.stop()


@pytest.fixture
def keeper(browser: Browser, served: Served) -> Iterator[Page]:
    """His phone."""
    context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    yield signed_in(context, served)
    context.close()


def presses(page: Page, selector: str, ms: int) -> None:
    """A finger on this button for so long."""
    page.locator(selector).scroll_into_view_if_needed()
    box = page.locator(selector).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(ms)
    page.mouse.up()


def acts(served: Served) -> list[Any]:
    """What the belfry was asked: what, which signal or activation."""
    return [one[:2] for one in served.post.asked]


def lost_after_s(page: Page, served: Served) -> float:
    """The post answers no more: how long until the page says so."""
    page.evaluate("""new MutationObserver(() => {
        if (document.documentElement.classList.contains("is-lost")) window.lostAt ??= Date.now();
    }).observe(document.documentElement, { attributeFilter: ["class"] })""")
    served.stop()
    silent_s = time.time()
    expect(page.locator("#lost")).to_be_visible(timeout=9_000)
    return float(page.evaluate("window.lostAt")) / 1_000 - silent_s


ALARM = "[data-ring=alarm]"
LOST_S = 5.0 + 0.5
"""What is promised, and what this machine may take to notice."""


def test_a_keeper_holds_the_alarm_sees_it_ring_and_stops_it(keeper: Page, served: Served) -> None:
    """A slip of the finger rings nothing (R48); a second is one ring, said in words, drawn live; the stop is one press."""
    presses(keeper, ALARM, 500)
    expect(keeper.locator("#say")).to_have_text("Chưa đánh: giữ đủ 1 giây.")
    keeper.wait_for_timeout(700)
    assert acts(served) == []
    presses(keeper, ALARM, 1_200)
    expect(keeper.locator("#say")).to_have_text("Đang đánh: Báo động")
    expect(keeper.locator("#now .sentence")).to_contain_text("ĐANG ĐÁNH Báo động")
    expect(keeper.locator("#now")).to_contain_text("Ông Thái, trang này")
    expect(keeper.locator("svg.blows rect").first).to_be_attached()
    keeper.go_back()
    keeper.go_forward()
    expect(keeper.locator("#hush-too")).to_be_hidden()
    keeper.locator("#sign-out").scroll_into_view_if_needed()
    keeper.click("#hush-too")
    expect(keeper.locator("#say")).to_contain_text("chưa hết báo động")
    expect(keeper.locator("#now .state.bad")).to_have_text("Kẻng đang im, nhưng CHƯA hết báo động.")
    assert served.post.asked == [("ring", "alarm", "actual", THAI, None), ("hush", None, THAI, None)]


@pytest.mark.parametrize(
    "falls_asleep",
    [
        "document.dispatchEvent(new Event('visibilitychange'))",
        "(() => { const until = performance.now() + 2700; while (performance.now() < until); })()",
    ],
    ids=["its page is hidden", "it stands still"],
)
def test_a_phone_that_goes_to_sleep_in_a_hold_rings_nothing(keeper: Page, served: Served, falls_asleep: str) -> None:
    """R48: nobody has held it for a second; the next whole hold rings."""
    keeper.hover(ALARM)
    keeper.mouse.down()
    keeper.evaluate(falls_asleep)
    keeper.wait_for_timeout(1_200)
    keeper.mouse.up()
    assert acts(served) == []
    presses(keeper, ALARM, 1_200)
    expect(keeper.locator("#say")).to_have_text("Đang đánh: Báo động")
    assert acts(served) == [("ring", "alarm")]


def test_on_the_small_screen_at_the_post_alarm_and_stop_are_in_sight(keeper: Page) -> None:
    """480 by 320, without scrolling either way."""
    keeper.set_viewport_size(SMALL)  # type: ignore[arg-type]
    for button in (ALARM, "#hush"):
        expect(keeper.locator(button)).to_be_in_viewport(ratio=1)
    assert keeper.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]


def test_with_letters_twice_as_large_both_buttons_are_in_sight_and_no_word_covers_them(keeper: Page) -> None:
    """Old eyes: on a phone at 200 %; and what is said, be it long, is said above the buttons, as wide as its text at usual size."""
    keeper.click("#hush")
    expect(keeper.locator("#say")).to_have_text("Không có kẻng nào đang kêu.")
    said, first = keeper.locator("#say").bounding_box(), keeper.locator(ALARM).bounding_box()
    assert said is not None and first is not None
    assert said["y"] + said["height"] <= first["y"] and said["width"] < PHONE["width"]
    keeper.evaluate("document.documentElement.style.fontSize = '200%'")
    for button in (ALARM, "#hush"):
        expect(keeper.locator(button)).to_be_in_viewport(ratio=1)
    assert keeper.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_wrong_pin_is_said_beside_its_field_and_the_wait_counts_down(browser: Browser, served: Served) -> None:
    """Nobody looks for it at the edge of the page; how long to wait is true while it is read."""
    context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{served.url}/vao")
    for _ in range(12):
        page.fill("#pin", "000001")
        with page.expect_response("**/api/keeper/session") as answer:
            page.click("#sign-in button")
        if answer.value.status == 429:
            break
        expect(page.locator("#pin + #why-not")).to_contain_text("mã PIN không đúng")
    note = page.locator("#pin + #why-not")
    expect(note).to_contain_text("hãy chờ")
    first = note.inner_text()
    expect(note).not_to_have_text(first, timeout=4_000)
    expect(page.locator("#say")).to_be_empty()
    context.close()


def test_the_keyboard_holds_too_and_a_refusal_is_said(keeper: Page, served: Served) -> None:
    """Somebody without a mouse; why not, in words that stay."""
    served.post.refuses = "cannot_play"
    keeper.locator(ALARM).focus()
    keeper.keyboard.down("Enter")
    expect(keeper.locator("#say.bad")).to_have_text("Từ chối: điểm kẻng này không thực hiện được nội dung lệnh")
    keeper.keyboard.up("Enter")
    assert acts(served) == [("ring", "alarm")]


def test_what_happens_elsewhere_is_there_within_a_second(keeper: Page, served: Served) -> None:
    """A button, the police, a fault: without touching the page."""
    served.post.rings(place="nhà văn hóa")
    began = time.monotonic()
    expect(keeper.locator("#now .sentence")).to_contain_text("ĐANG ĐÁNH")
    assert time.monotonic() - began < 1.0
    served.post.taken = True
    served.post.ail("mains_lost", True)
    expect(keeper.locator("#now")).to_contain_text("công an đã nhận xử lý")
    expect(keeper.locator("#now .banner")).to_contain_text("Mất điện lưới")


def test_ages_and_the_time_are_the_posts_whatever_the_phone_believes(keeper: Page, served: Served) -> None:
    """A cheap phone whose clock is hours ahead: since when it rings, and what time it is at the post."""
    keeper.clock.set_fixed_time(time.time() + 5 * 3_600 + 420)
    keeper.reload()
    served.post.rings()
    expect(keeper.locator("#now .sounds time")).to_have_text(re.compile(r"^\d giây trước$"))
    line = keeper.locator("#line")
    expect(line).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    shown, true_s = line.inner_text().split(":"), int(time.time()) + 7 * 3_600
    behind_s = (true_s - sum(int(part) * unit for part, unit in zip(shown, (3_600, 60, 1), strict=True))) % 86_400
    assert behind_s <= 4


def test_a_test_in_silence_and_a_night_that_was_heard(keeper: Page, served: Served) -> None:
    """R31, H2: the result comes by itself; the question goes when it was answered."""
    nightly: dict[str, Any] = {
        "signal": "curfew", "purpose": "actual", "source": "timetable", "activation": "c" * 16
    }  # fmt: skip
    served.post.write("ringing", at_ms=last_night_ms(), **nightly)
    served.post.write("finished", at_ms=last_night_ms() + 9_000, **nightly)
    keeper.click("#try-silently")
    expect(keeper.locator("#now .good").last).to_have_text("✓ tốt, báo động thật sẽ đánh")
    keeper.click("[data-heard]:not([data-yes])")
    expect(keeper.locator("#say")).to_have_text("Đã ghi và báo Công an xã: kẻng không kêu.")
    expect(keeper.locator("[data-heard]")).to_have_count(0)
    assert [one[:3] for one in served.post.asked] == [("ring", "alarm", "test"), ("heard", THAI, False)]


def test_a_page_that_lost_its_line_says_so_in_red(keeper: Page, served: Served) -> None:
    """P9: within five seconds, with from when it is; what is still there is grey."""
    assert lost_after_s(keeper, served) < LOST_S
    expect(keeper.locator("#lost")).to_contain_text("MẤT LIÊN LẠC")
    assert float(keeper.locator("#now").evaluate("one => getComputedStyle(one).opacity")) < 0.6
    keeper.click("#hush")
    expect(keeper.locator("#say.bad")).to_contain_text("bấm nút ở điểm kẻng")


def test_a_press_is_said_at_once_and_no_answer_only_as_long_as_it_holds(keeper: Page) -> None:
    """P9: on its way; not answered, in red; gone when the line has long been back."""
    held: list[Any] = []
    keeper.route("**/api/keeper/hush", lambda route: held.append(route))
    keeper.click("#hush")
    expect(keeper.locator("#say")).to_have_text("đang gửi…")
    held[0].abort()
    expect(keeper.locator("#say.bad")).to_contain_text("không trả lời")
    expect(keeper.locator("#say")).to_be_empty(timeout=9_000)


def test_a_changed_pin_ends_the_other_phone_until_it_is_given_there(
    keeper: Page, browser: Browser, served: Served
) -> None:
    """It may be lost: it neither rings nor stops, and shows nothing, until the new PIN is given."""
    context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    other = signed_in(context, served)
    keeper.click("text=Đổi mã PIN")
    for field, pin in (("old", PIN_OF[THAI]), ("new", "730518"), ("again", "730519")):
        keeper.fill(f"#{field}", pin)
    keeper.click("#new-pin button")
    expect(keeper.locator("#say.bad")).to_have_text("Hai lần nhập mã mới không giống nhau.")
    keeper.fill("#again", "730518")
    keeper.click("#new-pin button")
    keeper.wait_for_url(f"{served.url}/")
    served.post.rings()
    other.click("#hush")
    other.wait_for_url(f"{served.url}/vao")
    assert acts(served) == []
    other.fill("#pin", "730518")
    other.click("#sign-in button")
    other.wait_for_url(f"{served.url}/")
    other.click("#hush")
    expect(other.locator("#say")).to_contain_text("Đã dừng kẻng")
    context.close()


def test_a_villagers_cheap_phone_needs_no_javascript(browser: Browser, served: Served) -> None:
    """What rang and what to do; the page comes anew by itself."""
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)  # type: ignore[arg-type]
    page = context.new_page()
    served.post.rings()
    page.goto(f"{served.url}/vi-sao")
    expect(page.locator("article h2").first).to_contain_text("ĐANG ĐÁNH: Báo động")
    expect(page.locator("article time").first).to_have_text("0 phút trước")
    assert 'http-equiv="refresh"' in page.content()
    context.close()


def test_a_villagers_page_follows_and_says_when_it_is_lost(browser: Browser, served: Served) -> None:
    """With modules it asks every few seconds; old data is never shown as new (within five seconds)."""
    context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    page = context.new_page()
    page.on("pageerror", fail)
    page.goto(f"{served.url}/vi-sao")
    expect(page.locator("#now")).to_contain_text("không đánh lần nào")
    served.post.rings(purpose="drill")
    expect(page.locator("article")).to_contain_text("DIỄN TẬP", timeout=6_000)
    assert lost_after_s(page, served) < LOST_S
    context.close()


def test_training_follows_the_relay_and_presses_the_button(browser: Browser, served: Served) -> None:
    """The drawn bell counts the relay's closings; a hold presses the simulated button, a click stops."""
    edges: list[tuple[int, int, int]] = [(1, 1_000, 1), (2, 2_000, 0)]
    served.post.edges = lambda after: [one for one in edges if one[0] > after]  # type: ignore[method-assign]
    context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    page = context.new_page()
    page.on("pageerror", fail)
    page.goto(f"{served.url}/tap-luyen")
    page.click("#sound")
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-press=alarm]")).to_be_disabled()  # in line: first it is said that the hub will see it
    page.check("#known")
    presses(page, "[data-press=alarm]", 1_200)
    page.click("[data-press=hush]")
    now_ns = time.monotonic_ns()
    edges += [(3 + n, now_ns + n * 100_000_000, 1 - n % 2) for n in range(6)]
    expect(page.locator("#count")).to_have_text("Số tiếng: 3")
    expect(page.locator("#bell")).to_have_class(re.compile("struck"))
    assert [one[1] for one in served.post.asked] == ["alarm", "hush"]
    context.close()


def test_a_signal_is_drawn_and_heard(browser: Browser, served: Served) -> None:
    """From this phone's loudspeaker, after a press."""
    context = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    page = context.new_page()
    page.on("pageerror", fail)
    page.goto(f"{served.url}/hieu-lenh")
    card = page.locator(".card").nth(4)
    expect(card.locator("h2")).to_have_text("Báo yên (kẻng đêm 22h)")
    expect(card.locator("svg circle")).to_have_count(5)
    card.locator("button").click()
    expect(card.locator("button")).to_have_text("■ Thôi nghe")
    expect(card.locator("button")).to_have_attribute("data-blows", re.compile("[1-5]"))
    context.close()


@pytest.fixture(scope="module")
def looks(browser: Browser) -> Iterator[dict[str, Look]]:
    """Every page by path, on a phone, with something on it."""
    served = Served()
    inside = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    outside = browser.new_context(viewport=PHONE, locale="vi-VN")  # type: ignore[arg-type]
    signed_in(inside, served).close()
    evening(served.post)
    yield {path: look(outside if path == "/vao" else inside, served.url + path) for path in PAGES}
    inside.close()
    outside.close()
    served.stop()


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("axe", lambda one: one.faults),
        ("wide", lambda one: one.wide > 0),
        ("heavy", lambda one: not 2_000 < one.sent <= HEAVIEST),
        ("foreign", lambda one: one.foreign),
        ("headings", lambda one: one.titles[1] != 1),
    ],
)
def test_every_page_is_good_for_eyes_lines_and_small_screens(
    looks: dict[str, Look], what: str, wrong: Callable[[Look], object]
) -> None:
    """WCAG by axe by day and night; nothing wider than 360 px; 60 kB with all it loads; nothing from elsewhere; one heading."""
    assert {path: one for path, one in looks.items() if wrong(one)} == {}
