"""Whether the belfry still speaks. An office that goes on telling the hub how well all is, while nobody holds the hammer, lies (P9)."""

from __future__ import annotations

from typing import Final

SILENT_MS: Final = 12_000
"""It pings every 5 s: two are missing. systemd ends a belfry that hangs after 15 s; where there is no systemd this is all that tells."""
OWN_GAP_MS: Final = 5_000
"""After a gap in our own turns what has come meanwhile is read first."""


class BelfryEar:
    """Times are monotonic ms."""

    def __init__(self) -> None:
        self._heard_ms: int | None = None
        self._turn_ms: int | None = None

    def hears(self, now_ms: int) -> None:
        """It has said something."""
        self._heard_ms = now_ms

    def is_silent(self, now_ms: int) -> bool:
        """Called with every turn."""
        before, self._turn_ms = self._turn_ms, now_ms
        if self._heard_ms is None:
            return False  # it has not begun: that is waited for elsewhere
        if before is not None and now_ms - before > OWN_GAP_MS:
            self._heard_ms += now_ms - before
        return now_ms - self._heard_ms > SILENT_MS
