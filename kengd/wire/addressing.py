"""To whom a command goes: many posts in one publish where the clock will do, one alone with its nonce where it will not. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kengd.wire.command import LARGE_PAYLOAD, SMALL_PAYLOAD, URGENT_LIFETIME_S
from kengd.wire.orders import LATEST_S
from kengd.wire.topics import all_command_topic, command_topic

ALARM_LIFETIME_S: Final = 60
KEPT_LIFETIME_S: Final = 86_400
"""What is neither a ring nor a hush may wait a day for a post that is away."""
_LARGE: Final = frozenset({"codebook", "timetable"})
_URGENT: Final = frozenset({"ring", "hush", "taken"})
MOST_AUDIENCE_BYTES: Final = SMALL_PAYLOAD - 1_900
"""What `by`, `why` (200 characters each, at most 4 bytes) and the other claims may need is kept free."""


@dataclass(frozen=True, slots=True)
class Address:
    """One publish. `nonce`: of the one post it is for, or None. `whole`: it says `{c}/*` instead of naming them."""

    posts: tuple[str, ...]
    nonce: str | None = None
    whole: bool = False

    def topic(self, commune: str) -> str:
        """One post has its own topic; several share the commune's."""
        return command_topic(commune, self.posts[0]) if len(self.posts) == 1 else all_command_topic(commune)

    def audience(self, commune: str) -> str | list[str]:
        """The claim `aud`."""
        if self.whole:
            return f"{commune}/*"
        named = [f"{commune}/{post}" for post in self.posts]
        return named[0] if len(named) == 1 else named


def addresses(
    commune: str,
    posts: Sequence[str],
    nonces: Mapping[str, str],
    *,
    everyone: bool = False,
    limit: int | None = None,
    cmd: Mapping[str, Any] | None = None,
) -> Iterator[Address]:
    """Who shares a publish with whom. `nonces`: those that have to be addressed alone, with their nonce.

    `everyone`: these are all posts of the commune, so that `{c}/*` may be said; not while one of them needs its nonce, since
    it would then be addressed twice. A longer list of names than fits is split. `limit`: at most so many names in one. `cmd`:
    what will be said, so that exactly its room is kept; without it there is room for any ring, hush, taken or silence.
    """
    most = MOST_AUDIENCE_BYTES if cmd is None else _room(commune, cmd)
    yield from (Address((post,), nonces[post]) for post in posts if post in nonces)
    together = [post for post in posts if post not in nonces]
    if everyone and not nonces and len(together) > 1:
        yield Address(tuple(together), whole=True)
        return
    room = most
    some: list[str] = []
    for post in together:
        needed = len(commune) + len(post) + 4  # the slash, two quotes, a comma
        if some and (needed > room or len(some) == limit):
            yield Address(tuple(some))
            some, room = [], most
        some.append(post)
        room -= needed
    if some:
        yield Address(tuple(some))


def _room(commune: str, cmd: Mapping[str, Any]) -> int:
    """Bytes for the names, beside the longest of everything else."""
    largest = LARGE_PAYLOAD if cmd["do"] in _LARGE else SMALL_PAYLOAD
    return largest - len(claims(commune, Address(()), cmd, jti="j" * 64, iat=LATEST_S, exp=LATEST_S))


def expiry(cmd: Mapping[str, Any], now_s: int, *, kept_s: int = KEPT_LIFETIME_S) -> int:
    """When this order made now ceases to count (unix s): a ring or hush a minute after its appointed time, at most 10 minutes
    from now; what changes a setting, `kept_s`."""
    if cmd["do"] not in _URGENT:
        return now_s + kept_s
    wait_s = max(0, (cmd.get("at") or now_s) - now_s)
    return now_s + min(URGENT_LIFETIME_S, wait_s + ALARM_LIFETIME_S)


def claims(commune: str, address: Address, cmd: Mapping[str, Any], *, jti: str, iat: int, exp: int) -> bytes:
    """The claims of DESIGN section 7 as they are signed. `iat`, `exp`: unix s."""
    said: dict[str, Any] = {
        "iss": f"hub:{commune}",
        "aud": address.audience(commune),
        "jti": jti,
        "iat": iat,
        "exp": exp,
        "cmd": dict(cmd),
    }
    if address.nonce is not None:
        said["nonce"] = address.nonce
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
