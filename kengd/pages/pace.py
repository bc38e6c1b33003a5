"""A pace for requests: so many at once, then so many a second, for each key."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from kengd.errors import KengdError


class Pace:
    """So many at once, then so many a second, by key. Safe from any thread; the longest unused keys are dropped."""

    def __init__(self, burst: int, each_s: float, room: int = 10_000) -> None:
        self._burst, self._each_s, self._room = float(burst), each_s, room
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, now_s: float | None = None) -> None:
        """Raises KengdError `too_fast`. `now_s`: monotonic."""
        now_s = time.monotonic() if now_s is None else now_s
        with self._lock:
            left, at_s = self._left.pop(key, (self._burst, now_s))
            left = min(self._burst, left + max(0.0, now_s - at_s) * self._each_s)
            self._left[key] = (left - 1 if left >= 1 else left, now_s)
            while len(self._left) > self._room:
                self._left.popitem(last=False)
        if left < 1:
            raise KengdError(
                "too_fast", "quá nhiều yêu cầu một lúc", cure="chờ một giây rồi thử lại", en="too many requests"
            )
