"""Protocols between rooms that may not import each other. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kengd.bellcode.score import Score
from kengd.duty.outlook import Coming
from kengd.duty.words import ClockTrust


@dataclass(frozen=True, slots=True)
class SignalFace:
    """A signal of the codebook as this bell plays it. `kind`: `kengd.bellcode.signal.Kind`. "" where an older release left it out."""

    id: str
    kind: str
    name_vi: str
    name_en: str
    meaning_vi: str
    notation: str
    score: Score


@dataclass(frozen=True, slots=True)
class SoundingFace:
    """What sounds now. `since_ms`: unix ms, when it was asked for; `score`: what the relay does from then, None: not known."""

    activation: str
    signal: str
    purpose: str
    source: str
    since_ms: int
    proved: bool | None
    score: Score | None


@dataclass(frozen=True, slots=True)
class Face:
    """The post as its own page shows it, beside `status`. `now_ms`, `silenced_until_ms`: unix ms; `bell_lamp`, `police_lamp`: codes
    of `kengd.duty.lamps`; `coming`: the timetable's next 24 h; `in_line` False: no hub in the settings."""

    now_ms: int
    clock: ClockTrust
    sounding: SoundingFace | None
    bell_lamp: str
    police_lamp: str
    coming: tuple[Coming, ...]
    silenced_until_ms: int | None
    in_line: bool
    line_up: bool


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

    def ring(self, signal: str, purpose: str, by: str, why: str | None, key: str | None = None) -> Mapping[str, Any]:
        """Ask the belfry: {"verdict", "reason", "activation"}. `key`: rings once, however often it is asked for (refused `duplicate`)."""

    def hush(self, activation: str | None, by: str, why: str | None) -> Mapping[str, Any]:
        """Ask the belfry: {"verdict", "reason", "activation"}."""

    def press(self, button: str, hold_ms: int) -> bool:
        """Simulated pins only: press a button; False = no such button. Returns at the press."""

    def edges(self, after: int) -> Sequence[tuple[int, int, int]]:
        """Simulated pins only: (n, monotonic ns, on) with n > after."""

    # ---- the keeper's page

    @property
    def bell(self) -> str:
        """ "striker" or "siren"."""

    @property
    def tls_port(self) -> int | None:
        """Where the same page is served with HTTPS; None: nowhere."""

    def pulse(self) -> str:
        """Another text when something that pages show may have changed. Cheap: asked several times a second."""

    def face(self) -> Face:
        """As above. Reads the book."""

    def codebook(self) -> Sequence[SignalFace]:
        """The signals, in the order in which they are printed."""

    def pins_text(self) -> str | None:
        """The file with the keepers' PINs; None: the settings name none. Raises OSError, ValueError when it cannot be read."""

    def ca_text(self) -> str | None:
        """The commune's CA (PEM); None: there is none, or it cannot be read."""

    def ail(self, code: str, wrong: bool, note_vi: str = "", note_en: str = "") -> None:
        """A condition of the page holds (`wrong`), or holds no more."""

    def remember(self, key: str, value: str | None) -> None:
        """Keep a value over restarts (None: forget it)."""

    def recall(self, prefix: str) -> Mapping[str, str]:
        """Values kept before, by key; none while the book cannot be read."""

    def heard(self, by: str, heard: bool, ring: Mapping[str, Any]) -> None:
        """A keeper says whether the bell was heard at this ring (H2): into the book. `ring`: activation, signal, at_ms."""
