"""The words that every room shares (DESIGN section 3): triggers, orders, drafts of entries. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol


class Purpose(StrEnum):
    """Why a signal is asked for: for real (thật), as a drill (diễn tập), or as a silent test (kiểm tra không kêu)."""

    ACTUAL = "actual"
    DRILL = "drill"
    TEST = "test"


class Source(StrEnum):
    """Where a trigger or a hush came from."""

    BUTTON = "button"
    TIMETABLE = "timetable"
    HUB = "hub"
    PAGE = "page"
    SHELL = "shell"
    NEIGHBOUR = "neighbour"


ClockTrust = Literal["ntp", "rtc", "untrusted"]


class EntryKind(StrEnum):
    """Kinds of journal entries (DESIGN section 7)."""

    STARTED = "started"
    STOPPED = "stopped"
    RECEIVED = "received"
    REFUSED = "refused"
    RINGING = "ringing"
    FINISHED = "finished"
    CUT = "cut"
    FAILED = "failed"
    MISSED = "missed"
    TESTED = "tested"
    CONDITION_RAISED = "condition_raised"
    CONDITION_CLEARED = "condition_cleared"
    CLOCK_STEPPED = "clock_stepped"
    SETTINGS_CHANGED = "settings_changed"


@dataclass(frozen=True, slots=True)
class Instant:
    """Now, by two clocks: `mono_ms` CLOCK_MONOTONIC (all processes of one boot share it), `wall_ms` unix ms UTC (may jump)."""

    mono_ms: int
    wall_ms: int


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something asked for a signal, now (or at `start_ms`).

    `id`: 16 hex made at the edge; becomes the activation's id if this trigger begins one.
    `key`: jti of a command or "timetable:LINE:DATE"; a key is accepted at most once (P5, P6).
    `at_ms`, `deadline_ms` (refuse `expired` after it), `start_ms` (waiting start): CLOCK_MONOTONIC ms. `said_ms`: of a command, by
    when it had been made, as a hush's `as_of_ms`; it may have lain about on its way since.
    """

    id: str
    signal: str
    purpose: Purpose
    source: Source
    at_ms: int
    place: str | None = None
    by: str | None = None
    why: str | None = None
    key: str | None = None
    command_id: str | None = None
    deadline_ms: int | None = None
    start_ms: int | None = None
    said_ms: int | None = None


@dataclass(frozen=True, slots=True)
class HushOrder:
    """Stop the sound now. `activation` None = whatever began at or before `as_of_ms` (CLOCK_MONOTONIC ms; P13)."""

    source: Source
    as_of_ms: int
    activation: str | None = None
    place: str | None = None
    by: str | None = None
    why: str | None = None
    key: str | None = None
    command_id: str | None = None
    deadline_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A journal entry before it has a time, a place in the chain and a hash (the office gives those)."""

    kind: EntryKind
    activation: str | None = None
    command_id: str | None = None
    signal: str | None = None
    purpose: Purpose | None = None
    source: Source | None = None
    place: str | None = None
    by: str | None = None
    reason: str | None = None
    detail: dict[str, object] | None = None


class Origin(Protocol):
    """Who asked for what: a trigger, or a cause of what sounds."""

    @property
    def command_id(self) -> str | None: ...
    @property
    def signal(self) -> str: ...
    @property
    def source(self) -> Source: ...
    @property
    def place(self) -> str | None: ...
    @property
    def by(self) -> str | None: ...


def draft_of(
    kind: EntryKind,
    origin: Origin,
    purpose: Purpose,
    *,
    activation: str | None = None,
    reason: str | None = None,
    detail: dict[str, object] | None = None,
) -> Draft:
    """An entry about something that was asked for; an empty detail is none."""
    who = (origin.command_id, origin.signal, purpose, origin.source, origin.place, origin.by)
    return Draft(kind, activation, *who, reason, detail or None)


@dataclass(frozen=True, slots=True)
class Stamped:
    """A draft with its moment. `n` counts the spool's records within one spool; `boot` is the kernel's boot id."""

    n: int
    boot: str
    mono_ms: int
    wall_ms: int
    clock: ClockTrust
    draft: Draft
