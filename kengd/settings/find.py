"""Find the settings file, read it, lay the hub's versions over it, check everything, build the plans. Imports pydantic."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kengd.bellcode.profile import Profile
from kengd.bellcode.signal import Codebook
from kengd.duty.timetable import Line
from kengd.settings import mistyped, store, where
from kengd.settings.build import belfry_plan, office_plan
from kengd.settings.codes import read_codes
from kengd.settings.crosscheck import Lines, cross_problems
from kengd.settings.explain import problems_of
from kengd.settings.hours import read_timetable
from kengd.settings.lines import key_lines
from kengd.settings.model import Settings
from kengd.settings.overlay import Overlays, lay_over
from kengd.settings.plan import BelfryPlan, BrokerPlan, HubKeyPlan, Limits, OfficePlan, RetentionPlan, WebPlan
from kengd.settings.problems import Problem, SettingsError

EXAMPLE = Path(__file__).with_name("example.toml")


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings that were read and checked. `path` None and `is_example`: the built-in example. `warnings`: good to know, no error."""

    plan: BelfryPlan
    office_plan: OfficePlan
    codebook: Codebook
    timetable: tuple[Line, ...]
    warnings: tuple[Problem, ...]
    path: Path | None
    compiled_name: str

    @property
    def is_example(self) -> bool:
        """Whether no settings file was found and the built-in example stands in."""
        return self.path is None

    @property
    def profile(self) -> Profile:
        """The bell."""
        return self.plan.profile

    @property
    def limits(self) -> Limits:
        """Limits in ms."""
        return self.plan.limits

    @property
    def broker(self) -> BrokerPlan | None:
        """The line to the hub."""
        return self.office_plan.broker

    @property
    def hub_keys(self) -> tuple[HubKeyPlan, ...]:
        """The hub's keys, revoked ones too."""
        return self.office_plan.hub_keys

    @property
    def web(self) -> WebPlan:
        """Where the page listens."""
        return self.office_plan.web

    @property
    def clock_assume(self) -> str | None:
        """ "ntp" with simulated pins that take the clock as right."""
        return self.office_plan.clock_assume

    @property
    def retention(self) -> RetentionPlan:
        """How long the book keeps entries."""
        return self.office_plan.retention


def load(
    config: str | None,
    *,
    allow_example: bool = True,
    overlays: Overlays | None = None,
    leave_out: Iterable[str] = (),
) -> LoadedSettings:
    """Read and check the settings of `--config`, $KENGD_CONFIG, /etc/kengd/kengd.toml, or the example (said on stderr).

    `overlays`: the hub's versions to use instead of those kept in the state directory. `leave_out`: tables to read as if they
    were not there. Raises UsageError (no file, unreadable) or SettingsError (all that is wrong with it).
    """
    path = where.config_path(config) if allow_example else where.required_config(config)
    if path is None:
        print(f"chưa có {where.SYSTEM_CONFIG}: dùng tệp mẫu có sẵn (xã Cộng Lạc)", file=sys.stderr)
        return _read(EXAMPLE.read_bytes(), None, Overlays(), ())
    raw = where.read_bytes(path)
    if overlays is None:
        overlays = Overlays.kept(where.state_dir_of(raw, path))
    return _read(raw, path, overlays, leave_out)


def read_as(raw: bytes, path: Path, overlays: Overlays | None = None) -> LoadedSettings:
    """These bytes, as if they were the settings file at `path` already; `overlays` as in `load`. Raises SettingsError."""
    return _read(raw, path, Overlays.kept(where.state_dir_of(raw, path)) if overlays is None else overlays, ())


def _read(raw: bytes, path: Path | None, overlays: Overlays, leave_out: Iterable[str]) -> LoadedSettings:
    said = str(path or EXAMPLE)
    text, data = toml_of(raw, said)
    lines = key_lines(text)
    for table in leave_out:
        data.pop(table, None)
    from_hub = lay_over(data, lines, overlays)
    try:
        settings = Settings.model_validate(data)
    except ValidationError as wrong:
        raise SettingsError(said, from_hub(problems_of(wrong, lines))) from None
    except RecursionError:
        raise SettingsError(said, [Problem("toml", "", "các bảng lồng nhau quá sâu")]) from None
    return _checked(settings, lines, raw, path, overlays, from_hub, said)


def _checked(
    settings: Settings, lines: Lines, raw: bytes, path: Path | None, overlays: Overlays, from_hub: Any, said: str
) -> LoadedSettings:
    codes = read_codes(settings, lines)
    timetable, timetable_problems = read_timetable(settings, codes.codebook, lines)
    problems = from_hub([*cross_problems(settings, lines), *codes.problems, *timetable_problems])
    errors = [problem for problem in problems if problem.code != "warning"]
    if errors or codes.codebook is None or codes.drill_prefix is None or codes.slow_roll is None:
        raise SettingsError(said, errors)
    warnings = tuple(problem for problem in problems if problem.code == "warning")
    place = path or EXAMPLE
    state = where.state_dir_of(raw, place)
    plan = belfry_plan(settings, codes, state, place, overlays.versions, tuple(w.vi for w in warnings))
    name = store.compiled_name(raw, place, (overlays.codebook, overlays.timetable))
    return LoadedSettings(plan, office_plan(settings, place), codes.codebook, timetable, warnings, path, name)


def toml_of(raw: bytes, said: str) -> tuple[str, dict[str, Any]]:
    """The text and its data. `said`: the file's name for people. Raises SettingsError with the line of the first mistake."""
    try:
        text = where.text_of(raw)
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        problem = Problem("toml", "", "có ký tự không phải UTF-8", "lưu lại tệp với mã UTF-8", line)
        raise SettingsError(said, [problem]) from None
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        found = re.search(r"at line (\d+), column (\d+)", str(wrong))
        line = int(found.group(1)) if found else text.count("\n") + 1
        vi, cure = mistyped.said(str(wrong).split(" (at")[0], text.split("\n")[line - 1])
        column = f" (cột {found.group(2)})" if found else ""
        raise SettingsError(said, [Problem("toml", "", vi + column, cure, line)]) from None
    except (RecursionError, ValueError):
        raise SettingsError(said, [Problem("toml", "", "không đọc được: lồng nhau quá sâu hoặc số quá lớn")]) from None
