"""The contact filter of one button: from raw level changes to "heard" and "fired" (R17, R18, R29, R67, H15). Pure.

A button fires only after its level was active without a break for the hold time. Held at start, stuck and chattering
are conditions, never triggers. No fixed bounce time swallows presses or releases: every change starts the hold anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Outcome = Literal["heard", "fired"]
Phase = Literal["ready", "pressed", "fired", "blocked"]

HELD_AT_BOOT = "button_held_at_boot"
STUCK = "button_stuck"
CHATTER = "button_chatter"


@dataclass(frozen=True, slots=True)
class ContactRules:
    """What counts as a press of this button; all in ms.

    `hold_ms`: fires after so long active without a break. `release_ms`: a press is over after so long inactive.
    `settle_ms`: after chatter or a press held at start, a press counts only after so long inactive.
    `boot_ms`: a pull-up that charges a long wire is not a press held at start. `stuck_ms`: active so long after firing.
    `calm_ms`: conditions clear after so long inactive. Chatter is `chatter_edges` changes at least `bounce_ms` apart
    (an honest contact bounces for less) within `chatter_ms`, or no level that lasts `steady_ms` for `unrest_ms`.
    """

    hold_ms: int = 1_000
    release_ms: int = 50
    settle_ms: int = 300
    boot_ms: int = 500
    stuck_ms: int = 30_000
    calm_ms: int = 5_000
    bounce_ms: int = 10
    chatter_edges: int = 30
    chatter_ms: int = 1_000
    steady_ms: int = 250
    unrest_ms: int = 10_000


HUSH_RULES = ContactRules(hold_ms=40, chatter_edges=10, unrest_ms=3_000)
"""A hush acts at once. One that chatters must not silence alarm after alarm (H8): it is doubted sooner."""


def rules_for(does: str, hold_ms: int) -> ContactRules:
    """The rules of a button that `does` this (a signal id, or "hush", whose hold is fixed)."""
    return HUSH_RULES if does == "hush" else ContactRules(hold_ms=hold_ms)


@dataclass(frozen=True, slots=True)
class Contact:
    """What is known of one contact. `since_ms`: last change of level; `counted_from_ms`: stuck is counted from here."""

    level: bool
    phase: Phase
    at_ms: int
    since_ms: int
    counted_from_ms: int
    unrest_from_ms: int
    changes: tuple[int, ...] = ()
    held_at_boot: bool = False
    conditions: tuple[str, ...] = ()

    @property
    def pressing(self) -> bool:
        """True from the first touch of a press until it fires or is let go: the lamp says "heard"."""
        return self.phase == "pressed"


class Turn(NamedTuple):
    """The new state, what happened (at most one thing), when to look again (monotonic ms; None: at the next change)."""

    contact: Contact
    outcome: Outcome | None
    wake_ms: int | None


def begin(rules: ContactRules, active: bool, now_ms: int) -> Turn:
    """The level as it was read at start is the baseline: a button held then does nothing until it is let go (R29)."""
    phase: Phase = "blocked" if active else "ready"
    contact = Contact(active, phase, now_ms, now_ms, now_ms, now_ms, held_at_boot=active)
    return Turn(contact, None, _wake(rules, contact))


def turn(rules: ContactRules, contact: Contact, active: bool, now_ms: int) -> Turn:
    """The level is `active` at `now_ms`: a change that was reported, or the level read again at `wake_ms`.

    Take reported changes in the order of their time stamps before reading again. A stamp from the past counts as now.
    A hold that was complete before a late look still fires: the stamps prove it; a slow machine loses no alarm (P3).
    """
    now_ms = max(now_ms, contact.at_ms)
    contact, fired = _elapse(rules, replace(contact, at_ms=now_ms), now_ms)
    outcome: Outcome | None = "fired" if fired else None
    if active != contact.level:
        contact = _change(rules, contact, active, now_ms)
        if active and contact.phase == "ready":
            contact = replace(contact, phase="pressed", counted_from_ms=now_ms)
            outcome = "heard"
        if active:
            contact = _outstayed(rules, contact, now_ms)
    return Turn(contact, outcome, _wake(rules, contact))


def _elapse(rules: ContactRules, contact: Contact, now_ms: int) -> tuple[Contact, bool]:
    """The level stayed as it was until now; True when that completed the hold."""
    steady_ms = now_ms - contact.since_ms
    if not contact.level:
        return _rested(rules, contact, steady_ms), False
    if contact.phase == "pressed" and steady_ms >= rules.hold_ms:
        fired_ms = contact.since_ms + rules.hold_ms
        contact = replace(contact, phase="fired", counted_from_ms=fired_ms)
        return _outstayed(rules, contact, now_ms), True
    return _outstayed(rules, contact, now_ms), False


def _rested(rules: ContactRules, contact: Contact, steady_ms: int) -> Contact:
    over_ms = rules.settle_ms if contact.phase == "blocked" else rules.release_ms
    if contact.phase != "ready" and steady_ms >= over_ms:
        contact = replace(contact, phase="ready", held_at_boot=False)
    if contact.changes and steady_ms >= rules.settle_ms:
        contact = replace(contact, changes=())
    if contact.conditions and steady_ms >= rules.calm_ms:
        contact = replace(contact, conditions=())
    return contact


def _outstayed(rules: ContactRules, contact: Contact, now_ms: int) -> Contact:
    for code, due_ms in _overdue(rules, contact):
        if now_ms >= due_ms:
            contact = _raised(contact, code)
    return contact


def _overdue(rules: ContactRules, contact: Contact) -> list[tuple[str, int]]:
    """The conditions that this active level will raise, with the moment."""
    due: list[tuple[str, int]] = []
    if contact.held_at_boot and HELD_AT_BOOT not in contact.conditions:
        due.append((HELD_AT_BOOT, contact.counted_from_ms + rules.boot_ms))
    if contact.phase in ("fired", "blocked") and STUCK not in contact.conditions:
        due.append((STUCK, contact.counted_from_ms + rules.stuck_ms))
    return due


def _change(rules: ContactRules, contact: Contact, active: bool, now_ms: int) -> Contact:
    unrest_from_ms = contact.unrest_from_ms if now_ms - contact.since_ms < rules.steady_ms else now_ms
    changes = contact.changes
    if not changes or now_ms - changes[-1] >= rules.bounce_ms:
        changes = (*changes, now_ms)[-rules.chatter_edges :]
    contact = replace(contact, level=active, since_ms=now_ms, unrest_from_ms=unrest_from_ms, changes=changes)
    if active and contact.phase == "blocked" and not contact.held_at_boot:
        contact = replace(contact, counted_from_ms=now_ms)
    many = len(changes) == rules.chatter_edges and now_ms - changes[0] <= rules.chatter_ms
    if many or now_ms - unrest_from_ms >= rules.unrest_ms:
        contact = replace(_raised(contact, CHATTER), phase="blocked")
    return contact


def _raised(contact: Contact, code: str) -> Contact:
    if code in contact.conditions:
        return contact
    return replace(contact, conditions=(*contact.conditions, code))


def _wake(rules: ContactRules, contact: Contact) -> int | None:
    """The next moment at which an unchanged level means something new."""
    due: list[int] = []
    if contact.level:
        due += [due_ms for _, due_ms in _overdue(rules, contact)]
        if contact.phase == "pressed":
            due.append(contact.since_ms + rules.hold_ms)
    else:
        if contact.phase != "ready":
            due.append(contact.since_ms + (rules.settle_ms if contact.phase == "blocked" else rules.release_ms))
        if contact.conditions:
            due.append(contact.since_ms + rules.calm_ms)
    return min(due) if due else None
