"""The timetable's ledger: what became of each line on each local date (P6). Pure; the book keeps it, this is its copy in memory."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from kengd.duty.words import Draft, EntryKind, Source

LedgerState = Literal["sent", "rung", "refused", "lost", "missed"]
"""sent: handed to the belfry, no answer yet; rung; refused by the belfry; lost: sent, but nobody knows what became of it; missed: let
pass without being sent, because it was too late or the clock untrusted. Only `missed` may still ring, should the clock
be put back and the moment come again (R35); all others never."""

_STATES: dict[str, LedgerState] = {
    "sent": "sent",
    "rung": "rung",
    "refused": "refused",
    "lost": "lost",
    "missed": "missed",
}
_KEY_PREFIX = "timetable:"
VALUES_PREFIX = "timetable_"
"""All values that the timetable keeps in the book begin so."""

SINCE_PREFIX = VALUES_PREFIX + "since:"
BOOT_VALUE = VALUES_PREFIX + "boot"


@dataclass(frozen=True, slots=True)
class LedgerMark:
    """What became of one line on one local date ("YYYY-MM-DD"). (line, date) is unique, the last mark wins. `key`: the trigger's."""

    line: str
    date: str
    state: LedgerState
    key: str


def trigger_key(line_id: str, day: date) -> str:
    """The key under which the belfry accepts a ring at most once."""
    return f"{_KEY_PREFIX}{line_id}:{day.isoformat()}"


def mark_of(draft: Draft) -> LedgerMark | None:
    """The mark that an entry of the belfry amounts to, None when it is not about a ring of the timetable."""
    key = (draft.detail or {}).get("key")
    if draft.source is not Source.TIMETABLE or not isinstance(key, str) or not key.startswith(_KEY_PREFIX):
        return None
    line_id, _, day = key.removeprefix(_KEY_PREFIX).rpartition(":")
    if draft.kind in (EntryKind.MISSED, EntryKind.REFUSED):
        return LedgerMark(line_id, day, "refused", key)
    if draft.kind in (EntryKind.RINGING, EntryKind.FINISHED, EntryKind.CUT, EntryKind.FAILED):
        return LedgerMark(line_id, day, "rung", key)
    return None


class StoredMark(Protocol):
    """A mark as the book hands it out; one of a salvaged book may be incomplete."""

    @property
    def line(self) -> str: ...
    @property
    def date(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def key(self) -> str | None: ...


def restore(marks: Iterable[StoredMark], values: Mapping[str, str]) -> Ledger:
    """The ledger that the book holds. `values`: those under VALUES_PREFIX, others are passed over.

    What cannot be read is passed over; a state that is not known here counts as rung, so that nothing rings twice.
    """
    ledger = Ledger(boot=values.get(BOOT_VALUE))
    for mark in marks:
        try:
            day = date.fromisoformat(mark.date)
        except ValueError:
            continue
        if "/" not in mark.line:  # no id of a line: TIME/SIGNAL
            continue
        state = _STATES.get(mark.state, "rung")
        ledger.put(LedgerMark(mark.line, day.isoformat(), state, mark.key or trigger_key(mark.line, day)))
    for key, text in values.items():
        if key.startswith(SINCE_PREFIX) and text.isascii() and text.isdigit() and len(text) < 15:
            ledger.put_since(key.removeprefix(SINCE_PREFIX), int(text))
    return ledger


class Ledger:
    """All marks, and since when each line is known. Built from what the book holds, changed along with it.

    `boot`: the kernel's id of the boot in which marks were last made.
    """

    def __init__(
        self, marks: Iterable[LedgerMark] = (), since: Mapping[str, int] | None = None, boot: str | None = None
    ) -> None:
        self.boot = boot
        self._marks: dict[tuple[str, str], LedgerMark] = {}
        self._dates: dict[str, list[str]] = {}
        self._since = dict(since or {})
        for mark in marks:
            self.put(mark)

    def put(self, mark: LedgerMark) -> None:
        """Note a mark; it replaces the one before."""
        if (mark.line, mark.date) not in self._marks:
            insort(self._dates.setdefault(mark.line, []), mark.date)
        self._marks[mark.line, mark.date] = mark

    def put_since(self, line_id: str, wall_ms: int | None) -> None:
        """Note since when a line is known (unix ms); None forgets it."""
        if wall_ms is None:
            self._since.pop(line_id, None)
        else:
            self._since[line_id] = wall_ms

    def handled(self, line_id: str, day: date) -> LedgerState | None:
        """What became of the line on this date, None when nothing yet."""
        mark = self._marks.get((line_id, day.isoformat()))
        return mark.state if mark is not None else None

    def newest(self, line_id: str, upto: date) -> date | None:
        """The newest date up to and including `upto` that has a mark."""
        dates = self._dates.get(line_id, [])
        at = bisect_right(dates, upto.isoformat())
        return date.fromisoformat(dates[at - 1]) if at else None

    def since(self, line_id: str) -> int | None:
        """When the line was first seen under a trusted clock (unix ms), None when never."""
        return self._since.get(line_id)

    def known(self) -> tuple[str, ...]:
        """The ids of all lines that have a `since`."""
        return tuple(self._since)

    def sent(self) -> tuple[LedgerMark, ...]:
        """Marks that are still waiting for the belfry's answer."""
        return tuple(mark for mark in self._marks.values() if mark.state == "sent")
