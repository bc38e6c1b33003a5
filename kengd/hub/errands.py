"""What this worker tells, kept in the ledger until all of it has gone out: a worker that is killed meanwhile leaves it to the next.

At least once: what a service took in the instant before the worker died may be told again; to whom that is known to have
happened it is not. A repeated SMS is better than none.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from kengd.hub.ledger import errands
from kengd.hub.ledger.errands import LEASE_MS, Errand
from kengd.hub.ledger.store import Ledger, Transaction
from kengd.hub.notices.words import Notice, Recipient
from kengd.hub.tidings import Tiding
from kengd.plain import from_plain, to_plain

RENEW_EVERY_MS: Final = LEASE_MS // 4


@dataclass(frozen=True, slots=True)
class Left:
    """What another worker has not finished. `made_ms`: when that one claimed it. `known`: (person, channel) → how often it has gone
    there already."""

    tiding: Tiding
    made_ms: int
    known: Mapping[tuple[str, str], int]

    def but_known(self, recipient: Recipient) -> Recipient:
        """This person, by the ways that it has not gone yet."""
        ways = Counter((recipient.id, channel.shown) for channel in recipient.channels)
        left = [
            channel
            for channel in recipient.channels
            if self.known.get((recipient.id, channel.shown), 0) < ways[recipient.id, channel.shown]
        ]
        return replace(recipient, channels=tuple(left))


class Errands:
    """Safe from any thread. `alone`: this is the ledger's only worker, so that what it finds at its start is of one that is dead.

    Each errand is counted: one for the telling itself and one for each message on its way; at nothing it is done.
    """

    def __init__(self, ledger: Ledger, wall_ms: Callable[[], int], *, alone: bool) -> None:
        self._ledger, self._wall_ms, self._alone = ledger, wall_ms, alone
        self._name = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._open: dict[str, int] = {}
        self._over: set[str] = set()
        self._began_s: dict[str, float] = {}
        self._renewed_ms = wall_ms()

    def begin(self, connection: Transaction, tidings: Iterable[Tiding], now_ms: int) -> None:
        """They are claimed in this transaction; after its commit each is `taken`."""
        said = {_name(tiding, now_ms): _said(tiding) for tiding in tidings if tiding.notice is not None}
        errands.begin(connection, self._name, said, now_ms)

    def taken(self, tiding: Tiding, now_ms: int) -> Tiding:
        """It is ours: with the errand's name on what is told. Ends with `drop`. `now_ms`: as at its beginning."""
        return self._ours(tiding, _name(tiding, now_ms))

    def hold(self, key: str, count: int) -> None:
        """So many messages more are on their way."""
        with self._lock:
            if key and count:
                self._over.discard(key)
                self._open[key] = self._open.get(key, 0) + count

    def drop(self, key: str) -> None:
        """One of them has arrived, or never will."""
        with self._lock:
            left = self._open.get(key, 0) - 1
            if left > 0:
                self._open[key] = left
            elif self._open.pop(key, None) is not None:
                self._over.add(key)

    def abandon(self, key: str) -> None:
        """We cannot tell it: when the lease is over another worker may try, or we ourselves after the next start."""
        with self._lock:
            self._open.pop(key, None)

    def turn(self, now_ms: int) -> None:
        """Strike what is done, and say that we are alive. Who has got what stands among the notices by then: should we die before, it
        is told to nobody again."""
        with self._lock:
            held, over = sorted(self._open), set(self._over)
        due = not 0 <= now_ms - self._renewed_ms < RENEW_EVERY_MS
        if not over and not (due and held):
            return
        with self._ledger.write() as connection:
            if over:
                errands.done(connection, self._name, over)
            if due and held:
                errands.renew(connection, self._name, held, now_ms)
        with self._lock:
            self._over -= over
        if due:
            self._renewed_ms = now_ms

    def left(self, now_ms: int) -> list[Left]:
        """What others have begun and will not end; taken by us."""
        lately = self._told_lately()
        with self._ledger.read() as connection:
            if not errands.is_any_left(connection, self._name, now_ms, alone=self._alone, but=lately):
                self._alone = False
                return []
        with self._ledger.write() as connection:
            found = errands.take(connection, self._name, now_ms, alone=self._alone, but=lately)
            known = {one.key: errands.gone_out(connection, one.key) for one in found}
        self._alone = False
        return [Left(self._ours(_tiding(one), one.key), one.made_ms, known[one.key]) for one in found]

    def _told_lately(self) -> list[str]:
        """What we ourselves have begun to tell within a lease, by a clock that nobody puts: a fellow whose own clock is minutes ahead
        takes it from us at once, and taken back each time everybody would be told again with each turn."""
        now_s = time.monotonic()
        with self._lock:
            self._began_s = {key: at_s for key, at_s in self._began_s.items() if now_s - at_s < LEASE_MS / 1000}
            return sorted(self._began_s)

    def _ours(self, tiding: Tiding, name: str) -> Tiding:
        if tiding.notice is None:
            return tiding
        with self._lock:
            self._began_s[name] = time.monotonic()
        self.hold(name, 1)
        return replace(tiding, notice=replace(tiding.notice, errand=name))

    def leave(self) -> None:
        """We end: whoever is there next may have them at once."""
        with self._ledger.write() as connection:
            errands.leave(connection, self._name)


def _said(tiding: Tiding) -> str:
    told = {"notice": to_plain(tiding.notice), "groups": list(tiding.groups), "to": tiding.to}
    return json.dumps(told, separators=(",", ":"))  # escaped: a post may name its condition by what no database holds


def _tiding(left: Errand) -> Tiding:
    told = json.loads(left.said)
    return Tiding(left.key, None, from_plain(Notice, told["notice"]), tuple(told["groups"]), told["to"])


def _name(tiding: Tiding, now_ms: int) -> str:
    """A post is lost and back many times; each telling has a name of its own."""
    return f"{tiding.key}@{now_ms}"
