"""The officers' pages as the server makes them: who gets in, what is seen first, and what a stranger's words may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from kengd.bellcode.codebooks import builtin
from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.desk.app import PAGES as ROUTERS
from kengd.hub.desk.pages.duty import together_gone
from kengd.hub.desk.pages.reports import bars
from kengd.hub.desk.pages.saying import sentence
from kengd.hub.ledger import rosters
from kengd.hub.roster import Post, Roster, Village
from kengd.hub.service import wall_ms
from kengd.pages.headers import CSP
from tests.hub.desk_kit import Officer, Station, copied, station, text
from tests.pages.tour import evening, stops

PAGES = ("/", "/danh-keng", "/vu-viec", "/so-keng", "/bao-cao", "/diem-keng")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def seen(officer: Officer, path: str, **query: object) -> str:
    answer = officer.get(path, **query)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_nobody_who_is_not_signed_in_sees_a_page(tmp_path: Path) -> None:
    """P12: every page leads to the door; its parts are refused as the API refuses."""
    made = copied(tmp_path, {})
    stranger = Officer(made.app, "")
    for path in (*PAGES, "/lenh/ring-00001", "/vu-viec/x", "/mat-khau"):
        answer = stranger.web.get(path, follow_redirects=False)
        back = "/vao" if path == "/" else f"/vao?tu={quote(path, safe='')}"
        assert (answer.status_code, answer.headers["location"]) == (303, back), path
    for path in ("/phan/tren", "/phan/diem", "/phan/cau?signal=alarm&purpose=actual&all=true", "/phan/lenh/ring-00001"):
        assert stranger.web.get(path).status_code == 401, path
    assert "Điểm An Lão" not in seen(stranger, "/vao")
    made.hub.ledger.close()


def test_whoever_hesitates_to_type_a_password_learns_to_trust_the_desk(tmp_path: Path) -> None:
    """The commune's certificate is public: alone in its file, with the mark to compare, and how; no key comes with it."""
    made = copied(tmp_path, {})
    stranger = Officer(made.app, "")
    html = seen(stranger, "/vao")
    assert 'href="/chung-thu"' in html and "chưa mã hóa" in html
    file = stranger.get("/ca.pem")
    assert (
        file.text == made.hub.authority.ca_file.read_text()
        and "chung-thu-xa.crt" in file.headers["content-disposition"]
    )
    mark = x509.load_pem_x509_certificate(file.content).fingerprint(SHA256()).hex().upper()
    assert mark in text(seen(stranger, "/chung-thu")).replace(" ", "")
    assert "DỪNG TẤT CẢ" in seen(
        made.admin if made.admin.sign_in("truong").status_code == 201 else stranger, "/chung-thu"
    )
    made.hub.ledger.close()


def test_a_first_password_opens_only_the_page_that_changes_it(hub: Station) -> None:
    """A password that somebody else has read is none."""
    made = hub.admin.post("/api/officers", {"login": "moi", "name": "Đ/c Mới", "role": "duty"}).json()
    officer = Officer(hub.app, "Đ/c Mới")
    officer.sign_in("moi", made["password"])
    for path in PAGES:
        answer = officer.web.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/mat-khau"), path
    assert "phải đổi rồi mới trực được" in seen(officer, "/mat-khau")


def test_every_page_is_safe_to_show_and_loads_nothing_from_elsewhere(hub: Station) -> None:
    """R53: no script or style inside, no address but our own. What each weighs is tried in a browser."""
    incident = hub.pressed("an-lao")
    for path in (*PAGES, f"/vu-viec/{incident}", "/mat-khau"):
        answer = hub.admin.get(path)
        html = answer.text
        assert answer.headers["content-security-policy"] == CSP, path
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", html), path
        assert all(link.startswith("/") for link in re.findall(r'(?:src|href|action)="(?!#|tel:)([^"]*)"', html)), path


def test_every_page_opens_in_english_too(hub: Station) -> None:
    """A slip in a branch that only the other language takes."""
    hub.admin.web.cookies.set("kengd_lang", "en")
    for stop in stops(ROUTERS, evening(hub)):
        answer = hub.admin.web.get(stop.path)
        assert answer.status_code == 200 and ('<html lang="en"' in answer.text or stop.path == "/vao"), stop.path


def test_words_of_strangers_stay_words(hub: Station) -> None:
    """R53: a reason, a name, a place may contain anything."""
    nasty = "<img src=x onerror=alert(1)>\"'"
    with hub.hub.ledger.write() as connection:
        rosters.put_post(connection, Post("an-lao", nasty, ("an-lao",)))
    hub.hub.forget_roster()
    made = hub.admin.post("/api/incidents", {"id": "call-00001", "text": nasty, "village": None})
    assert made.status_code == 201
    for path in (*PAGES, "/vu-viec/call-00001"):
        assert "<img" not in seen(hub.admin, path), path


