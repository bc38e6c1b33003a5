"""The arbiter under any order of triggers, hushes, waits and clock steps: what must hold in every state (P1–P4, P13)."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kengd.bellcode.profile import StrikerProfile
from kengd.bellcode.score import Edge, Score
from kengd.bellcode.signal import Kind
from kengd.duty import arbiter, ending
from kengd.duty.decision import Decision, Play, Prolong, Stop
from kengd.duty.performance import Performance
from kengd.duty.precedence import Verdict
from kengd.duty.rules import Rules
from kengd.duty.standing import Standing
from kengd.duty.words import EntryKind, HushOrder, Instant, Purpose, Source, Trigger
from kengd.settings.plan import Limits, SignalPlan

STROKE = (Edge(0, True), Edge(120, False))
ENDLESS = Score((), 0, STROKE, 1_000)
ONCE = Score((*STROKE, Edge(9_000, True), Edge(9_120, False)), 9_120)
SIGNALS = {
    plan.id: plan
    for plan in (
        SignalPlan("alarm", Kind.ALARM, "", ENDLESS),
        SignalPlan("siren", Kind.ALARM, "", ONCE),
        SignalPlan("support", Kind.SUPPORT, "", ENDLESS),
        SignalPlan("all_clear", Kind.ALL_CLEAR, "", ONCE),
        SignalPlan("curfew", Kind.CURFEW, "", ONCE),
    )
}
LIMITS = Limits()
RULES = Rules(
    StrikerProfile(duty_on_ms=36_100, duty_window_ms=600_000), LIMITS, SIGNALS, ONCE, Score((), 0, STROKE, 2_000)
)
ENDS = (EntryKind.FINISHED, EntryKind.CUT, EntryKind.FAILED)


class AnyOrder(RuleBasedStateMachine):
    """A model that knows only what was played and written, and checks it against the promises."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = Standing()
        self.mono_ms = 1_000
        self.offset_ms = 1_800_000_000_000
        self.playing: Performance | None = None
        self.begun_ms: dict[str, int] = {}
        self.names = 0
        self.open: dict[str, str] = {}  # cause id → activation, told `ringing` and not yet its end
        self.last_alarm_end_ms: int | None = None

    def now(self) -> Instant:
        return Instant(self.mono_ms, self.mono_ms + self.offset_ms)

    def take(self, decision: Decision, trigger: Trigger | None = None) -> None:
        before, self.standing = self.standing, decision.standing
        act = decision.act
        if isinstance(act, Play):
            assert self.playing is None or before.sounding is not None
            if before.sounding is not None and before.sounding.is_alarm:
                assert decision.standing.sounding is not None
                assert decision.standing.sounding.kind is Kind.ALARM, "only an alarm cuts a call for support"
                assert before.sounding.kind is Kind.SUPPORT
            self.playing = act.performance
            self.begun_ms[act.performance.activation] = act.performance.start_ms
        elif isinstance(act, Prolong):
            assert self.playing is not None and act.activation == self.playing.activation
            self.playing = Performance(self.playing.activation, self.playing.score, self.playing.start_ms, act.until_ms)
        elif isinstance(act, Stop):
            self.playing = None
        ended = decision.standing.sounding is None or (
            before.sounding is not None and decision.standing.sounding.id != before.sounding.id
        )
        if before.sounding is not None and before.sounding.is_alarm and ended:
            self.last_alarm_end_ms = self.mono_ms
        for draft in decision.drafts:
            if draft.kind is EntryKind.RINGING:
                assert draft.activation is not None and trigger is not None
                assert trigger.id not in self.open
                self.open[trigger.id] = draft.activation
            elif draft.kind in ENDS and not (draft.detail or {}).get("before_start"):
                cause = str((draft.detail or {}).get("cause", draft.activation))
                assert self.open.pop(cause) == draft.activation, "an end for something that was not ringing"

    @rule(
        signal=st.sampled_from(list(SIGNALS)),
        purpose=st.sampled_from(list(Purpose)),
        source=st.sampled_from([Source.BUTTON, Source.HUB, Source.TIMETABLE]),
        ahead_ms=st.none() | st.integers(1, 60_000),
    )
    def ask(self, signal: str, purpose: Purpose, source: Source, ahead_ms: int | None) -> None:
        self.names += 1
        start_ms = None if ahead_ms is None else self.mono_ms + ahead_ms
        trigger = Trigger(
            f"t{self.names}", signal, purpose, source, self.mono_ms, command_id=f"c{self.names}", start_ms=start_ms
        )
        before = self.standing
        decision = arbiter.ask(before, trigger, self.now(), RULES)
        if purpose is Purpose.TEST and ahead_ms is None:
            assert (decision.act, decision.standing) == (None, before), "a test moves nothing"
        if signal == "alarm" and purpose is Purpose.ACTUAL and ahead_ms is None:
            assert decision.verdict in (Verdict.RING, Verdict.INTERRUPT, Verdict.JOIN), "P3: an alarm is never refused"
        if signal == "curfew" and purpose is Purpose.ACTUAL and isinstance(decision.act, Play):
            ended_ms = self.last_alarm_end_ms
            assert ended_ms is None or self.mono_ms >= ended_ms + LIMITS.after_alarm_ms, "P4: calm ring after an alarm"
        self.take(decision, trigger)

    @rule(back_ms=st.integers(0, 200_000), source=st.sampled_from([Source.BUTTON, Source.HUB]), named=st.booleans())
    def hush(self, back_ms: int, source: Source, named: bool) -> None:
        as_of_ms = self.mono_ms - back_ms
        before = self.standing.sounding
        order = HushOrder(source, as_of_ms, activation=before.id if named and before is not None else None)
        self.take(ending.hush(self.standing, order, self.now()))
        after = self.standing.sounding
        if before is not None:
            known = {order.activation}
            kept = [cause.id for cause in before.causes if cause.began_ms > as_of_ms and cause.id not in known]
            assert [cause.id for cause in after.causes] == kept if after else not kept, "P13"
        if not named:
            assert all(item.trigger.at_ms > as_of_ms for item in self.standing.waiting), "P13: waiting starts"

    @rule(ms=st.sampled_from([1, 120, 1_000, 9_000, 29_000, 61_000, 200_000, 400_000, 1_900_000]))
    def wait(self, ms: int) -> None:
        target_ms = self.mono_ms + ms
        while self.mono_ms < target_ms:
            sounding = self.standing.sounding
            wakes = [item.start_ms for item in self.standing.waiting]
            wakes += [] if sounding is None else [sounding.until_ms, *(cause.until_ms for cause in sounding.causes)]
            self.mono_ms = min([target_ms, *(wake for wake in wakes if wake > self.mono_ms)])
            for item in self.standing.waiting:
                if item.start_ms <= self.mono_ms and item in self.standing.waiting:
                    self.take(arbiter.start_waiting(self.standing, item, self.now(), RULES), item.trigger)
            self.take(ending.expire(self.standing, self.now()))

    @rule(step_ms=st.sampled_from([-86_400_000, -7_000, 30_000, 3_600_000]))
    def step_clock(self, step_ms: int) -> None:
        self.offset_ms += step_ms
        self.take(ending.step_clock(self.standing, self.now()))

    @invariant()
    def what_is_played_is_what_stands(self) -> None:
        """P1: the relay is played exactly while there is an activation, and never past its end."""
        sounding = self.standing.sounding
        assert (sounding is None) == (self.playing is None)
        if sounding is not None and self.playing is not None:
            assert (self.playing.activation, self.playing.until_ms) == (sounding.id, sounding.until_ms)
            assert self.mono_ms < sounding.until_ms

    @invariant()
    def nothing_outlives_the_hard_limit(self) -> None:
        """P2."""
        if self.playing is not None:
            began_ms = self.begun_ms[self.playing.activation]
            assert self.playing.until_ms <= began_ms + LIMITS.hard_limit_ms

    @invariant()
    def every_cause_that_rings_is_open_in_the_book(self) -> None:
        """P7: `ringing` is always followed by exactly one end for each cause."""
        sounding = self.standing.sounding
        assert set(self.open) == (set() if sounding is None else {cause.id for cause in sounding.causes})


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
