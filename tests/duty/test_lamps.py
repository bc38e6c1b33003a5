"""What the two lamps say to a keeper who has no page (H10, H20)."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.duty import lamps
from kengd.duty.lamps import BELL_LAMP, POLICE_LAMP, Blink, bell_lamp, lit, next_change_ms, police_lamp

ALL = (*BELL_LAMP, *POLICE_LAMP)
MOMENTS = st.integers(0, 10**12)


def changes(blink: Blink, from_ms: int, count: int) -> list[tuple[int, bool]]:
    """The next changes of a lamp: (ms after from_ms, lit)."""
    seen = []
    now_ms = from_ms
    for _ in range(count):
        upcoming = next_change_ms(blink, now_ms)
        assert upcoming is not None
        now_ms = upcoming
        seen.append((now_ms - from_ms, lit(blink, now_ms)))
    return seen


def test_every_state_of_a_lamp_looks_different_from_its_others() -> None:
    """Few, clearly different blinks: no two states of one lamp share a cycle, a code or a name."""
    for lamp in (BELL_LAMP[1:], POLICE_LAMP[1:]):
        assert len({blink.cycle for blink in lamp}) == len(lamp)
        assert len({blink.code for blink in lamp}) == len(lamp)
        assert len({blink.vi for blink in lamp}) == len(lamp)
        assert len({blink.looks for blink in lamp}) == len(lamp)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, lamps.READY),
        ({"fault"}, lamps.FAULT),
        ({"fault", "press_again"}, lamps.PRESS_AGAIN),
        ({"fault", "press_again", "ringing"}, lamps.RINGING),
        ({"fault", "press_again", "ringing", "pressing"}, lamps.HEARD),
        ({"fault", "press_again", "ringing", "pressing", "testing"}, lamps.LAMP_TEST),
    ],
)
def test_the_bell_lamp_says_the_most_urgent_thing(facts: set[str], said: Blink) -> None:
    """H10: "press again" hides a fault, a ring hides both, a press under way hides the ring."""
    names = ("testing", "pressing", "ringing", "press_again", "fault")
    assert bell_lamp(**{name: name in facts for name in names}) == said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, lamps.LINE_DOWN),
        ({"line_up"}, lamps.LINE_UP),
        ({"line_up", "reached"}, lamps.REACHED),
        ({"reached"}, lamps.REACHED),
        ({"taken", "reached", "line_up"}, lamps.TAKEN),
        ({"testing", "taken"}, lamps.LAMP_TEST),
    ],
)
def test_the_police_lamp_says_how_far_the_alarm_has_got(facts: set[str], said: Blink) -> None:
    """H20: line up, alarm reached the hub, taken by a named officer; dark means that nobody knows."""
    names = ("testing", "taken", "reached", "line_up")
    assert police_lamp(**{name: name in facts for name in names}) == said


def test_every_combination_of_facts_has_an_answer_on_the_printed_sheet() -> None:
    """The sheet lists all that a lamp can ever say."""
    assert {
        bell_lamp(testing=a, pressing=b, ringing=c, press_again=d, fault=e)
        for a, b, c, d, e in product((False, True), repeat=5)
    } == set(BELL_LAMP)
    assert {
        police_lamp(testing=a, taken=b, reached=c, line_up=d) for a, b, c, d in product((False, True), repeat=4)
    } == set(POLICE_LAMP)


def test_a_press_lights_the_lamp_at_any_moment_of_its_cycle() -> None:
    """Figure "lamp within 100 ms of the press": HEARD has no dark part to wait for."""
    assert all(lit(lamps.HEARD, now_ms) for now_ms in range(5_000))
    assert next_change_ms(lamps.HEARD, 17) is None


def test_a_dark_lamp_stays_dark() -> None:
    """A dead lamp and a dead line look the same: both mean "telephone"."""
    assert not any(lit(lamps.LINE_DOWN, now_ms) for now_ms in range(5_000))
    assert next_change_ms(lamps.LINE_DOWN, 17) is None


def test_a_fault_is_three_flashes_and_a_rest() -> None:
    """The changes of one whole cycle, from its start."""
    assert changes(lamps.FAULT, 0, 6) == [
        (150, False),
        (400, True),
        (550, False),
        (800, True),
        (950, False),
        (2_550, True),
    ]


@given(st.sampled_from(ALL), MOMENTS)
def test_between_two_changes_a_lamp_keeps_still(blink: Blink, now_ms: int) -> None:
    """The tower may sleep until next_change_ms: nothing changes before, and it does change then."""
    change_ms = next_change_ms(blink, now_ms)
    if change_ms is None:
        assert lit(blink, now_ms) == lit(blink, now_ms + 12_345)
        return
    assert now_ms < change_ms <= now_ms + blink.period_ms
    assert lit(blink, change_ms - 1) == lit(blink, now_ms)
    assert lit(blink, change_ms) != lit(blink, now_ms)
