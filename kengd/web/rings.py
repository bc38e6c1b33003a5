"""What the book says for the page: the last rings and how they ended, the last silent test, what a keeper heard. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from kengd.wire.entry import parse_at

ENDS: Final = ("finished", "cut", "failed")
WOULD_RING: Final = ("ring", "interrupt", "join", "wait")
"""What a silent test says it would have done with the real one; anything else is the reason of a refusal."""


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring, or one that was missed or refused (`end`). `end` None: it still sounds, or nobody wrote how it ended.

    `ended_by`: who hushed. `joined`: how many more asked for it meanwhile. Times: unix ms.
    """

    at_ms: int
    signal: str
    purpose: str
    source: str
    activation: str | None = None
    place: str | None = None
    by: str | None = None
    why: str | None = None
    end: str | None = None
    reason: str | None = None
    ended_ms: int | None = None
    ended_by: str | None = None
    joined: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """A silent test. `would`: as the entry says."""

    at_ms: int
    by: str | None
    would: str

    @property
    def good(self) -> bool:
        """The real one would have rung."""
        return self.would in WOULD_RING


@dataclass(frozen=True, slots=True)
class Told:
    """Newest first. `heard`: activation → what a keeper said of it; `taken`: activation → the officer in charge."""

    rings: tuple[Ring, ...] = ()
    trial: Trial | None = None
    heard: dict[str, bool] | None = None
    taken: dict[str, str] | None = None

    def ring(self, activation: str) -> Ring | None:
        """The one with this id."""
        return next((ring for ring in self.rings if ring.activation == activation), None)


def told(entries: Iterable[str]) -> Told:
    """From entries as JSON texts, oldest first."""
    rings: list[Ring] = []
    trial: Trial | None = None
    heard: dict[str, bool] = {}
    taken: dict[str, str] = {}
    for text in entries:
        entry = json.loads(text)
        kind, detail = entry["kind"], entry["detail"] or {}
        if kind == "ringing":
            _begin(rings, entry, detail)
        elif kind in ENDS:
            _end(rings, entry, detail)
        elif kind in ("missed", "refused") and entry["signal"] is not None:
            rings.append(replace(_ring(entry, detail), end=kind, reason=entry["reason"]))
        elif kind == "tested" and isinstance(detail.get("heard"), bool):
            heard[str(detail.get("ring"))] = detail["heard"]
        elif kind == "tested":
            trial = Trial(parse_at(entry["at"]), entry["by"], str(detail.get("would")))
        elif kind == "received" and detail.get("do") == "taken":
            taken[str(entry["activation"])] = str(entry["by"])
    return Told(tuple(reversed(rings)), trial, heard, taken)


def _ring(entry: dict[str, Any], detail: dict[str, Any]) -> Ring:
    why = detail.get("why")
    return Ring(
        parse_at(entry["at"]), entry["signal"] or "", entry["purpose"] or "actual", entry["source"] or "", entry["activation"],
        entry["place"], entry["by"], why if isinstance(why, str) and entry["kind"] != "refused" else None,
    )  # fmt: skip


def _begin(rings: list[Ring], entry: dict[str, Any], detail: dict[str, Any]) -> None:
    for n, ring in enumerate(rings):
        if ring.activation == entry["activation"]:  # a second cause, or the same after a restart
            rings[n] = replace(ring, joined=ring.joined + bool(detail.get("joined")), end=None, ended_ms=None)
            return
    rings.append(_ring(entry, detail))


def _end(rings: list[Ring], entry: dict[str, Any], detail: dict[str, Any]) -> None:
    """Joined causes end one by one: the last of them says how it ended."""
    hushed_by = detail.get("hushed_by")
    who = (hushed_by.get("by") or hushed_by.get("place")) if isinstance(hushed_by, dict) else None
    for n, ring in enumerate(rings):
        if ring.activation == entry["activation"]:
            rings[n] = replace(
                ring, end=entry["kind"], reason=entry["reason"], ended_ms=parse_at(entry["at"]), ended_by=who
            )
