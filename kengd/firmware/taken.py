"""Which header pins (BCM 0–27) config.txt gives to something else than kengd.

Pins and defaults: arch/arm/boot/dts/overlays/README in raspberrypi/linux. An overlay that is not listed takes what its parameters
name as pins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kengd.firmware.boards import Board
from kengd.firmware.config import Line, Reading
from kengd.firmware.tree import Overlay, Param, Tree

HEADER = range(28)
_SPI0, _I2C, _UART, _I2S, _JTAG = (7, 8, 9, 10, 11), (2, 3), (14, 15), (18, 19, 20, 21), (22, 23, 24, 25, 26, 27)


@dataclass(frozen=True, slots=True)
class Taker:
    """`what` takes `pins`, by this line."""

    what: str
    pins: frozenset[int]
    line: Line


_DEFAULTS: Mapping[str, Mapping[str, int]] = {
    "act-led": {},
    "dht11": {"gpiopin": 4},
    "gpio-charger": {"gpio": 4},
    "gpio-fan": {"gpiopin": 12},
    "gpio-hog": {"gpio": 26},
    "gpio-ir": {"gpio_pin": 18},
    "gpio-ir-tx": {"gpio_pin": 18},
    "gpio-key": {"gpio": 3},
    "gpio-led": {"gpio": 19},
    "gpio-poweroff": {"gpiopin": 26},
    "gpio-shutdown": {"gpio_pin": 3},
    "goodix": {"interrupt": 4, "reset": 17},
    "hd44780-lcd": {"pin_d4": 6, "pin_d5": 13, "pin_d6": 19, "pin_d7": 26, "pin_en": 21, "pin_rs": 20},
    "hdmi-backlight-hwhack-gpio": {"gpio_pin": 17},
    "i2c-gpio": {"i2c_gpio_sda": 23, "i2c_gpio_scl": 24},
    "i2c-rtc-gpio": {"i2c_gpio_sda": 23, "i2c_gpio_scl": 24},
    "pps-gpio": {"gpiopin": 18},
    "pwm": {"pin": 18},
    "pwm-2chan": {"pin": 18, "pin2": 19},
    "pwm-gpio": {"gpio": 4},
    "pwm-gpio-fan": {"fan_gpio": 18},
    "pwm-ir-tx": {"gpio_pin": 18},
    "rotary-encoder": {"pin_a": 4, "pin_b": 17},
    "uart0": {"txd0_pin": 14, "rxd0_pin": 15},
    "uart1": {"txd1_pin": 14, "rxd1_pin": 15},
    "w1-gpio": {"gpiopin": 4},
    "w1-gpio-pullup": {"gpiopin": 4, "extpullup": 5},
    "wittypi": {"led_gpio": 17},
}
"""Parameters that name a pin, with the pin when they are not given."""

_SPI: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "spi0": ((9, 10, 11), (8, 7)),
    "spi1": ((19, 20, 21), (18, 17, 16)),
    "spi3": ((1, 2, 3), (0, 24)),
    "spi4": ((5, 6, 7), (4, 25)),
    "spi5": ((13, 14, 15), (12, 26)),
    "spi6": ((19, 20, 21), (18, 27)),
}
"""Bus → its own pins, and its chip selects when they are not moved (`spi1-2cs` has the first two)."""
_SPI_RP1 = {**_SPI, "spi2": ((1, 2, 3), (0, 24)), "spi3": ((5, 6, 7), (4, 25))}

_BUSES: Mapping[str, tuple[int, ...]] = {
    "i2c0": (0, 1), "i2c1": (2, 3), "i2c3": (4, 5), "i2c4": (8, 9), "i2c5": (12, 13), "i2c6": (22, 23),
    "uart2": (0, 1), "uart3": (4, 5), "uart4": (8, 9), "uart5": (12, 13),
}  # fmt: skip
_BUSES_RP1 = {
    "i2c0": (0, 1), "i2c1": (2, 3), "i2c2": (4, 5), "i2c3": (6, 7),
    "uart0": (14, 15), "uart1": (0, 1), "uart2": (4, 5), "uart3": (8, 9), "uart4": (12, 13),
}  # fmt: skip
"""Overlay of a bus → its pins, when no `pins_a_b` moves it."""

_FAMILIES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("disable-bt", _UART), ("pi3-disable-bt", _UART), ("miniuart-bt", _UART), ("pi3-miniuart-bt", _UART), ("qca7000-uart0", _UART),
    ("dpi", tuple(HEADER)), ("vc4-kms-dpi", tuple(HEADER)), ("vc4-kms-vga666", tuple(range(22))), ("vga666", tuple(range(2, 22))),
    ("sdio", _JTAG), ("smi", tuple(HEADER)), ("audremap", (12, 13)), ("i2c-gpio", ()), ("i2c-rtc-gpio", ()),
    ("i2c-", _I2C), ("ads1015", _I2C), ("ads1115", _I2C),
    ("ssd1306-spi", (*_SPI0, 24, 25)), ("ssd1306", _I2C), ("mcp23017", _I2C), ("mcp251", (*_SPI0, 25)), ("mcp2515", (*_SPI0, 25)),
    ("enc28j60", (*_SPI0, 25)), ("w5500", (*_SPI0, 25)), ("qca7000", (*_SPI0, 23)), ("pitft", (*_SPI0, 24, 25)),
    ("piscreen", (*_SPI0, 17, 22, 24, 25)), ("adafruit", (*_SPI0, 18, 24, 25)), ("ads7846", _SPI0), ("mipi-dbi", _SPI0),
    ("hifiberry", (*_I2S, *_I2C)), ("iqaudio", (*_I2S, *_I2C)), ("justboom", (*_I2S, *_I2C)), ("allo", (*_I2S, *_I2C)),
    ("audioinjector", (*_I2S, *_I2C)), ("googlevoicehat", _I2S), ("i2s", _I2S), ("max98357a", (*_I2S, 4)), ("rpi-dac", (*_I2S, *_I2C)),
    ("rpi-codeczero", (*_I2S, *_I2C)), ("rpi-digiampplus", (*_I2S, *_I2C)), ("wm8960", (*_I2S, *_I2C)), ("wittypi", _I2C),
)  # fmt: skip
"""Beginning of an overlay's name → the pins it takes whatever its parameters say; the first that fits."""

