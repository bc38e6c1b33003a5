"""What the tests of the hub's spine share: true books of a post, a line that remembers, a clock that is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kengd.hub.ledger.merging import Heard
from kengd.wire.entry import FIRST_PREV, Entry, chain_hash, format_at
from kengd.wire.status import Status

T0 = 1_790_000_000_000
COMMUNE = "cong-lac"
BOOK = "00112233aabbccdd"
KID = "hub-2026"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def said(kind: str, **more: Any) -> dict[str, Any]:
    """What one entry says; its place in the book comes later."""
    blank: dict[str, Any] = dict.fromkeys(
        ("activation", "command_id", "signal", "purpose", "source", "place", "by", "reason", "detail")
    )
    return {**blank, "kind": kind, "clock": "ntp", **more}


def chained(
    lines: Iterable[dict[str, Any]], *, book: str = BOOK, prev: str = FIRST_PREV, first: int = 1
) -> list[Entry]:
    """These lines as a true book."""
    entries = []
    for seq, line in enumerate(lines, first):
        entry = Entry(book=book, seq=seq, at=format_at(T0 + seq * 1000), prev=prev, hash=FIRST_PREV, **line)
        entry = replace(entry, hash=chain_hash(prev, entry))
        entries.append(entry)
        prev = entry.hash
    return entries


def true_book(length: int, *, book: str = BOOK, reason: str = "new") -> list[Entry]:
    """A book of so many entries; the first says how the book began."""
    lines = [said("started", reason=reason)]
    lines += [said("condition_raised", reason="mains_lost", detail={"số": n}) for n in range(2, length + 1)]
    return chained(lines[:length], book=book)


def heard(post: str, entries: Iterable[Entry], at_ms: int = T0) -> list[Heard]:
    """As the line brings them."""
    return [Heard(post, entry, at_ms) for entry in entries]


def status(**more: Any) -> Status:
    """What a healthy post says of itself."""
    usual: dict[str, Any] = {
        "at_ms": T0, "clock": "ntp", "nonce": "ab" * 16, "book": BOOK, "seq": 1, "hash": "0" * 64, "version": "0.1.0",
        "codebook_version": 1, "timetable_version": 1,
    }  # fmt: skip
    return Status(**(usual | more))


def claims_of(jws: bytes) -> dict[str, Any]:
    """The claims of signed bytes."""
    part = jws.split(b".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    return found


class Killed(BaseException):
    """The process is no more; nothing catches this."""


@dataclass
class Clock:
    """The wall clock of a test, unix ms."""

    now_ms: int = T0

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class Mouth:
    """A line to the broker that remembers what it was given. `down`: it takes nothing; `dies`: the power fails at a publish."""

    down: bool = False
    dies: bool = False
    said: list[tuple[str, bytes]] = field(default_factory=list)
    flushes: int = 0

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, flush: bool = True) -> int | None:
        assert not retain, "a command is never retained (R2)"
        if self.dies:
            raise Killed
        if self.down:
            return None
        self.said.append((topic, payload))
        return len(self.said)

    def flush(self) -> None:
        self.flushes += 1

    def taken(self) -> list[tuple[str, bytes]]:
        """What was said since the last look."""
        found, self.said = self.said, []
        return found


def seqs(entries: Sequence[Entry]) -> list[int]:
    """Their places."""
    return [entry.seq for entry in entries]
