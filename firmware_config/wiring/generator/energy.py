"""How large the battery must be: 24 hours at rest and three alarms of five minutes (H1), reckoned step by step.

Raspberry Pi: documentation, "Power supply", typical bare-board active current: 600 mA for the 4 (350 mA Zero 2 W, 500 mA 3B+,
800 mA 5). The other loads are examples to be replaced by what was measured; the factors are usual ones for sealed lead-acid
batteries (80 % of depth, 80 % of the capacity when aged, 90 % in the cold).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

STANDBY_H, ALARMS, ALARM_MIN = 24, 3, 5
BATTERY_V = 12.0
DEPTH, AGED, COLD = 0.8, 0.8, 0.9
SIZES_AH = (18, 26, 33, 40, 55, 65, 80, 100, 120)
"""Sealed 12 V batteries as they are sold."""


@dataclass(frozen=True, slots=True)
class Load:
    """What draws power all the time, W at the battery."""

    vi: str
    watts: float


@dataclass(frozen=True, slots=True)
class Sum:
    """A reckoning. `bell_a`: what the bell draws while driven; `share`: the part of an alarm for which it is driven."""

    loads: tuple[Load, ...]
    bell: str
    bell_a: float
    share: float

    @property
    def rest_w(self) -> float:
        """At rest."""
        return sum(load.watts for load in self.loads)

    @property
    def rest_ah(self) -> float:
        """For the standby time."""
        return self.rest_w * STANDBY_H / BATTERY_V

    @property
    def alarm_ah(self) -> float:
        """For all alarms."""
        return ALARMS * ALARM_MIN / 60 * self.bell_a * self.share

    @property
    def needed_ah(self) -> float:
        """From a battery that is old and cold and must not be drained."""
        return (self.rest_ah + self.alarm_ah) / (DEPTH * AGED * COLD)

    @property
    def chosen_ah(self) -> int:
        """The next size that is sold."""
        return next(size for size in SIZES_AH if size >= self.needed_ah)

    @property
    def charger_a(self) -> int:
        """Full again within about 12 hours beside the load at rest: a tenth of the capacity more, rounded up."""
        return ceil(self.chosen_ah / 10 + self.rest_w / BATTERY_V)


PI_W = 5.1 * 0.6 / 0.85
"""A Raspberry Pi 4 behind a converter of 85 %."""

LOADS = (
    Load("Raspberry Pi 4: 5,1 V × 0,6 A, bộ đổi điện 85 %", PI_W),
    Load("Bộ phát 4G hoặc thiết bị mạng (ví dụ)", 4.0),
    Load("KT3, vòng giám sát, đèn, rơ-le báo", 1.0),
)
STRIKER = Sum(LOADS, "búa 5 A, nhiều nhất nửa thời gian", 5.0, 0.5)
SIREN = Sum(LOADS, "còi động cơ 20 A, liên tục", 20.0, 1.0)
