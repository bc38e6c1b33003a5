"""The belfry's end of the intercom: what is still to be said to the office, and what the office says.

Nothing here waits. What cannot be sent now is kept in order (records are in the spool anyway) and sent when the office reads.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from kengd.duty.words import Stamped
from kengd.intercom import BelfryState, Hello, Intercom, Spooled

log = logging.getLogger("kengd.officeline")


class OfficeLine:
    """Speaks to whichever office there is just now. `watch(wants_to_write)` is called when that changes."""

    def __init__(self, watch: Callable[[bool], None]) -> None:
        self._watch = watch
        self._waiting: deque[Any] = deque()
        self._intercom: Intercom | None = None

    def connect(self, intercom: Intercom, hello: Hello, pending: Sequence[Stamped]) -> None:
        """A new office: greet it and give it everything the book does not have yet."""
        self._intercom = intercom
        self._waiting = deque([hello, *(Spooled(record) for record in pending)])
        self.flush()

    def disconnect(self) -> None:
        """There is no office just now; records stay in the spool."""
        self._intercom = None
        self._waiting.clear()

    def spooled(self, records: list[Stamped]) -> None:
        """New records are in the spool."""
        self.say(*(Spooled(record) for record in records))

    def state(self, state: BelfryState) -> None:
        """The newest state replaces one that was not sent yet."""
        if self._waiting and isinstance(self._waiting[-1], BelfryState):
            self._waiting[-1] = state
        else:
            self.say(state)

    def say(self, *messages: Any) -> None:
        """Send now, or as soon as the office reads; forgotten when there is no office."""
        if self._intercom is None:
            return
        self._waiting.extend(messages)
        self.flush()

    def flush(self) -> None:
        """Send what fits."""
        if self._intercom is None:
            return
        try:
            while self._waiting and self._intercom.send(self._waiting[0]):
                self._waiting.popleft()
        except OSError:  # it is gone; the reading side will notice and report
            self._waiting.clear()
        self._watch(bool(self._waiting))
