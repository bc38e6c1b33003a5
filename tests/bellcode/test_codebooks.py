"""Ready-made codebooks, what they lack, and codes that can be mixed up."""

from __future__ import annotations

from itertools import combinations

import pytest

from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin, lint, make_signal, overridden, too_alike
from kengd.bellcode.layout import lay_out
from kengd.bellcode.notation import NotationError, parse, write
from kengd.bellcode.profile import Profile, SirenProfile, StrikerProfile
from kengd.bellcode.score import Score
from kengd.bellcode.signal import Kind, Signal
from kengd.errors import UsageError

CALM = (Kind.ALL_CLEAR, Kind.CURFEW, Kind.ROUTINE)


def bell(name: str) -> Profile:
    return SirenProfile() if name == "coi_hu" else StrikerProfile()


def scores(name: str) -> dict[str, Score]:
    return {s.id: lay_out(s.pattern, bell(name), limit_ms=300_000) for s in builtin(name).signals.values()}


def routine(notation: str, id: str = "meeting") -> Signal:
    return make_signal(id, Kind.ROUTINE, "Họp thôn", "Meeting", "Mời họp", notation)


def hammered(text: str) -> Score:
    return lay_out(parse(text), StrikerProfile(), limit_ms=300_000)


def test_the_villages_of_the_newspapers_are_there() -> None:
    """The four places of CODEBOOKS and one book for sirens."""
    assert BUILTIN_NAMES == ("cong_lac", "nam_ngan", "ea_o", "ta_gia_khau", "coi_hu")


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_every_shipped_code_can_be_played_on_the_bell_it_is_meant_for(name: str) -> None:
    """Alarms go on until stopped, calm codes end; each text is written the way `write` writes it."""
    for signal in builtin(name).signals.values():
        score = lay_out(signal.pattern, bell(name), limit_ms=300_000)
        assert (score.duration_ms is None) == (signal.kind in (Kind.ALARM, Kind.SUPPORT))
        assert write(signal.pattern) == signal.notation
        assert signal.name_vi
        assert signal.name_en
        assert signal.meaning_vi


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_every_shipped_codebook_has_alarm_evacuation_all_clear_and_curfew(name: str) -> None:
    """DESIGN section 8, H12 (a code of its own for evacuation) and H16 (all-clear)."""
    kinds = {signal.id: signal.kind for signal in builtin(name).signals.values()}
    assert kinds["alarm"] == kinds["evacuation"] == Kind.ALARM
    assert (kinds["all_clear"], kinds["curfew"]) == (Kind.ALL_CLEAR, Kind.CURFEW)


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_no_shipped_calm_code_begins_like_an_alarm(name: str) -> None:
    """H18; and the two alarms of one book differ from each other too (H12)."""
    book, laid = builtin(name).signals, scores(name)
    alarms = [id for id in book if book[id].kind is Kind.ALARM]
    calm = [id for id in book if book[id].kind in CALM]
    assert [(a, c) for a in alarms for c in calm if too_alike(laid[a], laid[c])] == []
    assert [pair for pair in combinations(alarms, 2) if too_alike(laid[pair[0]], laid[pair[1]])] == []
    assert lint(builtin(name), bell(name)) == []


@pytest.mark.parametrize(
    ("name", "signal", "notation"),
    [
        ("cong_lac", "alarm", "1 hồi dài nhanh dần; nghỉ 1 giây; (3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng"),
        ("ea_o", "wake", "3 hồi dài, cách 3 giây"),
        ("ea_o", "study", "1 hồi, mỗi hồi 3 tiếng"),
        ("ea_o", "curfew", "2 hồi dài, cách 3 giây"),
        ("ea_o", "alarm", "(1 hồi, mỗi hồi 3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng"),
        ("ta_gia_khau", "curfew", "5 tiếng thong thả"),
        ("ta_gia_khau", "meeting", "3 tiếng"),
        ("ta_gia_khau", "alarm", "(1 hồi dài dồn dập) đến khi dừng"),
    ],
)
def test_what_the_newspapers_describe_is_kept(name: str, signal: str, notation: str) -> None:
    """CODEBOOKS, line by line, where a pattern is described."""
    assert builtin(name).signals[signal].notation == notation


def test_an_unknown_codebook_is_refused_with_the_names() -> None:
    """The error lists what there is."""
    with pytest.raises(UsageError) as caught:
        builtin("cong-lac")
    assert all(name in caught.value.cure for name in BUILTIN_NAMES)


def test_a_village_changes_its_codebook_signal_by_signal() -> None:
    """Replaced in its place, new ones at the end, None taken out; the shipped book stays as it was."""
    shipped = builtin("cong_lac")
    mine = overridden(
        shipped, {"curfew": routine("9 tiếng", "curfew"), "support": None, "market": routine("2 tiếng", "market")}
    )
    assert list(mine.signals) == ["alarm", "evacuation", "all_clear", "curfew", "meeting", "market"]
    assert mine.signals["curfew"].notation == "9 tiếng"
    assert shipped.signals["curfew"].notation == "5 tiếng thong thả"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"alarm": None}, "no_alarm"),
        ({"alarm": routine("3 tiếng", "alarm")}, "no_alarm"),
        ({"market": None}, "unknown_signal"),
        ({"market": routine("3 tiếng", "shop")}, "signal_id"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(changes: dict[str, Signal | None], code: str) -> None:
    """A post without an alarm, a signal that is not there, a name that is not the signal's."""
    with pytest.raises(UsageError) as caught:
        overridden(builtin("cong_lac"), changes)
    assert caught.value.code == code


def test_a_signal_with_a_wrong_text_is_refused() -> None:
    """make_signal reads the notation."""
    with pytest.raises(NotationError):
        routine("3 tieng")


@pytest.mark.parametrize(
    ("alarm", "calm", "alike"),
    [
        ("(1 hồi dài dồn dập) đến khi dừng", "1 hồi dài dồn dập", True),
        ("(1 hồi dài dồn dập) đến khi dừng", "1 hồi dài mỗi tiếng 450 ms", True),
        ("(1 hồi dài dồn dập) đến khi dừng", "1 hồi dài", False),
        ("(1 hồi dài dồn dập) đến khi dừng", "5 tiếng dồn dập", False),
        ("(3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng", "9 hồi, mỗi hồi 3 tiếng dồn dập, cách 1 giây", True),
        ("(3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng", "1 tiếng", False),
        ("1 hồi dài nhanh dần; (3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng", "2 hồi dài, cách 3 giây", True),
        ("1 hồi dài nhanh dần; (3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng", "5 tiếng thong thả", False),
        ("nghỉ 9 giây; (2 tiếng) đến khi dừng", "9 tiếng", True),
    ],
)
def test_codes_that_begin_alike_are_found(alarm: str, calm: str, alike: bool) -> None:
    """H18: the first 8 s, as a sleepy ear hears them: about as many strokes in much the same rhythm."""
    assert too_alike(hammered(alarm), hammered(calm)) is alike


def test_warnings_say_what_a_codebook_lacks() -> None:
    """H12: no evacuation code; H16: no all-clear; H18: a calm code that begins like the alarm, both named."""
    bare = overridden(
        builtin("ta_gia_khau"), {"evacuation": None, "all_clear": None, "meeting": routine("1 hồi dài dồn dập")}
    )
    warnings = lint(bare, StrikerProfile())
    assert len(warnings) == 3
    for warning, word in zip(
        warnings, ("sơ tán", "hết báo động", "“Họp thôn” (meeting) giống “Báo động” (alarm)"), strict=True
    ):
        assert word in warning
