"""Endings: hush, own end, hard limit, silence and locks; causes that joined end one by one (P13). Pure."""

from __future__ import annotations

from dataclasses import replace

from kengd.duty.decision import Decision, Prolong, Stop
from kengd.duty.precedence import Verdict
from kengd.duty.standing import Activation, Cause, Lock, Standing, Waiting, Worn
from kengd.duty.words import Draft, EntryKind, HushOrder, Instant, Trigger, draft_of

WORST_STEP_MS = 600_000
"""A waiting start that a clock step moves further away than this is dropped (`at` is at most 600 s ahead)."""
LATE_START_MS = 5_000


def hush(standing: Standing, order: HushOrder, now: Instant, *, held: bool = False) -> Decision:
    """End what the order names, or, unnamed, what began at or before its time (P13). A hush is not an all-clear."""
    if held:
        return Decision(standing, Verdict.REFUSE, "duplicate")
    if order.deadline_ms is not None and now.mono_ms > order.deadline_ms:
        return Decision(
            standing, Verdict.REFUSE, "expired", drafts=(_order_draft(EntryKind.REFUSED, order, "expired"),)
        )
    sounding = standing.sounding
    causes = () if sounding is None else tuple(c for c in sounding.causes if _names(order, sounding, c))
    cancelled = tuple(item for item in standing.waiting if _names_waiting(order, item))
    waiting = tuple(item for item in standing.waiting if item not in cancelled)
    cuts = tuple(_cancelled_draft(item.trigger, order) for item in cancelled)
    named = [item.trigger.id for item in cancelled]
    if sounding is not None and causes:
        cuts = (*ended_drafts(replace(sounding, causes=causes), now.mono_ms, "hushed", order), *cuts)
        named.insert(0, sounding.id)
    received = () if order.command_id is None else (_order_draft(EntryKind.RECEIVED, order, None, ended=named),)
    new = replace(standing, waiting=waiting)
    drafts = (*received, *cuts)
    activation = sounding.id if sounding is not None and causes else None
    if sounding is None or not causes:
        return Decision(new, Verdict.HUSH, None if named else "nothing_sounding", drafts=drafts)
    rest = tuple(cause for cause in sounding.causes if cause not in causes)
    if not rest:
        new = without(new, now)
        return Decision(new, Verdict.HUSH, activation=activation, act=Stop(sounding.id), drafts=drafts)
    kept = replace(sounding, causes=rest)
    act = Prolong(kept.id, kept.until_ms)
    return Decision(replace(new, sounding=kept), Verdict.HUSH, activation=activation, act=act, drafts=drafts)


def expire(standing: Standing, now: Instant) -> Decision:
    """Time has passed: joined causes end one by one, and the last ends the activation (own end or hard limit)."""
    sounding = standing.sounding
    if sounding is None:
        return Decision(standing)
    if now.mono_ms >= sounding.until_ms:
        drafts = ended_drafts(sounding, now.mono_ms, "hard_limit")
        return Decision(without(standing, now), activation=sounding.id, act=Stop(sounding.id), drafts=drafts)
    over = tuple(cause for cause in sounding.causes if cause.until_ms <= now.mono_ms)
    if not over:
        return Decision(standing)
    drafts = ended_drafts(replace(sounding, causes=over), now.mono_ms, "hard_limit")
    rest = replace(sounding, causes=tuple(cause for cause in sounding.causes if cause not in over))
    return Decision(replace(standing, sounding=rest), activation=sounding.id, drafts=drafts)


def fail(standing: Standing, now: Instant, reason: str) -> Decision:
    """The relay or the player failed under an activation: each cause is told so."""
    sounding = standing.sounding
    if sounding is None:
        return Decision(standing)
    drafts = tuple(_cause_draft(EntryKind.FAILED, sounding, cause, reason, None) for cause in sounding.causes)
    return Decision(without(standing, now), activation=sounding.id, act=Stop(sounding.id), drafts=drafts)


def shut_down(standing: Standing, now: Instant, reason: str) -> Decision:
    """The belfry stops, or found a sounding of a belfry that crashed: everything ends, waiting starts are dropped."""
    sounding = standing.sounding
    cuts = () if sounding is None else ended_drafts(sounding, now.mono_ms, reason, natural=False)
    dropped = tuple(_dropped_draft(item.trigger, reason) for item in standing.waiting)
    act = None if sounding is None else Stop(sounding.id)
    new = replace(without(standing, now), waiting=())
    return Decision(new, act=act, drafts=(*cuts, *dropped))


