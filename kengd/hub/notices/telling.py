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
    """May be called from any thread. `people` answers from memory, never from a disk or a network: `tell` waits for it.

    `hold(errand, n)`: so many messages of this errand are on their way from now on; `drop(errand)`: one of them is not any more,
    which for what was sent is known only with the sender's result. What is folded is held until its summary is sent.
    """

    def __init__(
        self,
        sender: Sender,
        people: Callable[[], Iterable[Recipient]],
        folding: Folding | None = None,
        *,
        hold: Callable[[str, int], None] = lambda _errand, _count: None,
        drop: Callable[[str], None] = lambda _errand: None,
        mono_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self._sender, self._people, self._mono_ms = sender, people, mono_ms
        self._folding = Folding() if folding is None else folding
        self._hold, self._drop = hold, drop
        self._lock = threading.Lock()

    def tell(self, notice: Notice, but_known: Callable[[Recipient], Recipient] = lambda person: person) -> None:
        """Something happened. Returns at once; whether anybody was reached is the sender's result. `but_known`: this person, by the
        ways by which it has not been told already."""
        with self._lock:
            now_ms = self._mono_ms()
            self._sum_up(self._folding.due(now_ms))
            before = self._folding.folded(notice)
            *summaries, last = self._folding.offer(notice, now_ms) or (None,)
            if last is notice:
                self._sum_up(summaries)
                self._send(notice, but_known)
                return
            self._hold(notice.errand, 1)
            if before is not None:
                self._drop(before.errand)

    def tick(self) -> None:
        """To be called every few seconds: tells the summaries that are due."""
        with self._lock:
            self._sum_up(self._folding.due(self._mono_ms()))

    def stop(self) -> None:
        """Hands out what is folded, then stops the sender (which reports what it could not send)."""
        with self._lock:
            self._sum_up(self._folding.rest())
        self._sender.stop()

    def _sum_up(self, summaries: Iterable[Notice | None]) -> None:
        for summary in summaries:
            if summary is not None:
                self._send(summary)
                self._drop(summary.errand)

    def _send(self, notice: Notice, but_known: Callable[[Recipient], Recipient] = lambda person: person) -> None:
        people = [but_known(person) for person in recipients_of(notice, self._people())]
        self._hold(notice.errand, sum(len(person.channels) for person in people))
        self._sender.post(notice, people)
