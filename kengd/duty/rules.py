"""Rules: the part of a post's settings that the arbiter decides by. Pure.

Limits of P2, P3, P4. All lengths in ms. The belfry makes these from its compiled plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kengd.bellcode.profile import Profile
from kengd.bellcode.score import Score
from kengd.bellcode.signal import Kind


class RuleLimits(Protocol):
    """The post's limits; `kengd.settings.plan.Limits` has this shape."""

    @property
    def alarm_ms(self) -> int: ...
    @property
    def hard_limit_ms(self) -> int: ...
    @property
    def drill_ms(self) -> int: ...
    @property
    def after_alarm_ms(self) -> int: ...
    @property
    def calm_per_hour(self) -> int: ...


class RuleSignal(Protocol):
    """A signal laid out for this bell; `kengd.settings.plan.SignalPlan` has this shape."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def score(self) -> Score: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What the arbiter decides by."""

    profile: Profile
    limits: RuleLimits
    signals: Mapping[str, RuleSignal]
    drill_prefix: Score
    slow_roll: Score

    def signal(self, signal_id: str) -> RuleSignal | None:
        """The signal with this id, or None."""
        return self.signals.get(signal_id)
