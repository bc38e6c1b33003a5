"""Month, quarter and year in the village's time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.errors import UsageError
from kengd.hub.reports import period
from kengd.hub.reports.period import Period
from tests.hub.reports_samples import at


def test_periods_begin_and_end_at_midnight_in_vietnam_and_have_vietnamese_names() -> None:
    """The first instant belongs to it, the last does not."""
    assert [period.parse(text) for text in ("2026-11", "2026-02", "2026-q4", "2026")] == [
        Period("2026-11", "tháng 11 năm 2026", at("2026-11-01T00:00:00"), at("2026-12-01T00:00:00")),
        Period("2026-02", "tháng 02 năm 2026", at("2026-02-01T00:00:00"), at("2026-03-01T00:00:00")),
        Period("2026-q4", "quý IV năm 2026", at("2026-10-01T00:00:00"), at("2027-01-01T00:00:00")),
        Period("2026", "năm 2026", at("2026-01-01T00:00:00"), at("2027-01-01T00:00:00")),
    ]
    november = period.month(2026, 11)
    assert [november.holds(november.from_ms), november.holds(november.to_ms)] == [True, False]


@given(st.integers(1970, 9998))
def test_a_year_is_its_quarters_and_a_quarter_its_months_without_a_gap(number: int) -> None:
    """What is reported by month adds up to the year."""
    year, months = period.year(number), [period.month(number, n) for n in range(1, 13)]
    quarters = [period.quarter(number, n) for n in range(1, 5)]
    for parts in (months, quarters):
        assert (parts[0].from_ms, parts[-1].to_ms) == (year.from_ms, year.to_ms)
        assert [part.to_ms for part in parts[:-1]] == [part.from_ms for part in parts[1:]]
    assert [part.from_ms for part in quarters] == [part.from_ms for part in months[::3]]
    assert [period.parse(part.id) for part in (year, *quarters, *months)] == [year, *quarters, *months]


@pytest.mark.parametrize("text", ["", "2026-13", "2026-00", "2026-q5", "11/2026", "1969", "9999-12", "2026-1", "٢٠٢٦"])
def test_what_is_no_period_is_an_error_with_its_cure(text: str) -> None:
    """A bad input gets a clear error."""
    with pytest.raises(UsageError) as raised:
        period.parse(text)
    assert (raised.value.code, '"2026-q4"' in raised.value.cure) == ("bad_period", True)
