"""Whether what the broker brings is said now: our own word, sent when the line is up, comes back behind all that had waited."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

PATIENCE_S: Final = 10.0
"""A broker that does not bring it back (its access list is an old one) must not make every post's word an old one for ever."""


class Echo:
    """A broker delivers to one client in order: what lay there while the line was down comes first, then this, then news.

    `say(word)` publishes it to ourselves. All calls come from the line's thread.
    """

    def __init__(self, say: Callable[[bytes], object]) -> None:
        self._say = say
        self._word: bytes | None = None
        self._until_s: float | None = None

    def line(self, up: bool) -> None:
        """The line came or went; with each connection a new word, an old one may be waiting too."""
        self._word = secrets.token_hex(8).encode() if up else None
        self._until_s = None
        if self._word is not None:
            self._until_s = time.monotonic() + PATIENCE_S
            self._say(self._word)

    def came(self, word: bytes) -> None:
        """It is back; or that of an earlier connection."""
        if word == self._word:
            self._until_s = 0.0

    def waiting(self) -> bool:
        """What comes now may have waited at the broker."""
        return self._until_s is None or time.monotonic() < self._until_s
