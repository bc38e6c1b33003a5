"""The decision: what is due, what was missed (P6, R33 to R37)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.duty.ledger import Ledger, LedgerMark, LedgerState, mark_of, restore, trigger_key
from kengd.duty.timetable import Due, Line, Missed, look, next_due, parse_line
from kengd.duty.words import ClockTrust, Draft, EntryKind, Source

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
CURFEW = parse_line("22:00", "daily", "curfew")
LATE = parse_line("23:59", "daily", "last")
STUDY = parse_line("19:00", "t2-t6", "study", 300, ["30-04", "cuối/12 âm..3/1 âm"])


def at(text: str) -> datetime:
    """Local time."""
    return datetime.fromisoformat(text).replace(tzinfo=HERE)


def ledger(since: str, *done: tuple[Line, str, LedgerState], lines: Sequence[Line] = (CURFEW, LATE, STUDY)) -> Ledger:
    """A ledger in which all lines are known since then."""
    marks = [
        LedgerMark(line.id, day, state, trigger_key(line.id, date.fromisoformat(day))) for line, day, state in done
    ]
    return Ledger(marks, {line.id: int(at(since).timestamp() * 1000) for line in lines})


def said(found: list[Due | Missed]) -> list[tuple[object, ...]]:
    """What was decided, short."""
    return [
        ("ring", item.line.signal, str(item.date))
        if isinstance(item, Due)
        else ("missed", item.line.signal, str(item.first), str(item.last), item.count, item.reason)
        for item in found
    ]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-12-01T21:59:59.999", []),
        ("2026-12-01T22:00:00", [("ring", "curfew", "2026-12-01")]),
        ("2026-12-01T22:05:00", [("ring", "curfew", "2026-12-01")]),
        ("2026-12-01T22:05:00.001", [("missed", "curfew", "2026-12-01", "2026-12-01", 1, "late")]),
    ],
)
def test_a_line_rings_from_its_moment_to_the_end_of_its_grace_and_then_is_missed(
    now: str, expected: list[object]
) -> None:
    """P6, R37: never early, never later than its grace."""
    assert said(look([CURFEW], ledger("2026-12-01T10:00"), at(now), "ntp")) == expected


@pytest.mark.parametrize("state", ["sent", "rung", "refused", "lost"])
def test_what_was_sent_once_never_rings_again_that_day(state: LedgerState) -> None:
    """P6: at most once per (line, local date), whatever became of it."""
    assert (
        look([CURFEW], ledger("2026-01-01T10:00", (CURFEW, "2026-12-01", state)), at("2026-12-01T22:01"), "ntp") == []
    )


def test_nothing_rings_while_the_clock_is_untrusted_and_it_is_missed_only_when_its_grace_is_over() -> None:
    """P6, R36: trust may still come within the grace."""
    book = ledger("2026-12-01T10:00")
    assert look([CURFEW], book, at("2026-12-01T22:01"), "untrusted") == []
    assert said(look([CURFEW], book, at("2026-12-01T22:04:59"), "rtc")) == [("ring", "curfew", "2026-12-01")]
    missed = [("missed", "curfew", "2026-12-01", "2026-12-01", 1, "clock_untrusted")]
    assert said(look([CURFEW], book, at("2026-12-01T22:05:01"), "untrusted")) == missed


def test_a_line_added_after_its_moment_does_not_ring_for_it() -> None:
    """A line that is first seen at 22:02 begins tomorrow."""
    book = ledger("2026-12-01T22:02")
    assert look([CURFEW], book, at("2026-12-01T22:02"), "ntp") == []
    assert look([CURFEW], book, at("2026-12-02T21:00"), "ntp") == []
    assert said(look([CURFEW], book, at("2026-12-02T22:00"), "ntp")) == [("ring", "curfew", "2026-12-02")]
    assert look([CURFEW], Ledger(), at("2026-12-02T22:00"), "ntp") == []


def test_a_jump_over_years_gives_one_missed_per_line_with_a_count() -> None:
    """R34: no burst. 2026-12-02 to 2030-12-01: 1461 nights; study Monday to Friday without Tết and 30 April."""
    book = ledger("2026-01-01T10:00", *[(line, "2026-12-01", "rung") for line in (CURFEW, LATE, STUDY)])
    began = perf_counter()
    found = look([CURFEW, LATE, STUDY], book, at("2030-12-01T23:00"), "ntp")
    assert perf_counter() - began < 1.0
    study = [item for item in found if isinstance(item, Missed) and item.line is STUDY]
    assert said(found) == [
        ("missed", "study", "2026-12-02", "2030-11-29", study[0].count, "late"),
        ("missed", "last", "2026-12-02", "2030-11-30", 1460, "late"),
        ("missed", "curfew", "2026-12-02", "2030-12-01", 1461, "late"),
    ]
    days = [date(2026, 12, 2) + timedelta(days=n) for n in range(1461)]
    assert study[0].count == sum(STUDY.occurs(day) for day in days)


def test_a_jump_that_lands_in_the_grace_rings_tonight_and_counts_the_nights_before() -> None:
    """STACK section 6: the jump of a Pi without a clock chip from 21:00 to 22:02 some days later."""
    book = ledger("2026-01-01T10:00", (CURFEW, "2026-12-01", "rung"))
    assert said(look([CURFEW], book, at("2026-12-05T22:02"), "ntp")) == [
        ("missed", "curfew", "2026-12-02", "2026-12-04", 3, "late"),
        ("ring", "curfew", "2026-12-05"),
    ]


def test_a_clock_put_back_neither_rings_twice_nor_falls_silent() -> None:
    """R35: what was rung stays rung; what an excursion into the future skipped rings when its moment really comes."""
    book = ledger("2026-01-01T10:00", (CURFEW, "2026-12-01", "rung"), (CURFEW, "2030-12-01", "missed"))
    assert look([CURFEW], book, at("2026-12-01T22:01"), "ntp") == []
    assert said(look([CURFEW], book, at("2026-12-02T22:01"), "ntp")) == [("ring", "curfew", "2026-12-02")]
    assert said(look([CURFEW], book, at("2026-12-04T21:00"), "ntp")) == [
        ("missed", "curfew", "2026-12-02", "2026-12-03", 2, "late")
    ]
    assert said(look([CURFEW], book, at("2030-12-01T22:01"), "ntp"))[-1] == ("ring", "curfew", "2030-12-01")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-12-02T00:02", [("ring", "last", "2026-12-01")]),
        ("2026-12-02T00:04", [("ring", "last", "2026-12-01")]),
        ("2026-12-02T00:04:01", [("missed", "last", "2026-12-01", "2026-12-01", 1, "late")]),
    ],
)
def test_a_grace_runs_over_midnight(now: str, expected: list[object]) -> None:
    """23:59 with five minutes of grace belongs to the day before, also at 00:04."""
    assert said(look([LATE], ledger("2026-12-01T10:00"), at(now), "ntp")) == expected


def test_a_grace_over_midnight_is_settled_although_the_next_day_was_rung_already() -> None:
    """A clock put back by two days: the 1st passes unrung at 00:04, the 2nd has its ring from before."""
    book = ledger("2026-12-01T10:00", (LATE, "2026-12-02", "rung"))
    missed = [("missed", "last", "2026-12-01", "2026-12-01", 1, "clock_untrusted")]
    assert said(look([LATE], book, at("2026-12-02T00:04:30"), "untrusted")) == missed


def test_an_exception_is_neither_rung_nor_missed() -> None:
    """Tết 2027: study on 5 and 8 February is left out, 9 February rings, and nothing was missed."""
    book = ledger("2026-01-01T10:00", (STUDY, "2027-02-04", "rung"))
    for day in ("2027-02-05", "2027-02-08"):
        assert look([STUDY], book, at(f"{day}T19:00"), "ntp") == []
        assert look([STUDY], book, at(f"{day}T21:00"), "ntp") == []
    assert said(look([STUDY], book, at("2027-02-09T19:00"), "ntp")) == [("ring", "study", "2027-02-09")]


def test_the_next_moment_is_found_over_weekends_and_exceptions() -> None:
    """From the evening before Tết 2027: study next on Tuesday 9 February."""
    assert next_due([STUDY], at("2027-02-04T19:00")) == at("2027-02-09T19:00")
    assert next_due([STUDY, CURFEW], at("2027-02-04T19:00")) == at("2027-02-04T22:00")
    assert next_due([parse_line("22:00", "cn", "curfew", 300, ["01-01..31-12"])], at("2027-01-01T00:00")) is None


# ---- against a model that knows nothing of the code

NAIVE = [
    ("22:00", range(7), 300),
    ("23:59", range(7), 300),
    ("19:00", range(5), 60),
    ("00:00", range(7), 3600),
    ("05:30", [6], 0),
]
MODEL_LINES = [
    parse_line("22:00", "daily", "a"), parse_line("23:59", "daily", "b"), parse_line("19:00", "t2-t6", "c", 60),
    parse_line("00:00", "daily", "d", 3600), parse_line("05:30", "cn", "e", 0),
]  # fmt: skip
MINUTE, DAY = 60, 86_400
START = int(at("2026-12-01T12:00").timestamp())
steps = st.one_of(
    st.integers(-10, 400),
    st.integers(-2 * DAY, 3 * DAY),
    st.integers(-40 * DAY, 40 * DAY),
    st.sampled_from([-DAY, DAY, MINUTE, 5 * MINUTE]),
)
trusts: st.SearchStrategy[ClockTrust] = st.sampled_from(["ntp", "ntp", "rtc", "untrusted"])


def model_look(number: int, since: int, now: int, trusted: bool, done: dict[int, str]) -> list[tuple[object, ...]]:
    """By local seconds and day numbers: the rule as DESIGN says it, day by day."""
    text, weekdays, grace = NAIVE[number]
    clock = int(text[:2]) * 3600 + int(text[3:]) * 60
    local, began = now + 7 * 3600, since + 7 * 3600
    today = local // DAY
    newest = max((day for day in done if day <= (local - grace) // DAY), default=-1)
    out: list[tuple[object, ...]] = []
    lost = []
    for day in range(began // DAY, today + 1):
        due = day * DAY + clock
        if (day + 3) % 7 not in weekdays or due < began or due > local:
            continue
        if local > due + grace and day > newest:
            lost.append(day)
        elif local <= due + grace and trusted and done.get(day, "missed") == "missed":
            out.append(("ring", day))
    return ([("missed", lost[0], lost[-1], len(lost))] if lost else []) + out


@given(st.integers(0, len(NAIVE) - 1), st.lists(st.tuples(steps, trusts), max_size=60))
@settings(max_examples=250, deadline=None)
def test_any_walk_of_the_clock_is_decided_as_the_plain_model_says(
    number: int, walk: list[tuple[int, ClockTrust]]
) -> None:
    """P6 over any sequence of steps and trust, against an independent model; at most one ring per date, two items per look."""
    line = MODEL_LINES[number]
    book = Ledger(since={line.id: START * 1000})
    done: dict[int, str] = {}
    rung: list[int] = []
    now = START
    for step, trust in walk:
        now += step
        found = look([line], book, datetime.fromtimestamp(now, HERE), trust)
        plain: list[tuple[object, ...]] = [
            ("ring", item.date.toordinal() - 719_163)
            if isinstance(item, Due)
            else ("missed", item.first.toordinal() - 719_163, item.last.toordinal() - 719_163, item.count)
            for item in found
        ]
        assert plain == model_look(number, START, now, trust != "untrusted", done)
        for item in found:
            day = item.date if isinstance(item, Due) else item.last
            book.put(LedgerMark(line.id, str(day), "rung" if isinstance(item, Due) else "missed", ""))
            done[day.toordinal() - 719_163] = "rung" if isinstance(item, Due) else "missed"
            rung += [day.toordinal()] if isinstance(item, Due) else []
        assert look([line], book, datetime.fromtimestamp(now, HERE), trust) == []
    assert len(rung) == len(set(rung))


# ---- the ledger


def test_the_ledger_comes_back_from_the_book_and_takes_the_unknown_for_rung() -> None:
    """A salvaged book has no keys and may hold damage; nothing may ring twice for it."""
    rows = [LedgerMark("22:00/curfew", "2026-12-01", "sent", ""), LedgerMark("22:00/curfew", "2026-12-02", "x", "k"),  # type: ignore[arg-type]
            LedgerMark("22:00/curfew", "no date", "rung", ""), LedgerMark("nonsense", "2026-12-01", "sent", "")]  # fmt: skip
    book = restore(
        rows,
        {
            "timetable_since:22:00/curfew": "1790000000000",
            "timetable_since:x/y": "soon",
            "timetable_boot": "b",
            "other": "5",
        },
    )
    assert book.sent() == (LedgerMark("22:00/curfew", "2026-12-01", "sent", "timetable:22:00/curfew:2026-12-01"),)
    assert (book.handled("22:00/curfew", date(2026, 12, 2)), book.known(), book.boot) == (
        "rung",
        ("22:00/curfew",),
        "b",
    )
    assert book.since("22:00/curfew") == 1_790_000_000_000


def test_entries_of_the_belfry_become_marks() -> None:
    """A ringing entry says rung, a refusal of a timetable ring is written as missed and says refused."""
    detail: dict[str, object] = {"key": "timetable:19:00/study/t2-t6:2026-12-01"}
    drafts = [
        Draft(kind, source=Source.TIMETABLE, detail=detail)
        for kind in (EntryKind.RINGING, EntryKind.MISSED, EntryKind.STARTED)
    ]
    drafts += [
        Draft(EntryKind.RINGING, source=Source.HUB, detail=detail),
        Draft(EntryKind.RINGING, source=Source.TIMETABLE),
    ]
    marks = [mark_of(draft) for draft in drafts]
    assert [mark and (mark.line, mark.date, mark.state) for mark in marks] == [
        ("19:00/study/t2-t6", "2026-12-01", "rung"), ("19:00/study/t2-t6", "2026-12-01", "refused"), None, None, None,
    ]  # fmt: skip
