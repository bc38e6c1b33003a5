"""Scores: what the relay does for a pattern on a bell, or why that bell refuses it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from kengd.bellcode.heat import most_on_ms, on_ms_between
from kengd.bellcode.layout import CannotPlay, lay_out, slow_roll
from kengd.bellcode.notation import parse
from kengd.bellcode.profile import Profile, SirenProfile, StrikerProfile
from kengd.bellcode.score import Edge, Score

HAMMER = StrikerProfile()
SIREN = SirenProfile()


def played(text: str, profile: Profile = HAMMER, limit_ms: int = 300_000) -> Score:
    return lay_out(parse(text), profile, limit_ms=limit_ms)


def starts(score: Score, until_ms: int = 60_000) -> list[int]:
    return [edge.at_ms for edge in score.edges(until_ms) if edge.on]


def test_strokes_follow_each_other_at_the_tempo_of_the_bell() -> None:
    """đều, thong thả and dồn dập are ms in the bell's profile; the score ends at its last edge."""
    assert played("3 tiếng") == Score(
        (Edge(0, True), Edge(120, False), Edge(900, True), Edge(1020, False), Edge(1800, True), Edge(1920, False)), 1920
    )
    assert starts(played("3 tiếng thong thả")) == [0, 2000, 4000]
    assert starts(played("3 tiếng dồn dập")) == [0, 350, 700]
    assert starts(played("3 tiếng mỗi tiếng 777 ms")) == [0, 777, 1554]


def test_without_a_tempo_it_is_even() -> None:
    """The tempo đều may be left out."""
    assert played("2 hồi ngắn, cách 2 giây") == played("2 hồi ngắn đều, cách 2 giây")


def test_36_on_and_24_off_three_times_takes_156_seconds() -> None:
    """A finite pattern ends at its last edge: the rest after the last blast is not counted."""
    score = played("(hú 36 giây; nghỉ 24 giây) 3 lần", SIREN)
    assert score.lead == (
        *(Edge(0, True), Edge(36_000, False), Edge(60_000, True)),
        *(Edge(96_000, False), Edge(120_000, True), Edge(156_000, False)),
    )
    assert score.duration_ms == 156_000


def test_in_an_endless_repeat_the_rest_is_always_played() -> None:
    """Inside "đến khi dừng" each round ends with its rest."""
    score = played("(hú 6 giây; nghỉ 4 giây) đến khi dừng", SIREN)
    assert score == Score((), 0, (Edge(0, True), Edge(6000, False)), 10_000)
    assert score.duration_ms is None


def test_a_rest_is_silence_from_the_last_edge_to_the_next() -> None:
    """nghỉ and cách are measured from the off edge; rests in a row add up."""
    assert starts(played("2 tiếng; nghỉ 1 giây; 1 tiếng")) == [0, 900, 2020]
    assert starts(played("2 tiếng; nghỉ 1 giây; nghỉ 500 ms; 1 tiếng")) == [0, 900, 2520]
    assert starts(played("2 hồi, mỗi hồi 2 tiếng, cách 1 giây")) == [0, 900, 2020, 2920]
    assert starts(played("nghỉ 1 giây; 1 tiếng; nghỉ 3 giây")) == [1000]


def test_a_semicolon_adds_no_pause() -> None:
    """Without a rest the next blow comes when the tempo before it would have struck again."""
    assert starts(played("2 tiếng dồn dập; 2 tiếng thong thả")) == [0, 350, 700, 2700]
    assert played("(1 tiếng) 5 lần") == played("5 tiếng")


def test_the_alarm_of_cong_lac_begins_with_a_quickening_roll_and_goes_on_in_threes() -> None:
    """CODEBOOKS example 1, to the edge where the threes begin again."""
    score = played("1 hồi dài nhanh dần; nghỉ 1 giây; (3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng")
    last = score.lead[-1].at_ms
    assert score.lead_ms == last + 1000
    assert [edge.at_ms for edge in score.cycle] == [0, 120, 350, 470, 700, 820]
    assert score.cycle_ms == 1820
    assert starts(score, 30_000)[-4:-1] == [score.lead_ms + 4 * 1820 + at for at in (0, 350, 700)]