def test_an_untaken_alarm_is_first_and_a_taken_one_says_by_whom(hub: Station) -> None:
    """H6: at the top at once; then who has it."""
    hub.status("an-lao")
    incident = hub.pressed("an-lao")
    html = seen(hub.admin, "/phan/tren")
    assert 'data-untaken="1"' in html and f'data-post="/api/incidents/{incident}/acknowledge"' in html
    whole = seen(hub.admin, "/")
    assert whole.index(f"vu-{incident}") < whole.index("diem-an-lao")
    hub.admin.post(f"/api/incidents/{incident}/acknowledge")
    html = seen(hub.admin, "/phan/tren")
    assert 'data-untaken="0"' in html and "Trưởng công an xã đã nhận" in text(html)


def test_a_post_says_why_it_would_not_ring_and_what_it_rings_now(hub: Station) -> None:
    """P9: one line; and the blows of its own codebook on its own bell, from the moment it said."""
    began_ms = wall_ms() - 2_000
    hub.status("an-lao", sounding=Sounding("a" * 16, "alarm", Purpose.DRILL, Source.HUB, began_ms))
    hub.status("bo-trang")
    hub.absent("bo-trang")
    html = seen(hub.admin, "/phan/diem", id=["an-lao"])
    assert "diem-bo-trang" not in html and 'class="card rings drill"' in html
    assert f'data-since="{began_ms}"' in html and "cycle_ms" in html and "ĐANG ĐÁNH Báo động" in text(html)
    gone = text(seen(hub.admin, "/phan/diem", id=["bo-trang"]))
    assert "✗ Không nhận được lệnh từ đây: mất liên lạc từ" in gone and "Nút ở điểm vẫn đánh được" in gone


def test_a_whole_commune_that_is_gone_is_one_line() -> None:
    """H17: the network or the power, not ten bells."""

    def post(name: str, since_ms: int, present: bool = False) -> dict[str, object]:
        return {"id": name, "since_ms": since_ms, "present": present, "sounder": False}

    posts = [post("a", 1_000), post("b", 20_000), post("c", 30_000), post("d", 900_000), post("e", 5, present=True)]
    assert together_gone(posts, True) == {"since_ms": 1_000, "posts": ["a", "b", "c"]}
    assert together_gone(posts, False) is None, "then it is our own line, which is said already"
    assert together_gone([*posts, post("f", 5, present=True)], True) is None, "not most of them"
    assert together_gone(posts[:1], True) is None


ROSTER = Roster(
    (*(Post(f"p{n}", f"Điểm {n}", (f"v{n}",)) for n in range(1, 7)), Post("p7", "Điểm 7", ("v7",), sounder=True)),
    (*(Village(f"v{n}", f"Thôn {n}", 100) for n in range(1, 7)), Village("v7", "Thôn 7")),
)


def test_what_cannot_wait_stands_above_an_alarm_that_somebody_has_and_that_is_silent(hub: Station) -> None:
    """H20: on a phone "mất mạng cả xã" is not below three screens of what is being cared for; the posts that are gone are not red."""
    calm = hub.pressed("bo-trang", "an-0009")
    hub.hears("bo-trang", "cut", activation="an-0009", signal="alarm", purpose="actual", reason="hushed")
    pressing = hub.pressed("an-lao", "an-0010")
    for post in ("an-lao", "bo-trang", "cau-ngang"):
        hub.status(post)
        hub.absent(post)

    def order() -> list[str]:
        return re.findall(r"(?<=id=\")vu-[a-z0-9-]+|Mất mạng hoặc mất điện cả xã từ", seen(hub.admin, "/phan/tren"))

    line = "Mất mạng hoặc mất điện cả xã từ"
    assert sorted(order()[:2]) == sorted([f"vu-{calm}", f"vu-{pressing}"]) and order()[2:] == [line], (
        "nobody has it yet"
    )
    hub.admin.post(f"/api/incidents/{calm}/acknowledge")
    hub.admin.post(f"/api/incidents/{pressing}/acknowledge")
    assert order() == [f"vu-{pressing}", line, f"vu-{calm}"], "one sounds, as far as anybody knows"
    posts = seen(hub.admin, "/phan/diem")
    assert posts.count('class="card away') == 3 and 'class="card cannot' not in posts


