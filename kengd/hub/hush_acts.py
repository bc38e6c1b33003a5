"""Stopping, and the lock that holds back what is new: refused to nobody, and never a village's own button (P13, H14)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kengd.hub.act_ground import LOCK, ActGround, Actor, Also, check_text, in_service, nothing
from kengd.hub.dispatching import Order
from kengd.hub.ledger import changes, dispatches, outbox, values
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ledger.store import TROUBLE, Transaction


class HushActs(ActGround):
    """Hushes and the lock. `also`: what is written with the act, see `act_ground.Also`."""

    def hush(
        self,
        actor: Actor,
        act_id: str,
        posts: Sequence[str],
        why: str | None,
        *,
        lock: bool = False,
        also: Also = nothing,
    ) -> Dispatch:
        """Stop the sound at these posts (is not an all-clear), each hush naming what sounds there; what has been ordered and not
        answered there is not sent again. `lock`: no new ring until `unlock` (a village's own button is never blocked).

        It goes out before it is written down; under an id that was another act's it gets one of its own. Raises KengdError
        `unknown_post`, `no_posts`, `bad_text`, `hush_unrecorded`.
        """
        chosen = in_service(self._roster(), posts)
        if why is not None:
            check_text(why, "lý do")
        try:
            with self._ledger.read() as connection:
                known = dispatches.sounding_at(connection, chosen)
        except TROUBLE:
            known = {}  # what the posts say of themselves must do
        named = self._sounding(chosen, known)

        def within(connection: Transaction) -> None:
            outbox.stop(connection, chosen, self._wall_ms())
            if lock:
                self._put_lock(connection, actor, why)
            also(connection)

        order = Order(act_id, "hush", chosen, actor.name, why, activations=named)
        done = self._dispatcher.dispatch(order, officer=actor.id, also=within)
        self._dispatcher.end_late()  # what waits for its moment at a post where something else sounds
        return done

    def lock(self, actor: Actor, why: str | None, also: Also = nothing) -> None:
        """No new rings until they are let again; for a hush that was said without it. `also`: only where there was no lock."""
        with self._ledger.write() as connection:
            if values.value_of(connection, LOCK) is None:
                self._put_lock(connection, actor, why)
                also(connection)

    def _put_lock(self, connection: Transaction, actor: Actor, why: str | None) -> None:
        facts = {"by": actor.name, "at_ms": self._wall_ms(), "why": why}
        values.put_value(connection, LOCK, json.dumps(facts, ensure_ascii=False))
        changes.note(connection, "hub", lock=True)

    def unlock(self, actor: Actor, also: Also = nothing) -> None:
        """New rings may be ordered again. `also`: only where there was a lock."""
        with self._ledger.write() as connection:
            lock = values.value_of(connection, LOCK)
            if lock is not None and values.swap(connection, LOCK, lock, None):
                changes.note(connection, "hub", lock=False)
                also(connection)

    def locked(self) -> dict[str, Any] | None:
        """By whom and since when, or None."""
        with self._ledger.read() as connection:
            said = values.value_of(connection, LOCK)
        return None if said is None else dict(json.loads(said))

    def _sounding(self, posts: Sequence[str], known: Mapping[str, tuple[str, int]]) -> dict[str, str]:
        """What sounds at each post: what it says itself now, or, where it says nothing, the newest that the book has heard of
        since. Where nothing is known the hush names nothing and ends what began before it (P13)."""
        named = {}
        seen, now_ms = self._seen(), self._wall_ms()
        for post in posts:
            name, heard_ms = known.get(post, (None, 0))
            item = seen.get(post)
            if item is not None and item.live and item.is_present(now_ms) and item.status is not None:
                sounding = item.status.sounding
                if sounding is not None:
                    name = sounding.activation
                elif item.status.at_ms - (item.ahead_ms or 0) > heard_ms:
                    name = None
            if name is not None:
                named[post] = name
        return named
