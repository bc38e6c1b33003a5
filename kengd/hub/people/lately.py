"""Who was let in just now: remembered for some minutes, so that a sound can be stopped while the ledger is away (H8, H14)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kengd.hub.people.words import Caller

GOOD_FOR_MS: Final = 10 * 60_000
"""Another worker may have ended the device meanwhile; until then it can stop a sound, and nothing else."""


class Lately:
    """Callers by the digest of their secret, for any thread. At most `room`, the longest unseen is dropped first."""

    def __init__(self, room: int = 1_000) -> None:
        self._callers: OrderedDict[str, tuple[Caller, int]] = OrderedDict()
        self._room = room
        self._lock = threading.Lock()

    def keep(self, digest: str, caller: Caller, now_ms: int) -> Caller:
        """The ledger has just said so; the same caller."""
        with self._lock:
            self._callers[digest] = (caller, now_ms)
            self._callers.move_to_end(digest)
            while len(self._callers) > self._room:
                self._callers.popitem(last=False)
        return caller

    def find(self, digest: str, now_ms: int) -> Caller | None:
        """Who it was, if that is not long ago."""
        with self._lock:
            caller, at_ms = self._callers.get(digest, (None, 0))
        return caller if abs(now_ms - at_ms) < GOOD_FOR_MS else None

    def drop(self, digest: str) -> None:
        """The ledger does not know it any more."""
        with self._lock:
            self._callers.pop(digest, None)

    @contextmanager
    def without(self, officer_id: str) -> Iterator[None]:
        """Something of this officer's is being ended: nothing of theirs is remembered, before it nor from while it was done."""
        self._forget(officer_id)
        try:
            yield
        finally:
            self._forget(officer_id)

    def _forget(self, officer_id: str) -> None:
        with self._lock:
            for digest in [digest for digest, (caller, _) in self._callers.items() if caller.officer.id == officer_id]:
                del self._callers[digest]
