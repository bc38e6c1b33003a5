"""The arbiter: precedence, joining, hush, limits. Time is given; whole lists are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from kengd.bellcode.profile import StrikerProfile
from kengd.bellcode.score import Edge, Score
from kengd.bellcode.signal import Kind
from kengd.duty import arbiter, ending
from kengd.duty.decision import Decision, Play, Prolong, Stop
from kengd.duty.precedence import PRECEDENCE, Rank, Verdict
from kengd.duty.rules import Rules
from kengd.duty.standing import Standing, Waiting
from kengd.duty.words import HushOrder, Instant, Purpose, Source, Trigger

MINUTE = 60_000
STROKE = (Edge(0, True), Edge(120, False))
ENDLESS = Score((), 0, STROKE, 1_000)
ONCE = Score((*STROKE, Edge(1_000, True), Edge(1_120, False)), 1_120)


@dataclass(frozen=True)
class FakeSignal:
    id: str
    kind: Kind
    score: Score


@dataclass(frozen=True)
class FakeLimits:
    alarm_ms: int = 3 * MINUTE
    hard_limit_ms: int = 5 * MINUTE
    drill_ms: int = 30_000
    after_alarm_ms: int = 30 * MINUTE
    calm_per_hour: int = 3


SIGNALS = {
    signal.id: signal
    for signal in (
        FakeSignal("alarm", Kind.ALARM, ENDLESS),
        FakeSignal("flood", Kind.ALARM, ENDLESS),
        FakeSignal("support", Kind.SUPPORT, ENDLESS),
        FakeSignal("all_clear", Kind.ALL_CLEAR, ONCE),
        FakeSignal("curfew", Kind.CURFEW, ONCE),
        FakeSignal("study", Kind.ROUTINE, ONCE),
    )
}
RULES = Rules(StrikerProfile(), FakeLimits(), SIGNALS, ONCE, Score((), 0, STROKE, 2_000))
ASKED = {
    Rank.CALM: ("curfew", Purpose.ACTUAL),
    Rank.DRILL: ("alarm", Purpose.DRILL),
    Rank.ALL_CLEAR: ("all_clear", Purpose.ACTUAL),
    Rank.SUPPORT: ("support", Purpose.ACTUAL),
    Rank.ALARM: ("alarm", Purpose.ACTUAL),
}


def at(mono_ms: int) -> Instant:
    return Instant(mono_ms, 1_800_000_000_000 + mono_ms)


def trigger(signal: str = "alarm", purpose: Purpose = Purpose.ACTUAL, name: str = "a", **more: object) -> Trigger:
    source = more.pop("source", Source.BUTTON)
    return Trigger(name, signal, purpose, source, at_ms=0, **more)  # type: ignore[arg-type]


def ask(standing: Standing, wanted: Trigger, mono_ms: int, rules: Rules = RULES) -> Decision:
    return arbiter.ask(standing, wanted, at(mono_ms), rules)


def sounding(signal: str = "alarm", purpose: Purpose = Purpose.ACTUAL, mono_ms: int = 0) -> Standing:
    return ask(Standing(), trigger(signal, purpose), mono_ms).standing


def facts(decision: Decision) -> list[tuple[str, str | None]]:
    return [(draft.kind.value, draft.reason) for draft in decision.drafts]


@pytest.mark.parametrize(("sounds", "asked"), list(PRECEDENCE))
def test_what_is_asked_meets_what_sounds_as_the_table_says(sounds: Rank, asked: Rank) -> None:
    """P4: the arbiter answers by the table for every pair, and a refusal or a join never touches the relay's start."""
    standing = Standing() if sounds is Rank.QUIET else sounding(*ASKED[sounds])
    decision = ask(standing, trigger(*ASKED[asked], name="b"), 100)
    verdict, reason = PRECEDENCE[(sounds, asked)]
    assert (decision.verdict, decision.reason) == (verdict, reason)
    if verdict in (Verdict.RING, Verdict.INTERRUPT):
        assert isinstance(decision.act, Play)
    else:
        assert not isinstance(decision.act, Play | Stop)


