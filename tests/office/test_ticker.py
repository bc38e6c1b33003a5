"""The ticker: ledger before trigger, answers, restarts (P6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from kengd.duty.ledger import BOOT_VALUE, SINCE_PREFIX, Ledger, LedgerMark
from kengd.duty.timetable import Line, parse_line
from kengd.duty.words import ClockTrust, Draft, EntryKind, Instant, Purpose, Source, Trigger
from kengd.office.ticker import MissedAct, RingAct, Ticker, TickerAct, ValueAct

CURFEW = parse_line("22:00", "daily", "curfew")
KEY = "timetable:22:00/curfew:2026-12-01"
SENT = LedgerMark(CURFEW.id, "2026-12-01", "sent", KEY)
BOOT_ACT = ValueAct(BOOT_VALUE, "boot-1")


def instant(text: str, mono_s: float = 5_000) -> Instant:
    """Local wall time, monotonic seconds."""
    wall = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    return Instant(int(mono_s * 1000), round(wall.timestamp() * 1000))


def ticker(ledger: Ledger | None = None, *lines: Line, boot: str = "boot-1") -> Ticker:
    """A ticker whose ids are 1, 2, 3 …"""
    ids = count(1)
    return Ticker(lines or (CURFEW,), ledger if ledger is not None else known(), lambda: str(next(ids)), boot)


def known(*marks: LedgerMark) -> Ledger:
    """A ledger that knows the line since the morning, in this boot."""
    return Ledger(marks, {CURFEW.id: instant("2026-12-01T10:00").wall_ms}, "boot-1")


def rings(acts: list[TickerAct]) -> list[Trigger]:
    """The triggers to be sent."""
    return [act.trigger for act in acts if isinstance(act, RingAct)]


def missed(acts: list[TickerAct]) -> list[tuple[str | None, str]]:
    """(reason, state) of what was missed."""
    return [(act.draft.reason, act.mark.state) for act in acts if isinstance(act, MissedAct)]


def test_a_due_line_is_marked_and_sent_with_its_deadline() -> None:
    """P6: the mark comes with the trigger, to be committed first; the deadline is the end of the grace on the monotonic clock."""
    acts = ticker().tick(instant("2026-12-01T22:00:01", 5_000), "ntp")
    assert acts == [
        RingAct(
            Trigger("1", "curfew", Purpose.ACTUAL, Source.TIMETABLE, at_ms=5_000_000, key=KEY, deadline_ms=5_299_000),
            SENT,
        )
    ]


def test_an_unanswered_trigger_is_sent_again_under_the_same_key_until_its_deadline() -> None:
    """The belfry accepts a key once; without any answer it is lost 5 s after the deadline and said so."""
    bell = ticker()
    first = rings(bell.tick(instant("2026-12-01T22:00:00", 1_000), "ntp"))
    assert bell.tick(instant("2026-12-01T22:00:01", 1_001), "ntp") == []
    assert bell.tick(instant("2026-12-01T22:00:02", 1_002), "ntp") == [RingAct(first[0], None)]
    assert bell.tick(instant("2026-12-01T22:05:03", 1_303), "ntp") == []
    assert missed(bell.tick(instant("2026-12-01T22:05:06", 1_306), "ntp")) == [("no_answer", "lost")]
    assert bell.tick(instant("2026-12-01T22:05:07", 1_307), "ntp") == []


def test_a_trigger_sent_again_after_the_clock_was_put_forward_gets_the_earlier_deadline() -> None:
    """Never later than its grace, by the clock as it is now."""
    bell = ticker()
    first = rings(bell.tick(instant("2026-12-01T22:00:00", 1_000), "ntp"))[0]
    again = bell.tick(instant("2026-12-01T22:04:00", 1_002), "ntp")
    assert again == [RingAct(replace(first, deadline_ms=1_062_000), None)]


@pytest.mark.parametrize(
    ("accepted", "reason", "state"),
    [(True, None, "rung"), (False, "duplicate", "rung"), (False, "after_alarm", "refused")],
)
def test_an_answer_ends_the_asking(accepted: bool, reason: str | None, state: str) -> None:
    """`duplicate` says that the belfry holds the key: it has rung. A refusal is written by the belfry."""
    bell = ticker()
    bell.tick(instant("2026-12-01T22:00:00", 1_000), "ntp")
    assert bell.answered("1", accepted=accepted, reason=reason) == LedgerMark(CURFEW.id, "2026-12-01", state, KEY)  # type: ignore[arg-type]
    assert bell.answered("1", accepted=accepted, reason=reason) is None
    assert bell.answered("other", accepted=True) is None
    for second in range(1, 400):
        assert bell.tick(instant("2026-12-01T22:00:00", 1_000 + second), "ntp") == []


def test_an_entry_of_the_belfry_is_as_good_as_an_answer() -> None:
    """The spool may be written before the answer is read; the mark then goes with the entry."""
    bell = ticker()
    bell.tick(instant("2026-12-01T22:00:00", 1_000), "ntp")
    entry = Draft(EntryKind.RINGING, source=Source.TIMETABLE, detail={"key": KEY})
    assert bell.heard(entry) == LedgerMark(CURFEW.id, "2026-12-01", "rung", KEY)
    assert bell.heard(entry) is None
    assert bell.heard(Draft(EntryKind.STARTED)) is None
    assert bell.tick(instant("2026-12-01T22:00:10", 1_010), "ntp") == []


def test_a_ring_waits_for_room_within_its_grace() -> None:
    """A belfry that does not read just now is asked a moment later; past the grace the ring is missed."""
    bell = ticker()
    assert bell.tick(instant("2026-12-01T22:00:00"), "ntp", has_room=False) == []
    assert len(rings(bell.tick(instant("2026-12-01T22:04:59"), "ntp"))) == 1
    bell = ticker()
    assert missed(bell.tick(instant("2026-12-01T22:05:01"), "ntp", has_room=False)) == [("late", "missed")]


def test_after_a_restart_of_the_office_an_unanswered_ring_is_sent_again_within_its_grace() -> None:
    """Same boot: the belfry's spool knows whether it has the key."""
    bell = ticker(known(SENT))
    assert bell.tick(instant("2026-12-01T22:02:00", 1_000), "untrusted") == []
    acts = bell.tick(instant("2026-12-01T22:02:01", 1_001), "ntp")
    assert acts == [
        RingAct(
            Trigger("1", "curfew", Purpose.ACTUAL, Source.TIMETABLE, 1_001_000, key=KEY, deadline_ms=1_180_000), None
        )
    ]


