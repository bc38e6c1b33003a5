"""The short way to "this bell can bear it" answers as the long way does."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from kengd.bellcode.profile import StrikerProfile
from kengd.bellcode.score import Edge, Score
from kengd.bellcode.signal import Kind
from kengd.duty import wear
from kengd.duty.standing import Activation, Cause, Worn
from kengd.duty.words import Purpose, Source
from kengd.plain import to_json, to_plain

PROFILE = StrikerProfile(duty_on_ms=3_000, duty_window_ms=10_000)
gaps = st.lists(st.tuples(st.integers(40, 900), st.integers(40, 900)), min_size=1, max_size=8)


def score_of(blows: list[tuple[int, int]]) -> Score:
    """Blows (on, off in ms) without end."""
    edges, at_ms = [], 0
    for on_ms, off_ms in blows:
        edges += [Edge(at_ms, True), Edge(at_ms + on_ms, False)]
        at_ms += on_ms + off_ms
    return Score((), 0, tuple(edges), at_ms)


@given(
    gaps, st.lists(st.tuples(gaps, st.integers(0, 9_000), st.integers(0, 8_000)), max_size=4), st.integers(0, 60_000)
)
def test_whether_a_worn_bell_bears_a_score_does_not_depend_on_the_way_it_is_found(
    asked: list[tuple[int, int]], past: list[tuple[list[tuple[int, int]], int, int]], length_ms: int
) -> None:
    """P3, H9: laying out every blow of past and future and walking the window gives the same first excess."""
    now_ms = 100_000
    worn = tuple(Worn(score_of(blows), now_ms - ago - lasted, now_ms - ago) for blows, ago, lasted in past)
    score, until_ms = score_of(asked), now_ms + length_ms
    long_way = wear.first_excess(
        [stroke for stroke in wear.strokes(worn) if stroke[1] > now_ms - PROFILE.duty_window_ms],
        wear.strokes([Worn(score, now_ms, until_ms)]),
        PROFILE,
    )
    # a fresh bell is asked nothing: settings that it cannot bear were refused; a score that is too much by itself is found
    assert wear.bears(worn, score, PROFILE, now_ms, until_ms) == (not worn or long_way is None)


def test_the_text_of_the_spool_says_what_plain_data_says() -> None:
    """P5: writers made once from the annotations leave nothing out of the resume record."""
    cause = Cause("c", 1, 2, "alarm", Source.BUTTON, place="nhà văn hóa")
    score = Score((Edge(0, True), Edge(120, False)), 300)
    alarm = Activation("a", "alarm", Kind.ALARM, Purpose.ACTUAL, 1, 2, 3, 4, (cause, cause), score, spent=True)
    assert json.loads(to_json(alarm)) == json.loads(json.dumps(to_plain(alarm)))
