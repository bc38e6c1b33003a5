"""Health: a catalogue of named conditions; a cause hides its symptoms (R26, H1–H23). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "major", "minor"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A named state of ill health, as shown in status and on pages. `subject` tells twins apart (a button's name)."""

    code: str
    severity: Severity
    vi: str
    en: str
    subject: str | None = None
