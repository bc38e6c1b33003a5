"""What the hub does by itself, about once a second: repeats, calls, gaps in books, signed heads."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kengd.duty.standing import Sounding
from kengd.errors import KengdError
from kengd.hub import chains
from kengd.hub.act_ground import HUB, Actor
from kengd.hub.acts import Acts
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import Order
from kengd.hub.following import Began, Following, began_of
from kengd.hub.incident_acts import part_of
from kengd.hub.incidents import Incident
from kengd.hub.ledger import changes, incidents, merging, values
from kengd.hub.ledger import heads as signed_heads
from kengd.hub.ledger.merging import Head
from kengd.hub.ledger.store import Ledger, Transaction, is_away
from kengd.hub.roster import Roster, Seen

log = logging.getLogger("kengd.hub")

TURN_S: Final = 0.25
HEADS_EVERY_MS: Final = 60_000
BOOKS_EVERY_MS: Final = 1_000
MOST_ASKED, MOST_OF_POST = 20, 2
"""Books asked for in one turn, of all posts and of one: it may name as many as it likes, and the rest of the clockwork waits."""
LATE_MS: Final = 3_000
"""A status that took so much longer than others to reach us lay about on its way, or we slept: entries have passed it."""
FORGIVEN_MS: Final = 500
"""With each status: a clock that was put back at the post counts as late for some minutes only."""


class _Taken(Exception):
    """Somebody has done it just now: another worker, or an officer."""


class Clockwork:
    """One thread of each worker. Whatever is to be done once is claimed in the ledger, so that any of them may do it and any may die.

    `on_call(incident)`, `on_alarm(incidents)`: told after they are written. `also(now_ms)`: turned with the rest.
    """

    def __init__(
        self,
        ledger: Ledger,
        dispatcher: Dispatcher,
        acts: Acts,
        roster: Callable[[], Roster],
        seen: Callable[[], Mapping[str, Seen]],
        signing: Callable[[], tuple[str, Ed25519PrivateKey]],
        wall_ms: Callable[[], int],
        *,
        call_after_s: int,
        on_call: Callable[[Incident], None],
        following: Following,
        on_alarm: Callable[[list[str]], None],
        also: Sequence[Callable[[int], None]] = (),
    ) -> None:
        self._ledger, self._dispatcher, self._acts = ledger, dispatcher, acts
        self._roster, self._seen, self._signing, self._wall_ms = roster, seen, signing, wall_ms
        self._call_after_ms = call_after_s * 1000
        self._on_call, self._on_alarm = on_call, on_alarm
        self._following = following
        self._also = tuple(also)
        self._wake = threading.Event()
        self._stopping = False
        self._outbox_ms = self._books_ms = self._heads_ms = 0
        self._noted = threading.Lock()
        self._came: list[tuple[str, bool, int]] = []
        self._sounding: list[tuple[str, Sounding, int]] = []
        self._told: dict[str, Sounding] = {}
        self._heads: dict[str, Head] = {}
        self._ahead: dict[str, int] = {}
        self._failing: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="clockwork", daemon=True)

    def start(self) -> None:
        """Begin to turn."""
        self._thread.start()

    def hurry(self) -> None:
        """Something is due now."""
        self._outbox_ms = 0
        self._wake.set()

    def news(self, post: str, before: Seen, after: Seen, now_ms: int) -> None:
        """A post's status, from the line's thread: noted here, written with the next turn."""
        with self._noted:
            if before.present != after.present or before.heard_ms is None:
                self._came.append((post, after.present, now_ms))
                self._wake.set()
            status = after.status
            if status is not None and after.present and after.live:
                self._hear(post, status.sounding, now_ms)
            if status is not None and after.present and status is not before.status:
                live = after.live and not self._late(post, after.ahead_ms or 0)
                self._heads[post] = Head(post, status.book, status.seq, status.hash, after.heard_ms or now_ms, live)

    def _hear(self, post: str, sounding: Sounding | None, now_ms: int) -> None:
        """What sounds, told live. That a word of before has told it already does not count: nothing was begun for that one."""
        if sounding is None:
            self._told.pop(post, None)
        elif self._told.get(post) != sounding:
            self._told[post] = sounding
            self._sounding.append((post, sounding, now_ms))
            self._wake.set()

    def _late(self, post: str, ahead_ms: int) -> bool:
        """Against the quickest of late: what such a status does not name may have come since, to another worker, and is not gone."""
        quickest_ms = max(ahead_ms, self._ahead.get(post, ahead_ms) - FORGIVEN_MS)
        self._ahead[post] = quickest_ms
        return ahead_ms < quickest_ms - LATE_MS

    def stop(self) -> None:
        """End after this turn."""
        self._stopping = True
        self._wake.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        own = (self._presence, self._alarms, self._outbox, self._calls, self._books, self._sign_heads)
        while not self._stopping:
            for what in (*own, *self._also):
                self._try(what)
            self._wake.wait(TURN_S)
            self._wake.clear()

    def _try(self, what: Callable[[int], None]) -> None:
        """One part that fails must not stop the others; it is said once, not each second."""
        try:
            what(self._wall_ms())
            self._failing.discard(what.__name__)
        except Exception:
            if what.__name__ not in self._failing:
                log.exception("%s failed", what.__name__)
            self._failing.add(what.__name__)

    def _presence(self, _now_ms: int) -> None:
        """Who came and went; those that came are sent what they have not answered."""
        with self._noted:
            came, self._came = self._came, []
        if not came:
            return
        try:
            with self._ledger.write() as connection:
                new = values.note_presence(connection, came)
                if here := [post for post, present, _ in new if present]:
                    self._dispatcher.back(connection, here)
        except Exception:
            with self._noted:
                self._came = came + self._came
            raise
        self._outbox_ms = 0

    def _alarms(self, _now_ms: int) -> None:
        """Alarms that statuses tell of: their entries may wait behind thousands of older ones."""
        with self._noted:
            told, self._sounding = self._sounding, []
        news = [began_of(post, what, at_ms) for post, what, at_ms in told if self._following.concerns(post, what)]
        if not news:
            return
        try:
            begun = self._begin(news)
        except Exception:
            with self._noted:
                self._sounding = told + self._sounding
            raise
        self._on_alarm(begun)

    def _begin(self, news: Sequence[Began]) -> list[str]:
        """Together; and where that cannot be done each by itself, so that one post cannot hold up the alarms of the others."""
        try:
            with self._ledger.write() as connection:
                return self._following.begin(connection, news)
        except Exception as wrong:
            if is_away(wrong):
                raise
            if len(news) == 1:
                log.exception("the alarm that the status of %s tells of cannot be followed", news[0].post)
                return []
        return [incident for one in news for incident in self._begin([one])]

    def _outbox(self, now_ms: int) -> None:
        if now_ms < self._outbox_ms <= now_ms + 60_000:
            return
        _, self._outbox_ms = self._dispatcher.tend()

    def _calls(self, now_ms: int) -> None:
        """An alarm that nobody has taken: the next person, and the duty room's sounder, until somebody does (H6)."""
        with self._ledger.read() as connection:
            if not incidents.calls_due(connection, now_ms, self._call_after_ms):
                return
        with self._ledger.write() as connection:
            due = incidents.calls_due(connection, now_ms, self._call_after_ms)
            for incident in due:
                incidents.turn_came(connection, incident.id, now_ms + self._call_after_ms)
                changes.note(connection, "incident", incident=incident.id, turn=incident.turns + 1)
        for incident in due:
            self._on_call(incident)

    def _books(self, now_ms: int) -> None:
        """What is missing in a book is asked for again, from posts that are there."""
        if now_ms < self._books_ms <= now_ms + 60_000:
            return
        self._books_ms = now_ms + BOOKS_EVERY_MS
        with self._noted:
            heads, self._heads = self._heads, {}
        if self._dispatcher.others():
            return
        if heads:
            merging.heads_told(self._ledger, list(heads.values()), now_ms)
        with self._ledger.read() as connection:
            gaps = merging.gaps(connection)
        seen = self._seen()
        asked: Counter[str] = Counter()
        for chain in gaps:
            if chains.ask_from(chain, now_ms) is None or not seen.get(chain.post, Seen()).is_present(now_ms):
                continue
            if asked[chain.post] == MOST_OF_POST:
                continue
            if asked.total() == MOST_ASKED:
                break
            asked[chain.post] += 1
            with self._ledger.write() as connection:
                after = merging.ask(connection, chain.post, chain.book, now_ms)
            if after is not None:
                self._dispatcher.ask({"do": "replay", "book": chain.book, "after_seq": after}, chain.post)

    def _sign_heads(self, now_ms: int) -> None:
        """Heads of the chains, signed: whoever rewrites a post's book later would have to have our key too."""
        if now_ms < self._heads_ms <= now_ms + HEADS_EVERY_MS:
            return
        self._heads_ms = now_ms + HEADS_EVERY_MS
        kid, key = self._signing()
        with self._ledger.write() as connection:
            signed_heads.sign_grown(connection, kid, key, now_ms)

    def sounder(self, incident: Incident) -> None:
        """The duty room's own bells sound for an alarm that nobody has taken, also while new rings are locked."""
        posts = tuple(post.id for post in self._roster().posts if post.sounder)
        if posts:
            act = part_of("sounder", incident.id, incident.turns)
            order = Order(act, "ring", posts, HUB, "báo động chưa ai nhận", "alarm", incident.purpose)

            def untaken(connection: Transaction) -> None:
                now = incidents.find(connection, incident.id)
                if now is not None and (now.acknowledged_ms is not None or now.closed_ms is not None):
                    raise _Taken

            with suppress(_Taken):
                self._dispatcher.dispatch(order, incident=incident.id, also=untaken, although_locked=True)

    def neighbours(self, incident: Incident) -> None:
        """Villages that help by themselves (H13)."""
        try:
            self._acts.support(Actor(None, HUB), incident.id, part_of("support", incident.id), by_itself=True)
        except KengdError as wrong:
            # under the lock: they stay among the helpers, an officer may ask them when it is gone
            log.error("neighbours of %s: %s", incident.id, wrong)
