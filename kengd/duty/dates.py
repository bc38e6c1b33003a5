"""Dates on which a line of the timetable does not ring, as people write them. Pure.

    "2027-02-06"                 that day                         "2027-02-05..2027-02-10"   those days
    "30-04"                      30 April, each year              "30-04..02-05"             each year, also over New Year
    "1/1 âm"                     lunar, each year                 "cuối/12 âm..3/1 âm"       each year, also over Tết

Both days of a range belong to it. A lunar day 30 and `cuối` are the last day of the month, the 29th in a short one, as custom
has it. A leap month (nhuận) counts only inside a range that runs on beyond its twin.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Literal

from kengd.duty.lunar import ends_month, lunar_of
from kengd.errors import UsageError

LONGEST_RANGE_DAYS = 366
LAST_DAY = 30

Parts = tuple[int, int, int]

_ONCE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_YEARLY = re.compile(r"([0-9]{2})-([0-9]{2})")
_LUNAR = re.compile(r"([0-9]{1,2}|cuối)/([0-9]{1,2})")
_SLASHED = re.compile(r"([0-9]{1,2})/([0-9]{1,2})")
_SLASHED_YEAR = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
_LOOSE_YEARLY = re.compile(r"([0-9]{1,2})-([0-9]{1,2})")
_FORMS = 'viết "2027-02-06" (một ngày), "30-04" (hằng năm), "1/1 âm" (âm lịch), hoặc một khoảng "cuối/12 âm..3/1 âm"'


@dataclass(frozen=True, slots=True)
class DateRule:
    """One exception. `first`, `last`: (year, month, day), year 0 when it comes back each year; `text` as it was written."""

    text: str
    calendar: Literal["once", "yearly", "lunar"]
    first: Parts
    last: Parts

    def matches(self, day: date) -> bool:
        """True when the exception holds on this local date."""
        if self.calendar == "once":
            return self.first <= (day.year, day.month, day.day) <= self.last
        if self.calendar == "yearly":
            return _within(self.first[1:], self.last[1:], (day.month, day.day), (day.month, day.day))
        lunar = lunar_of(day)
        as_start = LAST_DAY if ends_month(day) else lunar.day  # the 29th of a short month is also its "30th"
        return _within(
            (self.first[1], 0, self.first[2]),
            (self.last[1], 0, self.last[2]),
            (lunar.month, int(lunar.leap), as_start),
            (lunar.month, int(lunar.leap), lunar.day),
        )


def _within(first: tuple[int, ...], last: tuple[int, ...], as_start: tuple[int, ...], as_end: tuple[int, ...]) -> bool:
    """Inside a range that comes back each year; a range whose end lies before its start runs over the turn of the year."""
    if first <= last:
        return first <= as_start and as_end <= last
    return first <= as_start or as_end <= last


def parse_rule(text: str) -> DateRule:
    """The exception that this text says. Raises UsageError `bad_date` with the cure."""
    text = unicodedata.normalize("NFC", text).strip()
    ends = [part.strip() for part in text.split("..")]
    if len(ends) > 2 or not all(ends):
        raise _bad(text, "không đọc được ngày", _FORMS)
    if any(end.endswith("âm") for end in ends):
        return _lunar_rule(text, [end.removesuffix("âm").strip() for end in ends])
    for calendar, form in (("once", _ONCE), ("yearly", _YEARLY)):
        found = [form.fullmatch(end) for end in ends]
        if all(found):
            return _solar_rule(text, calendar, [match.groups() for match in found if match is not None])
    raise _bad(text, "không đọc được ngày", _guess(text, ends[0]))


def _solar_rule(text: str, calendar: str, ends: list[tuple[str, ...]]) -> DateRule:
    if calendar == "once":
        dates = [_real(text, int(year), int(month), int(day)) for year, month, day in ends]
        span = (dates[-1] - dates[0]).days
        if span < 0:
            raise _bad(text, "ngày cuối đứng trước ngày đầu", "đổi chỗ hai ngày")
        if span > LONGEST_RANGE_DAYS:
            raise _bad(
                text, f"khoảng ngày dài quá {LONGEST_RANGE_DAYS} ngày", "bỏ hẳn dòng giờ kẻng thay vì nghỉ lâu như thế"
            )
        first, last = dates[0], dates[-1]
        return DateRule(text, "once", (first.year, first.month, first.day), (last.year, last.month, last.day))
    leap_year = 2000  # so that "29-02" can be said
    dates = [_real(text, leap_year, int(month), int(day)) for day, month in ends]
    return DateRule(text, "yearly", (0, dates[0].month, dates[0].day), (0, dates[-1].month, dates[-1].day))


def _lunar_rule(text: str, ends: list[str]) -> DateRule:
    parts: list[Parts] = []
    for end in ends:
        match = _LUNAR.fullmatch(end)
        if match is None:
            raise _bad(
                text, "không đọc được ngày âm lịch", 'viết ngày/tháng rồi "âm", như "1/1 âm" hoặc "cuối/12 âm..3/1 âm"'
            )
        day = LAST_DAY if match[1] == "cuối" else int(match[1])
        month = int(match[2])
        if not (1 <= day <= LAST_DAY and 1 <= month <= 12):
            raise _bad(text, "không có ngày âm lịch này", "ngày âm từ 1 đến 30, tháng từ 1 đến 12")
        parts.append((0, month, day))
    return DateRule(text, "lunar", parts[0], parts[-1])


def _real(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise _bad(
            text, "không có ngày này trong lịch", 'ngày trước, tháng sau: "30-04"; cả năm thì năm trước: "2027-04-30"'
        ) from None


def _guess(text: str, first: str) -> str:
    """The cure for a mistake that is often made, else all forms."""
    bare = re.sub(r"\s*(âm lịch|am lich|ÂL|AL|al|am|Âm)$", "", first)
    if bare != first and _LUNAR.fullmatch(bare):
        return f'viết "{bare} âm"'
    if match := _SLASHED_YEAR.fullmatch(first):
        return f'viết "{match[3]}-{int(match[2]):02}-{int(match[1]):02}"'
    if match := _SLASHED.fullmatch(first):
        return f'dương lịch thì viết "{int(match[1]):02}-{int(match[2]):02}", âm lịch thì viết "{text} âm"'
    if match := _LOOSE_YEARLY.fullmatch(first):
        return f'viết đủ hai chữ số: "{int(match[1]):02}-{int(match[2]):02}"'
    return _FORMS


def _bad(text: str, vi: str, cure: str) -> UsageError:
    return UsageError("bad_date", f'{vi}: "{text}"', cure=cure, en=f"not a date or a range of dates: {text!r}")
