"""The hardware cut-off between supply and bell, as figures: what the time relays are set to, and why (H4).

Time relay: Finder 80.01 data sheet (or alike): supply 10.8–265 V, functions AI (on-delay) and BE (off-delay with control
signal), recovery 100 ms, shortest control pulse 50 ms, contact 16 A at 24 V DC.
"""

from __future__ import annotations

STROKE_S = 0.5
"""KT1, one striker blow: above the bell's `longest_stroke_ms`, below what a coil bears."""
BLAST_S = 45
"""KT1, one siren blast: above the longest blast of the ready-made codebooks (36 s)."""
LONGEST_BLAST_MS = 40_000
"""`longest_continuous_ms` of a siren behind that KT1: the program must stop first."""
SOUNDING_MIN = 6
"""KT2, one sounding: above `hard_limit_s`. Then a pause of `PAUSE_S`, so that an alarm pressed anew is not lost (H9)."""
PAUSE_S = 30
"""KT3: longer than the longest rest within a code (24 s), so that a sounding counts as one."""
RECOVERY_MS = 100
"""Of the time relay; the bell's `shortest_gap_ms` must not be shorter."""
PULSE_MS = 50
"""Shortest control pulse that KT3 feels; the bell's `hold_ms` must not be shorter."""


def decimal(value: float) -> str:
    """0.5 → "0,5"."""
    return f"{value:g}".replace(".", ",")
