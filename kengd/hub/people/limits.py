"""How often somebody may try a password or a PIN: a delay that grows, has a ceiling and is forgotten. Time is given.

Kept in memory, by each worker for itself: two of them allow twice the tries, 200 PINs of a million a day. To share them would be
a write into the ledger for each guess of a stranger, who could then fill its disk.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kengd.errors import KengdError

HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Rule:
    """`free` tries at once; then `first_ms`, doubled each time up to `most_ms`; after `forget_ms` without a try all is forgotten."""

    free: int
    first_ms: int
    most_ms: int
    forget_ms: int = 24 * HOUR_MS


NAME: Final = Rule(free=5, first_ms=1_000, most_ms=60_000)
"""Low ceiling: somebody else's tries must not keep an officer out for long."""
ADDRESS: Final = Rule(free=20, first_ms=1_000, most_ms=300_000)
PIN: Final = Rule(free=5, first_ms=2_000, most_ms=900_000)
"""A million PINs, at most a hundred tries a day."""


@dataclass(frozen=True, slots=True)
class Tries:
    """`count` tries, the last at `last_ms`."""

    count: int = 0
    last_ms: int = 0


def wait_ms(rule: Rule, tries: Tries, now_ms: int) -> int:
    """How long the next try has to wait; 0: it may be made now. Never more than `rule.most_ms`."""
    if tries.count < rule.free:
        return 0
    delay = min(rule.first_ms << min(tries.count - rule.free, 32), rule.most_ms)
    return max(0, delay - max(0, now_ms - tries.last_ms))


def as_of(rule: Rule, tries: Tries, now_ms: int) -> Tries:
    """The same tries seen from now: old ones are forgotten, and a clock that was put back does not make them last."""
    if now_ms - tries.last_ms >= rule.forget_ms:
        return Tries()
    return Tries(tries.count, min(tries.last_ms, now_ms))


def address_key(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 one, which a single line has to itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


class Wait(KengdError):
    """Too many tries. `wait_ms`: when the next may be made."""

    def __init__(self, wait_ms: int) -> None:
        """The sentence says how many seconds."""
        seconds = -(-wait_ms // 1000)
        super().__init__(
            "try_later",
            f"nhập sai nhiều lần, hãy chờ {seconds} giây",
            cure="chờ rồi nhập lại; máy đang đăng nhập sẵn vẫn dùng và dừng kẻng được",
            en=f"too many tries, wait {seconds} s",
        )
        self.wait_ms = wait_ms


class Limits:
    """Tries by key, for any thread. At most `room` keys are remembered, the longest unused is dropped first."""

    def __init__(self, room: int = 20_000) -> None:
        self._tries: OrderedDict[str, Tries] = OrderedDict()
        self._room = room
        self._lock = threading.Lock()

    def take(self, keys: Sequence[tuple[str, Rule]], now_ms: int) -> list[str]:
        """One try under all of these keys, counted before it is made, so that many at once are not one. Raises Wait.

        Returns the keys whose delay has just begun.
        """
        with self._lock:
            now = {key: as_of(rule, self._tries.get(key, Tries()), now_ms) for key, rule in keys}
            waiting = max((wait_ms(rule, now[key], now_ms) for key, rule in keys), default=0)
            for key, tries in now.items():
                self._keep(key, tries if waiting else Tries(tries.count + 1, now_ms))
            if waiting:
                raise Wait(waiting)
            return [key for key, rule in keys if now[key].count + 1 == rule.free]

    def forget(self, key: str) -> None:
        """It was right: all tries under this key are forgotten."""
        with self._lock:
            self._tries.pop(key, None)

    def give_back(self, key: str) -> None:
        """It was right: this one try does not count, earlier ones do (somebody's own sign-in must not wash an address clean)."""
        with self._lock:
            tries = self._tries.get(key)
            if tries is not None:
                self._keep(key, Tries(max(0, tries.count - 1), tries.last_ms))

    def _keep(self, key: str, tries: Tries) -> None:
        self._tries[key] = tries
        self._tries.move_to_end(key)
        while len(self._tries) > self._room:
            self._tries.popitem(last=False)
