"""`kengd rehearse`: the timetable in virtual time, by the code that rings for real."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import pytest

import kengd
from kengd.__main__ import main
from kengd.cli.rehearse import as_json, as_table, read_start
from kengd.duty.rehearsing import rehearsal, skipped
from kengd.duty.timetable import parse_line
from kengd.errors import UsageError

EXAMPLE = Path(kengd.__file__).parent / "settings" / "example.toml"
LINES = (
    parse_line("05:00", "daily", "wake"),
    parse_line("19:00", "t2-t6", "study", 300, ["cuối/12 âm..3/1 âm", "30-04"]),
    parse_line("22:00", "daily", "curfew"),
)


def dues(start: str, days: int) -> list[tuple[str, str]]:
    """(due, signal) of all rings."""
    begin = read_start(start)
    found = as_json(list(rehearsal(LINES, begin, begin + timedelta(days=days))))
    assert found["missed"] == []
    return [(str(ring["due"]), str(ring["signal"])) for ring in found["rings"]]


def test_the_rings_of_some_days_are_those_of_the_timetable() -> None:
    """DESIGN section 8: local time with +07:00; the start counts, the end does not."""
    assert dues("2026-12-04T22:00", 3) == [
        ("2026-12-04T22:00:00+07:00", "curfew"),
        ("2026-12-05T05:00:00+07:00", "wake"),
        ("2026-12-05T22:00:00+07:00", "curfew"),
        ("2026-12-06T05:00:00+07:00", "wake"),
        ("2026-12-06T22:00:00+07:00", "curfew"),
        ("2026-12-07T05:00:00+07:00", "wake"),
        ("2026-12-07T19:00:00+07:00", "study"),
    ]
    assert dues("2026-12-04T15:00:00Z", 1)[0] == ("2026-12-04T22:00:00+07:00", "curfew")


def test_a_year_is_rehearsed_in_less_than_two_seconds() -> None:
    """365 × 2 daily rings, and study on 261 weekdays of 2027 less Tết (5 and 8 February) and 30 April."""
    began = perf_counter()
    found = dues("2027-01-01", 365)
    assert perf_counter() - began < 2
    assert [sum(signal == name for _, signal in found) for name in ("wake", "curfew", "study")] == [365, 365, 258]


def test_the_table_says_what_is_left_out_and_by_which_exception() -> None:
    """People read weekday, date, time, signal, and the lunar date of what an exception holds back."""
    begin = read_start("2027-02-05T12:00")
    end = begin + timedelta(days=1)
    assert list(as_table(list(rehearsal(LINES, begin, end)), list(skipped(LINES, begin, end)), {}, begin, 1)) == [
        "Giờ kẻng từ 12:00 ngày 05/02/2027, 1 ngày:",
        "  thứ Sáu   05/02/2027  22:00   curfew",
        "  thứ Bảy   06/02/2027  05:00   wake",
        "Nghỉ theo ngoại lệ:",
        '  thứ Sáu   05/02/2027  19:00   study   (29/12 âm; theo "cuối/12 âm..3/1 âm")',
    ]
    assert list(as_table([], [], {}, begin, 1))[-1] == "  không có lần nào"


@pytest.mark.parametrize(
    "text", ["hôm nay", "2026-13-01", "01/12/2026", "", "9999-01-01", "1970-01-01", "2026-12-01T25:00"]
)
def test_a_start_that_cannot_be_read_is_refused(text: str) -> None:
    """Usage: exit code 2."""
    with pytest.raises(UsageError):
        read_start(text)


def test_the_example_rings_at_22_00(capsys: pytest.CaptureFixture[str]) -> None:
    """The built-in example, from the shell."""
    assert main(["--config", str(EXAMPLE), "rehearse", "--from", "2026-12-01", "--days", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "rings": [
            {"due": "2026-12-01T22:00:00+07:00", "signal": "curfew"},
            {"due": "2026-12-02T22:00:00+07:00", "signal": "curfew"},
        ],
        "missed": [],
    }
    assert main(["--config", str(EXAMPLE), "rehearse", "--from", "2026-12-01", "--days", "1"]) == 0
    assert "thứ Ba    01/12/2026  22:00" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--days", "0"], ["--days", "3661"], ["--days", "x"], ["--from", "x"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """DESIGN section 8."""
    assert main(["rehearse", *arguments]) == 2
    assert "lỗi" in capsys.readouterr().err
