"""The post's line to the hub: hears commands, publishes its status (retained) and its entries (DESIGN section 7)."""

from __future__ import annotations

import random
from collections.abc import Callable

from kengd.uplink.line import Inbound, LineSettings
from kengd.uplink.session import Session


class PostSession(Session):
    """The session of one post. `will`: the status that the broker publishes when the post is gone without a word."""

    def __init__(
        self,
        settings: LineSettings,
        on_command: Callable[[Inbound], None],
        on_state: Callable[[bool], None],
        will: bytes,
        *,
        on_published: Callable[[int, int], None] | None = None,
        on_thread: Callable[[], None] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._status_topic, self._entry_topic = settings.status_topic, settings.entry_topic
        last_will = (settings.status_topic, will)
        super().__init__(
            settings, on_command, on_state, last_will, on_published=on_published, on_thread=on_thread, jitter=jitter
        )

    def publish_status(self, payload: bytes) -> None:
        """While the line is down the newest is kept and sent first when it is up again."""
        self.publish_kept(self._status_topic, payload)

    def publish_entry(self, payload: bytes, *, flush: bool = True) -> int | None:
        """As `publish`."""
        return self.publish(self._entry_topic, payload, flush=flush)

    def leave(self, absent: bytes) -> None:
        """Publish `absent` as the status and `stop`."""
        self.stop((self._status_topic, absent))
