"""Keepers at the post's page: in by PIN, known for long, hushing whatever became of the PIN, and no secret in sight."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient

from kengd import clock
from kengd.duty.words import Instant
from kengd.web import devices, keepers
from kengd.web.api import make_app
from kengd.web.devices import DAY_MS, csrf_of
from kengd.web.house import CSRF
from kengd.wire.pin import pin_hash, write_pins
from tests.web.paper_post import HOA, PIN_OF, PINS, THAI, PaperPost

COOKIE = "kengd_keeper_thon-1"


class Phone:
    """A browser: cookies, and the CSRF word of its page."""

    def __init__(
        self, post: PaperPost, address: str = "192.0.2.7", app: object = None, base: str = "http://kengd"
    ) -> None:
        self.app = app or make_app(post)
        self.web = TestClient(self.app, client=(address, 5_000), base_url=base)  # type: ignore[arg-type]

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, object]]:
        secret = next((value for name, value in self.web.cookies.items() if COOKIE in name), "")
        sent = {CSRF: csrf_of(secret), **headers}
        answer = self.web.request(method, f"/api/keeper/{path}", json=body, headers=sent)
        return answer.status_code, answer.json()

    def signs_in(self, pin: str = PIN_OF[THAI]) -> int:
        return self("POST", "session", {"pin": pin})[0]

    def restarts(self, app: Any) -> None:
        """Not the phone: the post, under its cookie."""
        self.app = self.web._transport.app = app

    def another(self, post: PaperPost, address: str) -> Phone:
        return Phone(post, address, self.app)


@pytest.fixture
def post() -> PaperPost:
    return PaperPost()


@pytest.fixture
def phone(post: PaperPost) -> Phone:
    return Phone(post)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many ms later it is."""
    ms = [0]
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: Instant(real().mono_ms + ms[0], real().wall_ms + ms[0]))
    yield ms


RING = {"id": "tr-000000001", "signal": "alarm"}


def test_a_pin_opens_and_the_act_carries_the_keepers_name(phone: Phone, post: PaperPost) -> None:
    """The belfry is asked under the name of whose PIN it is."""
    assert phone("POST", "ring", RING)[0] == 401
    assert phone.signs_in(PIN_OF[HOA]) == 200
    code, answer = phone("POST", "ring", RING)
    assert (code, answer["vi"], answer["activation"]) == (200, "Đang đánh: Báo động", "a" * 16)
    assert post.asked == [("ring", "alarm", "actual", HOA, None)]


def test_the_cookie_is_nobody_elses(phone: Phone, post: PaperPost) -> None:
    """HttpOnly, SameSite=Strict; with TLS also Secure and bound to this host by its name. The post keeps only a hash."""
    answer = phone.web.post("/api/keeper/session", json={"pin": PIN_OF[THAI]})
    cookie = answer.headers["set-cookie"]
    assert (
        cookie.startswith(f"{COOKIE}=")
        and "HttpOnly" in cookie
        and "SameSite=strict" in cookie
        and "Secure" not in cookie
    )
    safe = Phone(post, base="https://kengd").web.post("/api/keeper/session", json={"pin": PIN_OF[THAI]})
    cookie = safe.headers["set-cookie"]
    assert (
        cookie.startswith(f"__Host-{COOKIE}=") and "Secure" in cookie and "Path=/" in cookie and "Domain" not in cookie
    )
    secret = phone.web.cookies[COOKIE]
    assert secret not in json.dumps(post.values) and len(secret) > 40


def test_wrong_pins_wait_and_the_button_does_not_care(phone: Phone, post: PaperPost) -> None:
    """R: the answer says for how long, and that the button at the post works; a right PIN has to wait too."""
    codes = [phone.signs_in(f"00000{n}") for n in range(6)]
    assert codes == [403, 403, 403, 403, 403, 429]
    code, answer = phone("POST", "session", {"pin": PIN_OF[THAI]})
    assert (code, answer["error"]) == (429, "try_later")
    assert "nút ở điểm kẻng vẫn đánh và dừng được" in str(answer["cure"])
    assert phone.another(post, "192.0.2.8").signs_in() == 200


