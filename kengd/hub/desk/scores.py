"""What each post's bell plays for each signal, read once per version of its codebook: to draw blows live and to choose from."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin
from kengd.bellcode.layout import CannotPlay, lay_out
from kengd.bellcode.signal import Kind, Signal
from kengd.errors import KengdError
from kengd.hub.ledger.store import Ledger
from kengd.hub.roster import Seen
from kengd.hub.sheet import settings_of
from kengd.pages.blows import score_data

ROOM: Final = 1_000


@dataclass(frozen=True, slots=True)
class PostSignals:
    """`scores`: by signal, as bell.js reads them; without those that this bell cannot play."""

    signals: tuple[Signal, ...]
    scores: dict[str, dict[str, Any]]


class Scores:
    """Safe from any thread. A post whose settings cannot be read has the signals that everybody has, and no drawing."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int, int], PostSignals] = OrderedDict()

    def of(self, post: str, enrolled_ms: int, seen: Seen) -> PostSignals:
        """Of this post, as it said last that it is."""
        key = (post, enrolled_ms, seen.status.codebook_version if seen.status is not None else 0)
        with self._lock:
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known
        found = self._read(post)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > ROOM:
                self._kept.popitem(last=False)
        return found

    def _read(self, post: str) -> PostSignals:
        try:
            with self._ledger.read() as connection:
                loaded = settings_of(connection, post)
        except KengdError:
            return PostSignals(_everybodys(), {})
        scores = {}
        for signal in loaded.codebook.signals.values():
            try:
                score = lay_out(signal.pattern, loaded.profile, limit_ms=loaded.limits.hard_limit_ms)
            except CannotPlay:
                continue
            scores[signal.id] = score_data(score)
        return PostSignals(tuple(loaded.codebook.signals.values()), scores)


def _everybodys() -> tuple[Signal, ...]:
    """Those of the shipped codebooks."""
    return tuple({id: signal for name in BUILTIN_NAMES for id, signal in builtin(name).signals.items()}.values())


def all_signals(found: Iterable[PostSignals]) -> list[Signal]:
    """Each id once, the most urgent kinds first."""
    by_id: dict[str, Signal] = {}
    for one in found:
        for signal in one.signals:
            by_id.setdefault(signal.id, signal)
    kinds = list(Kind)
    return sorted(by_id.values(), key=lambda signal: kinds.index(signal.kind))
