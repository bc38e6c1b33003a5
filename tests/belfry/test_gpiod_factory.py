"""Our pin factory on libgpiod 2, on a fake board that speaks of lines, levels, owners and edges (R9, R14, R16, R60)."""

from __future__ import annotations

import errno
import logging
import os
import select
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from time import monotonic_ns
from types import SimpleNamespace
from typing import Any

import gpiod
import pytest
from gpiod.line import Bias, Direction, Edge, Value
from gpiozero.devices import Device
from gpiozero.exc import DeviceClosed, PinFixedPull, PinInvalidPull, PinPWMUnsupported, PinSetInput
from gpiozero.input_devices import InputDevice
from gpiozero.output_devices import DigitalOutputDevice
from gpiozero.pins.local import LocalPiFactory

from kengd.belfry import gpiod_factory
from kengd.belfry.buttons import Contacts
from kengd.belfry.gpiod_factory import FALLBACK_REVISION, GpiodFactory
from kengd.belfry.relay import Relay
from kengd.errors import KengdError
from kengd.settings.plan import ButtonPlan, RelayPlan

TYPES = gpiod.EdgeEvent.Type


@dataclass
class FakeLine:
    """One line of a chip: who owns it, how it is configured, what the wire outside says."""

    consumer: str | None = None
    request: FakeRequest | None = None
    outside: bool | None = None
    level: bool = False


@dataclass
class FakeBoard:
    """The chips of one board and all that happened to them, electrically, in order."""

    chips: dict[str, str]
    lines: dict[int, FakeLine] = field(default_factory=dict)
    history: list[tuple[Any, ...]] = field(default_factory=list)
    forbidden: bool = False

    def line(self, offset: int) -> FakeLine:
        return self.lines.setdefault(offset, FakeLine())

    def wire(self, offset: int, level: bool, *, lose: int = 0) -> None:
        """The wire outside changes; `lose`: so many edges before it fell out of the kernel's full queue."""
        line = self.line(offset)
        line.outside = line.level = level
        if line.request is not None:
            line.request.edge(level, lose)


class FakeRequest:
    """A line claimed by us. Its descriptor is a real pipe, so that it can be waited for."""

    def __init__(self, board: FakeBoard, offset: int, settings: gpiod.LineSettings) -> None:
        self._board, self._offset, self._settings = board, offset, settings
        self._read, self._write = os.pipe()
        self._events: Queue[Any] = Queue()
        self._seqno = 0
        self.released = False
        self.unreadable = False
        line = board.line(offset)
        if settings.direction is Direction.OUTPUT:
            line.level = settings.output_value is Value.ACTIVE
        elif settings.direction is Direction.INPUT:
            line.level = settings.bias is Bias.PULL_UP if line.outside is None else line.outside
        line.consumer, line.request = "us", self
        board.history.append(("claim", offset, settings.direction, line.level, settings.bias, settings.edge_detection))

    @property
    def fd(self) -> int:
        assert not self.released
        return self._read

    def edge(self, level: bool, lose: int) -> None:
        if self._settings.edge_detection is Edge.BOTH:
            self._seqno += 1 + lose
            kind = TYPES.RISING_EDGE if level else TYPES.FALLING_EDGE
            self._events.put(
                SimpleNamespace(event_type=kind, Type=TYPES, timestamp_ns=monotonic_ns(), line_seqno=self._seqno)
            )
            os.write(self._write, b"e")

    def wait_edge_events(self, timeout: float) -> bool:
        return bool(select.select([self.fd], [], [], timeout)[0])

    def read_edge_events(self) -> list[Any]:
        if self.unreadable:
            raise OSError(errno.ENODEV, "No such device")
        count = len(os.read(self.fd, 64))
        return [self._events.get() for _ in range(count)]

    def get_value(self, offset: int) -> Value:
        assert offset == self._offset
        assert not self.released
        return Value.ACTIVE if self._board.line(offset).level else Value.INACTIVE

    def set_value(self, offset: int, value: Value) -> None:
        assert not self.released
        if self._settings.direction is not Direction.OUTPUT:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        self._board.line(offset).level = value is Value.ACTIVE
        self._board.history.append(("set", offset, value is Value.ACTIVE))

    def release(self) -> None:
        assert not self.released
        self.released = True
        os.close(self._read)
        os.close(self._write)
        line = self._board.line(self._offset)
        line.consumer = line.request = None
        self._board.history.append(("release", self._offset))


