"""How long a score holds the relay closed: for the duty meter and for the check of a bell's duty window. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kengd.bellcode.score import Edge, Score


def on_ms_between(score: Score, from_ms: int, to_ms: int) -> int:
    """For how many ms within [from_ms, to_ms] of the score the relay is closed; 0 for an empty or turned-round span."""
    from_ms = max(from_ms, 0)
    return _on_until(score, to_ms) - _on_until(score, from_ms) if to_ms > from_ms else 0


def closed_spans(score: Score, until_ms: int) -> Iterator[tuple[int, int]]:
    """Each (on_ms, off_ms) that begins before `until_ms`, ended there at the latest."""
    on_ms: int | None = None
    for at_ms, on in score.edges(until_ms):
        if on:
            on_ms = at_ms
        elif on_ms is not None:
            yield on_ms, at_ms
            on_ms = None
    if on_ms is not None and on_ms < until_ms:
        yield on_ms, until_ms


def most_on_ms(score: Score, window_ms: int, until_ms: int) -> int:
    """The longest time that the relay is closed within any window of `window_ms`, from the start until `until_ms`.

    The fullest window can be moved to end at an off edge, so only those are looked at.
    """
    spans = list(closed_spans(score, until_ms))
    most = held = first = 0
    for on_ms, off_ms in spans:
        held += off_ms - on_ms
        start = off_ms - window_ms
        while spans[first][1] <= start:
            held -= spans[first][1] - spans[first][0]
            first += 1
        cut = max(0, start - spans[first][0])
        most = max(most, held - cut)
    return most


def _on_until(score: Score, at_ms: int) -> int:
    """Closed time within [0, at_ms], in one pass over the score however often its cycle came round."""
    if score.cycle_ms and not score.cycle:  # an endless blast
        return _closed(score.lead, at_ms) + max(0, at_ms - score.lead_ms)
    held = _closed(score.lead, at_ms)
    if not score.cycle or at_ms <= score.lead_ms:
        return held
    rounds, rest_ms = divmod(at_ms - score.lead_ms, score.cycle_ms)
    return held + rounds * _closed(score.cycle, score.cycle_ms) + _closed(score.cycle, rest_ms)


def _closed(edges: tuple[Edge, ...], at_ms: int) -> int:
    held, since = 0, None
    for edge_ms, on in edges:
        if edge_ms >= at_ms:
            break
        if on:
            since = edge_ms
        elif since is not None:
            held += edge_ms - since
            since = None
    # an on edge that no off edge follows is the endless blast's, counted by the caller
    return held + at_ms - since if since is not None and edges[-1].at_ms >= at_ms else held