def test_nothing_but_alarms_and_support_ends_or_joins_an_actual_alarm() -> None:
    """P4: only a hush, its own end or the hard limit ends an ACTUAL alarm."""
    for asked in list(Rank)[1:]:
        verdict, _ = PRECEDENCE[(Rank.ALARM, asked)]
        assert verdict in ((Verdict.JOIN,) if asked is Rank.ALARM else (Verdict.REFUSE,))


def test_a_second_alarm_joins_and_extends_and_never_restarts() -> None:
    """P4: the second cause prolongs to its own three minutes, capped by the hard limit; the first edge stays where it was."""
    standing = sounding()
    decision = ask(standing, trigger(name="b"), MINUTE)
    assert decision.act == Prolong("a", 4 * MINUTE)
    assert facts(decision) == [("ringing", None)]
    assert decision.drafts[0].activation == "a"
    late = ask(decision.standing, trigger(name="c"), 4 * MINUTE - 1)
    assert late.act == Prolong("a", 5 * MINUTE)


def test_joined_causes_end_one_by_one() -> None:
    """P13: each cause is told its own end; the activation ends with the last."""
    standing = ask(sounding(), trigger(name="b", command_id="command-b"), MINUTE).standing
    first = ending.expire(standing, at(3 * MINUTE))
    assert facts(first) == [("finished", None)]
    assert first.act is None
    second = ending.expire(first.standing, at(4 * MINUTE))
    assert facts(second) == [("finished", None)]
    assert second.drafts[0].command_id == "command-b"
    assert second.standing.sounding is None


def test_the_hard_limit_cuts_what_would_go_on() -> None:
    """P2: no activation outlives the hard limit; its cause is told so, and a new press begins a new activation (P3)."""
    standing = ask(sounding(), trigger(name="b"), 4 * MINUTE - 1_000).standing
    standing = ending.expire(standing, at(3 * MINUTE)).standing
    ended = ending.expire(standing, at(5 * MINUTE))
    assert facts(ended) == [("cut", "hard_limit")]
    again = ask(ended.standing, trigger(name="c"), 5 * MINUTE + 1)
    assert again.activation == "c"
    assert isinstance(again.act, Play)


def test_a_real_alarm_ends_a_drill_after_three_seconds_of_silence() -> None:
    """H19: 3 s of silence, then the code from its start."""
    standing = sounding("alarm", Purpose.DRILL)
    decision = ask(standing, trigger(name="b"), 1_000)
    assert isinstance(decision.act, Play)
    assert decision.act.performance.start_ms == 4_000
    assert facts(decision) == [("cut", "preempted"), ("ringing", None)]


def test_a_drill_begins_with_its_audible_prefix() -> None:
    """H19: prefix, a rest, then the code."""
    decision = ask(Standing(), trigger("alarm", Purpose.DRILL), 0)
    assert isinstance(decision.act, Play)
    edges = list(decision.act.performance.score.edges(4_000))
    prefix = list(ONCE.edges(2_000))
    assert edges == [*prefix, Edge(3_120, True), Edge(3_240, False)]


def test_a_test_goes_the_whole_way_and_moves_no_relay() -> None:
    """R30, R31: a test is answered with what would have happened, also while an alarm sounds."""
    for standing in (Standing(), sounding()):
        decision = ask(standing, trigger(purpose=Purpose.TEST, name="t", command_id="t-1"), 50)
        assert decision.act is None
        assert decision.standing == standing
        assert [kind for kind, _ in facts(decision)] == ["received", "tested"]


def test_no_calm_ring_within_half_an_hour_after_an_alarm() -> None:
    """P4, H11: a timetable ring is missed, reason after_alarm; others are refused; an all-clear rings."""
    standing = ending.hush(sounding(), HushOrder(Source.BUTTON, 1_000), at(1_000)).standing
    curfew = trigger("curfew", name="c", source=Source.TIMETABLE)
    assert facts(ask(standing, curfew, 30 * MINUTE)) == [("missed", "after_alarm")]
    assert facts(ask(standing, trigger("study", name="s"), 30 * MINUTE)) == [("refused", "after_alarm")]
    assert ask(standing, trigger("all_clear", name="x"), 2_000).verdict is Verdict.RING
    assert ask(standing, curfew, 31 * MINUTE + 1).verdict is Verdict.RING