def step_clock(standing: Standing, now: Instant) -> Decision:
    """The wall clock stepped: a waiting start keeps its wall time, and is dropped when that is past or too far."""
    kept: list[Waiting] = []
    drafts: list[Draft] = []
    for item in standing.waiting:
        start_ms = now.mono_ms + item.start_wall_ms - now.wall_ms
        if -LATE_START_MS <= start_ms - now.mono_ms <= WORST_STEP_MS:
            kept.append(replace(item, start_ms=start_ms))
        else:
            drafts.append(_dropped_draft(item.trigger, "bad_at"))
    return Decision(replace(standing, waiting=tuple(kept)), drafts=tuple(drafts))


def silence(standing: Standing, until_s: int) -> Standing:
    """Hold back routine rings until this wall clock time (0 ends it)."""
    return replace(standing, silenced_until_s=until_s)


def lock(standing: Standing, button: str, until_s: int) -> Standing:
    """Ignore a button until this wall clock time (0 unlocks it)."""
    others = tuple(item for item in standing.locks if item.button != button)
    return replace(standing, locks=(*others, Lock(button, until_s)) if until_s else others)


def without(standing: Standing, now: Instant) -> Standing:
    """The standing after what sounds has ended: its wear and the end of an alarm are remembered."""
    sounding = standing.sounding
    if sounding is None:
        return standing
    worn = standing.worn
    if now.mono_ms > sounding.start_ms:
        worn = (*worn, Worn(sounding.score, sounding.start_ms, min(now.mono_ms, sounding.limit_ms)))
    ended_ms = now.mono_ms if sounding.is_alarm else standing.alarm_ended_ms
    return replace(standing, sounding=None, worn=worn, alarm_ended_ms=ended_ms)


def ended_drafts(
    sounding: Activation, now_ms: int, reason: str, order: HushOrder | None = None, *, natural: bool = True
) -> tuple[Draft, ...]:
    """One end for each cause: `finished` where its own time was up, else `cut` with the reason."""
    drafts = []
    for cause in sounding.causes:
        if natural and cause.until_ms <= now_ms:
            drafts.append(_cause_draft(EntryKind.FINISHED, sounding, cause, None, None))
        else:
            drafts.append(_cause_draft(EntryKind.CUT, sounding, cause, reason, order))
    return tuple(drafts)


def _names(order: HushOrder, sounding: Activation, cause: Cause) -> bool:
    """A named hush may name the activation or one joined cause; neither reaches a cause that joined after the order.

    Who names a cause knew of it, whatever the clock says: under an untrusted one `as_of_ms` is when the nonce was issued, which
    is before anything that began since (H22).
    """
    if order.activation in (sounding.id, None) and (
        cause.began_ms <= order.as_of_ms or _came_late(order, cause.said_ms)
    ):
        return True
    return order.activation == cause.id


def _names_waiting(order: HushOrder, waiting: Waiting) -> bool:
    if order.activation is None:
        return waiting.trigger.at_ms <= order.as_of_ms or _came_late(order, waiting.trigger.said_ms)
    return order.activation in (waiting.trigger.id, waiting.trigger.command_id)


def _came_late(order: HushOrder, said_ms: int | None) -> bool:
    """A ring that had been ordered before this hush was, and came after its time: post and broker had lost each other, and both
    lay there. As old as each other counts as after it: an alarm is not ended by guessing."""
    return said_ms is not None and said_ms < order.as_of_ms


def _cause_draft(
    kind: EntryKind, sounding: Activation, cause: Cause, reason: str | None, order: HushOrder | None
) -> Draft:
    detail: dict[str, object] = {}
    if cause.id != sounding.id:
        detail["cause"] = cause.id
    if order is not None:
        detail["hushed_by"] = {"source": order.source.value, "by": order.by, "place": order.place, "why": order.why}
    return draft_of(kind, cause, sounding.purpose, activation=sounding.id, reason=reason, detail=detail)


def _order_draft(kind: EntryKind, order: HushOrder, reason: str | None, ended: list[str] | None = None) -> Draft:
    detail: dict[str, object] | None = None if ended is None else {"ended": ended}
    if detail is not None and order.why is not None:
        detail["why"] = order.why
    return Draft(
        kind,
        activation=order.activation,
        command_id=order.command_id,
        source=order.source,
        place=order.place,
        by=order.by,
        reason=reason,
        detail=detail,
    )


def _cancelled_draft(trigger: Trigger, order: HushOrder) -> Draft:
    return replace(_dropped_draft(trigger, "hushed"), detail={"before_start": True, "hushed_by": order.by})


def _dropped_draft(trigger: Trigger, reason: str) -> Draft:
    detail: dict[str, object] = {"before_start": True}
    return draft_of(EntryKind.CUT, trigger, trigger.purpose, activation=trigger.id, reason=reason, detail=detail)
