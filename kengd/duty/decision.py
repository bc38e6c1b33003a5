"""Decision: what the arbiter answers with. Data only; the belfry carries it out. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kengd.duty.performance import Performance
from kengd.duty.precedence import Verdict
from kengd.duty.standing import Standing
from kengd.duty.words import Draft


@dataclass(frozen=True, slots=True)
class Play:
    """Begin this performance; it replaces whatever is being played."""

    performance: Performance


@dataclass(frozen=True, slots=True)
class Prolong:
    """The activation being played now ends at `until_ms`."""

    activation: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Put the relay to rest now."""

    activation: str


Act = Play | Prolong | Stop


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict with its reason, the new standing, the act for the player, and what goes into the book, in order."""

    standing: Standing
    verdict: Verdict | None = None
    reason: str | None = None
    activation: str | None = None
    act: Act | None = None
    drafts: tuple[Draft, ...] = ()
