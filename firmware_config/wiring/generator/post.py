"""The pins of a post, read from the example settings, and where they are on the header of a Raspberry Pi.

Header: Raspberry Pi documentation, "GPIO and the 40-pin header", the same on the 3, 4, 5 and Zero 2 W.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[3] / "deploy" / "kengd.example.toml"

_LEFT = "3V3 2 3 4 GND 17 27 22 3V3 10 9 11 GND 0 5 6 13 19 26 GND"
_RIGHT = "5V 5V GND 14 15 18 GND 23 24 GND 25 8 7 1 GND 12 GND 16 20 21"
HEADER = [what for row in zip(_LEFT.split(), _RIGHT.split(), strict=True) for what in row]
"""What is on physical pins 1 to 40: a supply or a BCM number."""

GPIO_AT = {int(what): place for place, what in enumerate(HEADER, 1) if what.isdigit()}
"""BCM number → physical pin."""


def example_text(text: str | None = None) -> str:
    """The example settings with its optional inputs in use: every `# [[gpio.inputs]]` table without its `#`."""
    lines, inside = [], False
    for line in (EXAMPLE.read_text(encoding="utf-8") if text is None else text).splitlines():
        inside = line == "# [[gpio.inputs]]" or (inside and re.match(r"# \w+ = ", line) is not None)
        lines.append(line[2:] if inside else line)
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Pins:
    """BCM numbers. `buttons`: what each does → pin; `inputs`: what each means → (pin, name, active_low)."""

    relay: int
    buttons: dict[str, int]
    bell_lamp: int
    police_lamp: int
    inputs: dict[str, tuple[int, str, bool]]

    def input_toml(self, means: str) -> list[str]:
        """The lines of the settings for this input."""
        pin, name, active_low = self.inputs[means]
        lines = ["[[gpio.inputs]]", f'name = "{name}"', f"pin = {pin}", f'means = "{means}"']
        return lines if active_low else [*lines, "active_low = false"]


def pins() -> Pins:
    """As the example has them."""
    gpio: dict[str, Any] = tomllib.loads(example_text())["gpio"]
    return Pins(
        relay=gpio["relay"]["pin"],
        buttons={button["does"]: button["pin"] for button in gpio["buttons"]},
        bell_lamp=gpio["lamps"]["bell"],
        police_lamp=gpio["lamps"]["police"],
        inputs={item["means"]: (item["pin"], item["name"], item.get("active_low", True)) for item in gpio["inputs"]},
    )
