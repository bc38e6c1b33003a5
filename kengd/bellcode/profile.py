"""A bell's profile: what this bell can bear and how fast it can be struck. Pure. All lengths in integer ms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class StrikerProfile:
    """A hammer moved by a relay. `*_every_ms`: from one blow to the next for each tempo."""

    kind: Literal["striker"] = "striker"
    hold_ms: int = 120
    shortest_gap_ms: int = 130
    longest_stroke_ms: int = 400
    steady_every_ms: int = 900
    slow_every_ms: int = 2000
    urgent_every_ms: int = 350
    quickening_from_ms: int = 1200
    quickening_to_ms: int = 300
    long_round_ms: int = 20_000
    short_round_ms: int = 6_000
    duty_on_ms: int = 30_000
    duty_window_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class SirenProfile:
    """A motor or electronic siren. A stroke (tiếng) is a blast of `blast_ms`; `spin_up_ms` is the time until it is loud."""

    kind: Literal["siren"] = "siren"
    shortest_blast_ms: int = 1_000
    shortest_gap_ms: int = 500
    spin_up_ms: int = 500
    longest_continuous_ms: int = 300_000
    blast_ms: int = 2_000
    steady_every_ms: int = 4_000
    slow_every_ms: int = 8_000
    urgent_every_ms: int = 3_000
    quickening_from_ms: int = 6_000
    quickening_to_ms: int = 3_000
    long_round_ms: int = 20_000
    short_round_ms: int = 6_000
    duty_on_ms: int = 300_000
    duty_window_ms: int = 900_000


Profile = StrikerProfile | SirenProfile
