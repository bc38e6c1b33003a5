"""Repeats are folded: told once, then "…và N lần nữa". Pure: it is told the time.

Each key has a window. What comes first is told at once; what comes again while the window is open is counted, and the
last of it is told with the count when the window closes. A key that goes on opens ever longer windows; one that fell
silent for a whole window is forgotten. `absent` and `back` of one post share their key, so a line that flaps cannot storm
anybody with SMS, and the last word is always the true one. An alarm is folded by its activation only, never by its place
or time (R32).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from kengd.hub.notices.words import Notice, NoticeKind, Weight

FIRST_WINDOW_MS = 600_000
LONGEST_WINDOW_MS = 6 * 3_600_000
MOST_KEYS = 1_000

_Group = tuple[str, str, str]


@dataclass(slots=True)
class _Window:
    told: NoticeKind
    opened_ms: int
    length_ms: int
    folded: int = 0
    latest: Notice | None = None

    @property
    def closes_ms(self) -> int:
        return self.opened_ms + self.length_ms

    def summary(self) -> Notice | None:
        """The folded ones as one notice. News of the other kind counts itself as the one that is told."""
        if self.latest is None:
            return None
        return replace(self.latest, repeats=self.folded if self.latest.kind is self.told else self.folded - 1)


class Folding:
    """Remembers at most `most_keys` windows; one too many closes the oldest early, so nothing is lost unsaid.

    Times are ms of one monotonic clock; a time before an earlier one is taken for that one.
    """

    def __init__(
        self,
        first_window_ms: int = FIRST_WINDOW_MS,
        longest_window_ms: int = LONGEST_WINDOW_MS,
        most_keys: int = MOST_KEYS,
    ) -> None:
        self._first_ms, self._longest_ms, self._most = first_window_ms, longest_window_ms, most_keys
        self._windows: dict[_Group, _Window] = {}  # in the order in which they were opened
        self._now_ms = 0
        self._quiet_until_ms: float = inf
        """No window closes before: a thousand alarms at once are not looked through a thousand times."""

    def __len__(self) -> int:
        return len(self._windows)

    def offer(self, notice: Notice, now_ms: int) -> tuple[Notice, ...]:
        """What is to be told now that this has happened: summaries that are due, then the notice itself unless folded."""
        told = list(self.due(now_ms))
        group = _group(notice)
        window = self._windows.get(group)
        if window is not None:
            window.folded += 1
            window.latest = notice
            return tuple(told)
        if len(self._windows) >= self._most:
            summary = self._windows.pop(next(iter(self._windows))).summary()
            told += [] if summary is None else [summary]
        self._open(group, notice.kind, self._first_ms)
        return (*told, notice)

    def folded(self, notice: Notice) -> Notice | None:
        """What waits to be told with the summary that this one would belong to: the last of what was folded."""
        window = self._windows.get(_group(notice))
        return None if window is None else window.latest

    def due(self, now_ms: int) -> tuple[Notice, ...]:
        """The summaries of windows that have closed, the earliest first."""
        self._now_ms = max(self._now_ms, now_ms)
        if self._now_ms < self._quiet_until_ms:
            return ()
        closed = [
            (window.closes_ms, group) for group, window in self._windows.items() if window.closes_ms <= self._now_ms
        ]
        told = []
        for _, group in sorted(closed):
            window = self._windows.pop(group)
            summary = window.summary()
            if summary is not None:
                longer = min(window.length_ms * 2, self._longest_ms)
                self._open(group, summary.kind, longer)
                told.append(summary)
        self._quiet_until_ms = min((window.closes_ms for window in self._windows.values()), default=inf)
        return tuple(told)

    def _open(self, group: _Group, told: NoticeKind, length_ms: int) -> None:
        window = self._windows[group] = _Window(told, self._now_ms, length_ms)
        self._quiet_until_ms = min(self._quiet_until_ms, window.closes_ms)

    def next_ms(self) -> int | None:
        """When `due` has something to do next; None = nothing is waiting."""
        return min((window.closes_ms for window in self._windows.values()), default=None)

    def rest(self) -> tuple[Notice, ...]:
        """All summaries that wait, for an orderly stop; afterwards nothing is remembered."""
        summaries = tuple(summary for window in self._windows.values() if (summary := window.summary()) is not None)
        self._windows.clear()
        return summaries


def _group(notice: Notice) -> _Group:
    if notice.weight is Weight.URGENT:
        return (notice.kind, notice.activation or "", notice.key)
    return ("", "", notice.key)
