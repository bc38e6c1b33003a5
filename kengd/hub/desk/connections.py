"""Connections that ask for nothing take nobody's place: silent ones are closed, and under pressure the longest waiting first."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

MOST: Final = 512
"""Connections at once; a request on a further one is answered "busy" (503)."""
WAITING_MOST: Final = 256
"""Of them so many may have no whole request under way: browsers that keep theirs, and whoever opens them for mischief."""
HEAD_WITHIN_S: Final = 10.0
"""From the connection's beginning, or from the first byte of a further request. A request's head is a packet or two."""


class Connection(H11Protocol):
    """One connection; all of it happens in the event loop's thread. A stream that is being answered may last for ever."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.waits_since_s: float | None = None
        self._head_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Another one; the one that has waited longest makes room for it."""
        super().connection_made(transport)
        self.waits_since_s = self.loop.time()
        self._expect_head()
        waiting = [(one.waits_since_s, id(one), one) for one in self.connections if isinstance(one, Connection)]
        waiting = [item for item in waiting if item[0] is not None and not item[2].transport.is_closing()]
        if len(waiting) > WAITING_MOST:
            min(waiting)[2].transport.abort()

    def data_received(self, data: bytes) -> None:
        """A part of a request, or a whole one."""
        super().data_received(data)
        self._look()
        if not self._asked() and self._head_due is None:
            self._expect_head()

    def on_response_complete(self) -> None:
        """It waits again, for at most `timeout_keep_alive`."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is expected of it any more."""
        self._expect_nothing()
        super().connection_lost(exc)

    def _asked(self) -> bool:
        """The head of a request is here and its answer is not complete."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _look(self) -> None:
        if self._asked():
            self._expect_nothing()
        if self._asked() and not self.cycle.more_body:
            self.waits_since_s = None
        elif self.waits_since_s is None:
            self.waits_since_s = self.loop.time()

    def _expect_head(self) -> None:
        self._head_due = self.loop.call_later(HEAD_WITHIN_S, self._too_slow)

    def _expect_nothing(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _too_slow(self) -> None:
        self._head_due = None
        if not self._asked():
            self.transport.abort()
