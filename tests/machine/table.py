"""The table of what was tried and what was seen."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was tried. `held`: None for a figure that nothing depends on."""

    case: str
    tried: str
    seen: str
    held: bool | None

    def __str__(self) -> str:
        mark = {True: "held", False: "BROKEN", None: "seen"}[self.held]
        return f"{mark:<6}  {self.case:<12}  {self.tried:<78}  {self.seen}"


@dataclass(slots=True)
class Table:
    """Collects rows, and prints each at once so that a long round can be watched."""

    rows: list[Row] = field(default_factory=list)
    case: str = ""
    began: float = field(default_factory=time.monotonic)

    def row(self, tried: str, held: bool | None, seen: object = "") -> None:
        """`tried`: what should hold, or what was measured."""
        row = Row(self.case, tried, str(seen), held)
        self.rows.append(row)
        print(f"{time.monotonic() - self.began:6.0f} s  {row}", file=sys.stderr, flush=True)

    @property
    def broken(self) -> int:
        """How many rows did not hold."""
        return sum(row.held is False for row in self.rows)

    def __str__(self) -> str:
        return "\n".join(map(str, self.rows))