class FakeChip:
    """gpiod.Chip on the fake board."""

    board: FakeBoard

    def __init__(self, path: str) -> None:
        if self.board.forbidden:
            raise PermissionError(errno.EACCES, "Permission denied")
        self._label = self.board.chips[os.path.basename(path)]

    def __enter__(self) -> FakeChip:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def get_info(self) -> Any:
        return SimpleNamespace(label=self._label)

    def get_line_info(self, offset: int) -> Any:
        return SimpleNamespace(consumer=self.board.line(offset).consumer or "", used=True)

    def request_lines(self, config: dict[int, Any], consumer: str, event_buffer_size: int) -> FakeRequest:
        assert consumer == f"kengd {os.getpid()}"
        assert len(consumer) < 32
        assert self._label.startswith("pinctrl-")
        ((offset, settings),) = config.items()
        if self.board.line(offset).consumer is not None:
            raise OSError(errno.EBUSY, "Device or resource busy")
        return FakeRequest(self.board, offset, settings)


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    for name in ("gpiochip0", "gpiochip11", "ttyAMA0"):
        (tmp_path / name).touch()
    (tmp_path / "gpiochip4").symlink_to(tmp_path / "gpiochip0")
    return tmp_path


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> FakeBoard:
    board = FakeBoard({"gpiochip0": "raspberrypi-exp-gpio", "gpiochip11": "pinctrl-bcm2711"})
    chip = type("Chip", (FakeChip,), {"board": board})
    monkeypatch.setattr(gpiod_factory, "gpiod", SimpleNamespace(Chip=chip, LineSettings=gpiod.LineSettings))
    return board


@pytest.fixture
def factory(board: FakeBoard, dev: Path) -> Iterator[GpiodFactory]:
    factory = GpiodFactory(str(dev))
    yield factory
    factory.close()
    assert Device.pin_factory is not factory
    LocalPiFactory._reservations.clear()


def listen(device: InputDevice) -> Queue[int]:
    """The levels that reach the device's handler, in order."""
    seen: Queue[int] = Queue()
    handler: Callable[[float, int], None] = lambda ticks, state: seen.put(state)  # noqa: E731
    device.pin.when_changed = handler
    seen.handler = handler  # type: ignore[attr-defined]  # gpiozero keeps only a weak reference
    return seen


def test_the_chip_is_found_by_its_label_whatever_its_number(factory: GpiodFactory, dev: Path) -> None:
    """R13, R14: not chip 0, not the symbolic link that old kernels' programs need."""
    assert (factory.path, factory.label) == (str(dev / "gpiochip11"), "pinctrl-bcm2711")


def test_on_a_pi_5_the_chip_of_the_header_is_taken(board: FakeBoard, dev: Path) -> None:
    """R13: the header hangs on the RP1."""
    board.chips.update(gpiochip0="pinctrl-bcm2712", gpiochip11="pinctrl-rp1")
    factory = GpiodFactory(str(dev))
    assert factory.label == "pinctrl-rp1"
    factory.close()


def test_a_machine_without_the_chip_is_told_so_in_vietnamese(board: FakeBoard, dev: Path) -> None:
    """P11, R15: no fall-back; the cure names simulated pins."""
    board.chips["gpiochip11"] = "something-else"
    with pytest.raises(KengdError) as caught:
        GpiodFactory(str(dev))
    assert caught.value.code == "gpio_chip_missing"
    assert "simulated" in caught.value.cure


def test_a_forbidden_chip_is_told_so(board: FakeBoard, dev: Path) -> None:
    """Not "no chip": the cure is a group, not another machine."""
    board.forbidden = True
    with pytest.raises(KengdError) as caught:
        GpiodFactory(str(dev))
    assert caught.value.code == "gpio_forbidden"


