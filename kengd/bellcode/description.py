"""A score told in words: what is heard, in order. For the terminal, the page and the printed sheet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from kengd.bellcode.heat import closed_spans
from kengd.bellcode.notation_writer import write_time
from kengd.bellcode.score import Edge, Score

LONGEST_BLOW_MS = 500  # longer is heard as a blast, not as a blow
PAUSE = 1.5  # an interval half as long again as its neighbour parts two groups


@dataclass(frozen=True, slots=True)
class Heard:
    """Strokes that belong together, as (on_ms, off_ms), and the silence after them (None: nothing follows)."""

    spans: tuple[tuple[int, int], ...]
    rest_ms: int | None

    @property
    def words(self) -> str:
        """What is heard, without the silence after it."""
        blasts = {off - on for on, off in self.spans}
        intervals = [later[0] - earlier[0] for earlier, later in pairwise(self.spans)]
        if max(blasts) > LONGEST_BLOW_MS:
            return f"hú {write_time(max(blasts))}"
        if not intervals:
            return "1 tiếng"
        count, first, last = len(self.spans), write_time(intervals[0]), write_time(intervals[-1])
        if min(intervals) == max(intervals):
            return f"{count} tiếng, cách nhau {first}"
        lasting = length(self.spans[-1][1] - self.spans[0][0])
        if all(later <= earlier for earlier, later in pairwise(intervals)):
            return f"{count} tiếng trong {lasting}, nhanh dần: lúc đầu cách nhau {first}, lúc cuối {last}"
        return f"{count} tiếng trong {lasting}, cách nhau {write_time(min(intervals))} đến {write_time(max(intervals))}"


def described(score: Score) -> list[str]:
    """One line for each thing heard; the endless part last, with what is repeated."""
    lead = _groups(_spans(score.lead), score.lead_ms if score.cycle_ms else None)
    lines = _lines(lead)
    if not score.cycle_ms:
        return lines
    if not score.cycle:
        return [*lines, "hú đến khi dừng"]
    groups = _groups(_spans(score.cycle), score.cycle_ms)
    every_ms = _steady(score)
    if every_ms:
        return [*lines, f"đánh đều cách nhau {write_time(every_ms)} đến khi dừng"]
    body = "; ".join(_lines(groups))
    return [*lines, f"lặp lại đến khi dừng: {body} (mỗi vòng {write_time(score.cycle_ms)})"]


def total(score: Score) -> str:
    """How many strokes and how long in all; how long the endless part goes on is nobody's to say."""
    if score.duration_ms is None:
        return "kéo dài đến khi dừng"
    strokes = sum(1 for edge in score.lead if edge.on)
    return f"tất cả {strokes} tiếng, {length(score.duration_ms)}"


def length(ms: int) -> str:
    """A time for people, to a tenth of a second: "1 phút 5,8 giây"."""
    tenths = (ms + 50) // 100
    minutes, tenths = divmod(tenths, 600)
    seconds = f"{tenths // 10},{tenths % 10}".removesuffix(",0") + " giây"
    if not minutes:
        return seconds
    return f"{minutes} phút {seconds}" if tenths else f"{minutes} phút"


def _spans(edges: tuple[Edge, ...]) -> list[tuple[int, int]]:
    until_ms = edges[-1].at_ms if edges else 0
    return list(closed_spans(Score(edges, until_ms), until_ms))


def _groups(spans: list[tuple[int, int]], until_ms: int | None) -> list[Heard]:
    """Strokes parted where the pause is clearly longer than the pauses beside it; each blast stands alone."""
    if not spans:
        return []
    cuts = [n + 1 for n in range(len(spans) - 1) if _parts(spans, n)]
    pieces = [spans[start:end] for start, end in pairwise([0, *cuts, len(spans)])]
    rests = [after[0][0] - before[-1][1] for before, after in pairwise(pieces)]
    last = None if until_ms is None else until_ms - spans[-1][1]
    return [Heard(tuple(piece), rest) for piece, rest in zip(pieces, [*rests, last], strict=True)]


def _parts(spans: list[tuple[int, int]], n: int) -> bool:
    """Whether the pause behind stroke n parts two groups."""
    if max(off - on for on, off in spans[n : n + 2]) > LONGEST_BLOW_MS:
        return True
    interval = spans[n + 1][0] - spans[n][0]
    beside = [spans[k + 1][0] - spans[k][0] for k in (n - 1, n + 1) if 0 <= k < len(spans) - 1]
    return bool(beside) and interval > PAUSE * min(beside)


def _lines(groups: list[Heard]) -> list[str]:
    """Groups in words; the same thing several times running, with the same silence between, is said once."""
    lines, n = [], 0
    while n < len(groups):
        first, last = groups[n], n
        while (
            last + 1 < len(groups) and groups[last].rest_ms == first.rest_ms and groups[last + 1].words == first.words
        ):
            last += 1
        count, after = last - n + 1, groups[last].rest_ms
        words = first.words
        if count > 1:
            words = f"{count} lần ({words}), giữa hai lần nghỉ {write_time(first.rest_ms or 0)}"
        lines.append(f"{words}; nghỉ {write_time(after)}" if after else words)
        n = last + 1
    return lines


def _steady(score: Score) -> int | None:
    """The one interval of an endless part that is an even roll without pauses, else None."""
    starts = [at for at, on in score.cycle if on]
    if any(off - on > LONGEST_BLOW_MS for on, off in _spans(score.cycle)):
        return None
    intervals = {later - earlier for earlier, later in pairwise([*starts, starts[0] + score.cycle_ms])}
    return intervals.pop() if len(intervals) == 1 and len(starts) > 1 else None
