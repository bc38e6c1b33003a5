"""What each pin of the post is for, and how it should rest before kengd runs. BCM numbers.

Pulls at reset: GPIO 0–8 up, 9–27 down (BCM2835 ARM Peripherals, table 6-31; pinctrl in raspberrypi/utils; the Pi 5's RP1 likewise).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kengd.settings.plan import BelfryPlan

Kind = Literal["relay", "button", "input", "lamp"]

PULLED_UP_AT_RESET = frozenset(range(9))
FORBIDDEN = {
    0: "bộ nhớ của bo mạch cắm thêm", 1: "bộ nhớ của bo mạch cắm thêm", 2: "I2C (có điện trở kéo lên 1,8 kΩ)",
    3: "I2C (có điện trở kéo lên 1,8 kΩ)", 7: "SPI", 8: "SPI", 14: "cổng nối tiếp (phát dữ liệu lúc khởi động)",
}  # fmt: skip
"""Where no relay may be, and what for: these pins move while the machine boots."""
RISKY = {9: "SPI", 10: "SPI", 11: "SPI", 15: "cổng nối tiếp"}
"""A relay there is jerked as soon as somebody switches this on."""


@dataclass(frozen=True, slots=True)
class Use:
    """One wired pin. `gpio`: the attributes its line in config.txt should have; `vi`, `en`: its name for people."""

    pin: int
    kind: Kind
    vi: str
    en: str
    gpio: str

    @property
    def rests_high(self) -> bool:
        """The level at which nothing happens."""
        return self.gpio in ("op,dh", "ip,pu")


def uses(plan: BelfryPlan) -> tuple[Use, ...]:
    """Every pin of the settings: the relay, buttons, inputs, lamps."""
    found = [Use(plan.relay.pin, "relay", "rơ-le", "relay", "op,dh" if plan.relay.active_low else "op,dl")]
    found += [
        Use(button.pin, "button", f'nút "{button.name}"', f"button {button.name}", "ip,pu") for button in plan.buttons
    ]
    found += [
        Use(
            sensor.pin,
            "input",
            f'đầu vào "{sensor.name}"',
            f"input {sensor.name}",
            "ip,pu" if sensor.active_low else "ip,pd",
        )
        for sensor in plan.inputs
    ]
    lamps = (("KẺNG", "bell", plan.lamps.bell), ("CÔNG AN", "police", plan.lamps.police))
    found += [Use(pin, "lamp", f"đèn {vi}", f"lamp {en}", "op,dl") for vi, en, pin in lamps if pin is not None]
    return tuple(found)