@pytest.mark.parametrize("active_low", [False, True], ids=["active-high", "active-low"])
def test_the_relay_is_claimed_at_rest_in_one_request_and_given_back_without_another(
    factory: GpiodFactory, board: FakeBoard, active_low: bool
) -> None:
    """R9, R60, finding 4: never input first, never low first; P1 on close: nothing but the release."""
    relay = Relay(RelayPlan(17, active_low=active_low), factory, longest_on_ms=400)
    relay.set(True)
    relay.set(False)
    relay.close()
    rest = active_low
    assert board.history == [
        ("claim", 17, Direction.OUTPUT, rest, Bias.AS_IS, Edge.NONE),
        ("set", 17, not rest),
        ("set", 17, rest),
        ("set", 17, rest),
        ("release", 17),
    ]


def test_a_line_that_somebody_holds_names_its_owner(factory: GpiodFactory, board: FakeBoard) -> None:
    """R16, P10: "GPIO busy" becomes the owner's name and a cure; nothing is taken over."""
    board.line(17).consumer = "kengd 4711"
    with pytest.raises(KengdError) as caught:
        Relay(RelayPlan(17), factory, longest_on_ms=400)
    assert caught.value.code == "pin_busy"
    assert '"kengd 4711"' in caught.value.vi
    assert board.history == []


def test_a_line_that_the_kernel_holds_without_a_name_is_the_kernels(factory: GpiodFactory, board: FakeBoard) -> None:
    """R16: SPI and 1-Wire often give no name."""
    board.line(17).consumer = ""
    with pytest.raises(KengdError, match="kernel"):
        DigitalOutputDevice(17, pin_factory=factory)


def test_edges_reach_their_handlers_in_order(factory: GpiodFactory, board: FakeBoard) -> None:
    """One thread brings the edges of all lines; each keeps its order."""
    buttons = [InputDevice(pin, pull_up=True, pin_factory=factory) for pin in (5, 6)]
    seen = [listen(button) for button in buttons]
    for level in (False, True, False):
        board.wire(5, level)
        board.wire(6, level)
    assert [[queue.get(timeout=5) for _ in range(3)] for queue in seen] == [[0, 1, 0]] * 2
    assert [thread.name for thread in threading.enumerate()].count("gpio-edges") == 1
    assert buttons[0].is_active


def test_a_failing_handler_stops_neither_the_others_nor_itself(
    factory: GpiodFactory, board: FakeBoard, caplog: pytest.LogCaptureFixture
) -> None:
    """Finding 2: on stock lgpio every button was dead after one exception, silently."""
    bad, good = (InputDevice(pin, pull_up=True, pin_factory=factory) for pin in (5, 6))
    calls: Queue[int] = Queue()

    def fails(ticks: float, state: int) -> None:
        calls.put(state)
        raise RuntimeError("a bad handler")

    bad.pin.when_changed = fails
    seen = listen(good)
    with caplog.at_level(logging.ERROR, "kengd.gpio"):
        for level in (False, True):
            board.wire(5, level)
            board.wire(6, level)
        assert [calls.get(timeout=5) for _ in range(2)] == [0, 1]
        assert [seen.get(timeout=5) for _ in range(2)] == [0, 1]
    assert factory.threads_alive()
    factory.close()  # waits for the thread, which may still be writing its last log line
    assert [record.message for record in caplog.records] == ["handler of GPIO5 failed"] * 2


def test_lost_edges_break_a_hold(factory: GpiodFactory, board: FakeBoard) -> None:
    """R17: when the kernel's queue ran over, the level in between is unknown: it counts as let go."""
    button = InputDevice(5, pull_up=True, pin_factory=factory)
    seen = listen(button)
    board.wire(5, False)
    assert seen.get(timeout=5) == 0
    board.wire(5, False, lose=4)
    assert [seen.get(timeout=5) for _ in range(2)] == [1, 0]


def test_contacts_post_the_kernels_own_time(factory: GpiodFactory, board: FakeBoard) -> None:
    """The hold is measured from the edge, not from when Python came round to it."""
    posted: Queue[tuple[str, bool, int]] = Queue()
    contacts = Contacts([ButtonPlan("alarm", 5, "alarm", None, 1_000)], [], factory, lambda *change: posted.put(change))
    assert not contacts.read("alarm")
    before_ms = monotonic_ns() // 1_000_000
    board.wire(5, False)
    after_ms = monotonic_ns() // 1_000_000
    name, active, mono_ms = posted.get(timeout=5)
    assert (name, active) == ("alarm", True)
    assert before_ms - 1 <= mono_ms <= after_ms
    assert contacts.read("alarm")
    assert contacts.threads_alive()
    contacts.close()
    assert board.history[-2:] == [
        ("claim", 5, Direction.INPUT, True, Bias.PULL_UP, Edge.BOTH),
        ("release", 5),
    ]


