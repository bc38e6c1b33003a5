"""From an accepted or refused command to the words of the belfry and of the book. Pure."""

from __future__ import annotations

from kengd.duty.words import Draft, EntryKind, HushOrder, Purpose, Source, Trigger
from kengd.intercom import AskHush, AskRing
from kengd.office.desk_words import Refusal
from kengd.wire.command import Accepted, Refused
from kengd.wire.entry import Entry
from kengd.wire.orders import Hush, LockInput, NewCodebook, NewTimetable, Ring, Silence, Taken, do_of


def message(ask_id: str, accepted: Accepted, order: Ring | Hush, mono_ms: int) -> AskRing | AskHush:
    """What the belfry is asked. Its id becomes the activation's; the `jti` is the key that is accepted once."""
    if isinstance(order, Hush):
        hush = HushOrder(
            source=Source.HUB,
            as_of_ms=accepted.as_of_ms,
            activation=order.activation,
            by=order.by,
            why=order.why,
            key=accepted.jti,
            command_id=accepted.jti,
            deadline_ms=accepted.deadline_ms,
        )
        return AskHush(ask_id, hush)
    trigger = Trigger(
        id=ask_id,
        signal=order.signal,
        purpose=order.purpose,
        source=Source.HUB,
        at_ms=mono_ms,
        by=order.by,
        why=order.why,
        key=accepted.jti,
        command_id=accepted.jti,
        deadline_ms=accepted.deadline_ms,
        start_ms=accepted.start_ms,
        said_ms=accepted.as_of_ms,
    )
    return AskRing(trigger)


def refusal_draft(refused: Refused, command_id: str | None) -> Draft:
    """A refusal at the door. `by` and `command_id` only when the signature held; `kid` as the message claims it."""
    detail: dict[str, object] = {"authenticated": refused.authenticated}
    if refused.kid is not None:
        detail["kid"] = refused.kid
    return Draft(
        EntryKind.REFUSED,
        command_id=command_id,
        source=Source.HUB,
        by=refused.by,
        reason=refused.reason,
        detail=detail,
    )


def settled_drafts(accepted: Accepted, refusal: Refusal | None) -> tuple[Draft, ...]:
    """The entries of an order the office itself has carried out or refused."""
    order, jti = accepted.order, accepted.jti
    by: str | None = getattr(order, "by", None)
    facts = _facts(accepted)
    activation = order.activation if isinstance(order, Taken) else None
    if refusal is not None:
        detail = {**facts, **(refusal.detail or {})}
        return (
            Draft(EntryKind.REFUSED, activation, jti, source=Source.HUB, by=by, reason=refusal.reason, detail=detail),
        )
    received = Draft(EntryKind.RECEIVED, activation, jti, source=Source.HUB, by=by, detail=facts)
    if isinstance(order, Taken):
        return (received,)
    return received, Draft(EntryKind.SETTINGS_CHANGED, None, jti, source=Source.HUB, by=by, detail=facts)


def cut_meanwhile(ringing: Entry, reason: str) -> Draft:
    """The end of a ring that began in an earlier life of the post."""
    return Draft(
        EntryKind.CUT,
        ringing.activation,
        ringing.command_id,
        ringing.signal,
        None if ringing.purpose is None else Purpose(ringing.purpose),
        None if ringing.source is None else Source(ringing.source),
        ringing.place,
        ringing.by,
        reason,
    )


def _facts(accepted: Accepted) -> dict[str, object]:
    """What was ordered, in the command's own words; a codebook or timetable by its version only."""
    order = accepted.order
    facts: dict[str, object] = {"do": do_of(order)}
    if isinstance(order, Silence):
        facts["until"] = order.until
    elif isinstance(order, LockInput):
        facts["button"], facts["locked"] = order.button, order.locked
    elif isinstance(order, NewCodebook | NewTimetable):
        facts["version"] = order.version
    why: str | None = getattr(order, "why", None)
    if why is not None:
        facts["why"] = why
    return facts
