"""What people are told, and who: alarms, calls in turn, absences, missed rings, conditions; and that nothing waits for it."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from kengd.clock import unix_ms, zone
from kengd.duty.health import condition
from kengd.hub.absences import EVERYBODY, SETTLE_MS, Line, of_conditions, of_presence
from kengd.hub.addresses import Addresses
from kengd.hub.authority.own import Expiry
from kengd.hub.bulletins import messages, newest
from kengd.hub.dispatching import Order
from kengd.hub.founding import Wish, found
from kengd.hub.incidents import Incident
from kengd.hub.ledger import incidents, notices, rosters, trials, values
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.merging import merge
from kengd.hub.ledger.notices import MissedRing
from kengd.hub.ledger.store import Ledger
from kengd.hub.ledger.trials import Trial
from kengd.hub.notices.cap_writing import CapSource
from kengd.hub.notices.words import Notice
from kengd.hub.people.passwords import argon2
from kengd.hub.people.words import Officer
from kengd.hub.roster import Seen
from kengd.hub.service import Hub
from kengd.hub.settings import load_hub
from kengd.hub.tidings import (
    Tiding,
    of_certificates,
    of_curfew,
    of_incident,
    of_missed,
    of_silent_test,
    why_no_curfew,
)
from kengd.uplink.line import Inbound, Token
from kengd.wire.entry import to_json
from kengd.wire.topics import entry_topic
from tests.hub.spine_kit import COMMUNE, T0, chained, heard, said, status
from tests.hub.town_kit import ALARM, HUNG, ROSTER, Town, all_here, here, settings_of

UP = Line(True, T0 - 3_600_000)


def local(hour: int, minute: int = 0) -> int:
    """A moment of one December day, as unix ms."""
    return unix_ms(datetime(2026, 12, 8, hour, minute, tzinfo=zone()))


def keys(tidings: Sequence[Tiding]) -> list[str]:
    return [tiding.key for tiding in tidings]


def told(tiding: Tiding) -> Notice:
    assert tiding.notice is not None
    return tiding.notice


def of(incident: Incident, *sounded: Sounded, now_ms: int = T0 + 1_000) -> list[Tiding]:
    return of_incident(incident, sounded or (HUNG,), ROSTER, now_ms)


# ---- alarms


def test_a_new_alarm_says_where_what_and_who_pressed() -> None:
    """The officers, the keepers of that post and the hooks are told."""
    (alarm,) = of(ALARM)
    notice = told(alarm)
    assert (alarm.key, alarm.groups, alarm.to) == ("told:alarm:i1", ("officers", "keepers", "hooks"), None)
    assert (notice.posts, notice.activation, notice.title_vi) == (("thon-1",), "a1", "BÁO ĐỘNG Kẻng thôn 1")
    assert "bấm nút tại điểm kẻng (cổng làng)" in notice.body_vi


def test_an_alarm_waits_a_moment_for_the_place_and_no_longer() -> None:
    """A status, which comes first, does not say which button it was; its entry is right behind it, or never comes."""
    nowhere = replace(HUNG, place=None)
    assert of(ALARM, nowhere, now_ms=T0 + 1_999) == []
    assert (
        keys(of(ALARM, nowhere, now_ms=T0 + 2_000)) == keys(of(ALARM, nowhere, now_ms=T0 - 60_000)) == ["told:alarm:i1"]
    )
    assert keys(of(ALARM, replace(nowhere, source="page"))) == ["told:alarm:i1"]


def test_a_notice_names_whoever_rang_for_a_call_or_the_source_that_rang_by_itself() -> None:
    """What a source rings without an officer is not laid to the police; what a caller has said stays the officer's (P12)."""
    call = replace(ALARM, origin="call", text="CAP Đài KTTV: Lũ quét (Tứ Kỳ)", post=None)
    rung = replace(HUNG, source="hub", place=None)
    order = Dispatch("i1", "ring", "CAP Đài KTTV", T0, b"", "alarm", "actual", call.text)
    (alarm,) = of_incident(call, (rung,), ROSTER, T0 + 1_000, order)
    assert told(alarm).body_vi.endswith("do nguồn tin Đài KTTV tự phát. Lý do: Lũ quét (Tứ Kỳ).")
    source = CapSource("cong-lac", "kengd@cong-lac", "Công an xã Cộng Lạc")
    (alert,) = messages(source, call, (rung,), ROSTER, order)
    assert alert.infos[0].description == "Báo động tại Kẻng thôn 1. Lý do: Lũ quét (Tứ Kỳ)"
    heard = replace(call, text="anh Sáu gọi: có trộm", acknowledged_ms=T0, acknowledged_by="Đ/c Mai")
    for why, reason in ((heard.text, ""), ("đuổi trộm", ". Lý do: đuổi trộm"), (None, "")):
        theirs = replace(order, by="Đ/c Hùng", officer="o1", why=why)
        (alarm,) = of_incident(heard, (rung,), ROSTER, T0 + 1_000, theirs)
        assert told(alarm).body_vi.endswith(f"do Công an xã phát lệnh, người phát lệnh: Đ/c Hùng{reason}.")