def test_a_restart_does_not_forget_wrong_pins_and_a_right_one_writes_none(phone: Phone, post: PaperPost) -> None:
    """H8: whoever can pull the plug guesses no faster; the card is written for a wrong PIN alone, with no PIN and no address in it."""
    assert phone.signs_in() == 200
    assert keepers.TRIES not in post.values
    assert [phone.signs_in(f"00000{n}") for n in range(5)] == [403] * 5
    kept = json.loads(post.values[keepers.TRIES])
    assert (kept["all"][0], len(kept["first"]), list(kept["keepers"])) == (0, 1, [THAI])
    phone.restarts(make_app(post))
    assert phone.signs_in("000009") == 429
    assert phone("POST", "hush")[0] == 200
    stranger = phone.another(post, "192.0.2.9")
    assert stranger.signs_in(PIN_OF[HOA]) == 200


def test_a_device_that_is_signed_in_hushes_while_strangers_are_locked_out(phone: Phone, post: PaperPost) -> None:
    """P13, H8: a lock-out touches sign-ins alone."""
    assert phone.signs_in() == 200
    stranger = phone.another(post, "192.0.2.9")
    assert [stranger.signs_in("000000") for _ in range(6)][-1] == 429
    post.rings()
    assert phone("POST", "hush")[0] == 200
    assert post.asked == [("hush", None, THAI, None)]


def test_after_ninety_days_only_hushing_is_left_until_the_pin_is_given(
    phone: Phone, post: PaperPost, later: list[int]
) -> None:
    """A session that ends never keeps a keeper from hushing."""
    phone.signs_in()
    later[0] = 91 * DAY_MS
    code, answer = phone("POST", "ring", RING)
    assert (code, answer["error"]) == (401, "pin_needed")
    assert phone("POST", "hush")[1]["vi"] == "Không có kẻng nào đang kêu."
    before = phone.web.cookies[COOKIE]
    assert phone.signs_in() == 200
    assert phone.web.cookies[COOKIE] == before and phone("POST", "ring", RING)[0] == 200
    later[0] = 600 * DAY_MS
    assert phone("POST", "hush")[0] == 401


def test_a_restart_signs_nobody_out(phone: Phone, post: PaperPost) -> None:
    """What is known of devices and changed PINs is kept among the book's values."""
    phone.signs_in()
    assert phone("PUT", "pin", {"old": PIN_OF[THAI], "new": "730518"})[0] == 200
    phone.restarts(make_app(post))
    assert phone("POST", "ring", RING)[0] == 200
    assert [phone.another(post, "192.0.2.8").signs_in(pin) for pin in (PIN_OF[THAI], "730518")] == [403, 200]


def test_a_changed_pin_ends_the_keepers_other_devices_and_nobody_elses(phone: Phone, post: PaperPost) -> None:
    """A phone that was lost, a PIN that was seen: it neither rings nor hushes any more, also not after a restart."""
    lost, hoas = phone.another(post, "192.0.2.8"), phone.another(post, "192.0.2.9")
    assert (phone.signs_in(), lost.signs_in(), hoas.signs_in(PIN_OF[HOA])) == (200, 200, 200)
    assert phone("PUT", "pin", {"old": "111222", "new": "730518"})[0] == 403
    for new, code in (("123456", 422), ("12345", 422), (PIN_OF[HOA], 409), ("730518", 200)):
        assert phone("PUT", "pin", {"old": PIN_OF[THAI], "new": new})[0] == code, new
    assert sum(THAI in value for key, value in post.values.items() if key.startswith("device:")) == 1
    for _ in range(2):
        assert [one("POST", "hush")[0] for one in (phone, hoas, lost)] == [200, 200, 401]
        assert lost("POST", "ring", RING)[1]["error"] == "not_signed_in"
        app = make_app(post)
        for one in (phone, hoas, lost):
            one.restarts(app)
    assert phone("POST", "ring", RING)[0] == 200