def test_a_silence_holds_back_routine_rings_and_never_an_alarm() -> None:
    """Silences hold back calm rings; ACTUAL alarms and tests of the path are untouched."""
    standing = ending.silence(Standing(), at(0).wall_ms // 1000 + 60)
    assert facts(ask(standing, trigger("curfew", source=Source.TIMETABLE), 0)) == [("missed", "silenced")]
    assert ask(standing, trigger("alarm"), 0).verdict is Verdict.RING
    assert ask(standing, trigger("curfew"), 61_000).verdict is Verdict.RING


def test_calm_rings_are_limited_in_an_hour_and_alarms_are_not() -> None:
    """A local rate limit keeps a mad timetable or hub from ringing all day; an alarm knows no such limit (P3)."""
    standing = Standing()
    verdicts = []
    for n in range(4):
        decision = ask(standing, trigger("study", name=str(n)), n * 5 * MINUTE)
        verdicts.append(decision.reason)
        standing = ending.expire(decision.standing, at(n * 5 * MINUTE + 2_000)).standing
    assert verdicts == [None, None, None, "duty"]
    assert ask(standing, trigger("alarm", name="z"), 21 * MINUTE).verdict is Verdict.RING


def test_a_spent_bell_plays_a_slow_roll_and_is_never_refused() -> None:
    """P3, H9: a calm ring is refused for duty; an ACTUAL alarm rings at once, slower, and says so."""
    profile = replace(StrikerProfile(), duty_on_ms=36_100, duty_window_ms=600_000)
    rules = replace(RULES, profile=profile)
    first = ask(Standing(), trigger(), 0, rules)
    quiet = ending.expire(first.standing, at(3 * MINUTE)).standing
    assert facts(ask(quiet, trigger("all_clear", name="c"), 3 * MINUTE + 10, rules)) == [("ringing", None)]
    alarm = ask(quiet, trigger(name="b"), 3 * MINUTE + 1_000, rules)
    assert alarm.standing.sounding is not None and alarm.standing.sounding.spent
    assert alarm.drafts[-1].detail == {"duty_exhausted": True}
    assert isinstance(alarm.act, Play)
    assert next(alarm.act.performance.score.edges(0)) == Edge(0, True)


def test_a_hush_ends_only_what_began_before_it() -> None:
    """P13, H7: an unnamed hush of 12:00:30 leaves the cause of 12:01 ringing, and tells the first its end."""
    standing = ask(sounding(), trigger(name="b"), MINUTE).standing
    order = HushOrder(Source.HUB, as_of_ms=30_000, command_id="h-1")
    decision = ending.hush(standing, order, at(MINUTE + 500))
    assert facts(decision) == [("received", None), ("cut", "hushed")]
    assert decision.standing.sounding is not None
    assert [cause.id for cause in decision.standing.sounding.causes] == ["b"]
    assert decision.act == Prolong("a", 4 * MINUTE)


def test_a_ring_that_lay_with_its_hush_on_the_way_is_ended_by_it() -> None:
    """P13: what was ordered before the hush is before it, however late both come; what was ordered after it, or by a hand here, is
    not."""
    order = HushOrder(Source.HUB, as_of_ms=30_000, command_id="h-1")
    late = replace(trigger(), at_ms=MINUTE, said_ms=20_000)
    for first, ended in ((late, True), (replace(late, said_ms=30_000), False), (replace(late, said_ms=None), False)):
        decision = ending.hush(ask(Standing(), first, MINUTE).standing, order, at(MINUTE + 500))
        assert (decision.act is not None) is ended
        waits = Standing(waiting=(Waiting(first, 2 * MINUTE, 2 * MINUTE),))
        assert (ending.hush(waits, order, at(MINUTE + 500)).standing.waiting == ()) is ended


def test_a_named_hush_names_an_activation_or_one_cause() -> None:
    """P13: a hush ends only what it names, and names what it ended."""
    standing = ask(sounding(), trigger(name="b"), MINUTE).standing
    other = ending.hush(standing, HushOrder(Source.HUB, 2 * MINUTE, activation="zzz"), at(2 * MINUTE))
    assert (other.reason, other.act) == ("nothing_sounding", None)
    one = ending.hush(standing, HushOrder(Source.HUB, 2 * MINUTE, activation="b"), at(2 * MINUTE))
    assert one.standing.sounding is not None
    assert [cause.id for cause in one.standing.sounding.causes] == ["a"]
    both = ending.hush(standing, HushOrder(Source.HUB, 2 * MINUTE, activation="a"), at(2 * MINUTE))
    assert both.act == Stop("a")


def test_who_names_what_sounds_knew_of_it_whatever_the_clock_says() -> None:
    """P13, H22: under an untrusted clock an order is as old as the nonce it carries; what it names is ended, what joined since not."""
    alone = ending.hush(sounding(), HushOrder(Source.HUB, -600_000, activation="a"), at(MINUTE))
    assert alone.act == Stop("a")
    unnamed = ending.hush(sounding(), HushOrder(Source.HUB, -600_000), at(MINUTE))
    assert unnamed.act is None
    standing = ask(sounding(), trigger(name="b"), MINUTE).standing
    both = ending.hush(standing, HushOrder(Source.HUB, -600_000, activation="a"), at(MINUTE + 500))
    assert both.standing.sounding is not None
    assert [cause.id for cause in both.standing.sounding.causes] == ["b"]


def test_a_hush_cancels_waiting_starts() -> None:
    """P13: commands with `at` that were received before the hush never ring."""
    waiting = ask(Standing(), trigger(name="w", command_id="w-1", start_ms=9_000), 0)
    assert waiting.verdict is Verdict.WAIT
    decision = ending.hush(waiting.standing, HushOrder(Source.BUTTON, 5_000), at(5_000))
    assert decision.standing.waiting == ()
    assert facts(decision) == [("cut", "hushed")]


def test_a_late_trigger_is_refused_expired() -> None:
    """P5: a monotonic deadline that has passed is a refusal, whatever the wall clock says."""
    decision = ask(Standing(), trigger(deadline_ms=1_000, command_id="c-1"), 1_001)
    assert facts(decision) == [("refused", "expired")]
    assert decision.act is None


def test_a_key_that_is_held_never_rings_again() -> None:
    """P5, P6: the second delivery of a command or a due time moves nothing and writes nothing here."""
    decision = arbiter.ask(Standing(), trigger(key="jti-1"), at(0), RULES, held=True)
    assert (decision.verdict, decision.reason, decision.act, decision.drafts) == (Verdict.REFUSE, "duplicate", None, ())


def test_a_waiting_start_keeps_its_wall_time_when_the_clock_steps() -> None:
    """`at` is a wall time: a step moves the monotonic moment; a start that is long past is dropped and written."""
    standing = ask(Standing(), trigger(name="w", start_ms=60_000), 0).standing
    forward = ending.step_clock(standing, Instant(1_000, at(0).wall_ms + 31_000))
    assert [item.start_ms for item in forward.standing.waiting] == [30_000]
    gone = ending.step_clock(standing, Instant(1_000, at(0).wall_ms + 3_600_000))
    assert (gone.standing.waiting, facts(gone)) == ((), [("cut", "bad_at")])


def test_an_all_clear_asked_twice_is_one_ring() -> None:
    """A second all-clear joins; it neither restarts nor prolongs."""
    decision = ask(sounding("all_clear"), trigger("all_clear", name="b"), 500)
    assert (decision.verdict, decision.act) == (Verdict.JOIN, None)


def test_a_finite_alarm_code_is_repeated_for_a_second_cause() -> None:
    """A finite siren code rings once for one cause and goes on from its start for a cause that joined."""
    rules = replace(RULES, signals={**SIGNALS, "alarm": FakeSignal("alarm", Kind.ALARM, ONCE)})
    first = ask(Standing(), trigger(), 0, rules)
    assert isinstance(first.act, Play)
    assert first.act.performance.until_ms == 1_120
    second = ask(first.standing, trigger(name="b"), 600, rules)
    assert second.act == Prolong("a", 1_720)
