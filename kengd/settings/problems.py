"""What is wrong with the settings: one `Problem` each, with its line, and the error that lists them all. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from kengd.errors import UsageError

ProblemCode = Literal["toml", "unknown_key", "missing", "value", "clash", "cannot_play", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake or warning.

    `where`: the key's path as a person would say it ("gpio.buttons[2].pin"); `line`: 1-based line in the file, None when
    it lies in no line (something is missing altogether, or the mistake sits in the hub's version).
    """

    code: ProblemCode
    where: str
    vi: str
    cure: str = ""
    line: int | None = None

    def for_people(self) -> str:
        """ "dòng 12, bell.hold_ms: …" with the cure on a second line."""
        place = ", ".join(part for part in (f"dòng {self.line}" if self.line else "", self.where) if part)
        text = f"{place}: {self.vi}" if place else self.vi
        return f"{text}\n    → {self.cure}" if self.cure else text


CHECK = "sửa các chỗ trên rồi chạy lại `kengd check`"


class SettingsError(UsageError):
    """The settings are not usable; `problems` lists everything that was found wrong, in the order of the lines.

    `cure`: what to do about a file that is no post's own.
    """

    def __init__(self, path: str, problems: Iterable[Problem], cure: str = CHECK) -> None:
        self.path = path
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        listed = "".join(f"\n  {n}. {problem.for_people()}" for n, problem in enumerate(self.problems, 1))
        super().__init__(
            "settings_invalid",
            f"tệp cài đặt {path} có {len(self.problems)} chỗ sai:{listed}",
            cure=cure,
            en=f"settings {path}: {len(self.problems)} problem(s), first: {self.first}",
        )

    @property
    def first(self) -> str:
        """The first problem in one line, for logs."""
        if not self.problems:
            return ""
        problem = self.problems[0]
        return f"line {problem.line or '?'}, {problem.where or 'file'} [{problem.code}]"
