"""From a post's entries to rings, refusals and misses: what the post said and nothing more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.bellcode.profile import StrikerProfile
from kengd.bellcode.score import Edge, Score
from kengd.bellcode.signal import Kind
from kengd.duty import arbiter, ending
from kengd.duty.decision import Decision, Play
from kengd.duty.precedence import Verdict
from kengd.duty.rules import Rules
from kengd.duty.standing import Standing
from kengd.duty.words import HushOrder, Instant, Purpose, Source, Trigger
from kengd.hub.reports.facts import DispatchFacts, JoinedFacts, RingFacts
from kengd.hub.reports.figures import time_to_ring_ms
from kengd.hub.reports.rings import rings_of
from kengd.hub.reports.signals import Known
from kengd.settings.plan import Limits, SignalPlan
from kengd.wire.entry import FIRST_PREV, Entry, format_at
from tests.hub.reports_samples import POSTS, Book, at

POST = POSTS[0]
NOW = at("2026-12-31T00:00:00")
ALARM = {"signal": "alarm", "purpose": "actual"}
BUTTON = ALARM | {"source": "button", "place": "nhà văn hóa"}
HUB = ALARM | {"source": "hub", "by": "Lê C", "command_id": "jti-0001"}
CURFEW = {"signal": "curfew", "purpose": "actual", "source": "timetable"}


def told(book: Book, *dispatches: DispatchFacts, **given: dict[tuple[str, int], int]) -> list[RingFacts]:
    return list(rings_of(POST, book, now_ms=NOW, dispatches=dispatches, heard_ms=given.get("heard_ms")))


def dispatch(**given: object) -> DispatchFacts:
    asked = at("2026-11-12T21:49:01")
    base = DispatchFacts(
        "d1", ("jti-0001",), ("thon-1",), asked, asked + 60_000, "alarm", Purpose.ACTUAL, "Lê C", "trộm"
    )
    return replace(base, **given)  # type: ignore[arg-type]


def facts(when: str, **given: object) -> RingFacts:
    base = RingFacts("thon-1", ("v1",), at(when), "finished", "alarm", Kind.ALARM, Purpose.ACTUAL, Source.BUTTON)
    return replace(base, **({"signal_name": "Báo động"} | given))  # type: ignore[arg-type]


def test_a_button_alarm_that_an_officer_stops_is_one_ring_with_who_stopped_it() -> None:
    """A button has no asking before its ringing: that time is not measured, never zero."""
    book = Book()
    book.write("started", "2026-11-12T21:00:00", reason="new")
    book.write("ringing", "2026-11-12T21:48:10", activation="a1", **BUTTON)
    book.write("received", "2026-11-12T21:49:00", activation="a1", command_id="jti-0002", source="hub", by="Lê C")
    hushed = {"hushed_by": {"source": "hub", "by": "Lê C", "place": None, "why": "xong"}, "proved": True}
    book.write("cut", "2026-11-12T21:49:00", activation="a1", reason="hushed", detail=hushed, **BUTTON)
    assert told(book) == [
        facts(
            "2026-11-12T21:48:10",
            outcome="cut",
            reason="hushed",
            hushed_by="Lê C",
            proved=True,
            activation="a1",
            place="nhà văn hóa",
            ringing_ms=at("2026-11-12T21:48:10"),
            ended_ms=at("2026-11-12T21:49:00"),
        )
    ]


def test_a_command_is_measured_from_the_officers_act_to_the_posts_ringing() -> None:
    """R65: `received` is no ring; the dispatch tells when it was asked and why."""
    book = Book()
    book.write("received", "2026-11-12T21:49:02", detail={"why": "trộm"}, **HUB)
    book.write("ringing", "2026-11-12T21:49:03", activation="a1", detail={"why": "trộm"}, **HUB)
    book.write("finished", "2026-11-12T21:52:03", activation="a1", **HUB)
    whole = facts(
        "2026-11-12T21:49:03",
        source=Source.HUB,
        by="Lê C",
        why="trộm",
        activation="a1",
        command_id="jti-0001",
        asked_ms=at("2026-11-12T21:49:01"),
        ringing_ms=at("2026-11-12T21:49:03"),
        ended_ms=at("2026-11-12T21:52:03"),
        measured=True,
    )
    assert told(book, dispatch()) == [whole]
    assert told(book) == [replace(whole, asked_ms=at("2026-11-12T21:49:02"))], "else from when the post received it"


def test_an_appointed_start_is_wanted_at_its_own_time() -> None:
    """A ring with `at` that waited 90 s was not 90 s late."""
    book = Book()
    book.write("received", "2026-11-12T21:49:02", detail={"at_ms": at("2026-11-12T21:50:30")}, **HUB)
    assert [(ring.outcome, ring.asked_ms) for ring in told(book)] == [("waiting", at("2026-11-12T21:50:30"))]
    book.write("ringing", "2026-11-12T21:50:31", activation="a1", **HUB)
    found = told(book, dispatch())
    assert [(ring.outcome, ring.asked_ms, ring.why) for ring in found] == [
        ("ringing", at("2026-11-12T21:50:30"), "trộm")
    ]


def test_a_start_that_is_cancelled_before_its_time_is_no_ring() -> None:
    """P13: a hush also cancels waiting starts; the entry is `cut`, but nothing had sounded."""
    book = Book()
    book.write("received", "2026-11-12T21:49:02", detail={"at_ms": at("2026-11-12T21:50:30")}, **HUB)
    detail = {"before_start": True, "hushed_by": "Lê C"}
    book.write("cut", "2026-11-12T21:50:00", activation="a1", reason="hushed", detail=detail, **HUB)
    assert [(ring.outcome, ring.sounded, ring.hushed_by) for ring in told(book)] == [("cancelled", False, "Lê C")]


def test_causes_that_join_are_one_ring_which_ends_with_the_last_of_them() -> None:
    """P4, P13: joined causes end one by one."""
    book = Book()
    book.write("ringing", "2026-11-12T21:48:10", activation="a1", **BUTTON)
    book.write("received", "2026-11-12T21:49:02", **HUB)
    book.write("ringing", "2026-11-12T21:49:02", activation="a1", detail={"joined": True, "cause": "c2"}, **HUB)
    book.write("finished", "2026-11-12T21:51:10", activation="a1", **BUTTON)
    assert [(ring.outcome, len(ring.joined)) for ring in told(book)] == [("ringing", 1)]
    book.write("cut", "2026-11-12T21:51:40", activation="a1", reason="hushed", detail={"cause": "c2"}, **HUB)
    assert told(book) == [
        facts(
            "2026-11-12T21:48:10",
            outcome="cut",
            reason="hushed",
            activation="a1",
            place="nhà văn hóa",
            ringing_ms=at("2026-11-12T21:48:10"),
            ended_ms=at("2026-11-12T21:51:40"),
            joined=(JoinedFacts(at("2026-11-12T21:49:02"), Source.HUB, None, "Lê C", "jti-0001"),),
        )
    ]


def test_a_ring_that_goes_on_after_a_crash_is_the_same_ring() -> None:
    """R19: `resumed` begins nothing."""
    book = Book()
    book.write("ringing", "2026-11-12T21:48:10", activation="a1", **BUTTON)
    book.write("ringing", "2026-11-12T21:48:40", activation="a1", detail={"resumed": True}, **BUTTON)
    book.write("finished", "2026-11-12T21:51:10", activation="a1", **BUTTON)
    assert [(ring.outcome, ring.ringing_ms) for ring in told(book)] == [("finished", at("2026-11-12T21:48:10"))]


def test_a_power_cut_gives_no_time_of_ending_and_ends_every_cause() -> None:
    """P7: the entry is written at the next start, perhaps days later, and does not say which cause it ends."""
    book = Book()
    book.write("ringing", "2026-11-12T21:48:10", activation="a1", **BUTTON)
    book.write("ringing", "2026-11-12T21:49:02", activation="a1", detail={"joined": True, "cause": "c2"}, **HUB)
    book.write("cut", "2026-11-15T06:00:00", activation="a1", reason="power_lost", **BUTTON)
    book.write("cut", "2026-11-15T06:00:00", activation="a1", reason="power_lost", **HUB)
    assert [(ring.outcome, ring.reason, ring.ended_ms) for ring in told(book)] == [("cut", "power_lost", None)]


def test_what_ends_or_joins_a_ring_from_before_the_entries_is_passed_over() -> None:
    """The ledger may hand over a part of the book."""
    book = Book()
    book.write("ringing", "2026-11-01T00:00:20", activation="a0", detail={"joined": True, "cause": "c2"}, **BUTTON)
    book.write("ringing", "2026-11-01T00:00:30", activation="a0", detail={"resumed": True}, **BUTTON)
    book.write("finished", "2026-11-01T00:01:00", activation="a0", **BUTTON)
    assert told(book) == []


def test_a_refused_command_keeps_its_reason_and_a_repeat_is_no_refusal() -> None:
    """P5: `duplicate` never replaces a state. At the door a refusal has no signal: the dispatch knows it."""
    book = Book()
    refused = {"source": "hub", "by": "Lê C", "command_id": "jti-0001", "detail": {"authenticated": True, "kid": "k"}}
    book.write("refused", "2026-11-12T21:51:00", reason="expired", **refused)
    book.write("refused", "2026-11-12T21:51:05", reason="duplicate", command_id="jti-0001", source="hub")
    found = told(book, dispatch())
    assert [(ring.outcome, ring.reason, ring.signal, ring.why) for ring in found] == [
        ("refused", "expired", "alarm", "trộm")
    ]
    assert [(ring.outcome, ring.signal, ring.kind) for ring in told(book)] == [("refused", None, None)]


def test_refusals_that_were_only_counted_come_back_by_their_reasons() -> None:
    """More than 20 a minute are one entry with a count and the reasons."""
    book = Book()
    detail = {"count": 480, "reasons": {"bad_signature": 384, "malformed": 96}, "within_ms": 60_000}
    book.write("refused", "2026-11-12T21:51:00", source="hub", reason="bad_signature", detail=detail)
    assert [(ring.reason, ring.count) for ring in told(book)] == [("bad_signature", 384), ("malformed", 96)]


def test_the_id_of_a_command_used_for_other_bytes_is_not_that_command() -> None:
    """`jti_reused` says nothing about the dispatch whose id it bears: that one was never answered."""
    book = Book()
    book.write("refused", "2026-11-12T21:51:00", source="hub", command_id="jti-0001", reason="jti_reused")
    found = told(book, dispatch())
    assert [(ring.outcome, ring.signal) for ring in found] == [("refused", None), ("unanswered", "alarm")]


def test_a_silent_test_is_no_ring() -> None:
    """R31: the whole way, and the relay stays at rest."""
    book = Book()
    test = HUB | {"purpose": "test"}
    book.write("received", "2026-11-12T03:00:00", **test)
    book.write("tested", "2026-11-12T03:00:00", detail={"would": "ring"}, **test)
    book.write("tested", "2026-11-12T07:00:00", detail={"heard": True, "ring": "a"}, source="page", reason="heard")
    assert [(ring.outcome, ring.purpose, ring.sounded) for ring in told(book)] == [("tested", Purpose.TEST, False)]


@pytest.mark.parametrize(
    ("dispatched", "outcomes"),
    [
        (dispatch(), ["unanswered"]),
        (dispatch(expires_ms=NOW + 1), []),
        (dispatch(posts=("thon-2",)), []),
    ],
    ids=["over", "may still be answered", "for another post"],
)
def test_a_command_that_the_post_never_answered_is_told_when_its_time_is_over(
    dispatched: DispatchFacts, outcomes: list[str]
) -> None:
    """P9: no answer is neither ringing nor refused."""
    assert [ring.outcome for ring in told(Book(), dispatched)] == outcomes


def test_a_ring_of_the_timetable_is_measured_from_its_due_time() -> None:
    """The key says which line and date it was; the nightly ring lasts 8 s."""
    book = Book()
    key = {"key": "timetable:22:00/curfew:2026-11-05"}
    book.write("ringing", "2026-11-05T22:00:03", activation="a1", detail=key, **CURFEW)
    [found] = told(book)
    assert (found.kind, found.asked_ms, found.ringing_ms, found.measured) == (
        Kind.CURFEW,
        at("2026-11-05T22:00:00"),
        at("2026-11-05T22:00:03"),
        True,
    )


def test_a_ring_that_the_arbiter_held_back_counts_at_its_due_time() -> None:
    """P4: missed, reason `after_alarm`."""
    book = Book()
    key = {"key": "timetable:22:00/curfew:2026-11-05"}
    book.write("missed", "2026-11-05T22:00:02", reason="after_alarm", detail=key, **CURFEW)
    assert [(ring.outcome, ring.reason, ring.at_ms, ring.count) for ring in told(book)] == [
        ("missed", "after_alarm", at("2026-11-05T22:00:00"), 1)
    ]


def missed(line: str, first: str, last: str, count: int) -> list[tuple[int, int]]:
    book = Book()
    detail = {"key": f"timetable:{line}:{last}", "line": line, "due": "", "count": count, "first": first, "last": last}
    book.write("missed", "2026-12-09T08:00:00", reason="late", detail=detail, **CURFEW)
    return [(ring.at_ms, ring.count) for ring in told(book)]


def test_a_jump_over_many_days_is_one_miss_for_each_date() -> None:
    """P6: one entry with a count; a report of November must not get December's nights."""
    assert missed("22:00/curfew", "2026-11-29", "2026-12-02", 4) == [
        (at("2026-11-29T22:00:00"), 1),
        (at("2026-11-30T22:00:00"), 1),
        (at("2026-12-01T22:00:00"), 1),
        (at("2026-12-02T22:00:00"), 1),
    ]
    # Friday to Tuesday on a line of weekdays
    assert [moment for moment, _ in missed("19:00/study/t2-t6", "2026-11-27", "2026-12-01", 3)] == [
        at("2026-11-27T19:00:00"),
        at("2026-11-30T19:00:00"),
        at("2026-12-01T19:00:00"),
    ]