@pytest.mark.parametrize(
    ("posts", "purpose", "vi"),
    [
        (("p1",), "actual", "Đánh THẬT “Báo động” ở Điểm 1, 100 hộ nghe thấy: người dân sẽ ra ngay, cầm theo gậy gộc."),
        (("p1", "p2"), "drill",
         "DIỄN TẬP “Báo động” ở Điểm 1, Điểm 2, 200 hộ nghe thấy: phải báo trước cho dân biết là diễn tập."),
        (("p1", "p2", "p3", "p4", "p5"), "actual",
         "Đánh THẬT “Báo động” ở Điểm 1, Điểm 2, Điểm 3 và 2 điểm nữa, 500 hộ nghe thấy: người dân sẽ ra ngay, cầm theo gậy gộc."),
        (tuple(f"p{n}" for n in range(1, 7)), "actual",
         "Đánh THẬT “Báo động” ở TẤT CẢ 6 điểm kẻng, 600 hộ nghe thấy: người dân sẽ ra ngay, cầm theo gậy gộc."),
        (("p7",), "actual", "Đánh THẬT “Báo động” ở Điểm 7, chưa ghi số hộ: người dân sẽ ra ngay, cầm theo gậy gộc."),
        (("p6",), "test", "Kiểm tra không kêu “Báo động” ở Điểm 6: cả đường được thử, không tiếng nào phát ra."),
    ],
)  # fmt: skip
def test_the_sentence_before_firing_names_signal_posts_households_and_consequence(
    posts: tuple[str, ...], purpose: str, vi: str
) -> None:
    """R62: read by somebody whose hands shake."""
    alarm = builtin("cong_lac").signals["alarm"]
    assert sentence(alarm, purpose, posts, ROSTER, "vi") == vi
    assert "Alarm" in sentence(alarm, purpose, posts, ROSTER, "en")


def test_the_sentence_comes_with_the_posts_that_would_not_sound(hub: Station) -> None:
    """P9: known before the order, not after it."""
    hub.status("an-lao")
    told = hub.admin.get("/phan/cau", signal="alarm", purpose="actual", post=["an-lao", "bo-trang"]).json()
    assert told["posts"] == ["an-lao", "bo-trang"]
    assert told["silent"] == [
        {"name": "Điểm Bồ Tràng", "why": "Không nhận được lệnh từ đây: chưa bao giờ liên lạc với máy trực ban"}
    ]
    assert hub.admin.get("/phan/cau", signal="nothing", purpose="actual", all=True).json()["error"] == "unknown_signal"
    assert hub.admin.get("/phan/cau", signal="alarm", purpose="actual").json()["error"] == "one_way"


def test_an_order_is_followed_to_each_post_with_whom_to_phone(hub: Station) -> None:
    """R65: who has not answered is phoned, by a link."""
    form = {"id": "ring-00001", "signal": "alarm", "purpose": "actual", "why": "trộm", "posts": ["an-lao", "bo-trang"]}
    hub.admin.post("/api/rings", form)
    hub.answers("ring-00001", "an-lao", "received", "ringing")
    html = seen(hub.admin, "/phan/lenh/ring-00001")
    assert 'href="tel:0912345678"' in html and "đang đánh (rơ-le đã đóng, chưa kiểm được tiếng)" in text(html)
    assert hub.admin.get("/lenh/ring-00009").json()["error"] == "unknown_dispatch"


