"""Refusals that anybody could cause by the thousand: 20 a minute are written singly, the rest as one count. Pure."""

from __future__ import annotations

from collections import Counter

from kengd.duty.words import Draft, EntryKind, Source

SINGLY_A_MINUTE = 20
MINUTE_MS = 60_000


class RefusalCounter:
    """Counts within minutes that begin with the first refusal of a quiet time. `mono_ms`: CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self._began_ms: int | None = None
        self._singly = 0
        self._more: Counter[str] = Counter()

    def write_singly(self, reason: str, mono_ms: int) -> bool:
        """True: write this refusal as an entry of its own; False: it was counted. Call `flush` first."""
        if self._began_ms is None:
            self._began_ms = mono_ms
        if self._singly < SINGLY_A_MINUTE:
            self._singly += 1
            return True
        self._more[reason] += 1
        return False

    def flush(self, mono_ms: int, *, closing: bool = False) -> Draft | None:
        """At the end of the minute (or when closing): one entry for all that was only counted, or None."""
        if self._began_ms is None or (mono_ms < self._began_ms + MINUTE_MS and not closing):
            return None
        more, began_ms = self._more, self._began_ms
        self._began_ms, self._singly, self._more = None, 0, Counter()
        if not more:
            return None
        detail: dict[str, object] = {
            "count": more.total(),
            "reasons": dict(sorted(more.items())),
            "within_ms": mono_ms - began_ms,
        }
        return Draft(EntryKind.REFUSED, source=Source.HUB, reason=more.most_common(1)[0][0], detail=detail)
