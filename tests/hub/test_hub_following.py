"""What a village's alarm begins at the hub, and what only looks like one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.following import RECENT_MS, Following, began_of
from kengd.hub.incidents import Incident
from kengd.hub.ledger import incidents
from kengd.hub.ledger.merging import Heard
from kengd.hub.ledger.store import Ledger
from kengd.hub.roster import Post, Roster, Village
from kengd.hub.service import ALARMS
from kengd.wire.entry import format_at
from tests.hub.spine_kit import T0, heard, true_book

ROSTER = Roster(
    (Post("thon-1", "Điểm 1", ("dong",)), Post("truc", "Phòng trực", sounder=True)), (Village("dong", "Đông"),)
)
A, B = "a" * 16, "b" * 16
CALL_AFTER_S = 60


def following() -> Following:
    """With the roster above."""
    return Following(lambda: ROSTER, ALARMS, CALL_AFTER_S)


def pressed(
    activation: str = A, *, at_ms: int = T0, clock: str = "ntp", post: str = "thon-1", heard_ms: int = T0
) -> Heard:
    """A button's alarm, as its entry comes."""
    [bare] = true_book(1)
    entry = replace(
        bare, kind="ringing", activation=activation, signal="alarm", purpose="actual", source="button",
        place="nhà văn hóa", clock=clock, at=format_at(at_ms), reason=None,
    )  # fmt: skip
    return replace(heard(post, [entry])[0], heard_ms=heard_ms)


def all_of(ledger: Ledger) -> list[Incident]:
    """Open ones."""
    with ledger.read() as connection:
        return incidents.open_ones(connection)


def take_in(ledger: Ledger, *items: Heard) -> None:
    """As the ingest does."""
    with ledger.write() as connection:
        following().within(connection, items)


def sounding(activation: str = A, source: Source = Source.BUTTON, purpose: Purpose = Purpose.ACTUAL) -> Sounding:
    """What a post's status says that it is doing."""
    return Sounding(activation, "alarm", purpose, source, T0, None)


def places(ledger: Ledger, incident_id: str) -> list[str | None]:
    """Where the buttons are; a place is no reason, so the incident's own text stays empty."""
    with ledger.read() as connection:
        found = incidents.find(connection, incident_id)
        assert found is not None and found.text == ""
        return [item.place for item in incidents.sounded_of(connection, [incident_id])]


def test_a_keepers_alarm_is_an_incident_that_somebody_is_called_for(ledger: Ledger) -> None:
    """H6: at the top at once; after a minute without an officer the next person is called."""
    take_in(ledger, pressed())
    [incident] = all_of(ledger)
    assert (incident.village, places(ledger, incident.id), incident.call_due_ms) == (
        "dong",
        ["nhà văn hóa"],
        T0 + CALL_AFTER_S * 1000,
    )


def test_an_alarm_of_last_week_is_written_down_and_wakes_nobody(ledger: Ledger) -> None:
    """A post that comes back after a week brings its history; neighbours and officers are not called out for it."""
    old_ms = T0 - 7 * 86_400_000
    take_in(ledger, pressed(at_ms=old_ms))
    [incident] = all_of(ledger)
    assert (incident.began_ms, incident.call_due_ms) == (old_ms, None)


@pytest.mark.parametrize(("ago_ms", "called"), [(RECENT_MS - 1, True), (RECENT_MS, False)])
def test_a_quarter_of_an_hour_is_still_now(ledger: Ledger, ago_ms: int, called: bool) -> None:
    """A line that was down for ten minutes does not make an alarm history."""
    take_in(ledger, pressed(at_ms=T0 - ago_ms))
    assert (all_of(ledger)[0].call_due_ms is not None) is called


def test_an_alarm_with_an_untrusted_clock_counts_as_now(ledger: Ledger) -> None:
    """H22: a false silence costs a house; a Pi without a clock writes 2024."""
    take_in(ledger, pressed(at_ms=T0 - 700 * 86_400_000, clock="untrusted"))
    [incident] = all_of(ledger)
    assert (incident.began_ms, incident.call_due_ms is not None) == (T0, True)