def test_the_place_of_a_button_is_a_place_in_a_cap_message_and_no_reason() -> None:
    """Why somebody pressed is known when somebody has said it."""
    (alert,) = messages(CapSource("cong-lac", "kengd@cong-lac", "Công an xã Cộng Lạc"), ALARM, (HUNG,), ROSTER)
    assert alert.infos[0].description == "Báo động tại Kẻng thôn 1 (cổng làng)"


def test_an_order_of_many_posts_is_told_to_officers_once() -> None:
    """Thirty bells of one act are one notice for an officer; each keeper hears of his own post, each camera of its own."""
    ordered = replace(
        ALARM, id="hub-x", text="cháy rừng", acknowledged_ms=T0, acknowledged_by="Đ/c Hùng", call_due_ms=None
    )
    rung = [replace(HUNG, post=f"thon-{n}", activation=f"a{n}", source="hub", place=None) for n in (1, 2)]
    found = of(ordered, *rung)
    assert [(one.key, one.groups) for one in found] == [
        ("told:alarm:hub-x", ("officers", "keepers", "hooks")),
        ("told:alarm:hub-x:thon-2", ("keepers", "hooks")),
    ]
    assert "người phát lệnh: Đ/c Hùng. Lý do: cháy rừng" in told(found[0]).body_vi


def test_the_keeper_hears_that_the_police_have_it_and_that_it_is_over() -> None:
    """H20, H16; an alarm of an officer's own is not taken by anybody else."""
    done = replace(ALARM, acknowledged_ms=T0 + 5, acknowledged_by="Đ/c Mai", closed_ms=T0 + 9, closed_by="Đ/c Mai")
    found = of(done)
    assert keys(found) == ["told:alarm:i1", "told:taken:i1", "told:ended:i1"]
    assert told(found[1]).body_vi.startswith("CÔNG AN XÃ ĐÃ NHẬN")
    assert "keepers" in found[1].groups
    assert keys(of(done, replace(HUNG, source="hub"))) == ["told:alarm:i1", "told:ended:i1"]


def test_drills_and_yesterday_are_no_news_nor_a_call_that_nothing_was_rung_for() -> None:
    """Only actual alarms that began lately."""
    assert of(replace(ALARM, purpose="drill")) == []
    assert of(ALARM, now_ms=T0 + 86_400_001) == []
    assert of_incident(ALARM, (), ROSTER, T0) == []


# ---- presence


def away(since_ms: int) -> Seen:
    return here(present=False, since_ms=since_ms, heard_ms=since_ms)


def test_a_post_is_told_absent_after_two_minutes_and_back_at_once() -> None:
    """H17: not before, not twice, and its return only where its absence was told."""
    seen = {**all_here(), "thon-1": away(T0 - 119_999)}
    assert of_presence(ROSTER, seen, UP, {}, T0) == []
    seen["thon-1"] = away(T0 - 120_000)
    (gone,) = of_presence(ROSTER, seen, UP, {}, T0)
    assert (gone.key, told(gone).kind, told(gone).posts) == ("lost:thon-1", "absent", ("thon-1",))
    known = {gone.key: gone.value or ""}
    assert of_presence(ROSTER, seen, UP, known, T0) == []
    (back,) = of_presence(ROSTER, all_here(), UP, known, T0)
    assert (back.key, back.value, told(back).kind) == ("lost:thon-1", None, "back")
    assert of_presence(ROSTER, all_here(), UP, {}, T0) == []


