"""Protocols between rooms that may not import each other. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class PostView(Protocol):
    """What the page of a post may see and ask; the office hands it to `web`. Safe from any thread.

    Dicts are plain JSON data. `status` has the shape of the wire's status (DESIGN section 7) plus `post`, `commune`, `name`,
    `villages`, `line_up`. Calls that ask the belfry wait at most 2 s and raise KengdError `office_down` or `no_answer`.
    """

    @property
    def simulated(self) -> bool:
        """True with simulated pins: only then `/sim/*` exists (P12)."""

    @property
    def token_sha256(self) -> str | None:
        """SHA-256 (hex) of the bearer token that may ring and hush from the page; None = nobody may."""

    def ready(self) -> bool:
        """Relay and buttons are armed, the belfry answers, the book is open."""

    def status(self) -> Mapping[str, Any]:
        """As above."""

    def signals(self) -> Sequence[Mapping[str, Any]]:
        """The codebook as laid out for this bell: id, kind, name_vi, duration_ms or None."""

    def timetable(self) -> Sequence[Mapping[str, Any]]:
        """The lines: id, at, days, signal, grace_s, next (ISO local) or None."""

    def entries(self, after_seq: int, limit: int) -> Sequence[str]:
        """Journal entries as JSON texts, oldest first."""

    def tail(self, n: int) -> Sequence[str]:
        """The newest `n` entries as JSON texts, oldest first."""

    def counters(self) -> Mapping[str, float]:
        """Figures for /metrics: name → value."""

    def ring(self, signal: str, purpose: str, by: str, why: str | None) -> Mapping[str, Any]:
        """Ask the belfry: {"verdict", "reason", "activation"}."""

    def hush(self, activation: str | None, by: str, why: str | None) -> Mapping[str, Any]:
        """Ask the belfry: {"verdict", "reason", "activation"}."""

    def press(self, button: str, hold_ms: int) -> bool:
        """Simulated pins only: press a button; False = no such button. Returns at the press."""

    def edges(self, after: int) -> Sequence[tuple[int, int, int]]:
        """Simulated pins only: (n, monotonic ns, on) with n > after."""
