"""Which codes can be taken for one another, and what a codebook lacks (H12, H16, H18). Pure."""

from __future__ import annotations

from itertools import pairwise

from kengd.bellcode.heat import closed_spans
from kengd.bellcode.layout import CannotPlay, lay_out
from kengd.bellcode.profile import Profile
from kengd.bellcode.score import Score
from kengd.bellcode.signal import Codebook, Kind

LISTENED_MS = 8_000
COUNT_ALIKE = 0.6  # fewer than six strokes where the other has ten: told apart
LOUD_ALIKE = 0.6
LENGTH_ALIKE = 1.5  # a pause or a blast half as long again: told apart
SHARE_ALIKE = 0.7  # seven in ten lengths alike: the same rhythm to a sleepy ear
CALM = (Kind.ALL_CLEAR, Kind.CURFEW, Kind.ROUTINE)


def too_alike(alarm_score: Score, calm_score: Score) -> bool:
    """Whether the first 8 s of an alarm and of a calm code can be mixed up (H18).

    They can when strokes are about as many, sound about as long in all, and follow in much the same rhythm. Silence
    before the first stroke is not heard as part of the code.
    """
    alarm, calm = _heard(alarm_score), _heard(calm_score)
    if _ratio(len(alarm), len(calm)) < COUNT_ALIKE:
        return False
    if _ratio(sum(off - on for on, off in alarm), sum(off - on for on, off in calm)) < LOUD_ALIKE:
        return False
    return _same(_intervals(alarm), _intervals(calm)) and _same(_blasts(alarm), _blasts(calm))


def lint(codebook: Codebook, profile: Profile, *, limit_ms: int = 300_000) -> list[str]:
    """Vietnamese warnings about a codebook on this bell: no evacuation code, no all-clear, codes that are too alike.

    Signals that this bell cannot play are left out here: reading the settings refuses them by themselves.
    """
    warnings = []
    signals = codebook.signals
    if not any(signal.kind is Kind.ALARM and signal.id != "alarm" for signal in signals.values()):
        warnings.append(
            "chưa có hiệu lệnh sơ tán riêng (evacuation): lũ lụt và trộm cắp cùng một hiệu lệnh thì dễ làm sai; "
            "bản nội quy phải ghi rõ cách báo cho dân biết là việc gì"
        )
    if not any(signal.kind is Kind.ALL_CLEAR for signal in signals.values()):
        warnings.append("chưa có hiệu lệnh hết báo động (all_clear): báo động xong người dân không biết để về")
    scores = {}
    for signal in signals.values():
        try:
            scores[signal.id] = lay_out(signal.pattern, profile, limit_ms=limit_ms)
        except CannotPlay:
            continue
    for alarm_id, alarm in scores.items():
        if signals[alarm_id].kind is not Kind.ALARM:
            continue
        for calm_id, calm in scores.items():
            if signals[calm_id].kind in CALM and too_alike(alarm, calm):
                names = f"“{signals[calm_id].name_vi}” ({calm_id})", f"“{signals[alarm_id].name_vi}” ({alarm_id})"
                warnings.append(f"8 giây đầu của {names[0]} giống {names[1]}: người nghe dễ tưởng là báo động")
    return warnings


def _heard(score: Score) -> list[tuple[int, int]]:
    first = score.edge(0)
    if first is None:
        return []
    start = first.at_ms
    return [(on - start, off - start) for on, off in closed_spans(score, start + LISTENED_MS)]


def _intervals(spans: list[tuple[int, int]]) -> list[int]:
    """From one stroke to the next."""
    return [later[0] - earlier[0] for earlier, later in pairwise(spans)]


def _blasts(spans: list[tuple[int, int]]) -> list[int]:
    return [off - on for on, off in spans]


def _same(some: list[int], others: list[int]) -> bool:
    """Whether most lengths, in order, are about the same; true when there is nothing to compare."""
    pairs = list(zip(some, others, strict=False))
    alike = sum(1 for a, b in pairs if max(a, b) <= LENGTH_ALIKE * min(a, b))
    return alike >= SHARE_ALIKE * len(pairs)


def _ratio(a: int, b: int) -> float:
    return min(a, b) / max(a, b) if a and b else 0.0
