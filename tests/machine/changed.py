"""Releases that differ from this checkout: a higher number, a newer book, a fault. Each is made from a copy, as a maker would."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

Change = Callable[[Path], None]


def numbered(version: str, *more: Change) -> Change:
    """The same program under another number, and with these changes."""

    def change(tree: Path) -> None:
        _replace(tree / "pyproject.toml", r'^version = ".*"$', f'version = "{version}"')
        _replace(tree / "kengd/__init__.py", r'__version__ = ".*"', f'__version__ = "{version}"')
        for each in more:
            each(tree)

    return change


def newer_book(tree: Path) -> None:
    """It knows a shape of the book that no release of before knows."""
    step = '    2: ("CREATE TABLE later (n INTEGER PRIMARY KEY)",),\n}'
    _replace(tree / "kengd/journal/schema.py", r"^\}$", step)


def belfry_broken(tree: Path) -> None:
    """A sabotaged program: it can be installed, and it cannot be loaded."""
    _append(tree / "kengd/belfry/player.py", "raise ImportError('sabotaged')\n")


def mute(tree: Path) -> None:
    """Good by hand, so its trial finds nothing; as a service it ends before it is ready."""
    _append(
        tree / "kengd/belfry/player.py", "import os\nif os.environ.get('NOTIFY_SOCKET'):\n    raise SystemExit(3)\n"
    )


def _append(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text)


def _replace(file: Path, pattern: str, text: str) -> None:
    new, count = re.subn(pattern, lambda found: text, file.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1, f"{pattern} is not in {file}"
    file.write_text(new)
