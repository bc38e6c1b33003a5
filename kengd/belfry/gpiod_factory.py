"""Our gpiozero pin factory on libgpiod 2, registered with gpiozero as `kengd`. The only import of gpiod.

Why not gpiozero's own on lgpio: no wheel for Python 3.13, an active-low relay is pulsed at every start, one failing
handler silences all buttons, pulls are lost on close, chips are found by number (R9, R12, R14, R16).
"""

from __future__ import annotations

import errno
import logging
import os
import select
import threading
from datetime import timedelta
from typing import Any

import gpiod
from gpiod.line import Bias, Direction, Edge, Value
from gpiozero.exc import (
    DeviceClosed,
    PinFixedPull,
    PinInvalidFunction,
    PinInvalidPull,
    PinPWMUnsupported,
    PinSetInput,
    PinUnknownPi,
)
from gpiozero.pins.local import LocalPiFactory, LocalPiPin

from kengd.belfry import gpio_errors

log = logging.getLogger("kengd.gpio")

CHIP_LABEL = "pinctrl-"
"""How the labels of the header's chip begin: pinctrl-bcm2835, pinctrl-bcm2711, pinctrl-rp1. Its number moves (R14)."""
FALLBACK_REVISION = 0xC03114
"""A Raspberry Pi 4B. GPIO 0–27 sit on the same header pins on every model, so a wrong guess costs nothing here."""
EVENTS_KEPT = 128
_BIAS = {"up": Bias.PULL_UP, "down": Bias.PULL_DOWN, "floating": Bias.DISABLED}


class GpiodFactory(LocalPiFactory):  # type: ignore[misc]
    """Pins of the Pi's header through /dev/gpiochipN. One thread waits for the edges of all lines."""

    def __init__(self, dev: str = "/dev") -> None:
        """Raises KengdError `gpio_chip_missing` or `gpio_forbidden`."""
        super().__init__()
        # gpiozero's plain lock stops for ever when the collector closes a forgotten device while a pin is being reserved
        self._res_lock = threading.RLock()
        self.pin_class = GpiodPin
        self.path, self.label = find_chip(dev)
        self._lines: dict[int, GpiodPin] = {}
        self._lock = threading.RLock()  # the collector may close a forgotten device within a call of ours
        self._epoll = select.epoll()
        self._end = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._epoll.register(self._end, select.EPOLLIN)
        self._thread: threading.Thread | None = None
        self._failed = False
        self._closed = False

    def request(self, offset: int, settings: Any) -> Any:
        """Claim one line. Raises KengdError (`pin_busy` names the owner, `gpio_forbidden`), OSError."""
        if self._closed:
            raise DeviceClosed(f"the pins are closed, GPIO{offset} is not claimed again")
        with gpiod.Chip(self.path) as chip:
            try:
                return chip.request_lines(
                    config={offset: settings}, consumer=f"kengd {os.getpid()}", event_buffer_size=EVENTS_KEPT
                )
            except OSError as refused:
                if refused.errno == errno.EBUSY:
                    raise gpio_errors.busy(offset, _owner(chip, offset)) from refused
                if refused.errno in (errno.EACCES, errno.EPERM):
                    raise gpio_errors.forbidden(self.path) from refused
                raise

    def watch(self, pin: GpiodPin, fd: int) -> None:
        """Bring the edges of this pin's line to it."""
        with self._lock:
            self._lines[fd] = pin
            self._epoll.register(fd, select.EPOLLIN)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gpio-edges", daemon=True)
                self._thread.start()

    def unwatch(self, fd: int) -> None:
        """No more edges from this line. When it returns, its descriptor may be closed."""
        with self._lock:
            if self._lines.pop(fd, None) is not None:
                self._epoll.unregister(fd)

    def threads_alive(self) -> bool:
        """False when edges no longer arrive: the thread has died, or a line could not be read any more."""
        return not self._failed and (self._thread is None or self._thread.is_alive())

    def close(self) -> None:
        """Give all lines back; pulls stay as they were configured."""
        if self._closed:
            return
        self._closed = True
        os.eventfd_write(self._end, 1)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(1.0)
        super().close()
        self._epoll.close()
        os.close(self._end)

    def _get_revision(self) -> int:
        try:
            return int(super()._get_revision())
        except (PinUnknownPi, OSError):  # ProcSubset=pid hides /proc/device-tree and /proc/cpuinfo
            return FALLBACK_REVISION

    def _run(self) -> None:
        while not self._closed:
            for fd, _ in self._epoll.poll():
                if fd == self._end:
                    return
                self._bring(fd)

    def _bring(self, fd: int) -> None:
        with self._lock:
            pin = self._lines.get(fd)
            if pin is None:
                return
            try:
                events = pin.read_events()
            except OSError:
                log.exception("GPIO%d can no longer be read", pin.offset)
                self._lines.pop(fd)
                self._epoll.unregister(fd)
                self._failed = True
                return
        for event in events:
            pin.take(event)


