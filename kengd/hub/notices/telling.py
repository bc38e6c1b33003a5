"""The door of the room: what happened goes in, folded notices go out to the people who want them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping

from kengd.hub.notices import apprise_channel
from kengd.hub.notices.folding import Folding
from kengd.hub.notices.hooks import Hooks
from kengd.hub.notices.sending import Deliver, Sender
from kengd.hub.notices.sms import Modem
from kengd.hub.notices.words import ChannelKind, Notice, Recipient, recipients_of


def deliverers(modem: Modem | None = None, hooks: Hooks | None = None) -> Mapping[ChannelKind, Deliver]:
    """How each kind of channel is served."""
    hooks = hooks or Hooks()
    return {
        "apprise": apprise_channel.deliver,
        "sms": (modem or Modem()).deliver,
        "webhook": hooks.webhook,
        "frigate": hooks.frigate,
    }


class Telling:
    """May be called from any thread. `people` answers from memory, never from a disk or a network: `tell` waits for it."""

    def __init__(
        self,
        sender: Sender,
        people: Callable[[], Iterable[Recipient]],
        folding: Folding | None = None,
        *,
        mono_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self._sender, self._people, self._mono_ms = sender, people, mono_ms
        self._folding = Folding() if folding is None else folding
        self._lock = threading.Lock()

    def tell(self, notice: Notice) -> None:
        """Something happened. Returns at once; whether anybody was reached is the sender's result."""
        with self._lock:
            self._send(self._folding.offer(notice, self._mono_ms()))

    def tick(self) -> None:
        """To be called every few seconds: tells the summaries that are due."""
        with self._lock:
            self._send(self._folding.due(self._mono_ms()))

    def stop(self) -> None:
        """Hands out what is folded, then stops the sender (which reports what it could not send)."""
        with self._lock:
            self._send(self._folding.rest())
        self._sender.stop()

    def _send(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            self._sender.post(notice, recipients_of(notice, self._people()))
