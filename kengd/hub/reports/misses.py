"""What the detail of a timetable's entry says: which line was due, when, and which dates were jumped over (P6). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from kengd import clock
from kengd.duty.lines import EVERY_DAY, parse_days
from kengd.errors import UsageError

LONGEST_JUMP_DAYS: Final = 400
"""A jump over more days than this stays one fact: it is a clock in a wrong year, not missed nights."""

_PREFIX: Final = "timetable:"


@dataclass(frozen=True, slots=True)
class LineDue:
    """A line of the timetable ("19:00/study/t2-t6") on a local date. `due_ms`: unix ms."""

    line: str
    day: date
    at: time

    @property
    def due_ms(self) -> int:
        """When it was due."""
        return self.due_on(self.day)

    def due_on(self, day: date) -> int:
        """When the line was due on another date."""
        return clock.unix_ms(datetime.combine(day, self.at, clock.zone()))

    @property
    def weekdays(self) -> frozenset[int]:
        """Its weekdays, 0 Monday … 6 Sunday. Raises UsageError when the id says none that is known."""
        parts = self.line.split("/", 2)
        return parse_days(parts[2]) if len(parts) == 3 else EVERY_DAY


def due_of(detail: Mapping[str, Any]) -> LineDue | None:
    """From the key "timetable:22:00/curfew:2026-12-08"; None for any other detail."""
    key = detail.get("key")
    if not isinstance(key, str) or not key.startswith(_PREFIX):
        return None
    line, _, day = key.removeprefix(_PREFIX).rpartition(":")
    try:
        return LineDue(line, date.fromisoformat(day), time.fromisoformat(line[:5]))
    except ValueError:
        return None


def missed_moments(detail: Mapping[str, Any]) -> tuple[list[int], int]:
    """The due times (unix ms) a `missed` entry stands for, and how many misses each of them is.

    A jump over many days names its first and last date and a count. Where the line's weekdays between them are just so many,
    each date is one miss. Where not (there were exceptions), or after a leap into another year, all are told at the last
    due time. Empty when the entry names no line.
    """
    due = due_of(detail)
    if due is None:
        return [], 1
    count = detail.get("count")
    if type(count) is not int or count < 2:
        return [due.due_ms], 1
    try:
        first, weekdays = date.fromisoformat(str(detail.get("first"))), due.weekdays
    except (ValueError, UsageError):
        return [due.due_ms], count
    span = (due.day - first).days
    if not 0 <= span <= LONGEST_JUMP_DAYS:
        return [due.due_ms], count
    dates = [first + timedelta(days=n) for n in range(span + 1)]
    dates = [day for day in dates if day.weekday() in weekdays]
    return ([due.due_on(day) for day in dates], 1) if len(dates) == count else ([due.due_ms], count)
