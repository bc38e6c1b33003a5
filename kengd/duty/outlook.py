"""The outlook: what the timetable will ring next, and which of it will not sound, and why. Pure: what is known now is given.

It promises nothing: the ticker and the arbiter decide when the moment is there. It says what they would say as things stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from kengd.duty.dates import DateRule
from kengd.duty.lines import Line
from kengd.duty.words import ClockTrust

Hindrance = Literal["exception", "cannot", "clock_untrusted", "silenced", "after_alarm"]
MOST = 20
AHEAD = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Hindrances:
    """As things stand. `silenced_until`, `calm_again` (the end of the quiet time after an alarm): local, aware; None: not.

    `cannot`: a fault keeps this bell from sounding at all.
    """

    trust: ClockTrust
    silenced_until: datetime | None = None
    calm_again: datetime | None = None
    cannot: bool = False


@dataclass(frozen=True, slots=True)
class Coming:
    """A ring of the timetable. `due`: local, aware. `held` None: it will ring. `rule`: the exception, where that is what holds it."""

    line: Line
    due: datetime
    held: Hindrance | None = None
    rule: DateRule | None = None


def coming(lines: Iterable[Line], now: datetime, known: Hindrances, ahead: timedelta = AHEAD) -> list[Coming]:
    """Every ring after `now` (local, aware) within `ahead`, also those that are left out on that date; in order, at most 20."""
    found = [
        Coming(line, due, *_held(line, due, known))
        for line in lines
        for day in range((now + ahead).date().toordinal() - now.date().toordinal() + 1)
        if now < (due := datetime.combine(now.date() + timedelta(days=day), line.at, now.tzinfo)) <= now + ahead
        and due.weekday() in line.days
    ]
    return sorted(found, key=lambda item: (item.due, item.line.id))[:MOST]


def _held(line: Line, due: datetime, known: Hindrances) -> tuple[Hindrance | None, DateRule | None]:
    """The first reason that holds: one that lasts before one that passes."""
    rule = line.exception(due.date())
    if rule is not None:
        return "exception", rule
    if known.cannot:
        return "cannot", None
    if known.trust == "untrusted":
        return "clock_untrusted", None
    if known.silenced_until is not None and due < known.silenced_until:
        return "silenced", None
    if known.calm_again is not None and due < known.calm_again:
        return "after_alarm", None
    return None, None
