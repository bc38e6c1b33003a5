"""A pattern laid out for one bell: relay edges in integer ms, or the reason why this bell cannot play it. Pure.

How time runs in a score:
- Within strokes and rounds the tempo is the time from one blow to the next, computed once and added up in whole ms.
- A rest, and the gap between rounds, is silence: from the last off edge to the next on edge, exactly as written.
- ";" adds nothing: without a rest the next blow comes when the tempo before it would have struck again.
- A lasting round has as many blows as end within its time; a round that quickens reaches its last speed at its end.
- A finite pattern ends at its last edge; within an endless repeat the rest is always played.
"""

from __future__ import annotations

import math

from kengd.bellcode.heat import most_on_ms, on_ms_between
from kengd.bellcode.notation_writer import write_part, write_time
from kengd.bellcode.pattern import (
    Blast,
    CountedRounds,
    Every,
    LastingRounds,
    Pace,
    Part,
    Pattern,
    Quickening,
    Repeat,
    Rest,
    Strokes,
    Tempo,
    is_endless,
    sounds,
)
from kengd.bellcode.profile import Profile, SirenProfile
from kengd.bellcode.score import Edge, Score
from kengd.errors import UsageError

__all__ = ["CannotPlay", "lay_out", "on_ms_between", "slow_roll", "stroke_on_ms"]

ENDLESS_BLAST_CYCLE_MS = 1000
SLOWEST_ROLL_EVERY_MS = 5000
BEYOND_ANY_LIMIT_MS = 10**12


class CannotPlay(UsageError):
    """This bell cannot play this pattern; `vi` says why. Nothing is ever clipped instead."""

    def __init__(self, vi: str, cure: str = "") -> None:
        super().__init__("cannot_play", vi, cure=cure, en="this bell cannot play this pattern")


def lay_out(pattern: Pattern, profile: Profile, *, limit_ms: int) -> Score:
    """The score of a pattern on this bell. Raises `CannotPlay`.

    `limit_ms` is the longest that any activation may last: all that is written must be heard at least once within it,
    and a fresh bell must bear it to the end of it.
    """
    if not any(sounds(part) for part in pattern.parts):
        raise CannotPlay("cách đánh chỉ có nghỉ, không có tiếng nào")
    _check_order(pattern.parts)
    desk = _Desk(profile, limit_ms)
    for part in pattern.parts:
        desk.play(part)
    score = desk.score()
    _check_duty(score, profile, limit_ms)
    return score


