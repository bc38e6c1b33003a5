"""The player: walks a performance's edges at absolute deadlines, in a thread with real-time priority where allowed.

Whatever happens, the relay ends at rest: at the end, on a stop, on an exception, when this thread dies (P1, P2).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from kengd.duty.performance import Performance, step

log = logging.getLogger("kengd.player")
IDLE_WAIT_S = 1.0


class RelayArm(Protocol):
    """What the player moves."""

    def set(self, on: bool) -> int: ...
    def rest(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PlayerEnded:
    """The performance of this activation is over; `failed`: the relay raised, in these words."""

    activation: str
    failed: str | None = None


class Player:
    """Plays one performance at a time. `play`, `prolong` and `stop` may be called from any thread and return at once."""

    def __init__(
        self,
        relay: RelayArm,
        post: Callable[[PlayerEnded], None],
        *,
        longest_on_ms: int,
        real_time: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._relay = relay
        self._post = post
        self._longest_on_ms = longest_on_ms
        self._real_time = real_time
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._performance: Performance | None = None
        self._n = 0
        self._on_since_ms: float | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)
        self.has_real_time = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """False when the thread died; the watchdog then no longer gets fed."""
        return self._thread.is_alive()

    def play(self, performance: Performance) -> None:
        """Replace whatever is played. An edge that is due now is made before this returns: one wake-up less to the bell."""
        with self._changed:
            if self._on_since_ms is not None:
                self._set(False)
            self._performance = performance
            self._n = 0
            self._advance()
            self._changed.notify()

    def prolong(self, activation: str, until_ms: int) -> None:
        """The performance of this activation ends at `until_ms` (monotonic)."""
        with self._changed:
            if self._performance is not None and self._performance.activation == activation:
                self._performance = replace(self._performance, until_ms=until_ms)
                self._changed.notify()

    def stop(self, activation: str | None = None) -> None:
        """Relay to rest now. With a name, only if that activation is the one being played."""
        with self._changed:
            playing = self._performance
            if activation is not None and playing is not None and playing.activation != activation:
                return
            self._performance = None
            self._rest()

    def close(self) -> None:
        """Relay to rest and the thread ended."""
        with self._changed:
            self._closing = True
            self._performance = None
            self._rest()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        self.has_real_time = self._real_time()
        try:
            with self._changed:
                while not self._closing:
                    due_ms = self._advance()
                    wait_s = IDLE_WAIT_S
                    if due_ms is not None:
                        wait_s = min(wait_s, due_ms / 1000 - self._monotonic())
                    if wait_s > 0:
                        self._changed.wait(wait_s)
        finally:
            self._relay.rest()

    def _advance(self) -> float | None:
        """Do what is due; the monotonic ms of what comes next, or None when nothing is played."""
        while (performance := self._performance) is not None:
            now_ms = self._monotonic() * 1000
            upcoming = step(performance, self._n, int(now_ms), self._on_since_ms is not None)
            due_ms = float(upcoming.at_ms)
            if self._on_since_ms is not None:
                due_ms = min(due_ms, self._on_since_ms + self._longest_on_ms)
            if now_ms < due_ms:
                return due_ms
            if due_ms < upcoming.at_ms:  # a stroke at its limit, below the logic (P2)
                self._set(False)
            elif upcoming.last:
                self._end(performance)
            else:
                self._n = upcoming.n
                self._set(upcoming.on)
        return None

    def _set(self, on: bool) -> None:
        try:
            self._relay.set(on)
            self._on_since_ms = self._monotonic() * 1000 if on else None
        except Exception as error:
            log.exception("relay does not obey")
            self._end(self._performance, failed=f"{type(error).__name__}: {error}")

    def _end(self, performance: Performance | None, failed: str | None = None) -> None:
        self._performance = None
        self._rest()
        if performance is not None:
            self._post(PlayerEnded(performance.activation, failed))

    def _rest(self) -> None:
        self._on_since_ms = None
        self._relay.rest()
