"""Nonces: how a post without a trusted clock knows that a command was made just now (DESIGN section 7). Pure."""

from __future__ import annotations

from dataclasses import dataclass

RENEW_MS = 10 * 60 * 1000
OVERLAP_MS = 60 * 1000
NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Nonces:
    """The nonce in the status and the one before it. `issued_ms`, `previous_issued_ms`: CLOCK_MONOTONIC ms.

    Randomness is given: 16 fresh bytes at each start and at each renewal. A start forgets the old nonces.
    """

    current: str
    issued_ms: int
    previous: str | None = None
    previous_issued_ms: int = 0

    @classmethod
    def start(cls, random16: bytes, mono_ms: int) -> Nonces:
        """The first nonce of this run. Raises ValueError when not given 16 bytes."""
        return cls(_text(random16), mono_ms)

    def due(self, mono_ms: int) -> bool:
        """True when the nonce has to be renewed (every 10 minutes)."""
        return mono_ms >= self.issued_ms + RENEW_MS

    def renew(self, random16: bytes, mono_ms: int) -> Nonces:
        """A new nonce; the one before stays valid for 60 s."""
        return Nonces(_text(random16), mono_ms, self.current, self.issued_ms)

    def issued_mono_ms(self, nonce: str, mono_ms: int) -> int | None:
        """When this nonce was issued, or None when it is not valid now.

        A nonce that nobody renewed (the office stood still) ends 10 minutes and 60 s after it was issued all the same.
        """
        if nonce == self.current and mono_ms < self.issued_ms + RENEW_MS + OVERLAP_MS:
            return self.issued_ms
        if nonce == self.previous and mono_ms < min(self.issued_ms, self.previous_issued_ms + RENEW_MS) + OVERLAP_MS:
            return self.previous_issued_ms
        return None

    def valid(self, nonce: str, mono_ms: int) -> bool:
        """True for the current nonce, and for the one before within its 60 s."""
        return self.issued_mono_ms(nonce, mono_ms) is not None


def _text(random16: bytes) -> str:
    if len(random16) != NONCE_BYTES:
        raise ValueError(f"a nonce is {NONCE_BYTES} bytes")
    return random16.hex()