def slow_roll(profile: Profile) -> Score:
    """What a spent bell plays when an alarm must go on (P3): single shortest strokes, without end.

    The pace is one that the bell bears for ever (its duty share), not faster than its steady tempo, and never slower
    than one stroke in 5 s.
    """
    on_ms = stroke_on_ms(profile, shortest=True)
    strokes = max(profile.duty_on_ms // on_ms, 1)  # that fit in one duty window
    bearable_ms = -(-profile.duty_window_ms // strokes)
    every_ms = min(max(bearable_ms, profile.steady_every_ms), SLOWEST_ROLL_EVERY_MS)
    every_ms = max(every_ms, on_ms + profile.shortest_gap_ms)
    return Score((), 0, (Edge(0, True), Edge(on_ms, False)), every_ms)


def stroke_on_ms(profile: Profile, *, shortest: bool = False) -> int:
    """How long the relay is closed for one stroke: the hammer's hold, or one blast (the shortest on request)."""
    if isinstance(profile, SirenProfile):
        return profile.shortest_blast_ms if shortest else profile.blast_ms
    return profile.hold_ms


def quickening_intervals(from_ms: int, to_ms: int, count: int) -> list[int]:
    """`count` times from blow to blow, each the same share shorter than the one before: `from_ms` … `to_ms`."""
    if count == 1:
        return [from_ms]
    ratio = to_ms / from_ms
    return [round(from_ms * ratio ** (k / (count - 1))) for k in range(count)]


class _Desk:
    """Where a score is written, from left to right."""

    def __init__(self, profile: Profile, limit_ms: int) -> None:
        self.profile = profile
        self.limit_ms = limit_ms
        self.edges: list[Edge] = []
        self.end_ms = 0  # the last edge
        self.next_ms = 0  # where the tempo would strike next, without a rest
        self.rest_ms: int | None = None
        self.cycle_from: int | None = None  # index of the first edge of the endless part
        self.cycle_ms = 0

    def score(self) -> Score:
        if self.cycle_from is None:
            return Score(tuple(self.edges), self.end_ms)
        lead, cycle = self.edges[: self.cycle_from], self.edges[self.cycle_from :]
        start = cycle[0].at_ms
        if len(cycle) == 1:  # an endless blast
            return Score((*lead, cycle[0]), start, (), self.cycle_ms)
        return Score(tuple(lead), start, tuple(Edge(at - start, on) for at, on in cycle), self.cycle_ms)

    def play(self, part: Part) -> None:
        match part:
            case Rest(rest_ms):
                self.rest_ms = (self.rest_ms or 0) + rest_ms
            case Strokes(count, pace):
                self._strokes(self._intervals(pace, count, part), part)
            case CountedRounds(count, strokes, pace, gap_ms):
                self._rounds(count, self._intervals(pace, strokes, part), gap_ms, part)
            case LastingRounds(count, length, pace, gap_ms):
                self._rounds(count, self._intervals_within(length, pace, part), gap_ms, part)
            case Blast(for_ms):
                self._blast(for_ms, part)
            case Repeat(body, None):
                self._endless(body)
            case Repeat(body, int(times)):
                for _ in range(times):
                    for inner in body:
                        self.play(inner)

    def _rounds(self, count: int, intervals: list[int], gap_ms: int | None, part: Part) -> None:
        for n in range(count):
            if n and gap_ms:
                self.rest_ms = gap_ms
            self._strokes(intervals, part)

    def _strokes(self, intervals: list[int], part: Part) -> None:
        """One blow for each interval; the last interval is the one to the blow of the next part."""
        on_ms = stroke_on_ms(self.profile)
        at_ms = self._onset(part)
        for interval in intervals:
            self._close(at_ms, at_ms + on_ms, part)
            at_ms += interval
        self.next_ms = at_ms

    def _blast(self, for_ms: int | None, part: Part) -> None:
        profile = self.profile
        said = write_part(part)
        if not isinstance(profile, SirenProfile):
            raise CannotPlay(f"“{said}”: kẻng không hú được, chỉ còi mới hú", "dùng “… tiếng” hoặc “… hồi”")
        longest, shortest = write_time(profile.longest_continuous_ms), write_time(profile.shortest_blast_ms)
        if (self.limit_ms if for_ms is None else for_ms) > profile.longest_continuous_ms:
            raise CannotPlay(
                f"“{said}”: còi này chỉ được hú liền nhiều nhất {longest}", "chia ra, nghỉ giữa các lần hú"
            )
        at_ms = self._onset(part)
        if for_ms is None:
            self.cycle_from, self.cycle_ms = len(self.edges), ENDLESS_BLAST_CYCLE_MS
            self.edges.append(Edge(at_ms, True))
            self.end_ms = at_ms
            return
        if for_ms < profile.shortest_blast_ms:
            raise CannotPlay(f"“{said}”: còi này hú ngắn nhất là {shortest}")
        self._close(at_ms, at_ms + for_ms, part)
        self.next_ms = self.end_ms

    def _endless(self, body: tuple[Part, ...]) -> None:
        """The body once, and once more on a scrap of paper to see when its first blow comes round again."""
        first = len(self.edges)
        for part in body:
            self.play(part)
        if self.cycle_from is not None:  # an endless blast at the end of the body
            return
        again = _Desk(self.profile, BEYOND_ANY_LIMIT_MS)
        again.edges = self.edges[-1:]
        again.end_ms, again.next_ms, again.rest_ms = self.end_ms, self.next_ms, self.rest_ms
        for part in body:
            again.play(part)
            if len(again.edges) > 1:
                break
        self.cycle_from, self.cycle_ms = first, again.edges[1].at_ms - self.edges[first].at_ms

    # ---- where the next blow comes

    def _onset(self, part: Part) -> int:
        if not self.edges:
            at_ms, self.rest_ms = self.rest_ms or 0, None
            return at_ms
        at_ms = self.next_ms if self.rest_ms is None else self.end_ms + self.rest_ms
        self.rest_ms = None
        gap_ms, shortest_ms = at_ms - self.end_ms, self.profile.shortest_gap_ms
        if gap_ms < shortest_ms:
            said, shortest = write_part(part), write_time(shortest_ms)
            vi = f"trước “{said}” chỉ nghỉ {gap_ms} ms, {self._name} này cần nghỉ ít nhất {shortest}"
            raise CannotPlay(vi, f"thêm “nghỉ {shortest}” hoặc dài hơn")
        return at_ms

    def _close(self, on_ms: int, off_ms: int, part: Part) -> None:
        if off_ms > self.limit_ms:
            limit = write_time(self.limit_ms)
            vi = f"“{write_part(part)}” còn chưa hết thì đã quá {limit}, là lúc mọi lần đánh phải dừng"
            raise CannotPlay(vi, "rút ngắn cách đánh để nghe được trọn vẹn, hoặc tăng giới hạn của điểm")
        self.edges += (Edge(on_ms, True), Edge(off_ms, False))
        self.end_ms = off_ms

    # ---- tempo

    @property
    def _name(self) -> str:
        return "còi" if isinstance(self.profile, SirenProfile) else "kẻng"

    def _ends(self, pace: Pace, part: Part) -> tuple[int, int]:
        """The first and the last time from blow to blow, checked against what the bell can do."""
        profile = self.profile
        match pace:
            case Every(every_ms):
                ends = every_ms, every_ms
            case Quickening(from_ms, to_ms):
                ends = from_ms, to_ms
            case Tempo.QUICKENING:
                ends = profile.quickening_from_ms, profile.quickening_to_ms
            case Tempo.SLOW:
                ends = profile.slow_every_ms, profile.slow_every_ms
            case Tempo.URGENT:
                ends = profile.urgent_every_ms, profile.urgent_every_ms
            case _:
                ends = profile.steady_every_ms, profile.steady_every_ms
        self._check_stroke(min(ends), part)
        return ends

    def _check_stroke(self, every_ms: int, part: Part) -> None:
        profile, on_ms = self.profile, stroke_on_ms(self.profile)
        said, fastest_ms = write_part(part), on_ms + profile.shortest_gap_ms
        if every_ms < fastest_ms:
            every, fastest = write_time(every_ms), write_time(fastest_ms)
            vi = f"“{said}”: mỗi tiếng {every} là nhanh quá, {self._name} này nhanh nhất {fastest} một tiếng"
            raise CannotPlay(vi, f"dùng “mỗi tiếng {fastest}” hoặc chậm hơn")
        if isinstance(profile, SirenProfile):
            if not profile.shortest_blast_ms <= on_ms <= profile.longest_continuous_ms:
                raise CannotPlay(f"“{said}”: một tiếng còi {write_time(on_ms)} ngoài sức còi này", "sửa bell.blast_ms")
        elif on_ms > profile.longest_stroke_ms:
            held, longest = write_time(on_ms), write_time(profile.longest_stroke_ms)
            raise CannotPlay(f"“{said}”: búa giữ {held}, lâu hơn mức chịu được {longest}", "sửa bell.hold_ms")

    def _intervals(self, pace: Pace, count: int, part: Part) -> list[int]:
        """One interval for each blow; the last blow keeps the last speed."""
        from_ms, to_ms = self._ends(pace, part)
        if count == 1:
            return [from_ms]
        intervals = quickening_intervals(from_ms, to_ms, count - 1)
        return [*intervals, intervals[-1]]

    def _intervals_within(self, length: str | int, pace: Pace, part: Part) -> list[int]:
        """As many blows as end within the round's time."""
        if not isinstance(length, int):
            length = self.profile.long_round_ms if length == "long" else self.profile.short_round_ms
        room_ms = min(length, self.limit_ms + 60_000) - stroke_on_ms(self.profile)
        from_ms, to_ms = self._ends(pace, part)
        if room_ms < 0:
            raise CannotPlay(f"“{write_part(part)}”: {write_time(length)} ngắn quá, không đủ cho một tiếng")
        if from_ms == to_ms:
            return [from_ms] * (room_ms // from_ms + 1)
        mean_ms = (from_ms - to_ms) / math.log(from_ms / to_ms)
        count = max(int(room_ms / mean_ms) + 2, 1)
        while count > 0 and sum(quickening_intervals(from_ms, to_ms, count)) > room_ms:
            count -= 1
        intervals = quickening_intervals(from_ms, to_ms, count) if count else []
        return [*intervals, intervals[-1] if intervals else from_ms]


def _check_order(parts: tuple[Part, ...]) -> None:
    """Nothing may follow what goes on until stopped, and what is repeated must be heard."""
    for n, part in enumerate(parts):
        said = write_part(part)
        if is_endless(part) and n + 1 < len(parts):
            raise CannotPlay(f"sau “{said}” không còn gì được nghe", "phần “đến khi dừng” phải đứng cuối cùng")
        if isinstance(part, Repeat):
            if not sounds(part):
                raise CannotPlay(f"“{said}” lặp lại mà không có tiếng nào", "bỏ đi, hoặc thêm “… tiếng”")
            if part.times != 1 and any(is_endless(inner) for inner in part.body):
                raise CannotPlay(f"“{said}”: đã đánh đến khi dừng thì không lặp lại được", "bỏ ngoặc ngoài")
            _check_order(part.body)


def _check_duty(score: Score, profile: Profile, limit_ms: int) -> None:
    needed_ms = most_on_ms(score, profile.duty_window_ms, limit_ms)
    if needed_ms > profile.duty_on_ms:
        name = "còi" if isinstance(profile, SirenProfile) else "búa"
        allowed, window = write_time(profile.duty_on_ms), write_time(profile.duty_window_ms)
        vi = f"{name} chỉ được đóng điện {allowed} trong mỗi {window}, cách đánh này cần {write_time(needed_ms)}"
        raise CannotPlay(vi, "đánh chậm hơn hoặc nghỉ nhiều hơn")
