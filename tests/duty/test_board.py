"""The board's own health: readings to conditions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kengd.duty.board import CALM_MS, COOL_C, HOT_C, Board, Reading, look

READINGS = st.builds(
    Reading, st.sampled_from([None, True, False]), st.none() | st.floats(-40, 120, allow_nan=False, width=32)
)


def seen(*readings: tuple[int, Reading]) -> list[tuple[bool, bool]]:
    board, found = Board(), []
    for mono_ms, reading in readings:
        board = look(board, reading, mono_ms)
        found.append((board.undervoltage, board.too_hot))
    return found


def test_a_dip_is_said_at_once_and_for_a_minute() -> None:
    """A coil pulls the supply down with each stroke: the condition does not come and go with them."""
    low, good = Reading(low_voltage=True), Reading(low_voltage=False)
    dips = [(0, good), (10_000, low), (20_000, good), (60_000, good), (65_000, low), (65_000 + CALM_MS, good)]
    assert [under for under, _ in seen(*dips)] == [False, True, True, True, True, False]


def test_heat_is_said_until_it_is_clearly_cooler() -> None:
    """Two limits, so that a board at the limit is not said to be hot and well every ten seconds."""
    heats = [HOT_C - 0.1, HOT_C, HOT_C - 1, COOL_C + 0.1, COOL_C, HOT_C - 0.1]
    assert [hot for _, hot in seen(*((n, Reading(temperature_c=heat)) for n, heat in enumerate(heats)))] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_machine_that_does_not_say_is_not_ill() -> None:
    """A PC has neither file; a reading that is lost is no reason to keep on saying it."""
    ill = Reading(low_voltage=True, temperature_c=90.0)
    assert seen((0, Reading()), (1, ill), (2, Reading())) == [(False, False), (True, True), (False, False)]


@given(st.lists(st.tuples(st.integers(0, 2 * CALM_MS), READINGS), max_size=30))
def test_what_is_bad_now_is_always_said_and_what_is_good_for_long_never(steps: list[tuple[int, Reading]]) -> None:
    """Whatever came before."""
    board, mono_ms = Board(), 0
    for step_ms, reading in steps:
        mono_ms += step_ms
        board = look(board, reading, mono_ms)
        assert board.undervoltage or not reading.low_voltage
        if reading.temperature_c is not None:
            assert board.too_hot or reading.temperature_c < HOT_C
            assert not board.too_hot or reading.temperature_c > COOL_C
    mono_ms += CALM_MS
    after = look(board, Reading(low_voltage=False, temperature_c=20.0), mono_ms)
    assert (after.undervoltage, after.too_hot) == (False, False)
