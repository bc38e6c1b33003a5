"""Who is told of changes as they happen: few places, and nobody's pages take them all. Thread-safe; no time, no network."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Final

from kengd.errors import KengdError

MOST: Final = 12
"""Pages at once; a small computer has more to do."""
EACH: Final = 3
"""Of one device; its next one ends its oldest."""


@dataclass(eq=False, slots=True)
class Place:
    """One page's. `ended`: it has to go, another one is here instead."""

    keeper: str
    device: str
    ended: bool = False


class Listeners:
    """The places, the oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: list[Place] = []

    def enter(self, keeper: str, device: str) -> Place:
        """A place, if need be that of the keeper with the most pages. Raises KengdError `too_many_listeners`."""
        with self._lock:
            staying = [one for one in self._places if not one.ended]
            own = [one for one in staying if one.device == device]
            if len(own) >= EACH:
                gives = own[0]
            elif len(staying) >= MOST:
                pages = Counter(one.keeper for one in staying)
                gives = max(staying, key=lambda one: pages[one.keeper])  # of several the oldest
                if pages[gives.keeper] <= pages[keeper] + 1:
                    raise _too_many()
            else:
                gives = None
            if len(self._places) >= MOST + EACH:  # those that were told to go are still here
                raise _too_many()
            if gives is not None:
                gives.ended = True
            place = Place(keeper, device)
            self._places.append(place)
            return place

    def leave(self, place: Place) -> None:
        """However its line ended."""
        with self._lock:
            self._places.remove(place)


def _too_many() -> KengdError:
    return KengdError(
        "too_many_listeners", "quá nhiều trang đang mở", cure="đóng bớt trang", en="too many pages are open"
    )