@pytest.mark.parametrize(
    ("pins", "code"),
    [
        ({HOA: PIN_OF[HOA]}, 401),  # he keeps this bell no more
        ({THAI: "640182"}, 401),
        (None, 401),  # nobody signs in any more
        ({THAI: PIN_OF[THAI]}, 200),
        ("?", 200),  # not all of it can be read: nobody is kept from hushing by a spoilt card
    ],
)
def test_devices_end_with_the_pin_that_they_were_opened_by(phone: Phone, post: PaperPost, pins: Any, code: int) -> None:
    """A new file from the commune: another PIN, or none. The same one: as before, also ninety days later."""
    phone.signs_in()
    text = (
        write_pins({name: pin_hash(pin, bytes(16)) for name, pin in pins.items()}) if isinstance(pins, dict) else pins
    )
    renewed = PaperPost(pins=text)
    renewed.values = post.values
    phone.restarts(make_app(renewed))
    assert phone("POST", "hush")[0] == code
    assert phone("POST", "ring", RING)[0] == (200 if code == 200 and pins != "?" else 401)


def test_on_his_own_device_a_keeper_guesses_nobody_elses_pin(phone: Phone, post: PaperPost) -> None:
    """X tries, his own right PIN, X tries …; and "is this one taken?" is a try as well. Without the cookie it is no better."""
    assert phone.signs_in() == 200
    codes = []
    for n in range(4):
        codes += [phone.signs_in(f"00000{n}"), phone.signs_in()]
    assert codes == [403, 200] * 4
    assert phone("PUT", "pin", {"old": PIN_OF[THAI], "new": PIN_OF[HOA]})[1]["error"] == "pin_taken"
    assert phone("PUT", "pin", {"old": PIN_OF[THAI], "new": "730518"})[1]["error"] == "try_later"
    assert phone.signs_in() == 429
    fresh = phone.another(post, "192.0.2.8")
    assert [fresh.signs_in(), fresh.signs_in("000005")] == [200, 429]


def test_each_change_of_a_pin_is_a_try(phone: Phone) -> None:
    """Also one that is taken: that it is free tells that it is nobody's."""
    phone.signs_in()
    pins = [PIN_OF[THAI], "730518", "730519", "730528", "730529", "730538", "730539"]
    codes = [phone("PUT", "pin", {"old": old, "new": new})[0] for old, new in pairwise(pins)]
    assert codes == [200] * 5 + [429]


def test_a_book_that_can_be_read_later_brings_the_chosen_pins_then(
    phone: Phone, post: PaperPost, later: list[int]
) -> None:
    """A restart while the card is slow: the device of the PIN that was chosen here is not ended by it."""
    phone.signs_in()
    phone("PUT", "pin", {"old": PIN_OF[THAI], "new": "730518"})
    kept, post.values = post.values, {}
    phone.restarts(make_app(post))
    assert phone("POST", "hush")[0] == 401
    post.values = kept
    later[0] = devices.ASK_AGAIN_MS + 1_000
    assert phone("POST", "hush")[0] == 200


def test_a_new_file_from_the_commune_counts_more_than_a_pin_that_was_forgotten(phone: Phone, post: PaperPost) -> None:
    """The keeper chose one here and forgot it; the hub's new one must open."""
    phone.signs_in()
    phone("PUT", "pin", {"old": PIN_OF[THAI], "new": "730518"})
    same = PaperPost()
    same.values = dict(post.values)
    assert Phone(same).signs_in("730518") == 200
    renewed = PaperPost(pins=write_pins({THAI: pin_hash("640182", bytes(16))}))
    renewed.values = dict(post.values)
    assert [Phone(renewed, f"192.0.2.{n}").signs_in(pin) for n, pin in enumerate(("730518", "640182"))] == [403, 200]


def test_signed_out_means_not_even_hushing(phone: Phone, post: PaperPost) -> None:
    """A phone that is given away."""
    phone.signs_in()
    cookie = phone.web.cookies[COOKIE]
    assert phone("DELETE", "session")[0] == 200
    phone.web.cookies.set(COOKIE, cookie)
    assert phone("POST", "hush")[0] == 401
    assert not [key for key in post.values if key.startswith("device:")]