@pytest.mark.parametrize(
    ("first", "count"),
    [("2026-11-29", 3), ("2011-01-01", 5_815), ("?", 4)],
    ids=["exceptions", "wrong year", "unreadable"],
)
def test_where_the_dates_are_not_certain_a_jump_is_told_once_with_its_count(first: str, count: int) -> None:
    """Days with an exception are not known here; thousands of rows for a clock in a wrong year help nobody."""
    assert missed("22:00/curfew", first, "2026-12-02", count) == [(at("2026-12-02T22:00:00"), count)]


def test_an_alarm_under_an_untrusted_clock_counts_when_the_hub_heard_it() -> None:
    """P3: it rang in November, whatever the post's clock says; how long it took is not measured."""
    book = Book()
    heard = {("b1", 1): at("2026-11-12T21:49:02"), ("b1", 2): at("2026-11-12T21:49:03")}
    book.write("received", "2000-01-01T00:00:09", clock="untrusted", **HUB)
    book.write("ringing", "2000-01-01T00:00:10", activation="a1", clock="untrusted", **HUB)
    [found] = told(book, dispatch(), heard_ms=heard)
    assert (found.at_ms, found.clock_untrusted, found.measured) == (at("2026-11-12T21:49:03"), True, False)
    assert told(book)[0].at_ms == at("2000-01-01T00:00:10")


