"""One command to some posts: who needs a nonce, what is sent where, and which entries answer it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kengd.wire.addressing import Address, addresses, claims, expiry
from kengd.wire.command import SKEW_S
from kengd.wire.entry import Entry, from_json
from kengd.wire.signing import sign
from kengd.wire.status import Status, parse_status
from kengd.wire.topics import entry_topic, parse_topic, status_topic

STATUS_WITHIN_S = 1.0
"""Retained statuses come with the subscription; a post without one is sent to all the same."""
STATUS_EVERY_S = 60
LIFETIME_S = 60
"""Nothing that was typed at a shell and found nobody there may happen later."""
REPLAY_QUIET_S = 2.0

_LAST_WORDS = {
    "ring": frozenset({"ringing", "tested", "failed"}),
    "taken": frozenset({"received"}),
}
_ENDS = frozenset({"cut", "finished", "failed"})
_SETTLED = frozenset({"settings_changed"})


class Link(Protocol):
    """What is needed of the link to the broker."""

    def subscribe(self, topics: Sequence[str]) -> None:
        """Listen to these topics from now on."""
        ...

    def publish(self, topic: str, payload: bytes) -> None:
        """Say it at QoS 1."""
        ...

    def messages(self, timeout_s: float) -> Iterator[tuple[str, bytes, bool]]:
        """(topic, payload, retain) until `timeout_s` after this call."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An entry that answers the command, and its bytes as published."""

    post: str
    entry: Entry
    raw: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """A post that has not answered in time. `absent`: its status says that it is not there; `unseen`: the broker has none."""

    post: str
    absent: bool
    unseen: bool = False


class Round:
    """Sends one order to the posts and yields what they say to it."""

    def __init__(
        self,
        link: Link,
        commune: str,
        posts: Sequence[str],
        kid: str,
        key: Ed25519PrivateKey,
        *,
        wall_s: Callable[[], float],
        mono_s: Callable[[], float],
    ) -> None:
        """`wall_s`: unix s; `mono_s`: a monotonic clock in s."""
        self._link, self._commune, self._posts = link, commune, tuple(posts)
        self._kid, self._key = kid, key
        self._wall_s, self._mono_s = wall_s, mono_s
        self._statuses: dict[str, Status | str] = {}

    def run(self, cmd: dict[str, Any], timeout_s: float) -> Iterator[Answer | Outcome]:
        """Send `cmd`; yields each answer as it comes, at the end an Outcome for each post without a last word."""
        self._listen()
        ids = self._send(cmd)
        if cmd["do"] == "replay":
            yield from self._replayed(cmd, timeout_s)
            return
        silent = set(self._posts)
        still_sounding: dict[str, set[str]] = {}
        wait_s = timeout_s + max(0.0, cmd.get("at", 0) - self._wall_s())
        for answer in self._answers(wait_s):
            entry, hushed = answer.entry, still_sounding.get(answer.post, set())
            own = entry.command_id in ids or self._unread(entry)
            ended = entry.kind in _ENDS and entry.activation in hushed
            if not own and not ended:
                continue
            yield answer
            if ended and entry.activation is not None:
                hushed.discard(entry.activation)
            elif cmd["do"] == "hush" and entry.kind == "received":
                hushed = still_sounding[answer.post] = set((entry.detail or {}).get("ended", ()))
            if self._said_all(cmd["do"], entry, hushed):
                silent.discard(answer.post)
            if not silent:
                return
        for post in self._posts:
            if post in silent:
                yield self._unanswered(post)

    @staticmethod
    def _said_all(do: str, entry: Entry, hushed: set[str]) -> bool:
        """Is this the last word? Of a hush: when all that it named has ended."""
        if entry.kind == "refused":
            return True
        if do == "hush":
            return not hushed
        return entry.kind in _LAST_WORDS.get(do, _SETTLED)

    def _unanswered(self, post: str) -> Outcome:
        return Outcome(post, self._statuses.get(post) == "absent", unseen=post not in self._statuses)

    def _listen(self) -> None:
        """Subscribe to entries and statuses; wait a moment for what each post says of itself."""
        entries = [entry_topic(self._commune, post) for post in self._posts]
        statuses = [status_topic(self._commune, post) for post in self._posts]
        self._link.subscribe(entries + statuses)
        for topic, payload, _ in self._link.messages(STATUS_WITHIN_S):
            where = parse_topic(topic)
            if where is not None and where.leaf == "status":
                try:
                    self._statuses[where.post] = parse_status(payload)
                except ValueError:
                    continue
            if all(post in self._statuses for post in self._posts):
                return

    def _send(self, cmd: dict[str, Any]) -> set[str]:
        """Posts that need their nonce are addressed singly, the rest together. Returns the command ids."""
        nonces = {post: nonce for post in self._posts if (nonce := self._nonce(post)) is not None}
        return {self._publish(address, cmd) for address in addresses(self._commune, self._posts, nonces)}

    def _nonce(self, post: str) -> str | None:
        """Of a post with an untrusted clock, or one that is off: a status is at most a minute old."""
        status = self._statuses.get(post)
        if not isinstance(status, Status):
            return None
        ahead_s = status.at_ms / 1000 - self._wall_s()
        fits = status.clock != "untrusted" and -STATUS_EVERY_S - SKEW_S <= ahead_s <= SKEW_S
        return None if fits else status.nonce

    def _publish(self, address: Address, cmd: dict[str, Any]) -> str:
        now_s, jti = int(self._wall_s()), secrets.token_urlsafe(12)
        said = claims(self._commune, address, cmd, jti=jti, iat=now_s, exp=expiry(cmd, now_s, kept_s=LIFETIME_S))
        self._link.publish(address.topic(self._commune), sign(said, self._kid, self._key))
        return jti

    def _answers(self, wait_s: float) -> Iterator[Answer]:
        for topic, payload, _ in self._link.messages(wait_s):
            where = parse_topic(topic)
            if where is None or where.leaf != "entry":
                continue
            try:
                yield Answer(where.post, from_json(payload), payload)
            except ValueError:
                continue

    def _unread(self, entry: Entry) -> bool:
        """A post that cannot check our signature cannot name our command; it names the key that we claimed."""
        claimed = (entry.detail or {}).get("kid")
        return entry.reason in ("unknown_key", "bad_signature") and entry.command_id is None and claimed == self._kid

    def _replayed(self, cmd: dict[str, Any], timeout_s: float) -> Iterator[Answer | Outcome]:
        """A replay is answered by its entries alone: they are all there when none has come for a while."""
        answered: set[str] = set()
        deadline_s = self._mono_s() + timeout_s
        while (left_s := deadline_s - self._mono_s()) > 0:
            came = False
            for answer in self._answers(min(left_s, REPLAY_QUIET_S) if answered else left_s):
                if answer.entry.book == cmd["book"] and answer.entry.seq > cmd["after_seq"]:
                    answered.add(answer.post)
                    came = True
                    yield answer
                    break
            if not came:
                break
        for post in self._posts:
            if post not in answered:
                yield self._unanswered(post)
