"""The Vietnamese lunar calendar: rules and known dates."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.duty.lunar import LunarDate, ends_month, lunar_of, lunar_text, new_moon, solar_of

TET = [
    "2000-02-05", "2001-01-24", "2002-02-12", "2003-02-01", "2004-01-22", "2005-02-09", "2006-01-29", "2007-02-17",
    "2008-02-07", "2009-01-26", "2010-02-14", "2011-02-03", "2012-01-23", "2013-02-10", "2014-01-31", "2015-02-19",
    "2016-02-08", "2017-01-28", "2018-02-16", "2019-02-05", "2020-01-25", "2021-02-12", "2022-02-01", "2023-01-22",
    "2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26", "2029-02-13", "2030-02-02", "2031-01-23",
    "2032-02-11", "2033-01-31", "2034-02-19", "2035-02-08", "2036-01-28", "2037-02-15", "2038-02-04", "2039-01-24",
    "2040-02-12", "2041-02-01", "2042-01-22", "2043-02-10", "2044-01-30", "2045-02-17", "2046-02-06", "2047-01-26",
    "2048-02-14", "2049-02-02", "2050-01-23",
]  # fmt: skip

LEAP_MONTHS = {
    2004: 2,
    2006: 7,
    2009: 5,
    2012: 4,
    2014: 9,
    2017: 6,
    2020: 4,
    2023: 2,
    2025: 6,
    2028: 5,
    2031: 3,
    2033: 11,
}

days = st.dates(date(1968, 1, 1), date(2199, 12, 31))


def test_new_moon_agrees_with_the_worked_example_of_meeus() -> None:
    """Astronomical Algorithms, example 49.a: February 1977, JDE 2443192.65118."""
    assert new_moon(-283) == pytest.approx(2_443_192.65118, abs=0.00001)


def test_tet_falls_where_the_calendars_of_the_years_2000_to_2050_say() -> None:
    """51 dates of Tết; 2007 and 2030 are a day before the Chinese new year."""
    assert [solar_of(LunarDate(1, 1, False, year)).isoformat() for year in range(2000, 2051)] == TET


@pytest.mark.parametrize(
    ("year", "vietnam", "china"),
    [(1968, "1968-01-29", "1968-01-30"), (1969, "1969-02-16", "1969-02-17"), (1985, "1985-01-21", "1985-02-20"),
     (2007, "2007-02-17", "2007-02-18"), (2030, "2030-02-02", "2030-02-03"), (2053, "2053-02-18", "2053-02-19")],
)  # fmt: skip
def test_tet_is_not_the_chinese_new_year(year: int, vietnam: str, china: str) -> None:
    """UTC+7 against UTC+8: in 1985 a whole month, in 1968, 1969, 2007, 2030, 2053 a day."""
    assert solar_of(LunarDate(1, 1, False, year)).isoformat() == vietnam
    assert lunar_of(date.fromisoformat(china)) != LunarDate(1, 1, False, year)


def test_leap_months_from_2004_to_2033_are_those_of_the_calendars() -> None:
    """Twelve leap years; 2033 (leap month 11) is the one that simple rules get wrong."""
    found = {}
    for year in range(2004, 2034):
        for month in range(1, 13):
            try:
                solar_of(LunarDate(1, month, True, year))
            except ValueError:
                continue
            found[year] = month
    assert found == LEAP_MONTHS


def test_leap_months_differ_from_china_in_1985_and_1987() -> None:
    """Vietnam: leap 2 in 1985 and leap 7 in 1987; China had leap 10 in 1984 and leap 6 in 1987."""
    assert lunar_of(date(1985, 3, 21)) == LunarDate(1, 2, True, 1985)
    assert lunar_of(date(1987, 8, 24)) == LunarDate(1, 7, True, 1987)
    with pytest.raises(ValueError):
        solar_of(LunarDate(1, 10, True, 1984))


@pytest.mark.parametrize(
    ("solar", "lunar"),
    [("2026-09-25", LunarDate(15, 8, False, 2026)), ("2025-07-25", LunarDate(1, 6, True, 2025)),
     ("2023-01-21", LunarDate(30, 12, False, 2022)), ("2027-02-05", LunarDate(29, 12, False, 2026)),
     ("2033-12-22", LunarDate(1, 11, True, 2033)), ("1975-04-20", LunarDate(10, 3, False, 1975))],
)  # fmt: skip
def test_single_dates_are_as_printed(solar: str, lunar: LunarDate) -> None:
    """Mid-autumn, a leap month's first day, long and short months Chạp, the first day of the odd leap month of 2033."""
    assert lunar_of(date.fromisoformat(solar)) == lunar


@given(days)
@settings(max_examples=300, deadline=None)
def test_each_day_has_one_lunar_date_and_comes_back_from_it(day: date) -> None:
    """solar_of undoes lunar_of."""
    assert solar_of(lunar_of(day)) == day


@given(days)
@settings(max_examples=300, deadline=None)
def test_lunar_days_follow_one_another(day: date) -> None:
    """The next day is the next of the same month, or the first after a last day, which is the 29th or 30th."""
    today, tomorrow = lunar_of(day), lunar_of(day + timedelta(days=1))
    if ends_month(day):
        assert today.day in (29, 30)
        assert tomorrow.day == 1
        assert (tomorrow.month, tomorrow.leap) in ((today.month, True), (today.month % 12 + 1, False))
        assert tomorrow.year - today.year == (tomorrow.month == 1)
    else:
        assert (tomorrow.day, tomorrow.month, tomorrow.leap, tomorrow.year) == (
            today.day + 1,
            today.month,
            today.leap,
            today.year,
        )


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1970, 1, 1), date(2106, 2, 7), date(9999, 12, 31)])
def test_no_clock_however_wrong_makes_it_raise(day: date) -> None:
    """R34: a post may boot in any year."""
    assert 1 <= lunar_of(day).month <= 12


@pytest.mark.parametrize(
    "lunar",
    [
        LunarDate(30, 12, False, 2026),
        LunarDate(1, 5, True, 2026),
        LunarDate(0, 1, False, 2026),
        LunarDate(1, 13, False, 2026),
    ],
)
def test_a_lunar_date_that_is_not_there_is_refused(lunar: LunarDate) -> None:
    """The month Chạp of 2026 has 29 days and the year no leap month."""
    with pytest.raises(ValueError):
        solar_of(lunar)


def test_a_lunar_date_is_written_as_people_write_it() -> None:
    """Leap months are marked `nhuận`."""
    assert [lunar_text(lunar_of(date(2027, 2, 6))), lunar_text(lunar_of(date(2025, 7, 25)))] == [
        "1/1 âm",
        "1/6 nhuận âm",
    ]
