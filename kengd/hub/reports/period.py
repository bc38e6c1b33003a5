"""Month, quarter and year in the village's time zone, as a span of unix ms and in Vietnamese words. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kengd import clock
from kengd.errors import UsageError

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 9998
_ROMAN: Final = ("I", "II", "III", "IV")
_FORM = re.compile(r"([0-9]{4})(?:-([0-9]{2})|-[qQ]([1-4]))?")


@dataclass(frozen=True, slots=True)
class Period:
    """[from_ms, to_ms), unix ms. `id`: "2026-11", "2026-q4" or "2026"; `name_vi`: "tháng 11 năm 2026"."""

    id: str
    name_vi: str
    from_ms: int
    to_ms: int

    def holds(self, at_ms: int) -> bool:
        """Whether this moment (unix ms) lies within."""
        return self.from_ms <= at_ms < self.to_ms


def month(year: int, number: int) -> Period:
    """The month 1…12 of a year. Raises UsageError `bad_period`."""
    if not 1 <= number <= 12:
        raise _bad(f"tháng {number}")
    return _of_months(f"{year}-{number:02}", f"tháng {month_digits(number)} năm {year}", year, number, 1)


def quarter(year: int, number: int) -> Period:
    """The quarter 1…4 of a year. Raises UsageError `bad_period`."""
    if not 1 <= number <= 4:
        raise _bad(f"quý {number}")
    return _of_months(f"{year}-q{number}", f"quý {_ROMAN[number - 1]} năm {year}", year, 3 * number - 2, 3)


def year(number: int) -> Period:
    """A calendar year. Raises UsageError `bad_period`."""
    return _of_months(f"{number:04}", f"năm {number}", number, 1, 12)


def parse(text: str) -> Period:
    """The period of "2026-11", "2026-q4" or "2026". Raises UsageError `bad_period`."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise _bad(f"“{text[:40]}”")
    if found[2]:
        return month(int(found[1]), int(found[2]))
    return quarter(int(found[1]), int(found[3])) if found[3] else year(int(found[1]))


def begun(period: Period, now_ms: int) -> Period:
    """This period, of which there is something to report. Raises UsageError `bad_period` where all of it lies in the future."""
    if period.from_ms > now_ms:
        raise UsageError(
            "bad_period", f"{period.name_vi} chưa tới", cure="chọn kỳ đã bắt đầu", en=f"{period.id} has not begun"
        )
    return period


def month_digits(number: int) -> str:
    """A month as documents write it: "01", "02", then "3" … "12"."""
    return f"{number:02}" if number < 3 else str(number)


def _of_months(id: str, name_vi: str, first_year: int, first_month: int, months: int) -> Period:
    if not FIRST_YEAR <= first_year <= LAST_YEAR:
        raise _bad(f"năm {first_year}")
    years, month_after = divmod(first_month - 1 + months, 12)
    start = datetime(first_year, first_month, 1, tzinfo=clock.zone())
    end = datetime(first_year + years, month_after + 1, 1, tzinfo=clock.zone())
    return Period(id, name_vi, clock.unix_ms(start), clock.unix_ms(end))


def _bad(what: str) -> UsageError:
    return UsageError(
        "bad_period",
        f"không đọc được kỳ báo cáo: {what}",
        cure='viết tháng "2026-11", quý "2026-q4" hoặc năm "2026"',
        en=f"not a month, quarter or year from {FIRST_YEAR} to {LAST_YEAR}",
    )
