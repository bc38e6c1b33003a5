"""Simulated pins: gpiozero's mock pins, pressed from any thread. Only when the settings ask for them by name (P11).

The level of an input is what drives it from outside, or else its pull. A press may begin before the device exists, so
"held at boot" can be acted out (plain mock pins cannot).
"""

from __future__ import annotations

import logging
import threading
from time import monotonic
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin

log = logging.getLogger("kengd.gpio")

REVISION = "a02082"
"""A Raspberry Pi 3B: GPIO 0–27 on the 40-pin header, as on every model that kengd supports."""


class SimulatedPin(MockPin):  # type: ignore[misc]
    """A mock pin with a world outside. Keeps no list of past states: a post runs for years."""

    def __init__(self, factory: SimulatedFactory, info: Any) -> None:
        self._outside: bool | None = None
        self._presses = 0
        self._world = threading.RLock()
        super().__init__(factory, info)

    def press(self) -> None:
        """One more finger on this contact: the pin goes against its pull (to ground when pulled up)."""
        with self._world:
            self._presses += 1
            self._settle()

    def let_go(self) -> None:
        """One finger fewer."""
        with self._world:
            self._presses = max(0, self._presses - 1)
            self._settle()

    def drive(self, level: bool | None) -> None:
        """Something outside holds the pin high or low, whoever presses; None lets go."""
        with self._world:
            self._outside = level
            self._settle()

    def output_with_state(self, state: bool) -> None:
        """An output from its first moment at this level, as the real factory claims it (R9)."""
        with self._world:
            self._state = bool(state)
            self._function = "output"

    def _set_pull(self, value: str) -> None:
        with self._world:
            super()._set_pull(value)
            self._settle()

    def drive_high(self) -> None:
        """The pull or the world lifts the pin."""
        self._settle()

    def drive_low(self) -> None:
        """The pull or the world lowers the pin."""
        self._settle()

    def _settle(self) -> None:
        if self._function != "input":
            return
        rest = self._pull == "up"
        level = self._outside if self._outside is not None else rest != (self._presses > 0)
        if self._change_state(level) and self._when_changed is not None:
            self._call_when_changed()

    def _change_state(self, value: bool) -> bool:
        if self._state == value:
            return False
        self._state = value
        self._last_change = monotonic()
        return True

    def _call_when_changed(self) -> None:
        try:
            super()._call_when_changed()
        except Exception:  # one failing handler never stops the others (finding 2)
            log.exception("handler of %r failed", self)


class SimulatedFactory(MockFactory):  # type: ignore[misc]
    """A board with nothing on it but what tests and `/sim/press` do."""

    def __init__(self) -> None:
        super().__init__(revision=REVISION, pin_class=SimulatedPin)
        self._res_lock = threading.RLock()  # see GpiodFactory
        self._timers: set[threading.Timer] = set()
        self._timers_lock = threading.Lock()

    def press(self, pin: int, hold_ms: int) -> None:
        """Press the contact at this BCM number, let go after `hold_ms`; overlapping presses hold until the last ends.

        Returns when the pin has changed and its handler was called. Raises gpiozero's PinInvalidPin for an unknown pin.
        """
        finger = self.pin(pin)
        timer = threading.Timer(hold_ms / 1000, lambda: self._release(finger, timer))
        timer.daemon = True
        with self._timers_lock:
            self._timers.add(timer)
        finger.press()
        timer.start()

    def drive(self, pin: int, level: bool | None) -> None:
        """Hold the pin high or low from outside until told otherwise; None lets go of it."""
        self.pin(pin).drive(level)

    def threads_alive(self) -> bool:
        """Nothing runs here that could die."""
        return True

    def close(self) -> None:
        """End all presses."""
        with self._timers_lock:
            timers, self._timers = self._timers, set()
        for timer in timers:
            timer.cancel()
        super().close()

    def _release(self, finger: SimulatedPin, timer: threading.Timer) -> None:
        with self._timers_lock:
            self._timers.discard(timer)
        finger.let_go()