class GpiodPin(LocalPiPin):  # type: ignore[misc]
    """One line, claimed when its first use is known and never twice at once."""

    def __init__(self, factory: GpiodFactory, info: Any) -> None:
        super().__init__(factory, info)
        self.offset: int = self._number
        self._line: Any = None
        self._watched: int | None = None
        self._function = "input"
        self._pull = "floating"
        self._bias = Bias.AS_IS
        self._bounce: float | None = None
        self._edges = "both"
        self._last_seqno = 0

    def close(self) -> None:
        """Give the line back as it is: nothing is claimed again, no pull is changed, nothing can be busy."""
        self.when_changed = None
        self._release()
        self._function = "input"

    def output_with_state(self, state: bool) -> None:
        """An output from its first moment at this level: direction and level in one request (R9, R60, finding 4)."""
        level = Value.ACTIVE if state else Value.INACTIVE
        self._claim(direction=Direction.OUTPUT, output_value=level)
        self._function = "output"

    def input_with_pull(self, pull: str) -> None:
        """An input with this pull, in one request."""
        self._bias = self._checked_bias(pull)
        self._pull = pull
        self._claim(direction=Direction.INPUT, bias=self._bias)
        self._function = "input"

    def read_events(self) -> list[Any]:
        """Edges that wait on this line; never blocks. Called with the factory's lock held."""
        if self._line is None or not self._line.wait_edge_events(0):
            return []
        return list(self._line.read_edge_events())

    def take(self, event: Any) -> None:
        """Hand one edge to the handler; what the handler raises is logged and stays here (finding 2)."""
        level = 1 if event.event_type is event.Type.RISING_EDGE else 0
        lost = event.line_seqno != self._last_seqno + 1
        self._last_seqno = event.line_seqno
        ticks = event.timestamp_ns / 1e9
        try:
            if lost:  # the kernel's queue ran over: whatever was held in between was let go for all we know (R17)
                self._handle(ticks, 1 - level)
            self._handle(ticks, level)
        except Exception:
            log.exception("handler of GPIO%d failed", self.offset)

    def _handle(self, ticks: float, level: int) -> None:
        if self._when_changed is not None:
            self._call_when_changed(ticks, level)

    def _claim(self, **wanted: Any) -> None:
        self._release()
        self._line = self.factory.request(self.offset, gpiod.LineSettings(**wanted))

    def _release(self) -> None:
        if self._watched is not None:
            self.factory.unwatch(self._watched)
            self._watched = None
        if self._line is not None:
            self._line.release()
            self._line = None

    def _get_function(self) -> str:
        return self._function

    def _set_function(self, value: str) -> None:
        if value == "input":
            self._claim(direction=Direction.INPUT, bias=self._bias)
        elif value == "output":
            self._claim(direction=Direction.OUTPUT, output_value=Value.INACTIVE)
        else:
            raise PinInvalidFunction(f'invalid function "{value}" for pin {self!r}')
        self._function = value

    def _get_state(self) -> int:
        if self._line is None:
            raise DeviceClosed(f"{self!r} is not claimed")
        return int(self._line.get_value(self.offset) is Value.ACTIVE)

    def _set_state(self, value: float) -> None:
        if self._function != "output" or self._line is None:
            raise PinSetInput(f"cannot set state of pin {self!r}")
        self._line.set_value(self.offset, Value.ACTIVE if value else Value.INACTIVE)

    def _get_pull(self) -> str:
        return self._pull

    def _set_pull(self, value: str) -> None:
        if self._function != "input":
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        self.input_with_pull(value)

    def _checked_bias(self, pull: str) -> Bias:
        if pull not in _BIAS:
            raise PinInvalidPull(f'invalid pull "{pull}" for pin {self!r}')
        if self.info.pull not in ("", pull):
            raise PinFixedPull(f"{self!r} has a physical pull-{self.info.pull} resistor")
        return _BIAS[pull]

    def _get_frequency(self) -> None:
        return None

    def _set_frequency(self, value: float | None) -> None:
        if value is not None:
            raise PinPWMUnsupported(f"PWM is not supported on pin {self!r}")

    def _get_bounce(self) -> float | None:
        return self._bounce

    def _set_bounce(self, value: float | None) -> None:
        self._bounce = value or None

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        self._edges = value

    def _enable_event_detect(self) -> None:
        wanted: dict[str, Any] = {
            "direction": Direction.INPUT,
            "bias": self._bias,
            "edge_detection": {"rising": Edge.RISING, "falling": Edge.FALLING, "none": Edge.NONE}.get(
                self._edges, Edge.BOTH
            ),
        }
        if self._bounce is not None:
            wanted["debounce_period"] = timedelta(seconds=self._bounce)
        self._claim(**wanted)
        self._last_seqno = 0
        self._watched = self._line.fd
        self.factory.watch(self, self._line.fd)

    def _disable_event_detect(self) -> None:
        if self._watched is not None:  # the line stays ours; claiming it anew here was EBUSY at exit
            self.factory.unwatch(self._watched)
            self._watched = None


def find_chip(dev: str = "/dev") -> tuple[str, str]:
    """(path, label) of the chip with the header's pins, found by label (R14). Raises KengdError when there is none."""
    found: list[tuple[str, str]] = []
    forbidden: str | None = None
    for name in sorted(os.listdir(dev)):
        path = os.path.join(dev, name)
        if not name.startswith("gpiochip") or os.path.islink(path):
            continue
        try:
            with gpiod.Chip(path) as chip:
                label = chip.get_info().label
        except PermissionError:
            forbidden = path
        except OSError as wrong:
            log.warning("%s cannot be asked for its label: %s", path, wrong)
        else:
            if label.startswith(CHIP_LABEL):
                found.append((path, label))
    if found:
        return min(found, key=lambda chip: ("rp1" not in chip[1], chip[0]))
    if forbidden is not None:
        raise gpio_errors.forbidden(forbidden)
    raise gpio_errors.no_chip(CHIP_LABEL, dev)


def _owner(chip: Any, offset: int) -> str:
    """Who holds the line, by the kernel's word; SPI and 1-Wire often give no name."""
    try:
        return chip.get_line_info(offset).consumer or "kernel"
    except OSError:
        return "?"
