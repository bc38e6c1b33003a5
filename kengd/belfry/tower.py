"""The tower: hear → decide → ring → write, in one thread. Owns the standing; carries out what the pure rooms decide.

The order is what keeps the promises: what must survive a crash is in the spool before the first edge (P5, P6), the
resume record is struck before the relay goes to rest (P13), and nothing here waits for disk, office or network (P3).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from kengd.belfry.conditions import Conditions
from kengd.belfry.player import Player, PlayerEnded
from kengd.belfry.spool import Spool
from kengd.duty import arbiter, ending, proof
from kengd.duty.decision import Decision, Play, Prolong, Stop
from kengd.duty.health import Condition, condition, visible
from kengd.duty.performance import Performance
from kengd.duty.proof import Proof
from kengd.duty.rules import Rules
from kengd.duty.standing import Activation, Sounding, Standing
from kengd.duty.words import ClockTrust, Draft, EntryKind, HushOrder, Instant, Source, Stamped, Trigger, draft_of
from kengd.intercom import BelfryState
from kengd.settings.plan import BelfryPlan

log = logging.getLogger("kengd.tower")
STEP_MS = 2_000
PRESS_AGAIN_MS = 1_800_000


class Listener(Protocol):
    """Who is told: the office line (records, state)."""

    def spooled(self, records: list[Stamped]) -> None: ...
    def state(self, state: BelfryState) -> None: ...


@dataclass(frozen=True, slots=True)
class AlarmNews:
    """What the lamps say about an alarm: `press_again_until_ms` monotonic; `delivered`, `taken` activation ids."""

    press_again_until_ms: int = 0
    delivered: str | None = None
    taken: str | None = None


class Tower:
    """The standing and its one decider. Every method is called by the deciding thread only."""

    def __init__(
        self,
        plan: BelfryPlan,
        player: Player,
        spool: Spool,
        now: Callable[[], Instant],
        listener: Listener,
        *,
        has_proof: bool,
    ) -> None:
        self.plan = plan
        self.rules = rules_of(plan)
        self.standing = Standing()
        self.clock: ClockTrust = "untrusted"
        self.news = AlarmNews()
        self.office_conditions: tuple[Condition, ...] = ()
        self.line_up = False
        self._player = player
        self._spool = spool
        self._now = now
        self._listener = listener
        self._proof: Proof | None = Proof() if has_proof else None
        self.conditions = Conditions(self.note, lambda: getattr(self.standing.sounding, "id", None))
        self._told: BelfryState | None = None
        self._offset_ms: int | None = None

    # ---- asked

    def ring(self, trigger: Trigger, now: Instant | None = None) -> Decision:
        """Ask the arbiter and carry out what it says."""
        now = now or self._now()
        held = self._spool.holds(trigger.key)
        decision = arbiter.ask(self.standing, trigger, now, self.rules, held=held)
        self._carry_out(decision, now, key=None if held else trigger.key)
        return decision

    def locked_out(self, trigger: Trigger) -> None:
        """A locked button was pressed: written, not rung."""
        self._carry_out(arbiter.refuse(self.standing, trigger, "locked"), self._now())

    def hush(self, order: HushOrder) -> Decision:
        """Stop what the order names; strikes the resume record first (P13)."""
        now = self._now()
        held = self._spool.holds(order.key)
        decision = ending.hush(self.standing, order, now, held=held)
        self._carry_out(decision, now, key=None if held else order.key)
        return decision

    def silence(self, until_s: int, by: str | None, source: Source | None) -> None:
        """Hold back routine rings. With a `source` the change is written here (shell); else the office wrote it."""
        now = self._now()
        drafts = []
        if source is not None:
            detail: dict[str, object] = {"silenced_until": until_s}
            drafts.append(Draft(EntryKind.SETTINGS_CHANGED, source=source, by=by, reason="silence", detail=detail))
        self.standing = ending.silence(self.standing, until_s)
        self._write(drafts, now)
        self.tell(now)

    def lock(self, button: str, until_s: int) -> None:
        """Ignore a button until then (the office wrote it)."""
        now = self._now()
        self.standing = ending.lock(self.standing, button, until_s)
        self.conditions.follow_each("button_locked", self.standing.locked_now(now.wall_ms))
        self.tell(now)

    # ---- happened

    def played_out(self, event: PlayerEnded) -> None:
        """The player is done with an activation, by itself or because the relay failed."""
        now = self._now()
        sounding = self.standing.sounding
        if event.failed is not None:
            self.conditions.begin(condition("relay_failed", note_vi=event.failed, note_en=event.failed))
            if sounding is not None and sounding.id == event.activation:
                self._carry_out(ending.fail(self.standing, now, "relay_failed"), now)
        elif sounding is not None and sounding.id == event.activation:
            if now.mono_ms < sounding.until_ms:  # a cause joined just as the player ended: it goes on (P4)
                self._player.play(Performance(sounding.id, sounding.score, sounding.start_ms, sounding.until_ms))
            else:
                self._carry_out(ending.expire(self.standing, now), now)
                self.conditions.end("relay_failed")  # a whole ring was played: it obeys again

    def proof_level(self, active: bool, mono_ms: int) -> None:
        """The proof-of-sound sensor changed."""
        if self._proof is not None:
            self._proof = proof.sensor(self._proof, active, mono_ms)

    def turn(self) -> None:
        """Time has passed: waiting starts, ends, proof, a stepped clock, conditions that follow from the standing."""
        now = self._now()
        self._check_clock(now)
        for waiting in self.standing.waiting:
            if waiting.start_ms <= now.mono_ms and waiting in self.standing.waiting:
                decision = arbiter.start_waiting(self.standing, waiting, now, self.rules)
                self._carry_out(decision, now)
        sounding = self.standing.sounding
        if sounding is not None:
            self._carry_out(ending.expire(self.standing, now), now)
        self._look_for_proof(now)
        self.conditions.follow("silenced", self.standing.silenced(now.wall_ms))
        self._spool.heal()
        self.conditions.follow("spool_failed", self._spool.broken is not None)
        self.conditions.follow_each("button_locked", self.standing.locked_now(now.wall_ms))
        self.tell(now)

    def next_wake_ms(self) -> int | None:
        """Monotonic ms of the next moment `turn` is needed for, besides the regular one each second."""
        wakes = [waiting.start_ms for waiting in self.standing.waiting]
        sounding = self.standing.sounding
        if sounding is not None:
            wakes.append(min(cause.until_ms for cause in sounding.causes))
            wakes.append(sounding.start_ms + proof.PROOF_WITHIN_MS)
        now_ms = self._now().mono_ms
        return min((wake for wake in wakes if wake > now_ms), default=None)

    # ---- begin and end of this process

    def resume_or_report(self) -> None:
        """After a crash in the same boot: an ACTUAL alarm with time left resumes once, else it is written as cut (R19)."""
        now = self._now()
        dropped = ending.shut_down(Standing(waiting=self._spool.waiting), now, "crashed")
        if dropped.drafts:
            self._write(dropped.drafts, now)
            self._spool.keep_waiting(())
        interrupted = self._spool.resume
        if interrupted is None:
            return
        if interrupted.resumes == 0 and interrupted.is_alarm and now.mono_ms < interrupted.until_ms:
            resumed = replace(interrupted, resumes=1)
            self._spool.keep_resume(resumed)
            self.standing = replace(self.standing, sounding=resumed)
            first = replace(resumed.causes[0], signal=resumed.signal)
            detail: dict[str, object] = {"resumed": True}
            ringing = draft_of(EntryKind.RINGING, first, resumed.purpose, activation=resumed.id, detail=detail)
            self._write([ringing], now)
            start_ms = max(resumed.start_ms, now.mono_ms)
            self._player.play(Performance(resumed.id, resumed.score, start_ms, resumed.until_ms))
            self._begin_proof(resumed.id, start_ms)
        else:
            self.standing = replace(self.standing, sounding=interrupted)
            self._carry_out(ending.shut_down(self.standing, now, "crashed"), now)
        self.tell(now)

    def shut_down(self) -> None:
        """Orderly end: relay to rest, what sounded is written as cut (P1)."""
        now = self._now()
        self._carry_out(ending.shut_down(self.standing, now, "shutdown"), now)

    def press_again(self, now: Instant | None = None) -> None:
        """An alarm ended: for half an hour the lamp says "bấm lại để đánh tiếp" (H10, H20)."""
        now = now or self._now()
        self.news = replace(self.news, press_again_until_ms=now.mono_ms + PRESS_AGAIN_MS)

    def use(self, plan: BelfryPlan) -> None:
        """New settings, without touching what sounds."""
        self.plan = plan
        self.rules = rules_of(plan)

    def note(self, draft: Draft) -> None:
        """An entry about the belfry itself (started, stopped, what ails it)."""
        self._write([draft], self._now())

    # ---- conditions and state

    @property
    def shown(self) -> tuple[Condition, ...]:
        """All conditions of both processes, symptoms hidden."""
        return visible((*self.conditions.held, *self.office_conditions))

    @property
    def sounding(self) -> Sounding | None:
        """What sounds now."""
        active = self.standing.sounding
        if active is None:
            return None
        proved = None if self._proof is None else self._proof.heard
        return active.sounding(proved)

    def tell(self, now: Instant, *, again: bool = False) -> None:
        """Tell the office what it publishes, when it changed (or `again`, to a new office)."""
        until_s = self.standing.silenced_until_s if self.standing.silenced(now.wall_ms) else 0
        news = self.news
        state = BelfryState(
            self.sounding, self.conditions.held, until_s, news.press_again_until_ms, news.delivered, news.taken
        )
        if again or state != self._told:
            self._told = state
            self._listener.state(state)

    # ---- carrying out

    def _carry_out(self, decision: Decision, now: Instant, key: str | None = None) -> None:
        before, self.standing = self.standing, decision.standing
        if before.waiting != self.standing.waiting:
            self._spool.keep_waiting(self.standing.waiting)
        act = decision.act
        if isinstance(act, Play):
            alarm = self._alarm_sounding()
            records = self._spool_drafts(decision.drafts, now, key, alarm)
            if alarm is None:
                self._keep_resume()
            # what was written took time; a first stroke that is late by half of itself would be left out (P3)
            performance = act.performance
            if self.standing.sounding is not None:
                begun = self.standing.sounding.begun_at(self._now().mono_ms)
                self.standing = replace(self.standing, sounding=begun)
                performance = replace(performance, start_ms=begun.start_ms, until_ms=begun.until_ms)
            self._player.play(performance)
            self._begin_proof(performance.activation, performance.start_ms)
            if before.sounding is not None and before.sounding.is_alarm is False:
                self.conditions.end("duty_exhausted")
            self._after_play(now, records)
            return
        if isinstance(act, Stop):
            self._keep_resume()
            self._player.stop(act.activation)
            self._ended(before, decision, now)
        elif isinstance(act, Prolong):
            self._player.prolong(act.activation, act.until_ms)
            self._keep_resume()
        elif before.sounding != decision.standing.sounding:
            self._keep_resume()
        self._write(decision.drafts, now, key)
        self.tell(now)

    def _after_play(self, now: Instant, records: list[Stamped]) -> None:
        """The relay has closed: now people may be told, the state first (it becomes "ringing" at the hub)."""
        sounding = self.standing.sounding
        if sounding is not None and sounding.is_alarm:
            self.news = AlarmNews()
        self.tell(now)
        self._listener.spooled(records)
        if sounding is not None and sounding.spent:
            self.conditions.begin(condition("duty_exhausted"))

    def _ended(self, before: Standing, decision: Decision, now: Instant) -> None:
        if self._proof is not None:
            self._proof = proof.ended(self._proof, now.mono_ms)
        self.conditions.end("no_proof_of_sound")
        self.conditions.end("duty_exhausted")
        sounding = before.sounding
        natural = not any(draft.reason == "hushed" for draft in decision.drafts)
        if sounding is not None and sounding.is_alarm and natural:
            self.press_again(now)

    def _write(self, drafts: Sequence[Draft], now: Instant, key: str | None = None) -> None:
        if drafts or key is not None:
            self._listener.spooled(self._spool_drafts(drafts, now, key))

    def _spool_drafts(
        self, drafts: Sequence[Draft], now: Instant, key: str | None, alarm: Activation | None = None
    ) -> list[Stamped]:
        proved = [self._proved(draft) for draft in drafts]
        return self._spool.put(proved, now, self.clock, key=key, resume=alarm)

    def _proved(self, draft: Draft) -> Draft:
        """The end of an activation says whether sound was proved (P9)."""
        if self._proof is None or draft.kind not in (EntryKind.FINISHED, EntryKind.CUT):
            return draft
        return replace(draft, detail={**(draft.detail or {}), "proved": self._proof.heard})

    def _alarm_sounding(self) -> Activation | None:
        sounding = self.standing.sounding
        return sounding if sounding is not None and sounding.is_alarm else None

    def _keep_resume(self) -> None:
        self._spool.keep_resume(self._alarm_sounding())

    def _begin_proof(self, activation: str, start_ms: int) -> None:
        if self._proof is not None:
            self._proof = proof.begun(self._proof, activation, start_ms)

    def _look_for_proof(self, now: Instant) -> None:
        if self._proof is None:
            return
        self._proof = proof.look(self._proof, now.mono_ms)
        self.conditions.follow("no_proof_of_sound", self._proof.silent)
        self.conditions.follow("sound_without_relay", self._proof.stray)

    def _check_clock(self, now: Instant) -> None:
        offset_ms = now.wall_ms - now.mono_ms
        if self._offset_ms is not None and abs(offset_ms - self._offset_ms) > STEP_MS and self.standing.waiting:
            self._carry_out(ending.step_clock(self.standing, now), now)
        self._offset_ms = offset_ms


def rules_of(plan: BelfryPlan) -> Rules:
    """The arbiter's rules from a compiled plan."""
    signals = {signal.id: signal for signal in plan.signals}
    return Rules(plan.profile, plan.limits, signals, plan.drill_prefix, plan.slow_roll)