def test_how_long_it_sounded_is_told_also_where_all_was_heard_together() -> None:
    """A post without a clock that was offline for a week sends its book at once: the ring lasted as long as its own entries say."""
    untrusted = {"activation": "a1", "clock": "untrusted"}
    heard_at = at("2026-11-19T08:00:00")
    heard = dict.fromkeys([("b1", 1), ("b1", 2), ("b1", 3)], heard_at)
    book = Book()
    book.write("ringing", "2000-01-01T00:00:10", **BUTTON, **untrusted)
    book.write("finished", "2000-01-01T00:03:10", **BUTTON, **untrusted)
    [found] = told(book, heard_ms=heard)
    assert (found.at_ms, found.ended_ms) == (heard_at, heard_at + 180_000)
    for end, clock in (("2000-01-01T00:00:09", "untrusted"), ("2026-11-12T21:51:10", "untrusted")):
        stepped = Book()
        stepped.write("ringing", "2000-01-01T00:00:10", **BUTTON, **untrusted)
        stepped.write("finished", end, **BUTTON, **(untrusted | {"clock": clock}))
        later = {**heard, ("b1", 2): heard_at + 5_000}
        assert told(stepped, heard_ms=later)[0].ended_ms == heard_at + 5_000, "its clock was put meanwhile"


