"""What each post would say to a codebook or a timetable, before it is sent: by the rules that the post itself judges by."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kengd.hub.codebook_drafts import What, to_send
from kengd.hub.sheet import Given
from kengd.settings.alarms import unheard_alarms
from kengd.settings.find import LoadedSettings
from kengd.settings.overlay import FROM_HUB, Overlays, packed
from kengd.settings.problems import Problem, SettingsError


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problems`: why the post would refuse it, none: it would take it. `notes`: good to know. Vietnamese sentences."""

    problems: tuple[str, ...]
    notes: tuple[str, ...]


def verdicts(given: Sequence[Given], what: What, content: Mapping[str, Any], version: int) -> dict[str, Verdict]:
    """By post. `content`: a draft's; `version`: that it would be sent under."""
    overlay = packed(version, what, to_send(what, content))
    asked: dict[Hashable, Verdict] = {}
    found = {}
    for one in given:
        key = one.kin()
        if key not in asked:
            asked[key] = _verdict(one, what, content, overlay)
        found[one.post] = asked[key]
    return found


def _verdict(given: Given, what: What, content: Mapping[str, Any], overlay: bytes) -> Verdict:
    notes = [] if given.own else ["máy trực ban không giữ tệp cài đặt của điểm này: chỉ xem được theo kẻng mẫu"]
    names = {signal["id"]: signal["name"] for signal in content.get("signals", ())}
    before = given.overlays
    after = Overlays(overlay, before.timetable) if what == "codebook" else Overlays(before.codebook, overlay)
    try:
        new = given.read(after)
    except SettingsError as wrong:
        return Verdict(tuple(_words(problem, names) for problem in wrong.problems), tuple(notes))
    problems: list[Problem] = []
    if what == "codebook":
        problems = unheard_alarms(new.plan.signals, _signals_now(given, new))
        if not problems:
            notes += [_words(warning, names) for warning in new.warnings if warning.where.startswith("codebook")]
        if own := [name for name in new.codebook.signals if name not in names]:
            notes.append(f"điểm này vẫn giữ hiệu lệnh riêng ghi trong tệp của nó: {', '.join(own)}")
    return Verdict(tuple(_words(problem, names) for problem in problems), tuple(notes))


def _signals_now(given: Given, new: LoadedSettings) -> Any:
    """What it rings by now; where that cannot be read here everything counts as new."""
    try:
        return given.read().plan.signals
    except SettingsError:
        return new.plan.signals[:0]


def _words(problem: Problem, names: Mapping[str, str]) -> str:
    said = problem.vi.replace(FROM_HUB, "")
    place = problem.where.removesuffix(".pattern").removeprefix("codebook.signals.").removeprefix("codebook.")
    if place in names:
        said, place = said.replace(f'hiệu lệnh "{place}": ', ""), f"“{names[place]}”"
    where = "" if place in ("", "codebook") else f"{place}: "
    return f"{where}{said}" + (f" ({problem.cure})" if problem.cure else "")