def test_after_a_restart_that_came_too_late_the_belfry_says_what_became_of_the_ring() -> None:
    """Same boot: sent with its passed deadline it can only be refused, `duplicate` (it has rung) or `expired` (written as missed)."""
    bell = ticker(known(SENT))
    late = Trigger("1", "curfew", Purpose.ACTUAL, Source.TIMETABLE, 1_000_000, key=KEY, deadline_ms=999_000)
    assert bell.tick(instant("2026-12-01T22:05:01", 1_000), "untrusted") == [RingAct(late, None)]
    assert bell.answered("1", accepted=False, reason="duplicate") == LedgerMark(CURFEW.id, "2026-12-01", "rung", KEY)
    bell = ticker(known(SENT))
    sent = [bell.tick(instant("2026-12-02T08:00:00", 1_000 + second), "ntp") for second in range(7)]
    assert [(len(rings(acts)), missed(acts)) for acts in sent] == [
        (1, []), (0, []), (1, []), (0, []), (1, []), (0, []), (0, [("no_answer", "lost")]),
    ]  # fmt: skip


def test_after_a_reboot_an_unanswered_ring_is_lost_and_never_sent_again() -> None:
    """P6, P7: the spool went with the power, so nobody knows whether it sounded; at most once comes first."""
    bell = ticker(known(SENT), boot="boot-2")
    acts = bell.tick(instant("2026-12-01T22:02:00"), "ntp")
    assert acts[0] == ValueAct(BOOT_VALUE, "boot-2")
    assert (missed(acts), rings(acts)) == ([("power_lost", "lost")], [])
    assert bell.tick(instant("2026-12-01T22:02:10"), "ntp") == []


def test_a_line_is_known_since_it_was_first_seen_under_a_trusted_clock() -> None:
    """A post that boots in 1970 and is put right has not missed twenty thousand rings."""
    bell = ticker(Ledger(boot="boot-1"))
    assert bell.tick(instant("1970-01-01T08:00", 10), "untrusted") == []
    right = instant("2026-12-01T22:20", 40)
    assert bell.tick(right, "ntp") == [ValueAct(SINCE_PREFIX + CURFEW.id, str(right.wall_ms - 30_000))]


def test_a_first_boot_at_22_00_rings_when_trust_comes_within_the_grace() -> None:
    """The line was there at 22:00 although the clock was believed only at 22:00:40."""
    bell = ticker(Ledger(boot="boot-1"))
    bell.tick(instant("2026-12-01T21:59:50", 10), "untrusted")
    acts = bell.tick(instant("2026-12-01T22:00:40", 60), "ntp")
    assert [trigger.key for trigger in rings(acts)] == [KEY]


