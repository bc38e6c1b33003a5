"""The post's pages as they are made: who sees what, in which words, and what a stranger's words may do."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from kengd import clock
from kengd.duty import lamps
from kengd.duty.health import CATALOGUE
from kengd.office.page_face import CANNOT
from kengd.pages.headers import CSP
from kengd.pages.language import COOKIE as LANGUAGE
from kengd.web import words
from kengd.web.api import make_app
from kengd.web.cures import CURES, cure
from kengd.web.listeners import MOST as LISTENERS
from kengd.wire.pin import pin_hash, write_pins
from tests.deploy.pem import pair
from tests.web.paper_post import PIN_OF, THAI, PaperPost, last_night_ms

KEEPERS = ("/", "/phan/nay", "/ma-pin")
EVERYBODYS = ("/vao", "/vi-sao", "/vi-sao/phan", "/hieu-lenh", "/chung-thu")
AWAY = ("192.0.2.7", 5_000)
NEAR = ("127.0.0.1", 5_000)


def looks(post: PaperPost, *, signed_in: bool = False, near: bool = False) -> TestClient:
    """A browser."""
    web = TestClient(
        make_app(post), client=NEAR if near else AWAY, base_url="http://localhost" if near else "http://kengd"
    )
    if signed_in:
        assert web.post("/api/keeper/session", json={"pin": PIN_OF[THAI]}).status_code == 200
    return web


def read(web: TestClient, path: str) -> str:
    """What can be read of it."""
    answer = web.get(path)
    assert answer.status_code == 200, (path, answer.text)
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.DOTALL).partition("<body")[2] or answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.fixture
def post() -> PaperPost:
    return PaperPost()


def test_nobody_who_is_not_signed_in_sees_a_keepers_page(post: PaperPost) -> None:
    """P12: it leads to the door; the live line is refused."""
    post.rings(by="Ông Thái", detail={"why": "trộm nhà bà Tư"})
    web = looks(post)
    for path in KEEPERS:
        answer = web.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/vao"), path
    assert web.get("/api/keeper/live").status_code == 401


def test_what_everybody_sees_names_nobody_and_controls_nothing(post: PaperPost) -> None:
    """No names, no reasons that somebody gave, no places of buttons; what it means and what to do."""
    post.rings(by="Ông Thái", place="nhà bà Tư", detail={"why": "trộm chó"})
    web = looks(post)
    for path in EVERYBODYS:
        html = web.get(path).text
        assert not re.search("Ông Thái|bà Tư|trộm chó", html), path
        assert ("data-ring" not in html and 'data-csrf=""' in html) or path == "/vi-sao/phan", path
    told = read(web, "/vi-sao")
    assert "ĐANG ĐÁNH: Báo động" in told and "mọi nhà ra ngoài hỗ trợ, báo ngay Công an xã" in told and "113" in told


def test_villagers_are_told_a_drill_is_a_drill(post: PaperPost) -> None:
    """H19: and not to come out for it; a silent test is nothing that rang."""
    post.rings(purpose="drill")
    post.write("tested", purpose="test", detail={"would": "ring"})
    told = read(looks(post), "/vi-sao")
    assert "DIỄN TẬP, không có việc thật" in told and "113" not in told and "kiểm tra" not in told


def test_villagers_see_the_last_day_and_what_comes_next(post: PaperPost) -> None:
    """What rang, when; what was missed or refused did not ring."""
    for n, (signal, hours) in enumerate((("alarm", 30), ("curfew", 5), ("all_clear", 1))):
        at_ms = clock.now().wall_ms - hours * 3_600_000
        more: dict[str, Any] = {"signal": signal, "purpose": "actual", "source": "timetable", "activation": f"{n:016}"}
        post.write("ringing", at_ms=at_ms, **more)
        post.write("finished", at_ms=at_ms + 9_000, **more)
    post.write("missed", signal="meeting", source="timetable", reason="late")
    told = read(looks(post), "/vi-sao")
    assert told.index("Hết báo động") < told.index("Báo yên") and "Họp thôn" not in told
    assert "Trộm cắp" not in told and "60 phút trước" in told and "5 giờ trước" in told
    assert "Kẻng theo giờ lần tới: 22:00" in told
    assert "24 giờ qua kẻng không đánh lần nào" in read(looks(PaperPost()), "/vi-sao")


def test_the_keeper_reads_what_sounds_who_asked_why_and_how_it_ended(post: PaperPost) -> None:
    """P9: a closed relay is not a sound. The last rings with their ends; the lamp by its name."""
    post.rings(by="Đ/c Minh", source="hub", detail={"why": "trộm nhà bà Tư"})
    web = looks(post, signed_in=True)
    told = read(web, "/")
    assert "ĐANG ĐÁNH Báo động ● thật" in told and "Đ/c Minh, Công an xã · “trộm nhà bà Tư”" in told
    assert "rơ-le đã đóng, chưa kiểm được tiếng" in told
    assert "Đèn CÔNG AN: máy trực ban Công an xã đã ra lệnh này" in told and "quá 2 phút" not in told
    post.taken = True
    post.write("received", signal=None, activation="a" * 16, by="Đ/c Lan", detail={"do": "taken"})
    assert "công an đã nhận xử lý (sáng liền): Đ/c Lan" in read(web, "/phan/nay")
    post.rests(by="Bà Hoà")
    assert "Báo động: có người dừng (Bà Hoà)" in read(web, "/phan/nay")


def test_only_an_officer_who_takes_it_is_the_police() -> None:
    """A PUBACK is the broker's word (DESIGN 7): no lamp, on paper or on the page, says of it that the police know."""
    told = [blink.vi for blink in lamps.POLICE_LAMP if blink is not lamps.TAKEN]
    told += [pair[0] for code, pair in words.POLICE_LAMP.items() if code != "taken"]
    assert not [text for text in told if "máy của Công an" in text or "liên lạc với Công an" in text]
    assert "chưa ai nhận" in lamps.REACHED.vi and "chưa thấy công an nhận" in words.POLICE_LAMP["reached"][0]


