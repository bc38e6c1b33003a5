"""The table of what was tried and what was seen."""

from __future__ import annotations

import random
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
    """Collects the rows of one case, and prints each at once so that a long round can be watched.

    `long`: is this the long round? `seed`: of the whole round.
    """

    case: str = ""
    long: bool = False
    seed: int = 0
    began: float = field(default_factory=time.monotonic)
    rows: list[Row] = field(default_factory=list)

    def row(self, tried: str, held: bool | None, seen: object = "") -> None:
        """`tried`: what should hold, or what was measured."""
        row = Row(self.case, tried, str(seen), held)
        self.rows.append(row)
        print(f"{time.monotonic() - self.began:6.0f} s  {row}", file=sys.stderr, flush=True)

    def times(self, short: int, long: int) -> int:
        """How often to try it, in a round of this length."""
        return long if self.long else short

    def luck(self) -> random.Random:
        """Chance for this case: the same again with the same seed."""
        return random.Random(f"{self.seed} {self.case}")

    @property
    def broken(self) -> int:
        """How many rows did not hold."""
        return sum(row.held is False for row in self.rows)

    def __str__(self) -> str:
        return "\n".join(map(str, self.rows))
