"""The drawing that a keeper reads, and the same told in words."""

from __future__ import annotations

import pytest

from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin
from kengd.bellcode.description import described, length, total
from kengd.bellcode.drawing import draw
from kengd.bellcode.layout import lay_out
from kengd.bellcode.notation import parse
from kengd.bellcode.profile import SirenProfile, StrikerProfile
from kengd.bellcode.score import Score


def laid(text: str) -> Score:
    return lay_out(parse(text), SirenProfile() if "hú" in text else StrikerProfile(), limit_ms=300_000)


def test_each_blow_is_a_mark_under_a_ruler_of_seconds() -> None:
    """The whole drawing of a calm ring."""
    assert draw(laid("2 hồi, mỗi hồi 3 tiếng, cách 3 giây")).splitlines() == [
        "giây   0     2      4      6     8      10     12    14     16     18",
        "       ●  ●  ●         ●  ●  ●",
        "",
        "● một tiếng kẻng; số ở trên là giây. Nghe được:",
        "  1. 2 lần (3 tiếng, cách nhau 900 ms), giữa hai lần nghỉ 3 giây",
        "  tất cả 6 tiếng, 6,8 giây",
    ]


def test_a_siren_is_drawn_in_bars_and_endless_codes_say_so() -> None:
    """Blasts as long as they sound; "đến khi dừng" in the drawing and in the words."""
    assert draw(laid("(hú 10 giây; nghỉ 5 giây) đến khi dừng"), width=40).splitlines() == [
        "giây   0    5    10   15   20   25",
        "       ██████████     ██████████",
        "       … cứ thế đến khi dừng",
        "",
        "█ còi đang hú; số ở trên là giây. Nghe được:",
        "  1. lặp lại đến khi dừng: hú 10 giây;",
        "     nghỉ 5 giây (mỗi vòng 15 giây)",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3 hồi dài, cách 3 giây", ["3 lần (23 tiếng, cách nhau 900 ms), giữa hai lần nghỉ 3 giây"]),
        ("(1 hồi dài dồn dập) đến khi dừng", ["đánh đều cách nhau 350 ms đến khi dừng"]),
        ("hú 2 giây; nghỉ 1 giây; hú đến khi dừng", ["hú 2 giây; nghỉ 1 giây", "hú đến khi dừng"]),
        ("1 tiếng; nghỉ 2 giây; 4 tiếng dồn dập", ["1 tiếng; nghỉ 2 giây", "4 tiếng, cách nhau 350 ms"]),
        (
            "1 hồi dài nhanh dần; nghỉ 1 giây; (3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng",
            [
                "31 tiếng trong 19,7 giây, nhanh dần: lúc đầu cách nhau 1,2 giây, lúc cuối 300 ms; nghỉ 1 giây",
                "lặp lại đến khi dừng: 3 tiếng, cách nhau 350 ms; nghỉ 1 giây (mỗi vòng 1,82 giây)",
            ],
        ),
    ],
)
def test_a_score_is_told_in_words(text: str, words: list[str]) -> None:
    """What is heard, in order, with counts, intervals and rests."""
    assert described(laid(text)) == words


def test_times_are_told_to_a_tenth_of_a_second() -> None:
    """Minutes from 60 s on."""
    assert [length(ms) for ms in (120, 8100, 59_960, 65_760, 156_000)] == [
        *("0,1 giây", "8,1 giây", "1 phút", "1 phút 5,8 giây", "2 phút 36 giây"),
    ]
    assert total(laid("(1 tiếng) đến khi dừng")) == "kéo dài đến khi dừng"


def test_every_blow_of_every_shipped_code_has_its_own_mark() -> None:
    """No two strokes fall into one column, and no line is wider than asked."""
    for name in BUILTIN_NAMES:
        bell = SirenProfile() if name == "coi_hu" else StrikerProfile()
        for signal in builtin(name).signals.values():
            score = lay_out(signal.pattern, bell, limit_ms=300_000)
            drawn = draw(score, width=70).split("Nghe được")[0]
            assert max(len(line) for line in drawn.splitlines()) <= 70
            if score.duration_ms is not None and isinstance(bell, StrikerProfile):
                rows = [line for line in drawn.splitlines()[:-1] if line.startswith("       ")]
                assert sum(row.count("●") for row in rows) == sum(edge.on for edge in score.lead)


def test_a_long_silence_takes_one_line() -> None:
    """An hour between strokes is not drawn in hundreds of empty rows."""
    lines = draw(laid("(2 tiếng; nghỉ 60 phút) đến khi dừng")).splitlines()
    assert len(lines) < 15
    assert any("⋮ im" in line for line in lines)
