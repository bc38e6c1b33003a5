"""Whether a post has come with the file that it was given, and what is still wrong with it. Pure."""

from __future__ import annotations

from typing import Any

from kengd.hub.roster import Seen, clock_vi, why_calm_silent, why_silent


def arrival(seen: Seen, given_ms: int | None, now_ms: int, *, line_up: bool) -> dict[str, Any]:
    """`step`: "line" (our own line is down), "away" (not seen since `given_ms`, unix ms, when the file was made; None: it has none),
    "starting" (seen, something is still wrong), "green". `old`: a unit that was there before is still connected.

    `wrong`: (code or None, vi, en) each; `silent`: with that it rings no alarm.
    """
    found: dict[str, Any] = {
        "step": "line",
        "wrong": [],
        "old": False,
        "silent": False,
        "since_ms": None,
        "given_ms": given_ms,
    }
    if not line_up:
        return found
    here = given_ms is not None and seen.live and seen.is_present(now_ms)
    if not here or given_ms is None or (seen.since_ms or 0) < given_ms:
        return found | {"step": "away", "old": bool(here)}
    wrong: list[tuple[str | None, str, str]] = []
    status = seen.status
    if status is not None:
        wrong += [(item.code, item.vi, item.en) for item in status.conditions]
    known = {vi for _, vi, _ in wrong}
    codes = {code for code, _, _ in wrong}
    calm = None if codes & {"clock_untrusted", "silenced"} else why_calm_silent(seen, now_ms)
    clock = None if "clock_untrusted" in codes else clock_vi(seen)
    silent = why_silent(seen, now_ms)
    for line in dict.fromkeys((silent, clock or calm)):
        if line is not None and line not in known:
            wrong.append((None, line, line))
    step = "starting" if wrong else "green"
    return found | {"step": step, "wrong": wrong, "silent": silent is not None, "since_ms": seen.since_ms}