def test_a_hub_that_has_just_started_says_of_nobody_that_he_is_back() -> None:
    """What was never heard since the start is not known to be there."""
    assert of_presence(ROSTER, {}, UP, {"lost:thon-1": '{"since_ms": 1}'}, T0) == []
    gone = of_presence(ROSTER, {}, UP, {"lost:thon-9": '{"since_ms": 1}'}, T0)
    assert [(one.key, one.notice) for one in gone] == [("lost:thon-9", None)]


def test_most_posts_at_once_are_one_notice() -> None:
    """ "Mất mạng cả xã từ …": one, also when the broker notices them seconds apart; one when they are back."""
    seen = {**all_here(), **{f"thon-{n}": away(T0 - 120_000 + n * 5_000) for n in (0, 1, 2, 3)}}
    seen = {post: seen[post] for post in ("thon-1", "thon-2", "thon-3", "thon-4")}
    assert of_presence(ROSTER, seen, UP, {}, T0 + 4_000) == []
    (whole,) = of_presence(ROSTER, seen, UP, {}, T0 + 5_000)
    assert (whole.key, told(whole).posts) == (EVERYBODY, ("thon-1", "thon-2", "thon-3"))
    assert told(whole).body_vi.startswith("MẤT MẠNG CẢ XÃ")
    known = {EVERYBODY: whole.value or ""}
    assert of_presence(ROSTER, seen, UP, known, T0 + 60_000) == []
    (back,) = of_presence(ROSTER, all_here(T0 + 60_000), UP, known, T0 + 60_000)
    assert (back.key, back.value) == (EVERYBODY, None)


def test_our_own_line_is_one_notice_and_no_post_is_blamed() -> None:
    """While we hear nobody, nobody is absent; behind the new connection the posts get a moment to be heard."""
    down, late = Line(False, T0), T0 + 300_000
    assert of_presence(ROSTER, all_here(), down, {}, T0 + 119_999) == []
    (whole,) = of_presence(ROSTER, all_here(), down, {}, late)
    assert (whole.key, len(told(whole).posts)) == (EVERYBODY, 4)
    known = {EVERYBODY: whole.value or ""}
    assert of_presence(ROSTER, all_here(), down, known, late) == []
    up = Line(True, late)
    assert of_presence(ROSTER, all_here(), up, known, late + 14_999) == []
    (back,) = of_presence(ROSTER, all_here(late + 15_000), up, known, late + 15_000)
    assert (back.key, told(back).kind) == (EVERYBODY, "back")


def test_two_of_four_that_went_hours_apart_are_told_each() -> None:
    """Grouped is only what happened at once."""
    seen = {**all_here(), "thon-1": away(T0 - 7_200_000), "thon-2": away(T0 - 130_000), "thon-3": away(T0 - 3_600_000)}
    assert sorted(keys(of_presence(ROSTER, seen, UP, {}, T0))) == ["lost:thon-1", "lost:thon-2", "lost:thon-3"]


def test_a_critical_condition_is_told_once_while_it_lasts() -> None:
    """The relay that does not obey; what is only major stands on the page."""
    sick = {**all_here(), "thon-1": here(status=status(conditions=(condition("relay_failed"), condition("lid_open"))))}
    (one,) = of_conditions(ROSTER, sick, UP, {}, T0)
    assert (one.key, told(one).posts) == ("sick:thon-1:relay_failed:", ("thon-1",))
    known = {one.key: "1"}
    assert of_conditions(ROSTER, sick, UP, known, T0) == []
    well = of_conditions(ROSTER, all_here(), UP, known, T0)
    assert [(each.key, each.value, each.notice) for each in well] == [(one.key, None, None)]
    assert of_conditions(ROSTER, {"thon-1": away(T0)}, UP, known, T0) == [], (
        "of an absent one nobody knows that it is well"
    )


# ---- the nightly ring


