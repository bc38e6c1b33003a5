"""Pattern: rounds, strokes, blasts and rests as people agreed on them, independent of any bell. Pure.

All lengths are integer milliseconds. A value that exists is valid: every constructor raises ValueError when a bound is
broken (counts 1–999, times 1 ms–1 h, brackets at most 4 deep).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

LARGEST_COUNT = 999
LONGEST_MS = 3_600_000
DEEPEST = 4


class Tempo(StrEnum):
    """A tempo by its name; the bell's profile says how many ms that is."""

    STEADY = "steady"
    SLOW = "slow"
    URGENT = "urgent"
    QUICKENING = "quickening"


@dataclass(frozen=True, slots=True)
class Quickening:
    """From one blow to the next: `from_ms` at the beginning, smoothly down to `to_ms` at the end."""

    from_ms: int
    to_ms: int

    def __post_init__(self) -> None:
        _check_time(self.from_ms)
        _check_time(self.to_ms)
        if self.from_ms < self.to_ms:
            raise ValueError("quickening must not slow down")


@dataclass(frozen=True, slots=True)
class Every:
    """Exactly `every_ms` from one blow to the next ("mỗi tiếng T")."""

    every_ms: int

    def __post_init__(self) -> None:
        _check_time(self.every_ms)


Pace = Tempo | Quickening | Every


@dataclass(frozen=True, slots=True)
class LastingRounds:
    """`count` rounds (hồi) that each last a time: "long" and "short" are seconds in the bell's profile, an int is ms.

    `gap_ms` is the silence between two rounds, never after the last: an int when count > 1, else None.
    """

    count: int
    length: Literal["long", "short"] | int
    pace: Pace = Tempo.STEADY
    gap_ms: int | None = None

    def __post_init__(self) -> None:
        _check_count(self.count)
        if isinstance(self.length, int):
            _check_time(self.length)
        elif self.length not in ("long", "short"):
            raise ValueError("a lasting round is long, short or a time")
        _check_gap(self.count, self.gap_ms)


@dataclass(frozen=True, slots=True)
class CountedRounds:
    """`count` rounds of `strokes` blows each. `gap_ms` as in `LastingRounds`."""

    count: int
    strokes: int
    pace: Pace = Tempo.STEADY
    gap_ms: int | None = None

    def __post_init__(self) -> None:
        _check_count(self.count)
        _check_count(self.strokes)
        _check_gap(self.count, self.gap_ms)


@dataclass(frozen=True, slots=True)
class Strokes:
    """`count` single strokes (tiếng)."""

    count: int
    pace: Pace = Tempo.STEADY

    def __post_init__(self) -> None:
        _check_count(self.count)


@dataclass(frozen=True, slots=True)
class Blast:
    """One blast of a siren (hú) for `for_ms`, or until stopped (None)."""

    for_ms: int | None

    def __post_init__(self) -> None:
        if self.for_ms is not None:
            _check_time(self.for_ms)


@dataclass(frozen=True, slots=True)
class Rest:
    """Silence (nghỉ): from the last edge before it to the first edge after it."""

    rest_ms: int

    def __post_init__(self) -> None:
        _check_time(self.rest_ms)


@dataclass(frozen=True, slots=True)
class Repeat:
    """`body` played `times` times, or until stopped (None)."""

    body: tuple[Part, ...]
    times: int | None

    def __post_init__(self) -> None:
        if not self.body:
            raise ValueError("nothing to repeat")
        if self.times is not None:
            _check_count(self.times)


Part = LastingRounds | CountedRounds | Strokes | Blast | Rest | Repeat


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way of ringing (cách đánh): its parts in order, nothing between them but what they say."""

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("an empty pattern")
        if depth(self.parts) > DEEPEST:
            raise ValueError(f"brackets deeper than {DEEPEST}")

    @property
    def endless(self) -> bool:
        """Whether it goes on until stopped."""
        return any(is_endless(part) for part in self.parts)


def is_endless(part: Part) -> bool:
    """Whether this part goes on until stopped."""
    if isinstance(part, Repeat):
        return part.times is None or any(is_endless(inner) for inner in part.body)
    return isinstance(part, Blast) and part.for_ms is None


def sounds(part: Part) -> bool:
    """Whether anything in this part is heard."""
    if isinstance(part, Repeat):
        return any(sounds(inner) for inner in part.body)
    return not isinstance(part, Rest)


def depth(parts: tuple[Part, ...]) -> int:
    """How deep the brackets go: 0 without any."""
    return max((1 + depth(part.body) for part in parts if isinstance(part, Repeat)), default=0)


def _check_count(count: int) -> None:
    if not 1 <= count <= LARGEST_COUNT:
        raise ValueError(f"a count must be 1 to {LARGEST_COUNT}")


def _check_time(ms: int) -> None:
    if not 1 <= ms <= LONGEST_MS:
        raise ValueError(f"a time must be 1 to {LONGEST_MS} ms")


def _check_gap(count: int, gap_ms: int | None) -> None:
    if (gap_ms is None) != (count == 1):
        raise ValueError("a gap stands between rounds: needed for two or more, senseless for one")
    if gap_ms is not None:
        _check_time(gap_ms)
