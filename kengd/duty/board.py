"""The board's own health: supply voltage and temperature, from readings to what holds. Pure.

Under-voltage is the commonest reason why a Pi hangs or its card goes bad, long before anybody notices; a hot box is the
second. Neither stops the bell: they are said so that somebody changes the supply or opens a vent in time.
"""

from __future__ import annotations

from dataclasses import dataclass

HOT_C = 80.0
"""A Pi 4 and 5 slow themselves down from 80 °C on and hard at 85 °C (Raspberry Pi documentation, "Frequency management")."""
COOL_C = 75.0
CALM_MS = 60_000
"""The supply must have been good for so long: a striker's coil makes dips that come and go with each stroke."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look. `low_voltage` None: this machine does not say; `temperature_c` None: it has no thermometer."""

    low_voltage: bool | None = None
    temperature_c: float | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """What holds. `low_seen_ms`: CLOCK_MONOTONIC ms of the last dip."""

    undervoltage: bool = False
    too_hot: bool = False
    low_seen_ms: int = 0


def look(board: Board, reading: Reading, mono_ms: int) -> Board:
    """What holds after this reading. What cannot be read any more no longer holds: nothing is known of it."""
    seen_ms = mono_ms if reading.low_voltage else board.low_seen_ms
    still = board.undervoltage and reading.low_voltage is not None and mono_ms - seen_ms < CALM_MS
    undervoltage = bool(reading.low_voltage) or still
    heat = reading.temperature_c
    too_hot = heat is not None and (heat >= HOT_C or (board.too_hot and heat > COOL_C))
    return Board(undervoltage, too_hot, seen_ms)
