"""Locks of buttons end by the wall clock, which may be put right meanwhile."""

from __future__ import annotations

from kengd.duty.ending import lock
from kengd.duty.standing import Standing

DAY_S = 86_400
NOW_S = 1_800_000_000


def locked_at(wall_s: int, *, made_s: int) -> bool:
    """A lock of 24 h made when the clock said `made_s`, asked when it says `wall_s`."""
    return lock(Standing(), "gate", made_s + DAY_S).locked("gate", wall_s * 1000)


def test_a_lock_holds_for_a_day_and_not_a_second_longer() -> None:
    """R67: shown, and it expires after 24 h."""
    assert locked_at(NOW_S, made_s=NOW_S)
    assert locked_at(NOW_S + DAY_S - 1, made_s=NOW_S)
    assert not locked_at(NOW_S + DAY_S, made_s=NOW_S)


def test_a_lock_made_by_a_clock_years_ahead_does_not_outlive_its_correction() -> None:
    """P3, R67: an order by nonce is taken under any clock; the button was then dead for all the years the clock was ahead."""
    assert not locked_at(NOW_S, made_s=NOW_S + 10 * 365 * DAY_S)
    assert not locked_at(NOW_S, made_s=NOW_S + 3_600)
    assert locked_at(NOW_S - 30, made_s=NOW_S)
    assert not locked_at(NOW_S, made_s=0)
