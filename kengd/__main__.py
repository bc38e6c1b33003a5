"""`kengd COMMAND`: find the command's module, run it, turn errors into sentences and exit codes (0 done, 1 refused or broken, 2 usage)."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, cast

from kengd import __version__
from kengd.cli import COMMANDS, INTERNAL
from kengd.errors import KengdError, UsageError

INTERRUPTED = 130
_USAGE_WORDS = (
    ("the following arguments are required:", "còn thiếu:"),
    ("unrecognized arguments:", "không hiểu:"),
    ("invalid choice:", "không có lựa chọn"),
    ("invalid int value:", "phải là số nguyên, không phải"),
    ("invalid float value:", "phải là một số, không phải"),
    ("ignored explicit argument", "không nhận giá trị đi kèm:"),
    ("ambiguous option:", "viết tắt chưa rõ:"),
    (" could match ", " có thể là "),
    ("choose from", "chọn một trong"),
    ("expected one argument", "cần một giá trị đi kèm"),
    ("expected at least one argument", "cần ít nhất một giá trị đi kèm"),
    ("not allowed with argument", "không đi cùng được với"),
    ("argument ", "tham số "),
)


class Parser(argparse.ArgumentParser):
    """argparse that complains as a UsageError, in Vietnamese."""

    def __init__(self, **given: Any) -> None:
        given.setdefault(
            "epilog", "--config TỆP: tệp cài đặt; không ghi thì là $KENGD_CONFIG, rồi /etc/kengd/kengd.toml"
        )
        super().__init__(**given)

    def error(self, message: str) -> NoReturn:
        vi = message
        for english, vietnamese in _USAGE_WORDS:
            vi = vi.replace(english, vietnamese)
        raise UsageError("usage", vi, cure=f"xem `{self.prog} --help`", en=message)


def _is_text(given: str) -> bool:
    """Bytes that are no text come in as half characters, which can be neither written nor shown."""
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Prints errors on stderr."""
    try:
        return _main(list(sys.argv[1:] if argv is None else argv))
    except KengdError as wrong:
        return _say(wrong.for_people(), wrong.exit_code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return 1
    except SystemExit as end:  # argparse after --help and --version
        return end.code if isinstance(end.code, int) else 0


def _main(argv: list[str]) -> int:
    if not all(_is_text(given) for given in argv):
        raise UsageError("usage", "có chữ không đọc được (không phải UTF-8)", cure="gõ lại dòng lệnh", en="not UTF-8")
    command, config, rest = _split(argv)
    if command is None:
        return _help()
    known = COMMANDS | INTERNAL
    if command not in known:
        raise UsageError("usage", f'không có lệnh "{command}"', cure=_nearest(command), en=f"unknown command {command}")
    module = importlib.import_module(known[command][0])
    parser = Parser(prog="kengd")
    subparsers = parser.add_subparsers(dest="command", parser_class=Parser)
    module.add_parser(subparsers)
    args = parser.parse_args([command, *rest])
    args.config = config
    run = cast("Callable[[argparse.Namespace], int]", getattr(args, "run", None) or module.run)
    code = run(args)
    sys.stdout.flush()
    return code or 0


def _split(argv: list[str]) -> tuple[str | None, str | None, list[str]]:
    """(command, --config value, what is left). `--config F` and `--config=F` count anywhere before a bare `--`."""
    config: str | None = None
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word == "--config":
            config = next(words, None)
            if config is None:
                raise UsageError(
                    "usage", "sau --config phải là tên tệp", cure="kengd --config TỆP LỆNH", en="--config needs a file"
                )
        elif word.startswith("--config="):
            config = word.removeprefix("--config=")
        elif not rest and word == "--version":
            print(f"kengd {__version__}")
            raise SystemExit(0)
        elif not rest and word in ("-h", "--help"):
            return None, config, []
        elif not rest and word.startswith("-"):
            raise UsageError(
                "usage", f"không hiểu {word} đứng trước lệnh", cure="xem `kengd --help`", en=f"unknown option {word}"
            )
        else:
            rest.append(word)
    if not rest:
        raise UsageError("usage", "thiếu lệnh", cure="xem `kengd --help`", en="no command given")
    return rest[0], config, rest[1:]


def _help() -> int:
    width = max(map(len, COMMANDS))
    print("kengd [--config TỆP] [--version] LỆNH …\n\nCác lệnh (xem thêm: kengd LỆNH --help):")
    for name, (_, summary) in COMMANDS.items():
        print(f"  {name:<{width}}  {summary}")
    sys.stdout.flush()
    return 0


def _nearest(command: str) -> str:
    import difflib

    near = difflib.get_close_matches(command, COMMANDS, n=1)
    return f"có phải `kengd {near[0]}`?" if near else "xem `kengd --help`"


def _say(text: str, code: int) -> int:
    try:
        print(text, file=sys.stderr)
    except (BrokenPipeError, ValueError):
        _drop_output()
    return code


def _drop_output() -> None:
    """Nobody reads us any more: keep the interpreter from complaining about it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError):
            continue


if __name__ == "__main__":
    sys.exit(main())