@pytest.mark.parametrize(
    ("rang", "heard", "took_ms"),
    [
        ("2026-11-12T21:49:03", "2026-11-12T21:49:03", 2_000),
        ("2026-11-12T21:49:03", "2026-11-13T08:00:00", 2_000),
        ("2026-11-15T21:49:03", "2026-11-12T21:49:04", 3_000),
        ("2026-11-09T21:49:03", "2026-11-12T21:49:04", 3_000),
        ("2026-11-09T21:49:03", "2026-11-13T08:00:00", None),
        ("2026-11-12T21:50:20", "2026-11-12T21:50:20", None),
    ],
    ids=["at once", "heard the next day", "three days ahead", "three days behind", "behind and late", "after its time"],
)  # fmt: skip
def test_time_to_ring_is_by_one_clock(rang: str, heard: str, took_ms: int | None) -> None:
    """H22: asked by the hub's clock, rung by the post's: where the two are days apart the hub's hearing tells, and a median is not
    made of days. Ordered at 21:49:01, to be carried out within 60 s."""
    book = Book()
    book.write("received", rang, **HUB)
    book.write("ringing", rang, activation="a1", **HUB)
    [found] = told(book, dispatch(), heard_ms={("b1", 1): at(heard), ("b1", 2): at(heard)})
    assert (found.at_ms, time_to_ring_ms(found)) == (at(rang), took_ms)


