"""What a command can ask for (`cmd` of DESIGN section 7): typed, bounded, nothing more and nothing less. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kengd.duty.words import Purpose
from kengd.wire.reasons import Reason

LONGEST_TEXT = 200
LATEST_S = 253_402_300_799
"""9999-12-31T23:59:59Z: later unix seconds are a mistake."""
LARGEST_NUMBER = 2**53 - 1


class Unfit(Exception):
    """A well-signed message whose content is refused."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring a signal; `at`: unix s, None = now."""

    signal: str
    purpose: Purpose
    by: str
    why: str | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop the sound; `activation` None = whatever began at or before `iat` (P13)."""

    by: str
    activation: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """An officer has taken charge of this activation."""

    activation: str
    by: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Hold back routine rings until this moment (unix s); 0 ends it."""

    until: int
    by: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class LockInput:
    """Lock or unlock a button."""

    button: str
    locked: bool
    by: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class NewCodebook:
    """A codebook with its version."""

    version: int
    codebook: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewTimetable:
    """A timetable with its version."""

    version: int
    timetable: list[Any]


@dataclass(frozen=True, slots=True)
class Replay:
    """Send the entries of this book after `after_seq` again."""

    book: str
    after_seq: int


Order = Ring | Hush | Taken | Silence | LockInput | NewCodebook | NewTimetable | Replay

SETTLED: tuple[type, ...] = (NewCodebook, NewTimetable)
"""Orders whose payload may have 32 KiB instead of 4 KiB."""

# What would break a line of the book or turn its direction: control characters, line separators, bidi overrides.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ID = re.compile(r"[A-Za-z0-9_.~-]{1,64}")
_SIGNAL = re.compile(r"[a-z0-9_-]{1,40}")

Check = Callable[[Any], bool]


def is_whole(value: Any, low: int, high: int) -> bool:
    """True for an int within bounds; a boolean is not a number."""
    return type(value) is int and low <= value <= high


def is_text(value: Any) -> bool:
    """True for `by` and `why`: 1–200 characters, not only spaces, no control characters (refused, never cleaned)."""
    return (
        isinstance(value, str)
        and len(value) <= LONGEST_TEXT
        and not value.isspace()
        and value != ""
        and _UNPRINTABLE.search(value) is None
    )


def is_id(value: Any) -> bool:
    """True for what an order can name: 1–64 URL-safe characters."""
    """True for a name that orders, entries and statuses carry (a `jti`, an activation, a book): 1–64 URL-safe characters."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _is_moment(value: Any) -> bool:
    return is_whole(value, 0, LATEST_S)


def _is_count(value: Any) -> bool:
    return is_whole(value, 0, LARGEST_NUMBER)


@dataclass(frozen=True, slots=True)
class _Form:
    """The fields of one `do`: name → check. Optional fields may be left out or null."""

    make: Callable[..., Order]
    required: Mapping[str, Check]
    optional: Mapping[str, Check]


_FORMS: Mapping[str, _Form] = {
    "ring": _Form(
        Ring,
        {
            "signal": lambda value: isinstance(value, str),
            "purpose": lambda value: value in tuple(Purpose),
            "by": is_text,
        },
        {"why": is_text, "at": _is_moment},
    ),
    "hush": _Form(Hush, {"by": is_text}, {"activation": is_id, "why": is_text}),
    "taken": _Form(Taken, {"activation": is_id, "by": is_text}, {}),
    "silence": _Form(Silence, {"until": _is_moment, "by": is_text}, {"why": is_text}),
    "lock_input": _Form(
        LockInput,
        {"button": is_text, "locked": lambda value: isinstance(value, bool), "by": is_text},
        {"why": is_text},
    ),
    "codebook": _Form(NewCodebook, {"version": _is_count, "codebook": lambda value: isinstance(value, dict)}, {}),
    "timetable": _Form(NewTimetable, {"version": _is_count, "timetable": lambda value: isinstance(value, list)}, {}),
    "replay": _Form(Replay, {"book": is_id, "after_seq": _is_count}, {}),
}


def read_order(cmd: Any) -> Order:
    """The typed order. Raises Unfit `malformed`, `unknown_do`, `unknown_field` or `unknown_signal`."""
    do = cmd.get("do") if isinstance(cmd, dict) else None
    if not isinstance(do, str):
        raise Unfit("malformed")
    form = _FORMS.get(do)
    if form is None:
        raise Unfit("unknown_do")
    fields = {name: value for name, value in cmd.items() if name != "do"}
    if not fields.keys() <= form.required.keys() | form.optional.keys():
        raise Unfit("unknown_field")
    for name, check in form.required.items():
        if name not in fields or not check(fields[name]):
            raise Unfit("malformed")
    for name, check in form.optional.items():
        if fields.get(name) is not None and not check(fields[name]):
            raise Unfit("malformed")
    if do == "ring":
        if _SIGNAL.fullmatch(fields["signal"]) is None:
            raise Unfit("unknown_signal")
        fields["purpose"] = Purpose(fields["purpose"])
    return form.make(**fields)


def do_of(order: Order) -> str:
    """The verb of an order, as the wire writes it."""
    return next(do for do, form in _FORMS.items() if isinstance(order, form.make))  # type: ignore[arg-type]


def is_command_id(value: Any) -> bool:
    """True for a `jti`: 8–64 URL-safe characters."""
    return is_id(value) and len(value) >= 8
