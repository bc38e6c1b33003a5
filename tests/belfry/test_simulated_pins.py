"""Simulated pins: a board whose world is driven by tests and by /sim/press."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from queue import Queue
from time import monotonic

import pytest
from gpiozero.input_devices import InputDevice
from gpiozero.output_devices import DigitalOutputDevice

from kengd.belfry.simulated import SimulatedFactory


@pytest.fixture
def board() -> Iterator[SimulatedFactory]:
    factory = SimulatedFactory()
    yield factory
    factory.close()


def test_a_press_pulls_a_pulled_up_pin_to_ground_and_lets_go_by_itself(board: SimulatedFactory) -> None:
    """/sim/press: active at once, at rest again after hold_ms, one change each."""
    seen: Queue[int] = Queue()
    button = InputDevice(5, pull_up=True, pin_factory=board)
    handler = lambda ticks, state: seen.put(int(state))  # noqa: E731
    button.pin.when_changed = handler
    assert not button.is_active
    board.press(5, 30)
    assert button.is_active
    assert [seen.get(timeout=5), seen.get(timeout=5)] == [0, 1]
    assert not button.is_active


def test_overlapping_presses_hold_the_pin_until_the_last_one_ends(board: SimulatedFactory) -> None:
    """Two fingers on one button are one long press, not two."""
    seen: Queue[int] = Queue()
    button = InputDevice(5, pull_up=True, pin_factory=board)
    handler = lambda ticks, state: seen.put(int(state))  # noqa: E731
    button.pin.when_changed = handler
    began = monotonic()
    board.press(5, 20)
    board.press(5, 120)
    board.press(5, 40)
    assert [seen.get(timeout=5), seen.get(timeout=5)] == [0, 1]
    assert monotonic() - began >= 0.12
    assert seen.empty()


def test_a_press_that_began_before_the_device_existed_is_there_at_boot(board: SimulatedFactory) -> None:
    """R29 can be acted out: plain mock pins jump to their pull when a device claims them."""
    board.press(5, 60_000)
    assert InputDevice(5, pull_up=True, pin_factory=board).is_active


def test_an_input_can_be_driven_either_way_and_let_go(board: SimulatedFactory) -> None:
    """Inputs of either polarity rest on their pull and follow the world outside."""
    up, down = InputDevice(5, pull_up=True, pin_factory=board), InputDevice(6, pull_up=False, pin_factory=board)
    levels = []
    for level in (None, True, False, None):
        board.drive(5, level)
        board.drive(6, level)
        levels.append((up.pin.state, down.pin.state))
    assert levels == [(True, False), (True, True), (False, False), (True, False)]


@pytest.mark.parametrize("active_low", [False, True])
def test_an_output_is_at_rest_from_its_first_moment_and_ignores_the_world(
    board: SimulatedFactory, active_low: bool
) -> None:
    """R9, R60 for both polarities; a finger cannot move an output."""
    levels: list[bool] = []
    pin = board.pin(17)
    real = pin._change_state
    pin._change_state = lambda value: levels.append(value) or real(value)
    relay = DigitalOutputDevice(17, active_high=not active_low, initial_value=False, pin_factory=board)
    board.press(17, 60_000)
    board.drive(17, not active_low)
    assert relay.value == 0
    assert levels == []
    assert relay.pin.state is active_low


def test_a_failing_handler_stops_no_other(board: SimulatedFactory, caplog: pytest.LogCaptureFixture) -> None:
    """Finding 2 on simulated pins: logged, and the other button lives."""
    seen: Queue[int] = Queue()
    devices = [InputDevice(pin, pull_up=True, pin_factory=board) for pin in (5, 6)]

    def fails(ticks: float, state: int) -> None:
        raise RuntimeError("a bad handler")

    handler = lambda ticks, state: seen.put(int(state))  # noqa: E731
    devices[0].pin.when_changed = fails
    devices[1].pin.when_changed = handler
    with caplog.at_level(logging.CRITICAL, "kengd.gpio"):
        board.press(5, 60_000)
        board.press(6, 60_000)
    assert seen.get(timeout=5) == 0
    assert board.threads_alive()


def test_pins_may_be_pressed_from_many_threads_at_once(board: SimulatedFactory) -> None:
    """Levels alternate whatever the threads do: no change is doubled or lost."""
    seen: list[int] = []
    button = InputDevice(5, pull_up=True, pin_factory=board)
    handler = lambda ticks, state: seen.append(int(state))  # noqa: E731
    button.pin.when_changed = handler
    pin = board.pin(5)

    def fingers() -> None:
        for _ in range(200):
            pin.press()
            pin.let_go()

    threads = [threading.Thread(target=fingers) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not button.is_active
    assert seen == [0, 1] * (len(seen) // 2)
    assert 1 <= len(seen) // 2 <= 800


def test_a_post_that_runs_for_years_keeps_no_list_of_past_states(board: SimulatedFactory) -> None:
    """gpiozero's mock pin remembers every state for ever; ours does not."""
    relay = DigitalOutputDevice(17, pin_factory=board)
    for _ in range(100):
        relay.on()
        relay.off()
    assert len(relay.pin.states) <= 1
