"""The status of a post: one retained message, built by the post, read by the hub (DESIGN section 7). Pure.

Moments in it (`at`, `sounding.since`, `silenced_until`) are UTC as "YYYY-MM-DDTHH:MM:SS.mmmZ", as in entries.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from kengd.duty.health import Condition, Severity
from kengd.duty.standing import Sounding
from kengd.duty.words import ClockTrust, Purpose, Source
from kengd.wire.entry import format_at, parse_at
from kengd.wire.orders import LARGEST_NUMBER, LONGEST_TEXT, is_id

VERSION = 1
LATEST = 99
"""A higher number is no version that anybody will have written."""
LONGEST_SENTENCE = 1_000
"""Of a condition, in characters: one that is longer is cut, not refused (it may quote a system's own words)."""
ABSENT = b'{"v":1,"presence":"absent"}'
"""The Last Will, and what an orderly stop publishes itself."""


class OtherVersion(ValueError):
    """A status of a version that this program does not read. `present`: what every version says of itself."""

    def __init__(self, version: int, present: bool) -> None:
        super().__init__(f"status of version {version}, this program reads {VERSION}")
        self.version, self.present = version, present


@dataclass(frozen=True, slots=True)
class Status:
    """What a present post says about itself. `at_ms`, `silenced_until_s`: unix ms and s; 0 = not silenced."""

    at_ms: int
    clock: ClockTrust
    nonce: str
    book: str
    seq: int
    hash: str
    version: str
    codebook_version: int
    timetable_version: int
    sounding: Sounding | None = None
    conditions: tuple[Condition, ...] = ()
    silenced_until_s: int = 0


def build_status(status: Status) -> bytes:
    """The JSON of a present post, all keys of section 7 present. Raises ValueError for moments before 1970."""
    sounding = status.sounding
    return json.dumps(
        {
            "v": VERSION,
            "presence": "present",
            "at": format_at(status.at_ms),
            "clock": status.clock,
            "nonce": status.nonce,
            "sounding": None if sounding is None else _sounding(sounding),
            "conditions": [_condition(condition) for condition in status.conditions],
            "book": status.book,
            "seq": status.seq,
            "hash": status.hash,
            "silenced_until": format_at(status.silenced_until_s * 1000) if status.silenced_until_s else None,
            "codebook_version": status.codebook_version,
            "timetable_version": status.timetable_version,
            "version": status.version,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def parse_status(raw: bytes) -> Status | Literal["absent"]:
    """What a post says about itself; "absent" from its Last Will. Unknown keys are let be (a newer post).

    Raises OtherVersion on a status of another version, ValueError on anything that is none (R49).
    """
    try:
        data = json.loads(raw.decode("utf-8"))
        if (version := _number(data["v"])) != VERSION:
            if 1 <= version <= LATEST and data["presence"] in ("present", "absent"):
                raise OtherVersion(version, data["presence"] == "present")
            raise ValueError("not a status of any version")
        if data["presence"] == "absent":
            return "absent"
        if data["presence"] != "present":
            raise ValueError("neither present nor absent")
        return _status(data)
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as broken:
        raise ValueError(f"not a status: {broken!r}") from broken


def _sounding(sounding: Sounding) -> dict[str, object]:
    return {
        "activation": sounding.activation,
        "signal": sounding.signal,
        "purpose": sounding.purpose.value,
        "since": format_at(sounding.since_wall_ms),
        "source": sounding.source.value,
        "proved": sounding.proved,
    }


def _condition(condition: Condition) -> dict[str, str]:
    return {"code": condition.code, "severity": condition.severity, "vi": condition.vi, "en": condition.en}


def _status(data: dict[str, Any]) -> Status:
    until, sounding = data["silenced_until"], data["sounding"]
    return Status(
        at_ms=parse_at(data["at"]),
        clock=cast(ClockTrust, _one_of(data["clock"], ("ntp", "rtc", "untrusted"))),
        nonce=_text(data["nonce"]),
        book=_text(data["book"]),
        seq=_number(data["seq"]),
        hash=_text(data["hash"]),
        version=_text(data["version"]),
        codebook_version=_number(data["codebook_version"]),
        timetable_version=_number(data["timetable_version"]),
        sounding=None if sounding is None else _read_sounding(sounding),
        conditions=_read_conditions(data["conditions"]),
        silenced_until_s=0 if until is None else parse_at(until) // 1000,
    )


def _read_sounding(data: dict[str, Any]) -> Sounding:
    return Sounding(
        activation=_name(data["activation"]),
        signal=_text(data["signal"]),
        purpose=Purpose(data["purpose"]),
        source=Source(data["source"]),
        since_wall_ms=parse_at(data["since"]),
        proved=cast("bool | None", _one_of(data["proved"], (True, False, None))),
    )


def _read_conditions(data: Sequence[dict[str, Any]]) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            code=_text(item["code"]),
            severity=cast(Severity, _one_of(item["severity"], ("critical", "major", "minor"))),
            vi=_sentence(item["vi"]),
            en=_sentence(item["en"]),
        )
        for item in data
    )


def _one_of(value: object, allowed: tuple[object, ...]) -> object:
    if not any(value is item or (isinstance(value, str) and value == item) for item in allowed):
        raise ValueError(f"{value!r} is none of {allowed}")
    return value


def _name(value: object) -> str:
    if not is_id(value):
        raise ValueError("no name that a post gives")
    return str(value)


def _sentence(value: object) -> str:
    return _text(value, len(value) if isinstance(value, str) else 0)[:LONGEST_SENTENCE]


def _text(value: object, longest: int = LONGEST_TEXT) -> str:
    """One that every database, index and page can hold: short, no NUL, no half characters."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    if len(value) > longest:
        raise ValueError("a text without end")
    if "\0" in value:
        raise ValueError("a text with a NUL")
    value.encode()
    return value


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError("not a whole number")
    if abs(value) > LARGEST_NUMBER:
        raise ValueError("a number beyond all bounds")
    return value
