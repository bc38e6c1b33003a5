"""The hub's versions of codebook and timetable, laid over the settings file; each with a number and a way back.

`<state_dir>/settings/codebook.json` is {"version": n, "codebook": {…}}: a `[codebook]` table as in the settings file; its `use` and
its signals replace those of the file, signal by signal. `timetable.json` is {"version": n, "timetable": […]} and replaces all lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kengd.settings import store
from kengd.settings.lines import KeyPath
from kengd.settings.problems import Problem

FROM_HUB = " (trong bản do xã gửi)"
"""Behind what is wrong with the hub's version."""

Marked = Callable[[list[Problem]], list[Problem]]


@dataclass(frozen=True, slots=True)
class Overlays:
    """Both files as bytes; None = the hub never sent one, the settings file counts."""

    codebook: bytes | None = None
    timetable: bytes | None = None

    @classmethod
    def kept(cls, state: Path) -> Overlays:
        """Those in the state directory; one that cannot be read counts as not there."""
        found: list[bytes | None] = []
        for name in (store.CODEBOOK, store.TIMETABLE):
            try:
                found.append(store.overlay(state, name))
            except (OSError, ValueError):
                found.append(None)
        return cls(*found)

    @property
    def versions(self) -> tuple[int, int]:
        """(codebook, timetable); 0 = the settings file's own."""
        return version_of(self.codebook), version_of(self.timetable)


def version_of(overlay: bytes | None) -> int:
    """The version in an overlay file; 0 for none or a broken one."""
    try:
        version = json.loads(overlay or b"{}")["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
    return version if isinstance(version, int) else 0


def packed(version: int, name: str, content: object) -> bytes:
    """The bytes of an overlay file. Raises ValueError or TypeError when the content is no JSON."""
    return json.dumps({"version": version, name: content}, ensure_ascii=False, allow_nan=False, sort_keys=True).encode()


def lay_over(data: dict[str, Any], lines: dict[KeyPath, int], overlays: Overlays) -> Marked:
    """Change `data` (and forget the lines of what was replaced); the answer marks problems that came from the hub's version."""
    replaced: list[str] = []
    codebook = _content(overlays.codebook, "codebook")
    if isinstance(codebook, dict):
        replaced += _lay_codebook(data, lines, codebook)
    timetable = _content(overlays.timetable, "timetable")
    if isinstance(timetable, list):
        data["timetable"] = timetable
        _forget(lines, ("timetable",))
        replaced.append("timetable")
    return lambda problems: [_mark(problem, replaced) for problem in problems]


def _lay_codebook(data: dict[str, Any], lines: dict[KeyPath, int], codebook: dict[str, Any]) -> list[str]:
    own = data.get("codebook", {})
    if not isinstance(own, dict):
        return []
    signals = codebook.get("signals", {})
    own_signals = own.get("signals", {})
    if isinstance(signals, dict) and isinstance(own_signals, dict):
        signals = {**own_signals, **signals}
    data["codebook"] = {**own, **codebook, "signals": signals}
    replaced = [f"codebook.{key}" for key in codebook if key != "signals"]
    for name in codebook.get("signals", {}) if isinstance(codebook.get("signals"), dict) else ():
        _forget(lines, ("codebook", "signals", name))
        replaced.append(f"codebook.signals.{name}")
    return replaced


def _content(overlay: bytes | None, name: str) -> object:
    try:
        return json.loads(overlay)[name] if overlay else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _forget(lines: dict[KeyPath, int], path: KeyPath) -> None:
    for known in [known for known in lines if known[: len(path)] == path]:
        del lines[known]


def _mark(problem: Problem, replaced: list[str]) -> Problem:
    for name in replaced:
        if problem.where == name or problem.where.startswith((f"{name}.", f"{name}[")):
            return replace(problem, vi=f"{problem.vi}{FROM_HUB}", line=None)
    return problem
