"""The pin factory that the settings name, and no other (P11, R15, R50). gpiozero is imported here first: 0.1 s.

GPIOZERO_PIN_FACTORY and gpiozero's own list of fall-backs are never looked at.
"""

from __future__ import annotations

import logging
from importlib.metadata import entry_points
from typing import Any

from gpiozero.devices import Device

from kengd.belfry.off import chip_label
from kengd.errors import KengdError
from kengd.settings.plan import Pins

log = logging.getLogger("kengd.gpio")

GROUP = "gpiozero_pin_factories"
_CURES = {
    "kengd": "cài lại bằng sudo ./deploy/install.sh (bộ cài có sẵn thư viện gpiod)",
    "lgpio": "cài thư viện lgpio: sudo apt install python3-lgpio (venv phải tạo với --system-site-packages)",
}


def open_factory(pins: Pins) -> Any:
    """The gpiozero factory called `pins`; gpiozero will create no other from now on.

    Raises KengdError `pins_unknown`, `pins_library_missing`, `gpio_chip_missing`, `gpio_forbidden` or `pins_failed`;
    simulated pins are never taken instead.
    """
    factory = _simulated() if pins == "simulated" else _registered(pins)
    Device.pin_factory = factory
    return factory


def threads_alive(factory: Any) -> bool:
    """False when the thread that brings this factory's edges has died: all buttons are dead then (finding 2)."""
    if hasattr(factory, "threads_alive"):
        return bool(factory.threads_alive())
    import lgpio

    thread = getattr(lgpio, "_notify_thread", None)
    return thread is None or bool(thread.is_alive())


def chip_label_of(factory: Any) -> str:
    """Label of the chip that this factory drives, for the file that `kengd off` reads; "" for simulated pins."""
    label = getattr(factory, "label", None)
    if label is None and hasattr(factory, "chip"):  # lgpio knows the number only
        label = chip_label(f"/dev/gpiochip{factory.chip}")
    return label or ""


def _simulated() -> Any:
    from kengd.belfry.simulated import SimulatedFactory

    return SimulatedFactory()


def _registered(pins: str) -> Any:
    entry = next((entry for entry in entry_points(group=GROUP) if entry.name == pins), None)
    if entry is None:
        raise KengdError(
            "pins_unknown",
            f'chưa đăng ký cách nối chân "{pins}" với gpiozero',
            cure="cài lại kengd (pip install …), đừng chạy thẳng từ thư mục nguồn",
            en=f"no gpiozero pin factory is registered as {pins}",
        )
    try:
        factory = entry.load()()
    except ImportError as missing:
        raise KengdError(
            "pins_library_missing",
            f'gpio.pins = "{pins}" nhưng thiếu thư viện ({missing}); kengd không tự chuyển sang mô phỏng',
            cure=_CURES.get(pins, f"cài thư viện của {pins}"),
            en=f"gpio.pins = {pins} but its library is missing: {missing}",
        ) from missing
    except KengdError:
        raise
    except Exception as wrong:
        raise KengdError(
            "pins_failed",
            f'không mở được chân GPIO theo cách "{pins}" ({type(wrong).__name__}: {wrong})',
            cure="chạy `kengd doctor` trên chính máy Raspberry Pi",
            en=f"pin factory {pins} failed: {type(wrong).__name__}: {wrong}",
        ) from wrong
    return _without_pulse(factory) if pins == "lgpio" else factory


def _without_pulse(factory: Any) -> Any:
    """gpiozero on lgpio claims an output low, then sets it: a blow on an active-low relay (finding 4). Claim it set."""
    import lgpio

    class AtOnce(factory.pin_class):  # type: ignore[misc]
        """An lgpio pin whose output is claimed at the wanted level in one request."""

        def output_with_state(self, state: bool) -> None:
            lgpio.gpio_claim_output(self.factory._handle, self._number, int(bool(state)))

    factory.pin_class = AtOnce
    return factory
