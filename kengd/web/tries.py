"""How often PINs may be tried at a post: delays that grow, have a ceiling and are forgotten. Pure: time is given.

A million PINs, and whoever is on the village's Wi-Fi can try. All strangers together wait for one delay, so that many addresses
are no more than one; but the first tries of an address pass it by, so that a villager who guesses does not shut out the keeper
with a new phone. Those first tries are counted too, or many addresses would again be many. A device on which a keeper was signed in
before has a delay of its own, which nobody else can use up; a keeper may guess another's PIN too, so his own right one takes back
nothing but itself, and a further device of his begins with his wrong tries. Buttons, relay and the sign-ins that there are wait for
nothing of this.

What all together and each keeper have used up outlives a restart (`kept`), or pulling the plug would bring seventy guesses a minute.
It is a kilobyte, written after a wrong try alone, and the delays allow a few hundred of those a day: no more than the book itself
writes to the card. What each address has used up is forgotten: without first shares it waits for the delay of all.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from kengd.duty.words import Instant

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Rule:
    """`free` wrong tries at once; then `first_ms`, doubled each time up to `most_ms`. A day without a try: all is forgotten."""

    free: int
    first_ms: int
    most_ms: int


ADDRESS: Final = Rule(free=5, first_ms=2_000, most_ms=900_000)
"""One address, or one known device."""
ALL: Final = Rule(free=10, first_ms=2_000, most_ms=900_000)
FIRST_SHARE: Final = 3
"""So many tries of an address do not wait for the others …"""
FIRST_SHARES: Final = 60
"""… as long as so many of them were not used up by all addresses within a day."""
MOST_KEPT: Final = 1_000


@dataclass(slots=True)
class _Tries:
    count: int = 0
    last_ms: int = 0


class Tries:
    """Not thread-safe: one try is judged at a time. `now_ms`: monotonic."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, _Tries] = OrderedDict()
        self._all = _Tries()
        self._shares: list[int] = []
        self._before: tuple[str, _Tries] = ("", _Tries())

    def wait_ms(self, address: str, known: str | None, now_ms: int) -> int:
        """How long this try has to wait; 0: it may be made now. `known`: `key_of` the device, if it has a keeper."""
        own = _wait(ADDRESS, self._seen(known or address, now_ms), now_ms)
        if known is not None or self._first_share(address, now_ms):
            return own
        return max(own, _wait(ALL, _forgotten(self._all, now_ms), now_ms))

    def count(self, address: str, known: str | None, now_ms: int) -> None:
        """A try is being made: counted before it is known whether it is right, so that many at once are not one."""
        if known is None and self._first_share(address, now_ms):
            self._shares = [at for at in self._shares if now_ms - at < DAY_MS] + [now_ms]
        elif known is None:
            self._all = _Tries(_forgotten(self._all, now_ms).count + 1, now_ms)
        key = known or address
        self._before = (key, self._seen(key, now_ms))
        self._of[key] = _Tries(self._before[1].count + 1, now_ms)
        self._of.move_to_end(key)
        while len(self._of) > MOST_KEPT:
            self._of.popitem(last=False)

    def right(self) -> None:
        """The try that was counted last was right: it alone is taken back. A keeper's sign-in washes nobody clean, nor himself."""
        key, before = self._before
        self._of[key] = before

    def begin(self, keeper: str, known: str, now_ms: int) -> None:
        """A new device of this keeper has the wrong tries of his others, or he would get a new one for each few guesses."""
        others = [self._seen(key, now_ms) for key in self._of if key.startswith(key_of(keeper, ""))]
        self._of[known] = max(others, key=lambda one: one.count, default=_Tries())

    # ---- over a restart

    def kept(self, now: Instant) -> str:
        """To be remembered: for `take_up`."""
        behind_ms = now.wall_ms - now.mono_ms

        def plain(tries: _Tries) -> list[int]:
            return [tries.count, tries.last_ms + behind_ms]

        keepers: dict[str, _Tries] = {}
        for key in self._of:
            keeper, known, _ = key.partition("\0")
            if known:
                keepers[keeper] = max(
                    keepers.get(keeper, _Tries()), self._seen(key, now.mono_ms), key=lambda one: one.count
                )
        return json.dumps({
            "all": plain(_forgotten(self._all, now.mono_ms)),
            "first": [at + behind_ms for at in self._shares],
            "keepers": {keeper: plain(tries) for keeper, tries in keepers.items() if tries.count},
        }, ensure_ascii=False)  # fmt: skip

    def take_up(self, text: str, now: Instant) -> None:
        """What was kept before a restart, in place of what there is. A wall clock that has gone back since makes nothing older;
        a text that says nothing is none."""

        def at_ms(wall_ms: int) -> int:
            return min(wall_ms, now.wall_ms) - now.wall_ms + now.mono_ms

        try:
            found = json.loads(text)
            count, last_ms = found["all"]
            everybody = _Tries(int(count), at_ms(int(last_ms)))
            shares = [at_ms(int(wall_ms)) for wall_ms in found["first"]]
            keepers = {str(one): _Tries(int(n), at_ms(int(last))) for one, (n, last) in found["keepers"].items()}
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return
        self._all, self._shares = everybody, shares
        self._of = OrderedDict((key_of(keeper, ""), tries) for keeper, tries in keepers.items())

    def _first_share(self, address: str, now_ms: int) -> bool:
        spent = sum(now_ms - at < DAY_MS for at in self._shares)
        return self._seen(address, now_ms).count < FIRST_SHARE and spent < FIRST_SHARES

    def _seen(self, key: str, now_ms: int) -> _Tries:
        """A device of a keeper of which nothing is known since the restart has what was kept of him."""
        keeper, known, _ = key.partition("\0")
        kept = self._of.get(key_of(keeper, "")) if known else None
        return _forgotten(self._of.get(key) or kept or _Tries(), now_ms)


def key_of(keeper: str, device: str) -> str:
    """As what a known device is counted."""
    return f"{keeper}\0{device}"


def _forgotten(tries: _Tries, now_ms: int) -> _Tries:
    return _Tries() if now_ms - tries.last_ms >= DAY_MS else tries


def _wait(rule: Rule, tries: _Tries, now_ms: int) -> int:
    if tries.count < rule.free:
        return 0
    delay = min(rule.first_ms << min(tries.count - rule.free, 20), rule.most_ms)
    return max(0, tries.last_ms + delay - now_ms)
