"""A contact read by a pin: pull-up, series resistor and capacitor at the Pi; all contacts of a post are read this way.

R2x 2,2 kΩ lets 1.5 mA through the contact, enough to keep it clean; R1x 1 kΩ and C1x 100 nF keep spikes from the pin (0.1 ms).
x: 1 alarm, 2 hush, 3 all-clear, 4 sensor, 5 isolator, 6 mains, 7 battery, 8 lid.
"""

from __future__ import annotations

from firmware_config.wiring.generator.paper import Point, Sheet
from firmware_config.wiring.generator.symbols import capacitor, flag, ground, resistor

SERIES, PULL_UP, FILTER = "1 kΩ", "2,2 kΩ", "100 nF"
DIGITS = {
    "alarm": 1,
    "hush": 2,
    "all_clear": 3,
    "proof_of_sound": 4,
    "isolator_open": 5,
    "mains_lost": 6,
    "battery_low": 7,
    "lid_open": 8,
}
LENGTH = 34.0


def channel(sheet: Sheet, pin: Point, what: str) -> Point:
    """From the Pi's terminal to the right; the place (34 mm on) where the wire to the contact begins. 20 mm above, 18 mm below."""
    n, y = DIGITS[what], pin.y
    c = capacitor(sheet, f"C1{n}", FILTER, pin.x + 6, y, "D", length=11)
    ground(sheet, pin.x + 6, y + 11)
    series = resistor(sheet, f"R1{n}", SERIES, pin.x + 14, y, "R", length=13)
    end = Point(round(pin.x + LENGTH, 2), y)
    sheet.wire("signal", pin, c["1"])
    sheet.wire("signal", c["1"], series["1"])
    sheet.wire("signal", series["2"], end)
    pull = resistor(sheet, f"R2{n}", PULL_UP, end.x, y, "U", length=13, side="right")
    flag(sheet, "+3,3 V", pull["2"].x, pull["2"].y)
    return end


def supplies(sheet: Sheet, plus: Point, minus: Point) -> None:
    """The Pi's own 3.3 V and ground, by the names that the channels use."""
    flag(sheet, "+3,3 V", plus.x, plus.y, "R")
    sheet.wire("0V", minus, (minus.x + 5, minus.y))
    ground(sheet, minus.x + 5, minus.y)