def test_a_line_added_at_22_02_does_not_ring_for_22_00() -> None:
    """Neither when the settings change nor when the post starts with them."""
    bell = ticker(Ledger(boot="boot-1"), parse_line("05:00", "daily", "wake"))
    bell.tick(instant("2026-12-01T21:00", 100), "ntp")
    bell.set_lines([CURFEW])
    acts = bell.tick(instant("2026-12-01T22:02", 3_820), "ntp")
    assert acts == [
        ValueAct(SINCE_PREFIX + "05:00/wake", None),
        ValueAct(SINCE_PREFIX + CURFEW.id, str(instant("2026-12-01T22:02").wall_ms)),
    ]
    assert len(rings(bell.tick(instant("2026-12-02T22:00", 90_000), "ntp"))) == 1


def test_a_line_that_comes_back_after_months_has_missed_nothing() -> None:
    """Taken out in June, back in December: known since December only."""
    ledger = Ledger(
        [LedgerMark(CURFEW.id, "2026-06-01", "rung", "k")], {CURFEW.id: instant("2026-01-01T10:00").wall_ms}, "boot-1"
    )
    assert ticker(ledger, parse_line("05:00", "daily", "wake")).tick(instant("2026-06-02T10:00"), "ntp")[0] == ValueAct(
        SINCE_PREFIX + CURFEW.id, None
    )
    assert missed(ticker(ledger).tick(instant("2026-12-01T23:00"), "ntp")) == []


def test_a_line_first_seen_in_a_wrong_year_does_not_stay_silent_until_then() -> None:
    """R35: the clock said 2027, believed; put right it says 2026."""
    ledger = Ledger(since={CURFEW.id: instant("2027-12-01T10:00").wall_ms}, boot="boot-1")
    bell = ticker(ledger)
    moment = instant("2026-12-01T21:00", 10)
    assert bell.tick(moment, "ntp") == [ValueAct(SINCE_PREFIX + CURFEW.id, str(moment.wall_ms))]
    assert len(rings(bell.tick(instant("2026-12-01T22:00", 3_610), "ntp"))) == 1


def test_what_was_missed_while_the_post_was_off_is_one_entry_with_a_count() -> None:
    """P6, R34: first and last date stand in the detail."""
    bell = ticker(known(LedgerMark(CURFEW.id, "2026-12-01", "rung", KEY)), boot="boot-1")
    assert bell.tick(instant("2026-12-09T08:00"), "ntp") == [
        MissedAct(
            Draft(
                EntryKind.MISSED,
                signal="curfew",
                purpose=Purpose.ACTUAL,
                source=Source.TIMETABLE,
                reason="late",
                detail={
                    "key": "timetable:22:00/curfew:2026-12-08",
                    "line": "22:00/curfew",
                    "due": "2026-12-08T22:00:00+07:00",
                    "count": 7,
                    "first": "2026-12-02",
                    "last": "2026-12-08",
                },
            ),
            LedgerMark(CURFEW.id, "2026-12-08", "missed", "timetable:22:00/curfew:2026-12-08"),
        )
    ]


@pytest.mark.parametrize("trust", ["ntp", "rtc", "untrusted"])
def test_an_untrusted_night_is_reported_once_whatever_the_year(trust: ClockTrust) -> None:
    """R36: also when the clock stands before the line was first seen."""
    bell = ticker(known())
    acts = [
        bell.tick(instant(f"1970-01-01T{hour:02}:{minute:02}", hour * 3600 + minute * 60), trust)
        for hour in (21, 22, 23)
        for minute in range(60)
    ]
    flat = [act for some in acts for act in some]
    if trust == "untrusted":
        assert (missed(flat), rings(flat)) == ([("clock_untrusted", "missed")], [])
    else:
        assert (missed(flat), len([act for act in flat if isinstance(act, RingAct) and act.mark])) == (
            [("no_answer", "lost")],
            1,
        )


def test_an_idle_second_asks_for_nothing() -> None:
    """R34, and nothing is written to disk while idle: 10,000 seconds of an afternoon give no act."""
    bell = ticker()
    assert [bell.tick(instant("2026-12-01T12:00", 0), "ntp")] == [[]]
    start = instant("2026-12-01T12:00", 0)
    assert not any(bell.tick(Instant(s * 1000, start.wall_ms + s * 1000), "ntp") for s in range(1, 10_000))
