"""The pin factory is the one the settings name, and no other (P11, R15, R50)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from gpiozero.devices import Device

from kengd.belfry import pins
from kengd.belfry.simulated import SimulatedFactory
from kengd.errors import KengdError


@pytest.fixture(autouse=True)
def no_factory_left_behind() -> Iterator[None]:
    yield
    Device.pin_factory = None


class Registered:
    """gpiozero's entry points, as an installer left them: name → what loading and calling it does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **known: Any) -> None:
        points = [SimpleNamespace(name=name, load=load) for name, load in known.items()]
        monkeypatch.setattr(pins, "entry_points", lambda *, group: points if group == "gpiozero_pin_factories" else [])


def missing_library() -> Any:
    raise ModuleNotFoundError("No module named 'gpiod'")


def no_pi() -> Any:
    raise KengdError("gpio_chip_missing", "không có chip", cure="…")


def breaks() -> Any:
    raise OSError(5, "Input/output error")


def test_simulated_pins_come_only_by_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """P11: and no library and no registration is needed for them; gpiozero is given nothing else to create."""
    Registered(monkeypatch)
    factory = pins.open_factory("simulated")
    assert isinstance(factory, SimulatedFactory)
    assert Device.pin_factory is factory
    assert pins.threads_alive(factory)
    assert pins.chip_label_of(factory) == ""


@pytest.mark.parametrize(
    ("load", "code"),
    [
        (missing_library, "pins_library_missing"),
        (lambda: no_pi, "gpio_chip_missing"),
        (lambda: breaks, "pins_failed"),
    ],
)
@pytest.mark.parametrize("name", ["kengd", "lgpio"])
@pytest.mark.parametrize("wish", [None, "mock", "native"])
def test_what_cannot_be_had_is_an_error_and_never_something_else(
    monkeypatch: pytest.MonkeyPatch, name: Any, load: Any, code: str, wish: str | None
) -> None:
    """P11, R15, R50: no fall-back, whatever GPIOZERO_PIN_FACTORY says; the cure is in Vietnamese."""
    if wish:
        monkeypatch.setenv("GPIOZERO_PIN_FACTORY", wish)
    Registered(monkeypatch, mock=lambda: SimulatedFactory, native=lambda: SimulatedFactory, **{name: load})
    with pytest.raises(KengdError) as caught:
        pins.open_factory(name)
    assert caught.value.code == code
    assert caught.value.cure
    assert Device.pin_factory is None


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """R15: "say the fix in Vietnamese"."""
    Registered(monkeypatch, kengd=missing_library)
    with pytest.raises(KengdError) as caught:
        pins.open_factory("kengd")
    assert "deploy/install.sh" in caught.value.cure
    assert "mô phỏng" in caught.value.vi


def test_pins_that_nobody_registered_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """kengd was not installed but run from its source."""
    Registered(monkeypatch, mock=lambda: SimulatedFactory)
    with pytest.raises(KengdError) as caught:
        pins.open_factory("kengd")
    assert caught.value.code == "pins_unknown"


def test_our_factory_is_registered_under_gpiozeros_entry_point() -> None:
    """STACK section 1: GPIOZERO_PIN_FACTORY=kengd works for others too; the name must be lower case."""
    import tomllib
    from pathlib import Path

    project = tomllib.loads(Path(pins.__file__).parents[2].joinpath("pyproject.toml").read_text())
    ((name, value),) = project["project"]["entry-points"][pins.GROUP].items()
    assert name == "kengd"
    assert EntryPoint(name, value, pins.GROUP).load().__name__ == "GpiodFactory"


class FakeLgpioPin:
    """As gpiozero's LGPIOPin claims an output: low first, then the level."""

    def __init__(self, factory: Any, number: int) -> None:
        self.factory, self._number = factory, number

    def output_with_state(self, state: bool) -> None:
        import lgpio

        lgpio.gpio_claim_output(self.factory._handle, self._number, 0)
        lgpio.gpio_write(self.factory._handle, self._number, state)


def test_on_lgpio_an_active_low_relay_gets_no_pulse_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finding 4, R9: one claim at the resting level instead of low and then high."""
    done: list[tuple[Any, ...]] = []
    lgpio = ModuleType("lgpio")
    lgpio.gpio_claim_output = lambda *how: done.append(("claim", *how))  # type: ignore[attr-defined]
    lgpio.gpio_write = lambda *how: done.append(("write", *how))  # type: ignore[attr-defined]
    lgpio._notify_thread = SimpleNamespace(is_alive=lambda: False)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lgpio", lgpio)
    stock = SimpleNamespace(pin_class=FakeLgpioPin, _handle=7)
    Registered(monkeypatch, lgpio=lambda: lambda: stock)
    factory = pins.open_factory("lgpio")
    factory.pin_class(factory, 17).output_with_state(True)
    assert done == [("claim", 7, 17, 1)]
    assert not pins.threads_alive(factory)


def test_simulated_runs_need_neither_gpiod_nor_lgpio() -> None:
    """Import time and P11: the devices load no driver and nothing heavy; checked in a fresh interpreter."""
    script = (
        "import sys\n"
        "from kengd.belfry import buttons, lamps, off, relay\n"
        "from kengd.belfry.pins import open_factory\n"
        "open_factory('simulated')\n"
        "heavy = {'gpiod', 'lgpio', 'pydantic', 'sqlmodel', 'sqlalchemy', 'fastapi', 'paho', 'cryptography', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "[]"