def test_a_write_needs_the_word_of_our_own_page(phone: Phone, post: PaperPost) -> None:
    """CSRF: a cookie alone is not enough, and another origin is refused even with it."""
    phone.signs_in()
    assert phone("POST", "ring", RING, **{CSRF: "x"})[1]["error"] == "csrf"
    assert phone("POST", "hush", None, Origin="http://evil.example")[1]["error"] == "forbidden"
    assert phone("POST", "hush", None, Origin="https://kengd")[1]["error"] == "forbidden"
    assert phone("POST", "hush", None, Origin="http://kengd")[0] == 200
    assert post.asked == [("hush", None, THAI, None)]


def test_one_act_sent_twice_rings_once(phone: Phone, post: PaperPost) -> None:
    """A double click, the back button, an answer that was lost on the way (R47)."""
    phone.signs_in()
    answers = [phone("POST", "ring", RING) for _ in range(2)]
    assert [answer["vi"] for _, answer in answers] == ["Đang đánh: Báo động", "Lệnh này đã nhận rồi."]
    assert len(post.asked) == 1


@pytest.mark.parametrize("signal", ["curfew", "meeting", "nobody", "hush"])
def test_calm_signals_are_not_the_pages(phone: Phone, post: PaperPost, signal: str) -> None:
    """H11: an alarm, a call for support, the all-clear; what calms people comes by the timetable or the police."""
    phone.signs_in()
    assert phone("POST", "ring", {**RING, "signal": signal})[0] == 422
    assert post.asked == []


def test_a_refusal_is_said_in_words(phone: Phone, post: PaperPost) -> None:
    """What was decided: rung, joined, refused and why, or nobody knows."""
    phone.signs_in()
    post.refuses = "alarm_sounding"
    code, answer = phone("POST", "ring", {**RING, "signal": "all_clear"})
    assert (code, answer["vi"]) == (409, "Từ chối: đang đánh báo động")
    post.refuses = None
    post.rings()
    assert "đã gộp" in str(phone("POST", "ring", {**RING, "id": "tr-000000002"})[1]["vi"])
    post.silent = True
    assert phone("POST", "ring", {**RING, "id": "tr-000000003"})[0] == 503


def test_whether_the_bell_was_heard_is_written_under_the_keepers_name(phone: Phone, post: PaperPost) -> None:
    """H2: only of a ring that the book knows."""
    phone.signs_in()
    post.write("ringing", at_ms=1_790_000_000_000, signal="curfew", source="timetable", activation="c" * 16)
    assert phone("POST", "heard", {"ring": "f" * 16, "heard": True})[0] == 404
    assert phone("POST", "heard", {"ring": "c" * 16, "heard": False})[0] == 200
    ring = {"activation": "c" * 16, "signal": "curfew", "at_ms": 1_790_000_000_000}
    assert post.asked == [("heard", THAI, False, ring)]


@pytest.mark.parametrize(
    ("pins", "ails"), [(None, False), ("", False), ("Ông Thái\t204865\n", True), (PINS + "?\n", True), (OSError(5, "x"), True)]
)  # fmt: skip
def test_a_bad_file_of_pins_is_a_condition_and_never_stops_the_page(
    pins: object, ails: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """P3: the page is there, villagers read it, whoever can be read may come in; no hash is in the log (P12)."""

    def text(post: PaperPost) -> object:
        if isinstance(pins, OSError):
            raise pins
        return pins

    monkeypatch.setattr(PaperPost, "pins_text", text)
    post = PaperPost()
    phone = Phone(post)
    assert ("pins_unreadable" in post.ailing) is ails
    assert phone.web.get("/vi-sao").status_code == 200
    code, answer = phone("POST", "session", {"pin": PIN_OF[THAI]})
    assert (code, answer.get("error")) == ((200, None) if pins == PINS + "?\n" else (409, "no_pins"))
    assert "scrypt" not in caplog.text + json.dumps(answer) + str(post.ailing)


def test_only_so_many_devices_are_remembered(post: PaperPost) -> None:
    """The oldest makes room; the book's values do not grow without end."""
    known = devices.Devices(post.recall, post.remember)
    secrets = [known.add(THAI, "x", n) for n in range(devices.MOST + 5)]
    assert len(post.values) == devices.MOST
    assert known.find(secrets[0], 10) is None and known.find(secrets[-1], 10) is not None
