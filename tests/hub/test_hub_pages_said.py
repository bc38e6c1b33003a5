"""What the officers' pages say of a sound, of a post that is lost and of who keeps it: never more than the post itself has said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kengd.duty.health import Condition
from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.desk.silence import silence_of
from kengd.hub.ledger import rosters
from kengd.hub.roster import Keeper, Seen
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Station, station, text
from tests.hub.test_hub_pages import seen

RELAY = Condition("relay_failed", "critical", "rơ-le không đóng", "relay does not close")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


@pytest.mark.parametrize(
    ("proved", "says"),
    [
        (None, "Báo động , chòi gác – đang đánh, rơ-le đã đóng, chưa kiểm được tiếng"),
        (False, "đang đánh, rơ-le đã đóng nhưng không nghe thấy tiếng"),
        (True, "đang kêu (đã nghe thấy tiếng)"),
    ],
)
def test_an_alarm_is_said_to_sound_only_where_it_was_heard(hub: Station, proved: bool | None, says: str) -> None:
    """P9: the alarm's card says what the post says, not what its relay was told."""
    ring = Sounding("an-0001", "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms(), proved=proved)
    hub.pressed("an-lao")
    hub.status("an-lao", sounding=ring)
    html = text(seen(hub.admin, "/phan/tren"))
    assert says.replace(" ,", ",") in html and ("đang kêu" in html) is (proved is True)


def test_of_an_alarm_at_a_post_that_is_lost_only_the_last_word_is_said(hub: Station) -> None:
    """P9: "lần cuối nghe là đang đánh"; and what its book has not ended, while it says that nothing sounds, is left open."""
    hub.pressed("an-lao")
    hub.status("an-lao")
    assert "đã bắt đầu đánh, chưa có tin là dứt" in text(seen(hub.admin, "/phan/tren"))
    hub.status("an-lao", sounding=Sounding("an-0001", "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms(), proved=True))
    hub.absent("an-lao")
    assert "lần cuối nghe là đang đánh, từ đó mất liên lạc" in text(seen(hub.admin, "/phan/tren"))
    assert "lúc ấy đang đánh. Nút ở điểm vẫn đánh được" in text(seen(hub.admin, "/phan/diem", id=["an-lao"]))


@pytest.mark.parametrize("path", ["/phan/diem", "/ban-do", "/diem-keng", "/danh-keng", "/phan/ca"])
def test_a_lost_line_silences_no_bell_on_any_page(hub: Station, path: str) -> None:
    """P9: the button and the nightly ring go on without us; "sẽ không kêu" is for a bell that is silent."""
    hub.status("an-lao", conditions=(RELAY,))
    hub.status("bo-trang")
    hub.absent("bo-trang")
    html = text(seen(hub.admin, path))
    assert "Sẽ không kêu: rơ-le không đóng" in html and "Sẽ không kêu: mất" not in html
    assert "Không nhận được lệnh từ đây: mất liên lạc từ" in html and "Nút ở điểm vẫn đánh được" in html


def test_a_faulty_bell_that_is_lost_is_not_said_to_ring_by_its_button() -> None:
    """P9: the last that was known of it was that it is silent."""
    status = Seen(present=False, heard_ms=1_000, since_ms=1_000)
    found = silence_of(status, 2_000_000)
    assert found is not None and not found.mute and "Nút ở điểm vẫn đánh được" in found.sentence("vi")
    refused = silence_of(Seen(present=True, heard_ms=1_000, refused="unknown_key"), 2_000)
    assert refused is not None and not refused.mute and refused.sentence("en").startswith("Cannot be ordered from here")


def test_a_last_will_is_no_word_of_the_post(hub: Station) -> None:
    """P9: the broker says that it is gone; how old the post's own last word is does not begin anew with that."""
    hub.status("an-lao")
    watch = hub.hub.watch
    watch._seen["an-lao"] = replace(watch.seen("an-lao"), heard_ms=wall_ms() - 40_000, word_ms=wall_ms() - 40_000)
    hub.absent("an-lao")
    [post] = [one for one in hub.admin.get("/api/desk").json()["posts"] if one["id"] == "an-lao"]
    assert 40 <= post["heard_age_s"] < 60 and post["present"] is False
    html = text(seen(hub.admin, "/phan/diem"))
    assert "tin cuối" in html and "chưa có tin nào" in html and "nghe lần cuối" not in html


def test_who_keeps_a_post_is_named_where_it_cannot_be_reached_or_sounds(hub: Station) -> None:
    """R65: with the phone, or that there is none; not on a device that lies about."""
    with hub.hub.ledger.write() as connection:
        rosters.put_keeper(connection, Keeper("ong-loc", "an-lao", "Ông Lộc"))
    hub.hub.forget_roster()
    hub.status("bo-trang")
    assert "Bà Tư" not in seen(hub.admin, "/phan/diem"), "it is ready"
    assert "người giữ kẻng: Ông Lộc, chưa có số điện thoại" in text(seen(hub.admin, "/phan/diem"))
    hub.pressed("an-lao")
    assert "người giữ kẻng: Ông Lộc, chưa có số điện thoại" in text(seen(hub.admin, "/phan/tren"))
    hub.absent("bo-trang")
    assert "người giữ kẻng: Bà Tư ☎ 0912 345 678" in text(seen(hub.admin, "/phan/diem", id=["bo-trang"]))
    hub.idle()
    assert "Bà Tư" not in seen(hub.admin, "/phan/diem")


def test_a_post_that_does_not_answer_says_who_is_to_be_called_or_why_nobody(hub: Station) -> None:
    """R65: the telephone, or that there is none, with the way to the roster for whoever may change it."""
    with hub.hub.ledger.write() as connection:
        rosters.put_keeper(connection, Keeper("ong-loc", "an-lao", "Ông Lộc"))
    hub.hub.forget_roster()
    order = {
        "id": "ring-00001",
        "signal": "alarm",
        "purpose": "drill",
        "posts": ["an-lao", "bo-trang", "cau-ngang"],
        "why": "thử",
    }
    assert hub.admin.post("/api/rings", order).status_code == 201
    part = "/phan/lenh/ring-00001"
    told = text(seen(hub.admin, part))
    assert "người giữ kẻng: Ông Lộc, chưa có số điện thoại – Danh bạ" in told
    assert "Gọi điện: Bà Tư ☎ 0912 345 678" in told and "chưa có người giữ kẻng – Danh bạ" in told
    told = text(seen(hub.officer("an"), part))
    assert "chưa có số điện thoại" in told and "Danh bạ" not in told
    with hub.hub.ledger.write() as connection:
        rosters.put_keeper(
            connection, Keeper("ba-tu", "bo-trang", "Bà Tư", "0912 345 678", away_until_ms=wall_ms() + 60_000)
        )
    hub.hub.forget_roster()
    assert "Không gọi được ai: người giữ kẻng đều đi vắng – Danh bạ" in text(seen(hub.admin, part))
    for post in ("an-lao", "bo-trang", "cau-ngang"):
        hub.answers("ring-00001", post, "received", "ringing")
    told = text(seen(hub.admin, part))
    assert "Gọi điện" not in told and "chưa có" not in told and "đi vắng" not in told
    hub.idle()
    assert "Ông Lộc" not in seen(hub.admin, part)


def test_the_ring_that_sounds_is_not_the_one_before(hub: Station) -> None:
    """What rings now is said once; afterwards it is the last one."""
    hub.pressed("an-lao")
    hub.status("an-lao", sounding=Sounding("an-0001", "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms()))
    assert "lần đánh trước" not in seen(hub.admin, "/phan/diem", id=["an-lao"])
    hub.status("an-lao")
    assert "lần đánh trước: Báo động" in text(seen(hub.admin, "/phan/diem", id=["an-lao"]))


def test_what_is_not_as_it_should_be_stands_before_what_is_ready(hub: Station) -> None:
    """A board is read from its top: what sounds, what is lost or mute, then the others in their own order."""
    hub.status("an-lao")
    hub.status("bo-trang")
    hub.absent("bo-trang")
    hub.status("cau-ngang", sounding=Sounding("cn-0001", "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms()))
    html = seen(hub.admin, "/phan/diem")
    assert re.findall(r'id="diem-([a-z-]+)"', html) == ["cau-ngang", "bo-trang", "an-lao"]
    places = [int(one) for one in re.findall(r'data-at="([0-9]+)"', html)]
    assert places == sorted(places)
    [alone] = re.findall(r'data-at="([0-9]+)"', seen(hub.admin, "/phan/diem", id=["bo-trang"]))
    assert int(alone) == places[1], "a card that is drawn anew alone finds the same place"
    hub.status("bo-trang")
    hub.status("cau-ngang")
    assert re.findall(r'id="diem-([a-z-]+)"', seen(hub.admin, "/phan/diem")) == ["an-lao", "bo-trang", "cau-ngang"]


def test_nothing_stands_before_the_button_that_stops_all(hub: Station) -> None:
    """Sound and its muting come and go below or beside it: a finger finds it where it was."""
    html = seen(hub.admin, "/")
    assert html.index("hush-all") < html.index('id="sound"') < html.index('id="mute"')