def test_the_language_is_chosen_and_kept_and_leads_nowhere_else(hub: Station) -> None:
    """Vietnamese first; a switch that is no open door to other sites."""
    assert '<html lang="vi"' in seen(hub.admin, "/")
    answer = hub.admin.web.get("/ngon-ngu/en", headers={"Referer": "http://evil.example/x"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    for odd in ("http://[x]/", "http://testserver//evil.example", "x"):
        answer = hub.admin.web.get("/ngon-ngu/en", headers={"Referer": odd}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), odd
    html = seen(hub.admin, "/")
    assert '<html lang="en"' in html and "STOP ALL" in html
    assert hub.admin.web.get("/ngon-ngu/fr", follow_redirects=False).status_code == 422


def test_the_book_is_read_by_post_kind_and_day(hub: Station) -> None:
    """The merged book, a page at a time."""
    hub.pressed("an-lao")
    hub.hears("bo-trang", "started", reason="new")
    both = text(seen(hub.admin, "/so-keng"))
    assert "đánh kẻng Báo động nút bấm, chòi gác" in both and "khởi động" in both and "Các sổ liền mạch" in both
    assert "khởi động sổ mới" not in text(seen(hub.admin, "/so-keng", post="an-lao"))
    assert "Không có mục nào" in text(seen(hub.admin, "/so-keng", to="2001-01-01", kind="missed"))
    assert hub.admin.get("/so-keng", **{"from": "2026-99-99"}).status_code == 200


def test_what_is_refused_is_a_page_for_a_browser_and_json_for_a_program(hub: Station) -> None:
    """Nobody on duty reads JSON: the sentence, the cure, the way back."""
    browser = hub.admin.web.get("/vu-viec/khong-co", headers={"Accept": "text/html,*/*;q=0.8"})
    assert browser.status_code == 404 and "không có vụ việc này: " not in browser.text
    assert "không có vụ việc này" in text(browser.text) and "Về bảng trực ban" in text(browser.text)
    assert "DỪNG TẤT CẢ" in text(browser.text), "one press away here too"
    assert hub.admin.get("/vu-viec/khong-co").json()["error"] == "unknown_incident"
    assert (
        hub.admin.web.get("/phan/lenh/khong-co", headers={"Accept": "text/html"}).json()["error"] == "unknown_dispatch"
    )


def test_the_report_shows_the_periods_figures_as_numbers_and_pictures(hub: Station) -> None:
    """This month unless told; a period that has not begun is said, and this month shown."""
    incident = hub.pressed("an-lao")
    outcome = {"kind": "theft", "done": "bắt được một người", "done_by": "tổ an ninh", "text": ""}
    assert hub.admin.post(f"/api/incidents/{incident}/outcomes", outcome).status_code == 201
    html = seen(hub.admin, "/bao-cao")
    assert "Vụ việc theo loại" in html and "Trộm cắp 1" in text(html)
    assert "Lần đánh thật 1" in text(html) and "Báo động 1" in text(html) and "Thôn An Lão 1" in text(html)
    assert "Lần diễn tập 0" in text(html)
    assert html.count("<rect") >= 24 + 3 and "/api/reports/" in html
    assert "Lần đánh thật 0" in text(seen(hub.admin, "/bao-cao", village="bo-trang"))
    later = text(seen(hub.admin, "/bao-cao", ky="9000"))
    assert "Lần đánh thật 1" in later and "9000" in later
    assert "Lần đánh thật 0" in text(seen(hub.admin, "/bao-cao", ky="2001-q4"))


def test_drills_are_no_alarms_wherever_rings_are_counted(hub: Station) -> None:
    """R62: the report's numbers and pictures, and what a hand-over says by itself."""
    hub.pressed("an-lao")
    for post in ("bo-trang", "cau-ngang"):
        hub.hears(post, "ringing", activation=f"{post}-1", signal="alarm", purpose="drill", source="hub")
    report = text(seen(hub.admin, "/bao-cao"))
    assert "Lần đánh thật 1 Lần diễn tập 2" in report
    assert "Báo động 1 + 2 diễn tập" in report and "Thôn Bồ Tràng 0 + 1 diễn tập" in report
    assert hub.admin.post("/api/shift/receive", {"after": 0}).status_code == 200
    assert hub.admin.get("/api/shift").json()["summary"]["rings"] == []  # it has begun just now
    with hub.hub.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE shift SET began_ms = began_ms - 60000")
    assert "Báo động × 1, diễn tập Báo động × 2;" in text(seen(hub.admin, "/ca-truc"))


def test_heights_of_bars_let_the_least_be_seen() -> None:
    """One ring beside a thousand is still one ring."""
    found = bars([("a", 1_000, 0), ("b", 1, 0), ("c", 0, 0), ("d", 500, 0), ("e", 501, 1)])
    assert [bar["height"] for bar in found] == [60, 2, 0, 30, 30]
    assert [bar["drill_height"] for bar in found] == [0, 0, 0, 0, 2]
    assert bars([]) == []
    assert bars([("a", 0, 0)]) == [{"name": "a", "count": 0, "height": 0, "drills": 0, "drill_height": 0}]


def test_a_post_is_let_in_from_the_page_by_one_act_and_only_by_who_may(hub: Station) -> None:
    """As from the shell: name, villages and file in one; a duty officer is not even offered it."""
    form = {"id": hub.act(), "name": "Điểm Đồng Sen", "villages": ["Thôn An Lão", "Thôn Đồng Sen"]}
    made = hub.admin.post("/api/posts/dong-sen/enrol", form)
    assert made.status_code == 200 and 'id = "dong-sen"' in made.text
    html = seen(hub.admin, "/diem-keng")
    assert (
        "Điểm Đồng Sen" in html
        and "dong-sen · Thôn An Lão, Thôn Đồng Sen" in text(html)
        and "chứng thư tới" in text(html)
    )
    assert hub.admin.post("/api/posts/chua-co/enrol", {"id": hub.act()}).json()["error"] == "unknown_post"
    duty = hub.officer("binh")
    html = seen(duty, "/diem-keng")
    assert 'id="enrol"' not in html and "data-revoke" not in html and "data-silence" not in html and "data-test" in html
