"""A journal entry on the wire and its place in the hash chain (DESIGN section 7). Pure.

Canonical form: `json.dumps(entry without hash, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`;
hash = SHA-256 over `prev` as 64 lower-case ASCII characters followed by the UTF-8 of the canonical form.
The text is laid out by hand because a burst writes thousands of entries a second; the tests hold it equal to the formula.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple

FIRST_PREV: Final = "0" * 64
LATEST_MS: Final = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z

_HEX64 = re.compile(r"[0-9a-f]{64}")
_AT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})Z", re.ASCII)
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the duty book. Identity is (post, book, seq). `at`: UTC, "YYYY-MM-DDTHH:MM:SS.mmmZ".

    `prev` and `hash`: 64 lower-case hex. `detail`: plain JSON data (what `json.loads` gives), or None.
    """

    book: str
    seq: int
    at: str
    kind: str
    activation: str | None
    command_id: str | None
    signal: str | None
    purpose: str | None
    source: str | None
    place: str | None
    by: str | None
    reason: str | None
    clock: str
    detail: dict[str, Any] | None
    prev: str
    hash: str


KEYS: Final = tuple(field.name for field in fields(Entry))
_TEXT_KEYS = frozenset(KEYS) - {"seq", "detail"}
_REQUIRED_TEXT = frozenset({"book", "at", "kind", "clock", "prev", "hash"})


class Facts(NamedTuple):
    """What an entry says, without its book, its links and its hash: the columns of one stored row, in their order.

    `at_ms`: unix ms UTC, 0…LATEST_MS. `detail`: canonical JSON text of the detail, or None.
    """

    seq: int
    at_ms: int
    kind: str
    activation: str | None
    command_id: str | None
    signal: str | None
    purpose: str | None
    source: str | None
    place: str | None
    by: str | None
    reason: str | None
    clock: str
    detail: str | None


