"""The relay: claimed at rest, moved by the player alone, put to rest by anybody at any time (P1, P2, R9, R21)."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from gpiozero.output_devices import DigitalOutputDevice

from kengd.errors import KengdError
from kengd.settings.plan import RelayPlan

log = logging.getLogger("kengd.relay")

EDGES_KEPT = 10_000
GRACE_MS = 20
"""A stroke of exactly the longest time may end this late before it counts as overdue."""
LOCK_WAIT_S = 0.05

Edge = tuple[int, int, bool]


class Relay:
    """The arm that holds the hammer.

    The deepest guard of P2: the deciding thread calls `guard(now_ns)` on each of its turns and, while something is
    played, never sleeps for more than about 50 ms (or until `due_ns`). A stroke that outlived `longest_on_ms` is then
    ended here, whatever became of the player.
    """

    def __init__(
        self,
        plan: RelayPlan,
        factory: Any,
        *,
        longest_on_ms: int,
        edge_udp: int | None = None,
        clock_ns: Callable[[], int] = monotonic_ns,
    ) -> None:
        """Claims the pin at its resting level. Raises KengdError (`pin_busy`, `gpio_forbidden`) as the factory does."""
        self._plan = plan
        self._longest_on_ns = (longest_on_ms + GRACE_MS) * 1_000_000
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._ring: list[Edge | None] = [None] * EDGES_KEPT
        self._n = 0
        self._on = False
        self.stuck = False  # no way to rest worked at the last try
        self._edge_ns = clock_ns()
        self._udp = _udp(edge_udp)
        self._device = DigitalOutputDevice(
            plan.pin, active_high=not plan.active_low, initial_value=False, pin_factory=factory
        )
        self._pin = self._device.pin

    @property
    def on(self) -> bool:
        """The logical level that was last set."""
        return self._on

    @property
    def due_ns(self) -> int | None:
        """CLOCK_MONOTONIC ns from which the stroke under way is overdue; None at rest."""
        return self._edge_ns + self._longest_on_ns if self._on else None

    def set(self, on: bool) -> int:
        """Close or open the relay; does nothing if it is so already. CLOCK_MONOTONIC ns of the (last) edge.

        Raises KengdError `relay_failed` when the pin does not obey; the relay was then put to rest as far as possible.
        """
        with self._lock:
            if on == self._on:
                return self._edge_ns
            try:
                self._pin.state = on != self._plan.active_low
            except Exception as wrong:
                self._force_rest()
                raise KengdError(
                    "relay_failed",
                    f"rơ-le ở chân GPIO{self._plan.pin} không nhận lệnh ({type(wrong).__name__}: {wrong})",
                    cure="kiểm tra dây rơ-le rồi khởi động lại kengd",
                    en=f"relay on GPIO{self._plan.pin} does not obey: {type(wrong).__name__}: {wrong}",
                ) from wrong
            self._note(on)
            return self._edge_ns

    def rest(self) -> None:
        """Relay to rest, from any thread and state. Never raises nor waits long; writes even if it should be at rest.

        `stuck` afterwards: no way to rest worked (condition `relay_failed`).
        """
        held = self._lock.acquire(timeout=LOCK_WAIT_S)  # a thread that hangs in `set` must not keep us out
        try:
            self._force_rest()
        finally:
            if held:
                self._lock.release()

    def overdue(self, now_ns: int) -> bool:
        """Has the stroke under way outlived the bell's limit?"""
        due_ns = self.due_ns
        return due_ns is not None and now_ns >= due_ns

    def guard(self, now_ns: int) -> bool:
        """End an overdue stroke. True when there was one: a fault of the player, to be reported."""
        if not self.overdue(now_ns):
            return False
        log.error("stroke outlived the limit of the bell: relay put to rest by the guard")
        self.rest()
        return True

    def edges(self, after: int) -> tuple[Edge, ...]:
        """The logical edges (n, CLOCK_MONOTONIC ns, on) with n > `after`, oldest first; the last 10,000 are kept."""
        kept = self._ring.copy()  # one step under the interpreter lock: the player is not held up
        return tuple(sorted(edge for edge in kept if edge is not None and edge[0] > after))

    def close(self) -> None:
        """Relay to rest and the pin given back."""
        self.rest()
        try:
            self._device.close()
        except Exception:
            log.exception("relay pin could not be given back")
        if self._udp is not None:
            self._udp.close()

    def _note(self, on: bool) -> None:
        """An edge has just been made."""
        t_ns = self._clock_ns()
        if self._udp is not None:
            try:
                self._udp.send(b"1" if on else b"0")
            except OSError:  # nobody listens: that is nobody's business here
                pass
        self._n += 1
        self._ring[self._n % EDGES_KEPT] = (self._n, t_ns, on)
        self._edge_ns = t_ns
        self._on = on

    def _force_rest(self) -> None:
        rest_level = self._plan.active_low
        for way in (self._write_rest, self._write_rest, self._claim_rest, self._give_up_pin):
            try:
                way(rest_level)
            except Exception:
                log.exception("relay did not go to rest by %s", way.__name__)
            else:
                self.stuck = False
                break
        else:
            self.stuck = True
        if self._on:
            self._note(False)

    def _write_rest(self, level: bool) -> None:
        if not self._device.closed:
            self._pin.state = level

    def _claim_rest(self, level: bool) -> None:
        self._pin.output_with_state(level)

    def _give_up_pin(self, level: bool) -> None:
        self._pin.close()  # the kernel or the pull resistor takes it to rest (strict_gpiod, wiring sheet)


def _udp(port: int | None) -> socket.socket | None:
    if port is None:
        return None
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    sender.setblocking(False)
    sender.connect(("127.0.0.1", port))
    return sender
