"""The README as its tests read it: blocks between markers, named examples, commands to be run.

<!-- begin NAME -->  …  <!-- end NAME -->     made by tests/readme/tables.py, from the program itself
<!-- example NAME -->                         the fenced block that follows is read by a test
<!-- run -->  or  <!-- run demo -->           the console block that follows is run, and must print what it shows
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"

_FENCED = r"\s*```[a-z]*\n(.*?)```"


@dataclass(frozen=True, slots=True)
class Shown:
    """One command of a console block and what the README shows of its output ("" = not shown)."""

    command: str
    output: str

    def fits(self, printed: str) -> bool:
        """True when this was printed; an ellipsis in what is shown stands for anything."""
        pattern = ".*".join(re.escape(part) for part in self.output.strip().split("…"))
        return not self.output.strip() or re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def readme() -> str:
    """The whole text."""
    return README.read_text(encoding="utf-8")


def _frame(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- begin {name} -->\n)(.*?)(<!-- end {name} -->)", re.DOTALL)


def block(name: str) -> str:
    """What stands between the markers of this name; exactly one such place must be there."""
    found = _frame(name).findall(readme())
    assert len(found) == 1, f"{len(found)} blocks {name}"
    return str(found[0][1])


def with_block(text: str, name: str, content: str) -> str:
    """The text with this block put between its markers."""
    return _frame(name).sub(lambda frame: f"{frame[1]}\n{content.strip()}\n\n{frame[3]}", text)


def example(name: str) -> str:
    """The fenced block behind this marker; exactly one must be there."""
    found = re.findall(rf"<!-- example {name} -->{_FENCED}", readme(), re.DOTALL)
    assert len(found) == 1, f"{len(found)} examples {name}"
    return str(found[0])


def console(kind: str) -> list[list[Shown]]:
    """All console blocks marked `<!-- KIND -->`, each as its commands in their order."""
    blocks = re.findall(rf"<!-- {kind} -->\s*```console\n(.*?)```", readme(), re.DOTALL)
    return [_commands(text) for text in blocks]


def _commands(text: str) -> list[Shown]:
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert parts[0] == "", "a console block begins with a command"
    return [Shown(*part.replace("\\\n", " ").split("\n", 1)) for part in parts[1:]]


def rows(table: str) -> list[list[str]]:
    """The cells of a Markdown table, without its two head lines."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
