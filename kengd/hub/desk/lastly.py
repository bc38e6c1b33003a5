"""The last ring of each post, followed from entry to entry: nobody looks through the whole book for each page."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any, Final

from kengd.hub.ledger import desk_facts
from kengd.hub.ledger.store import Transaction

LOOK_BACK: Final = 200_000
"""Entries that are looked through the first time."""
OVERLAP: Final = 2_000
"""Another worker's transaction may end after one with higher numbers: so many are looked at again."""


class LastRings:
    """Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n: int | None = None
        self._found: dict[str, dict[str, Any]] = {}

    def now(self, connection: Transaction) -> Mapping[str, Mapping[str, Any]]:
        """Post → its last ring: signal, purpose, source, place, by, `why` (what somebody gave as the reason), activation, at_ms,
        heard_ms, and `outcome` with `reason` where it has ended."""
        with self._lock:
            newest = desk_facts.newest_n(connection)
            if self._n != newest:
                after = newest - LOOK_BACK if self._n is None else self._n - OVERLAP
                for row in desk_facts.rings_after(connection, max(0, after)):
                    self._take(row)
                self._n = newest
            return {post: dict(ring) for post, ring in self._found.items()}

    def _take(self, row: Mapping[str, Any]) -> None:
        known = self._found.get(row["post"])
        if row["kind"] == "ringing":
            if known is None or (known["activation"] != row["activation"] and row["n"] > known["n"]):
                kept = {key: value for key, value in row.items() if key not in ("post", "kind", "reason", "detail")}
                self._found[row["post"]] = {**kept, "why": _why(row["detail"]), "outcome": None, "reason": None}
        elif known is not None and known["activation"] == row["activation"]:
            known["outcome"], known["reason"] = row["kind"], row["reason"]


def _why(detail: str | None) -> str:
    given = json.loads(detail).get("why") if detail else None
    return given if isinstance(given, str) else ""
