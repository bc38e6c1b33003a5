"""What will ring next and what will not, and why: as things stand."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kengd.duty.lines import Line, parse_line
from kengd.duty.outlook import Hindrances, coming

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=HERE)  # a Sunday
CURFEW = parse_line("22:00", "daily", "curfew", 300, ())
WELL = Hindrances("ntp")


def seen(lines: list[Line], known: Hindrances = WELL, now: datetime = NOW) -> list[tuple[str, str | None]]:
    """Day and hour, and why not."""
    return [(f"{item.due:%d %H:%M}", item.held) for item in coming(lines, now, known)]


def test_a_day_ahead_and_no_more() -> None:
    """Tonight's ring, and after it tomorrow's; what is due this minute is not to come."""
    assert seen([CURFEW]) == [("22 22:00", None)]
    assert seen([CURFEW], now=NOW.replace(hour=22)) == [("23 22:00", None)]
    assert seen([parse_line("06:00", "t2-t6", "wake", 0, ()), CURFEW]) == [("22 22:00", None), ("23 06:00", None)]
    assert seen([parse_line("06:00", "t7", "wake", 0, ())]) == []


def test_a_day_that_is_left_out_is_told_with_its_rule() -> None:
    """People ask why it did not ring on 30/4, not what a timetable is."""
    line = parse_line("22:00", "daily", "curfew", 300, ("22-11",))
    (item,) = coming([line], NOW, WELL)
    assert (item.held, item.rule and item.rule.text) == ("exception", "22-11")


@pytest.mark.parametrize(
    ("known", "held"),
    [
        (Hindrances("untrusted"), "clock_untrusted"),
        (Hindrances("rtc", cannot=True), "cannot"),
        (Hindrances("ntp", silenced_until=NOW + timedelta(hours=3)), "silenced"),
        (Hindrances("ntp", silenced_until=NOW + timedelta(hours=1)), None),
        (Hindrances("ntp", calm_again=NOW + timedelta(hours=3)), "after_alarm"),
        (Hindrances("ntp", calm_again=NOW + timedelta(hours=2)), None),
        (Hindrances("untrusted", calm_again=NOW + timedelta(hours=3)), "clock_untrusted"),
    ],
)
def test_each_reason_why_it_will_not_sound(known: Hindrances, held: str | None) -> None:
    """P4, P6: what the arbiter and the ticker would say when the moment is there; what lasts is said before what passes."""
    assert seen([CURFEW], known) == [("22 22:00", held)]


def test_a_long_timetable_is_cut_off() -> None:
    """A page for a phone."""
    lines = [parse_line(f"{hour:02}:{minute:02}", "daily", "study", 0, ()) for hour in range(24) for minute in (0, 30)]
    assert len(coming(lines, NOW, WELL)) == 20
