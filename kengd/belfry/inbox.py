"""The one inbox of the deciding thread: pin events, the player's word, finished compilations, signals."""

from __future__ import annotations

import os
from collections import deque
from typing import Any


def new_id(size: int = 8) -> str:
    """Random hex of `size` bytes from the kernel, for triggers; `secrets` would cost a start 15 ms of imports."""
    return os.urandom(size).hex()


class Inbox:
    """Thread-safe and async-signal-safe enough: `post` appends and wakes the selector; it never blocks."""

    def __init__(self) -> None:
        self._events: deque[Any] = deque()
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """For selectors: readable when there is something."""
        return self._fd

    def post(self, event: Any) -> None:
        """From any thread."""
        self._events.append(event)
        try:
            os.eventfd_write(self._fd, 1)
        except (BlockingIOError, OSError):  # the counter is full: the reader is awake already; or closed at the end
            return

    def take(self) -> list[Any]:
        """All events posted so far, oldest first."""
        try:
            os.eventfd_read(self._fd)
        except BlockingIOError:
            pass
        taken = []
        while self._events:
            taken.append(self._events.popleft())
        return taken

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)
