"""The figures of a period: what counts, that sums agree, that order does not matter."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.bellcode.signal import Kind
from kengd.duty.words import Purpose, Source
from kengd.hub.reports import period
from kengd.hub.reports.facts import Ground, IncidentFacts, Outcome, PostFacts, PresenceFacts, RingFacts, VillageFacts
from kengd.hub.reports.figures import Figures, PostPresence, Spread, figures_of, spread
from tests.hub.reports_samples import DAY, FROM, POSTS, VILLAGES, at, commune, ring

NOVEMBER = period.month(2026, 11)
ONE, TWO, TWO_B, NONE = POSTS


def of(*rings: RingFacts, villages: Sequence[str] | None = None, **given: tuple[object, ...]) -> Figures:
    return figures_of(Ground(POSTS, VILLAGES, rings, **given), NOVEMBER, villages)  # type: ignore[arg-type]


def test_a_month_of_a_commune_in_figures() -> None:
    """The whole of it, as it is printed."""
    figures = figures_of(commune(), NOVEMBER)
    assert {field.name: getattr(figures, field.name) for field in fields(figures)} == {
        "period": NOVEMBER,
        "villages": None,
        "rings": 62,
        "by_kind": {Kind.ALARM: 2, Kind.SUPPORT: 1, Kind.ALL_CLEAR: 0, Kind.CURFEW: 59, Kind.ROUTINE: 0},
        "drills_by_kind": {Kind.ALARM: 1, Kind.SUPPORT: 0, Kind.ALL_CLEAR: 0, Kind.CURFEW: 0, Kind.ROUTINE: 0},
        "by_purpose": {Purpose.ACTUAL: 61, Purpose.DRILL: 1},
        "by_source": {
            Source.BUTTON: 1,
            Source.TIMETABLE: 59,
            Source.HUB: 2,
            Source.PAGE: 0,
            Source.SHELL: 0,
            Source.NEIGHBOUR: 0,
        },
        "by_village": {"v1": 30, "v2": 32, "v3": 32},
        "by_ending": {("finished", None): 61, ("cut", "hushed"): 1},
        "by_week": {
            date(2026, 10, 26): 2,
            date(2026, 11, 2): 14,
            date(2026, 11, 9): 15,
            date(2026, 11, 16): 15,
            date(2026, 11, 23): 14,
            date(2026, 11, 30): 2,
        },
        "by_hour": (*[0] * 9, 1, *[0] * 11, 2, 59, 0),
        "alarms_by_village": {"v1": 1, "v2": 0, "v3": 0},
        "joined": 1,
        "tests": 1,
        "missed": {"after_alarm": 1},
        "refused": {"bad_signature": 37},
        "unanswered": 1,
        "cancelled": 0,
        "time_to_ring": {Source.TIMETABLE: Spread(59, 0, 0, 0), Source.HUB: Spread(2, 1_000, 1_000, 1_000)},
        "incidents": 3,
        "from_calls": 1,
        "from_officers": 0,
        "incidents_by_kind": {"theft": 1, "quarrel": 1, None: 1},
        "incidents_by_outcome": {"Bắt giữ 1 đối tượng, thu hồi tài sản": 1, "Hòa giải tại chỗ": 1, None: 1},
        "time_to_acknowledge": Spread(1, 31_000, 31_000, 31_000),
        "unacknowledged": 1,
        "presence": (
            PostPresence("thon-1", 30 * DAY, 30 * DAY),
            PostPresence("thon-2", 19 * DAY, 20 * DAY),
            PostPresence("thon-2b", 3 * DAY, 30 * DAY),
            PostPresence("xa", 0, 0),
        ),
    }


def test_several_posts_of_a_village_rung_at_once_are_one_alarm_and_several_rings() -> None:
    """What its people heard is one alarm; a post that serves two villages gives each of them one."""
    rings = (
        ring(TWO, "2026-11-12T21:48:10"),
        ring(TWO_B, "2026-11-12T21:48:10"),
        ring(TWO_B, "2026-11-12T21:54:00"),  # pressed again 2 min 50 s after the end
    )
    figures = of(*rings)
    assert (figures.rings, figures.by_village) == (3, {"v1": 0, "v2": 3, "v3": 1})
    assert figures.alarms_by_village == {"v1": 0, "v2": 1, "v3": 1}
    alone = of(*rings, villages=["v3"])
    assert (alone.rings, alone.by_village, alone.alarms_by_village) == (1, {"v3": 1}, {"v3": 1})
    nowhere = of(ring(NONE, "2026-11-12T21:48:10"))
    assert (nowhere.rings, nowhere.by_village) == (1, {"v1": 0, "v2": 0, "v3": 0, None: 1})


@pytest.mark.parametrize(
    ("second", "alarms"),
    [
        (ring(ONE, "2026-11-12T21:56:10"), 1),
        (ring(ONE, "2026-11-12T21:56:11"), 2),
        (ring(ONE, "2026-11-12T21:50:00", signal="evacuation"), 2),
        (ring(ONE, "2026-11-12T21:50:00", purpose=Purpose.DRILL), 1),
        (ring(ONE, "2026-11-12T21:50:00", signal="support", kind=Kind.SUPPORT), 1),
    ],
    ids=["5 minutes after its end", "a second later", "another danger", "a drill", "support for others"],
)
def test_an_alarm_of_a_village_ends_five_minutes_after_its_sound(second: RingFacts, alarms: int) -> None:
    """The first sounds from 21:48:10 to 21:51:10."""
    assert of(ring(ONE, "2026-11-12T21:48:10"), second).alarms_by_village["v1"] == alarms


def test_an_alarm_over_midnight_belongs_to_the_month_in_which_it_began() -> None:
    """Pressed again in December it is still November's alarm, and December's ring."""
    ground = Ground(POSTS, VILLAGES, (ring(ONE, "2026-11-30T23:58:00"), ring(ONE, "2026-12-01T00:02:00")))
    found = [figures_of(ground, period.month(2026, month)) for month in (11, 12)]
    assert [(figures.rings, figures.alarms_by_village["v1"]) for figures in found] == [(1, 1), (1, 0)]


def test_time_to_ring_leaves_out_what_was_not_measured() -> None:
    """A button has no asking; two clocks may differ by 10 s below zero, more is no measurement."""
    hub = {"source": Source.HUB, "measured": True}
    figures = of(
        ring(ONE, "2026-11-02T10:00:00"),
        ring(ONE, "2026-11-03T10:00:00", asked_ms=at("2026-11-03T09:59:58"), **hub),
        ring(ONE, "2026-11-04T10:00:00", asked_ms=at("2026-11-04T10:00:05"), **hub),
        ring(ONE, "2026-11-05T10:00:00", asked_ms=at("2026-11-05T10:00:11"), **hub),
        ring(ONE, "2026-11-06T10:00:00", asked_ms=at("2026-11-06T09:00:00"), **(hub | {"measured": False})),
    )
    assert figures.time_to_ring == {Source.HUB: Spread(2, 1_000, 2_000, 2_000)}


def test_presence_counts_from_enrolment_and_what_overlaps_once() -> None:
    """Before enrolment and after removal nothing is expected of a post."""
    presence = PresenceFacts(
        "thon-1", FROM + 10 * DAY, FROM + 20 * DAY, ((0, FROM + 12 * DAY), (FROM + 11 * DAY, FROM + 15 * DAY), (9, 3))
    )
    again = PresenceFacts("thon-1", FROM + 25 * DAY, FROM + 60 * DAY, ((FROM + 25 * DAY, FROM + 26 * DAY),))
    assert of(presences=(presence, again)).presence == (PostPresence("thon-1", 6 * DAY, 15 * DAY),)
    assert of(presences=(presence,)).presence[0].share == 0.5


def test_only_incidents_that_began_with_an_alarm_have_to_be_acknowledged() -> None:
    """A call was answered when it came."""
    begun = at("2026-11-12T21:48:10")
    alarm = IncidentFacts("i1", begun, "v1", "theft", False, begun + 40_000, "Lê C", " Bắt giữ 1 đối tượng ")
    call = IncidentFacts("i2", begun, "v1", "theft", True, begun, "Lê C", "Bắt giữ 1 đối tượng")
    figures = of(incidents=(alarm, call, replace(call, id="i3", village=None, kind=None, outcome=" ")))
    assert (figures.incidents, figures.from_calls, figures.unacknowledged) == (3, 2, 0)
    assert figures.time_to_acknowledge == Spread(1, 40_000, 40_000, 40_000)
    assert figures.incidents_by_outcome == {"Bắt giữ 1 đối tượng": 2, None: 1}
    assert figures_of(Ground(POSTS, VILLAGES, incidents=(alarm, call)), NOVEMBER, ["v2"]).incidents == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Spread(0)),
        ([7], Spread(1, 7, 7, 7)),
        ([4, 1], Spread(2, 2, 4, 4)),
        (list(range(1, 11)), Spread(10, 5, 9, 10)),
        (list(range(1, 12)), Spread(11, 6, 10, 11)),
    ],
)
def test_median_and_ninetieth_are_as_said(values: list[int], expected: Spread) -> None:
    """p90 by nearest rank: nine in ten took at most this."""
    assert spread(values) == expected


# ---- any commune

FEWER = settings(max_examples=30, deadline=None)
_VILLAGES = tuple(VillageFacts(f"v{n}", f"Thôn {n}") for n in range(4))
_SILENT: tuple[Outcome, ...] = ("missed", "refused", "unanswered", "cancelled", "tested", "waiting")
_OUTCOMES: tuple[Outcome, ...] = ("finished", "cut", "failed", "ringing", *_SILENT)
_TIMES = st.integers(FROM - 3 * DAY, FROM + 33 * DAY)


@st.composite
def communes(draw: st.DrawFn, shared: bool = True) -> Ground:
    """Posts that serve no, one or (if `shared`) several villages; rings and incidents around November."""
    served = st.lists(st.sampled_from([v.id for v in _VILLAGES]), unique=True, max_size=3 if shared else 1)
    posts = [PostFacts(f"p{n}", f"Kẻng {n}", tuple(draw(served))) for n in range(draw(st.integers(1, 4)))]
    rings = []
    for n in range(draw(st.integers(0, 12))):
        post, when = draw(st.sampled_from(posts)), draw(_TIMES)
        outcome = draw(st.sampled_from(_OUTCOMES))
        silent = outcome in _SILENT
        rings.append(
            RingFacts(
                post=post.id,
                villages=post.villages,
                at_ms=when,
                outcome=outcome,
                signal="alarm",
                kind=draw(st.sampled_from([None, *Kind])),
                purpose=draw(st.sampled_from([None, *Purpose])) if silent else draw(st.sampled_from(list(Purpose)[:2])),
                source=draw(st.sampled_from([None, *Source])),
                activation=f"a{n}",
                asked_ms=draw(st.none() | st.integers(when - 9_000, when)),
                ringing_ms=None if silent else when,
                ended_ms=draw(st.none() | st.integers(when, when + 300_000)),
                reason=draw(st.sampled_from([None, "late", "duty"])),
                count=draw(st.integers(1, 9)) if silent else 1,
                measured=draw(st.booleans()),
            )
        )
    villages = st.none() | st.sampled_from([v.id for v in _VILLAGES])
    incidents = [
        IncidentFacts(f"i{n}", draw(_TIMES), draw(villages), draw(st.sampled_from([None, "theft", "fire"])))
        for n in range(draw(st.integers(0, 6)))
    ]
    intervals = st.lists(st.tuples(_TIMES, _TIMES), max_size=4).map(tuple)
    presences = [PresenceFacts(post.id, draw(_TIMES), draw(_TIMES), draw(intervals)) for post in posts]
    return Ground(tuple(posts), _VILLAGES, tuple(rings), tuple(incidents), tuple(presences))


_SETS = st.none() | st.sets(st.sampled_from([v.id for v in _VILLAGES]))


@FEWER
@given(communes(), _SETS)
def test_every_breakdown_adds_up_to_the_number_of_rings(ground: Ground, villages: set[str] | None) -> None:
    """No ring is lost or counted twice by kind, purpose, source, ending, week or hour."""
    figures = figures_of(ground, NOVEMBER, villages)
    breakdowns = (figures.by_kind, figures.by_purpose, figures.by_source, figures.by_ending, figures.by_week)
    assert [sum(counts.values()) for counts in breakdowns] == [figures.rings] * 5
    assert (sum(figures.by_hour), len(figures.by_hour)) == (figures.rings, 24)
    assert figures.drills_by_kind.keys() <= figures.by_kind.keys()
    assert sum(figures.drills_by_kind.values()) == figures.by_purpose[Purpose.DRILL]
    for counts in (figures.incidents_by_kind, figures.incidents_by_outcome):
        assert sum(counts.values()) == figures.incidents
    assert sum(figures.by_village.values()) >= figures.rings or villages is not None
    assert all(0 <= item.present_ms <= item.possible_ms for item in figures.presence)


@FEWER
@given(communes(), _SETS, st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter(
    ground: Ground, villages: set[str] | None, chance: random.Random
) -> None:
    """The ledger may hand them over in any order."""
    parts = {field.name: list(getattr(ground, field.name)) for field in fields(ground) if field.name != "villages"}
    for items in parts.values():
        chance.shuffle(items)
    shuffled = replace(ground, **{name: tuple(items) for name, items in parts.items()})
    assert figures_of(shuffled, NOVEMBER, villages) == figures_of(ground, NOVEMBER, villages)


@FEWER
@given(communes(shared=False), st.sets(st.sampled_from([v.id for v in _VILLAGES])))
def test_villages_that_share_no_post_add_up_to_their_set(ground: Ground, villages: set[str]) -> None:
    """Rings, tests, misses, refusals, incidents and present time of a set are the sums over its villages."""

    def totals(figures: Figures) -> list[int]:
        present = sum(item.present_ms for item in figures.presence), sum(p.possible_ms for p in figures.presence)
        silent = sum(figures.missed.values()), sum(figures.refused.values()), figures.unanswered, figures.tests
        return [figures.rings, figures.incidents, *silent, *present, *figures.by_hour, *figures.by_week.values()]

    singly = [totals(figures_of(ground, NOVEMBER, [village])) for village in villages]
    together = totals(figures_of(ground, NOVEMBER, villages))
    assert together == [sum(column) for column in zip(*singly, strict=True)] if singly else not any(together)


@FEWER
@given(communes(), st.sets(st.sampled_from([v.id for v in _VILLAGES])))
def test_by_village_a_set_says_what_each_of_its_villages_says_alone(ground: Ground, villages: set[str]) -> None:
    """Also where posts are shared: rings and alarms by village, and nothing of other villages."""
    together = figures_of(ground, NOVEMBER, villages)
    alone = {village: figures_of(ground, NOVEMBER, [village]) for village in villages}
    assert together.by_village == {village: figures.rings for village, figures in alone.items()}
    assert together.alarms_by_village == {v: figures.alarms_by_village[v] for v, figures in alone.items()}
    assert together.rings <= figures_of(ground, NOVEMBER).rings


@FEWER
@given(communes(), _SETS)
def test_months_add_up_to_their_quarter(ground: Ground, villages: set[str] | None) -> None:
    """Each ring, alarm, miss and incident belongs to exactly one month."""

    def totals(figures: Figures) -> list[int]:
        counts = (figures.missed, figures.refused, figures.alarms_by_village, figures.by_village)
        present = sum(item.present_ms for item in figures.presence), sum(p.possible_ms for p in figures.presence)
        return [figures.rings, figures.incidents, figures.unanswered, *present, *(sum(c.values()) for c in counts)]

    months = [totals(figures_of(ground, period.month(2026, month), villages)) for month in (10, 11, 12)]
    assert totals(figures_of(ground, period.quarter(2026, 4), villages)) == [sum(c) for c in zip(*months, strict=True)]
