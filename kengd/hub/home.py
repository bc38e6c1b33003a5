"""What Home Assistant is shown of the posts, when the settings say so: found by itself, repeated each minute, read-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from kengd.hub.dispatcher import Mouth
from kengd.hub.notices.homeassistant import HomePost, discovery, forget, state, state_topic
from kengd.hub.roster import Post, Roster, Seen

REPEAT_MS: Final = 60_000


class Home:
    """`turn` is called about once a second, by one thread. `last_rings`: post → unix ms of its last ring, read once."""

    def __init__(self, commune: str, prefix: str, mouth: Mouth, last_rings: Callable[[], Mapping[str, int]]) -> None:
        self._commune, self._prefix, self._mouth, self._read_rings = commune, prefix, mouth, last_rings
        self._rings: dict[str, int] | None = None
        self._new_line = False
        self._found: dict[str, bytes] = {}
        self._said: dict[str, tuple[bytes, int]] = {}

    def anew(self) -> None:
        """The line is new: the broker may have forgotten, everything is said again."""
        self._new_line = True

    def turn(self, roster: Roster, seen: Mapping[str, Seen], now_ms: int) -> None:
        """Say what is new, and after a minute what is not."""
        if self._rings is None:
            self._rings = dict(self._read_rings())
        if self._new_line:
            self._new_line = False
            self._found.clear()
            self._said.clear()
        for post in roster.posts:
            here = seen.get(post.id, Seen())
            if here.status is not None and here.status.sounding is not None:
                self._rings[post.id] = here.status.sounding.since_wall_ms
            self._find(post, roster, here)
            last_ms, status = self._rings.get(post.id), here.status
            said = state("absent", last_ms) if status is None or not here.is_present(now_ms) else state(status, last_ms)
            self._say(post.id, said, now_ms)
        for gone in set(self._found) - {post.id for post in roster.posts}:
            topic, nothing = forget(self._commune, gone, self._prefix)
            if self._mouth.publish(topic, nothing, retain=True) is not None:
                del self._found[gone]

    def _find(self, post: Post, roster: Roster, seen: Seen) -> None:
        names = [village.name for village in roster.villages if village.id in post.villages]
        version = seen.status.version if seen.status is not None else ""
        home = HomePost(self._commune, post.id, post.name, ", ".join(names), version, post.page or "")
        topic, payload = discovery(home, self._prefix)
        if self._found.get(post.id) != payload and self._mouth.publish(topic, payload, retain=True) is not None:
            self._found[post.id] = payload

    def _say(self, post: str, payload: bytes, now_ms: int) -> None:
        before, at_ms = self._said.get(post, (b"", 0))
        if payload == before and at_ms <= now_ms < at_ms + REPEAT_MS:
            return
        if self._mouth.publish(state_topic(self._commune, post), payload) is not None:
            self._said[post] = (payload, now_ms)