def test_nobody_has_to_tell_the_police_of_what_they_have_ordered(post: PaperPost) -> None:
    """P9: until somebody of the village presses too, and then the telephone is named again."""
    web = looks(post, signed_in=True)
    post.rings(by="Đ/c Minh", source="hub")
    post.rests(by=THAI)
    told = read(web, "/phan/nay")
    assert "CHƯA hết báo động. Lệnh từ máy trực ban Công an xã." in told and "gọi điện" not in told
    post.rings(activation="b" * 16)
    assert "chưa thấy công an nhận: chờ quá 2 phút thì gọi điện" in read(web, "/phan/nay")
    post.rests()
    assert "Công an: chưa thấy nhận, quá 2 phút thì gọi điện." in read(web, "/phan/nay")


def test_an_alarm_that_was_stopped_is_not_forgotten(post: PaperPost) -> None:
    """Silence is not the all-clear: the page keeps it until an officer has it and it is over, or for an hour."""
    web = looks(post, signed_in=True)
    assert "Kẻng đang im." in read(web, "/phan/nay")
    post.rings()
    post.rests(by=THAI)
    told = read(web, "/phan/nay")
    assert "Kẻng đang im, nhưng CHƯA hết báo động." in told and "Kẻng đang im. " not in told
    assert "CHƯA hết báo động. Công an: chưa thấy nhận, quá 2 phút thì gọi điện." in told
    post.rings(activation="b" * 16)
    assert "đã tắt tiếng" not in read(web, "/phan/nay"), "it sounds again"
    post.rests()
    assert "(2 lần, lần cuối" in read(web, "/phan/nay")
    post.write("received", signal=None, activation="b" * 16, by="Đ/c Lan", detail={"do": "taken"})
    assert "CHƯA hết báo động. Công an đã nhận: Đ/c Lan." in read(web, "/phan/nay")
    post.rings("all_clear", activation="c" * 16)
    post.rests()
    told = read(web, "/phan/nay")
    assert "Kẻng đang im." in told and "Công an đã nhận" not in told and "CHƯA hết" not in told


