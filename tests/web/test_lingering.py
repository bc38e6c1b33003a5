"""Connections that ask for nothing: closed after ten seconds, whatever they have sent so far; a live line never."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

from kengd.web.lingering import WITHIN_S, Lingering


@dataclass(eq=False)
class Line:
    """As uvicorn has it."""

    cycle: SimpleNamespace | None = None


def answering(*, complete: bool = False, more_body: bool = False) -> SimpleNamespace:
    """A request, and its answer."""
    return SimpleNamespace(response_complete=complete, more_body=more_body)


def test_whoever_asks_for_nothing_is_closed_and_whoever_asks_stays() -> None:
    """Silent from the beginning, answered long ago, half a body that never comes; and a page that listens for hours."""
    silent, done, half, live = (
        Line(),
        Line(answering(complete=True)),
        Line(answering(more_body=True)),
        Line(answering()),
    )
    every = [silent, done, half, live]
    lingering = Lingering()
    assert lingering.over(every, 0.0) == [] and lingering.over(every, WITHIN_S - 0.1) == []
    assert lingering.over(every, WITHIN_S) == [silent, done, half]
    assert lingering.over([live], 100_000.0) == []


def test_a_request_begins_the_time_anew() -> None:
    """A browser that keeps its connection and uses it."""
    line = Line()
    lingering = Lingering()
    assert lingering.over([line], 0.0) == []
    line.cycle = answering()
    assert lingering.over([line], 9.0) == []
    line.cycle = answering(complete=True)
    assert lingering.over([line], 15.0) == [] and lingering.over([line], 15.0 + WITHIN_S) == [line]


def test_a_busy_connection_is_never_taken_for_an_idle_one() -> None:
    """Every look finds it between two requests: each answer begins the time anew, also one that no look has seen under way."""
    line = Line()
    lingering = Lingering()
    for n in range(20):
        line.cycle = answering(complete=True)
        assert lingering.over([line], 2.0 * n) == [], n
    assert lingering.over([line], 38.0 + WITHIN_S) == [line]
