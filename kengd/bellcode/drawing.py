"""A score drawn on a terminal: blows and blasts under a ruler of seconds, then what is heard in words. Pure."""

from __future__ import annotations

from itertools import pairwise

from kengd.bellcode.description import LONGEST_BLOW_MS, described, length, total
from kengd.bellcode.heat import closed_spans
from kengd.bellcode.score import Score

BLOW, BLAST = "●", "█"
LEGEND_BLOW = f"{BLOW} một tiếng kẻng"
LEGEND_BLAST = f"{BLAST} còi đang hú"
COLUMNS_PER_INTERVAL = 3
FINEST_COLUMN_MS, WIDEST_COLUMN_MS = 40, 1000
MARGIN = 7
NARROWEST = 40
MOST_ROWS = 60
LABEL_WIDTH = 5
LABEL_STEPS_S = (1, 2, 5, 10, 20, 30, 60)

Spans = list[tuple[int, int]]


def draw(score: Score, *, width: int = 80) -> str:
    """Lines of at most `width` columns (40 at least), without a newline at the end.

    An endless score is drawn for its first part and one row more, at least one whole round of what repeats.
    """
    room = max(width, NARROWEST) - MARGIN
    column_ms = _column_ms(score)
    step_ms = 1000 * next(step for step in LABEL_STEPS_S if step * 1000 >= LABEL_WIDTH * column_ms)
    row_ms = max(room * column_ms // step_ms, 1) * step_ms
    until_ms = score.duration_ms
    if until_ms is None:
        until_ms = -(-(score.lead_ms + max(score.cycle_ms, row_ms // 2)) // row_ms) * row_ms
    spans = list(closed_spans(score, until_ms))
    rows = _rows(spans, until_ms, row_ms, step_ms, column_ms)
    if score.duration_ms is None:
        rows.append(" " * MARGIN + "… cứ thế đến khi dừng")
    legend = LEGEND_BLAST if any(_is_blast(span) for span in spans) else LEGEND_BLOW
    words = [f"  {n}. {line}" for n, line in enumerate(described(score), 1)]
    told = [f"{legend}; số ở trên là giây. Nghe được:", *_wrapped(words, width)]
    if score.duration_ms is not None:
        told.append(f"  {total(score)}")
    return "\n".join([*rows, "", *told])


def _rows(spans: Spans, until_ms: int, row_ms: int, step_ms: int, column_ms: int) -> list[str]:
    """Two lines for each stretch of time in which anything is heard, one for any longer silence."""
    lines: list[str] = []
    silent_ms = 0
    for start_ms in range(0, max(until_ms, 1), row_ms):
        marks = _marks(spans, start_ms, row_ms, column_ms)
        if not marks.strip():
            silent_ms += row_ms
            continue
        if len(lines) > 2 * MOST_ROWS:
            return [*lines, " " * MARGIN + f"⋮ còn tiếp đến giây {length(until_ms)}"]
        if silent_ms:
            lines += ["", " " * MARGIN + f"⋮ im {length(silent_ms)}"]
        silent_ms = 0
        lines += ["", _ruler(start_ms, row_ms, step_ms, column_ms), " " * MARGIN + marks]
    return lines[1:]


def _ruler(start_ms: int, row_ms: int, step_ms: int, column_ms: int) -> str:
    """Seconds above the columns where they begin, as many as can be read."""
    line = ""
    for at_ms in range(0, row_ms, step_ms):
        line = line.ljust(at_ms // column_ms) + str((start_ms + at_ms) // 1000)
    return f"{'giây':<{MARGIN}}{line}"


def _marks(spans: Spans, start_ms: int, row_ms: int, column_ms: int) -> str:
    cells = [" "] * -(-row_ms // column_ms)
    for on_ms, off_ms in spans:
        blast = _is_blast((on_ms, off_ms))
        end_ms = max(off_ms - 1, on_ms) if blast else on_ms
        if end_ms < start_ms or on_ms >= start_ms + row_ms:
            continue
        first = (max(on_ms, start_ms) - start_ms) // column_ms
        last = (min(end_ms, start_ms + row_ms - 1) - start_ms) // column_ms
        cells[first : last + 1] = [BLAST if blast else BLOW] * (last + 1 - first)
    return "".join(cells).rstrip()


def _column_ms(score: Score) -> int:
    """A width of column in which each stroke stands apart from the next and an even roll looks even."""
    spans = list(closed_spans(score, score.lead_ms + 2 * score.cycle_ms))
    apart = [
        b[0] - a[1] if _is_blast(a) else max((b[0] - a[0]) // COLUMNS_PER_INTERVAL, FINEST_COLUMN_MS)
        for a, b in pairwise(spans)
    ]
    blasts = [off - on for on, off in spans if _is_blast((on, off))]
    return max(min([*apart, *blasts, WIDEST_COLUMN_MS]), FINEST_COLUMN_MS)


def _is_blast(span: tuple[int, int]) -> bool:
    return span[1] - span[0] > LONGEST_BLOW_MS


def _wrapped(lines: list[str], width: int) -> list[str]:
    """Long lines broken at spaces, continued with an indent."""
    out = []
    for line in lines:
        rest = line
        while len(rest) > max(width, NARROWEST):
            cut = rest.rfind(" ", 8, max(width, NARROWEST))
            if cut < 0:
                break
            out.append(rest[:cut])
            rest = " " * 5 + rest[cut + 1 :]
        out.append(rest)
    return out