def test_a_villages_own_signal_has_the_kind_and_name_its_codebook_gives() -> None:
    """A signal that no codebook knows has no kind; nothing is guessed."""
    book = Book()
    book.write("ringing", "2026-11-12T21:48:10", activation="a1", **(BUTTON | {"signal": "flood"}))
    own = {"flood": Known(Kind.ALARM, "Lũ về", "Flood")}
    assert [(r.kind, r.signal_name) for r in rings_of(POST, book, now_ms=NOW, signals=own)] == [(Kind.ALARM, "Lũ về")]
    assert [(r.kind, r.signal_name) for r in told(book)] == [(None, None)]


# ---- against the arbiter itself

_STROKE = (Edge(0, True), Edge(120, False))
_ENDLESS, _ONCE = Score((), 0, _STROKE, 1_000), Score((*_STROKE, Edge(9_000, True), Edge(9_120, False)), 9_120)
_SIGNALS = {
    "alarm": SignalPlan("alarm", Kind.ALARM, "", _ENDLESS),
    "support": SignalPlan("support", Kind.SUPPORT, "", _ENDLESS),
    "all_clear": SignalPlan("all_clear", Kind.ALL_CLEAR, "", _ONCE),
    "curfew": SignalPlan("curfew", Kind.CURFEW, "", _ONCE),
}
_RULES = Rules(StrikerProfile(), Limits(), _SIGNALS, _ONCE, Score((), 0, _STROKE, 2_000))
_STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("ring"),
            st.sampled_from(sorted(_SIGNALS)),
            st.sampled_from(Purpose),
            st.sampled_from((Source.BUTTON, Source.HUB)),
            st.sampled_from((0, 0, 20_000)),
        ),
        st.tuples(st.just("hush")),
        st.tuples(st.just("pass"), st.integers(1, 400_000)),
    ),
    max_size=40,
)


