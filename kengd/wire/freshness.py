"""Nonces: how a post without a trusted clock knows that a command was made just now (DESIGN section 7). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

RENEW_MS = 10 * 60 * 1000
OVERLAP_MS = 60 * 1000
NONCE_BYTES = 16
MOST_EARLIER = 320
"""About as many as there can be within the 60 s: a bulletin that has nothing but new entries comes five times a second."""


class Earlier(NamedTuple):
    """A nonce that another one has followed at `replaced_ms`."""

    nonce: str
    issued_ms: int
    replaced_ms: int


@dataclass(frozen=True, slots=True)
class Nonces:
    """The nonce in the status and those before it that are still good. All `_ms`: CLOCK_MONOTONIC.

    Randomness is given: 16 fresh bytes at each start and at each renewal. A start forgets the old nonces. When a nonce was issued is
    when a command with it was ordered at the earliest: so it is renewed, too, with what the hub is told while something sounds.
    """

    current: str
    issued_ms: int
    earlier: tuple[Earlier, ...] = ()

    @classmethod
    def start(cls, random16: bytes, mono_ms: int) -> Nonces:
        """The first nonce of this run. Raises ValueError when not given 16 bytes."""
        return cls(_text(random16), mono_ms)

    def due(self, mono_ms: int) -> bool:
        """True when the nonce has to be renewed (every 10 minutes)."""
        return mono_ms >= self.issued_ms + RENEW_MS

    def renew(self, random16: bytes, mono_ms: int) -> Nonces:
        """A new nonce; each one before stays valid for 60 s."""
        good = tuple(one for one in self.earlier if mono_ms < one.replaced_ms + OVERLAP_MS)
        return Nonces(_text(random16), mono_ms, (*good, Earlier(self.current, self.issued_ms, mono_ms))[-MOST_EARLIER:])

    def issued_mono_ms(self, nonce: str, mono_ms: int) -> int | None:
        """When this nonce was issued, or None when it is not valid now.

        A nonce that nobody renewed (the office stood still) ends 10 minutes and 60 s after it was issued all the same.
        """
        if nonce == self.current and mono_ms < self.issued_ms + RENEW_MS + OVERLAP_MS:
            return self.issued_ms
        for one in self.earlier:
            if nonce == one.nonce and mono_ms < min(one.replaced_ms, one.issued_ms + RENEW_MS) + OVERLAP_MS:
                return one.issued_ms
        return None

    def valid(self, nonce: str, mono_ms: int) -> bool:
        """True for the current nonce, and for those before within their 60 s."""
        return self.issued_mono_ms(nonce, mono_ms) is not None


def _text(random16: bytes) -> str:
    if len(random16) != NONCE_BYTES:
        raise ValueError(f"a nonce is {NONCE_BYTES} bytes")
    return random16.hex()
