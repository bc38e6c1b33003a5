"""The timetable's lines, and how people write them. Pure.

[[timetable]]
at = "19:00"
days = "t2-t6"                       # t2 … t7, cn; mon … sun; lists with commas, ranges; "daily" (hằng ngày)
signal = "study"
grace_s = 300                        # 0–3600
except = ["cuối/12 âm..3/1 âm"]      # see kengd.duty.dates
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from kengd.duty.dates import DateRule, parse_rule
from kengd.errors import UsageError

MOST_LINES = 60
MOST_EXCEPTIONS = 400
LONGEST_GRACE_S = 3_600
"""A ring later than an hour says something else than it should; and the ledger's dates must not overlap."""

EVERY_DAY = frozenset(range(7))
_NAMES_VI = ("t2", "t3", "t4", "t5", "t6", "t7", "cn")
_DAY_NUMBERS = {name: number for number, name in enumerate(_NAMES_VI)} | {
    name: number for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
}
_DAILY = ("daily", "hằng ngày", "hàng ngày")
_AT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_SIGNAL = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Line:
    """One ring of the timetable. `at`: local time of day; `days`: 0 Monday … 6 Sunday; later than `grace_s` it is missed.

    `id` is made of time, signal and days ("22:00/curfew", "19:00/study/t2-t6"): a change of grace or exceptions keeps it.
    """

    id: str
    at: time
    days: frozenset[int]
    signal: str
    grace_s: int = 300
    exceptions: tuple[DateRule, ...] = ()

    def exception(self, day: date) -> DateRule | None:
        """The first exception that holds on this date."""
        return next((rule for rule in self.exceptions if rule.matches(day)), None)

    def occurs(self, day: date) -> bool:
        """True when the line rings on this date."""
        return day.weekday() in self.days and self.exception(day) is None


def parse_line(at: str, days: str, signal: str, grace_s: int = 300, exceptions: Sequence[str] = ()) -> Line:
    """One line. Raises UsageError: `bad_time`, `bad_days`, `bad_signal`, `bad_grace`, `bad_date`."""
    found = _AT.fullmatch(at)
    if found is None:
        raise UsageError(
            "bad_time",
            f'không đọc được giờ: "{at}"',
            cure='viết đủ giờ và phút, như "05:00" hoặc "22:00"',
            en=f"not a time of day: {at!r}",
        )
    if not _SIGNAL.fullmatch(signal):
        raise UsageError(
            "bad_signal",
            f'không đọc được tên hiệu lệnh: "{signal}"',
            cure='viết như "curfew"',
            en=f"bad signal {signal!r}",
        )
    if isinstance(grace_s, bool) or not 0 <= grace_s <= LONGEST_GRACE_S:
        raise UsageError(
            "bad_grace",
            f"grace_s = {grace_s} không dùng được",
            cure=f"số giây nguyên từ 0 đến {LONGEST_GRACE_S}",
            en=f"grace_s must be 0 to {LONGEST_GRACE_S}",
        )
    if len(exceptions) > MOST_EXCEPTIONS:
        raise UsageError(
            "bad_date", f"quá {MOST_EXCEPTIONS} ngày nghỉ", cure="gộp thành khoảng ngày", en="too many exceptions"
        )
    weekdays = parse_days(days)
    moment = time(int(found[1]), int(found[2]))
    rules = tuple(map(parse_rule, exceptions))
    return Line(line_id(moment, weekdays, signal), moment, weekdays, signal, grace_s, rules)


def parse_days(text: str) -> frozenset[int]:
    """Weekdays, 0 Monday … 6 Sunday. Raises UsageError `bad_days`."""
    text = unicodedata.normalize("NFC", text).strip().lower()
    if text in _DAILY:
        return EVERY_DAY
    days: set[int] = set()
    for part in text.split(","):
        ends = [_DAY_NUMBERS.get(end.strip()) for end in part.split("-")]
        if len(ends) > 2 or None in ends:
            raise UsageError(
                "bad_days",
                f'không đọc được ngày trong tuần: "{part.strip()}"',
                cure='viết "daily" (hằng ngày), "t2-t6" hoặc "t7,cn"',
                en=f"bad weekdays {text!r}",
            )
        first, last = int(ends[0] or 0), int(ends[-1] or 0)
        days.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return frozenset(days)


def days_text(days: frozenset[int]) -> str:
    """The shortest way to write them: "daily", "t2-t6", "t3,t5,cn"."""
    if days == EVERY_DAY:
        return "daily"
    parts: list[str] = []
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    for run in runs:
        names = [_NAMES_VI[day] for day in run]
        parts += [f"{names[0]}-{names[-1]}"] if len(names) > 2 else names
    return ",".join(parts)


def line_id(at: time, days: frozenset[int], signal: str) -> str:
    """What the ledger knows the line by, for as long as its time, signal and days stay."""
    return f"{at:%H:%M}/{signal}" + ("" if days == EVERY_DAY else f"/{days_text(days)}")


def check_lines(lines: Sequence[Line], calm_signals: Collection[str] | None = None) -> None:
    """Refuse what cannot be rung. `calm_signals`: signals that a timetable may ring, None = not known here.

    Raises UsageError: `too_many_lines`, `same_time` (two rings of one bell at one minute), `unknown_signal`.
    """
    if len(lines) > MOST_LINES:
        raise UsageError("too_many_lines", f"quá {MOST_LINES} dòng giờ kẻng", cure="bỏ bớt", en="too many lines")
    for at, line in enumerate(lines):
        if calm_signals is not None and line.signal not in calm_signals:
            raise UsageError(
                "unknown_signal",
                f'giờ kẻng {line.at:%H:%M} gọi hiệu lệnh "{line.signal}" không dùng được ở đây',
                cure=f"chọn một trong: {', '.join(calm_signals)}",
                en=f"{line.id}: {line.signal} is no calm signal of this codebook",
            )
        for other in lines[:at]:
            if other.at == line.at and other.days & line.days:
                raise UsageError(
                    "same_time",
                    f"hai dòng giờ kẻng cùng lúc {line.at:%H:%M}: {other.signal} và {line.signal}",
                    cure="mỗi phút chỉ để một hiệu lệnh; đổi giờ hoặc đổi ngày một dòng",
                    en=f"{other.id} and {line.id} ring at the same minute",
                )


def plain_lines(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """As in a command's `timetable` (DESIGN section 7) and on pages: at, days, signal, grace_s, except."""
    return [
        {
            "at": f"{line.at:%H:%M}",
            "days": days_text(line.days),
            "signal": line.signal,
            "grace_s": line.grace_s,
            "except": [rule.text for rule in line.exceptions],
        }
        for line in lines
    ]
