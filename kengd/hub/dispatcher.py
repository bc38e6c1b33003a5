"""From an officer's act to signed commands on the wire, repeated until each post has answered (R2, R47, STACK finding 7)."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kengd.errors import KengdError
from kengd.hub.dispatching import GRACE_MS, REPEAT_MS, Order, Target, alike
from kengd.hub.ledger import dispatches, outbox, values
from kengd.hub.ledger.dispatches import Command, Dispatch
from kengd.hub.ledger.outbox import STEPPED_MS
from kengd.hub.ledger.store import TROUBLE, Ledger, Transaction, trouble_in_words
from kengd.hub.order_rules import HUB, digest_of, fit, not_locked
from kengd.hub.roster import Seen, hub_clock_wrong
from kengd.wire.addressing import Address, addresses, claims, expiry
from kengd.wire.orders import read_order
from kengd.wire.signing import sign
from kengd.wire.topics import command_topic

log = logging.getLogger("kengd.hub")

AGAIN_MS = 500
"""While the line is down: look again this soon."""


class _Done(Exception):
    """Another worker has done it just now."""


class Mouth(Protocol):
    """The line to the broker, as a dispatch needs it: `uplink.session.Session`."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, flush: bool = True) -> int | None:
        """QoS 1; None while the line is down."""

    def flush(self) -> None:
        """Send what was only queued."""