def test_a_status_tells_of_an_alarm_before_its_entry_comes(ledger: Ledger) -> None:
    """5,000 older entries may stand before it in the line; the entry then belongs to the same incident and says where."""
    room = following()
    assert room.concerns("thon-1", sounding())
    with ledger.write() as connection:
        [first] = room.begin(connection, [began_of("thon-1", sounding(), T0)])
    take_in(ledger, pressed(heard_ms=T0 + 4_000))
    [incident] = all_of(ledger)
    assert (incident.id, places(ledger, first), incident.began_ms) == (first, ["nhà văn hóa"], T0)


@pytest.mark.parametrize(
    ("post", "what"),
    [
        ("thon-1", sounding(source=Source.HUB)),
        ("thon-1", sounding(source=Source.TIMETABLE)),
        ("thon-1", sounding(purpose=Purpose.DRILL)),
        ("thon-1", replace(sounding(), signal="support")),
        ("truc", sounding()),
        ("thon-9", sounding()),
        ("thon-1", None),
    ],
)
def test_what_a_status_tells_of_is_not_always_a_villages_alarm(post: str, what: Sounding | None) -> None:
    """H13: an officer's own dispatch, a drill, a call for support, the duty room's sounder, a post that is not ours."""
    assert not following().concerns(post, what)


def test_a_second_press_before_anybody_came_is_the_same_alarm(ledger: Ledger) -> None:
    """One thief, two presses: one incident with two activations."""
    take_in(ledger, pressed(), pressed(B, at_ms=T0 + 60_000, heard_ms=T0 + 60_000))
    [incident] = all_of(ledger)
    with ledger.read() as connection:
        assert [item.activation for item in incidents.sounded_of(connection, [incident.id])] == [A, B]


def test_the_duty_rooms_own_sounder_begins_nothing(ledger: Ledger) -> None:
    """It sounds because of an alarm; it is none."""
    take_in(ledger, pressed(post="truc"))
    assert all_of(ledger) == []


def joined(cause: str, at_ms: int) -> Heard:
    """The button again, while it sounds."""
    item = pressed(at_ms=at_ms, heard_ms=at_ms)
    return replace(item, entry=replace(item.entry, seq=2, detail={"joined": True, "cause": cause}))


def test_a_press_of_this_minute_is_not_hidden_in_history(ledger: Ledger) -> None:
    """H6: what was caught up with wakes nobody; somebody who presses at that post now has to be answered."""
    take_in(ledger, pressed(at_ms=T0 - RECENT_MS - 60_000))
    take_in(ledger, pressed(B))
    assert [(item.id, item.call_due_ms) for item in all_of(ledger)] == [
        (f"thon-1-{A}", None), (f"thon-1-{B}", T0 + CALL_AFTER_S * 1000)
    ]  # fmt: skip


def test_a_press_that_joins_what_was_declared_over_is_a_new_alarm(ledger: Ledger) -> None:
    """P13, H6: hết báo động hushes what was known by then; who presses while the bell still sounds is nobody's otherwise. While the
    incident is open a further press belongs to it."""
    take_in(ledger, pressed(), joined(B, T0 + 1_000))
    [incident] = all_of(ledger)
    with ledger.write() as connection:
        incidents.close(connection, incident.id, "Đ/c Hùng", T0 + 2_000)
    anew = joined("c" * 16, T0 + 3_000)
    take_in(ledger, anew)
    take_in(ledger, anew)
    [again] = all_of(ledger)
    assert (again.id, again.call_due_ms) == (f"thon-1-{'c' * 16}", T0 + 3_000 + CALL_AFTER_S * 1000)
    ended = replace(anew, entry=replace(anew.entry, seq=3, kind="cut", reason="hushed", detail={"cause": "c" * 16}))
    take_in(ledger, ended)
    with ledger.read() as connection:
        sounded = incidents.sounded_of(connection, [incident.id, again.id])
    assert [(item.activation, item.incident, item.ended) for item in sounded] == [
        (A, incident.id, None), ("c" * 16, again.id, "hushed")
    ]  # fmt: skip