def test_an_all_clear_that_sounds_asks_nobody_to_telephone(post: PaperPost) -> None:
    """The lamp says of every ring that it was sent; that no officer has taken it matters of an alarm alone."""
    post.rings("all_clear", by="Đ/c Minh", source="hub")
    told = read(looks(post, signed_in=True), "/")
    assert "lần đánh này đã gửi tới máy chủ của xã" in told and "quá 2 phút" not in told


def test_villagers_read_whether_an_alarm_still_holds(post: PaperPost) -> None:
    """Presses of one event are one card; after the all-clear, or an hour, nobody is told to come out."""
    web = looks(post)
    for activation in ("a" * 16, "b" * 16):
        post.rings(activation=activation)
        post.rests()
    told = read(web, "/vi-sao")
    assert told.count("Báo động") == 1 and "Đánh 2 lần" in told
    assert "Đã dừng tiếng lúc" in told and "chưa hết báo động" in told and "mọi nhà ra ngoài" in told
    post.rings("all_clear", activation="c" * 16)
    post.rests()
    told = read(web, "/vi-sao")
    assert "Đã hết báo động lúc" in told and "mọi nhà ra ngoài" not in told and "113" not in told
    old = PaperPost()
    at_ms = clock.now().wall_ms - 3 * 3_600_000
    more: dict[str, Any] = {"purpose": "actual", "source": "button", "activation": "a" * 16}
    old.write("ringing", at_ms=at_ms, **more)
    old.write("cut", at_ms=at_ms + 60_000, reason="hushed", **more)
    told = read(looks(old), "/vi-sao")
    assert "Đã hơn một giờ không đánh lại" in told and "mọi nhà ra ngoài" not in told
    assert "CHƯA hết" not in read(looks(old, signed_in=True), "/"), "for an hour"


def test_what_a_keeper_did_not_hear_is_told_to_the_police_only_over_a_line(post: PaperPost) -> None:
    """P9: without one it is written, and they will be told."""
    web = looks(post, signed_in=True)
    post.rings("curfew", source="timetable", activation="c" * 16)
    post.rests()
    csrf = {"X-Kengd-Csrf": re.findall('data-csrf="([^"]+)"', web.get("/").text)[0]}
    said = []
    for post.line_up in (True, False):
        said.append(web.post("/api/keeper/heard", json={"ring": "c" * 16, "heard": False}, headers=csrf).json()["vi"])
    assert said == [
        "Đã ghi và báo Công an xã: kẻng không kêu.", "Đã ghi, sẽ báo Công an xã khi có đường truyền: kẻng không kêu.",
    ]  # fmt: skip


def test_why_a_ring_will_not_come_is_said_beside_it(post: PaperPost) -> None:
    """The next rings, and why one will not happen."""
    web = looks(post, signed_in=True)
    assert "22:00" in read(web, "/phan/nay") and "không đánh:" not in read(web, "/phan/nay")
    post.silenced_until_ms = clock.now().wall_ms + 30 * 3_600_000
    assert "không đánh: kẻng thường lệ đang tạm ngừng đến" in read(web, "/phan/nay")
    post.silenced_until_ms, post.trust = 0, "untrusted"
    assert "không đánh: đồng hồ chưa đúng" in read(web, "/phan/nay")


def test_the_nightly_sound_is_asked_about_until_somebody_says(post: PaperPost) -> None:
    """H2: of the last ring of the timetable that is over, and not for longer than the next evening."""
    web = looks(post, signed_in=True)
    nightly: dict[str, Any] = {"signal": "curfew", "purpose": "actual", "source": "timetable", "activation": "c" * 16}
    post.write("ringing", at_ms=last_night_ms(), **nightly)
    assert "có kêu không?" not in read(web, "/phan/nay")
    post.write("finished", at_ms=last_night_ms() + 9_000, **nightly)
    assert "có kêu không?" in read(web, "/phan/nay")
    post.heard(THAI, True, {"activation": "c" * 16})
    assert "có kêu không?" not in read(web, "/phan/nay")