def test_why_22h_did_not_ring_goes_to_the_posts_keepers() -> None:
    """With the reason that the post wrote; a miss of last week is history."""
    missed = MissedRing("thon-1", "b", 7, local(22, 1), "curfew", "clock_untrusted", "2026-12-08T22:00:00+07:00")
    tiding = of_missed(missed, ROSTER, local(22, 2))
    assert tiding is not None and (tiding.key, told(tiding).posts) == ("told:missed:thon-1:b:7", ("thon-1",))
    assert told(tiding).short_vi.startswith("Kẻng thôn 1 KHÔNG ĐÁNH báo yên (kẻng đêm 22h) lúc 22:00 08/12: đồng hồ")
    assert of_missed(missed, ROSTER, local(22) + 12 * 3_600_000 + 1) is None
    assert of_missed(replace(missed, post="thon-9"), ROSTER, local(22, 2)) is None
    assert of_missed(replace(missed, due="nonsense"), ROSTER, local(22, 2)) is None


@pytest.mark.parametrize("days", [-3, 3])
def test_what_was_missed_just_now_is_told_also_by_a_hub_whose_clock_is_days_off(days: int) -> None:
    """H22: how long ago that was is told by the difference that is known between the two clocks; the hour is the post's."""
    off_ms = days * 86_400_000
    missed = MissedRing("thon-1", "b", 7, local(22, 1), "curfew", "clock_untrusted", "2026-12-08T22:00:00+07:00")
    assert of_missed(missed, ROSTER, local(22, 2) + off_ms) is None
    tiding = of_missed(missed, ROSTER, local(22, 2) + off_ms, -off_ms)
    assert tiding is not None and "lúc 22:00 08/12" in told(tiding).body_vi
    assert of_missed(missed, ROSTER, local(22) + off_ms + 12 * 3_600_000 + 1, -off_ms) is None


def test_a_missed_ring_reaches_people_from_a_hub_whose_clock_is_days_ahead(town: Town) -> None:
    """H22: from the merged book, where it stands under the post's own time."""
    line = said("missed", signal="curfew", reason="clock_untrusted", detail={"due": "2026-09-21T21:13:00+07:00"})
    off_ms = 3 * 86_400_000
    town.clock.now_ms += off_ms
    town.seen = {post: replace(seen, ahead_ms=-off_ms) for post, seen in all_here(town.clock.now_ms).items()}
    with town.ledger.write() as connection:
        merge(connection, heard("thon-1", chained([line]), town.clock.now_ms), town.clock.now_ms)
    town.herald().turn()
    assert town.spoken.take(2) == [(who, "Kẻng thôn 1 không đánh lúc 21:13 21/09") for who in (OFFICER, KEEPER)]


