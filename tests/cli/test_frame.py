"""The command-line frame: which module runs, where --config may stand, what exit codes mean (DESIGN section 8)."""

from __future__ import annotations

import argparse
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import kengd.cli
from kengd.__main__ import main
from kengd.errors import KengdError, UsageError

SEEN: list[argparse.Namespace] = []


def command(name: str, monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """Puts a command in the table whose module is made here."""
    module: Any = types.ModuleType(f"fake_{name}")

    def add_parser(subparsers: Any) -> None:
        parser = subparsers.add_parser(name)
        parser.add_argument("words", nargs="*")
        parser.add_argument("--times", type=int, default=1)

    module.add_parser = add_parser
    module.run = act
    monkeypatch.setitem(sys.modules, f"fake_{name}", module)
    monkeypatch.setitem(kengd.cli.COMMANDS, name, (f"fake_{name}", "thử"))


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[argparse.Namespace]:
    """A command `note` that keeps its arguments."""
    seen: list[argparse.Namespace] = []

    def act(args: argparse.Namespace) -> int:
        seen.append(args)
        return 0

    command("note", monkeypatch, act)
    return seen


@pytest.mark.parametrize(
    ("argv", "config"),
    [
        (["note", "a"], None),
        (["--config", "f.toml", "note", "a"], "f.toml"),
        (["--config=f.toml", "note", "a"], "f.toml"),
        (["note", "--config", "f.toml", "a"], "f.toml"),
        (["note", "a", "--config=f.toml"], "f.toml"),
        (["--config", "first", "note", "a", "--config", "last"], "last"),
    ],
)
def test_config_may_stand_before_and_after_the_command(
    noted: list[argparse.Namespace], argv: list[str], config: str | None
) -> None:
    """Section 8: `--config F` is understood wherever a person writes it."""
    assert main(argv) == 0
    assert [(args.config, args.command, args.words) for args in noted] == [(config, "note", ["a"])]


def test_after_two_dashes_words_are_only_words(noted: list[argparse.Namespace]) -> None:
    """What stands after `--` belongs to the command."""
    assert main(["note", "--", "--config", "x"]) == 0
    assert [(args.config, args.words) for args in noted] == [(None, ["--config", "x"])]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KengdError("held", "chân đang bị giữ", cure="dừng chương trình kia"), 1),
        (UsageError("settings_invalid", "sai"), 2),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 1),
    ],
)
def test_errors_become_exit_codes(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Section 8: 1 refused, broken, held; 2 usage or settings; an error is told in Vietnamese with its cure on stderr."""

    def act(args: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr("kengd.__main__._drop_output", lambda: None)
    command("fail", monkeypatch, act)
    assert main(["fail"]) == code
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == (error.for_people() + "\n" if isinstance(error, KengdError) else "")


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        ([], "thiếu lệnh"),
        (["--config", "x"], "thiếu lệnh"),
        (["--config"], "--config"),
        (["--wrong", "note"], "--wrong"),
        (["hsh"], "kengd hush"),
        (["note", "--times", "two"], "--times"),
        (["note", "--nothing"], "không hiểu"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_wrong(
    noted: list[argparse.Namespace], argv: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Section 8: wrong usage ends with 2 and a sentence, and runs nothing."""
    assert main(argv) == 2
    assert word in capsys.readouterr().err
    assert noted == []


def test_bytes_that_are_no_text_are_refused_before_anything_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    """Written into a book or a message they would break it."""
    assert main(["journal", "show", "\udcff"]) == 2
    assert "không phải UTF-8" in capsys.readouterr().err


def test_help_lists_every_command_in_vietnamese_without_importing_any(capsys: pytest.CaptureFixture[str]) -> None:
    """The list of commands needs no command's module; commands for programs are not listed."""
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"  {name} " in said and summary in said for name, (_, summary) in kengd.cli.COMMANDS.items())
    assert "office" not in said
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("kengd ")


@pytest.mark.parametrize("name", [*kengd.cli.COMMANDS, *kengd.cli.INTERNAL])
def test_every_command_in_the_table_is_there_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Section 8: what is listed can be called."""
    assert main([name, "--help"]) == 0
    assert name in capsys.readouterr().out


def test_the_frame_imports_no_room_and_no_third_party() -> None:
    """`kengd off` and `kengd run` start fast: the frame itself brings nothing with it."""
    code = "import sys, kengd.__main__; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.startswith("kengd")}
    assert ours == {"kengd", "kengd.__main__", "kengd.cli", "kengd.errors"}
    assert not {"pydantic", "sqlmodel", "fastapi", "paho", "gpiozero", "asyncio", "socket", "tomllib"} & set(loaded)


def test_a_reader_that_stops_reading_is_no_error(tmp_path: Path) -> None:
    """`kengd … | head -1` ends quietly."""
    done = subprocess.run(
        f"{sys.executable} -m kengd --help | true", shell=True, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