class Dispatcher:
    """Safe from any thread. `signing` gives (kid, key) of the moment; `seen` what is known of each post. `others`: our line is down
    while another worker's is up, so that the sending is left to it."""

    def __init__(
        self,
        ledger: Ledger,
        commune: str,
        mouth: Mouth,
        signing: Callable[[], tuple[str, Ed25519PrivateKey]],
        seen: Callable[[], Mapping[str, Seen]],
        wall_ms: Callable[[], int],
        *,
        others: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ledger, self._commune, self._mouth = ledger, commune, mouth
        self._signing, self._seen, self._wall_ms = signing, seen, wall_ms
        self.others = others

    def dispatch(
        self,
        order: Order,
        *,
        officer: str | None = None,
        second: str | None = None,
        incident: str | None = None,
        repeats: str | None = None,
        everyone: bool = False,
        also: Callable[[Any], None] | None = None,
        although_locked: bool = False,
    ) -> Dispatch:
        """Keep it, sign it, send it. The same `order.id` again is the same act: nothing happens twice.

        `everyone`: `order.posts` are all posts of the commune. `also`: what has to be written in the same transaction.
        `although_locked`: the duty room's own sounder, which no village hears. A hush whose id is another act's gets one of its own.
        Raises KengdError `id_reused`, `locked`; Unfit when the order is none that a post would understand.
        """
        now_ms = self._wall_ms()
        act = Dispatch(
            order.id, order.do, order.by, now_ms, digest_of(order), order.signal, order.purpose, order.why, order.at_s,
            order.gap_s, officer, second, incident, repeats,
        )  # fmt: skip
        if order.do == "hush":
            order = fit(order)
            return self._hush(act, order, everyone, also)
        return self._keep(act, order, everyone, also, although_locked)

    def _keep(
        self,
        act: Dispatch,
        order: Order,
        everyone: bool,
        also: Callable[[Any], None] | None,
        although_locked: bool = False,
    ) -> Dispatch:
        """Kept first and said after."""
        now_ms = act.made_ms
        with self._ledger.write() as connection:
            if (known := _known(connection, act)) is not None:
                return known
            if order.do == "ring":
                dispatches.hold_rings(connection, alone=False)
                if not although_locked:
                    not_locked(connection, order)
            commands, targets = self._commands(order, now_ms, everyone)
            dispatches.create(connection, act, commands, targets)
            if also is not None:
                also(connection)
        taken = self._publish(commands)
        with self._ledger.write() as connection:
            self._note_sent(connection, commands, targets, taken)
        return act

    def _hush(self, act: Dispatch, order: Order, everyone: bool, also: Callable[[Any], None] | None) -> Dispatch:
        """Said first and kept after: a book that is full or slow must not keep a bell sounding. Said twice does no harm.

        Raises KengdError `hush_unrecorded` when it was said, once, and cannot be followed.
        """
        commands, targets = self._commands(order, act.made_ms, everyone)
        taken = self._publish(commands)
        try:
            with self._ledger.write() as connection:
                try:
                    known = _known(connection, act)
                except (
                    KengdError
                ):  # the id is another act's: this one was said all the same, and is followed under its own
                    act = replace(act, id=f"{act.id[:48]}-{act.digest.hex()[:12]}")
                    commands = [replace(command, dispatch=act.id) for command in commands]
                    targets = [replace(target, dispatch=act.id) for target in targets]
                    known = _known(connection, act)
                if known is not None:
                    return known
                dispatches.hold_rings(connection, alone=True)
                dispatches.hold_answers(connection)
                dispatches.create(connection, act, commands, targets)
                self._note_sent(connection, commands, targets, taken)
                if also is not None:
                    also(connection)
                dispatches.answered_early(connection, [command.jti for command in commands])
        except TROUBLE as wrong:
            log.error("a hush was said and cannot be kept: %s", trouble_in_words(wrong))
            raise KengdError(
                "hush_unrecorded",
                "đã phát lệnh dừng, nhưng máy trực ban không ghi được sổ nên không theo được từng điểm",
                cure="nghe và hỏi lại từng điểm; xem đĩa của máy trực ban",
                en="the hush was sent but cannot be recorded or followed",
            ) from wrong
        return act

    def end_late(self) -> None:
        """Rings that were stopped and came to their posts all the same: each is ended by a hush that names it and nothing else,
        since one without a name would end what a village has begun meanwhile. By whichever worker, once."""
        with self._ledger.read() as connection:
            late = values.under(connection, dispatches.LATE)
        for key, said in late.items():
            try:
                self._end_late(key, said)
            except _Done:
                continue

    def _end_late(self, key: str, said: str) -> None:
        facts = json.loads(said)
        post, name = str(facts["post"]), str(facts["name"])
        with self._ledger.read() as connection:
            ring = dispatches.find(connection, facts["dispatch"])

        def claim(connection: Transaction) -> None:
            if not values.swap(connection, key, said, None):
                raise _Done

        act_id = "late-" + hashlib.sha256(f"{key}\0{name}".encode()).hexdigest()[:24]
        order = Order(act_id, "hush", (post,), HUB, "lệnh phát đã bị dừng mà đến muộn", activations={post: name})
        act = Dispatch(
            act_id, "hush", HUB, self._wall_ms(), digest_of(order), why=order.why,
            incident=None if ring is None else ring.incident,
        )  # fmt: skip
        self._keep(act, fit(order), False, claim)
        with self._ledger.write() as connection:  # kept by an earlier process, which then died
            values.swap(connection, key, said, None)

    def ask(self, cmd: Mapping[str, Any], post: str) -> None:
        """An order that is followed nowhere (`replay`): sent once, to one post."""
        now_s = self._wall_ms() // 1000
        nonce = self._nonces([post]).get(post)
        kid, key = self._signing()
        said = claims(
            self._commune, Address((post,), nonce), cmd, jti=secrets.token_urlsafe(12), iat=now_s, exp=now_s + 600
        )
        self._mouth.publish(command_topic(self._commune, post), sign(said, kid, key))

    def tend(self) -> tuple[list[Target], int]:
        """Send again what is due, close what has lapsed: the targets that have, and when (unix ms) to look again."""
        self.end_late()
        now_ms = self._wall_ms()
        with self._ledger.read() as connection:
            next_ms = outbox.next_due_ms(connection)
        if next_ms is None:
            return [], now_ms + REPEAT_MS
        lapsed: list[Target] = []
        if not now_ms < next_ms <= now_ms + STEPPED_MS:
            with self._ledger.write() as connection:
                lapsed = outbox.lapse(connection, now_ms)
            if self.others():
                return lapsed, now_ms + AGAIN_MS
            with self._ledger.write() as connection:  # another transaction: what has lapsed is not held while we send
                for command, posts in outbox.due(connection, now_ms):
                    early = {target.post for target in dispatches.answered_early(connection, [command.jti])}
                    self._again(connection, command, [post for post in posts if post not in early], now_ms)
                next_ms = outbox.next_due_ms(connection) or now_ms + REPEAT_MS
            self._mouth.flush()
        return lapsed, next_ms

    def back(self, connection: Transaction, posts: Sequence[str]) -> None:
        """These posts have just come: what they have not answered goes to them with the next `tend`, of whichever worker."""
        outbox.hurry(connection, posts, self._wall_ms())

    def _commands(self, order: Order, now_ms: int, everyone: bool) -> tuple[list[Command], list[Target]]:
        kid, key = self._signing()
        now_s = now_ms // 1000
        nonces = self._nonces(order.posts)
        commands, targets = [], []
        told = alike(order, now_s)
        for cmd, posts in told:
            read_order(cmd)
            exp = expiry(cmd, now_s)
            for address in addresses(self._commune, posts, nonces, everyone=everyone and len(told) == 1, cmd=cmd):
                jti = secrets.token_urlsafe(12)
                jws = sign(claims(self._commune, address, cmd, jti=jti, iat=now_s, exp=exp), kid, key)
                topic = address.topic(self._commune)
                commands.append(Command(jti, order.id, topic, jws, exp * 1000, now_ms + REPEAT_MS))
                targets += [Target(order.id, post, jti, order.do, exp * 1000) for post in address.posts]
        return commands, targets

    def _nonces(self, posts: Sequence[str]) -> dict[str, str]:
        """Who has to be addressed alone; everybody, when it is our clock that is wrong (H22)."""
        seen = self._seen()
        wrong = hub_clock_wrong(seen.values(), self._wall_ms())
        return {
            post: item.status.nonce
            for post in posts
            if (item := seen.get(post)) is not None and item.status is not None and (wrong or item.needs_nonce())
        }

    def _publish(self, commands: Sequence[Command]) -> set[str]:
        """The ids of those that the line took."""
        taken = {
            command.jti
            for command in commands
            if self._mouth.publish(command.topic, command.jws, flush=False) is not None
        }
        self._mouth.flush()
        return taken

    def _note_sent(
        self, connection: Transaction, commands: Sequence[Command], targets: Sequence[Target], taken: set[str]
    ) -> None:
        now_ms = self._wall_ms()
        for command in commands:
            if command.jti in taken:
                posts = [target.post for target in targets if target.jti == command.jti]
                outbox.sent(connection, command.jti, posts, now_ms, now_ms + REPEAT_MS)
            else:
                outbox.put_off(connection, command.jti, now_ms + AGAIN_MS)

    def _again(self, connection: Any, command: Command, posts: Sequence[str], now_ms: int) -> None:
        """The same bytes, to the single topics of those that have not answered; once expired, it only waits for late answers."""
        lapses_ms = command.exp_ms + GRACE_MS + 1
        if now_ms >= command.exp_ms:
            outbox.put_off(connection, command.jti, lapses_ms)
            return
        taken = [
            post
            for post in posts
            if self._mouth.publish(command_topic(self._commune, post), command.jws, flush=False) is not None
        ]
        if taken:
            outbox.sent(connection, command.jti, taken, now_ms, min(now_ms + REPEAT_MS, lapses_ms))
        else:
            outbox.put_off(connection, command.jti, now_ms + AGAIN_MS)


def _known(connection: Transaction, act: Dispatch) -> Dispatch | None:
    """The same act, if it was done already."""
    return dispatches.find(connection, act.id) if dispatches.same_act(connection, act) else None
