"""Performance: a score set on the monotonic clock, and the play-head that walks it. Pure.

The play-head never bunches strokes after a stall and never begins a stroke that it could not finish.
"""

from __future__ import annotations

from dataclasses import dataclass

from kengd.bellcode.score import Edge, Score


@dataclass(frozen=True, slots=True)
class Performance:
    """What the player walks: `start_ms` is the score's zero, `until_ms` the end at which the relay is at rest whatever the score says."""

    activation: str
    score: Score
    start_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Step:
    """The next thing to do: at `at_ms` put the relay `on`; `n` is the index of the edge after it. `last`: the performance ends."""

    at_ms: int
    on: bool
    n: int
    last: bool = False


def step(performance: Performance, n: int, now_ms: int, is_on: bool) -> Step:
    """The next step from edge `n`, seen at `now_ms` with the relay `is_on`.

    While the relay is on, the next step is always the edge that releases it (or the end). A stroke of which less
    than half is left, because this process was held up, is left out: a burst of late blows would sound like another code.
    """
    end = Step(performance.until_ms, on=False, n=n, last=True)
    while (edge := _edge(performance, n)) is not None and edge.at_ms < performance.until_ms:
        if not edge.on:
            if is_on:
                return Step(edge.at_ms, on=False, n=n + 1)
            n += 1
            continue
        if is_on:  # two on edges in a row cannot happen in a score; stay on until the next release
            n += 1
            continue
        release = _edge(performance, n + 1)
        if release is not None and (release.at_ms > performance.until_ms or _mostly_over(edge, release, now_ms)):
            n += 2
            continue
        return Step(edge.at_ms, on=True, n=n + 1)
    return end


def _mostly_over(edge: Edge, release: Edge, now_ms: int) -> bool:
    return 2 * (release.at_ms - now_ms) < release.at_ms - edge.at_ms


def _edge(performance: Performance, n: int) -> Edge | None:
    edge = performance.score.edge(n)
    return None if edge is None else Edge(performance.start_ms + edge.at_ms, edge.on)


def endless(score: Score, rest_ms: int) -> Score:
    """A finite score repeated with `rest_ms` between: what an alarm plays, so that a second cause can extend it."""
    if score.duration_ms is None:
        return score
    return Score(lead=(), lead_ms=0, cycle=score.lead, cycle_ms=score.lead_ms + rest_ms)


def after(first: Score, gap_ms: int, then: Score) -> Score:
    """`first` (finite), a rest, then `then`: a drill's audible prefix (H19)."""
    shift = first.lead_ms + gap_ms
    lead = first.lead + tuple(Edge(edge.at_ms + shift, edge.on) for edge in then.lead)
    return Score(lead=lead, lead_ms=shift + then.lead_ms, cycle=then.cycle, cycle_ms=then.cycle_ms)
