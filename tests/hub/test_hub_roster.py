"""Who is in the commune, and in one Vietnamese line why a post would not ring now (P9, H22)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.duty.health import CATALOGUE, Condition
from kengd.hub.ledger import rosters
from kengd.hub.ledger.store import Ledger
from kengd.hub.roster import (
    SKEW_MS,
    STALE_MS,
    Keeper,
    Neighbour,
    Post,
    Roster,
    Seen,
    Village,
    hub_clock_wrong,
    moment_vi,
    why_calm_silent,
    why_silent,
)
from tests.hub.spine_kit import status

VN = timezone(timedelta(hours=7))
NOW = int(datetime(2026, 11, 22, 14, 30, tzinfo=VN).timestamp() * 1000)
HOUR = 3_600_000


def seen(**more: object) -> Seen:
    usual: dict[str, object] = {
        "status": status(at_ms=NOW),
        "present": True,
        "heard_ms": NOW,
        "since_ms": NOW,
        "live": True,
    }
    return Seen(**(usual | more))  # type: ignore[arg-type]


def ill(*conditions: Condition) -> Seen:
    return seen(status=status(conditions=conditions))


def condition(code: str, severity: str = "critical", vi: str = "") -> Condition:
    return Condition(code, severity, vi or CATALOGUE[code].vi, "")  # type: ignore[arg-type]


CASES = [
    ("well", seen(), None),
    ("never", Seen(), "chưa bao giờ liên lạc với máy trực ban"),
    (
        "will",
        seen(present=False, heard_ms=NOW, since_ms=NOW - HOUR),
        "mất liên lạc từ 13:30",
    ),
    ("gone since yesterday", seen(present=False, since_ms=NOW - 24 * HOUR), "mất liên lạc từ 14:30 ngày 21/11"),
    ("gone for years", seen(present=False, since_ms=NOW - 400 * 24 * HOUR), "mất liên lạc từ 14:30 ngày 18/10/2025"),
    ("gone, since unknown", seen(present=False, heard_ms=NOW - HOUR, since_ms=None), "mất liên lạc từ 13:30"),
    ("fell silent", seen(heard_ms=NOW - STALE_MS, since_ms=0), "mất liên lạc từ 14:28"),
    ("spoke just in time", seen(heard_ms=NOW - STALE_MS + 1), None),
    ("our clock went back", seen(heard_ms=NOW + HOUR), None),
    (
        "newer",
        seen(status=None, speaks=2),
        "điểm kẻng nói giao thức phiên bản 2, máy trực ban phiên bản 1: phải nâng cấp máy trực ban",
    ),
    ("key", seen(refused="unknown_key"), "khóa của máy trực ban không có ở điểm kẻng"),
    ("signature", seen(refused="bad_signature"), "chữ ký không đúng khóa"),
    ("other refusal", seen(refused="wrong_issuer"), "điểm kẻng từ chối lệnh (wrong_issuer)"),
    *((code, ill(condition(code)), CATALOGUE[code].vi) for code in CATALOGUE if CATALOGUE[code].severity == "critical"),
    *(
        (code, ill(condition(code, CATALOGUE[code].severity)), None)
        for code in CATALOGUE
        if CATALOGUE[code].severity != "critical"
    ),
    ("newer post", ill(condition("hammer_stolen", vi="Mất búa")), "Mất búa"),
    ("two lines", ill(condition("relay_failed", vi="Rơ-le\n hỏng")), "Rơ-le hỏng"),
    (
        "the first critical one",
        ill(condition("mains_lost", "major"), condition("relay_failed")),
        CATALOGUE["relay_failed"].vi,
    ),
    ("gone and ill", seen(present=False, since_ms=NOW - HOUR, refused="unknown_key"), "mất liên lạc từ 13:30"),
]


@pytest.mark.parametrize(("post", "line"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_why_a_post_would_not_ring_is_one_vietnamese_line(post: Seen, line: str | None) -> None:
    """P9: each state has its line; nothing is said where nothing is known against it."""
    assert why_silent(post, NOW) == line
    assert line is None or (line.strip() == line and "\n" not in line)


@pytest.mark.parametrize("post", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_without_the_broker_nobody_knows_how_a_post_is(post: Seen) -> None:
    """P9: with our own line down no post is shown as ready, however well it was."""
    line = why_silent(post, NOW, line_up=False)
    assert line == "máy trực ban mất liên lạc với máy chủ MQTT, chưa biết điểm kẻng này thế nào"


LAST_S = 253_402_300_799


@pytest.mark.parametrize(
    ("post", "line"),
    [
        (Seen(), None),
        (seen(), None),
        (seen(status=status(silenced_until_s=NOW // 1000)), None),
        (seen(status=status(silenced_until_s=NOW // 1000 + 3600)), "đang tạm ngừng kẻng thường lệ đến 15:30"),
        (
            seen(status=status(silenced_until_s=NOW // 1000 + 86_400)),
            "đang tạm ngừng kẻng thường lệ đến 14:30 ngày 23/11",
        ),
        (
            seen(status=status(silenced_until_s=LAST_S)),
            "đang tạm ngừng kẻng thường lệ đến 07:00 ngày 31/12/9999",
        ),
        (seen(status=status(clock="untrusted")), "đồng hồ chưa tin được, kẻng theo giờ không đánh"),
        (
            seen(status=status(clock="untrusted", silenced_until_s=NOW // 1000 + 60)),
            "đang tạm ngừng kẻng thường lệ đến 14:31",
        ),
    ],
)
def test_why_the_next_routine_ring_would_not_sound_is_one_line(post: Seen, line: str | None) -> None:
    """P9: a silenced post rings alarms all the same; this is said beside."""
    assert why_calm_silent(post, NOW) == line


@given(st.integers(0, LAST_S * 1000 + 999), st.integers(0, LAST_S * 1000))
def test_any_moment_can_be_told(at_ms: int, now_ms: int) -> None:
    """What a post says is never a reason for a page to fail."""
    assert len(moment_vi(at_ms, now_ms)) <= len("00:00 ngày 31/12/9999")


def test_a_nonce_is_needed_where_the_clock_will_not_do() -> None:
    """H22, DESIGN 7: an untrusted clock, or one that is more than 10 s from ours."""
    assert not Seen().needs_nonce()
    assert [seen(ahead_ms=ahead).needs_nonce() for ahead in (None, 0, SKEW_MS, -SKEW_MS, SKEW_MS + 1, -SKEW_MS - 1)] == [
        False, False, False, False, True, True
    ]  # fmt: skip
    assert seen(status=status(clock="untrusted")).needs_nonce()


def test_it_is_our_clock_that_is_wrong_when_most_trusted_ones_say_so() -> None:
    """H22: more than half of at least two posts with the time of the network, present now."""
    off, right = seen(ahead_ms=60_000), seen(ahead_ms=10)
    others = [
        seen(ahead_ms=60_000, status=status(clock="rtc")), seen(ahead_ms=60_000, present=False),
        seen(ahead_ms=60_000, heard_ms=NOW - STALE_MS), seen(ahead_ms=None), Seen(),
    ]  # fmt: skip
    cases = [([off, off], True), ([off, off, right], True), ([off, right], False), ([off], False), ([], False)]
    for posts, wrong in cases:
        assert hub_clock_wrong([*posts, *others], NOW) is wrong


ROSTER = Roster(
    posts=(
        Post("ubnd", "Trực ban", sounder=True, enrolled_ms=5),
        Post(
            "thon-2", "Nhà văn hóa thôn 2", ("thon-2", "thon-3"), x=10.5, y=-3.0, page="http://10.0.0.2/", enrolled_ms=7
        ),
        Post("thon-1", "Đình thôn 1", ("thon-1",)),
        Post("cho", "Chợ", ("thon-1",)),
    ),
    villages=(Village("thon-1", "Thôn 1", 120), Village("thon-2", "Thôn 2", 80), Village("thon-3", "Thôn 3", 50)),
    keepers=(
        Keeper("k1", "cho", "Bà Tư", "0900000001", 0),
        Keeper("k2", "thon-1", "Ông Ba", "0900000002", 1, NOW, ("mailto:a@b",)),
    ),
    neighbours=(Neighbour("thon-1", "thon-2"), Neighbour("thon-1", "thon-3", True)),
    groups={"bo-song": ("cho", "thon-1")},
)


def test_the_roster_tells_who_serves_whom() -> None:
    """A village may have several posts and a post several villages; the duty room's own sounder is no village's."""
    assert [post.id for post in ROSTER.bells()] == ["thon-2", "thon-1", "cho"]
    assert [post.id for post in ROSTER.serving(["thon-1"])] == ["thon-1", "cho"]
    assert [post.id for post in ROSTER.serving(["thon-3", "nowhere"])] == ["thon-2"]
    assert ROSTER.households(["thon-1", "cho"]) == 120
    assert ROSTER.households(["thon-2", "cho", "ubnd", "nobody"]) == 250
    assert ROSTER.post("cho") == ROSTER.posts[3] and ROSTER.post("x") is None
    assert ROSTER.village("thon-2") == ROSTER.villages[1] and ROSTER.village("x") is None


def keep(ledger: Ledger) -> None:
    with ledger.write() as connection:
        for rank, village in enumerate(ROSTER.villages):
            rosters.put_village(connection, village, rank)
        for rank, post in enumerate(ROSTER.posts):
            rosters.put_post(connection, post, rank)
        for keeper in ROSTER.keepers:
            rosters.put_keeper(connection, keeper)
        rosters.put_neighbours(connection, "thon-1", ROSTER.neighbours)
        rosters.put_group(connection, "bo-song", "Bờ sông", ["thon-1", "cho", "cho"])


def read(ledger: Ledger) -> Roster:
    with ledger.read() as connection:
        return rosters.read_roster(connection)


def test_the_roster_comes_back_as_it_was_kept(ledger: Ledger) -> None:
    """On both databases, and kept twice it is the same."""
    keep(ledger)
    assert read(ledger) == ROSTER
    keep(ledger)
    assert read(ledger) == ROSTER


def test_a_post_out_of_service_is_not_in_the_roster_until_it_is_put_back(ledger: Ledger) -> None:
    """What it wrote stays; a repaired one comes back under its name."""
    keep(ledger)
    with ledger.write() as connection:
        assert [rosters.retire_post(connection, post, NOW) for post in ("cho", "cho", "nobody")] == [True, False, False]
    assert [post.id for post in read(ledger).posts] == ["ubnd", "thon-2", "thon-1"]
    keep(ledger)
    assert read(ledger) == ROSTER


def test_a_keeper_who_leaves_is_erased_and_an_empty_group_is_gone(ledger: Ledger) -> None:
    """Personal data is not kept without need."""
    keep(ledger)
    with ledger.write() as connection:
        assert [rosters.drop_keeper(connection, keeper) for keeper in ("k1", "k1")] == [True, False]
        rosters.put_group(connection, "bo-song", "Bờ sông", [])
        rosters.put_neighbours(connection, "thon-1", [])
    found = read(ledger)
    assert (found.keepers, found.groups, found.neighbours) == (ROSTER.keepers[1:], {}, ())
