"""The codebook of these settings, laid out for this bell: whatever the bell cannot play is a problem with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kengd.bellcode.alike import lint
from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin, make_signal
from kengd.bellcode.layout import CannotPlay, lay_out, slow_roll
from kengd.bellcode.notation import NotationError, parse
from kengd.bellcode.profile import Profile
from kengd.bellcode.score import Score
from kengd.bellcode.signal import Codebook, Kind, Signal
from kengd.settings.crosscheck import HUSH, Lines, note
from kengd.settings.lines import KeyPath
from kengd.settings.model import Settings, SignalOverride
from kengd.settings.plan import SignalPlan
from kengd.settings.problems import Problem

DRILL_PREFIX = {"striker": "2 hồi, mỗi hồi 4 tiếng đều, cách 2 giây", "siren": "1 hồi, mỗi hồi 4 tiếng dồn dập"}
"""Fours, which no shipped code has, at a pace that every bell can bear (H19)."""
LONGEST_PREFIX_MS = 60_000
LOUD = (Kind.ALARM, Kind.SUPPORT)
NEEDED = ((Kind.ALARM, "alarm"), (Kind.ALL_CLEAR, "all_clear"), (Kind.CURFEW, "curfew"))


@dataclass(frozen=True, slots=True)
class Codes:
    """What was understood; parts are None or missing where a problem stands."""

    codebook: Codebook | None
    signals: tuple[SignalPlan, ...]
    drill_prefix: Score | None
    slow_roll: Score | None
    problems: tuple[Problem, ...]


def read_codes(settings: Settings, lines: Lines) -> Codes:
    """Codebook, overrides, prefix and roll for the bell of these settings."""
    problems: list[Problem] = []
    profile, limit_ms = settings.bell.profile(), settings.limits.hard_limit_s * 1_000
    codebook = _codebook(settings, lines, problems)
    plans: list[SignalPlan] = []
    for signal in codebook.signals.values() if codebook else ():
        score = _laid_out(signal, profile, limit_ms, lines, problems)
        if score is not None:
            said = (signal.name_en, signal.meaning_vi, signal.notation)
            plans.append(SignalPlan(signal.id, signal.kind, signal.name_vi, score, *said))
    prefix = _prefix(settings, profile, limit_ms, lines, problems)
    if codebook is not None:
        problems += _needed(codebook, lines)
        problems += _does(settings, codebook, lines)
        if not any(problem.code != "warning" for problem in problems):
            problems += [
                note("warning", ("codebook",), lines, warning) for warning in lint(codebook, profile, limit_ms=limit_ms)
            ]
    return Codes(codebook, tuple(plans), prefix, slow_roll(profile), tuple(problems))


def _codebook(settings: Settings, lines: Lines, problems: list[Problem]) -> Codebook | None:
    """The ready-made one with the signals of `[codebook.signals]` put in, changed or taken out."""
    given = settings.codebook
    if given.use not in BUILTIN_NAMES:
        vi = f'không có bảng hiệu lệnh "{given.use}"'
        problems.append(note("value", ("codebook", "use"), lines, vi, f"chọn một trong: {', '.join(BUILTIN_NAMES)}"))
        return None
    book = builtin(given.use)
    signals = dict(book.signals)
    for name, override in given.signals.items():
        path: KeyPath = ("codebook", "signals", name)
        if override.remove:
            if signals.pop(name, None) is None:
                problems.append(note("value", path, lines, "bảng không có hiệu lệnh này để bỏ", "bỏ mục này đi"))
            continue
        signal = _overridden(name, signals.get(name), override, path, lines, problems)
        if signal is not None:
            signals[name] = signal
    return replace(book, signals=signals)


def _overridden(
    name: str, known: Signal | None, given: SignalOverride, path: KeyPath, lines: Lines, problems: list[Problem]
) -> Signal | None:
    kind = Kind(given.kind) if given.kind else known.kind if known else None
    said = given.name or (known.name_vi if known else None)
    pattern = given.pattern if given.pattern is not None else known.notation if known else None
    if name == HUSH:
        problems.append(
            note("value", path, lines, f'"{HUSH}" là lệnh dừng kẻng, không đặt làm tên hiệu lệnh được', "đổi tên")
        )
        return None
    if kind is None or said is None or pattern is None:
        missing = [key for key, value in (("kind", kind), ("name", said), ("pattern", pattern)) if value is None]
        vi = f"hiệu lệnh mới còn thiếu: {', '.join(missing)}"
        problems.append(note("missing", path, lines, vi, "ghi đủ kind, name, pattern, hoặc sửa lại tên hiệu lệnh"))
        return None
    english = given.name_en or (known.name_en if known else said)
    meaning = given.meaning or (known.meaning_vi if known else said)
    try:
        return make_signal(name, kind, said, english, meaning, pattern)
    except NotationError as wrong:
        problems.append(note("value", (*path, "pattern"), lines, wrong.vi, wrong.cure))
        return None


def _laid_out(signal: Signal, profile: Profile, limit_ms: int, lines: Lines, problems: list[Problem]) -> Score | None:
    path: KeyPath = ("codebook", "signals", signal.id, "pattern")
    if signal.pattern.endless and signal.kind not in LOUD:
        vi = f'hiệu lệnh "{signal.id}" đánh đến khi dừng: chỉ báo động và chi viện mới được đánh mãi'
        problems.append(note("value", path, lines, vi, "viết cách đánh có hồi kết"))
        return None
    try:
        return lay_out(signal.pattern, profile, limit_ms=limit_ms)
    except CannotPlay as wrong:
        vi = f'hiệu lệnh "{signal.id}": {wrong.vi}'
        problems.append(note("cannot_play", path, lines, vi, wrong.cure))
        return None


def _prefix(settings: Settings, profile: Profile, limit_ms: int, lines: Lines, problems: list[Problem]) -> Score | None:
    path: KeyPath = ("drill", "prefix")
    try:
        score = lay_out(
            parse(settings.drill.prefix or DRILL_PREFIX[profile.kind]),
            profile,
            limit_ms=min(limit_ms, LONGEST_PREFIX_MS),
        )
    except NotationError as wrong:
        problems.append(note("value", path, lines, wrong.vi, wrong.cure))
        return None
    except CannotPlay as wrong:
        problems.append(note("cannot_play", path, lines, f"tiếng báo trước diễn tập: {wrong.vi}", wrong.cure))
        return None
    if score.duration_ms is None:
        problems.append(note("value", path, lines, "tiếng báo trước diễn tập phải có hồi kết", 'bỏ "đến khi dừng"'))
        return None
    return score


def _needed(codebook: Codebook, lines: Lines) -> Iterator[Problem]:
    """Section 8: every post has an alarm, an all-clear (H16) and a curfew, under these very names."""
    for kind, name in NEEDED:
        signal = codebook.signals.get(name)
        if signal is None:
            vi = f'bảng hiệu lệnh thiếu "{name}"'
            yield note("missing", ("codebook", "signals", name), lines, vi, "bỏ remove, hoặc ghi hiệu lệnh này vào")
        elif signal.kind is not kind:
            vi = f'"{name}" phải thuộc loại {kind.value}'
            yield note("value", ("codebook", "signals", name, "kind"), lines, vi, f'kind = "{kind.value}"')


def unread(settings: Settings) -> set[str]:
    """Signals that these settings write themselves: where one is missing from the codebook, its own mistake is told already."""
    return {name for name, given in settings.codebook.signals.items() if not given.remove}


def _does(settings: Settings, codebook: Codebook, lines: Lines) -> Iterator[Problem]:
    """Each button does something that is known, and one of them rings the alarm."""
    alarm = False
    for n, button in enumerate(settings.gpio.buttons):
        signal = codebook.signals.get(button.does)
        alarm = alarm or (signal is not None and signal.kind is Kind.ALARM)
        if signal is None and button.does != HUSH and button.does not in unread(settings):
            cure = f"chọn một trong: {', '.join([*codebook.signals, HUSH])}"
            vi = f'không có hiệu lệnh "{button.does}"'
            yield note("value", ("gpio", "buttons", n, "does"), lines, vi, cure)
    if not alarm:
        yield note(
            "warning", ("gpio", "buttons"), lines, "không có nút báo động nào: chỉ đánh được từ xã hoặc theo giờ (H23)"
        )
    if not any(button.does == HUSH for button in settings.gpio.buttons):
        yield note("warning", ("gpio", "buttons"), lines, "không có nút dừng kẻng tại chỗ (R44)")
