"""The office hears whether anybody still holds the hammer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kengd.office.belfryear import OWN_GAP_MS, SILENT_MS, BelfryEar


def test_a_belfry_that_has_not_spoken_yet_is_not_silent_but_starting() -> None:
    """Others wait for it."""
    ear = BelfryEar()
    assert [ear.is_silent(turn) for turn in range(0, 10 * SILENT_MS, 1_000)] == [False] * (10 * SILENT_MS // 1_000)


def test_silence_is_said_after_two_missing_pings_and_taken_back_with_the_next_word() -> None:
    """P9: no post is ready whose belfry does not answer."""
    ear = BelfryEar()
    ear.hears(0)
    found = [turn for turn in range(0, SILENT_MS + 3_000, 1_000) if ear.is_silent(turn)]
    assert found == [SILENT_MS + 1_000, SILENT_MS + 2_000]
    ear.hears(SILENT_MS + 2_500)
    assert not ear.is_silent(SILENT_MS + 3_000)


@given(st.integers(OWN_GAP_MS + 1, 10_000_000))
def test_an_office_that_stood_still_itself_reads_first_what_has_come(gap_ms: int) -> None:
    """A suspended or stopped office accuses nobody of its own sleep."""
    ear = BelfryEar()
    ear.hears(0)
    assert not ear.is_silent(1_000)
    back = 1_000 + gap_ms
    silent = [ear.is_silent(turn) for turn in range(back, back + SILENT_MS + 1_000, 1_000)]
    assert silent == [False] * (SILENT_MS // 1_000) + [True]
