"""A post on paper: implements `kengd.ports.PostView` with a book that is a list, for tests of its pages without a bell."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kengd import clock
from kengd.bellcode.codebooks import builtin
from kengd.bellcode.layout import lay_out
from kengd.bellcode.profile import StrikerProfile
from kengd.duty.health import condition
from kengd.duty.lines import parse_line
from kengd.duty.outlook import Hindrances, coming
from kengd.errors import KengdError
from kengd.plain import to_plain
from kengd.ports import Face, SignalFace, SoundingFace
from kengd.wire.entry import format_at
from kengd.wire.pin import pin_hash, write_pins

THAI: Final = "Ông Thái"
HOA: Final = "Bà Hoà"
PIN_OF: Final = {THAI: "204865", HOA: "591730"}
PINS: Final = write_pins({name: pin_hash(pin, bytes(16)) for name, pin in PIN_OF.items()})
_MARGIN: Final = {"place": None, "by": None, "reason": None, "activation": None, "source": None, "purpose": None}


class PaperPost:
    """Change `sounding`, `conditions`, …, and say `turn()`: pages are told."""

    def __init__(self, *, simulated: bool = True, pins: str | None = PINS, post: str = "thon-1") -> None:
        self.simulated, self._pins, self._post = simulated, pins, post
        self.bell = "striker"
        self.token_sha256: str | None = None
        self.tls_port: int | None = None
        self.ca: str | None = None
        self.values: dict[str, str] = {}
        self.book: list[dict[str, Any]] = []
        self.asked: list[tuple[Any, ...]] = []
        self.keys: set[str] = set()
        self.ailing: dict[str, tuple[str, str]] = {}
        self.sounding: tuple[str, str, str, str, int] | None = None
        self.silent = False
        self.refuses: str | None = None
        self.trust, self.line_up, self.silenced_until_ms = "ntp", True, 0
        self.taken, self.in_line = False, True
        self._codebook = codebook()
        self._n = 0
        self._lock = threading.Lock()

    # ---- what a test does to it

    def turn(self) -> None:
        """Something has changed."""
        self._n += 1

    def write(self, kind: str, *, at_ms: int | None = None, signal: str | None = "alarm", **more: Any) -> None:
        """An entry of the book."""
        at_ms = clock.now().wall_ms if at_ms is None else at_ms
        self.book.append({**_MARGIN, "kind": kind, "signal": signal, "at": format_at(at_ms), "detail": None, **more})
        self.turn()

    def rings(self, signal: str = "alarm", purpose: str = "actual", activation: str = "a" * 16, **more: Any) -> None:
        """It sounds, and the book says so."""
        told = {"source": "button", **more}
        self.sounding = (activation, signal, purpose, told["source"], clock.now().wall_ms)
        self.write("ringing", signal=signal, purpose=purpose, activation=activation, **told)

    def rests(self, reason: str = "hushed", by: str | None = None) -> None:
        """It sounds no more."""
        assert self.sounding is not None
        activation, signal, purpose, _, _ = self.sounding
        self.sounding = None
        detail = {"hushed_by": {"by": by}} if by else None
        self.write("cut", signal=signal, purpose=purpose, activation=activation, reason=reason, detail=detail)

    # ---- PostView

    def ready(self) -> bool:
        return True

    def status(self) -> Mapping[str, Any]:
        ills = [to_plain(condition(code, None, *notes)) for code, notes in self.ailing.items()]
        return {"post": self._post, "name": "Kẻng thôn 1, nhà văn hóa", "conditions": ills}

    def signals(self) -> Sequence[Mapping[str, Any]]:
        return [{"id": one.id} for one in self._codebook]

    def timetable(self) -> Sequence[Mapping[str, Any]]:
        return []

    def entries(self, after_seq: int, limit: int) -> Sequence[str]:
        return [json.dumps(one) for one in self.book[after_seq : after_seq + limit]]

    def tail(self, n: int) -> Sequence[str]:
        return [json.dumps(one) for one in self.book[-n:]]

    def counters(self) -> Mapping[str, float]:
        return {}

    def ring(self, signal: str, purpose: str, by: str, why: str | None, key: str | None = None) -> Mapping[str, Any]:
        if self.silent:
            raise KengdError("no_answer", "tháp kẻng không trả lời", cure="thử lại", en="no answer")
        with self._lock:
            if key is not None and key in self.keys:
                return {"verdict": "refuse", "reason": "duplicate", "activation": None}
            self.keys |= {key} if key else set()
        self.asked.append(("ring", signal, purpose, by, why))
        if self.refuses is not None:
            return {"verdict": "refuse", "reason": self.refuses, "activation": None}
        if purpose == "test":
            self.write("tested", signal=signal, purpose="test", by=by, source="page", detail={"would": "ring"})
            return {"verdict": "test", "reason": None, "activation": None}
        if self.sounding is not None:
            return {"verdict": "join", "reason": None, "activation": self.sounding[0]}
        self.rings(signal, purpose, by=by, source="page")
        return {"verdict": "ring", "reason": None, "activation": "a" * 16}

    def hush(self, activation: str | None, by: str, why: str | None) -> Mapping[str, Any]:
        self.asked.append(("hush", activation, by, why))
        ended = None if self.sounding is None else self.sounding[0]
        if ended is not None:
            self.rests(by=by)
        return {"verdict": "hush", "reason": None, "activation": ended}

    def press(self, button: str, hold_ms: int) -> bool:
        self.asked.append(("press", button, hold_ms))
        return button in ("alarm", "hush")

    def edges(self, after: int) -> Sequence[tuple[int, int, int]]:
        return []

    def pulse(self) -> str:
        return f"{self._n}|{len(self.book)}|{sorted(self.ailing)}|{self.sounding}"

    def face(self) -> Face:
        now = clock.now()
        local = clock.local(now.wall_ms)
        silenced = clock.local(self.silenced_until_ms) if self.silenced_until_ms > now.wall_ms else None
        known = Hindrances("untrusted" if self.trust == "untrusted" else "ntp", silenced)
        police = "taken" if self.taken else "reached" if self.sounding else "line_up" if self.line_up else "line_down"
        return Face(
            now.wall_ms, known.trust, self._sounding(), "ringing" if self.sounding else "ready", police,
            tuple(coming([parse_line("22:00", "daily", "curfew", 300, ())], local, known)),
            self.silenced_until_ms if silenced else None, self.in_line, self.line_up,
        )  # fmt: skip

    def _sounding(self) -> SoundingFace | None:
        if self.sounding is None:
            return None
        activation, signal, purpose, source, since_ms = self.sounding
        score = next(one.score for one in self._codebook if one.id == signal)
        return SoundingFace(activation, signal, purpose, source, since_ms, None, score)

    def codebook(self) -> Sequence[SignalFace]:
        return self._codebook

    def pins_text(self) -> str | None:
        return self._pins

    def ca_text(self) -> str | None:
        return self.ca

    def ail(self, code: str, wrong: bool, note_vi: str = "", note_en: str = "") -> None:
        if wrong:
            self.ailing[code] = (note_vi, note_en)
        else:
            self.ailing.pop(code, None)

    def remember(self, key: str, value: str | None) -> None:
        self.values.pop(key, None)
        if value is not None:
            self.values[key] = value

    def recall(self, prefix: str) -> Mapping[str, str]:
        return {key: value for key, value in self.values.items() if key.startswith(prefix)}

    def heard(self, by: str, heard: bool, ring: Mapping[str, Any]) -> None:
        self.asked.append(("heard", by, heard, dict(ring)))
        self.write("tested", by=by, source="page", detail={"heard": heard, "ring": ring["activation"]})


def codebook() -> list[SignalFace]:
    """Cộng Lạc's, on a striker."""
    return [
        SignalFace(
            one.id, one.kind.value, one.name_vi, one.name_en, one.meaning_vi, one.notation,
            lay_out(one.pattern, StrikerProfile(), limit_ms=300_000),
        )
        for one in builtin("cong_lac").signals.values()
    ]  # fmt: skip


def last_night_ms() -> int:
    """22:00 of the last evening, a few hours ago at most (so that it is asked about)."""
    return int(time.time() * 1000) - 2 * 3_600_000
