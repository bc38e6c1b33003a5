"""The office's loop: what the belfry says, what other threads post, and a tick, one after the other in one thread."""

from __future__ import annotations

import logging
import os
import selectors
import time
from collections import deque
from collections.abc import Callable

from kengd.intercom import Intercom

log = logging.getLogger("kengd.office")


class Loop:
    """Never waits for a disk. One piece of work that fails does not take the others down with it."""

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self._events: deque[Callable[[], None]] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closing = False

    def post(self, event: Callable[[], None]) -> None:
        """From any thread: do this in the loop."""
        self._events.append(event)
        os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """End after this turn."""
        self._closing = True

    def run(self, intercom: Intercom, hear: Callable[[], None], tick: Callable[[], None]) -> None:
        """Serve until `close`. `hear` when the belfry has said something; raises EOFError when it hung up."""
        selector = selectors.DefaultSelector()
        selector.register(intercom, selectors.EVENT_READ, hear)
        selector.register(self._wake, selectors.EVENT_READ, self._do_events)
        next_tick_s = 0.0
        while not self._closing:
            for key, _ in selector.select(max(0.0, next_tick_s - time.monotonic())):
                key.data()
            if time.monotonic() >= next_tick_s:
                next_tick_s = time.monotonic() + self._tick_s
                self._guarded(tick)

    def _do_events(self) -> None:
        os.eventfd_read(self._wake)
        while self._events:
            self._guarded(self._events.popleft())

    @staticmethod
    def _guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except EOFError:
            raise
        except Exception:
            log.exception("a piece of the office's work failed")
