"""Commands seen before: by their id, never by likeness (R32), kept across restarts in the book (R2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from kengd.journal.batch import SeenCommand
from kengd.uplink.line import Token

KEPT_S = 7 * 86_400
ALWAYS_KEPT = 4096
"""The newest ids are kept whatever the clock says: one that jumps ahead and back must not make an old command new."""
UNKNOWN_DIGEST = bytes(32)
"""Of a command that only the belfry remembers: the office died before it wrote the id down."""


class SeenStore(Protocol):
    """Where seen ids are kept."""

    def seen_commands(self) -> Iterable[SeenCommand]:
        """All that are kept, in any order."""
        ...


@dataclass(slots=True)
class Known:
    """What the desk knows of one command id.

    `answered`: the first reply is on disk; `first_reply` is its seq (None: it had no entry, or the book was broken).
    `tokens`: messages to be acknowledged with the first reply. `claimed`: the draft of the first reply is on its way.
    """

    jti: str
    digest: bytes
    until_s: int
    first_reply: int | None = None
    repeats: int = 0
    answered: bool = False
    claimed: bool = False
    expired_here: bool = False
    tokens: list[Token] = field(default_factory=list)

    def row(self) -> SeenCommand:
        """As the book keeps it; the book fills in `first_reply` from the first entry with this id."""
        return SeenCommand(self.jti, self.digest, self.until_s, self.repeats, self.first_reply)

    def same(self, digest: bytes) -> bool:
        """True for the same bytes; the first bytes after an unknown digest are taken as the same."""
        if self.digest == UNKNOWN_DIGEST:
            self.digest = digest
        return self.digest == digest


class Seen:
    """All known ids, oldest first (after a start: by the time until which they are kept)."""

    def __init__(self, rows: Iterable[SeenCommand]) -> None:
        self._known = {
            row.jti: Known(row.jti, row.sha256, row.until_s, row.first_reply, row.repeats, answered=True, claimed=True)
            for row in sorted(rows, key=lambda row: row.until_s)
        }

    def get(self, jti: str) -> Known | None:
        """What is known of this id."""
        return self._known.get(jti)

    def begin(self, jti: str, digest: bytes, exp_s: int, wall_s: float) -> Known:
        """A new id; kept until the later of `exp` and 7 days from now."""
        known = Known(jti, digest, max(exp_s, int(wall_s) + KEPT_S))
        self._known[jti] = known
        return known

    def prune(self, wall_s: float) -> tuple[str, ...]:
        """Forget what is past its time and not among the newest; returns the ids. (The book does the same when tidied.)"""
        spare = len(self._known) - ALWAYS_KEPT
        old = tuple(
            jti
            for position, (jti, known) in enumerate(self._known.items())
            if position < spare and known.until_s < wall_s and known.answered
        )
        for jti in old:
            del self._known[jti]
        return old
