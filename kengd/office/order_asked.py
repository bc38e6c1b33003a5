"""What the order desk remembers of a question to the belfry and of an entry that it asked to be written."""

from __future__ import annotations

from dataclasses import dataclass

from kengd.intercom import AskHush, AskRing
from kengd.office.seen import Known
from kengd.uplink.line import Token
from kengd.wire.reasons import Reason

ANSWER_GRACE_MS = 2_000
"""How long a verdict is still awaited after the first tick past the deadline; an office that was stopped reads it first."""


@dataclass(slots=True)
class Asked:
    """A command handed (or to be handed) to the belfry. All times CLOCK_MONOTONIC.

    `due_ms`: from then on the office may answer itself, with `reason`. `overdue_ms`: the first tick after that.
    """

    known: Known
    message: AskRing | AskHush
    by: str
    deadline_ms: int
    due_ms: int
    reason: Reason = "expired"
    overdue_ms: int | None = None
    sent: bool = False

    def overdue(self, mono_ms: int) -> bool:
        """True when no verdict will come: it was never sent, or not answered in time."""
        if mono_ms <= self.due_ms:
            return False
        if self.overdue_ms is None:
            self.overdue_ms = mono_ms
        return not self.sent or mono_ms >= self.overdue_ms + ANSWER_GRACE_MS


@dataclass(frozen=True, slots=True)
class Ticket:
    """What to do when a Write of the desk is on disk."""

    known: Known | None
    first: bool
    tokens: tuple[Token, ...]
