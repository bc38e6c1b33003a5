"""Buttons and inputs: their handlers only post (name, level, time) to the inbox; what it means is decided elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from gpiozero.input_devices import InputDevice

from kengd.belfry import pins
from kengd.errors import KengdError
from kengd.settings.plan import ButtonPlan, InputPlan

log = logging.getLogger("kengd.buttons")

Post = Callable[[str, bool, int], None]
OLDEST_STAMP_S = 5.0
"""A driver's time stamp older than this, or from the future, is on another clock: our own counts instead."""


class ContactDevice(InputDevice):  # type: ignore[misc]
    """A gpiozero input that hands on every change with its time; no bounce time of gpiozero's (R18)."""

    def __init__(self, pin: int, *, pull_up: bool, changed: Callable[[bool, float], None], factory: Any) -> None:
        super().__init__(pin, pull_up=pull_up, pin_factory=factory)
        self._changed = changed
        try:
            self.pin.bounce = None
            self.pin.edges = "both"
            self.pin.when_changed = self._on_edge
        except BaseException:
            self.close()
            raise

    def _on_edge(self, ticks: float, state: int) -> None:
        self._changed(bool(self._state_to_value(bool(state))), ticks)


class Contacts:
    """All buttons (wire to ground, pulled up) and inputs of the post.

    `post(name, active, mono_ms)` is called from the factory's thread at each change, in order for each name, and must
    not block. Buttons and inputs share one space of names.
    """

    def __init__(self, plans: Sequence[ButtonPlan], inputs: Sequence[InputPlan], factory: Any, post: Post) -> None:
        """Claims the pins. Raises KengdError as the factory does, or `pin_taken` when two plans share a name or pin."""
        self._factory = factory
        self._post = post
        self._devices: dict[str, ContactDevice] = {}
        wiring = [(plan.name, plan.pin, True) for plan in plans]
        wiring += [(plan.name, plan.pin, plan.active_low) for plan in inputs]
        try:
            for name, pin, pull_up in wiring:
                self._devices[name] = self._claim(name, pin, pull_up)
        except BaseException:
            self.close()
            raise

    def read(self, name: str) -> bool:
        """Is this contact active now, by the pin itself? Raises KengdError `pin_unreadable`; KeyError: no such name."""
        device = self._devices[name]
        try:
            return bool(device.is_active)
        except Exception as wrong:
            raise KengdError(
                "pin_unreadable",
                f"không đọc được chân của {name} ({type(wrong).__name__}: {wrong})",
                cure="khởi động lại kengd; nếu vẫn lỗi, chạy `kengd doctor`",
                en=f"cannot read the pin of {name}: {type(wrong).__name__}: {wrong}",
            ) from wrong

    @property
    def names(self) -> tuple[str, ...]:
        """Buttons first, then inputs."""
        return tuple(self._devices)

    def threads_alive(self) -> bool:
        """False when edges no longer arrive: stop feeding the watchdog."""
        return pins.threads_alive(self._factory)

    def close(self) -> None:
        """Give all pins back."""
        for name, device in self._devices.items():
            try:
                device.close()
            except Exception:
                log.exception("pin of %s could not be given back", name)
        self._devices.clear()

    def _claim(self, name: str, pin: int, pull_up: bool) -> ContactDevice:
        from gpiozero.exc import GPIOPinInUse

        def changed(active: bool, ticks: float) -> None:
            try:
                self._post(name, active, _mono_ms(ticks))
            except Exception:  # one failing handler never stops the others (finding 2)
                log.exception("change of %s could not be posted", name)

        try:
            if name in self._devices:
                raise GPIOPinInUse(f"two contacts are called {name}")
            return ContactDevice(pin, pull_up=pull_up, changed=changed, factory=self._factory)
        except GPIOPinInUse as twice:
            raise KengdError(
                "pin_taken",
                f"chân GPIO{pin} hoặc tên {name} bị dùng hai lần trong cài đặt",
                cure="mỗi nút, đầu vào, đèn và rơ-le phải có chân và tên riêng",
                en=f"pin {pin} or name {name} is used twice: {twice}",
            ) from twice


def _mono_ms(ticks: float) -> int:
    """The driver's stamp in ms, where it is on our monotonic clock (with kengd's own and simulated pins it is)."""
    now = monotonic()
    return int((ticks if 0 <= now - ticks <= OLDEST_STAMP_S else now) * 1000)