class Night:
    """A post without a machine: the real arbiter, its drafts written down as entries."""

    def __init__(self) -> None:
        self.standing, self.now, self.entries = Standing(), Instant(1_000, NOW), list[Entry]()
        self.names = self.plays = 0
        self.verdicts: list[Verdict | None] = []

    def take(self, decision: Decision) -> None:
        self.standing = decision.standing
        self.plays += isinstance(decision.act, Play)
        self.verdicts.append(decision.verdict)
        for draft in decision.drafts:
            said = (
                draft.activation,
                draft.command_id,
                draft.signal,
                draft.purpose,
                draft.source,
                draft.place,
                draft.by,
            )
            when = format_at(self.now.wall_ms)
            self.entries.append(
                Entry(
                    "b",
                    len(self.entries) + 1,
                    when,
                    draft.kind,
                    *said,
                    draft.reason,
                    "ntp",
                    draft.detail,
                    "",
                    FIRST_PREV,
                )
            )

    def ring(self, signal: str, purpose: Purpose, source: Source, wait_ms: int) -> None:
        self.names += 1
        jti = f"jti-{self.names:04}" if source is Source.HUB else None
        start_ms = self.now.mono_ms + wait_ms if jti and wait_ms else None
        wanted = Trigger(
            f"a{self.names}", signal, purpose, source, self.now.mono_ms, command_id=jti, key=jti, start_ms=start_ms
        )
        self.take(arbiter.ask(self.standing, wanted, self.now, _RULES))

    def pass_time(self, ms: int) -> None:
        end = self.now.mono_ms + ms
        while self.now.mono_ms < end:
            step = min(5_000, end - self.now.mono_ms)
            self.now = Instant(self.now.mono_ms + step, self.now.wall_ms + step)
            for waiting in self.standing.waiting:
                if waiting.start_ms <= self.now.mono_ms:
                    self.take(arbiter.start_waiting(self.standing, waiting, self.now, _RULES))
            self.take(ending.expire(self.standing, self.now))


@given(_STEPS)
def test_whatever_happens_in_a_night_each_sound_of_the_arbiter_is_one_ring(steps: list[tuple[object, ...]]) -> None:
    """P7: rings are the arbiter's plays, joined causes its joins, refusals its refusals; at most one has no end."""
    night = Night()
    for step in steps:
        if step[0] == "ring":
            night.ring(*step[1:])  # type: ignore[arg-type]
        elif step[0] == "hush":
            night.take(ending.hush(night.standing, HushOrder(Source.PAGE, night.now.mono_ms), night.now))
        else:
            night.pass_time(step[1])  # type: ignore[arg-type]
    found = rings_of(POST, night.entries, now_ms=NOW)
    count = night.verdicts.count
    assert len([ring for ring in found if ring.sounded]) == night.plays
    assert sum(len(ring.joined) for ring in found) == count(Verdict.JOIN)
    assert len([ring for ring in found if ring.outcome == "refused"]) == count(Verdict.REFUSE)
    assert len([ring for ring in found if ring.outcome == "tested"]) == count(Verdict.TEST)
    sounding = night.standing.sounding
    assert [ring.activation for ring in found if ring.outcome == "ringing"] == ([sounding.id] if sounding else [])
    assert len([ring for ring in found if ring.outcome == "waiting"]) == len(night.standing.waiting)