def test_quickening_is_smooth_and_reaches_its_last_speed() -> None:
    """Intervals only get shorter, each by about the same share, from the first to the last speed, within the round's time."""
    score = played("1 hồi 30 giây nhanh dần từ 1,5 giây đến 250 ms")
    intervals = [later - earlier for earlier, later in pairwise(starts(score))]
    assert (intervals[0], intervals[-1]) == (1500, 250)
    shares = [later / earlier for earlier, later in pairwise(intervals)]
    assert all(0.94 < share < 0.985 for share in shares)
    assert 29_000 < score.lead_ms <= 30_000


def test_an_endless_roll_does_not_stumble_where_it_begins_again() -> None:
    """From the last blow of a cycle to the first of the next it is as long as between any two; after an hour nothing has drifted."""
    score = played("(1 hồi dài dồn dập) đến khi dừng")
    assert starts(score, 3_600_000) == list(range(0, 3_600_001, 350))


@pytest.mark.parametrize(
    ("text", "profile", "why"),
    [
        ("3 tiếng mỗi tiếng 249 ms", HAMMER, "nhanh nhất 250 ms"),
        ("1 hồi dài nhanh dần từ 1 giây đến 249 ms", HAMMER, "nhanh nhất 250 ms"),
        ("3 tiếng dồn dập", replace(HAMMER, hold_ms=300), "nhanh nhất 430 ms"),
        ("3 tiếng mỗi tiếng 2 giây", SIREN, "nhanh nhất 2,5 giây"),
        ("1 tiếng", replace(HAMMER, hold_ms=500), "lâu hơn mức chịu được 400 ms"),
        ("1 tiếng", replace(SIREN, blast_ms=900), "ngoài sức"),
        ("hú 3 giây", HAMMER, "kẻng không hú được"),
        ("hú đến khi dừng", HAMMER, "kẻng không hú được"),
        ("hú 999 ms", SIREN, "ngắn nhất là 1 giây"),
        ("hú 61 giây", replace(SIREN, longest_continuous_ms=60_000), "liền nhiều nhất 1 phút"),
        ("hú đến khi dừng", replace(SIREN, longest_continuous_ms=299_999), "liền nhiều nhất"),
        ("(hú 5 giây; nghỉ 499 ms) 2 lần", SIREN, "nghỉ ít nhất 500 ms"),
        ("(hú 5 giây) 2 lần", SIREN, "chỉ nghỉ 0 ms"),
        ("(3 tiếng; nghỉ 129 ms) đến khi dừng", HAMMER, "nghỉ ít nhất 130 ms"),
        ("(nghỉ 1 giây) đến khi dừng", HAMMER, "không có tiếng nào"),
        ("nghỉ 1 giây", HAMMER, "không có tiếng nào"),
        ("1 tiếng; (nghỉ 1 giây) đến khi dừng", HAMMER, "không có tiếng nào"),
        ("1 tiếng; (nghỉ 1 giây) 3 lần", HAMMER, "không có tiếng nào"),
        ("(1 tiếng) đến khi dừng; 1 tiếng", HAMMER, "không còn gì được nghe"),
        ("hú đến khi dừng; nghỉ 1 giây", SIREN, "không còn gì được nghe"),
        ("((1 tiếng) đến khi dừng; nghỉ 1 giây) 1 lần", HAMMER, "không còn gì được nghe"),
        ("((1 tiếng) đến khi dừng) 2 lần", HAMMER, "không lặp lại được"),
        ("(hú đến khi dừng) đến khi dừng", SIREN, "không lặp lại được"),
        ("1 hồi 119 ms", HAMMER, "ngắn quá"),
        ("1 hồi 6 phút", HAMMER, "đã quá 5 phút"),
        ("(9 tiếng) 999 lần", HAMMER, "đã quá 5 phút"),
        ("((((2 tiếng) 999 lần) 999 lần) 999 lần) 999 lần", HAMMER, "đã quá 5 phút"),
        ("(1 tiếng; nghỉ 300 giây; 1 tiếng) đến khi dừng", HAMMER, "đã quá 5 phút"),
    ],
)
def test_what_a_bell_cannot_play_is_refused_with_the_reason(text: str, profile: Profile, why: str) -> None:
    """Never clipped, never silently changed: CannotPlay, code cannot_play, exit 2."""
    with pytest.raises(CannotPlay) as caught:
        played(text, profile)
    assert why in caught.value.vi
    assert (caught.value.code, caught.value.exit_code) == ("cannot_play", 2)


