"""The sentry: turns contacts into presses (contact filter), presses into orders; shows what ails a button.

Belongs to the deciding thread; the pin thread only posts (name, level, time) into the inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kengd.duty.contact import Contact, ContactRules, Turn, begin, rules_for, turn
from kengd.duty.health import condition
from kengd.errors import KengdError
from kengd.settings.plan import ButtonPlan


class Levels(Protocol):
    """Where the level of a contact is read again (R17)."""

    def read(self, name: str) -> bool: ...


@dataclass(slots=True)
class _Watched:
    plan: ButtonPlan
    rules: ContactRules
    contact: Contact
    wake_ms: int | None


class Sentry:
    """Watches all buttons. `fired(plan, mono_ms)` is called for each press that held long enough."""

    def __init__(
        self,
        plans: Sequence[ButtonPlan],
        levels: Levels,
        fired: Callable[[ButtonPlan, int], None],
        raise_condition: Callable[..., None],
        clear_condition: Callable[..., None],
        now_ms: int,
    ) -> None:
        self._levels = levels
        self._fired = fired
        self._raise = raise_condition
        self._clear = clear_condition
        self._watched: dict[str, _Watched] = {}
        for plan in plans:
            rules = rules_for(plan.does, plan.hold_ms)
            first = begin(rules, self._level(plan.name) or False, now_ms)
            self._watched[plan.name] = _Watched(plan, rules, first.contact, first.wake_ms)

    @property
    def pressing(self) -> bool:
        """A button is being held: the lamp says that the press is heard (R: lamp within 100 ms)."""
        return any(watched.contact.pressing for watched in self._watched.values())

    def plan(self, name: str) -> ButtonPlan | None:
        """The button of this name."""
        watched = self._watched.get(name)
        return None if watched is None else watched.plan

    def changed(self, name: str, active: bool, mono_ms: int) -> None:
        """An edge, with the time at which it happened."""
        watched = self._watched.get(name)
        if watched is not None:
            self._take(watched, turn(watched.rules, watched.contact, active, mono_ms))

    def look(self, now_ms: int) -> None:
        """Read again the levels whose moment has come."""
        for watched in self._watched.values():
            if watched.wake_ms is not None and watched.wake_ms <= now_ms:
                self._read_again(watched, now_ms)

    def check_all(self, now_ms: int) -> None:
        """Once a second: an edge that the driver lost is made up for."""
        for watched in self._watched.values():
            self._read_again(watched, now_ms)

    def _read_again(self, watched: _Watched, now_ms: int) -> None:
        active = self._level(watched.plan.name)
        if active is None:
            watched.wake_ms = None
            return
        self._clear("pin_unreadable", watched.plan.name)
        self._take(watched, turn(watched.rules, watched.contact, active, now_ms))

    def _level(self, name: str) -> bool | None:
        """The level now; None, and a condition, when the pin cannot be read: the other buttons go on (P3)."""
        try:
            return self._levels.read(name)
        except KengdError as unreadable:
            self._raise(condition("pin_unreadable", name, unreadable.vi, unreadable.en))
            return None

    def next_wake_ms(self) -> int | None:
        """The next moment at which a level must be read again."""
        return min((w.wake_ms for w in self._watched.values() if w.wake_ms is not None), default=None)

    def _take(self, watched: _Watched, result: Turn) -> None:
        before = set(watched.contact.conditions)
        watched.contact, watched.wake_ms = result.contact, result.wake_ms
        if result.outcome == "fired":
            self._fired(watched.plan, result.contact.at_ms)
        after = set(result.contact.conditions)
        for code in sorted(after - before):
            self._raise(condition(code, watched.plan.name))
        for code in sorted(before - after):
            self._clear(code, watched.plan.name)
