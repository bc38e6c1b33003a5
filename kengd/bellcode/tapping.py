"""A rhythm that somebody tapped, as a pattern in the notation. Pure. All times are integer ms.

What is tapped is never exact: lengths are rounded to what people say ("nghỉ 1 giây", "dồn dập"), alike groups become one round
that is repeated, and every rounding is told, so that nobody takes the code for what the finger did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from kengd.bellcode.layout import stroke_on_ms
from kengd.bellcode.notation import LONGEST_TEXT
from kengd.bellcode.notation_writer import write, write_time
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
)
from kengd.bellcode.profile import Profile, SirenProfile
from kengd.bellcode.tapping_even import ALIKE, evened, near, round_to, said
from kengd.errors import UsageError

Taps = Sequence[tuple[int, int]]

MOST_TAPS: Final = 300
LONGEST_MS: Final = 600_000
PARTS: Final = 1.6
"""A pause so much longer than the one beside it parts two groups; a finger is less even than a hammer."""
ROLL: Final = 10
"""So many blows are not counted any more: a lasting round."""
NAMED: Final = 0.15
"""A tempo this near to one that has a name is that one."""
QUICKENS: Final = 1.5
UNEVEN: Final = 0.25


@dataclass(frozen=True, slots=True)
class Tapped:
    """`endless`: the same until stopped, for an alarm. `rounded`: Vietnamese sentences, one for each thing that was made even."""

    pattern: Pattern
    endless: Pattern
    rounded: tuple[str, ...]

    @property
    def text(self) -> str:
        """The notation."""
        return write(self.pattern)

    @property
    def endless_text(self) -> str:
        """The notation of the same until stopped."""
        return write(self.endless)


def tapped(taps: Taps, profile: Profile) -> Tapped:
    """The pattern of these [press, release] pairs on this bell; for a siren the length of each press is that of the blast.

    Raises UsageError `bad_taps` (none, too many, out of order, longer than ten minutes), `too_uneven`.
    """
    _check(taps)
    notes: list[str] = []
    if isinstance(profile, SirenProfile):
        parts = _blasts(taps, profile, notes)
    else:
        parts = _strokes([on for on, _ in taps], profile, notes)
    found = Tapped(Pattern(tuple(parts)), Pattern((_until_stopped(parts),)), tuple(dict.fromkeys(notes)))
    if len(found.endless_text) > LONGEST_TEXT:
        raise UsageError(
            "too_uneven",
            "nhịp gõ mỗi chỗ một khác, không viết gọn thành hiệu lệnh được",
            cure="gõ lại đều tay hơn, hoặc ngắn hơn",
            en="the rhythm is too uneven to be written as a code",
        )
    return found


def _check(taps: Taps) -> None:
    whole = all(on < off for on, off in taps) and all(a[1] <= b[0] and a[0] < b[0] for a, b in pairwise(taps))
    if not taps or len(taps) > MOST_TAPS or not whole or taps[0][0] < 0 or taps[-1][1] - taps[0][0] > LONGEST_MS:
        raise UsageError(
            "bad_taps",
            f"cần từ 1 đến {MOST_TAPS} lần gõ, lần sau bắt đầu khi lần trước đã nhấc tay, cả bài không quá 10 phút",
            cure="gõ lại từ đầu",
            en=f"1 to {MOST_TAPS} taps one after another, within ten minutes",
        )


# ---- a bell: when it is struck


@dataclass(frozen=True, slots=True)
class _Group:
    """Blows that belong together. `intervals`: from each to the next."""

    intervals: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.intervals) + 1

    @property
    def long_ms(self) -> int:
        return sum(self.intervals)

    @property
    def rolls(self) -> bool:
        return self.count >= ROLL


def _strokes(starts: list[int], profile: Profile, notes: list[str]) -> list[Part]:
    groups, apart = _groups([later - earlier for earlier, later in pairwise(starts)])
    rests = [_rest(ms - stroke_on_ms(profile), profile, notes) for ms in evened(apart)]
    parts: list[Part] = []
    n = 0
    while n < len(groups):
        last = n
        while last + 1 < len(groups) and _same(groups[n], groups[last + 1]) and rests[last] == rests[n]:
            last += 1
        parts.append(_round(groups[n : last + 1], rests[n] if last > n else None, profile, notes))
        if last < len(rests):
            parts.append(Rest(rests[last]))
        n = last + 1
    return parts


def _groups(intervals: list[int]) -> tuple[list[_Group], list[int]]:
    """Groups and what lies between them, as intervals from blow to blow."""
    cuts = [n for n, ms in enumerate(intervals) if _cuts(intervals, n, ms)]
    edges = [-1, *cuts, len(intervals)]
    return [_Group(tuple(intervals[a + 1 : b])) for a, b in pairwise(edges)], [intervals[n] for n in cuts]


def _cuts(intervals: list[int], n: int, ms: int) -> bool:
    beside = [intervals[k] for k in (n - 1, n + 1) if 0 <= k < len(intervals)]
    return bool(beside) and ms > PARTS * min(beside)


def _same(one: _Group, other: _Group) -> bool:
    if one.rolls and other.rolls:
        return near(one.long_ms, other.long_ms, ALIKE)
    if one.count != other.count:
        return False
    return one.count == 1 or near(one.long_ms, other.long_ms, ALIKE)


def _round(groups: list[_Group], gap_ms: int | None, profile: Profile, notes: list[str]) -> Part:
    """All these as one part: they are alike."""
    count, strokes = len(groups), groups[0].count
    pace = _pace(groups, profile, notes)
    if groups[0].rolls:
        long_ms = sum(group.long_ms for group in groups) // count + stroke_on_ms(profile)
        return LastingRounds(count, _length(long_ms, profile, notes), pace, gap_ms)
    if count == 1:
        return Strokes(strokes, pace)
    return CountedRounds(count, strokes, pace, gap_ms)


def _pace(groups: list[_Group], profile: Profile, notes: list[str]) -> Pace:
    intervals = [ms for group in groups for ms in group.intervals]
    if not intervals:
        return Tempo.STEADY  # one blow has none
    first, last = (sum(group.intervals[end] for group in groups) // len(groups) for end in (0, -1))
    if _quickens(groups[0].intervals, first, last):
        return _quickening(first, last, profile, notes)
    mean = sum(intervals) // len(intervals)
    even = all(near(ms, mean, UNEVEN) for ms in intervals)
    told = write_time(round_to(mean, 10))
    if not even:
        told = f"từ {write_time(round_to(min(intervals), 10))} đến {write_time(round_to(max(intervals), 10))}"
    named = {
        Tempo.STEADY: (profile.steady_every_ms, "đều"),
        Tempo.SLOW: (profile.slow_every_ms, "thong thả"),
        Tempo.URGENT: (profile.urgent_every_ms, "dồn dập"),
    }
    tempo = min(named, key=lambda one: abs(named[one][0] - mean))
    every_ms, name = named[tempo]
    fastest_ms = stroke_on_ms(profile) + profile.shortest_gap_ms
    if mean < fastest_ms:
        notes.append(
            f"gõ {told} một tiếng, nhanh hơn sức {_bell(profile)} này (nhanh nhất {write_time(fastest_ms)}): "
            f"ghi là dồn dập, {write_time(profile.urgent_every_ms)} một tiếng"
        )
        return Tempo.URGENT
    if near(every_ms, mean, NAMED):
        if abs(every_ms - mean) >= 10 or not even:
            notes.append(f"gõ {told} một tiếng, ghi là {name}, {write_time(every_ms)} một tiếng")
        return tempo
    rounded_ms = max(round_to(mean, 50), fastest_ms)
    if rounded_ms != mean or not even:
        notes.append(f"gõ {told} một tiếng, ghi là đều nhau {write_time(rounded_ms)}")
    return Every(rounded_ms)


def _quickens(intervals: tuple[int, ...], first: int, last: int) -> bool:
    """Three by three, since an unsteady finger is early and late by turns."""
    threes = [sum(intervals[n : n + 3]) for n in range(len(intervals) - 2)]
    falling = all(later <= earlier * 1.15 for earlier, later in pairwise(threes))
    return len(intervals) >= 4 and first >= QUICKENS * last and falling


def _quickening(first: int, last: int, profile: Profile, notes: list[str]) -> Pace:
    own = profile.quickening_from_ms, profile.quickening_to_ms
    told = f"gõ nhanh dần từ {write_time(round_to(first, 10))} đến {write_time(round_to(last, 10))} một tiếng"
    if near(own[0], first, ALIKE) and near(own[1], last, ALIKE):
        notes.append(
            f"{told}, ghi là nhanh dần như {_bell(profile)} này: {write_time(own[0])} đến {write_time(own[1])}"
        )
        return Tempo.QUICKENING
    to_ms = max(round_to(last, 50), stroke_on_ms(profile) + profile.shortest_gap_ms)
    from_ms = max(round_to(first, 50), to_ms)
    notes.append(f"{told}, ghi là từ {write_time(from_ms)} đến {write_time(to_ms)}")
    return Quickening(from_ms, to_ms)


def _length(long_ms: int, profile: Profile, notes: list[str]) -> int:
    """Of a roll, in whole seconds: dài and ngắn would say another length on the next bell."""
    rounded_ms = max(round_to(long_ms, 1_000), 1_000)
    if rounded_ms != round_to(long_ms, 100):
        notes.append(f"hồi {write_time(round_to(long_ms, 100))}, ghi là {write_time(rounded_ms)}")
    return rounded_ms


# ---- a siren: when it is on


def _blasts(taps: Taps, profile: SirenProfile, notes: list[str]) -> list[Part]:
    lengths = [_blast(ms, profile, notes) for ms in evened([off - on for on, off in taps])]
    rests = [_rest(ms, profile, notes) for ms in evened([b[0] - a[1] for a, b in pairwise(taps)])]
    if len(lengths) > 1 and len({*lengths}) == 1 and len({*rests}) == 1:
        return [Repeat((Blast(lengths[0]), Rest(rests[0])), len(lengths))]
    parts: list[Part] = [Blast(lengths[0])]
    for rest_ms, long_ms in zip(rests, lengths[1:], strict=True):
        parts += (Rest(rest_ms), Blast(long_ms))
    return parts


def _blast(ms: int, profile: SirenProfile, notes: list[str]) -> int:
    rounded_ms, felt_ms = max(said(ms), profile.shortest_blast_ms), max(round_to(ms, 10), 10)
    if rounded_ms != felt_ms:
        shortest = " (còi này hú ngắn nhất chừng ấy)" if said(ms) < profile.shortest_blast_ms else ""
        notes.append(f"hú {write_time(felt_ms)}, ghi là {write_time(rounded_ms)}{shortest}")
    return rounded_ms


# ---- both


def _rest(ms: int, profile: Profile, notes: list[str]) -> int:
    rounded_ms, felt_ms = max(said(ms), profile.shortest_gap_ms), max(round_to(ms, 10), 10)
    if rounded_ms != felt_ms:
        notes.append(f"nghỉ {write_time(felt_ms)}, ghi là {write_time(rounded_ms)}")
    return rounded_ms


def _until_stopped(parts: list[Part]) -> Part:
    """The same again and again; what was rounds is one round, so that it is said as short as it can be."""
    match parts:
        case [CountedRounds(_, strokes, pace, int(gap_ms))]:
            return Repeat((Strokes(strokes, pace), Rest(gap_ms)), None)
        case [LastingRounds(_, length, pace, int(gap_ms))]:
            return Repeat((LastingRounds(1, length, pace), Rest(gap_ms)), None)
        case [Repeat(body, _)]:
            return Repeat(body, None)
        case _:
            rests = [part.rest_ms for part in parts if isinstance(part, Rest)]
            return Repeat((*parts, Rest(max([1_000, *rests]))), None)


def _bell(profile: Profile) -> str:
    return "còi" if isinstance(profile, SirenProfile) else "kẻng"