@lru_cache(maxsize=256)
def _second(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def format_at(wall_ms: int) -> str:
    """Unix ms UTC as "YYYY-MM-DDTHH:MM:SS.mmmZ". Raises ValueError outside the years 1970…9999."""
    if not 0 <= wall_ms <= LATEST_MS:
        raise ValueError(f"{wall_ms} ms is outside 1970…9999")
    return f"{_second(wall_ms // 1000)}.{wall_ms % 1000:03d}Z"


def parse_at(at: str) -> int:
    """Unix ms of a time that `format_at` wrote. Raises ValueError on anything else."""
    match = _AT.fullmatch(at)
    if match is None:
        raise ValueError(f"{at!r} is not a time of the form YYYY-MM-DDTHH:MM:SS.mmmZ")
    whole = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    wall_ms = int(whole.timestamp()) * 1000 + int(match[2])
    if wall_ms < 0:
        raise ValueError(f"{at!r} is before 1970")
    return wall_ms


def detail_json(detail: Mapping[str, Any] | None) -> str | None:
    """The canonical text of a detail. Raises TypeError or ValueError on what JSON cannot say (NaN, infinity, objects)."""
    return None if detail is None else _encode(detail)


def _text(value: str | None) -> str:
    return "null" if value is None else encode_basestring(value)


def _canonical(facts: Facts, book: str, at: str, prev: str, own_hash: str) -> str:
    """The canonical form; `own_hash` is "" or the ready text `"hash":"…",`, which sorts after `detail`."""
    (seq, _, kind, activation, command_id, signal, purpose, source, place, by, reason, clock, detail) = facts
    return (
        f'{{"activation":{_text(activation)},"at":"{at}","book":{_text(book)},"by":{_text(by)},'
        f'"clock":{_text(clock)},"command_id":{_text(command_id)},"detail":{"null" if detail is None else detail},'
        f'{own_hash}"kind":{_text(kind)},"place":{_text(place)},"prev":"{prev}","purpose":{_text(purpose)},'
        f'"reason":{_text(reason)},"seq":{seq},"signal":{_text(signal)},"source":{_text(source)}}}'
    )


def facts_hash(prev: str, book: str, facts: Facts) -> str:
    """The chain hash of a stored row, without building an Entry.

    Raises ValueError (also UnicodeEncodeError) or TypeError when the row holds what no entry can hold.
    """
    return sha256((prev + _canonical(facts, book, format_at(facts.at_ms), prev, "")).encode()).hexdigest()


def facts_of(entry: Entry) -> Facts:
    """An entry's row. Raises ValueError on a malformed `at`."""
    return Facts(
        entry.seq, parse_at(entry.at), entry.kind, entry.activation, entry.command_id, entry.signal, entry.purpose,
        entry.source, entry.place, entry.by, entry.reason, entry.clock, detail_json(entry.detail),
    )  # fmt: skip


def entry_of(facts: Facts, book: str, prev: str, own_hash: str) -> Entry:
    """The entry that a row says. Raises ValueError when its detail is not JSON or its time is out of range."""
    detail = None if facts.detail is None else json.loads(facts.detail)
    return Entry(book, facts.seq, format_at(facts.at_ms), *facts[2:12], detail, prev, own_hash)


def chain_hash(prev_hex: str, entry_without_hash: Entry | Mapping[str, Any]) -> str:
    """The hash of an entry whose predecessor's hash is `prev_hex`; a `hash` that is already there is left out.

    Raises ValueError or TypeError on what JSON cannot say.
    """
    if isinstance(entry_without_hash, Entry):
        entry = entry_without_hash
        text = _canonical(facts_of(entry), entry.book, entry.at, entry.prev, "")
    else:
        text = _encode({key: value for key, value in entry_without_hash.items() if key != "hash"})
    return sha256((prev_hex + text).encode()).hexdigest()


def to_json(entry: Entry) -> str:
    """The entry as it goes over the wire and into exports: all keys, sorted, compact, UTF-8 text."""
    return _canonical(facts_of(entry), entry.book, entry.at, entry.prev, f'"hash":"{entry.hash}",')


def from_json(text: str | bytes) -> Entry:
    """The entry of one JSON object. Raises ValueError unless exactly the keys of section 7 are there with their types."""
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except RecursionError as deep:
        raise ValueError("nested too deeply") from deep
    if not isinstance(data, dict) or data.keys() != set(KEYS):
        raise ValueError("not an entry: it needs exactly the keys " + ", ".join(KEYS))
    for key in _TEXT_KEYS:
        value = data[key]
        if not isinstance(value, str) and (value is not None or key in _REQUIRED_TEXT):
            raise ValueError(f"{key} must be text")
    if type(data["seq"]) is not int or data["seq"] < 1:
        raise ValueError("seq must be a whole number from 1")
    if data["detail"] is not None and not isinstance(data["detail"], dict):
        raise ValueError("detail must be an object or null")
    if not (_HEX64.fullmatch(data["prev"]) and _HEX64.fullmatch(data["hash"])):
        raise ValueError("prev and hash must be 64 lower-case hex characters")
    parse_at(data["at"])
    return Entry(**data)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def verify_chain(entries: Iterable[Entry], start_prev: str = FIRST_PREV, start_seq: int | None = None) -> int | None:
    """The first wrong seq, or None when every link holds.

    `start_prev`: hash of the entry before the first. `start_seq`: seq of the first; 1 is demanded when `start_prev` is 64
    zeros, else None takes it as it comes. A missing entry is reported by the seq that should have been there.
    """
    prev, expected, book = start_prev, 1 if start_prev == FIRST_PREV else start_seq, None
    for entry in entries:
        expected = entry.seq if expected is None else expected
        book = entry.book if book is None else book
        try:
            good = (entry.seq, entry.prev, entry.book) == (expected, prev, book) and entry.hash == chain_hash(
                prev, entry
            )
        except (ValueError, TypeError):
            good = False
        if not good:
            return expected
        prev, expected = entry.hash, expected + 1
    return None
