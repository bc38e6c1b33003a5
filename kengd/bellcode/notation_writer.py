"""A pattern as a keeper would say it. Pure."""

from __future__ import annotations

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

TEMPO_WORDS = {
    Tempo.STEADY: "đều",
    Tempo.SLOW: "thong thả",
    Tempo.URGENT: "dồn dập",
    Tempo.QUICKENING: "nhanh dần",
}
LENGTH_WORDS = {"long": "dài", "short": "ngắn"}


def write(pattern: Pattern) -> str:
    """The notation of a pattern; `parse` reads it again to the same value. The tempo đều is left out."""
    return "; ".join(write_part(part) for part in pattern.parts)


def write_part(part: Part) -> str:
    """The notation of one part."""
    match part:
        case LastingRounds(count, length, pace, gap_ms):
            lasting = write_time(length) if isinstance(length, int) else LENGTH_WORDS[length]
            return f"{count} hồi {lasting}{_pace(pace)}{_gap(gap_ms)}"
        case CountedRounds(count, strokes, pace, gap_ms):
            return f"{count} hồi, mỗi hồi {strokes} tiếng{_pace(pace)}{_gap(gap_ms)}"
        case Strokes(count, pace):
            return f"{count} tiếng{_pace(pace)}"
        case Blast(None):
            return "hú đến khi dừng"
        case Blast(int(for_ms)):
            return f"hú {write_time(for_ms)}"
        case Rest(rest_ms):
            return f"nghỉ {write_time(rest_ms)}"
        case Repeat(body, times):
            inner = "; ".join(write_part(item) for item in body)
            return f"({inner}) đến khi dừng" if times is None else f"({inner}) {times} lần"
    raise TypeError(part)


def write_time(ms: int) -> str:
    """A time as people say it, exact: whole minutes, seconds with at most two decimals and a comma, else ms."""
    if ms % 60_000 == 0:
        return f"{ms // 60_000} phút"
    if ms < 1000 or ms % 10:
        return f"{ms} ms"
    seconds, rest = divmod(ms, 1000)
    decimals = f",{rest // 10:02}".rstrip("0") if rest else ""
    return f"{seconds}{decimals} giây"


def _pace(pace: Pace) -> str:
    match pace:
        case Tempo.STEADY:
            return ""
        case Quickening(from_ms, to_ms):
            return f" nhanh dần từ {write_time(from_ms)} đến {write_time(to_ms)}"
        case Every(every_ms):
            return f" mỗi tiếng {write_time(every_ms)}"
        case _:
            return f" {TEMPO_WORDS[pace]}"


def _gap(gap_ms: int | None) -> str:
    return "" if gap_ms is None else f", cách {write_time(gap_ms)}"