def test_half_an_hour_before_people_know_which_post_will_be_silent() -> None:
    """21:30 to 22:00, once a night; only what the post itself has said counts (P9)."""
    seen = {
        "thon-1": here(status=status(silenced_until_s=local(23) // 1000), heard_ms=local(21, 29)),
        "thon-2": here(status=status(clock="untrusted"), heard_ms=local(21, 29)),
        "thon-3": here(status=status(conditions=(condition("relay_failed"),)), heard_ms=local(21, 29)),
        "thon-4": away(local(20)),
    }
    assert of_curfew(ROSTER, seen, local(21, 29)) == [] == of_curfew(ROSTER, seen, local(22))
    found = of_curfew(ROSTER, seen, local(21, 30))
    assert keys(found) == [f"told:curfew:thon-{n}:2026-12-08" for n in (1, 2, 3)]
    assert "đang tạm ngừng kẻng thường lệ đến 23:00" in told(found[0]).body_vi
    early = replace(seen["thon-1"], status=status(silenced_until_s=local(21, 45) // 1000))
    assert why_no_curfew(early, local(22), local(21, 30)) is None, "it rings again by then"


# ---- certificates and silent tests


def test_a_certificate_is_told_once_a_week_and_not_while_it_renews_itself() -> None:
    """R43: posts and the CA need somebody; the hub's own only when renewing has failed."""
    day = 86_400_000
    expiring = [
        Expiry("post", "thon-1", T0 + 50 * day, False), Expiry("server", "hub.lan", T0 + 50 * day, True),
        Expiry("hub", "hub-1", T0 + 20 * day, True), Expiry("post", "thon-9", T0, False),
    ]  # fmt: skip
    first = of_certificates(expiring, ROSTER, T0)
    assert [key.rpartition(":")[0] for key in keys(first)] == [
        "told:certificate:post:thon-1",
        "told:certificate:hub:hub-1",
    ]
    assert keys(of_certificates(expiring, ROSTER, T0 + 3_600_000)) == keys(first)
    assert set(keys(of_certificates(expiring, ROSTER, T0 + 7 * day))).isdisjoint(keys(first))


def test_a_silent_test_is_told_when_the_night_is_complete() -> None:
    """R26: officers once with all of them, each keeper about his own post."""
    night = [
        Trial("2026-12-08", "thon-1", "d", "passed", T0), Trial("2026-12-08", "thon-2", "d", "missed", T0, {"why": "mất điện"}),
        Trial("2026-12-08", "thon-3", "d", "waiting", T0),
    ]  # fmt: skip
    assert of_silent_test(night, ROSTER, T0) == []
    night[2] = replace(night[2], result="failed", findings={"why": "rơ-le hỏng"})
    found = of_silent_test(night, ROSTER, T0)
    assert [(one.key.removeprefix("told:silent:2026-12-08"), one.groups) for one in found] == [
        ("", ("officers", "hooks")), (":thon-2", ("keepers",)), (":thon-3", ("keepers",)),
    ]  # fmt: skip
    assert "Kẻng thôn 2: mất điện; Kẻng thôn 3: rơ-le hỏng" in told(found[0]).body_vi
    assert of_silent_test(night[:1], ROSTER, T0) == []


# ---- who


def test_people_are_reached_by_the_ways_they_gave() -> None:
    """Officers by rank; keepers who are not away; SMS only where the settings have a modem; a bad address is left out."""
    officers = [
        Officer("o2", "b", "Đ/c Mai", "duty", phone="0944 444 444", rank=1),
        Officer("o1", "a", "Đ/c Hùng", "chief", rank=0, channels=("https://a.example/h", "không phải địa chỉ")),
    ]
    plain = Addresses(settings_of()).everybody(officers, ROSTER, T0)
    assert [(one.id, [way.kind for way in one.channels]) for one in (*plain.officers, *plain.keepers)] == [
        ("o1", ["webhook"]), ("o2", []), ("k1", ["webhook"]), ("k3", []),
    ]  # fmt: skip
    callees = plain.callees(ROSTER.keepers, "thon-1", T0)
    assert [(one.id, one.reachable) for one in callees] == [("o1", True), ("o2", False), ("k1", True)]
    more = '[sms]\n[[webhooks]]\nurl = "https://w.example/x"\nkinds = ["alarm"]\n[[cameras]]\nurl = "http://10.0.0.9:5000"\n'
    full = Addresses(settings_of(more + 'camera = "cong"\nvillages = ["v2"]\n')).everybody(officers, ROSTER, T0)
    assert [[way.shown for way in one.channels] for one in full.officers] == [["webhook a.example"], ["sms …444"]]
    assert [(one.id, one.posts) for one in full.hooks] == [
        ("webhook-1", frozenset()),
        ("camera-1", frozenset({"thon-2"})),
    ]


def test_a_camera_may_name_its_villages_as_people_do(caplog: pytest.LogCaptureFixture) -> None:
    """By name or by id; a slip is in the log once, with what there is, and marks no other village's picture."""
    camera = '[[cameras]]\nurl = "http://10.0.0.9:5000"\ncamera = "cong"\nvillages = '
    rooms = [Addresses(settings_of(camera + names)) for names in ('["Thôn 2", "v3"]\n', '["Thôn 22"]\n')]
    found = [[one.posts for one in room.everybody((), ROSTER, T0).hooks] for room in (*rooms, rooms[1])]
    assert found == [[frozenset({"thon-2", "thon-3"})], [], []]
    assert [one.getMessage() for one in caplog.records if "camera" in one.getMessage()] == [
        "camera cong: no village 'Thôn 22'; there are: Thôn 1 (v1), Thôn 2 (v2), Thôn 3 (v3), Thôn 4 (v4)"
    ]


# ---- the herald


BELL, OFFICER, KEEPER = "BÁO ĐỘNG Kẻng thôn 1", "webhook hung.example", "webhook k1.example"


def test_an_alarm_is_told_once_by_all_workers_and_across_restarts(town: Town) -> None:
    """Each thing is claimed in the ledger before it is told; what became of it stands in the list of notices."""
    town.alarm()
    for herald in (town.herald(), town.herald()):
        herald.turn()
        herald.turn()
    assert town.spoken.take(2) == [(OFFICER, BELL), (KEEPER, BELL)]
    with town.ledger.write() as connection:
        incidents.acknowledge(connection, "i1", "Đ/c Hùng", T0 + 2_000)
    town.herald().turn()
    assert [who for who, _ in town.spoken.take(2)] == [OFFICER, KEEPER]
    town.settle()
    assert town.spoken.got.empty()
    with town.ledger.read() as connection:
        kept = notices.newest(connection)
    assert sorted((one.kind, one.to, one.ok) for one in kept) == [
        ("alarm", "k1", True), ("alarm", "o1", True), ("taken", "k1", True), ("taken", "o1", True),
    ]  # fmt: skip


def test_of_two_workers_that_saw_the_same_only_one_tells_it(ledger: Ledger) -> None:
    """On both databases: the first claim wins, and of the end of something the first release."""
    with ledger.write() as connection:
        assert [notices.claim(connection, "lost:thon-1", value) for value in ("a", "b")] == [True, False]
    with ledger.write() as connection:
        assert [notices.claim(connection, f"{notices.TOLD}x", str(T0)) for _ in range(2)] == [True, False]
        assert notices.told(connection, ["x", "y"]) == {"x"}
        assert values.value_of(connection, "lost:thon-1") == "a"
        assert [notices.release(connection, "lost:thon-1") for _ in range(2)] == [True, False]
        assert (notices.forget_told(connection, T0), notices.forget_told(connection, T0 + 1)) == (0, 1)


def test_an_actual_alarm_is_written_as_cap_from_its_beginning_to_its_end(town: Town) -> None:
    """Alert, update, cancel, each a whole file, each once; a restart writes none of them anew."""
    herald = town.herald()
    town.alarm()
    directory = town.settings.state / "cap"
    for change in (
        lambda connection: None,
        lambda connection: incidents.acknowledge(connection, "i1", "Đ/c Hùng", T0 + 2_000),
        lambda connection: incidents.close(connection, "i1", "Đ/c Hùng", T0 + 3_000),
    ):
        with town.ledger.write() as connection:
            change(connection)
        town.clock.now_ms += 2_000
        herald.turn()
    written = {path.name: path.read_bytes() for path in newest(directory)}
    assert sorted(written) == ["i1-0.xml", "i1-1.xml", "i1-2.xml"]
    kinds = [content.split(b"<msgType>")[1].split(b"<")[0] for _, content in sorted(written.items())]
    assert (kinds, list(directory.glob(".*"))) == ([b"Alert", b"Update", b"Cancel"], [])
    assert b"<status>Actual</status>" in written["i1-0.xml"] and "Thôn 1".encode() in written["i1-0.xml"]
    town.herald().turn()
    assert {path.name: path.read_bytes() for path in newest(directory)} == written


def test_a_condition_that_cannot_be_claimed_keeps_no_alarm_from_people(town: Town) -> None:
    """H17, R46: people are told of all posts together; what one of them says of itself must not take the others' words away."""
    town.alarm()
    ill = (replace(condition("battery_low"), code="x\ud800"),)
    town.seen = {"thon-2": Seen(status(conditions=ill), True, T0, T0, True)}
    herald = town.herald()
    town.clock.now_ms += SETTLE_MS
    town.seen["thon-2"] = replace(town.seen["thon-2"], heard_ms=town.clock())
    for _ in range(2):
        herald.turn()
    assert town.spoken.take(2) == [(OFFICER, BELL), (KEEPER, BELL)]


def test_a_missed_ring_and_a_failed_night_reach_the_keeper(town: Town) -> None:
    """From the merged book and the ledger of silent tests, through to the person."""
    line = said("missed", signal="curfew", reason="clock_untrusted", detail={"due": "2026-09-21T21:13:00+07:00"})
    with town.ledger.write() as connection:
        merge(connection, heard("thon-1", chained([line])), T0)
        failed_night(connection, T0 - 3_600_000)
    town.herald().turn()
    titles = ("Kiểm tra thầm không đạt", "Kẻng thôn 1 không đánh lúc 21:13 21/09")
    assert town.spoken.take(4) == sorted((who, title) for who in (OFFICER, KEEPER) for title in titles)


def test_what_is_calm_waits_for_the_morning(town: Town) -> None:
    """R26, R45: nobody is woken by a silent test; it is told, and claimed, all the same."""
    with town.ledger.write() as connection:
        failed_night(connection, local(3, 30))
    town.clock.now_ms, town.seen = local(4), {}
    herald = town.herald()
    herald.turn()
    assert (herald.waiting(), town.spoken.got.qsize()) == (2, 0)
    with town.ledger.read() as connection:
        assert len(values.under(connection, "told:silent:2026-12-08")) == 2


def failed_night(connection: Any, at_ms: int) -> None:
    """A silent test that the first post did not answer."""
    trials.begin(connection, "2026-12-08", "d", ["thon-1"], at_ms)
    (one,) = trials.waiting(connection)
    trials.end(connection, one, "missed", {"why": "mất điện"})


# ---- nothing waits for it


class Fake:
    """A line to the broker that is told what comes and remembers what goes."""

    def __init__(self, _settings: object, arrived: Any, changed: Any, **_more: object) -> None:
        self.arrived, self.changed = arrived, changed
        self.acked: queue.Queue[Token] = queue.Queue()
        self.said: queue.Queue[str] = queue.Queue()

    def start(self) -> None:
        self.changed(True)

    def stop(self) -> None: ...

    def set_clock_trust(self, _trust: str) -> None: ...

    def flush(self) -> None: ...

    def publish(self, topic: str, _payload: bytes, *, retain: bool = False, flush: bool = True) -> int:
        self.said.put(topic)
        return 1

    def silent_s(self) -> float:
        return 0.0

    def ack(self, token: Token, *, flush: bool = True) -> None:
        self.acked.put(token)


class Hanging:
    """A web server that takes every connection and never answers."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.held: list[socket.socket] = []
        self.came = threading.Event()
        threading.Thread(target=self._take, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/x"

    def _take(self) -> None:
        try:
            while True:
                self.held.append(self.socket.accept()[0])
                self.came.set()
        except OSError:
            return

    def close(self) -> None:
        self.socket.close()
        for one in self.held:
            one.close()


def test_a_service_that_hangs_delays_neither_ingest_nor_dispatch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R46, R54: while a webhook holds its connection without a word, entries are stored and acknowledged and orders go out."""
    monkeypatch.setattr("kengd.hub.people.ground.argon2", lambda: argon2(time_cost=1, memory_kib=8))
    config, hanging = tmp_path / "hub.toml", Hanging()
    found(Wish(COMMUNE, "Xã Cộng Lạc", ("127.0.0.1",), tmp_path / "state"), config, unix_ms(datetime.now(zone())))
    config.write_text(config.read_text() + f'\n[[webhooks]]\nurl = "{hanging.url}"\n')
    hub = Hub(load_hub(str(config)), session=Fake)  # type: ignore[arg-type]
    line: Any = hub.line
    with hub.ledger.write() as connection:
        for village in ROSTER.villages:
            rosters.put_village(connection, village)
        for post in ROSTER.posts:
            rosters.put_post(connection, post)
    rung = said("ringing", activation="a1", signal="alarm", purpose="actual", source="button", clock="untrusted")
    book = chained([said("started", reason="new"), rung, *[said("condition_raised", reason="mains_lost")] * 20])
    hub.start()
    try:
        for n, entry in enumerate(book[:2], 1):
            line.arrived(Inbound(entry_topic(COMMUNE, "thon-1"), to_json(entry).encode(), False, Token(1, n)))
        assert hanging.came.wait(60), "the webhook was called"
        for n, entry in enumerate(book[2:], 3):
            line.arrived(Inbound(entry_topic(COMMUNE, "thon-1"), to_json(entry).encode(), False, Token(1, n)))
        hub.dispatcher.dispatch(Order("act-00000001", "ring", ("thon-2",), "Đ/c Hùng", "thử", "alarm", "actual"))
        assert sorted(line.acked.get(timeout=60).mid for _ in book) == list(range(1, 23))
        while not line.said.get(timeout=60).endswith("/thon-2/command"):
            pass  # a question about the book may come before it
        assert hub.herald.waiting() >= 1, "and all the while the service has not answered"
        with hub.ledger.read() as connection:
            assert notices.newest(connection) == []
            assert [one.id for one in incidents.open_ones(connection)] == ["thon-1-a1"]
    finally:
        hanging.close()
        hub.stop()
