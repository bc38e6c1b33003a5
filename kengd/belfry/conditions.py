"""What ails the belfry: each condition is written when it begins and when it ends, however often it is reported."""

from __future__ import annotations

from collections.abc import Callable, Collection

from kengd.duty.health import Condition, condition
from kengd.duty.words import Draft, EntryKind


class Conditions:
    """The belfry's own conditions, causes and symptoms. For the deciding thread only."""

    def __init__(self, write: Callable[[Draft], None], sounding: Callable[[], str | None]) -> None:
        """`sounding`: the activation that a condition goes with, if any."""
        self._write = write
        self._sounding = sounding
        self._held: dict[tuple[str, str | None], Condition] = {}

    @property
    def held(self) -> tuple[Condition, ...]:
        """Those that hold now."""
        return tuple(self._held.values())

    def begin(self, item: Condition) -> None:
        """It holds."""
        known = self._held.get((item.code, item.subject))
        self._held[(item.code, item.subject)] = item
        if known is None:
            self._write(self._draft(EntryKind.CONDITION_RAISED, item))

    def end(self, code: str, subject: str | None = None) -> None:
        """It no longer holds."""
        item = self._held.pop((code, subject), None)
        if item is not None:
            self._write(self._draft(EntryKind.CONDITION_CLEARED, item))

    def follow(self, code: str, holds: bool, subject: str | None = None) -> None:
        """Begin it or end it, as the fact is; one that holds is left as it was said."""
        if holds and (code, subject) not in self._held:
            self.begin(condition(code, subject))
        elif not holds:
            self.end(code, subject)

    def follow_each(self, code: str, subjects: Collection[str]) -> None:
        """It holds for exactly these."""
        for held_code, subject in list(self._held):
            if held_code == code and subject not in subjects:
                self.end(code, subject)
        for subject in sorted(subjects):
            self.follow(code, True, subject)

    def _draft(self, kind: EntryKind, item: Condition) -> Draft:
        detail: dict[str, object] = {"code": item.code, "severity": item.severity, "vi": item.vi, "en": item.en}
        if item.subject is not None:
            detail["subject"] = item.subject
        return Draft(kind, self._sounding(), reason=item.code, detail=detail)
