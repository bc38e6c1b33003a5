"""The signals of the ready-made codebooks, as reports and pages name them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin
from kengd.bellcode.signal import Kind


class Known(NamedTuple):
    """What a codebook says of a signal."""

    kind: Kind
    name_vi: str
    name_en: str


BUILTIN_SIGNALS: Final[Mapping[str, Known]] = {
    signal.id: Known(signal.kind, signal.name_vi, signal.name_en)
    for name in reversed(BUILTIN_NAMES)
    for signal in builtin(name).signals.values()
} | {"curfew": Known(Kind.CURFEW, "Báo yên (kẻng đêm)", "Nightly ring")}
"""Every signal of the ready-made codebooks; the nightly ring is not at the same hour everywhere. A village's own come on top."""
