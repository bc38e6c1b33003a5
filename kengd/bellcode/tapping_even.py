"""Lengths that a finger made, evened out and rounded to what people say. Pure. All in integer ms."""

from __future__ import annotations

from typing import Final

ALIKE: Final = 0.3
"""Lengths that differ less than this were meant to be the same."""


def evened(lengths: list[int]) -> list[int]:
    """Lengths that were meant to be the same are their mean."""
    means: list[int] = []
    for ms in lengths:
        alike = [other for other in lengths if near(ms, other, ALIKE)]
        means.append(sum(alike) // len(alike))
    for n, ms in enumerate(means):  # what is alike by way of a third comes out the same too
        means[n] = next((earlier for earlier in means[:n] if near(earlier, ms, ALIKE / 2)), ms)
    return means


def said(ms: int) -> int:
    """As people say a time: tenths below a second, halves to ten, then whole seconds."""
    if ms < 1_000:
        return max(round_to(ms, 100), 100)
    return round_to(ms, 500) if ms < 10_000 else round_to(ms, 1_000)


def near(a: int, b: int, share: float) -> bool:
    """Whether they differ by at most this share of the larger one."""
    return abs(a - b) <= share * max(a, b)


def round_to(ms: int, step: int) -> int:
    """To the nearest `step`."""
    return (ms + step // 2) // step * step
