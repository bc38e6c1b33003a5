"""A tapped rhythm becomes a code that people can say, and every rounding is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.bellcode.layout import lay_out
from kengd.bellcode.notation import parse
from kengd.bellcode.profile import Profile, SirenProfile, StrikerProfile
from kengd.bellcode.tapping import MOST_TAPS, Taps, tapped
from kengd.errors import UsageError

BELL, SIREN = StrikerProfile(), SirenProfile()
UNEVEN_MS = (0, 31, -28, 12, -40, 37, -9, 22, -33, 5, 40, -17)
"""What a calm finger is late or early."""


def played(text: str, profile: Profile = BELL) -> Taps:
    """Somebody taps along with this code, not quite on the beat."""
    edges = lay_out(parse(text), profile, limit_ms=300_000).lead
    late = [UNEVEN_MS[n // 2 % len(UNEVEN_MS)] for n in range(len(edges))]
    times = [1_000 + edge.at_ms + ms for edge, ms in zip(edges, late, strict=True)]
    return list(zip(times[::2], times[1::2], strict=True))


@pytest.mark.parametrize(
    ("text", "endless"),
    [
        ("1 tiếng", "(1 tiếng; nghỉ 1 giây) đến khi dừng"),
        ("3 tiếng", "(3 tiếng; nghỉ 1 giây) đến khi dừng"),
        ("5 tiếng thong thả", "(5 tiếng thong thả; nghỉ 1 giây) đến khi dừng"),
        ("3 hồi, mỗi hồi 3 tiếng dồn dập, cách 1 giây", "(3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng"),
        ("3 hồi, mỗi hồi 2 tiếng thong thả, cách 4 giây", "(2 tiếng thong thả; nghỉ 4 giây) đến khi dừng"),
        ("3 hồi 20 giây, cách 3 giây", "(1 hồi 20 giây; nghỉ 3 giây) đến khi dừng"),
        ("1 hồi 20 giây nhanh dần", "(1 hồi 20 giây nhanh dần; nghỉ 1 giây) đến khi dừng"),
        (
            "1 tiếng; nghỉ 2 giây; 4 tiếng dồn dập",
            "(1 tiếng; nghỉ 2 giây; 4 tiếng dồn dập; nghỉ 2 giây) đến khi dừng",
        ),
        ("4 tiếng mỗi tiếng 600 ms", "(4 tiếng mỗi tiếng 600 ms; nghỉ 1 giây) đến khi dừng"),
    ],
)
def test_who_taps_along_with_a_code_gets_that_code(text: str, endless: str) -> None:
    """Rounds, single strokes, tempos and rests are found again; and the same until stopped, for an alarm."""
    found = tapped(played(text), BELL)
    assert (found.text, found.endless_text) == (text, endless)


@pytest.mark.parametrize(
    "text",
    [
        "hú 2 giây",
        "(hú 4 giây; nghỉ 2 giây) 3 lần",
        "(hú 36 giây; nghỉ 24 giây) 3 lần",
        "hú 6 giây; nghỉ 1,5 giây; hú 2 giây; nghỉ 5 giây; hú 6 giây",
    ],
)
def test_of_a_siren_the_length_of_each_press_counts(text: str) -> None:
    """[press, release] pairs; the last rest of a repeat is not heard and not tapped."""
    assert tapped(played(text, SIREN), SIREN).text == text


def test_every_rounding_is_told() -> None:
    """Nobody is to take the code for what his finger did."""
    found = tapped([(0, 90), (401, 480), (790, 850), (2_280, 2_300), (2_685, 2_700), (3_081, 3_100)], BELL)
    assert found.text == "2 hồi, mỗi hồi 3 tiếng dồn dập, cách 1,5 giây"
    assert found.rounded == (
        "nghỉ 1,37 giây, ghi là 1,5 giây",
        "gõ 400 ms một tiếng, ghi là dồn dập, 350 ms một tiếng",
    )
    slowing = tapped([(0, 50), (500, 550), (1_200, 1_250), (2_200, 2_250)], BELL)
    assert slowing.text == "4 tiếng mỗi tiếng 750 ms"
    assert slowing.rounded == ("gõ từ 500 ms đến 1 giây một tiếng, ghi là đều nhau 750 ms",)


def test_a_finger_that_is_faster_than_the_bell_is_written_slower_and_told_so() -> None:
    """A hammer has to fall back; a siren has to gather speed."""
    found = tapped([(n * 150, n * 150 + 60) for n in range(4)], BELL)
    assert found.text == "4 tiếng dồn dập"
    assert found.rounded == (
        "gõ 150 ms một tiếng, nhanh hơn sức kẻng này (nhanh nhất 250 ms): ghi là dồn dập, 350 ms một tiếng",
    )
    short = tapped([(0, 300), (400, 700)], SIREN)
    assert short.text == "(hú 1 giây; nghỉ 500 ms) 2 lần"
    assert short.rounded[0] == "hú 300 ms, ghi là 1 giây (còi này hú ngắn nhất chừng ấy)"


@pytest.mark.parametrize(
    "taps",
    [
        [],
        [(5, 5)],
        [(9, 4)],
        [(-1, 4)],
        [(0, 100), (90, 200)],
        [(0, 10), (600_001, 600_002)],
        [(n * 2, n * 2 + 1) for n in range(MOST_TAPS + 1)],
    ],
)
def test_what_no_finger_can_have_tapped_is_refused(taps: Taps) -> None:
    """One after another, each released before the next; bounded in number and time."""
    with pytest.raises(UsageError) as refused:
        tapped(taps, BELL)
    assert refused.value.code == "bad_taps"


@st.composite
def anything(draw: st.DrawFn) -> Taps:
    taps, at_ms = [], 0
    for _ in range(draw(st.integers(1, 30))):
        on_ms = at_ms + draw(st.integers(0, 9_000))
        at_ms = on_ms + draw(st.integers(1, 5_000))
        taps.append((on_ms, at_ms))
    return taps


@given(taps=anything(), profile=st.sampled_from([BELL, SIREN]))
def test_whatever_is_tapped_is_a_code_that_can_be_read_again(taps: Taps, profile: Profile) -> None:
    """The text is the pattern, and never longer than a code may be."""
    try:
        found = tapped(taps, profile)
    except UsageError as refused:
        assert refused.code == "too_uneven" and len(taps) > 10
        return
    assert parse(found.text) == found.pattern and parse(found.endless_text) == found.endless
    assert found.endless.endless and not found.pattern.endless
