"""Standing: all that the arbiter knows, one frozen value replaced by each decision. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kengd.duty.words import Purpose, Source


@dataclass(frozen=True, slots=True)
class Sounding:
    """What sounds now, as status and lamps show it. `since_wall_ms`: unix ms. `proved`: None = no proof of sound is wired."""

    activation: str
    signal: str
    purpose: Purpose
    source: Source
    since_wall_ms: int
    proved: bool | None = None
