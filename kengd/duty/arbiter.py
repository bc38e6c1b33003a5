"""The arbiter: what happens when a signal is asked for. Pure: standing, trigger and time in, decision out.

P2, P3, P4, P13 of the design are kept here; precedence itself is a table (`precedence`).
"""

from __future__ import annotations

from dataclasses import replace

from kengd.bellcode.score import Score
from kengd.bellcode.signal import Kind
from kengd.duty import wear
from kengd.duty.decision import Act, Decision, Play, Prolong
from kengd.duty.ending import ended_drafts, without
from kengd.duty.performance import Performance, after, endless
from kengd.duty.precedence import PRECEDENCE, Rank, Verdict, rank
from kengd.duty.rules import Rules, RuleSignal
from kengd.duty.standing import Activation, Cause, Standing, Waiting, Worn
from kengd.duty.words import Draft, EntryKind, Instant, Purpose, Source, Trigger, draft_of

DRILL_SILENCE_MS = 3_000
"""H19: a real alarm that ends a drill is preceded by 3 s of silence."""
PREFIX_GAP_MS = 2_000
ALARM_REPEAT_REST_MS = 1_000
HOUR_MS = 3_600_000
_CALM = (Kind.CURFEW, Kind.ROUTINE)


def ask(standing: Standing, trigger: Trigger, now: Instant, rules: Rules, *, held: bool = False) -> Decision:
    """Somebody asks for a signal. `held`: its key was accepted before (P5, P6), so it must not ring again."""
    if held:
        return Decision(standing, Verdict.REFUSE, "duplicate")
    if trigger.deadline_ms is not None and now.mono_ms > trigger.deadline_ms:
        return refuse(standing, trigger, "expired")
    signal = rules.signal(trigger.signal)
    if signal is None:
        return refuse(standing, trigger, "unknown_signal")
    if trigger.start_ms is not None and trigger.start_ms > now.mono_ms:
        return _wait(standing, trigger, trigger.start_ms, now)
    return _judge(standing, trigger, signal, now, rules, received=_received(trigger))


def start_waiting(standing: Standing, waiting: Waiting, now: Instant, rules: Rules) -> Decision:
    """The moment of a command with `at` has come; its `received` is already written."""
    rest = tuple(item for item in standing.waiting if item is not waiting)
    standing = replace(standing, waiting=rest)
    signal = rules.signal(waiting.trigger.signal)
    if signal is None:
        return refuse(standing, waiting.trigger, "unknown_signal")
    return _judge(standing, waiting.trigger, signal, now, rules, received=())


def refuse(standing: Standing, trigger: Trigger, reason: str) -> Decision:
    """A refusal with its entry: a timetable ring that is refused was missed (P6)."""
    kind = EntryKind.MISSED if trigger.source is Source.TIMETABLE else EntryKind.REFUSED
    draft = _draft(kind, trigger, reason=reason)
    return Decision(standing, Verdict.REFUSE, reason, drafts=(draft,))


def _wait(standing: Standing, trigger: Trigger, start_ms: int, now: Instant) -> Decision:
    waiting = Waiting(trigger, start_ms, now.wall_ms + start_ms - now.mono_ms)
    new = replace(standing, waiting=(*standing.waiting, waiting))
    received = _received(trigger)
    if received:
        received = (replace(received[0], detail={"at_ms": waiting.start_wall_ms}),)
    return Decision(new, Verdict.WAIT, drafts=received)


def _judge(
    standing: Standing, trigger: Trigger, signal: RuleSignal, now: Instant, rules: Rules, received: tuple[Draft, ...]
) -> Decision:
    verdict, reason = verdict_on(standing, trigger, signal, now, rules)
    if trigger.purpose is Purpose.TEST:
        would = reason or verdict.value
        tested = _draft(EntryKind.TESTED, trigger, detail={"would": would})
        return Decision(standing, Verdict.TEST, drafts=(*received, tested))
    if verdict is Verdict.REFUSE:
        assert reason is not None
        return refuse(standing, trigger, reason)
    if verdict is Verdict.JOIN:
        return _join(standing, trigger, signal, now, rules, received)
    return _begin(standing, trigger, signal, now, rules, received)


