"""`[[timetable]]`: lines that `kengd.duty.timetable` understands, each ringing a calm signal of the codebook."""

from __future__ import annotations

from collections.abc import Mapping

from kengd.bellcode.signal import Codebook, Kind, Signal
from kengd.duty.timetable import Line, check_lines, parse_line
from kengd.errors import UsageError
from kengd.settings.codes import unread
from kengd.settings.crosscheck import Lines, note
from kengd.settings.lines import KeyPath
from kengd.settings.model import Settings, TimetableLine
from kengd.settings.problems import Problem

BY_CLOCK = (Kind.CURFEW, Kind.ROUTINE)
"""No clock ever rings an alarm, a call for support or an all-clear."""
_KEYS = {
    "bad_time": "at",
    "bad_days": "days",
    "bad_signal": "signal",
    "unknown_signal": "signal",
    "bad_grace": "grace_s",
}


def read_timetable(
    settings: Settings, codebook: Codebook | None, lines: Lines
) -> tuple[tuple[Line, ...], list[Problem]]:
    """The lines that can be read, and what is wrong with the others."""
    known = {} if codebook is None else codebook.signals
    calm = [name for name, signal in known.items() if signal.kind in BY_CLOCK]
    untold = None if codebook is None else {*calm, *(unread(settings) - known.keys())}
    good: list[Line] = []
    problems: list[Problem] = []
    for n, given in enumerate(settings.timetable):
        path: KeyPath = ("timetable", n)
        try:
            line = parse_line(given.at, given.days, given.signal, given.grace_s)
            check_lines([*good, line], untold)
            good.append(parse_line(given.at, given.days, given.signal, given.grace_s, given.except_))
        except UsageError as wrong:
            where = (*path, _KEYS[wrong.code]) if wrong.code in _KEYS else _exception(given, path)
            vi, cure = _signal_words(given, calm, known) if wrong.code == "unknown_signal" else (wrong.vi, wrong.cure)
            problems.append(note("value", where, lines, vi, cure))
    return tuple(good), problems


def _signal_words(given: TimetableLine, calm: list[str], known: Mapping[str, Signal]) -> tuple[str, str]:
    """An alarm by the clock and a signal that does not exist are two mistakes."""
    choose = f"chọn một trong: {', '.join(calm)}"
    if given.signal in known:
        return f'"{given.signal}" là {known[given.signal].name_vi.lower()}: không bao giờ đánh theo giờ', choose
    return (
        f'bảng hiệu lệnh không có "{given.signal}"',
        f"{choose}; hoặc ghi thêm [codebook.signals.{given.signal}] với kind, name, pattern; hoặc đổi codebook.use",
    )


def _exception(given: TimetableLine, path: KeyPath) -> KeyPath:
    """Which date of the exceptions cannot be read; the line itself when it is none of them."""
    for n, text in enumerate(given.except_):
        try:
            parse_line("00:00", "daily", "x", 0, [text])
        except UsageError:
            return (*path, "except", n)
    return path
