"""`python -m kengd.settings.compile CONFIG`: validate the settings and keep them as plain data for belfry and office.

Runs as a short-lived process of its own, so that the belfry never carries pydantic (DESIGN section 4). Prints one JSON object: the
compiled document, or {"error": {code, vi, cure, en}} with exit code 2. A disk that cannot be written is no error: the
document is printed all the same, so the post starts.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import kengd
from kengd.errors import KengdError
from kengd.plain import to_plain
from kengd.settings import store
from kengd.settings.find import LoadedSettings, load
from kengd.settings.problems import SettingsError


def document(loaded: LoadedSettings) -> dict[str, Any]:
    """The compiled settings as JSON data; `name` is the file's name (a hash over all that went in)."""
    return {
        "name": loaded.compiled_name,
        "config": str(loaded.path),
        "version": kengd.__version__,
        "belfry": to_plain(loaded.plan),
        "office": to_plain(loaded.office_plan),
    }


def keep(loaded: LoadedSettings) -> Path:
    """Write the compiled file durably, remove older ones except the last good. Raises OSError."""
    state = Path(loaded.plan.state_dir)
    path = store.directory(state) / loaded.compiled_name
    store.write(path, store.seal(document(loaded)))
    store.sweep(state, loaded.compiled_name)
    return path


def compile_now(config: str, *, salvage: bool) -> dict[str, Any]:
    """The document of these settings, kept on disk if the disk lets us.

    `salvage`: when only the office's part is wrong, leave that part out (not kept on disk) and say so under "error", so that
    the buttons are armed (H23). Raises KengdError.
    """
    try:
        loaded = load(config, allow_example=False)
    except SettingsError as wrong:
        if not salvage:
            raise
        return {**document(load(config, allow_example=False, leave_out=office_only(wrong))), "error": error_data(wrong)}
    try:
        keep(loaded)
    except OSError as broken:
        print(f"cannot keep compiled settings: {broken}", file=sys.stderr)
    return document(loaded)


def office_only(wrong: SettingsError) -> frozenset[str]:
    """The office's tables in which all the mistakes lie. Raises `wrong` when any lies elsewhere or is an unknown key."""
    tables = {problem.where.partition(".")[0].partition("[")[0] for problem in wrong.problems}
    unknown = any(problem.code in ("unknown_key", "toml") for problem in wrong.problems)
    if unknown or not tables <= {"broker", "hub", "web", "timetable", "journal"}:
        raise wrong
    return frozenset(tables)


def error_data(wrong: KengdError) -> dict[str, str]:
    """The error as JSON data."""
    return {"code": wrong.code, "vi": wrong.vi, "cure": wrong.cure, "en": wrong.en}


def main(argv: Sequence[str] | None = None) -> int:
    """The program; exit code 0 or 2."""
    parser = argparse.ArgumentParser(prog="python -m kengd.settings.compile")
    parser.add_argument("config")
    parser.add_argument("--salvage", action="store_true")
    args = parser.parse_args(argv)
    try:
        answer, code = compile_now(args.config, salvage=args.salvage), 0
    except KengdError as wrong:
        print(wrong.for_people(), file=sys.stderr)
        answer, code = {"error": error_data(wrong)}, 2
    json.dump(answer, sys.stdout, ensure_ascii=False, separators=(",", ":"))
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
