"""kengd.txt for the boot partition, made for the settings of one post: what the firmware does before Linux and kengd are there."""

from __future__ import annotations

from collections.abc import Sequence

from kengd.firmware.wiring import Use, uses
from kengd.settings.plan import BelfryPlan

_HEAD = """\
# kengd.txt: what the firmware must do for this bell post. Printed by `kengd firmware` from the
# post's settings: change those, not this. Ask `kengd doctor --boot` whether it is right.
# The last two lines of config.txt read it:
#   [all]
#   include kengd.txt
# Reasons and sources at length: firmware_config/README.md. R = raspberrypi/linux overlays/README.

[all]
# Ends the reach of every overlay above: a dtparam is offered to the overlay before it first, and
# no [section] ends that. (documentation, device-tree.adoc part 3.2)
dtoverlay=
# kengd killed = its pins are let go = relay at rest; these kernels else keep an output driven.
# (raspberrypi/linux#6117, #6150)
dtparam=strict_gpiod
# The hardware watchdog restarts a machine that hangs; systemd feeds it. (R)
dtparam=watchdog=on
"""
_GPIO_HEAD = """
# Pins at rest from the firmware on, some seconds after power; until then the chip's own pulls
# hold: GPIO 0-8 up, 9-27 down. (documentation, gpio.adoc)
"""
_BLUETOOTH = """
# Nobody needs Bluetooth here: one radio and one way in less. Moves the serial port to GPIO 14/15
# on all but the Pi 5. (R)
dtoverlay=disable-bt
"""
_BLUETOOTH_KEEPING_SERIAL_PINS = """
# Bluetooth off, not by disable-bt: that would put the serial port on GPIO 14/15, wired here. (R)
enable_uart=0
dtparam=krnbt=off
"""
_CLOCK = """
# DS3231 clock on GPIO 2/3: the right time without a network. Harmless when none is fitted. (R)
[pi02]
dtoverlay=i2c-rtc,ds3231
[pi3]
dtoverlay=i2c-rtc,ds3231
[pi4]
dtoverlay=i2c-rtc,ds3231
"""
_CLOCK_PINS_WIRED = """
# No DS3231 clock: GPIO 2/3, where it would be, are wired to something else.
"""
_PI5_CLOCK = """\
# The Pi 5 has a clock of its own. Only with the official rechargeable cell on J5, never with
# any other (it is charged!): write in config.txt, before its first dtoverlay,
#   dtparam=rtc_bbat_vchg=3000000
# (documentation, rtc.adoc)
"""
_END = """
[all]
# Ends the reach of the overlays here, for what may be written below the include.
dtoverlay=
"""
_WHY = {
    ("relay", "op,dl"): "Relay, closed by a high level: low is rest.",
    ("relay", "op,dh"): "Relay, closed by a low level: high is rest.",
    ("button", "ip,pu"): "Buttons to ground, pulled up.",
    ("input", "ip,pu"): "Inputs closed to ground, pulled up.",
    ("input", "ip,pd"): "Inputs closed to 3.3 V, pulled down.",
    ("lamp", "op,dl"): "Lamps, dark.",
}


def fragment(plan: BelfryPlan) -> str:
    """The text, ASCII, no line longer than the firmware reads; all dtparam lines stand before the first overlay."""
    wired = uses(plan)
    pins = {use.pin for use in wired}
    keep_serial_pins = bool(pins & {14, 15})
    return "".join(
        (
            _HEAD,
            _BLUETOOTH_KEEPING_SERIAL_PINS if keep_serial_pins else "",
            _GPIO_HEAD,
            *_gpio_lines(wired),
            "" if keep_serial_pins else _BLUETOOTH,
            _CLOCK_PINS_WIRED if pins & {2, 3} else _CLOCK,
            _PI5_CLOCK,
            _END,
        )
    )


def _gpio_lines(wired: Sequence[Use]) -> list[str]:
    """One line for all pins that rest alike."""
    lines = []
    for (kind, rest), why in _WHY.items():
        pins = sorted({use.pin for use in wired if (use.kind, use.gpio) == (kind, rest)})
        if pins:
            lines.append(f"# {why}\ngpio={','.join(map(str, pins))}={rest}\n")
    return lines
