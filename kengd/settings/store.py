"""The files below <state_dir>/settings: names, tight modes, writes that a power cut cannot halve. Standard library only."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import kengd

CODEBOOK = "codebook.json"
TIMETABLE = "timetable.json"
LAST_GOOD = "last-good"


def directory(state: Path) -> Path:
    """Where compiled settings and the hub's versions are kept."""
    return state / "settings"


def overlay(state: Path, name: str) -> bytes | None:
    """The hub's version (`CODEBOOK` or `TIMETABLE`), or None. Raises OSError other than "not there"."""
    try:
        return (directory(state) / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def compiled_name(raw: bytes, config: Path, overlays: tuple[bytes | None, ...]) -> str:
    """The file name under which these settings, compiled by this very program, are kept."""
    digest = hashlib.sha256()
    for part in (raw, os.fsencode(config), *overlays, program().encode()):
        digest.update(b"-" if part is None else b"%d:" % len(part) + part)
    return f"compiled-{digest.hexdigest()[:24]}.json"


@cache
def program() -> str:
    """This program's version, and the age of the files that turn settings into plans: after an upgrade all is compiled anew."""
    package = Path(kengd.__file__).parent
    files = [
        package / "plain.py",
        *(path for room in ("settings", "bellcode", "duty") for path in (package / room).glob("*.py")),
    ]
    ages = sorted((path.name, path.stat().st_mtime_ns) for path in files)
    return f"{kengd.__version__} {ages}"


def seal(document: dict[str, Any]) -> bytes:
    """The document as a line of JSON under a line with its SHA-256, so that a spoilt card is noticed."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def unseal(content: bytes) -> dict[str, Any]:
    """What `seal` was given. Raises ValueError."""
    digest, _, body = content.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ValueError("compiled settings are damaged")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("compiled settings are no object")
    return document


def write(path: Path, content: bytes) -> None:
    """Write the whole file or nothing, durably, readable by the owner only (directory 0700). Raises OSError."""
    path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.parent.stat().st_mode & 0o077:
        os.chmod(path.parent, 0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames in this directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def last_good(state: Path) -> Path | None:
    """The compiled settings of the last good start, or None."""
    try:
        name = (directory(state) / LAST_GOOD).read_text().strip()
    except (OSError, ValueError):
        return None
    path = directory(state) / os.path.basename(name)
    return path if name and os.path.isfile(path) else None  # Path.is_file raises where a card returns errors


def sweep(state: Path, *keep: str) -> None:
    """Remove compiled settings and half-written files that are neither named here nor the last good ones."""
    good = last_good(state)
    kept = {*keep, good.name if good else ""}
    for path in [*directory(state).glob("compiled-*.json"), *directory(state).glob(".*.json.*")]:
        if path.name not in kept:
            path.unlink(missing_ok=True)
