"""The lamp board: what the standing, the buttons and the news of an alarm mean for the two lamps."""

from __future__ import annotations

from kengd.belfry.lamps import Lamps
from kengd.belfry.sentry import Sentry
from kengd.belfry.tower import Tower
from kengd.duty import lamps
from kengd.duty.health import condition, lamp_fault


class LampBoard:
    """Shows; never decides. `wake_ms`: when a lamp changes by itself (monotonic ms), None = not.

    `bell`, `police`: what the lamps say now, also where none is wired (for `kengd status`).
    """

    def __init__(self, wired: Lamps, tower: Tower, sentry: Sentry, now_ms: int) -> None:
        self._wired = wired
        self._tower = tower
        self._sentry = sentry
        self._test_until_ms = now_ms + lamps.LAMP_TEST_MS
        self.wake_ms: int | None = None
        self.bell = self.police = lamps.LAMP_TEST

    def show(self, now_ms: int) -> None:
        """Light both lamps as things stand."""
        tower = self._tower
        sounding = tower.standing.sounding
        testing = now_ms < self._test_until_ms
        self.bell = lamps.bell_lamp(
            testing=testing,
            pressing=self._sentry.pressing,
            ringing=sounding is not None,
            press_again=now_ms < tower.news.press_again_until_ms,
            fault=lamp_fault(tower.shown),
        )
        about = None if sounding is None else sounding.id
        self.police = lamps.police_lamp(
            testing=testing,
            taken=tower.news.taken is not None and about in (None, tower.news.taken),
            reached=about is not None and tower.news.delivered == about,
            line_up=tower.line_up,
        )
        wakes = [self._wired.show(self.bell, self.police, now_ms), self._test_until_ms if testing else None]
        self.wake_ms = min((wake for wake in wakes if wake is not None), default=None)

    def look(self) -> None:
        """Once a second: a lamp that does not obey is a condition, no more."""
        for lamp in ("bell", "police"):
            if lamp in self._wired.broken:
                self._tower.conditions.begin(condition("lamp_failed", lamp))
            else:
                self._tower.conditions.end("lamp_failed", lamp)
