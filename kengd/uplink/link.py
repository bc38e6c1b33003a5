"""One connection being served: the lock around it, its poll loop, and writing from any thread without a wake-up."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections import deque
from collections.abc import Callable

from kengd.uplink.client import Connection

TICK_S = 0.5


class Link:
    """Serves one open `Connection`. One thread turns it; `flush` may be called from any.

    The lock is held around every read and write (TLS allows one at a time), never while `events` are carried out: these
    are noted by the connection's ears and may themselves send. Raises ConnectionError when the connection is not open.
    """

    def __init__(self, connection: Connection, events: deque[Callable[[], None]]) -> None:
        sock = connection.socket()
        if sock is None:
            raise ConnectionError("not open")
        self.connection = connection
        self._events = events
        self._io = threading.Lock()
        self._fd = sock.fileno()
        self._bell = threading.Lock()  # a closed number may already be another file's
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._writing = False
        self._poller = select.poll()
        self._poller.register(self._fd, select.POLLIN)
        self._poller.register(self._wake, select.POLLIN)

    def is_open(self) -> bool:
        """False once either end has hung up."""
        return self.connection.socket() is not None

    def flush(self) -> None:
        """Write now, in the caller's thread: waking the other thread first costs a switch and a turn of the GIL."""
        if self._io.acquire(blocking=False):
            try:
                rc = self.connection.loop_write()
            finally:
                self._io.release()
            if not rc and not self.connection.want_write():
                return
        self.ring()

    def ring(self) -> None:
        """Wake the turning thread."""
        with self._bell:
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)

    def turn(self) -> bool:
        """Write what waits, sleep until something happens or for one tick, read. True when bytes came."""
        connection = self.connection
        if connection.want_write():
            with self._io:
                connection.loop_write()
        if connection.want_write() != self._writing:
            self._writing = not self._writing
            self._poller.modify(self._fd, select.POLLIN | (select.POLLOUT if self._writing else 0))
        readable = False
        for ready, _ in self._poller.poll(TICK_S * 1000):
            if ready == self._wake:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._wake)
            else:
                readable = True
        return readable

    def read(self) -> None:
        """Read all that is there, one packet after the other, and carry out what it means at once."""
        more = True
        while more:
            with self._io:
                self.connection.loop_read()
                more = self.is_open() and self.connection.holds_bytes()
            while self._events:
                self._events.popleft()()

    def tend(self) -> None:
        """About twice a second: a ping when it is time."""
        with self._io:
            self.connection.loop_misc()

    def part(self) -> None:
        """Say DISCONNECT, so that the Last Will stays unsaid, and hang up."""
        with self._io:
            self.connection.disconnect()
            self.connection.loop_write()
        self.ring()

    def close(self) -> None:
        """Hang up without a word: the broker publishes the Last Will. Only by the turning thread."""
        with self._io:
            self.connection.hang_up()
        with self._bell:
            os.close(self._wake)
            self._wake = -1
