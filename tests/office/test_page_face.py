"""What the office tells the page: the blows that the relay makes, the lamps as the belfry decides them, the codebook."""

from __future__ import annotations

import pytest

from kengd.bellcode.codebooks import builtin
from kengd.bellcode.layout import lay_out
from kengd.bellcode.profile import StrikerProfile
from kengd.bellcode.score import Edge, Score
from kengd.duty.health import condition
from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.intercom import BelfryState
from kengd.office.page_face import codebook_of, lamps_of, sounding_of
from kengd.settings.plan import BelfryPlan, LampPlan, Limits, RelayPlan, SignalPlan

PREFIX = Score((Edge(0, True), Edge(60, False)), 1_000)
SLOW = Score((Edge(0, True), Edge(60, False)), 9_000)
SIGNALS = tuple(
    SignalPlan(
        one.id, one.kind, one.name_vi, lay_out(one.pattern, StrikerProfile(), limit_ms=300_000), one.name_en,
        one.meaning_vi, one.notation,
    )
    for one in builtin("cong_lac").signals.values()
)  # fmt: skip
PLAN = BelfryPlan(
    "cong-lac", "thon-1", "Kẻng", (), "/s", "/r", "simulated", RelayPlan(17), (), LampPlan(), (), StrikerProfile(),
    Limits(), SIGNALS, PREFIX, SLOW, 0, 0,
)  # fmt: skip


def sounds(signal: str, purpose: str = "actual") -> Sounding:
    """By the button, since a moment."""
    return Sounding("a" * 16, signal, Purpose(purpose), Source.BUTTON, 1_790_000_000_000)


def test_a_drill_is_drawn_with_its_prefix_and_a_spent_bell_with_its_slow_roll() -> None:
    """H19, P3: what is drawn is what the relay does."""
    curfew = PLAN.signal("curfew")
    assert curfew is not None
    plain, drill = sounding_of(sounds("curfew"), (), PLAN), sounding_of(sounds("curfew", "drill"), (), PLAN)
    spent = sounding_of(sounds("alarm"), (condition("duty_exhausted"),), PLAN)
    assert plain is not None and drill is not None and spent is not None and drill.score is not None
    assert plain.score == curfew.score and spent.score == SLOW
    assert drill.score.lead[: len(PREFIX.lead)] == PREFIX.lead and drill.score.lead_ms == 3_000 + curfew.score.lead_ms


def test_a_signal_that_is_gone_from_the_codebook_still_sounds() -> None:
    """Replaced while it rang: no blows to draw, and the page is there."""
    found = sounding_of(sounds("old"), (), PLAN)
    assert found is not None and found.score is None and sounding_of(None, (), PLAN) is None


@pytest.mark.parametrize(
    ("state", "line_up", "lamps"),
    [
        (BelfryState(), True, ("ready", "line_up")),
        (BelfryState(), False, ("ready", "line_down")),
        (BelfryState(sounds("alarm")), True, ("ringing", "line_up")),
        (BelfryState(sounds("alarm"), delivered="a" * 16), True, ("ringing", "reached")),
        (BelfryState(sounds("alarm"), delivered="a" * 16, taken="a" * 16), True, ("ringing", "taken")),
        (BelfryState(press_again_until_ms=10), True, ("press_again", "line_up")),
        (BelfryState(press_again_until_ms=5), True, ("ready", "line_up")),
    ],
)
def test_lamps_are_told_as_the_belfry_lights_them(state: BelfryState, line_up: bool, lamps: tuple[str, str]) -> None:
    """H10, H20: the same tables; nothing is guessed."""
    assert lamps_of(state, (), line_up, 7) == lamps


def test_a_fault_is_on_the_lamp_and_a_lost_line_is_not() -> None:
    """A bell that was not heard has to be looked at (H2)."""
    assert lamps_of(BelfryState(), (condition("not_heard"),), True, 0)[0] == "fault"
    assert lamps_of(BelfryState(), (condition("line_down"), condition("pins_unreadable")), False, 0)[0] == "ready"


def test_the_codebook_is_told_with_meaning_and_notation() -> None:
    """As compiled: nothing is read again for a page."""
    alarm = codebook_of(PLAN)[0]
    assert (alarm.id, alarm.kind, alarm.name_en) == ("alarm", "alarm", "Alarm")
    assert "mọi nhà ra ngoài" in alarm.meaning_vi and "đến khi dừng" in alarm.notation
