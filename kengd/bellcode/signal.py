"""Signals, their kinds and the codebook that a village agreed on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # only annotations; a belfry starts without the pattern's classes
    from kengd.bellcode.pattern import Pattern


class Kind(StrEnum):
    """What a signal is for, from the most to the least urgent."""

    ALARM = "alarm"
    SUPPORT = "support"
    ALL_CLEAR = "all_clear"
    CURFEW = "curfew"
    ROUTINE = "routine"


@dataclass(frozen=True, slots=True)
class Signal:
    """A named pattern with a kind and a meaning. `notation` is the text that `pattern` was read from."""

    id: str
    kind: Kind
    name_vi: str
    name_en: str
    meaning_vi: str
    notation: str
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Codebook:
    """All signals a village agreed on, keyed by signal id, in the order they are printed."""

    name: str
    place_vi: str
    signals: Mapping[str, Signal]
