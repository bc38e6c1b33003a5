"""Connections that ask for nothing are closed: a few dozen idle ones must not take the page from the keeper. Time is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

WITHIN_S: Final = 10.0
"""From the connection's beginning, or the last answer, to a whole request. It is a packet or two."""


class Lingering:
    """Since when each connection asks for nothing."""

    def __init__(self) -> None:
        self._seen: dict[Any, tuple[Any, float]] = {}
        """Connection → its last request, and since when nothing is asked on it."""

    def over(self, connections: Iterable[Any], now_s: float) -> list[Any]:
        """Those that have asked for nothing for too long: uvicorn's protocol objects. `now_s`: monotonic."""
        found, seen = [], {}
        for one in connections:
            if asks(one):
                continue
            request, since_s = self._seen.get(one, (one.cycle, now_s))
            if request is not one.cycle:  # it was asked and answered since the last look
                since_s = now_s
            seen[one] = (one.cycle, since_s)
            if now_s - since_s >= WITHIN_S:
                found.append(one)
        self._seen = seen
        return found


def asks(connection: Any) -> bool:
    """A whole request is here and its answer is not complete (a live line's answer never is)."""
    cycle = connection.cycle
    return cycle is not None and not cycle.response_complete and not cycle.more_body
