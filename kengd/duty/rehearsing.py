"""The timetable in virtual time: when its lines would ring and when an exception holds them back, by the code that rings for real. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from kengd.duty.ledger import Ledger, LedgerMark, trigger_key
from kengd.duty.timetable import Due, Line, Missed, due_on, look, next_due

_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A ring that an exception holds back. `rule`: the exception as it was written."""

    due: datetime
    signal: str
    rule: str


def rehearsal(lines: Sequence[Line], start: datetime, end: datetime) -> Iterator[Due | Missed]:
    """All that would happen from `start` up to, not including, `end`: looks at each moment at which a line is due."""
    ledger = Ledger()
    for line in lines:
        ledger.put_since(line.id, (start - _UNIX) // timedelta(milliseconds=1))
    now: datetime | None = start
    while now is not None and now < end:
        for item in look(lines, ledger, now, "ntp"):
            day = item.date if isinstance(item, Due) else item.last
            state = LedgerMark(
                item.line.id,
                day.isoformat(),
                "rung" if isinstance(item, Due) else "missed",
                trigger_key(item.line.id, day),
            )
            ledger.put(state)
            yield item
        now = next_due(lines, now)


def skipped(lines: Sequence[Line], start: datetime, end: datetime) -> Iterator[Skipped]:
    """The rings that exceptions hold back, in order."""
    for number in range(start.toordinal(), end.toordinal() + 1):
        day = date.fromordinal(number)
        for line in sorted(lines, key=lambda line: line.at):
            rule = line.exception(day) if day.weekday() in line.days else None
            if rule is not None and start <= due_on(line, day, start) < end:
                yield Skipped(due_on(line, day, start), line.signal, rule.text)
