"""The figures of a period for any set of villages. Pure.

What counts
- A **ring** is an activation of which the post said "ringing", whatever ended it, actual or drill, at one post. Several causes that
  joined are one ring. A silent test is no ring. It counts in the period, week and hour in which it began, local time.
- A set of villages takes in every post that serves one of them, each once; "all" also takes in posts that serve none.
- By village a ring counts for each village its post serves, so those sums can be larger than the number of rings.
- An **alarm of a village** is what its people heard as one: actual rings of one alarm signal at its posts, each beginning while an
  earlier one sounds or at most 5 minutes after its end. So several posts rung at once, or a button pressed again, are several rings
  and one alarm; evacuation is another alarm than theft. It counts where its first ring began.
- **Missed**: rings of the timetable that did not happen; **refused**: what a post refused, also unknown commands; **unanswered**: commands
  that a post never answered. Each counts as many times as it stands for (`RingFacts.count`).
- **Time to ring**: from the moment the sound was wanted to "ringing", by source, where both were measured: commands of the hub and rings of
  the timetable. Up to 10 s below zero (two clocks) counts as 0; clocks further apart are told by the hub's own hearing (`sayings.py`).
- An **incident** belongs to each village that it is about, so their sums can be larger than the number of incidents.
- **Time to acknowledge**: of alarms that somebody at a post raised, from the beginning until an officer took charge. What an officer rang
  he has taken charge of by ringing, and a call (tin báo) by answering: those are counted for themselves.
- **Presence**: present time out of the time between enrolment and now (or removal) within the period, per post.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeVar

from kengd import clock
from kengd.bellcode.signal import Kind
from kengd.duty.words import Purpose, Source
from kengd.hub.reports.facts import Ground, IncidentFacts, Outcome, PresenceFacts, RingFacts
from kengd.hub.reports.period import Period
from kengd.hub.reports.sayings import CLOCKS_APART_MS

SAME_ALARM_MS: Final = 300_000

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, in ms. p90: nine in ten took at most this (nearest rank). None where `count` is 0."""

    count: int
    median_ms: int | None = None
    p90_ms: int | None = None
    worst_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PostPresence:
    """`present_ms` out of `possible_ms` within the period."""

    post: str
    present_ms: int
    possible_ms: int

    @property
    def share(self) -> float | None:
        """0…1; None when the post was not enrolled in the period."""
        return self.present_ms / self.possible_ms if self.possible_ms else None


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a report; what each counts is said above. Keys None: not known, not given, or no village.

    `villages` None = the whole commune. `by_kind`, `by_purpose`, `by_source`, `by_ending`, `by_week` (key: its Monday) and
    `by_hour` (24 numbers) each add up to `rings`; `drills_by_kind` is the part of `by_kind` that was drill. `tests`: silent
    tests. `joined`: causes that joined a ring. `missed`, `refused`: reason → how often.
    """

    period: Period
    villages: tuple[str, ...] | None
    rings: int
    by_kind: Mapping[Kind | None, int]
    drills_by_kind: Mapping[Kind | None, int]
    by_purpose: Mapping[Purpose | None, int]
    by_source: Mapping[Source | None, int]
    by_village: Mapping[str | None, int]
    by_ending: Mapping[tuple[Outcome, str | None], int]
    by_week: Mapping[date, int]
    by_hour: tuple[int, ...]
    alarms_by_village: Mapping[str, int]
    joined: int
    tests: int
    missed: Mapping[str | None, int]
    refused: Mapping[str | None, int]
    unanswered: int
    cancelled: int
    time_to_ring: Mapping[Source, Spread]
    incidents: int
    from_calls: int
    from_officers: int
    incidents_by_kind: Mapping[str | None, int]
    incidents_by_outcome: Mapping[str | None, int]
    time_to_acknowledge: Spread
    unacknowledged: int
    presence: tuple[PostPresence, ...]


def selected(ground: Ground, period: Period, villages: Collection[str] | None = None) -> Ground:
    """The facts that belong to the period and to these villages (None: the whole commune), rings and incidents by time.

    Presences stay whole: `figures_of` cuts them to the period.
    """
    posts = tuple(post for post in ground.posts if villages is None or not set(villages).isdisjoint(post.villages))
    ids = {post.id for post in posts}
    rings = (ring for ring in ground.rings if period.holds(ring.at_ms) and _belongs(ring, villages))
    incidents = (
        item
        for item in ground.incidents
        if period.holds(item.began_ms) and (villages is None or not set(villages).isdisjoint(item.places))
    )
    return Ground(
        posts=tuple(sorted(posts, key=lambda post: post.id)),
        villages=tuple(item for item in ground.villages if villages is None or item.id in villages),
        rings=tuple(sorted(rings, key=_ring_order)),
        incidents=tuple(sorted(incidents, key=lambda item: (item.began_ms, item.id))),
        presences=tuple(sorted((p for p in ground.presences if p.post in ids), key=lambda p: (p.post, p.enrolled_ms))),
    )


def figures_of(ground: Ground, period: Period, villages: Collection[str] | None = None) -> Figures:
    """The figures of this period for these villages (None: the whole commune). The order of facts does not matter."""
    chosen = selected(ground, period, villages)
    rings = [ring for ring in chosen.rings if ring.sounded]
    silent = [ring for ring in chosen.rings if not ring.sounded]
    weeks = Counter(_monday(ring.at_ms) for ring in rings)
    hours = Counter(clock.local(ring.at_ms).hour for ring in rings)
    raised = [item for item in chosen.incidents if item.from_keeper]
    return Figures(
        period=period,
        villages=None if villages is None else tuple(sorted(set(villages))),
        rings=len(rings),
        by_kind=_filled(Kind, (ring.kind for ring in rings)),
        drills_by_kind=_filled(Kind, (ring.kind for ring in rings if ring.purpose is Purpose.DRILL)),
        by_purpose=_filled((Purpose.ACTUAL, Purpose.DRILL), (ring.purpose for ring in rings)),
        by_source=_filled(Source, (ring.source for ring in rings)),
        by_village=_by_village(chosen, rings, villages),
        by_ending=dict(Counter((ring.outcome, ring.reason) for ring in rings)),
        by_week={week: weeks[week] for week in _weeks(period)},
        by_hour=tuple(hours[hour] for hour in range(24)),
        alarms_by_village=_alarms_by_village(ground, period, villages),
        joined=sum(len(ring.joined) for ring in rings),
        tests=_times(silent, "tested"),
        missed=_by_reason(silent, "missed"),
        refused=_by_reason(silent, "refused"),
        unanswered=_times(silent, "unanswered"),
        cancelled=_times(silent, "cancelled"),
        time_to_ring=_times_to_ring(rings),
        incidents=len(chosen.incidents),
        from_calls=sum(1 for item in chosen.incidents if item.from_call),
        from_officers=sum(1 for item in chosen.incidents if item.from_officer),
        incidents_by_kind=dict(Counter(item.kind for item in chosen.incidents)),
        incidents_by_outcome=dict(Counter(outcome_of(item) for item in chosen.incidents)),
        time_to_acknowledge=spread(
            max(0, item.acknowledged_ms - item.began_ms) for item in raised if item.acknowledged_ms is not None
        ),
        unacknowledged=sum(1 for item in raised if item.acknowledged_ms is None),
        presence=_presence(chosen.presences, period),
    )


def spread(lengths_ms: Iterable[int]) -> Spread:
    """Count, median (of two middle ones their mean, rounded down), p90 and worst."""
    values = sorted(lengths_ms)
    if not values:
        return Spread(0)
    count = len(values)
    median = (values[(count - 1) // 2] + values[count // 2]) // 2
    return Spread(count, median, values[-(-9 * count // 10) - 1], values[-1])


def time_to_ring_ms(ring: RingFacts) -> int | None:
    """From wanted to "ringing"; None where it was not measured."""
    if not ring.measured or ring.asked_ms is None or ring.ringing_ms is None:
        return None
    took_ms = (ring.ringing_ms if ring.rang_ms is None else ring.rang_ms) - ring.asked_ms
    return None if took_ms < -CLOCKS_APART_MS else max(0, took_ms)


def outcome_of(incident: IncidentFacts) -> str | None:
    """The outcome without spaces around it; None when nothing is written."""
    return (incident.outcome or "").strip() or None


# ---- which


def _belongs(ring: RingFacts, villages: Collection[str] | None) -> bool:
    return villages is None or not set(villages).isdisjoint(ring.villages)


def _ring_order(ring: RingFacts) -> tuple[int, str, str, str]:
    return ring.at_ms, ring.post, ring.activation or "", repr(ring)


def _monday(at_ms: int) -> date:
    day = clock.local(at_ms).date()
    return day - timedelta(days=day.weekday())


def _weeks(period: Period) -> list[date]:
    """The Mondays of all weeks that the period touches."""
    first, last = _monday(period.from_ms), _monday(period.to_ms - 1)
    return [first + timedelta(days=7 * n) for n in range((last - first).days // 7 + 1)]


# ---- counting


def _filled(keys: Iterable[K], found: Iterable[K | None]) -> dict[K | None, int]:
    """How often each was found: all `keys` in their order, also with 0; others only where they were found."""
    counts: Counter[K | None] = Counter(found)
    filled: dict[K | None, int] = {key: counts[key] for key in keys}
    return filled | {key: count for key, count in counts.items() if key not in filled}


def _times(rings: Sequence[RingFacts], outcome: Outcome) -> int:
    return sum(ring.count for ring in rings if ring.outcome == outcome)


def _by_reason(rings: Sequence[RingFacts], outcome: Outcome) -> dict[str | None, int]:
    counts: Counter[str | None] = Counter()
    for ring in rings:
        if ring.outcome == outcome:
            counts[ring.reason] += ring.count
    return dict(counts)


def _by_village(chosen: Ground, rings: Sequence[RingFacts], villages: Collection[str] | None) -> dict[str | None, int]:
    """Each chosen village, also with 0; None: rings of posts that serve no village."""
    heard_in = [
        village for ring in rings for village in set(ring.villages) if villages is None or village in set(villages)
    ]
    nowhere = [None for ring in rings if not ring.villages]
    return _filled((item.id for item in chosen.villages), [*heard_in, *nowhere])


def _alarms_by_village(ground: Ground, period: Period, villages: Collection[str] | None) -> dict[str, int]:
    """Looks at rings before the period too: what began in it may still be the alarm of the minute before midnight."""
    alarms = sorted(
        (ring for ring in ground.rings if ring.sounded and ring.kind is Kind.ALARM and ring.purpose is Purpose.ACTUAL),
        key=_ring_order,
    )
    counts = {item.id: 0 for item in ground.villages if villages is None or item.id in villages}
    until_ms: dict[tuple[str, str | None], int] = {}
    for ring in alarms:
        for village in set(ring.villages):
            if villages is not None and village not in villages:
                continue
            key = village, ring.signal
            if key not in until_ms or ring.at_ms > until_ms[key] + SAME_ALARM_MS:
                counts[village] = counts.get(village, 0) + period.holds(ring.at_ms)
            until_ms[key] = max(until_ms.get(key, 0), ring.at_ms if ring.ended_ms is None else ring.ended_ms)
    return counts


def _times_to_ring(rings: Sequence[RingFacts]) -> dict[Source, Spread]:
    """Only sources of which something was measured."""
    took: dict[Source, list[int]] = {}
    for ring in rings:
        took_ms = time_to_ring_ms(ring)
        if took_ms is not None and ring.source is not None:
            took.setdefault(ring.source, []).append(took_ms)
    return {source: spread(took[source]) for source in Source if source in took}


# ---- presence


def _presence(presences: Sequence[PresenceFacts], period: Period) -> tuple[PostPresence, ...]:
    """One per post, in the order of their ids; several facts of one post (enrolled again) are added up."""
    sums: dict[str, tuple[int, int]] = {}
    for facts in presences:
        start_ms, end_ms = max(period.from_ms, facts.enrolled_ms), min(period.to_ms, facts.until_ms)
        present, possible = sums.get(facts.post, (0, 0))
        here_ms = _covered_ms(facts.present, start_ms, end_ms)
        sums[facts.post] = present + here_ms, possible + max(0, end_ms - start_ms)
    return tuple(PostPresence(post, *sums[post]) for post in sorted(sums))


def _covered_ms(intervals: Iterable[tuple[int, int]], start_ms: int, end_ms: int) -> int:
    """How much of [start_ms, end_ms) the intervals cover together; what they cover twice counts once."""
    covered, reached_ms = 0, start_ms
    for from_ms, to_ms in sorted(intervals):
        from_ms, to_ms = max(from_ms, reached_ms), min(to_ms, end_ms)
        if to_ms > from_ms:
            covered += to_ms - from_ms
            reached_ms = to_ms
    return covered