def test_closing_claims_nothing_again_so_nothing_is_busy_at_exit(factory: GpiodFactory, board: FakeBoard) -> None:
    """R12: pulls stay as configured, each line is released once, also when another program is quick to take it."""
    relay = Relay(RelayPlan(17), factory, longest_on_ms=400)
    button = InputDevice(5, pull_up=True, pin_factory=factory)
    listen(button)
    begun = len(board.history)
    button.close()
    board.line(5).consumer = "somebody quick"
    relay.close()
    factory.close()
    relay.rest()
    assert board.history[begun:] == [("release", 5), ("set", 17, False), ("release", 17)]
    assert not any(thread.name == "gpio-edges" for thread in threading.enumerate())


def test_a_line_that_can_no_longer_be_read_starves_the_watchdog(
    factory: GpiodFactory, board: FakeBoard, caplog: pytest.LogCaptureFixture
) -> None:
    """A dead button must not look alive: threads_alive says no, the thread does not spin, other buttons still work."""
    dead, live = (InputDevice(pin, pull_up=True, pin_factory=factory) for pin in (5, 6))
    listen(dead)
    seen = listen(live)
    request = board.line(5).request
    assert request is not None
    request.unreadable = True
    with caplog.at_level(logging.CRITICAL, "kengd.gpio"):
        board.wire(5, False)
        board.wire(6, False)
        assert seen.get(timeout=5) == 0
    board.wire(6, True)
    assert seen.get(timeout=5) == 1
    assert not factory.threads_alive()


def test_a_dead_thread_is_seen(factory: GpiodFactory, board: FakeBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    """STACK section 1: the watchdog is fed only while the pin thread lives."""
    assert factory.threads_alive()
    died = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: died.set())

    def breaks(fd: int) -> None:
        raise SystemError("a bug of ours")

    monkeypatch.setattr(factory, "_bring", breaks)
    button = InputDevice(5, pull_up=True, pin_factory=factory)
    listen(button)
    assert factory.threads_alive()
    board.wire(5, False)
    assert died.wait(5)
    thread = factory._thread
    assert thread is not None
    thread.join(5)
    assert not factory.threads_alive()


def test_the_board_is_guessed_where_proc_is_hidden(factory: GpiodFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd's ProcSubset=pid hides the revision; GPIO numbers are the same on every model."""

    def hidden(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("gpiozero.pins.local.get_pi_revision", hidden)
    assert factory._get_revision() == FALLBACK_REVISION
    assert [factory.pin(number).offset for number in range(28)] == list(range(28))
    factory.pins.clear()


def test_what_a_pin_cannot_do_is_refused(factory: GpiodFactory, board: FakeBoard) -> None:
    """gpiozero's own errors, for whoever uses its other devices on this factory."""
    pin = factory.pin(5)
    with pytest.raises(DeviceClosed):
        _ = pin.state
    with pytest.raises(PinSetInput):
        pin.state = 1
    with pytest.raises(PinInvalidPull):
        pin.pull = "sideways"
    with pytest.raises(PinFixedPull):
        factory.pin(2).pull = "down"
    with pytest.raises(PinPWMUnsupported):
        pin.frequency = 100
    pin.output_with_state(True)
    with pytest.raises(PinFixedPull):
        pin.pull = "up"
    assert board.history == [("claim", 5, Direction.OUTPUT, True, Bias.AS_IS, Edge.NONE)]


def test_a_device_that_the_collector_closes_while_a_pin_is_reserved_stops_nothing(
    factory: GpiodFactory, board: FakeBoard
) -> None:
    """A plain lock in gpiozero's reservations would hang the start for ever: `__del__` releases the pin it was given."""
    forgotten = InputDevice(5, pull_up=True, pin_factory=factory)
    with factory._res_lock:
        forgotten.close()
    assert board.history[-1] == ("release", 5)
