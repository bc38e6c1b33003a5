"""Scores of any pattern on any bell."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kengd.bellcode.heat import closed_spans, most_on_ms, on_ms_between
from kengd.bellcode.layout import CannotPlay, lay_out, quickening_intervals, slow_roll, stroke_on_ms
from kengd.bellcode.pattern import (
    Blast,
    CountedRounds,
    Every,
    LastingRounds,
    Part,
    Pattern,
    Quickening,
    Repeat,
    Rest,
    Strokes,
    Tempo,
)
from kengd.bellcode.profile import Profile, SirenProfile, StrikerProfile
from kengd.bellcode.score import Edge, Score

LIMIT_MS = 300_000

few = st.integers(1, 8)


def patterns(fastest_ms: int, shortest_rest_ms: int, shortest_ms: int, *, blasts: bool) -> st.SearchStrategy[Pattern]:
    """Patterns that a bell with about these limits can often play, and often just cannot."""
    every, rests = st.integers(fastest_ms, 4 * fastest_ms), st.integers(shortest_rest_ms, 9000)
    lengths = st.integers(shortest_ms, 15_000)
    paces = st.one_of(
        st.sampled_from(list(Tempo)),
        every.map(Every),
        st.tuples(every, every).map(lambda two: Quickening(max(two), min(two))),
    )
    simple: st.SearchStrategy[Part] = st.one_of(
        st.builds(
            lambda n, t, pace, gap: LastingRounds(n, t, pace, gap if n > 1 else None), few, lengths, paces, rests
        ),
        st.builds(lambda n, m, pace, gap: CountedRounds(n, m, pace, gap if n > 1 else None), few, few, paces, rests),
        st.builds(Strokes, few, paces),
        *([st.builds(lambda t, r: Repeat((Blast(t), Rest(r)), 2), lengths, rests)] if blasts else []),
    )
    rest = st.builds(Rest, rests)
    bodies = st.lists(st.one_of(simple, simple, rest), min_size=1, max_size=3).map(tuple)
    parts = st.one_of(simple, rest, st.builds(Repeat, bodies, st.integers(1, 4)))
    ends = [parts, st.builds(Repeat, bodies, st.none()), *([st.just(Blast(None))] if blasts else [])]
    return st.builds(lambda first, end: Pattern((*first, end)), st.lists(parts, max_size=2), st.one_of(ends))


hammers = st.builds(
    StrikerProfile,
    hold_ms=st.integers(20, 170),
    shortest_gap_ms=st.integers(30, 130),
    duty_on_ms=st.integers(6_000, 60_000),
)
sirens = st.builds(
    SirenProfile,
    shortest_blast_ms=st.integers(100, 2000),
    shortest_gap_ms=st.integers(30, 900),
    longest_continuous_ms=st.integers(10_000, 400_000),
    duty_on_ms=st.integers(100_000, 300_000),
)
bells: st.SearchStrategy[Profile] = st.one_of(hammers, sirens)
cases: st.SearchStrategy[tuple[Pattern, Profile]] = st.one_of(
    st.tuples(patterns(230, 100, 150, blasts=False), hammers), st.tuples(patterns(2500, 600, 2000, blasts=True), sirens)
)


def score_of(case: tuple[Pattern, Profile]) -> Score:
    pattern, bell = case
    try:
        return lay_out(pattern, bell, limit_ms=LIMIT_MS)
    except CannotPlay:
        assume(False)
        raise


@given(cases)
@settings(max_examples=400, deadline=None)
def test_edges_alternate_and_the_bell_bears_each_of_them(case: tuple[Pattern, Profile]) -> None:
    """P2: on and off in turn beginning with on, ever later; each on as long as a stroke, each off at least the gap; duty kept."""
    pattern, bell = case
    score = score_of(case)
    assert (score.duration_ms is None) == pattern.endless
    edges = list(score.edges(LIMIT_MS))
    assert [edge.on for edge in edges] == [n % 2 == 0 for n in range(len(edges))]
    lengths = [later.at_ms - earlier.at_ms for earlier, later in pairwise(edges)]
    shortest = bell.shortest_blast_ms if isinstance(bell, SirenProfile) else bell.hold_ms
    longest = bell.longest_continuous_ms if isinstance(bell, SirenProfile) else bell.hold_ms
    assert all(shortest <= on_ms <= longest for on_ms in lengths[0::2])
    assert all(off_ms >= bell.shortest_gap_ms for off_ms in lengths[1::2])
    assert most_on_ms(score, bell.duty_window_ms, LIMIT_MS) <= bell.duty_on_ms
    if score.duration_ms is not None:
        assert edges[-1] == Edge(score.duration_ms, False)
        assert score.duration_ms <= LIMIT_MS


@given(cases, st.integers(0, 700_000), st.integers(0, 700_000))
@settings(max_examples=200, deadline=None)
def test_on_time_between_two_moments_is_what_the_edges_say(case: tuple[Pattern, Profile], a: int, b: int) -> None:
    """The duty meter counts without walking the edges; walking them gives the same."""
    score = score_of(case)
    from_ms, to_ms = min(a, b), max(a, b)
    walked = sum(max(0, min(off, to_ms) - max(on, from_ms)) for on, off in closed_spans(score, to_ms))
    assert on_ms_between(score, from_ms, to_ms) == walked


@given(cases, st.integers(1_000, 100_000))
@settings(max_examples=150, deadline=None)
def test_the_fullest_window_is_the_fullest_of_all_windows(case: tuple[Pattern, Profile], window_ms: int) -> None:
    """H4: no window that begins or ends at any edge holds more than what was found."""
    score = score_of(case)
    edges = [edge.at_ms for edge in score.edges(LIMIT_MS)][:200]
    until_ms = edges[-1]
    windows = [(max(0, at - window_ms), at) for at in edges] + [(at, min(at + window_ms, until_ms)) for at in edges]
    assert most_on_ms(score, window_ms, until_ms) == max(on_ms_between(score, *window) for window in windows)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 300))
def test_quickening_never_slows_down(a: int, b: int, count: int) -> None:
    """Whole ms, never longer than the one before, from the first speed to the last."""
    intervals = quickening_intervals(max(a, b), min(a, b), count)
    assert len(intervals) == count
    assert intervals == sorted(intervals, reverse=True)
    assert intervals[0] == max(a, b)
    assert count == 1 or intervals[-1] == min(a, b)


@given(bells)
def test_any_slow_roll_is_a_roll_the_bell_can_play(bell: Profile) -> None:
    """P3: strokes and gaps within the bell's limits, at most 5 s apart unless one blast takes longer."""
    roll = slow_roll(bell)
    on_ms = stroke_on_ms(bell, shortest=True)
    assert roll.cycle == (Edge(0, True), Edge(on_ms, False))
    assert on_ms + bell.shortest_gap_ms <= roll.cycle_ms <= max(5000, on_ms + bell.shortest_gap_ms)