def test_a_pattern_hotter_than_the_bells_duty_window_is_refused() -> None:
    """H4: duty_on_ms within any duty_window_ms, from a fresh bell; exactly as much as allowed is played."""
    weak = replace(HAMMER, duty_on_ms=1200, duty_window_ms=10_000)
    assert played("10 tiếng", weak).duration_ms == 8220
    with pytest.raises(CannotPlay, match="cannot play") as caught:
        played("11 tiếng", weak)
    assert "cần 1,32 giây" in caught.value.vi
    with pytest.raises(CannotPlay):
        played("(1 tiếng) đến khi dừng", weak)
    assert played("(1 tiếng thong thả) đến khi dừng", weak).duration_ms is None


def test_the_duty_window_slides() -> None:
    """Two bursts that are harmless in windows laid end to end are too much in the window across them."""
    weak = replace(HAMMER, duty_on_ms=1200, duty_window_ms=10_000)
    with pytest.raises(CannotPlay):
        played("nghỉ 5 giây; 8 tiếng dồn dập; nghỉ 4 giây; 8 tiếng dồn dập", weak)
    assert played("8 tiếng dồn dập; nghỉ 8 giây; 8 tiếng dồn dập", weak)


def test_a_siren_may_sound_until_the_limit_when_it_bears_that() -> None:
    """An endless blast is one edge and nothing after it, played only if the siren bears the post's whole hard limit."""
    score = played("hú 10 giây; nghỉ 5 giây; hú đến khi dừng", replace(SIREN, longest_continuous_ms=300_000))
    assert score.lead == (Edge(0, True), Edge(10_000, False), Edge(15_000, True))
    assert (score.lead_ms, score.cycle, score.duration_ms) == (15_000, (), None)


def test_silence_before_the_first_blow_of_a_repeat_is_played_each_time() -> None:
    """A cycle begins at its first blow, so that the rest before it stands at its end."""
    score = played("(nghỉ 2 giây; 2 tiếng; nghỉ 1 giây) đến khi dừng")
    assert starts(score, 12_000) == [2000, 2900, 6020, 6920, 10_040, 10_940]


@pytest.mark.parametrize(
    "profile", [HAMMER, SIREN, replace(HAMMER, duty_on_ms=2000), replace(SIREN, duty_on_ms=200_000)]
)
def test_a_spent_bell_can_play_its_slow_roll_for_ever(profile: Profile) -> None:
    """P3: no window of the slow roll asks for more than the duty window allows."""
    roll = slow_roll(profile)
    assert roll.duration_ms is None
    assert roll.cycle_ms <= 5000
    assert most_on_ms(roll, profile.duty_window_ms, 4 * profile.duty_window_ms) <= profile.duty_on_ms


def test_a_slow_roll_is_never_slower_than_a_stroke_in_five_seconds() -> None:
    """P3: an alarm is never refused; a bell too weak even for that is struck once in 5 s all the same."""
    assert slow_roll(replace(HAMMER, duty_on_ms=100)).cycle_ms == 5000


def test_on_time_is_counted_within_any_span() -> None:
    """For the duty meter: strokes cut at either end count for the part inside."""
    score = played("2 tiếng; nghỉ 1 giây; (1 tiếng; nghỉ 880 ms) đến khi dừng")
    assert score.lead_ms == 2020
    assert [on_ms_between(score, 0, at) for at in (0, 60, 120, 900, 1000, 2020, 2100, 3020)] == [
        *(0, 60, 120, 120, 220, 240, 320, 360),
    ]
    assert on_ms_between(score, 2020, 2020 + 3_600_000) == 3600 * 120
    assert on_ms_between(score, -50, 60) == 60
    assert on_ms_between(score, 500, 400) == 0
    endless = played("hú 2 giây; nghỉ 1 giây; hú đến khi dừng", SIREN)
    assert [on_ms_between(endless, 1000, at) for at in (1500, 3000, 3500, 100_000)] == [500, 1000, 1500, 98_000]
