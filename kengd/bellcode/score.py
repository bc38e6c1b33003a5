"""Score: a pattern laid out for one bell as relay edges in integer milliseconds. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Edge(NamedTuple):
    """One logical relay edge: `at_ms` after the start of the score; `on` true = relay closes."""

    at_ms: int
    on: bool


@dataclass(frozen=True, slots=True)
class Score:
    """Edges of one sounding for one bell.

    `lead` plays once (its edges lie in [0, lead_ms]); then `cycle` (edges relative to the start of the
    cycle, within [0, cycle_ms]) repeats without end. `cycle_ms == 0`: a finite score that ends at
    `lead_ms`, its last edge. An endless blast ("hú đến khi dừng") is an on edge in `lead` and an empty
    `cycle` with cycle_ms > 0.
    """

    lead: tuple[Edge, ...]
    lead_ms: int
    cycle: tuple[Edge, ...] = ()
    cycle_ms: int = 0

    @property
    def duration_ms(self) -> int | None:
        """Length in ms, or None when the score goes on until stopped."""
        return None if self.cycle_ms else self.lead_ms

    def edge(self, n: int) -> Edge | None:
        """The n-th edge (0-based) in order of time, computed absolutely so that nothing drifts; None after the last."""
        if n < len(self.lead):
            return self.lead[n]
        if not self.cycle:
            return None
        rounds, k = divmod(n - len(self.lead), len(self.cycle))
        at_ms, on = self.cycle[k]
        return Edge(self.lead_ms + rounds * self.cycle_ms + at_ms, on)

    def edges(self, until_ms: int) -> Iterator[Edge]:
        """All edges with at_ms <= until_ms, in order."""
        n = 0
        while (edge := self.edge(n)) is not None and edge.at_ms <= until_ms:
            yield edge
            n += 1
