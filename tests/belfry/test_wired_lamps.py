"""The two lamps on their pins: lit as the table says, and never in the way of the bell."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from kengd.belfry.lamps import Lamps
from kengd.belfry.simulated import SimulatedFactory
from kengd.duty.lamps import FAULT, HEARD, LINE_DOWN, REACHED, RINGING, TAKEN
from kengd.settings.plan import LampPlan


@pytest.fixture
def board() -> Iterator[SimulatedFactory]:
    factory = SimulatedFactory()
    yield factory
    factory.close()


def test_both_lamps_follow_their_blinks_on_time(board: SimulatedFactory) -> None:
    """`show` lights both and says when to call again: a whole second, change by change."""
    lamps = Lamps(LampPlan(bell=20, police=21), board)
    now_ms, seen = 0, []
    while now_ms < 1_200:
        wake_ms = lamps.show(FAULT, REACHED, now_ms)
        seen.append((now_ms, board.pin(20).state, board.pin(21).state))
        assert wake_ms is not None
        now_ms = wake_ms
    assert seen == [
        (0, True, True),
        (150, False, True),
        (400, True, True),
        (550, False, True),
        (800, True, True),
        (950, False, True),
        (1_000, False, False),
    ]
    lamps.close()
    assert not board.pin(20).state


def test_steady_lamps_ask_for_no_wake_up(board: SimulatedFactory) -> None:
    """Nothing runs while nothing changes."""
    lamps = Lamps(LampPlan(bell=20, police=21), board)
    assert lamps.show(HEARD, TAKEN, 123) is None
    assert (board.pin(20).state, board.pin(21).state) == (True, True)


def test_a_post_without_lamps_shows_nothing_and_asks_for_nothing(board: SimulatedFactory) -> None:
    """Lamps are optional, each of them."""
    assert Lamps(LampPlan(), board).show(RINGING, REACHED, 0) is None
    assert Lamps(LampPlan(bell=20), board).show(RINGING, REACHED, 0) == 150


def test_a_broken_lamp_is_named_and_stops_nothing(
    board: SimulatedFactory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """P3: a lamp never stops a bell: one that cannot be lit is logged once, the other one shines."""
    lamps = Lamps(LampPlan(bell=20, police=21), board)

    def fail(_: object) -> None:
        raise OSError("no such device")

    with caplog.at_level(logging.ERROR, "kengd.lamps"):
        with monkeypatch.context() as patch:
            patch.setattr(board.pin(20), "_set_state", fail)
            for now_ms in range(0, 1_000, 50):
                lamps.show(RINGING, TAKEN, now_ms)
        assert lamps.broken == {"bell"}
        assert board.pin(21).state
        assert len(caplog.records) == 1
    lamps.show(RINGING, LINE_DOWN, 300)
    assert lamps.broken == set()
    assert (board.pin(20).state, board.pin(21).state) == (True, False)


def test_a_lamp_on_a_pin_that_cannot_be_claimed_is_named_too(
    board: SimulatedFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """R16: a busy lamp pin is a condition, not the end of the post."""
    with caplog.at_level(logging.CRITICAL, "kengd.lamps"):
        lamps = Lamps(LampPlan(bell=99, police=21), board)
    assert lamps.broken == {"bell"}
    lamps.show(RINGING, TAKEN, 0)
    assert board.pin(21).state
    lamps.close()
