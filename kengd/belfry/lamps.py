"""The two lamps, lit as the deciding thread says. A lamp that cannot be lit never stops a bell."""

from __future__ import annotations

import logging
from typing import Any

from gpiozero.output_devices import DigitalOutputDevice

from kengd.duty.lamps import Blink, lit, next_change_ms
from kengd.settings.plan import LampPlan

log = logging.getLogger("kengd.lamps")


class Lamps:
    """KẺNG and CÔNG AN, where they are wired. No thread of its own and no error: `broken` names lamps that failed."""

    def __init__(self, plan: LampPlan, factory: Any) -> None:
        self.broken: set[str] = set()
        self._lit: dict[str, bool] = {}
        self._lamps: dict[str, Any] = {}
        for name, pin in (("bell", plan.bell), ("police", plan.police)):
            if pin is None:
                continue
            try:
                self._lamps[name] = DigitalOutputDevice(pin, initial_value=False, pin_factory=factory)
                self._lit[name] = False
            except Exception:
                log.exception("lamp %s on GPIO%d cannot be used", name, pin)
                self.broken.add(name)

    def show(self, bell: Blink, police: Blink, now_ms: int) -> int | None:
        """Light both lamps as these blinks say now; when to call again (monotonic ms; None: when a blink changes)."""
        wakes = [self._show(name, blink, now_ms) for name, blink in (("bell", bell), ("police", police))]
        return min((wake_ms for wake_ms in wakes if wake_ms is not None), default=None)

    def close(self) -> None:
        """Lamps off and pins given back."""
        for name, lamp in self._lamps.items():
            try:
                lamp.off()
                lamp.close()
            except Exception:
                log.exception("lamp %s could not be switched off", name)
        self._lamps.clear()

    def _show(self, name: str, blink: Blink, now_ms: int) -> int | None:
        lamp = self._lamps.get(name)
        if lamp is None:
            return None
        level = lit(blink, now_ms)
        try:
            if level != self._lit[name]:
                lamp.value = level
                self._lit[name] = level
                self.broken.discard(name)
        except Exception:
            if name not in self.broken:
                log.exception("lamp %s does not obey", name)
            self.broken.add(name)
        return next_change_ms(blink, now_ms)