def verdict_on(
    standing: Standing, trigger: Trigger, signal: RuleSignal, now: Instant, rules: Rules
) -> tuple[Verdict, str | None]:
    """The table's verdict, after what holds back calm rings (P4 after an alarm, silence, rate)."""
    purpose = Purpose.ACTUAL if trigger.purpose is Purpose.TEST else trigger.purpose
    sounds = standing.sounding
    sounding_rank = Rank.QUIET if sounds is None else rank(sounds.kind, sounds.purpose)
    verdict, reason = PRECEDENCE[(sounding_rank, rank(signal.kind, purpose))]
    if verdict is Verdict.REFUSE or verdict is Verdict.JOIN:
        return verdict, reason
    if signal.kind in _CALM and purpose is Purpose.ACTUAL:
        held_back = _calm_held_back(standing, now, rules)
        if held_back is not None:
            return Verdict.REFUSE, held_back
    if not (purpose is Purpose.ACTUAL and signal.kind in (Kind.ALARM, Kind.SUPPORT)):
        score, length_ms = _calm_score(trigger, signal, rules)
        worn = wear.kept(_worn_now(standing, now), rules.profile, now.mono_ms)
        if not wear.bears(worn, score, rules.profile, now.mono_ms, now.mono_ms + length_ms):
            return Verdict.REFUSE, "duty"
    return verdict, None


def _calm_held_back(standing: Standing, now: Instant, rules: Rules) -> str | None:
    if standing.silenced(now.wall_ms):
        return "silenced"
    ended_ms = standing.alarm_ended_ms
    if ended_ms is not None and now.mono_ms < ended_ms + rules.limits.after_alarm_ms:
        return "after_alarm"
    recent = [ring for ring in standing.calm_rings_ms if ring > now.mono_ms - HOUR_MS]
    return "duty" if len(recent) >= rules.limits.calm_per_hour else None


def _join(
    standing: Standing, trigger: Trigger, signal: RuleSignal, now: Instant, rules: Rules, received: tuple[Draft, ...]
) -> Decision:
    """A second cause joins what sounds and extends it; it never restarts or shortens it (P4)."""
    sounding = standing.sounding
    assert sounding is not None
    cause = _cause(trigger, now.mono_ms, now.mono_ms + _alarm_length(signal, rules))
    if not sounding.is_alarm:  # an all-clear asked twice: one ring, no longer than it was
        cause = replace(cause, until_ms=sounding.until_ms)
    joined = replace(sounding, causes=(*sounding.causes, cause))
    ringing = _draft(EntryKind.RINGING, trigger, activation=sounding.id, detail={"joined": True, "cause": cause.id})
    act: Act | None = Prolong(sounding.id, joined.until_ms) if joined.until_ms > sounding.until_ms else None
    new = replace(standing, sounding=joined)
    return Decision(new, Verdict.JOIN, activation=sounding.id, act=act, drafts=(*received, ringing))


