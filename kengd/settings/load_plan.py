"""The compiled settings, as belfry and office read them: standard library only, no pydantic (a start must be fast and small).

P3: settings that were edited wrongly since the last good start do not stop the post; it starts on the last good ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import kengd
from kengd.errors import KengdError, UsageError
from kengd.plain import from_plain
from kengd.settings import store, where
from kengd.settings.plan import BelfryPlan, OfficePlan

COMPILE_TIMEOUT_S = 60
"""pydantic alone takes 7–14 s to import on the slowest Pi, with a cold card."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings that can be worked with. `path`: the compiled file, None when the disk did not take it.

    `fell_back`: why these are not (all of) the settings as they stand in the file now; condition `settings_invalid`.
    """

    plan: BelfryPlan
    office_plan: OfficePlan
    path: Path | None
    fell_back: KengdError | None = None


def compiled(config: str | None) -> Loaded:
    """The settings in force: compiled before, compiled now by a short-lived process, or else the last good ones.

    Raises KengdError when none of these is to be had, and UsageError `no_config` when there is no settings file at all.
    """
    path = where.required_config(config)
    try:
        raw = where.read_bytes(path)
    except KengdError as unreadable:
        return _fall_back(path, b"", unreadable)
    state = where.state_dir_of(raw, path)
    known = store.directory(state) / store.compiled_name(raw, path, overlays(state))
    found = read(known)
    if found is not None:
        return found
    try:
        return _compile(path, salvage=False)
    except KengdError as wrong:
        return _fall_back(path, raw, wrong)


def mark_good(loaded: Loaded) -> None:
    """The belfry has started well on these: keep them as what to fall back to. A disk that cannot be written is borne."""
    if loaded.path is None:
        return
    state = Path(loaded.plan.state_dir)
    try:
        if store.last_good(state) != loaded.path:
            store.write(store.directory(state) / store.LAST_GOOD, loaded.path.name.encode() + b"\n")
        store.sweep(state)
    except OSError:
        return


def last_good_instead(config: str | None, wrong: KengdError) -> Loaded:
    """The last good settings, when those compiled now were read well but could not be started on (a pin is not to be had).

    Raises `wrong` when there are none, or when they are the same ones.
    """
    path = where.required_config(config)
    raw = where.read_bytes(path)
    good = _last_good(path, raw)
    known = store.compiled_name(raw, path, overlays(where.state_dir_of(raw, path)))
    if good is None or good.path is None or good.path.name == known:
        raise wrong
    return replace(good, fell_back=wrong)


def overlays(state: Path) -> tuple[bytes | None, ...]:
    """The hub's codebook and timetable as bytes; one that cannot be read counts as not there."""
    found: list[bytes | None] = []
    for name in (store.CODEBOOK, store.TIMETABLE):
        try:
            found.append(store.overlay(state, name))
        except OSError:
            found.append(None)
    return tuple(found)


def read(path: Path) -> Loaded | None:
    """A compiled file, or None when it is not there or damaged."""
    try:
        return _loaded(store.unseal(path.read_bytes()), path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _loaded(document: dict[str, Any], path: Path | None, fell_back: KengdError | None = None) -> Loaded:
    plan = from_plain(BelfryPlan, document["belfry"])
    return Loaded(plan, from_plain(OfficePlan, document["office"]), path, fell_back)


def _compile(path: Path, *, salvage: bool) -> Loaded:
    """Run the compiler as a process of its own. Raises KengdError."""
    command = [sys.executable, "-m", "kengd.settings.compile", str(path), *(["--salvage"] if salvage else [])]
    environment = {**os.environ, "PYTHONPATH": str(Path(kengd.__file__).parent.parent)}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMPILE_TIMEOUT_S,
            check=False,
        )
        answer = json.loads(done.stdout)
        fell_back = UsageError(**answer["error"]) if "error" in answer else None
        if fell_back is not None and "belfry" not in answer:
            raise fell_back
        kept = store.directory(Path(answer["belfry"]["state_dir"])) / answer["name"]
        return _loaded(answer, kept if fell_back is None and os.path.isfile(kept) else None, fell_back)
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as broken:
        raise KengdError(
            "settings_invalid",
            f"không dịch được tệp cài đặt {path}: {broken}",
            cure="chạy `kengd check` để xem lỗi",
            en=f"compiling {path} failed: {broken}",
        ) from broken


def _fall_back(path: Path, raw: bytes, wrong: KengdError) -> Loaded:
    """The last good settings of this file; else, of the file as it is, what can be saved (H23); else raises `wrong`."""
    good = _last_good(path, raw)
    if good is not None:
        return replace(good, fell_back=wrong)
    if raw and wrong.code == "settings_invalid":
        try:
            return _compile(path, salvage=True)
        except KengdError:
            raise wrong from None
    raise wrong


def _last_good(path: Path, raw: bytes) -> Loaded | None:
    """P11: simulated pins only while the file, however broken, still asks for them by name."""
    state = where.state_dir_of(raw, path)
    good = store.last_good(state)
    if good is None:
        return None
    try:
        document = store.unseal(good.read_bytes())
        loaded = _loaded(document, good)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if document.get("config") != str(path):
        return None
    if loaded.plan.pins == "simulated" and where.pins_of(raw) != "simulated":
        return None
    return loaded
