"""What is handed to the book in one go, and what it hands back. Plain data, no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kengd.duty.ledger import StoredMark
from kengd.duty.words import Stamped


@dataclass(frozen=True, slots=True)
class SeenCommand:
    """A command that was accepted or refused after its signature held.

    `sha256`: 32 bytes over the raw bytes (other bytes under the same jti are `jti_reused`). `until_s`: unix s, the later of
    `exp` and 7 days. `first_reply`: seq of its first entry; the book fills it in from the first draft whose `command_id`
    is the jti. Writing a jti again updates `until_s` (never shortens it) and `repeats`, nothing else.
    """

    jti: str
    sha256: bytes
    until_s: int
    repeats: int = 0
    first_reply: int | None = None


@dataclass(frozen=True, slots=True)
class KeptMark:
    """What became of one timetable line on one local date ("YYYY-MM-DD"); (line, date) is unique, the last mark wins."""

    line: str
    date: str
    state: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """All of it is written in one transaction, or none. A value None removes its key.

    Spool records (n ≥ 1) of one boot must come in rising n; a draft with n ≤ 0 does not come from the spool and is always
    written.
    """

    drafts: Sequence[Stamped] = ()
    seen: Sequence[SeenCommand] = ()
    ledger: Sequence[StoredMark] = ()
    values: Mapping[str, str | None] = field(default_factory=dict)


class Head(NamedTuple):
    """The newest entry of a book: what the status topic shows. seq 0 and 64 zeros before the first."""

    book: str
    seq: int
    hash: str
