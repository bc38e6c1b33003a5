"""The Vietnamese lunar calendar (âm lịch), by computation. Pure.

Rules (Hồ Ngọc Đức, "Thuật toán tính âm lịch"): a month begins on the day, at UTC+7, on which the moon is new; the winter solstice
lies in month 11; if 13 new moons lie between two months 11, the first of those months without a principal solar term is
the leap month. China follows the same rules at UTC+8, hence the differences of 1985, 2007, 2030.

Astronomy: Jean Meeus, "Astronomical Algorithms", 2nd edition: new moon by chapter 49 (within some 20 s), sun by chapter 25 (within
0.01°, a quarter of an hour). Compared with the tables of Hồ Ngọc Đức month by month: equal from 1968, when Vietnam took up
UTC+7, to 2053. Until 2100 three months (2054, 2077, 2085) begin with a new moon within a minute of midnight, and nobody knows
yet how far the earth will have turned. Outside these years it answers by the same rules, but that is not history.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import floor, radians, sin

UTC_OFFSET_DAYS = 7 / 24
_ORDINAL_TO_JDN = 1_721_425
_SYNODIC_DAYS = 29.530588861
_FIRST_NEW_MOON = 2_451_550.1
"""Julian day of the new moon numbered 0 (6 January 2000)."""


@dataclass(frozen=True, slots=True)
class LunarDate:
    """Day 1–30 of month 1–12 (or its leap twin) of the lunar year that begins at Tết of solar year `year`."""

    day: int
    month: int
    leap: bool
    year: int


@dataclass(frozen=True, slots=True)
class _Month:
    first: int
    """Julian day number of its first day."""
    month: int
    leap: bool
    year: int
    length: int


def lunar_of(day: date) -> LunarDate:
    """The lunar date of a day in Vietnam."""
    jdn = day.toordinal() + _ORDINAL_TO_JDN
    month = _month_at(jdn, day.year)
    return LunarDate(jdn - month.first + 1, month.month, month.leap, month.year)


def solar_of(lunar: LunarDate) -> date:
    """The day of a lunar date. Raises ValueError when that year has no such day (30th of a short month, no such leap month)."""
    for month in _from_solstice(lunar.year + (lunar.month >= 11)):
        if (month.month, month.leap, month.year) == (lunar.month, lunar.leap, lunar.year):
            if 1 <= lunar.day <= month.length:
                return date.fromordinal(month.first + lunar.day - 1 - _ORDINAL_TO_JDN)
            break
    raise ValueError(f"no such lunar date: {lunar}")


def ends_month(day: date) -> bool:
    """True on the last day (29 or 30) of a lunar month."""
    jdn = day.toordinal() + _ORDINAL_TO_JDN
    month = _month_at(jdn, day.year)
    return jdn - month.first + 1 == month.length


def lunar_text(lunar: LunarDate) -> str:
    """As people write it: "1/1 âm", in a leap month "1/6 nhuận âm"."""
    return f"{lunar.day}/{lunar.month}{' nhuận' if lunar.leap else ''} âm"


def _month_at(jdn: int, solar_year: int) -> _Month:
    months = _from_solstice(solar_year)
    if jdn >= months[-1].first + months[-1].length:
        months = _from_solstice(solar_year + 1)
    return months[bisect_right(months, jdn, key=lambda month: month.first) - 1]


@lru_cache(maxsize=64)
def _from_solstice(year: int) -> tuple[_Month, ...]:
    """The 12 or 13 months from month 11 of lunar year `year - 1` up to (not including) month 11 of lunar year `year`."""
    number = _month_eleven(year - 1)
    last = _month_eleven(year)
    firsts = [_new_moon_day(k) for k in range(number, last + 1)]
    leap_at = _leap_position(firsts) if len(firsts) == 14 else len(firsts)
    months = []
    for at, first in enumerate(firsts[:-1]):
        count = at - (at >= leap_at)
        months.append(
            _Month(first, (10 + count) % 12 + 1, at == leap_at, year - (count < 2), firsts[at + 1] - first),
        )
    return tuple(months)


def _leap_position(firsts: list[int]) -> int:
    """The first month, after month 11, that holds none of the twelve principal terms (sun at a multiple of 30°)."""
    terms = [floor(_sun_longitude(_midnight(first)) / 30) for first in firsts]
    return next((at for at in range(1, len(terms) - 1) if terms[at] == terms[at + 1]), len(firsts))


def _month_eleven(year: int) -> int:
    """Number of the new moon that begins the month of the winter solstice of solar year `year`."""
    solstice_after = 365 * year + year // 4 - year // 100 + year // 400 - 13 + _ORDINAL_TO_JDN  # 18 December
    while _sun_longitude(_midnight(solstice_after + 1)) < 270:
        solstice_after += 1
    number = floor((solstice_after - _FIRST_NEW_MOON) / _SYNODIC_DAYS) + 1
    while _new_moon_day(number) > solstice_after:
        number -= 1
    return number


def _midnight(jdn: int) -> float:
    """Julian day (dynamical time) of 00:00 in Vietnam on this day."""
    moment = jdn - 0.5 - UTC_OFFSET_DAYS
    return moment + _delta_t_days(moment)


@lru_cache(maxsize=1024)
def _new_moon_day(number: int) -> int:
    """Julian day number of the day in Vietnam on which new moon `number` (0: January 2000) falls."""
    moment = new_moon(number)
    return floor(moment - _delta_t_days(moment) + 0.5 + UTC_OFFSET_DAYS)


def _delta_t_days(moment: float) -> float:
    """Dynamical minus universal time: 45 s in 1975, 64 s in 2000, 69 s in 2020; beyond, gently rising (nobody knows)."""
    years = (moment - 2_451_545.0) / 365.25
    seconds = 63.8 + (0.75 if years < 0 else 0.3) * years
    return seconds / 86_400


_NEW_MOON_TERMS = (
    # days, power of E, multiples of M, M', F
    (-0.40720, 0, 0, 1, 0), (0.17241, 1, 1, 0, 0), (0.01608, 0, 0, 2, 0), (0.01039, 0, 0, 0, 2),
    (0.00739, 1, -1, 1, 0), (-0.00514, 1, 1, 1, 0), (0.00208, 2, 2, 0, 0), (-0.00111, 0, 0, 1, -2),
    (-0.00057, 0, 0, 1, 2), (0.00056, 1, 1, 2, 0), (-0.00042, 0, 0, 3, 0), (0.00042, 1, 1, 0, 2),
    (0.00038, 1, 1, 0, -2), (-0.00024, 1, -1, 2, 0), (-0.00007, 0, 2, 1, 0), (0.00004, 0, 0, 2, -2),
    (0.00004, 0, 3, 0, 0), (0.00003, 0, 1, 1, -2), (0.00003, 0, 0, 2, 2), (-0.00003, 0, 1, 1, 2),
    (0.00003, 0, -1, 1, 2), (-0.00002, 0, -1, 1, -2), (-0.00002, 0, 1, 3, 0), (0.00002, 0, 0, 4, 0),
)  # fmt: skip
_PLANET_TERMS = (
    # days, degrees at k = 0, degrees per k
    (0.000325, 299.77, 0.107408), (0.000165, 251.88, 0.016321), (0.000164, 251.83, 26.651886),
    (0.000126, 349.42, 36.412478), (0.000110, 84.66, 18.206239), (0.000062, 141.74, 53.303771),
    (0.000060, 207.14, 2.453732), (0.000056, 154.84, 7.306860), (0.000047, 34.52, 27.261239),
    (0.000042, 207.19, 0.121824), (0.000040, 291.34, 1.844379), (0.000037, 161.72, 24.198154),
    (0.000035, 239.56, 25.513099), (0.000023, 331.55, 3.592518),
)  # fmt: skip


def new_moon(number: int) -> float:
    """Julian day, dynamical time, of new moon `number` (0: 6 January 2000). Meeus, chapter 49."""
    k = number
    t = k / 1236.85
    eccentricity = 1 - 0.002516 * t - 0.0000074 * t**2
    sun = radians(2.5534 + 29.10535670 * k - 0.0000014 * t**2)
    moon = radians(201.5643 + 385.81693528 * k + 0.0107582 * t**2 + 0.00001238 * t**3)
    latitude = radians(160.7108 + 390.67050284 * k - 0.0016118 * t**2 - 0.00000227 * t**3)
    node = radians(124.7746 - 1.56375588 * k + 0.0020672 * t**2)
    moment = 2_451_550.09766 + _SYNODIC_DAYS * k + 0.00015437 * t**2 - 0.00000015 * t**3
    moment -= 0.00017 * sin(node)
    for days, power, of_sun, of_moon, of_latitude in _NEW_MOON_TERMS:
        moment += days * eccentricity**power * sin(of_sun * sun + of_moon * moon + of_latitude * latitude)
    for days, at_zero, per_moon in _PLANET_TERMS:
        moment += days * sin(radians(at_zero + per_moon * k))
    return moment


def _sun_longitude(moment: float) -> float:
    """Apparent longitude of the sun in degrees, 0–360, at a Julian day of dynamical time. Meeus, chapter 25."""
    t = (moment - 2_451_545.0) / 36_525
    mean = 280.46646 + 36_000.76983 * t + 0.0003032 * t**2
    anomaly = radians(357.52911 + 35_999.05029 * t - 0.0001537 * t**2)
    centre = (1.914602 - 0.004817 * t) * sin(anomaly) + (0.019993 - 0.000101 * t) * sin(2 * anomaly)
    centre += 0.000289 * sin(3 * anomaly)
    node = radians(125.04 - 1_934.136 * t)
    return (mean + centre - 0.00569 - 0.00478 * sin(node)) % 360
