"""The belfry's end of the intercom: starts the office, says what is to be said, hears what it says. Nothing here waits.

What cannot be sent now is kept in order (records are in the spool anyway) and sent when the office reads.
"""

from __future__ import annotations

import logging
import selectors
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from kengd.belfry.attendant import Attendant
from kengd.duty.words import Stamped
from kengd.intercom import BelfryState, Hello, Intercom, Spooled

log = logging.getLogger("kengd.officeline")
MOST_AT_ONCE = 64
"""Messages taken in one go: a burst of commands must not keep a button waiting."""


class OfficeLine:
    """Speaks to whichever office there is just now.

    `hear(message)` for each message; `greeting()` gives what a new office is told first; `changed(up)` when an office
    answers for the first time, or is gone.
    """

    def __init__(
        self,
        attendant: Attendant,
        selector: selectors.BaseSelector,
        *,
        hear: Callable[[Any], None],
        greeting: Callable[[], tuple[Hello, Sequence[Stamped]]],
        changed: Callable[[bool], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._attendant = attendant
        self._selector = selector
        self._hear = hear
        self._greeting = greeting
        self._changed = changed
        self._now_ms = now_ms
        self._waiting: deque[Any] = deque()
        self._intercom: Intercom | None = None
        self._writing = False

    # ---- what is said

    def spooled(self, records: list[Stamped]) -> None:
        """New records are in the spool."""
        if records:
            self.say(Spooled(tuple(records)))

    def state(self, state: BelfryState) -> None:
        """The newest state replaces one that was not sent yet."""
        if self._waiting and isinstance(self._waiting[-1], BelfryState):
            self._waiting[-1] = state
        else:
            self.say(state)

    def say(self, *messages: Any) -> None:
        """Send now, or as soon as the office reads; forgotten when there is no office."""
        if self._intercom is not None:
            self._waiting.extend(messages)
            self._flush()

    # ---- the office's life

    def tend(self) -> bool:
        """Start, ping or end the office as it is due; greet a new one. True when it was greeted just now."""
        started = self._attendant.turn(self._now_ms())
        if self._intercom is not None and self._attendant.intercom is not self._intercom:
            self._gone()
        if not started or self._attendant.intercom is None:
            return False
        self._intercom = self._attendant.intercom
        self._selector.register(self._intercom, selectors.EVENT_READ, self.serve)
        hello, pending = self._greeting()
        self._waiting = deque([hello, *(Spooled((record,)) for record in pending)])
        self._flush()
        return True

    def serve(self) -> None:
        """The office can be read, or written to."""
        office = self._intercom
        if office is None:
            return
        if self._writing:
            self._flush()
        try:
            for _ in range(MOST_AT_ONCE):
                message = office.receive()
                if message is None:
                    break
                if not self._attendant.answered:
                    self._changed(True)
                self._attendant.heard(self._now_ms())
                self._hear(message)
        except (EOFError, OSError):
            self._attendant.gone(self._now_ms())
            self._gone()
        except (KeyError, ValueError, TypeError):
            log.exception("the office said something strange")

    def drain(self, pending: Callable[[], bool], patience_s: float) -> None:
        """Let the office write what was said last (a `cut` by shutdown) before it is hung up on."""
        deadline_s = time.monotonic() + patience_s
        while pending() and self._intercom is not None and self._attendant.answered and time.monotonic() < deadline_s:
            self._flush()
            for key, _ in self._selector.select(0.05):
                if key.fileobj is self._intercom:
                    self.serve()

    def stop(self, patience_s: float) -> None:
        """Hang up; the office ends by itself, or is ended."""
        self._forget()
        self._attendant.stop(patience_s)

    def _gone(self) -> None:
        self._forget()
        self._changed(False)

    def _forget(self) -> None:
        if self._intercom is not None:
            for key in list(self._selector.get_map().values()):
                if key.fileobj is self._intercom:
                    self._selector.unregister(key.fileobj)
        self._intercom = None
        self._writing = False
        self._waiting.clear()

    def _flush(self) -> None:
        if self._intercom is None:
            return
        try:
            while self._waiting and self._intercom.send(self._waiting[0]):
                self._waiting.popleft()
        except OSError:  # it is gone; the reading side notices and reports
            self._waiting.clear()
        if bool(self._waiting) != self._writing:
            self._writing = bool(self._waiting)
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._writing else 0)
            self._selector.modify(self._intercom, events, self.serve)
