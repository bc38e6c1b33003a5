"""Wear: how long the relay was on within the bell's duty window (P2, P3, H9). Pure. All times monotonic ms."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import lru_cache

from kengd.bellcode.profile import Profile
from kengd.bellcode.score import Edge, Score
from kengd.duty.standing import Worn

Stroke = tuple[int, int]


def kept(worn: tuple[Worn, ...], profile: Profile, now_ms: int) -> tuple[Worn, ...]:
    """What still counts: the rest has left the duty window."""
    return tuple(item for item in worn if item.ended_ms > now_ms - profile.duty_window_ms)


def strokes(worn: Iterable[Worn]) -> list[Stroke]:
    """The strokes that were played, as (on, off) in order of time."""
    played: list[Stroke] = []
    for item in worn:
        on_ms: int | None = None
        for edge in item.score.edges(item.ended_ms - item.start_ms):
            if edge.on:
                on_ms = item.start_ms + edge.at_ms
            elif on_ms is not None:
                played.append((on_ms, item.start_ms + edge.at_ms))
                on_ms = None
        if on_ms is not None and on_ms < item.ended_ms:
            played.append((on_ms, item.ended_ms))
    return sorted(played)


def first_excess(past: list[Stroke], asked: Iterable[Stroke], profile: Profile) -> int | None:
    """The beginning of the first asked stroke that would take the bell over its duty window, or None."""
    window: deque[Stroke] = deque(past)
    total = sum(off - on for on, off in past)
    for on, off in asked:
        window.append((on, off))
        total += off - on
        while window[0][1] <= off - profile.duty_window_ms:
            gone = window.popleft()
            total -= gone[1] - gone[0]
        inside = total - max(0, off - profile.duty_window_ms - window[0][0])
        if inside > profile.duty_on_ms:
            return on
    return None


def bears(worn: tuple[Worn, ...], score: Score, profile: Profile, start_ms: int, until_ms: int) -> bool:
    """True when the bell can play this score from `start_ms` to `until_ms` within its duty window."""
    return not worn or _excess(worn, score, profile, start_ms, until_ms) is None


def bearable(
    worn: tuple[Worn, ...], score: Score, slow_roll: Score, profile: Profile, start_ms: int, until_ms: int
) -> tuple[Score, bool]:
    """The score an ACTUAL alarm plays on this bell, and whether the bell is spent (P3, H9).

    A fresh bell always bears the code up to the hard limit (settings are refused otherwise). A worn one plays the
    code as long as it can, then the slow roll: it is never refused, and never falls silent.
    """
    if not worn:
        return score, False
    excess_ms = _excess(worn, score, profile, start_ms, until_ms)
    if excess_ms is None:
        return score, False
    cut_ms = excess_ms - start_ms
    lead = tuple(edge for edge in score.edges(max(cut_ms - 1, 0)) if edge.at_ms < cut_ms)
    if lead and lead[-1].on:
        lead = lead[:-1]
    gap_ms = profile.shortest_gap_ms if lead else 0
    shift = cut_ms + gap_ms
    rolled = tuple(Edge(edge.at_ms + shift, edge.on) for edge in slow_roll.lead)
    return Score(lead + rolled, shift + slow_roll.lead_ms, slow_roll.cycle, slow_roll.cycle_ms), True


def _excess(worn: tuple[Worn, ...], score: Score, profile: Profile, start_ms: int, until_ms: int) -> int | None:
    asked, densest_ms = _laid_out(score, until_ms - start_ms, profile.duty_window_ms)
    if sum(item.ended_ms - item.start_ms for item in worn) + densest_ms <= profile.duty_on_ms:
        return None  # not even if all of the past were one stroke: the way to the bell is short
    past = [stroke for stroke in strokes(worn) if stroke[1] > start_ms - profile.duty_window_ms]
    return first_excess(past, ((start_ms + on, start_ms + off) for on, off in asked), profile)


@lru_cache(maxsize=64)
def _laid_out(score: Score, length_ms: int, window_ms: int) -> tuple[tuple[Stroke, ...], int]:
    """The strokes of so much of a score, from its beginning, and the most it is on within any window."""
    asked = tuple(strokes([Worn(score, 0, length_ms)]))
    first = total = densest_ms = 0
    for on, off in asked:
        total += off - on
        while asked[first][1] <= off - window_ms:
            total -= asked[first][1] - asked[first][0]
            first += 1
        densest_ms = max(densest_ms, total)
    return asked, densest_ms
