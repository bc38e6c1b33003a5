"""The next days' rings of a timetable, as the post would ring them, with what exceptions hold back. Pure: the start is given."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from kengd.duty.lunar import lunar_of, lunar_text
from kengd.duty.rehearsing import rehearsal, skipped
from kengd.duty.timetable import Due, Line, check_lines, parse_line
from kengd.errors import UsageError

DAYS: Final = 14
WEEKDAYS_VI: Final = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


@dataclass(frozen=True, slots=True)
class Ring:
    """`held`: the exception that holds it back, as it was written; None: it rings."""

    at: datetime
    signal: str
    held: str | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the village's calendar, with its lunar date ("1/1 âm")."""

    day: date
    lunar: str
    rings: tuple[Ring, ...]

    @property
    def weekday_vi(self) -> str:
        """ "thứ Hai"."""
        return WEEKDAYS_VI[self.day.weekday()]


def lines_of(
    given: Sequence[Mapping[str, Any]], calm: Collection[str] | None
) -> tuple[list[Line], dict[int, UsageError]]:
    """The lines that can be rung, and by number what is wrong with the others. `calm`: signals that a clock may ring."""
    good: list[Line] = []
    wrong: dict[int, UsageError] = {}
    for n, said in enumerate(given):
        try:
            line = parse_line(said["at"], said["days"], said["signal"], said["grace_s"], said["except"])
            check_lines([*good, line], calm)
        except UsageError as error:
            wrong[n] = error
            continue
        good.append(line)
    return good, wrong


def days_ahead(lines: Sequence[Line], start: datetime, days: int = DAYS) -> list[Day]:
    """`start`: aware, local; the first day counts from it on."""
    end = datetime.combine(start.date() + timedelta(days=days), datetime.min.time(), start.tzinfo)
    rings = [Ring(item.due, item.line.signal) for item in rehearsal(lines, start, end) if isinstance(item, Due)]
    rings += [Ring(one.due, one.signal, one.rule) for one in skipped(lines, start, end)]
    found = []
    for number in range(days):
        day = start.date() + timedelta(days=number)
        todays = tuple(sorted((ring for ring in rings if ring.at.date() == day), key=lambda ring: ring.at))
        found.append(Day(day, lunar_text(lunar_of(day)), todays))
    return found
