"""The bulletin: the post's retained status. Published at once on change and every 60 s; costs the disk nothing (P9)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from kengd import __version__
from kengd.duty.health import Condition, visible
from kengd.duty.standing import Sounding
from kengd.duty.words import ClockTrust, Instant
from kengd.journal.batch import Head
from kengd.wire.freshness import Nonces
from kengd.wire.status import Status, build_status

EVERY_MS = 60_000
HEAD_ALONE_MS = 1_000
"""When only the book's head moved, the status waits this long, so that a burst of entries is one status."""
HEAD_SOUNDING_MS = 200
"""While something sounds: a press that joined is in the book and nowhere else in the status. What the hub is then told carries a new
nonce, so that a hush of whoever was told reaches it: under an untrusted clock an order is as old as its nonce (P13)."""


class Bulletin:
    """Collects what the status says; `publish(bytes)` goes to the line. Any thread may call."""

    def __init__(self, nonces: Nonces, publish: Callable[[bytes], None], random16: Callable[[], bytes]) -> None:
        self._publish = publish
        self._random16 = random16
        self._lock = threading.Lock()
        self.nonces = nonces
        self._belfry: tuple[Sounding | None, tuple[Condition, ...], int] = (None, (), 0)
        self._own: dict[tuple[str, str | None], Condition] = {}
        self._head = Head("", 0, "0" * 64)
        self.clock: ClockTrust = "untrusted"
        self.codebook_version = 0
        self.timetable_version = 0
        self._last: Status | None = None
        self._published_ms = -EVERY_MS

    @property
    def sounding(self) -> Sounding | None:
        """What the belfry last said it sounds."""
        return self._belfry[0]

    @property
    def silenced_until_s(self) -> int:
        """Until when routine rings are held back (unix s; 0 = not)."""
        return self._belfry[2]

    @property
    def own_conditions(self) -> tuple[Condition, ...]:
        """What ails the office."""
        return tuple(self._own.values())

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All that is shown, symptoms hidden."""
        return visible((*self._belfry[1], *self._own.values()))

    @property
    def head(self) -> Head:
        """The newest entry."""
        return self._head

    def belfry_says(self, sounding: Sounding | None, conditions: tuple[Condition, ...], silenced_until_s: int) -> None:
        """A new state of the belfry."""
        self._belfry = (sounding, conditions, silenced_until_s)

    def ail(self, condition: Condition) -> bool:
        """An office condition holds; True when that is new."""
        key = (condition.code, condition.subject)
        new = key not in self._own
        self._own[key] = condition
        return new

    def recover(self, code: str, subject: str | None = None) -> Condition | None:
        """An office condition ended; the condition if it held."""
        return self._own.pop((code, subject), None)

    def wrote(self, head: Head) -> None:
        """The book has a new head."""
        self._head = head

    def post(self, now: Instant, *, again: bool = False) -> None:
        """Publish if something changed, if it is time, or `again` (the line is new)."""
        with self._lock:
            if self.nonces.due(now.mono_ms):
                self.nonces = self.nonces.renew(self._random16(), now.mono_ms)
            status = self._status(now)
            last = self._last
            age_ms = now.mono_ms - self._published_ms
            if not again and last is not None and age_ms < EVERY_MS:
                same_but_head = (
                    status.sounding == last.sounding  # first: what begins to sound is in a hurry
                    and replace(status, at_ms=last.at_ms, seq=last.seq, hash=last.hash) == last
                )
                wait_ms = HEAD_ALONE_MS if status.sounding is None else HEAD_SOUNDING_MS
                if same_but_head and (status.seq == last.seq or age_ms < wait_ms):
                    return
            if status.sounding is not None:
                self.nonces = self.nonces.renew(self._random16(), now.mono_ms)
                status = replace(status, nonce=self.nonces.current)
            self._last, self._published_ms = status, now.mono_ms
            payload = build_status(status)
        self._publish(payload)

    def _status(self, now: Instant) -> Status:
        sounding, _, silenced_until_s = self._belfry
        return Status(
            at_ms=now.wall_ms,
            clock=self.clock,
            nonce=self.nonces.current,
            book=self._head.book,
            seq=self._head.seq,
            hash=self._head.hash,
            version=__version__,
            codebook_version=self.codebook_version,
            timetable_version=self.timetable_version,
            sounding=sounding,
            conditions=self.conditions,
            silenced_until_s=silenced_until_s,
        )
