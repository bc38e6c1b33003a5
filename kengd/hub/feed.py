"""What has just changed, for everybody who watches: pages, the shell, tests. Nothing is kept but a short tail.

Each worker has its own: statuses reach every worker by the line, and what is written into the ledger by whomever is noted with it
(`ledger.changes`) and brought here by `Fellows`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TAIL: Final = 2_000


@dataclass(frozen=True, slots=True)
class Change:
    """`n` counts up. `topic`: post, entry, dispatch, incident, book, trial, hub. `data`: plain JSON data."""

    n: int
    topic: str
    data: Mapping[str, Any]


class Feed:
    """Safe from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tail: deque[Change] = deque(maxlen=TAIL)
        self._n = 0

    @property
    def n(self) -> int:
        """Of the newest change."""
        return self._n

    def post(self, topic: str, data: Mapping[str, Any]) -> None:
        """Something changed."""
        with self._changed:
            self._n += 1
            self._tail.append(Change(self._n, topic, data))
            self._changed.notify_all()

    def lose(self) -> None:
        """Something was missed: whoever asks for what came after an earlier change looks at everything anew."""
        with self._changed:
            self._n += 2
            self._tail.clear()
            self._tail.append(Change(self._n, "hub", {}))
            self._changed.notify_all()

    def after(self, n: int, wait_s: float = 0.0) -> list[Change] | None:
        """Changes behind `n`; waits up to `wait_s` for the first. None: some are gone, look at everything anew."""
        with self._changed:
            if self._n <= n and wait_s > 0:
                self._changed.wait(wait_s)
            if n > self._n or (self._tail and n + 1 < self._tail[0].n):
                return None
            return [change for change in self._tail if change.n > n]
