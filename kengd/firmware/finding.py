"""Something about the boot partition that an installer should know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Colour = Literal["yellow", "red"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Red: the bell is not safe or not sure to ring. Yellow: worth knowing. `line` counts from 1; None = the whole file."""

    colour: Colour
    code: str
    file: str
    line: int | None
    vi: str
    cure: str
    en: str

    @property
    def where(self) -> str:
        """ "config.txt:12"."""
        return self.file if self.line is None else f"{self.file}:{self.line}"