_PARAM_PINS: Mapping[str, tuple[int, ...]] = {
    "spi": _SPI0, "i2c": _I2C, "i2c_arm": _I2C, "i2c1": _I2C, "i2c_vc": (0, 1), "i2c0": (0, 1), "i2s": _I2S, "uart0_console": _UART,
}  # fmt: skip
_PIN_PARAM = re.compile(r"(?!.*(?:_us|_ms|pull)$)(?:.*(?:pin|gpio).*|interrupt|irq|reset)")
_PIN_PAIR = re.compile(r"pins(?:_\d+)+")
_SPI_NAME = re.compile(r"(spi\d)-([0-3])cs(?:-pi5)?")


def takers(reading: Reading, tree: Tree, board: Board) -> Iterator[Taker]:
    """Everything that takes pins on this board."""
    for overlay in tree.overlays:
        if not (
            board.rp1 and overlay.name.startswith(("disable-bt", "miniuart-bt"))
        ):  # has a pin pair of its own there
            yield Taker(
                f"dtoverlay={overlay.name}", frozenset(_overlay_pins(overlay, board)) & frozenset(HEADER), overlay.line
            )
    for param in (*tree.base, *(param for param, _ in tree.lost)):
        if param.on:
            yield Taker(f"dtparam={param.name}", frozenset(_param_pins(param, board)) & frozenset(HEADER), param.line)
    for key, pins in (("enable_uart", _UART), ("uart_2ndstage", _UART), ("enable_jtag_gpio", _JTAG)):
        if board.rp1 and pins is _UART:
            continue  # a Pi 5 has a connector of its own for these
        for line in reading.given(key):
            if _number(line.value) not in (None, 0):
                yield Taker(key, frozenset(pins), line)


def _overlay_pins(overlay: Overlay, board: Board) -> Iterator[int]:
    name = overlay.name.removesuffix("-pi5") if board.rp1 else overlay.name
    given = {param.name: _number(param.value) for param in overlay.params}
    named = {param: pin for param, pin in given.items() if pin is not None and _PIN_PARAM.fullmatch(param)}
    yield from {**_DEFAULTS.get(name, {}), **named}.values()
    pairs = [param.name for param in overlay.params if _PIN_PAIR.fullmatch(param.name)]
    yield from (int(number) for pair in pairs for number in pair.split("_")[1:])
    if spi := _SPI_NAME.fullmatch(name):
        yield from _spi_pins(spi[1], int(spi[2]), named, board)
    elif not pairs and not any(param.name.startswith("i2c") for param in overlay.params if name.startswith("i2c-")):
        yield from (_BUSES_RP1 if board.rp1 else _BUSES).get(name, ())
        yield from next((pins for beginning, pins in _FAMILIES if name.startswith(beginning)), ())


def _spi_pins(bus: str, selects: int, moved: Mapping[str, int], board: Board) -> Iterator[int]:
    own, chip_selects = (_SPI_RP1 if board.rp1 else _SPI).get(bus, ((), ()))
    yield from own
    yield from (pin for n, pin in enumerate(chip_selects[:selects]) if f"cs{n}_pin" not in moved)


def _param_pins(param: Param, board: Board) -> tuple[int, ...]:
    if param.name in ("act_led_gpio", "pwr_led_gpio", "cam0_reg_gpio", "cam1_reg_gpio"):
        pin = _number(param.value)
        return () if pin is None else (pin,)
    if param.name == "uart0" and board.rp1:
        return _UART
    return _PARAM_PINS.get(param.name, ())


def _number(text: str | None) -> int | None:
    try:
        return int(text or "", 0)
    except ValueError:
        return None
