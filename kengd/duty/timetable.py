"""The timetable: which line is due, which was missed (P6, R33–R37). Pure: the clock is given, the ledger is asked.

Each look starts from the wall clock alone, so a clock that is put forward or back needs no special case (R34, R35): a ring belongs
to a (line, local date) and happens at most once; what has passed and can no longer ring is missed, one item per line however
many days were jumped over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Protocol

from kengd.duty.dates import DateRule, parse_rule
from kengd.duty.ledger import LedgerState
from kengd.duty.lines import Line, check_lines, parse_line, plain_lines
from kengd.duty.words import ClockTrust

__all__ = [
    "DateRule", "Due", "LedgerView", "Line", "Missed", "check_lines", "due_on", "grace_of", "look", "next_due", "parse_line",
    "parse_rule", "plain_lines",
]  # fmt: skip

MAY_STILL_RING: tuple[LedgerState | None, ...] = (None, "missed")
_DAY = timedelta(days=1)
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


class LedgerView(Protocol):
    """What `look` asks; `kengd.duty.ledger.Ledger` answers."""

    def handled(self, line_id: str, day: date) -> LedgerState | None:
        """What became of the line on this date, None when nothing yet."""

    def newest(self, line_id: str, upto: date) -> date | None:
        """The newest date up to and including `upto` that has been handled."""

    def since(self, line_id: str) -> int | None:
        """When the line was first seen, unix ms; what was due before is not its business. None: not seen yet."""


@dataclass(frozen=True, slots=True)
class Due:
    """Ring now. `due`: the moment it was due; after `until` it would be too late (both local, aware)."""

    line: Line
    date: date
    due: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Missed:
    """`count` rings of one line passed unrung, on dates from `first` to `last`; `due`: the moment of the last (local, aware)."""

    line: Line
    first: date
    last: date
    count: int
    due: datetime
    reason: Literal["late", "clock_untrusted"]


def look(lines: Iterable[Line], ledger: LedgerView, now: datetime, trust: ClockTrust) -> list[Due | Missed]:
    """What is to be done now; at most one `Due` and one `Missed` per line, in the order in which they were due.

    `now`: aware, in Asia/Ho_Chi_Minh. Nothing is due while the clock is `untrusted`; it then waits for trust until its grace ends.
    """
    found = [item for line in lines for item in _look_at(line, ledger, now, trust)]
    return sorted(found, key=lambda item: (item.due, isinstance(item, Due), item.line.id))


def _look_at(line: Line, ledger: LedgerView, now: datetime, trust: ClockTrust) -> list[Due | Missed]:
    since_ms = ledger.since(line.id)
    if since_ms is None:
        return []
    since = (_UNIX + timedelta(milliseconds=since_ms)).astimezone(now.tzinfo)
    today = now.date()
    found: list[Due | Missed] = []
    passed = [
        day for day in _unsettled(line, ledger, since, now) if since <= due_on(line, day, now) < now - grace_of(line)
    ]
    if passed:
        reason: Literal["late", "clock_untrusted"] = "clock_untrusted" if trust == "untrusted" else "late"
        found.append(Missed(line, passed[0], passed[-1], len(passed), due_on(line, passed[-1], now), reason))
    if trust == "untrusted":
        return found
    for day in (today - _DAY, today):  # yesterday: a grace that runs over midnight
        due = due_on(line, day, now)
        in_time = since <= due <= now <= due + grace_of(line)
        if in_time and ledger.handled(line.id, day) in MAY_STILL_RING and line.occurs(day):
            found.append(Due(line, day, due, due + grace_of(line)))
    return found


def _unsettled(line: Line, ledger: LedgerView, since: datetime, now: datetime) -> list[date]:
    """Dates of this line that nothing is known of: after the newest known one, up to the last whose grace can be over.

    Of many days jumped over only the last gets a mark, so what lies before the newest mark is settled.
    """
    last = (now - grace_of(line)).date()
    newest = ledger.newest(line.id, last)
    start = since.date() if newest is None else max(since.date(), newest + _DAY)
    days = (date.fromordinal(number) for number in range(start.toordinal(), last.toordinal() + 1))
    return [day for day in days if line.occurs(day)]


def due_on(line: Line, day: date, now: datetime) -> datetime:
    """The moment the line is due on a date, in the time zone of `now`."""
    return datetime.combine(day, line.at, now.tzinfo)


def grace_of(line: Line) -> timedelta:
    """How late it may ring."""
    return timedelta(seconds=line.grace_s)


def next_due(lines: Sequence[Line], after: datetime) -> datetime | None:
    """The next moment, later than `after`, at which a line is due; None when there is none within four years."""
    found: datetime | None = None
    for line in lines:
        day = after.date()
        for _ in range(4 * 366):
            due = due_on(line, day, after)
            if found is not None and due >= found:
                break
            if due > after and line.occurs(day):
                found = due
                break
            day += _DAY
    return found
