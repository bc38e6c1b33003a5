"""Standing: all that the arbiter knows, one frozen value replaced by each decision. Pure.

All `_ms` are CLOCK_MONOTONIC milliseconds unless named `wall`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kengd.bellcode.score import Score
from kengd.bellcode.signal import Kind
from kengd.duty.words import Purpose, Source, Trigger

LONGEST_LOCK_MS = 24 * 3_600_000 + 60_000
"""A lock is for 24 h (DESIGN section 7); a minute for a clock that is corrected a little."""


@dataclass(frozen=True, slots=True)
class Sounding:
    """What sounds now, as status and lamps show it. `since_wall_ms`: unix ms. `proved`: None = no proof of sound is wired."""

    activation: str
    signal: str
    purpose: Purpose
    source: Source
    since_wall_ms: int
    proved: bool | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """One trigger that keeps an activation going until `until_ms` (not yet capped by the hard limit). `said_ms`: the trigger's."""

    id: str
    began_ms: int
    until_ms: int
    signal: str
    source: Source
    place: str | None = None
    by: str | None = None
    command_id: str | None = None
    said_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """One sounding. `start_ms`: zero of its score (after a silence before it); `limit_ms`: the post's hard limit (P2)."""

    id: str
    signal: str
    kind: Kind
    purpose: Purpose
    began_ms: int
    began_wall_ms: int
    start_ms: int
    limit_ms: int
    causes: tuple[Cause, ...]
    score: Score
    spent: bool = False
    resumes: int = 0

    @property
    def until_ms(self) -> int:
        """When the relay goes to rest by itself."""
        return min(self.limit_ms, max(cause.until_ms for cause in self.causes))

    def begun_at(self, now_ms: int) -> Activation:
        """The same sounding, all of it as much later as its beginning is late: nothing of it is left out at either end."""
        late_ms = now_ms - self.start_ms
        if late_ms <= 0:
            return self
        causes = tuple(replace(cause, until_ms=cause.until_ms + late_ms) for cause in self.causes)
        return replace(self, start_ms=now_ms, limit_ms=self.limit_ms + late_ms, causes=causes)

    @property
    def is_alarm(self) -> bool:
        """An ACTUAL alarm or call for support: what P3, P4 and the resume rule protect."""
        return self.purpose is Purpose.ACTUAL and self.kind in (Kind.ALARM, Kind.SUPPORT)

    def sounding(self, proved: bool | None) -> Sounding:
        """The public face of this activation."""
        return Sounding(self.id, self.signal, self.purpose, self.causes[0].source, self.began_wall_ms, proved)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command with `at`: waits on the monotonic clock; `start_wall_ms` lets it be re-checked when the clock steps."""

    trigger: Trigger
    start_ms: int
    start_wall_ms: int


@dataclass(frozen=True, slots=True)
class Worn:
    """What the bell has played within its duty window: for P3 and for refusing calm rings (`duty`)."""

    score: Score
    start_ms: int
    ended_ms: int


@dataclass(frozen=True, slots=True)
class Lock:
    """A button that is ignored until this wall clock time (unix s)."""

    button: str
    until_s: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything the arbiter may know. Silences and locks end by the wall clock, the rest by the monotonic one."""

    sounding: Activation | None = None
    waiting: tuple[Waiting, ...] = ()
    worn: tuple[Worn, ...] = ()
    calm_rings_ms: tuple[int, ...] = ()
    alarm_ended_ms: int | None = None
    silenced_until_s: int = 0
    locks: tuple[Lock, ...] = ()

    def locked(self, button: str, wall_ms: int) -> bool:
        """True while this button is locked. A lock that has longer to go than any is given was made by a wrong clock: void."""
        left_ms = [lock.until_s * 1000 - wall_ms for lock in self.locks if lock.button == button]
        return any(0 < left <= LONGEST_LOCK_MS for left in left_ms)

    def locked_now(self, wall_ms: int) -> frozenset[str]:
        """The buttons that are locked."""
        return frozenset(lock.button for lock in self.locks if self.locked(lock.button, wall_ms))

    def silenced(self, wall_ms: int) -> bool:
        """True while routine rings are held back."""
        return wall_ms < self.silenced_until_s * 1000
