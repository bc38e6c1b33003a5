"""The roster's pages and the board's filters as the server makes them: what is shown, to whom, and what a card says of a post."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kengd.duty.health import Condition
from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.desk.pages.duty import STATES, last_words, states
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Officer, Station, station, text

EDITING = (
    "/danh-ba/them/thon", "/danh-ba/thon/an-lao", "/danh-ba/diem/an-lao", "/danh-ba/them/nguoi", "/danh-ba/nguoi/ba-tu",
    "/danh-ba/them/nhom", "/danh-ba/nhom/ven-song",
)  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def seen(officer: Officer, path: str, **query: Any) -> str:
    answer = officer.get(path, **query)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_the_roster_lists_everybody_and_what_is_lacking(hub: Station) -> None:
    """Households, keepers, phone numbers, PINs, who helps whom: what nobody has entered is said."""
    hub.admin.put("/api/keepers/ba-tu/pin", {"pin": "730194"})
    hub.admin.put("/api/villages/moi", {"name": "Thôn Mới"})
    hub.admin.put("/api/villages/bo-trang/neighbours", {"neighbours": [{"village": "an-lao", "by_itself": True}]})
    said = text(seen(hub.admin, "/danh-ba"))
    assert "Thôn An Lão 120 hộ Khi báo động, sang giúp: Thôn Bồ Tràng (khi cán bộ nhờ)" in said
    assert "sang giúp: Thôn An Lão (tự sang)" in said and "Thôn Mới chưa ghi số hộ" in said
    assert "1. Bà Tư ☎ 0912 345 678" in said and "đã đặt mã PIN" in said
    assert said.count("chưa có người giữ kẻng") == 2 and "Ven sông 2 điểm kẻng: Điểm Bồ Tràng, Điểm Cầu Ngang" in said
    keepers = hub.admin.get("/api/roster").json()["keepers"]
    assert [(one["id"], one["has_pin"]) for one in keepers] == [("ba-tu", True)]
    assert "730194" not in seen(hub.admin, "/danh-ba/nguoi/ba-tu")


def test_who_may_not_change_it_reads_it_and_is_offered_nothing(hub: Station) -> None:
    """Act `people` (a post itself: `enrol`); a device that was left lying shows no phone numbers (H28)."""
    duty, chief = hub.officer("binh"), hub.officer("an", "chief")
    html = seen(duty, "/danh-ba")
    assert "0912 345 678" in html and "/danh-ba/" not in html and "sua=1" not in html
    for path in EDITING:
        assert duty.get(path).json()["error"] == "not_allowed", path
        assert chief.get(path).status_code == (403 if path == "/danh-ba/diem/an-lao" else 200), path
    assert "/danh-ba/diem/" not in seen(chief, "/danh-ba")
    hub.idle()
    assert duty.get("/danh-ba").json()["error"] == "session_locked"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/danh-ba/thon/khong-co", "unknown_village"),
        ("/danh-ba/diem/khong-co", "unknown_post"),
        ("/danh-ba/nguoi/khong-co", "no_such_keeper"),
        ("/danh-ba/nhom/khong-co", "unknown_group"),
    ],
)
def test_what_is_gone_is_said(hub: Station, path: str, error: str) -> None:
    """An old link."""
    answer = hub.admin.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, error)


def test_a_form_holds_all_that_a_change_would_overwrite(hub: Station) -> None:
    """PUT puts the whole: place on the map, order in lists, page and addresses go through the form untouched."""
    whole = {"name": "Điểm A", "villages": ["an-lao"], "x": 12.5, "y": -3.0, "page": "http://10.0.0.5/", "rank": 7}
    hub.admin.put("/api/posts/an-lao", whole)
    html = seen(hub.admin, "/danh-ba/diem/an-lao")
    assert 'data-more="{&#34;x&#34;:12.5,&#34;y&#34;:-3.0}"' in html and 'name="rank"' in html and 'value="7"' in html
    assert (
        'value="http://10.0.0.5/"' in html
        and 'value="an-lao" checked' in html
        and 'value="bo-trang" checked' not in html
    )
    hub.admin.put("/api/villages/an-lao", {"name": "Thôn A", "households": 9, "rank": 4})
    html = seen(hub.admin, "/danh-ba/thon/an-lao")
    assert 'value="9"' in html and 'value="4"' in html and '<option value="asked" selected>' in html
    html = seen(hub.admin, "/danh-ba/nhom/ven-song")
    assert re.findall(r'value="([a-z-]+)" checked', html) == ["bo-trang", "cau-ngang"]


# ---- the board


def post(**more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"sounding": None, "present": True, "silence": None, "conditions": [], "clock_vi": None}
    return usual | more


@pytest.mark.parametrize(
    ("one", "silenced", "found"),
    [
        (post(), False, ["ready"]),
        (post(), True, ["silenced"]),
        (post(present=False, silence={"mute": False}), False, ["absent"]),
        (post(present=False, silence={"mute": True}), False, ["absent", "cannot"]),
        (post(silence={"mute": False}), False, ["unsure"]),
        (post(silence={"mute": True}, conditions=["relay"]), False, ["cannot", "unsure"]),
        (post(sounding={}, clock_vi="nhanh"), True, ["rings", "silenced", "unsure"]),
    ],
)
def test_a_post_is_found_by_everything_that_it_is(one: dict[str, Any], silenced: bool, found: list[str]) -> None:
    """The first is what it is called on the map; each is counted."""
    assert states(one, silenced=silenced) == found and set(found) <= set(STATES)


def test_the_last_ring_is_told_with_who_and_why_and_its_end() -> None:
    """In one line; nothing is made up."""
    ring = {"source": "hub", "place": None, "by": "Đ/c An", "why": "lũ", "outcome": "cut", "reason": "hushed"}
    assert last_words(ring) == "Công an xã, Đ/c An, lũ: bị ngắt, có người dừng"
    assert last_words(ring | {"outcome": None, "reason": None}) == "Công an xã, Đ/c An, lũ"
    assert last_words(dict.fromkeys(ring) | {"why": ""}) == "" and last_words(None) == ""


def test_cards_say_where_they_belong_and_alarms_come_first(hub: Station) -> None:
    """By village, group and state; a part that is fetched anew has its place on the board with it."""
    for name in ("an-lao", "bo-trang"):
        hub.status(name)
    sounding = Sounding("a" * 16, "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms())
    hub.status("cau-ngang", sounding=sounding, silenced_until_s=wall_ms() // 1000 + 600)
    html = seen(hub.admin, "/")
    assert re.findall(r'id="diem-([a-z-]+)"', html) == ["cau-ngang", "an-lao", "bo-trang"]
    card = re.search(r'<li class="card [^>]*id="diem-cau-ngang"[^>]*>', html)
    assert (
        card is not None
        and 'data-at="2" data-states="rings silenced" data-villages="" data-groups="ven-song"' in card[0]
    )
    assert 'data-at="400001"' in seen(hub.admin, "/phan/diem", id=["bo-trang"]), (
        "behind all that are not as they should be"
    )
    chips = dict(re.findall(r'data-state="([a-z]*)"[^>]*>[^<]*<b>(\d+)</b>', html))
    assert chips == {"": "3", "rings": "1", "cannot": "0", "absent": "0", "silenced": "1", "unsure": "0", "ready": "2"}


def test_the_wall_shows_the_same_board_and_stops_it(hub: Station) -> None:
    """Nobody touches it, but stop-all is on it (R62)."""
    unsure = Condition("clock_untrusted", "major", "Chưa tin được đồng hồ", "The clock is not trusted")
    hub.status("an-lao", conditions=(unsure,))
    html = seen(hub.admin, "/", **{"man-hinh": 1})
    assert 'class="wall"' in html and "wall.js" in html and "hush-all" in html and "Chưa tin được đồng hồ" in html
    assert 'class="wall' not in seen(hub.admin, "/") and hub.admin.get("/", **{"man-hinh": "x"}).status_code == 422


def test_a_large_page_is_packed_for_whoever_can_unpack_it(hub: Station) -> None:
    """A district's board on a poor line; a browser that cannot gets it plain."""
    packed = hub.admin.web.get("/", headers={"Accept-Encoding": "gzip"})
    plain = hub.admin.web.get("/", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) * 2 < int(plain.headers["content-length"])
    assert packed.headers["vary"] == "Accept-Encoding" and "Điểm An Lão" in packed.text


def test_every_page_is_there_in_english_too(hub: Station) -> None:
    """What stands in a template only for the other language fails here, not at two in the morning."""
    hub.pressed("an-lao")
    hub.admin.put("/api/posts/an-lao/place", {"at": "21.03, 105.85"})
    hub.admin.web.cookies.set("kengd_lang", "en")
    for path in (
        *EDITING,
        "/",
        "/?man-hinh=1",
        "/danh-ba",
        "/ban-do",
        "/ban-do?sua=1",
        "/so-keng",
        "/phan/ban-do",
        "/phan/diem",
    ):
        html = seen(hub.admin, path)
        assert "sẵn sàng" not in html and "Lưu<" not in html, path
