"""The blows of a score as an inline SVG on a line of seconds: marks for blows, bars for blasts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kengd.bellcode.description import LONGEST_BLOW_MS
from kengd.bellcode.heat import closed_spans
from kengd.bellcode.score import Score
from kengd.hub.reports.markup import Html, join, tag, words

WIDTH: Final = 660
HEIGHT: Final = 60
SHOWN_MS: Final = 36_000
"""What is drawn of a longer score (see `drawn_ms`) is about so long, so that single blows can still be told apart."""

_LEFT, _RIGHT, _BASE, _TOP = 5, 22, 36, 0
_STEPS_S: Final = (1, 2, 5, 10, 20, 30, 60, 120)
_MOST_LABELS: Final = 10


@dataclass(frozen=True, slots=True)
class _Scale:
    until_ms: int

    def x(self, at_ms: int) -> float:
        return round(_LEFT + at_ms * (WIDTH - _LEFT - _RIGHT) / self.until_ms, 1)


def blows_svg(score: Score, *, label: str) -> Html:
    """The drawing; `label`: what a screen reader says of it. Where it goes on, an arrow says so."""
    until_ms = drawn_ms(score)
    scale = _Scale(until_ms)
    ends_ms = score.duration_ms
    marks = [_mark(scale, on_ms, off_ms) for on_ms, off_ms in closed_spans(score, until_ms)]
    line = tag("line", x1=_LEFT, y1=_BASE, x2=WIDTH - _RIGHT, y2=_BASE, stroke="#000", stroke_width=2)
    more = [] if ends_ms is not None and ends_ms <= until_ms else [_arrow()]
    return tag(
        "svg",
        join(line, *marks, *_ruler(scale), *more),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=label,
    )


def drawn_ms(score: Score) -> int:
    """How much of the score is drawn: all of a short one; of an endless one its first part and two rounds of the rest."""
    if score.duration_ms is not None:
        return max(min(score.duration_ms, 2 * SHOWN_MS), 1_000)
    rounds = 2 if score.lead_ms + 2 * score.cycle_ms >= SHOWN_MS // 3 else 4
    return max(min(score.lead_ms + rounds * score.cycle_ms, 4 * SHOWN_MS), 4_000)


def _mark(scale: _Scale, on_ms: int, off_ms: int) -> Html:
    x = scale.x(on_ms)
    if off_ms - on_ms > LONGEST_BLOW_MS:
        width = max(round(scale.x(off_ms) - x, 1), 2.0)
        return tag("rect", x=x, y=_TOP + 8, width=width, height=_BASE - _TOP - 8, fill="#000")
    stem = tag("line", x1=x, y1=_BASE, x2=x, y2=_TOP + 8, stroke="#000", stroke_width=1.5)
    return join(stem, tag("circle", cx=x, cy=_TOP + 6, r=3.2, fill="#000"))


def _ruler(scale: _Scale) -> list[Html]:
    """Seconds under the line, as many as can be read."""
    seconds = scale.until_ms // 1000
    step = next((step for step in _STEPS_S if seconds <= step * _MOST_LABELS), _STEPS_S[-1])
    marks: list[Html] = []
    for at_s in range(0, seconds + 1, step):
        x = scale.x(at_s * 1000)
        marks.append(tag("line", x1=x, y1=_BASE, x2=x, y2=_BASE + 6, stroke="#000", stroke_width=1))
        anchor = "start" if at_s == 0 else "middle"
        marks.append(words("text", f"{at_s}s" if at_s else "0", x=x, y=HEIGHT - 4, font_size=17, text_anchor=anchor))
    return marks


def _arrow() -> Html:
    end = WIDTH - _RIGHT
    return tag("path", d=f"M{end} {_BASE - 7} L{end + 16} {_BASE} L{end} {_BASE + 7} Z", fill="#000")
