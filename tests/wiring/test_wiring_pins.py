"""The pins on the sheets are those of the example settings, at their places on the header."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from firmware_config.wiring.generator.post import GPIO_AT, HEADER, example_text
from firmware_config.wiring.generator.sheets.relay import LOW_PIN
from kengd.settings.crosscheck import LAST_PULLED_UP, REST_HIGH_PINS
from kengd.settings.find import read_as
from tests.wiring.drawing import ROOT, names, read

EXAMPLE = (ROOT / "deploy" / "kengd.example.toml").read_text(encoding="utf-8")
GPIO: dict[str, Any] = tomllib.loads(example_text(EXAMPLE))["gpio"]
BUTTON = {button["does"]: button["pin"] for button in GPIO["buttons"]}
INPUT = {item["means"]: item["pin"] for item in GPIO["inputs"]}
WIRED = {
    "02-ro-le-muc-cao": {GPIO["relay"]["pin"]},
    "03-ro-le-muc-thap": {GPIO["relay"]["pin"], LOW_PIN},
    "07-nut-trong-nha": set(BUTTON.values()),
    "08-nut-ngoai-troi": {BUTTON["alarm"], INPUT["lid_open"]},
    "09-hai-den": set(GPIO["lamps"].values()),
    "10-cam-bien-rung": {INPUT["proof_of_sound"]},
    "12-cau-dao": {INPUT["isolator_open"], INPUT["mains_lost"], INPUT["battery_low"]},
}


def test_the_example_has_the_pins_that_were_agreed() -> None:
    """Relay 17, buttons 5, 6, 13, lamps 22, 23, sensor 24."""
    assert GPIO["relay"] == {"pin": 17, "active_low": False}
    assert BUTTON == {"alarm": 5, "hush": 6, "all_clear": 13}
    assert GPIO["lamps"] == {"bell": 22, "police": 23}
    assert INPUT == {"proof_of_sound": 24, "isolator_open": 25, "mains_lost": 16, "battery_low": 26, "lid_open": 12}


def test_the_example_with_all_inputs_in_use_is_accepted(tmp_path: Path) -> None:
    """Whoever takes away every # of the inputs, as the sheets say, has settings without a mistake or a pin used twice."""
    text = example_text(EXAMPLE).replace('"/var/lib/kengd"', f'"{tmp_path}"')
    plan = read_as(text.encode(), tmp_path / "kengd.toml").plan
    assert {item.means: item.pin for item in plan.inputs} == INPUT
    assert {item.means for item in plan.inputs if item.active_low} == {"proof_of_sound"}


def test_the_header_is_that_of_a_raspberry_pi() -> None:
    """Raspberry Pi documentation, "GPIO and the 40-pin header": a few pins that everybody knows, and all 28 GPIO once."""
    assert len(HEADER) == 40 and sorted(GPIO_AT) == list(range(28))
    known = {
        1: "3V3",
        2: "5V",
        3: "2",
        4: "5V",
        5: "3",
        6: "GND",
        8: "14",
        10: "15",
        17: "3V3",
        27: "0",
        28: "1",
        40: "21",
    }
    assert {place: HEADER[place - 1] for place in known} == known
    assert [place for place, what in enumerate(HEADER, 1) if what == "GND"] == [6, 9, 14, 20, 25, 30, 34, 39]


@pytest.mark.parametrize("name", names())
def test_every_pin_is_said_with_both_its_numbers(name: str) -> None:
    """BCM and physical, as one; supplies at pins that carry them."""
    said = read(name).said()
    for bcm, place in re.findall(r"GPIO (\d+) · chân (\d+)", said):
        assert GPIO_AT[int(bcm)] == int(place)
    for what, place in re.findall(r"(\+3,3 V|\+5 V|GND) · chân (\d+)", said):
        assert HEADER[int(place) - 1] == {"+3,3 V": "3V3", "+5 V": "5V", "GND": "GND"}[what]


@pytest.mark.parametrize("name", WIRED)
def test_the_raspberry_pi_on_a_sheet_has_the_pins_of_the_settings(name: str) -> None:
    """The terminals drawn, not only the words; the map shows them in black."""
    drawing = read(name)
    wired = {pin for part in drawing.parts if part.kind == "raspberry" for pin in part.pins if pin.startswith("GPIO")}
    assert wired == {f"GPIO{pin}" for pin in WIRED[name]}
    for pin in WIRED[name]:
        assert f"GPIO {pin} · chân {GPIO_AT[pin]}" in drawing.said()


def test_the_overview_lists_every_pin_of_the_settings() -> None:
    """One table for the whole post; the clock on its two pins."""
    words = [text.words for text in read("01-tong-quan").texts]
    listed = [(words[n], words[n + 1]) for n in range(len(words) - 1) if words[n].startswith("GPIO ")]
    wired = [GPIO["relay"]["pin"], *BUTTON.values(), *GPIO["lamps"].values(), *INPUT.values(), 2, 3]
    assert listed == [(f"GPIO {pin}", f"chân {GPIO_AT[pin]}") for pin in wired]


def test_the_relay_rests_on_both_sheets_from_power_on() -> None:
    """R10: active-high on a pin that is pulled down, active-low on one of the three that are pulled up and free."""
    assert GPIO["relay"]["pin"] > LAST_PULLED_UP
    assert LOW_PIN in REST_HIGH_PINS and LOW_PIN not in BUTTON.values()
    said = read("03-ro-le-muc-thap").said()
    assert f"pin = {LOW_PIN}" in said and "active_low = true" in said


@pytest.mark.parametrize("name", names())
def test_settings_printed_on_a_sheet_are_toml_and_true(name: str) -> None:
    """What an installer copies from paper is in the example, or is said to differ from it."""
    lines = [text.words for text in read(name).texts if re.match(r"\[\[?[a-z.]+\]\]?$|[a-z_]+ = ", text.words)]
    blocks = re.split(r"\n(?=\[)", "\n".join(lines))
    for block in (text for text in blocks if text.startswith("[")):
        table = tomllib.loads(block)
        if "gpio" in table and "inputs" in table["gpio"]:
            assert table["gpio"]["inputs"][0] in GPIO["inputs"]
        if "gpio" in table and "relay" in table["gpio"]:
            assert table["gpio"]["relay"] in (GPIO["relay"], {"pin": LOW_PIN, "active_low": True})
