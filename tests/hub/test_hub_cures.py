"""Cures name commands that exist: each `kengd …` in a sentence for people is read by the program's own parser."""

from __future__ import annotations

import argparse
import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path

import pytest

from kengd.__main__ import Parser, _split
from kengd.cli import COMMANDS, INTERNAL
from kengd.cli.hub_cures import CURES
from kengd.errors import UsageError
from kengd.hub.called import INSTALLED, TYPED, called

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    [*(ROOT / "kengd/hub").rglob("*.py"), *(ROOT / "kengd/cli").glob("hub*.py"), *(ROOT / "kengd/cli").glob("demo*.py")]
)
FILLED = "X1"
"""Stands for what a sentence fills in when it is said."""
_COMMAND = re.compile(r"\bkengd(?= --config | [a-z])")
_WORD = re.compile(r" (?! )((?:'[^']*'|[^\s'])+)")
_ENDS = ",;:.)”`"
_PAGE_WORDS = ("tải lại", "bấm ")
_NOT_AT_A_SHELL = {
    "pin_wrong", "no_such_keeper", "unknown_dispatch", "no_such_confirmation", "same_officer", "unknown_village",
    "nothing_aside", "picture_turned", "not_yours",
}  # fmt: skip
"""Raised about what has no command (keepers, ringing again, confirming, taking a restore back, the plan), or found out by the shell
itself before (villages)."""


def said_in(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of all strings but docstrings; what is filled in later reads FILLED, the program's own name `kengd`."""
    tree = ast.parse(path.read_text("utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    parts = {
        node.targets[0].id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.JoinedStr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, _filled(node, parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside | documents:
            yield node.lineno, node.value


def _filled(text: ast.JoinedStr, parts: Mapping[str, ast.JoinedStr]) -> str:
    """`parts`: what was put together before, by its name."""
    said = []
    for part in text.values:
        name = part.value.id if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name) else ""
        if isinstance(part, ast.Constant):
            said.append(str(part.value))
        elif name == "kengd_call":
            said.append("kengd")
        else:
            said.append(_filled(parts[name], {}) if name in parts else FILLED)
    return "".join(said)


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of each command line that this text names: up to a comma or the like, a bracket, a new line or two spaces."""
    for match in _COMMAND.finditer(text):
        words, at = [], match.end()
        while (word := _WORD.match(text, at)) is not None and word[1][0] not in "(“":
            words.append(word[1].rstrip(_ENDS).strip("'"))
            at = word.end()
            if word[1][-1] in _ENDS:
                break
        if words and words[0].isascii() and words[:-1] != ["--config"]:  # not "một bản kengd mới hơn"
            yield words


def _loose(parser: argparse.ArgumentParser) -> None:
    """What a sentence fills in is of any type and choice; which words there must be stays as it is."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                _loose(inner)
        else:
            action.type = None
            if action.choices is not None:
                action.choices = [*action.choices, FILLED]


def read(words: list[str]) -> None:
    """As `kengd` reads it. Raises UsageError where there is no such command, word or option, or one is missing."""
    command, _, rest = _split(words)
    known = COMMANDS | INTERNAL
    assert command in known, f"no command {command}"
    parser = Parser(prog="kengd")
    subparsers = parser.add_subparsers(dest="command", parser_class=Parser)
    importlib.import_module(known[command][0]).add_parser(subparsers)
    _loose(parser)
    if rest[-1:] == ["…"] and not "".join(rest[-2:-1]).startswith(
        "-"
    ):  # the rest is left to the reader: only that there is such a one
        rest = [*rest[:-1], "--help"]
    with pytest.raises(SystemExit) if rest[-1:] == ["--help"] else nullcontext():
        parser.parse_args([str(command), *rest])


def test_every_command_that_a_sentence_names_can_be_typed_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    """Cures, hints and next steps of the hub, its shell and the demo: no list that is kept by hand."""
    named, wrong = 0, []
    for path in SOURCES:
        for number, text in said_in(path):
            for words in commands_in(text):
                named += 1
                try:
                    read(words)
                except (UsageError, AssertionError) as why:
                    wrong.append(f"{path.relative_to(ROOT)}:{number} kengd {' '.join(words)}: {why}")
    capsys.readouterr()
    assert wrong == []
    assert named > 30, "they were found"


def test_what_speaks_of_a_page_is_said_otherwise_at_a_shell() -> None:
    """ "tải lại trang" helps nobody at a terminal: each such code of the rooms below the desk has a command instead."""
    codes = set()
    for path in SOURCES:
        if "desk" in path.parts or "notices" in path.parts or "cli" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error")):
                continue
            cures = [ast.unparse(word.value) for word in node.keywords if word.arg == "cure"]
            if cures and any(words in cures[0] for words in _PAGE_WORDS) and isinstance(node.args[0], ast.Constant):
                codes.add(str(node.args[0].value))
    assert codes - _NOT_AT_A_SHELL <= set(CURES), codes - set(CURES)
    assert "unknown_post" in codes


def test_on_an_installed_hub_the_commands_are_those_that_it_has() -> None:
    """deploy/hub-install.sh puts `kengd-hub` on the path, and the state belongs to its user; `kengd` may be a bell post's there."""
    script = (ROOT / "deploy/hub-install.sh").read_text("utf-8")
    assert f"opt={INSTALLED.rstrip('/')}\n" in script and f"/usr/local/bin/{TYPED.split()[-1]}" in script
    program = f"{INSTALLED}current/bin/kengd"
    text = "xem: kengd hub posts, rồi kengd --config /etc/x.toml hub hush --all"
    assert called(text, program) == f"xem: {TYPED} hub posts, rồi {TYPED} --config /etc/x.toml hub hush --all"
    assert called(text, "/usr/local/bin/kengd") == text
    assert called("một bản kengd mới hơn; xem kengd check", program) == "một bản kengd mới hơn; xem kengd check"