def _begin(
    standing: Standing, trigger: Trigger, signal: RuleSignal, now: Instant, rules: Rules, received: tuple[Draft, ...]
) -> Decision:
    old = standing.sounding
    start_ms = now.mono_ms + _silence_before(old, rules)
    worn = wear.kept(_worn_now(standing, now), rules.profile, now.mono_ms)
    if trigger.purpose is Purpose.ACTUAL and signal.kind in (Kind.ALARM, Kind.SUPPORT):
        plain = endless(signal.score, ALARM_REPEAT_REST_MS)
        length_ms = _alarm_length(signal, rules)
        limit_ms = start_ms + rules.limits.hard_limit_ms
        score, spent = wear.bearable(worn, plain, rules.slow_roll, rules.profile, start_ms, limit_ms)
    else:
        score, length_ms = _calm_score(trigger, signal, rules)
        limit_ms, spent = start_ms + rules.limits.hard_limit_ms, False
    sounding = Activation(
        id=trigger.id,
        signal=signal.id,
        kind=signal.kind,
        purpose=trigger.purpose,
        began_ms=now.mono_ms,
        began_wall_ms=now.wall_ms,
        start_ms=start_ms,
        limit_ms=limit_ms,
        causes=(_cause(trigger, now.mono_ms, start_ms + length_ms),),
        score=score,
        spent=spent,
    )
    calm = standing.calm_rings_ms
    if signal.kind in _CALM and trigger.purpose is Purpose.ACTUAL:
        calm = (*(ring for ring in calm if ring > now.mono_ms - HOUR_MS), now.mono_ms)
    new = replace(without(standing, now), sounding=sounding, worn=worn, calm_rings_ms=calm)
    ringing = _draft(
        EntryKind.RINGING, trigger, activation=sounding.id, detail={"duty_exhausted": True} if spent else None
    )
    cut = () if old is None else ended_drafts(old, now.mono_ms, "preempted")
    return Decision(
        new,
        Verdict.RING if old is None else Verdict.INTERRUPT,
        activation=sounding.id,
        act=Play(Performance(sounding.id, score, start_ms, sounding.until_ms)),
        drafts=(*received, *cut, ringing),
    )


def _silence_before(old: Activation | None, rules: Rules) -> int:
    if old is None:
        return 0
    return DRILL_SILENCE_MS if old.purpose is Purpose.DRILL else rules.profile.shortest_gap_ms


def _alarm_length(signal: RuleSignal, rules: Rules) -> int:
    """How long one cause keeps an alarm going: a finite code once through, an endless one the alarm length."""
    return signal.score.duration_ms or rules.limits.alarm_ms


def _calm_score(trigger: Trigger, signal: RuleSignal, rules: Rules) -> tuple[Score, int]:
    """The score and its length for anything that is not an ACTUAL alarm: a drill begins with its audible prefix (H19)."""
    if trigger.purpose is not Purpose.DRILL:
        return signal.score, signal.score.duration_ms or rules.limits.drill_ms
    score = after(rules.drill_prefix, PREFIX_GAP_MS, signal.score)
    prefix_ms = rules.drill_prefix.lead_ms + PREFIX_GAP_MS
    length_ms = score.duration_ms or prefix_ms + rules.limits.drill_ms
    return score, min(length_ms, rules.limits.hard_limit_ms)


def _worn_now(standing: Standing, now: Instant) -> tuple[Worn, ...]:
    sounding = standing.sounding
    if sounding is None or now.mono_ms <= sounding.start_ms:
        return standing.worn
    return (*standing.worn, Worn(sounding.score, sounding.start_ms, now.mono_ms))


def _cause(trigger: Trigger, began_ms: int, until_ms: int) -> Cause:
    return Cause(
        trigger.id,
        began_ms,
        until_ms,
        trigger.signal,
        trigger.source,
        trigger.place,
        trigger.by,
        trigger.command_id,
        trigger.said_ms,
    )


def _received(trigger: Trigger) -> tuple[Draft, ...]:
    """A command is answered `received`; a button, the timetable and the shell are not commands."""
    return (_draft(EntryKind.RECEIVED, trigger),) if trigger.command_id is not None else ()


def _draft(
    kind: EntryKind,
    trigger: Trigger,
    *,
    activation: str | None = None,
    reason: str | None = None,
    detail: dict[str, object] | None = None,
) -> Draft:
    if trigger.why is not None and kind in (EntryKind.RECEIVED, EntryKind.RINGING):
        detail = {**(detail or {}), "why": trigger.why}
    if trigger.source is Source.TIMETABLE and trigger.key is not None:
        detail = {**(detail or {}), "key": trigger.key}
    return draft_of(kind, trigger, trigger.purpose, activation=activation, reason=reason, detail=detail)
