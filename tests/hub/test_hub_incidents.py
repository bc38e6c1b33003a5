"""Incidents: what begins one, who is called and who is asked for help, when its sound has ended, what it was (H6, H13, P13)."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.duty.words import EntryKind, Purpose, Source
from kengd.hub.incidents import (
    FROM_VILLAGE,
    KINDS,
    Callee,
    Incident,
    Outcome,
    begins_incident,
    ends_sounding,
    helpers_of,
    hushed_at_post,
    keepers_at_home,
    next_callee,
    sounding_end,
    villages_of,
)
from kengd.hub.ledger import dispatches, incidents
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.merging import merge
from kengd.hub.ledger.store import Ledger
from kengd.hub.roster import Keeper, Neighbour, Post, Roster, Village
from kengd.wire.entry import Entry
from tests.hub.spine_kit import T0, chained, heard, said

ALARMS = frozenset({"alarm", "fire"})
A, C = "a" * 16, "c" * 16


def one(kind: str, **more: Any) -> Entry:
    return chained([said(kind, **more)])[0]


def ring(**more: Any) -> Entry:
    usual = {"activation": A, "signal": "alarm", "purpose": "actual", "source": "button"}
    return one("ringing", **(usual | more))


@given(
    st.sampled_from(list(EntryKind)), st.sampled_from([*Purpose, None]), st.sampled_from(["alarm", "fire", "support", "all_clear", None]),
    st.sampled_from([A, None]), st.sampled_from([*Source, None]),
)  # fmt: skip
def test_only_an_actual_alarm_that_sounds_begins_an_incident(
    kind: EntryKind, purpose: Purpose | None, signal: str | None, activation: str | None, source: Source | None
) -> None:
    """H13: a call for support is no alarm and begins none, nor a drill, a test, or what has only been received."""
    entry = one(kind.value, purpose=purpose and purpose.value, signal=signal, activation=activation, source=source)
    wanted = (kind.value, purpose and purpose.value, activation) == ("ringing", "actual", A) and signal in ALARMS
    assert begins_incident(entry, ALARMS) is wanted


@pytest.mark.parametrize("source", list(Source))
def test_somebody_at_the_post_has_to_be_answered(source: Source) -> None:
    """An officer's own dispatch, the timetable and a neighbour's call do not wait for somebody to take charge."""
    assert (source.value in FROM_VILLAGE) is (source in (Source.BUTTON, Source.PAGE, Source.SHELL))


@pytest.mark.parametrize(
    ("kind", "reason", "detail", "at_post"),
    [
        ("cut", "hushed", {"hushed_by": {"source": "button", "by": None}}, True),
        ("cut", "hushed", {"hushed_by": {"source": "page"}}, True),
        ("cut", "hushed", {"hushed_by": {"source": "hub"}}, False),
        ("cut", "hushed", {"before_start": True, "hushed_by": "Đ/c Hùng"}, False),
        ("cut", "hushed", None, False),
        ("cut", "hard_limit", {"hushed_by": {"source": "page"}}, False),
        ("finished", None, {"hushed_by": {"source": "page"}}, False),
    ],
)
def test_hushed_at_the_post_is_told_from_hushed_by_us(
    kind: str, reason: str | None, detail: dict[str, Any] | None, at_post: bool
) -> None:
    """P13: bị dừng tại chỗ: the alarm stays open, for a thief can press a button too."""
    assert hushed_at_post(one(kind, activation=A, reason=reason, detail=detail)) is at_post


def test_an_end_is_of_an_activation() -> None:
    """What was never begun, and what is no end, ends nothing."""
    assert [ends_sounding(one(kind.value, activation=A)) for kind in EntryKind] == [
        kind.value in ("finished", "cut", "failed") for kind in EntryKind
    ]
    assert not ends_sounding(one("cut"))


PRESSED_TWICE = [
    said("ringing", activation=A, signal="alarm", purpose="actual"),
    said("ringing", activation=A, signal="alarm", purpose="actual", detail={"joined": True, "cause": C}),
    said("finished", activation=A),
    said("cut", activation=A, reason="hushed", detail={"cause": C, "hushed_by": {"source": "page"}}),
]
LIVES: list[tuple[str, list[dict[str, Any]], str | None]] = [
    ("sounds", PRESSED_TWICE[:1], None),
    ("ended", [PRESSED_TWICE[0], PRESSED_TWICE[2]], "finished"),
    ("pressed twice, sounds on", PRESSED_TWICE[:3], None),
    ("pressed twice, ended", PRESSED_TWICE, "at_post"),
    ("the second cause ended first", [*PRESSED_TWICE[:2], PRESSED_TWICE[3]], None),
    ("resumed, sounds", [PRESSED_TWICE[0], said("ringing", activation=A, detail={"resumed": True})], None),
    ("power lost", [*PRESSED_TWICE[:2], said("cut", activation=A, reason="power_lost")], "power_lost"),
    ("crashed", [*PRESSED_TWICE[:2], said("cut", activation=A, reason="crashed")], "crashed"),
    ("failed", [*PRESSED_TWICE[:2], said("failed", activation=A, reason="relay_failed")], "relay_failed"),
    ("only its end is known", [said("cut", activation=A, reason="hard_limit")], "hard_limit"),
    ("nothing is known", [], None),
]


def test_an_activation_has_ended_with_the_last_of_its_causes(ledger: Ledger) -> None:
    """P4, P9: pressed again, an alarm goes on although the first press has ended by itself: it is not shown as silent."""
    for life, lines, _ in LIVES:
        with ledger.write() as connection:
            merge(connection, heard(life, chained(lines)), T0)
    with ledger.read() as connection:
        ends = dispatches.ends_of(connection, {(life, A) for life, _, _ in LIVES})
        found = {life: ends.get((life, A)) for life, _, _ in LIVES}
    assert found == {life: ended for life, _, ended in LIVES}
    for _, lines, ended in LIVES:
        for seed in range(4):
            come = chained(lines)
            random.Random(seed).shuffle(come)
            assert (sounding_end(come) is None) is (ended is None)


# ---- who is called, who is asked

ROSTER = Roster(
    posts=(
        Post("p1", "", ("v1",)), Post("p2", "", ("v2",)), Post("p12", "", ("v1", "v2")), Post("p3", "", ("v3",)),
        Post("ubnd", "", ("v2",), sounder=True),
    ),
    villages=(Village("v1", "Thôn 1"), Village("v2", "Thôn 2"), Village("v3", "Thôn 3")),
    neighbours=(Neighbour("v1", "v2"), Neighbour("v1", "v3", True), Neighbour("v2", "v3")),
)  # fmt: skip


def test_neighbours_are_asked_and_only_those_so_marked_are_told_by_itself() -> None:
    """H13: the neighbours of the alarm's own village, not their neighbours; never the village's own posts or the sounder."""
    assert helpers_of(ROSTER, ["v1"], by_itself=False) == ("p2",)
    assert helpers_of(ROSTER, ["v1"], by_itself=True) == ("p3",)
    assert helpers_of(ROSTER, ["v2"], by_itself=False) == ("p3",)
    for villages in (["v3"], ["nowhere"], []):
        for by_itself in (False, True):
            assert helpers_of(ROSTER, villages, by_itself=by_itself) == ()


def test_a_post_that_serves_two_villages_calls_the_neighbours_of_both() -> None:
    """H13: nobody knows from which of them the button was pressed; neither is its own neighbour."""
    about = Incident("i", "alarm", T0)
    assert villages_of(ROSTER, replace(about, post="p12", village="v1")) == ("v1", "v2")
    assert [villages_of(ROSTER, replace(about, post=post, village="v3")) for post in ("p3", "gone", None)] == [
        ("v3",)
    ] * 3
    assert [villages_of(ROSTER, about), villages_of(ROSTER, replace(about, post="p2"))] == [(), ("v2",)]
    assert [helpers_of(ROSTER, ["v1", "v2"], by_itself=by_itself) for by_itself in (False, True)] == [("p3",), ("p3",)]


def test_people_are_called_in_turn_until_somebody_answers() -> None:
    """H6: the list, over and over; whom nothing can reach has no turn, and with nobody on it there is nobody."""
    people = [Callee(f"o{n}", f"Đ/c {n}") for n in range(3)]
    assert [next_callee(people, turn) for turn in range(5)] == [*people, *people[:2]]
    mute = replace(people[1], reachable=False)
    assert [next_callee([people[0], mute, people[2]], turn) for turn in range(3)] == [people[0], people[2], people[0]]
    assert next_callee([], 4) is next_callee([mute], 4) is None


def test_a_keeper_who_is_away_is_not_called() -> None:
    """Đi vắng đến ngày: from that moment on again; in their order."""
    keepers = [
        Keeper("b", "p1", "", rank=1), Keeper("a", "p1", "", rank=1), Keeper("c", "p1", "", rank=0),
        Keeper("gone", "p1", "", rank=0, away_until_ms=T0 + 1), Keeper("back", "p1", "", rank=2, away_until_ms=T0),
        Keeper("other", "p2", ""),
    ]  # fmt: skip
    assert [keeper.id for keeper in keepers_at_home(keepers, "p1", T0)] == ["c", "a", "b", "back"]


def test_every_kind_of_incident_has_a_vietnamese_name() -> None:
    """Officers choose by it and reports count by it."""
    assert len(KINDS) == 13 and all(KINDS.values())
    assert (KINDS["theft"], KINDS["false_alarm"]) == ("trộm cắp", "báo nhầm")


# ---- kept

INCIDENT = Incident(
    "thon-1-a", "alarm", T0, post="thon-1", village="v1", text="nhà văn hóa", call_due_ms=T0 + 60_000, villages=("v1", "v2")
)  # fmt: skip
SOUNDED = Sounded("thon-1", A, INCIDENT.id, "alarm", "button", "nhà văn hóa", T0)


def test_an_incident_and_its_activation_are_kept_once(ledger: Ledger) -> None:
    """However often an entry comes: the second time says that it is there."""
    with ledger.write() as connection:
        assert [incidents.add(connection, INCIDENT) for _ in range(2)] == [True, False]
        assert [incidents.sound(connection, [SOUNDED]) for _ in range(2)] == [{("thon-1", A)}, set()]
    with ledger.read() as connection:
        assert incidents.find(connection, INCIDENT.id) == INCIDENT
        assert incidents.find(connection, "x") is None
        assert incidents.open_ones(connection) == incidents.between(connection, T0, T0 + 1) == [INCIDENT]
        assert incidents.between(connection, T0 + 1, T0 + 9) == []
        assert incidents.sounded_of(connection, [INCIDENT.id]) == [SOUNDED]
        pairs = {("thon-1", A), ("thon-2", A)}
        assert incidents.incidents_of(connection, pairs) == {("thon-1", A): INCIDENT.id}


def test_the_first_to_take_charge_has_it_and_nobody_is_called_any_more(ledger: Ledger) -> None:
    """H6: the second one is told so; closing likewise."""
    with ledger.write() as connection:
        incidents.add(connection, INCIDENT)
        assert [incidents.acknowledge(connection, INCIDENT.id, by, T0 + 5) for by in ("Hùng", "Lan")] == [True, False]
        assert incidents.calls_due(connection, T0 + 999_999) == []
        assert [incidents.close(connection, INCIDENT.id, by, T0 + 9) for by in ("Hùng", "Lan")] == [True, False]
        assert [incidents.acknowledge(connection, "x", "Lan", T0), incidents.close(connection, "x", "Lan", T0)] == [
            False
        ] * 2
        assert incidents.open_ones(connection) == []
        assert incidents.find(connection, INCIDENT.id) == replace(
            INCIDENT,
            acknowledged_ms=T0 + 5,
            acknowledged_by="Hùng",
            closed_ms=T0 + 9,
            closed_by="Hùng",
            call_due_ms=None,
        )


def test_calls_are_due_until_made_and_then_again_later(ledger: Ledger) -> None:
    """H6: each turn is counted, and the next one has its moment; whether somebody was called is another number."""
    with ledger.write() as connection:
        incidents.add(connection, INCIDENT)
        assert incidents.calls_due(connection, T0 + 59_999) == []
        assert [(item.turns, item.calls) for item in incidents.calls_due(connection, T0 + 60_000)] == [(0, 0)]
        incidents.turn_came(connection, INCIDENT.id, T0 + 120_000)
        assert incidents.calls_due(connection, T0 + 60_000) == []
        assert [(item.turns, item.calls) for item in incidents.calls_due(connection, T0 + 120_000)] == [(1, 0)]
        incidents.called(connection, INCIDENT.id)
        assert incidents.find(connection, INCIDENT.id) == replace(INCIDENT, turns=1, calls=1, call_due_ms=T0 + 120_000)


def test_two_workers_never_both_call_for_the_same_alarm(postgres_url: str) -> None:
    """H6 with several workers: one of them has it, the other passes it over without waiting."""
    first, second = Ledger(postgres_url), Ledger(postgres_url)
    with first.write() as connection:
        incidents.add(connection, INCIDENT)
    found: list[int] = []
    with first.write() as mine:
        assert len(incidents.calls_due(mine, T0 + 60_000)) == 1

        def other() -> None:
            with second.write() as theirs:
                found.append(len(incidents.calls_due(theirs, T0 + 60_000)))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
        assert found == [0]
    first.close()
    second.close()


def test_a_sound_ends_once_and_an_outcome_is_corrected_by_a_further_one(ledger: Ledger) -> None:
    """The first end stays; nothing of an outcome is overwritten."""
    outcomes = [Outcome(INCIDENT.id, T0, "Hùng", "theft"), Outcome(INCIDENT.id, T0, "Lan", "false_alarm", text="mèo")]
    with ledger.write() as connection:
        incidents.add(connection, INCIDENT)
        incidents.sound(connection, [SOUNDED])
        for ended in ("at_post", "finished"):
            incidents.sound_ended(connection, {("thon-1", A): ended}, T0 + 30)
        assert incidents.sounded_of(connection, [INCIDENT.id]) == [replace(SOUNDED, ended="at_post", ended_ms=T0 + 30)]
        for outcome in outcomes:
            incidents.add_outcome(connection, outcome)
        assert incidents.outcomes_of(connection, [INCIDENT.id]) == outcomes
