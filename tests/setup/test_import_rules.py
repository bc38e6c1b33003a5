"""Who may import whom (the contracts in pyproject.toml): kept by the code, and each one notices when it is broken."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = ("bellcode", "duty", "wire", "firmware", "errors", "plain", "ports")
LINT = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as go; go(['--no-cache'])"]

# file to spoil, line put into it, and how the linter names the offence
OFFENCES = (
    ("duty/words.py", "import kengd.intercom", "kengd.duty is not allowed to import kengd.intercom"),
    ("belfry/player.py", "import kengd.office", "kengd.belfry is not allowed to import kengd.office"),
    ("uplink/__init__.py", "import kengd.journal", "kengd.uplink is not allowed to import kengd.journal"),
    ("settings/plan.py", "import kengd.uplink", "kengd.settings is not allowed to import kengd.uplink"),
    ("duty/words.py", "import time", "kengd.duty is not allowed to import time"),
    ("bellcode/score.py", "import random", "kengd.bellcode is not allowed to import random"),
    ("wire/topics.py", "import secrets", "kengd.wire is not allowed to import secrets"),
    ("ports.py", "import socket", "kengd.ports is not allowed to import socket"),
    ("errors.py", "import logging", "kengd.errors is not allowed to import logging"),
    ("plain.py", "import pathlib", "kengd.plain is not allowed to import pathlib"),
    ("firmware/lint.py", "import os", "kengd.firmware is not allowed to import os"),
    ("firmware/lint.py", "import kengd.settings.model", "kengd.firmware is not allowed to import pydantic"),
    ("bellcode/signal.py", "import pydantic", "kengd.bellcode is not allowed to import pydantic"),
    ("intercom.py", "import sqlmodel", "kengd.belfry is not allowed to import sqlmodel"),
    ("belfry/player.py", "import kengd.wire.signing", "kengd.belfry is not allowed to import cryptography"),
    ("belfry/player.py", "import kengd.journal", "kengd.belfry is not allowed to import kengd.journal"),
    ("cli/__init__.py", "import gpiozero", "kengd.cli -> gpiozero"),
    ("cli/__init__.py", "import gpiod", "kengd.cli -> gpiod"),
    ("cli/__init__.py", "import paho.mqtt.client", "kengd.cli -> paho"),
    ("office/__init__.py", "import sqlite3", "kengd.office -> sqlite3"),
    ("office/__init__.py", "import fastapi", "kengd.office -> fastapi"),
)


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(tree), "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(LINT, cwd=tree, env=environment, capture_output=True, text=True, timeout=100)


def contract_names() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]]


def test_every_contract_notices_when_it_is_broken(tmp_path: Path) -> None:
    """A rule that cannot fail is none: in a spoilt copy each contract is broken, and each offence is named."""
    shutil.copytree(ROOT / "kengd", tmp_path / "kengd", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, line, _ in OFFENCES:
        with open(tmp_path / "kengd" / file, "a") as spoilt:
            spoilt.write(f"\n{line}\n")
    told = lint(tmp_path)
    words = " ".join(told.stdout.split())
    assert told.returncode == 1, told.stdout + told.stderr
    assert [name for name in contract_names() if f"{name} BROKEN" not in words] == []
    assert [offence for _, _, offence in OFFENCES if offence not in words] == []


def test_the_code_keeps_every_contract() -> None:
    """The house rules of who may import whom hold now."""
    told = lint(ROOT)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_do_not_ask_the_time_or_touch_files(room: str) -> None:
    """What imports cannot show: datetime.now() and its like, open(), print(), input() do not occur in pure rooms."""
    place = ROOT / "kengd" / room
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    found = []
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Attribute) and called.attr in ("now", "today", "utcnow"):
                found.append(f"{file.relative_to(ROOT)}:{node.lineno} {called.attr}()")
            if isinstance(called, ast.Name) and called.id in ("open", "print", "input", "exec", "eval", "__import__"):
                found.append(f"{file.relative_to(ROOT)}:{node.lineno} {called.id}()")
    assert found == []
