"""What a measure hands back: named figures with their targets."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `most`/`least`: the target; a figure without either is shown for comparison only."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """None: there is no target."""
        if self.most is not None:
            return self.value <= self.most
        return None if self.least is None else self.value >= self.least

    def line(self) -> str:
        """As it is printed."""
        target = f"≤ {self.most:g}" if self.most is not None else f"≥ {self.least:g}" if self.least is not None else ""
        verdict = {True: "pass", False: "MISS", None: ""}[self.met]
        digits = 0 if abs(self.value) >= 1000 else 2 if abs(self.value) < 100 else 1
        return f"  {self.name:<44} {self.value:>10.{digits}f} {self.unit:<9} {target:>9}  {verdict:<5} {self.note}"


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def p99(values: Sequence[float]) -> float:
    """The 99th percentile (the largest of fewer than 100)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
