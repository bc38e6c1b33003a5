"""Reads the board's voltage and temperature, and says when one is wrong.

Two files of the kernel, every ten seconds; a machine that has neither (a PC) is simply not asked about it.
`KENGD_SYSFS` stands in for /sys: how a test plays a bad supply.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from kengd.duty.board import Board, Reading, look
from kengd.duty.health import Condition, condition
from kengd.duty.words import Instant

EVERY_MS = 10_000
UNDERVOLTED_NOW = 1 << 0
"""Bit 0 of the firmware's `get_throttled` (Raspberry Pi documentation, `vcgencmd`)."""


class BoardWatch:
    """Called once a second by the loop. Never raises: a file that cannot be read tells nothing."""

    def __init__(self, ail: Callable[[Condition], None], recover: Callable[[str], None]) -> None:
        self._ail = ail
        self._recover = recover
        self._sysfs = Path(os.environ.get("KENGD_SYSFS", "/sys"))
        self._board = Board()
        self._next_ms = 0

    def tick(self, now: Instant) -> None:
        """Look when it is time."""
        if now.mono_ms < self._next_ms:
            return
        self._next_ms = now.mono_ms + EVERY_MS
        reading = read(self._sysfs)
        before, self._board = self._board, look(self._board, reading, now.mono_ms)
        self._follow("undervoltage", before.undervoltage, self._board.undervoltage)
        self._follow("too_hot", before.too_hot, self._board.too_hot, f"{reading.temperature_c or 0:.0f} °C")

    def _follow(self, code: str, held: bool, holds: bool, note: str = "") -> None:
        """Said once, with the figure of that moment: a status that changes with every degree would never rest."""
        if holds and not held:
            self._ail(condition(code, note_vi=note, note_en=note))
        elif held and not holds:
            self._recover(code)


def read(sysfs: Path) -> Reading:
    """What the kernel says of supply and temperature."""
    return Reading(_low_voltage(sysfs), _temperature_c(sysfs))


def _low_voltage(sysfs: Path) -> bool | None:
    """The hwmon driver `rpi_volt` (all Pis since Linux 4.20), else what the firmware says itself."""
    for name in sorted(sysfs.glob("class/hwmon/hwmon*/name")):
        if _text(name) == "rpi_volt" and (alarm := _text(name.with_name("in0_lcrit_alarm"))) in ("0", "1"):
            return alarm == "1"
    bits = _text(sysfs / "devices/platform/soc/soc:firmware/get_throttled")
    try:
        return None if bits is None else bool(int(bits, 16) & UNDERVOLTED_NOW)
    except ValueError:
        return None


def _temperature_c(sysfs: Path) -> float | None:
    thousandths = _text(sysfs / "class/thermal/thermal_zone0/temp")
    try:
        return None if thousandths is None else int(thousandths) / 1000
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