def test_a_silent_test_is_good_only_when_the_real_one_would_ring(post: PaperPost) -> None:
    """R31: what it would have done, and what ails the bell."""
    web = looks(post, signed_in=True)
    test: dict[str, Any] = {"signal": "alarm", "purpose": "test", "by": THAI}
    post.write("tested", **test, detail={"would": "ring"})
    assert "tốt, báo động thật sẽ đánh" in read(web, "/phan/nay")
    post.ail("isolator_open", True)
    assert "có hỏng hóc, xem ở trên" in read(web, "/phan/nay")
    post.write("tested", **test, detail={"would": "duty"})
    assert "báo động thật sẽ không kêu: kẻng đã đánh nhiều, cần nghỉ" in read(web, "/phan/nay")


def test_every_condition_has_a_cure_in_the_keepers_words(post: PaperPost) -> None:
    """What to do, for somebody without tools; nothing in the list that is no condition."""
    assert CURES.keys() == CATALOGUE.keys()
    for code in CANNOT | {"no_proof_of_sound", "belfry_silent"}:
        assert cure(code)[0].startswith("Đánh bằng tay, gọi điện cho Công an xã"), code
    web = looks(post, signed_in=True)
    for code in CATALOGUE:
        assert all(cure(code)), code
        post.ail(code, True)
    told = read(web, "/phan/nay")
    assert all(line.vi in told for line in CATALOGUE.values())


def test_every_lamp_that_can_be_lit_has_words() -> None:
    """The page says what the lamps say (but for a lamp test and a finger on the button)."""
    passing = {lamps.LAMP_TEST.code, lamps.HEARD.code}
    assert words.BELL_LAMP.keys() == {blink.code for blink in lamps.BELL_LAMP} - passing
    assert words.POLICE_LAMP.keys() == {blink.code for blink in lamps.POLICE_LAMP} - passing


def test_without_any_pin_the_page_says_what_the_installer_must_do() -> None:
    """It shows, and nobody signs in; the button is as always."""
    told = read(looks(PaperPost(pins=None)), "/vao")
    assert "chưa có mã PIN" in told and "Người lắp đặt cần làm" in told and "Nút ở điểm kẻng vẫn đánh" in told
    empty = read(looks(PaperPost(pins="")), "/vao")
    assert "trong tệp mã PIN chưa có người giữ kẻng nào" in empty
    assert "Mã PIN của người giữ kẻng (6 chữ số)" not in told + empty


def test_plain_http_says_what_that_means_and_where_it_is_better(post: PaperPost) -> None:
    """In one calm sentence, with the address of the same page over TLS; not on this very machine, not over TLS."""
    post.tls_port = 8443
    html = looks(post).get("/vao").text
    assert "chưa mã hóa (HTTP)" in html and 'href="https://kengd:8443/"' in html and 'href="/chung-thu"' in html
    assert "chưa mã hóa" not in looks(post, near=True).get("/vao").text
    secure = TestClient(make_app(post), client=AWAY, base_url="https://kengd")
    assert "chưa mã hóa" not in secure.get("/vao").text


def test_the_communes_certificate_and_nothing_else_of_its_file(post: PaperPost) -> None:
    """Should a private key stand in the same file, it stays there."""
    assert looks(post).get("/ca.pem").status_code == 404
    certificate, private = pair("xa")
    post.ca = private + certificate + "# ghi chú\n"
    web = looks(post)
    answer = web.get("/ca.pem")
    assert answer.text == certificate and answer.headers["content-type"].startswith("application/x-x509-ca-cert")
    assert "PRIVATE" not in answer.text and "Android" in read(web, "/chung-thu")
    assert re.search(r"\b([0-9A-F]{4} ){15}[0-9A-F]{4}\b", read(web, "/chung-thu"))


