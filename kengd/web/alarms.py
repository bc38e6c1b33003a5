"""Alarms as people know them: all presses of one event are one alarm, and silence does not end it: the all-clear does. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from kengd.bellcode.signal import Kind
from kengd.duty.words import Source
from kengd.web.rings import Ring

LOUD: Final = (Kind.ALARM, Kind.SUPPORT)
ONE_EVENT_MS: Final = 3_600_000
"""So long after the last sound another press is of the same event; so long an alarm is kept in mind."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """`activations`: of its presses, oldest first; `count`: how often it was asked for, also while it rang; `at_ms`, `last_ms`: the
    first and the last press; `stopped_ms`: when its sound ended (None: it sounds, or nobody wrote it); `over_ms`: the all-clear.
    `taken_by`: the officer in charge. `ordered`: every one of them came from the hub, which therefore knows. Unix ms.
    """

    signal: str
    kind: str
    activations: tuple[str, ...]
    count: int
    at_ms: int
    last_ms: int
    sounds: bool = False
    stopped_ms: int | None = None
    over_ms: int | None = None
    taken_by: str | None = None
    ordered: bool = False

    def recent(self, now_ms: int) -> bool:
        """It was heard within the last hour."""
        return self.sounds or now_ms - (self.stopped_ms or self.last_ms) < ONE_EVENT_MS

    def open(self, now_ms: int) -> bool:
        """To be kept in mind: until it is over and the police know of it, or for an hour."""
        return self.recent(now_ms) and (self.over_ms is None or (self.taken_by is None and not self.ordered))


def alarms(
    rings: Iterable[Ring], kinds: Mapping[str, str], taken: Mapping[str, str], sounding: str | None = None
) -> tuple[Alarm, ...]:
    """Newest first, from rings newest first. `kinds`: signal → its kind; `taken`: activation → officer; `sounding`: what rings now."""
    found: list[Alarm] = []
    for ring in reversed(tuple(rings)):
        if ring.activation is None or ring.purpose != "actual" or ring.end in ("missed", "refused"):
            continue
        kind = kinds.get(ring.signal, "")
        if kind == Kind.ALL_CLEAR:
            found = [one if one.over_ms is not None else replace(one, over_ms=ring.at_ms) for one in found]
        elif kind in LOUD:
            _take(found, _alarm(ring, kind, taken, sounding))
    return tuple(sorted(found, key=lambda one: one.last_ms, reverse=True))


def _alarm(ring: Ring, kind: str, taken: Mapping[str, str], sounding: str | None) -> Alarm:
    activation = ring.activation or ""
    sounds = activation == sounding
    return Alarm(
        ring.signal, kind, (activation,), 1 + ring.joined, ring.at_ms, ring.at_ms, sounds, None if sounds else ring.ended_ms,
        taken_by=taken.get(activation), ordered=ring.source == Source.HUB,
    )  # fmt: skip


def _take(found: list[Alarm], new: Alarm) -> None:
    for n, old in enumerate(found):
        if old.signal == new.signal and old.over_ms is None and old.recent(new.at_ms):
            found[n] = replace(
                new,
                activations=old.activations + new.activations,
                count=old.count + new.count,
                at_ms=old.at_ms,
                taken_by=new.taken_by or old.taken_by,
                ordered=new.ordered and old.ordered,
            )
            return
    found.append(new)
