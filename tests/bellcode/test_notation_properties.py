"""The notation for any pattern and any text."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kengd.bellcode.notation import LONGEST_TEXT, NotationError, parse, write
from kengd.bellcode.pattern import (
    LARGEST_COUNT,
    LONGEST_MS,
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

counts = st.integers(1, LARGEST_COUNT)
times = st.one_of(st.integers(1, LONGEST_MS), st.integers(1, 3600).map(lambda s: s * 1000), st.integers(1, 9999))
paces = st.one_of(
    st.sampled_from(list(Tempo)),
    times.map(Every),
    st.tuples(times, times).map(lambda two: Quickening(max(two), min(two))),
)
lengths = st.one_of(st.sampled_from(["long", "short"]), times)


def lasting(count: int, length: object, pace: object, gap: int) -> LastingRounds:
    return LastingRounds(count, length, pace, gap if count > 1 else None)  # type: ignore[arg-type]


def counted(count: int, strokes: int, pace: object, gap: int) -> CountedRounds:
    return CountedRounds(count, strokes, pace, gap if count > 1 else None)  # type: ignore[arg-type]


simple: st.SearchStrategy[Part] = st.one_of(
    st.builds(lasting, counts | st.just(1), lengths, paces, times),
    st.builds(counted, counts | st.just(1), counts, paces, times),
    st.builds(Strokes, counts, paces),
    st.builds(Blast, times | st.none()),
    st.builds(Rest, times),
)


def repeats(depth: int) -> st.SearchStrategy[Part]:
    inner = simple if depth == 1 else st.one_of(simple, repeats(depth - 1))
    return st.builds(Repeat, st.lists(inner, min_size=1, max_size=3).map(tuple), counts | st.none())


patterns = st.lists(st.one_of(simple, repeats(4)), min_size=1, max_size=4).map(lambda parts: Pattern(tuple(parts)))

WORDS = [
    *(
        "1",
        "3",
        "12",
        "0",
        "1,5",
        "1.500",
        "999999999999999",
        "hồi",
        "tiếng",
        "dài",
        "ngắn",
        "mỗi",
        "cách",
        "nghỉ",
        "hú",
    ),
    *("đến", "khi", "dừng", "lần", "từ", "giây", "phút", "ms", "đều", "thong", "thả", "dồn", "dập", "nhanh", "dần"),
    *("liên", "tục", "liền", "nhau", "gấp", "nhịp", "nhiều", "một", "hai", "mươi", "hoi", "tieng", "den", "ấy", "còi"),
    *(";", ",", "(", ")", "đến khi dừng", "mỗi hồi", "\n", "s", "😀", "́", "\x00"),
]
texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=25).map("".join),
)


@given(patterns)
@settings(max_examples=300, deadline=None)
def test_what_is_written_is_read_again_to_the_same_value(pattern: Pattern) -> None:
    """parse(write(p)) == p for every pattern whose text fits."""
    text = write(pattern)
    assume(len(text) <= LONGEST_TEXT)
    assert parse(text) == pattern


@given(texts)
@settings(max_examples=600, deadline=None)
def test_any_text_is_a_pattern_or_an_error_with_a_place(text: str) -> None:
    """Fuzz: Pattern or NotationError, never another exception; every line that is offered can be read."""
    try:
        pattern = parse(text)
    except NotationError as wrong:
        assert 1 <= wrong.column <= len(wrong.text) + 1
        assert wrong.vi
        assert wrong.expected
        for line in wrong.suggestions:
            assert line != text
            parse(line)
    else:
        assert parse(write(pattern)) == pattern
