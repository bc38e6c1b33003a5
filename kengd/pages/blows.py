"""A score as the pages draw and sound it: spans in which the relay is closed, a lead and a cycle (bell.js). Pure."""

from __future__ import annotations

from typing import Any

from kengd.bellcode.heat import closed_spans
from kengd.bellcode.score import Score

WHOLE_MS = 600_000
"""Of a score that comes to an end."""


def score_data(score: Score) -> dict[str, Any]:
    """`lead`: [on, off] in ms from the start; `cycle`: the same from the start of each of its rounds, which repeat without end."""
    if not score.cycle_ms:
        return {"lead": _spans(score, score.lead_ms), "lead_ms": score.lead_ms, "cycle": [], "cycle_ms": 0}
    once = Score(score.lead, score.lead_ms)
    again = Score(score.cycle, score.cycle_ms)
    if score.lead and score.lead[-1].on and not score.cycle:  # a blast until it is stopped
        return {"lead": [[score.lead[-1].at_ms, WHOLE_MS]], "lead_ms": WHOLE_MS, "cycle": [], "cycle_ms": 0}
    return {
        "lead": _spans(once, score.lead_ms), "lead_ms": score.lead_ms, "cycle": _spans(again, score.cycle_ms),
        "cycle_ms": score.cycle_ms,
    }  # fmt: skip


def _spans(score: Score, until_ms: int) -> list[list[int]]:
    return [[on_ms, off_ms] for on_ms, off_ms in closed_spans(score, until_ms)]
