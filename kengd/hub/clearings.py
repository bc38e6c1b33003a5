"""The all-clear that waits until a post has said that its alarm has ended (P4, H16)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from kengd.errors import KengdError
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import Order, State
from kengd.hub.incident_acts import part_of
from kengd.hub.ledger import dispatches, incidents, values
from kengd.hub.ledger.store import Ledger, Transaction
from kengd.hub.roster import Roster
from kengd.wire.orders import Unfit

log = logging.getLogger("kengd.hub")

CLEAR_AFTER_MS: Final = 10_000
"""A post that does not say that its alarm has ended is told the all-clear all the same."""


class _Given(Exception):
    """Another worker has done it just now."""


class Clearings:
    """What `IncidentActs.all_clear` has left to be done, under "clear:" among the ledger's values. Any worker may do it, and die."""

    def __init__(self, ledger: Ledger, dispatcher: Dispatcher, roster: Callable[[], Roster]) -> None:
        self._ledger, self._dispatcher, self._roster = ledger, dispatcher, roster
        self._failing: set[str] = set()

    def all_clears(self, now_ms: int) -> None:
        """Hết báo động goes to each post when its alarm has ended (P4), to the slow ones after a while all the same."""
        with self._ledger.read() as connection:
            waiting = values.under(connection, "clear:")
        for key, said in waiting.items():
            incident_id, facts = key.removeprefix("clear:"), json.loads(said)
            with self._ledger.read() as connection:
                sounded = incidents.sounded_of(connection, [incident_id])
                rings = dispatches.rings_of(connection, incident_id)
            sounding = {item.post for item in sounded if item.ended_ms is None}
            sounding |= {ring.post for ring in rings if ring.state is State.RINGING}
            late = not 0 <= now_ms - facts["at_ms"] < CLEAR_AFTER_MS
            ready = [post for post in facts["posts"] if late or post not in sounding]
            if not ready:
                continue
            try:
                self.give(key, said, incident_id, ready)
                self._failing.discard(key)
            except (KengdError, Unfit) as wrong:  # it stops nobody else's; said once, tried again
                if key not in self._failing:
                    log.error("the all-clear of %s: %s", incident_id, wrong)
                self._failing.add(key)

    def give(self, key: str, said: str, incident_id: str, ready: list[str]) -> None:
        """Each post once: what is left is kept with the dispatch, and only in the place of what was read."""
        facts: dict[str, Any] = json.loads(said)
        left = [post for post in facts["posts"] if post not in ready]

        def claim(connection: Transaction) -> None:
            if not values.swap(connection, key, said, json.dumps({**facts, "posts": left}) if left else None):
                raise _Given

        in_service = {post.id for post in self._roster().posts}
        posts = tuple(post for post in ready if post in in_service)
        if posts:
            act_id = part_of("clear", incident_id, facts["id"], len(left))
            order = Order(
                act_id, "ring", posts, facts["by"], "hết báo động", "all_clear", facts.get("purpose", "actual")
            )
            with suppress(_Given):
                self._dispatcher.dispatch(order, officer=facts["officer"], incident=incident_id, also=claim)
        with suppress(_Given), self._ledger.write() as connection:  # nobody to be told, or told by an earlier process
            claim(connection)