def test_headers_keep_every_page_safe(post: PaperPost) -> None:
    """The hub's own: nothing from outside, no frame around, nothing kept; no inline style, script or handler."""
    web = looks(post, signed_in=True, near=True)
    for path in (*KEEPERS, *EVERYBODYS, "/tap-luyen", "/api/status", "/no-such-page"):
        answer = web.get(path)
        assert answer.headers["content-security-policy"] == CSP, path
        assert answer.headers["x-frame-options"] == "DENY" and answer.headers["cache-control"] == "no-store", path
        if "text/html" in answer.headers["content-type"]:
            assert not re.search(r"<script(?! type=\"module\" src=)|<style|\sstyle=|\son[a-z]+=", answer.text), path
    asset = re.search(r'href="(/static/[0-9a-f]{12}/kengd.css)"', web.get("/vao").text)
    assert asset is not None and "immutable" in web.get(asset[1]).headers["cache-control"]


def test_what_strangers_write_stays_text(post: PaperPost) -> None:
    """R53: a keeper's name, a reason, a place may contain anything."""
    evil = '<img src=x onerror="1">'
    post._pins = write_pins({evil: pin_hash(PIN_OF[THAI], bytes(16))})
    post.rings(by=evil, place=evil, detail={"why": evil})
    web = looks(post, signed_in=True)
    for path in KEEPERS:
        assert "<img" not in web.get(path).text, path


def test_nothing_is_ordered_by_a_get(post: PaperPost) -> None:
    """A link, a preview, a page that loads ahead."""
    web = looks(post, signed_in=True)
    for path in ("ring", "hush", "heard", "session", "pin"):
        assert web.get(f"/api/keeper/{path}").status_code == 405
    assert post.asked == []


def test_training_is_for_this_machine_with_simulated_pins(post: PaperPost) -> None:
    """P11, P12: with real pins it does not exist; from elsewhere neither page nor link."""
    near = looks(post, near=True)
    assert near.get("/tap-luyen").status_code == 200 and 'href="/tap-luyen"' in near.get("/vao").text
    assert looks(post).get("/tap-luyen").status_code == 403 and "tap-luyen" not in looks(post).get("/vao").text
    asks = near.get("/tap-luyen").text
    assert "máy trực ban thấy báo động THẬT" in asks and re.search('data-press="alarm" disabled', asks)
    post.in_line = False
    assert "THẬT" not in near.get("/tap-luyen").text and "disabled" not in near.get("/tap-luyen").text
    real = looks(PaperPost(simulated=False), near=True)
    assert real.get("/tap-luyen").status_code == 404 and "tap-luyen" not in real.get("/vao").text


def test_english_by_a_switch_that_leads_back(post: PaperPost) -> None:
    """Every text, the codes too; what villages have written themselves stays theirs."""
    post.rings(by=THAI)
    web = looks(post, signed_in=True)
    answer = web.get("/ngon-ngu/en", headers={"Referer": "http://kengd/ma-pin"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ma-pin")
    away = web.get("/ngon-ngu/en", headers={"Referer": "http://evil.example/x"}, follow_redirects=False)
    assert away.headers["location"] == "/"
    assert web.cookies[LANGUAGE] == "en"
    told = read(web, "/phan/nay")
    assert (
        "RINGING Alarm ● real" in told
        and "Ông Thái, button" in told
        and "Lamp CÔNG AN (police): sent to the commune" in told
    )


def test_listeners_have_few_places_and_strangers_a_pace(post: PaperPost, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small computer: a page too many is told so; who asks too fast waits; hushing never does. All at one moment."""
    web = looks(post, signed_in=True)
    monkeypatch.setattr("kengd.pages.pace.time", SimpleNamespace(monotonic=lambda: 1e9))
    app = web.app
    for n in range(LISTENERS):
        app.state.house.listeners.enter(f"{n}", f"{n}")  # type: ignore[attr-defined]
    assert web.get("/api/keeper/live").json()["error"] == "too_many_listeners"
    codes = [web.get("/vi-sao/moc").status_code for _ in range(160)]
    assert codes[0] == 200 and codes[-1] == 429
    writes = [web.post("/api/keeper/session", json={"pin": "1"}).status_code for _ in range(40)]
    assert writes[-1] == 429
    near = TestClient(app, client=NEAR, base_url="http://localhost")
    assert {near.get("/api/status").status_code for _ in range(400)} == {200}, (
        "programs on this machine ask as often as they like"
    )
    assert web.post("/api/keeper/hush").status_code == 403  # not slowed: refused for its missing word alone
