"""Lines and exceptions as people write them."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.duty.lines import days_text, parse_days
from kengd.duty.timetable import Line, check_lines, parse_line, parse_rule, plain_lines
from kengd.errors import UsageError


def hits(text: str, first: str, last: str) -> list[str]:
    """The dates between first and last on which the rule holds."""
    rule = parse_rule(text)
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    found = []
    while day <= end:
        if rule.matches(day):
            found.append(day.isoformat())
        day += timedelta(days=1)
    return found


@pytest.mark.parametrize(
    ("text", "first", "last", "expected"),
    [
        ("2027-02-06", "2027-01-01", "2028-12-31", ["2027-02-06"]),
        ("2027-02-05..2027-02-07", "2026-01-01", "2029-12-31", ["2027-02-05", "2027-02-06", "2027-02-07"]),
        ("30-04", "2026-01-01", "2028-12-31", ["2026-04-30", "2027-04-30", "2028-04-30"]),
        ("29-02", "2026-01-01", "2028-12-31", ["2028-02-29"]),
        ("31-12..01-01", "2026-01-02", "2027-12-31", ["2026-12-31", "2027-01-01", "2027-12-31"]),
        ("1/1 âm", "2026-01-01", "2027-12-31", ["2026-02-17", "2027-02-06"]),
        ("cuối/12 âm", "2026-01-01", "2029-02-28", ["2026-02-16", "2027-02-05", "2028-01-25", "2029-02-12"]),
        ("30/12 âm", "2026-01-01", "2028-12-31", ["2026-02-16", "2027-02-05", "2028-01-25"]),
        ("30/12 âm..1/1 âm", "2027-01-01", "2027-12-31", ["2027-02-05", "2027-02-06"]),
        ("29/12..1/1 âm", "2024-01-01", "2024-12-31", ["2024-02-08", "2024-02-09", "2024-02-10"]),
        ("29/12..1/1 âm", "2026-01-01", "2026-12-31", ["2026-02-16", "2026-02-17"]),
        ("28/12..29/12 âm", "2027-01-01", "2027-12-31", ["2027-02-04", "2027-02-05"]),
        ("1/6 âm", "2025-01-01", "2025-12-31", ["2025-06-25"]),
        ("30/6..1/7 âm", "2025-01-01", "2025-12-31", ["2025-07-24", *[f"2025-07-{n}" for n in range(25, 32)],
                                                      *[f"2025-08-{n:02}" for n in range(1, 24)]]),
    ],
)  # fmt: skip
def test_an_exception_holds_on_exactly_its_days(text: str, first: str, last: str, expected: list[str]) -> None:
    """The grammar of kengd.duty.dates: the last of Chạp is 29 or 30, ranges run over both new years, a leap month only inside."""
    assert hits(text, first, last) == expected


@pytest.mark.parametrize(
    ("text", "cure"),
    [("1/1 am", 'viết "1/1 âm"'), ("1/1 âm lịch", 'viết "1/1 âm"'), ("30/4", 'viết "30-04", âm lịch thì viết "30/4 âm"'),
     ("06/02/2027", '"2027-02-06"'), ("30-4", '"30-04"'), ("04-30", "ngày trước, tháng sau"), ("31/1 âm", "từ 1 đến 30"),
     ("1/13 âm", "tháng từ 1 đến 12"), ("0/1 âm", "từ 1 đến 30"), ("2027-02-30", "năm trước"), ("2027-02-06..2027-02-05", "đổi chỗ"),
     ("2027-01-01..2029-01-01", "bỏ hẳn"), ("Tết", "viết"), ("", "viết"), ("..", "viết"), ("1/1 âm..", "viết"), ("a..b..c", "viết"),
     ("30-04..2027-05-01", "viết"), ("mai âm", "cuối/12 âm"), ("²/1 âm", "viết")],
)  # fmt: skip
def test_a_date_that_cannot_be_read_is_refused_with_the_cure(text: str, cure: str) -> None:
    """Settings mistakes are exit code 2, a Vietnamese sentence and what to write instead."""
    with pytest.raises(UsageError) as wrong:
        parse_rule(text)
    assert (wrong.value.code, wrong.value.exit_code) == ("bad_date", 2)
    assert cure in wrong.value.cure


@given(st.text(max_size=30))
def test_any_text_is_a_rule_or_a_usage_error(text: str) -> None:
    """Nothing else comes out, whatever the file or a command holds."""
    try:
        parse_rule(text).matches(date(2027, 2, 6))
    except UsageError as wrong:
        assert wrong.cure


@pytest.mark.parametrize(
    ("text", "days", "again"),
    [("daily", {0, 1, 2, 3, 4, 5, 6}, "daily"), ("Hằng ngày", {0, 1, 2, 3, 4, 5, 6}, "daily"), ("t2-t6", {0, 1, 2, 3, 4}, "t2-t6"),
     ("mon-fri", {0, 1, 2, 3, 4}, "t2-t6"), ("T7, CN", {5, 6}, "t7,cn"), ("t7-t2", {5, 6, 0}, "t2,t7,cn"),
     ("t3,t5,sun", {1, 3, 6}, "t3,t5,cn")],
)  # fmt: skip
def test_weekdays_are_read_in_both_languages(text: str, days: set[int], again: str) -> None:
    """t2 … t7, cn or mon … sun; ranges may run over Sunday."""
    assert (parse_days(text), days_text(parse_days(text))) == (frozenset(days), again)


@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_weekdays_written_are_read_back(days: frozenset[int]) -> None:
    """days_text and parse_days undo one another."""
    assert parse_days(days_text(days)) == days


@pytest.mark.parametrize("text", ["", "t8", "t2-t4-t6", "thứ hai", "t2,,t3", "-", "1-5"])
def test_weekdays_that_cannot_be_read_are_refused(text: str) -> None:
    """Never guessed."""
    with pytest.raises(UsageError) as wrong:
        parse_days(text)
    assert wrong.value.code == "bad_days"


@pytest.mark.parametrize(
    ("given_", "code"),
    [({"at": "24:00"}, "bad_time"), ({"at": "5:00"}, "bad_time"), ({"at": "22:60"}, "bad_time"), ({"at": "22h"}, "bad_time"),
     ({"at": "22:00:00"}, "bad_time"), ({"at": "٢٢:00"}, "bad_time"), ({"signal": "Báo yên"}, "bad_signal"), ({"signal": ""}, "bad_signal"),
     ({"grace_s": -1}, "bad_grace"), ({"grace_s": 3601}, "bad_grace"), ({"grace_s": 999999999}, "bad_grace"),
     ({"grace_s": True}, "bad_grace"), ({"exceptions": ["x"]}, "bad_date"), ({"exceptions": ["30-04"] * 401}, "bad_date")],
)  # fmt: skip
def test_a_line_out_of_bounds_is_refused(given_: dict[str, object], code: str) -> None:
    """A value that exists is valid: time, signal, grace (0 to 3600 s) and the number of exceptions are bounded."""
    with pytest.raises(UsageError) as wrong:
        parse_line(**{"at": "22:00", "days": "daily", "signal": "curfew", **given_})  # type: ignore[arg-type]
    assert wrong.value.code == code


def test_the_id_of_a_line_is_its_time_signal_and_days_only() -> None:
    """Grace and exceptions may change without the ledger losing track of tonight."""
    lines = [
        parse_line("22:00", "daily", "curfew"),
        parse_line("22:00", "daily", "curfew", 600, ["30-04"]),
        parse_line("19:00", "mon-fri", "study"),
    ]
    assert [line.id for line in lines] == ["22:00/curfew", "22:00/curfew", "19:00/study/t2-t6"]


def test_two_rings_at_one_minute_are_refused() -> None:
    """One bell cannot play two signals; different weekdays may share a time."""
    curfew = parse_line("22:00", "t2-t6", "curfew")
    check_lines([curfew, parse_line("22:00", "t7,cn", "meeting")])
    with pytest.raises(UsageError) as wrong:
        check_lines([curfew, parse_line("22:00", "daily", "meeting")])
    assert wrong.value.code == "same_time"


def test_only_signals_that_a_timetable_may_ring_are_taken() -> None:
    """An alarm is never put into a timetable."""
    with pytest.raises(UsageError) as wrong:
        check_lines([parse_line("22:00", "daily", "alarm")], ["curfew", "wake"])
    assert wrong.value.code == "unknown_signal"


def test_a_line_is_written_as_it_was_read() -> None:
    """DESIGN section 7: {"do":"timetable"} and the page carry what the settings carry."""
    lines = [
        parse_line("05:00", "daily", "wake"),
        parse_line("19:00", "mon-fri", "study", 600, ["cuối/12 âm..3/1 âm", "30-04"]),
    ]
    plain = plain_lines(lines)
    assert plain == [
        {"at": "05:00", "days": "daily", "signal": "wake", "grace_s": 300, "except": []},
        {"at": "19:00", "days": "t2-t6", "signal": "study", "grace_s": 600, "except": ["cuối/12 âm..3/1 âm", "30-04"]},
    ]
    assert [parse_line(p["at"], p["days"], p["signal"], p["grace_s"], p["except"]) for p in plain] == lines


def test_a_line_with_an_exception_does_not_occur_on_it() -> None:
    """Wednesday 30 April 2031 is left out, the day after is not."""
    line = parse_line("22:00", "t4,t5", "curfew", 300, ["30-04"])
    assert (line.at, line.days) == (time(22), frozenset({2, 3}))
    assert [line.occurs(date(2031, 4, 30)), line.occurs(date(2031, 5, 1)), line.occurs(date(2031, 5, 2))] == [
        False,
        True,
        False,
    ]
    assert isinstance(line, Line)
