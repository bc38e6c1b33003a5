"""Taking over the codebook or timetable that the hub sent, and the way back. Imports pydantic.

Imported by the office when such a command comes. Each version is tried whole (TOML, the other overlay, this bell) before
anything is written; the one before is kept beside it.
"""

from __future__ import annotations

import os
from pathlib import Path

from kengd.errors import KengdError
from kengd.settings import store, where
from kengd.settings.alarms import unheard_alarms
from kengd.settings.compile import keep
from kengd.settings.find import LoadedSettings, load
from kengd.settings.overlay import Overlays, packed, version_of
from kengd.settings.problems import Problem, SettingsError

LARGEST_OVERLAY = 64 * 1024
FILES = {"codebook": store.CODEBOOK, "timetable": store.TIMETABLE}


def apply_codebook_overlay(config: str | None, version: int, codebook: object) -> LoadedSettings:
    """Take over the hub's codebook: a `[codebook]` table as JSON (`use`, `signals`).

    Returns the settings now in force. Raises KengdError `stale_version` (lower than the one in force, or the same number with other
    content), SettingsError with code `cannot_play` (it cannot be used here; its problems say why), KengdError `state_unwritable`.
    """
    return _apply(config, "codebook", version, codebook)


def apply_timetable_overlay(config: str | None, version: int, timetable: object) -> LoadedSettings:
    """Take over the hub's timetable: a list of `[[timetable]]` tables as JSON. As `apply_codebook_overlay`."""
    return _apply(config, "timetable", version, timetable)


def revert_overlay(config: str | None, name: str) -> LoadedSettings:
    """Back to the version before ("codebook" or "timetable"), or to the settings file's own; called again, forth again.

    Raises KengdError `no_previous` when there is none, and as `apply_codebook_overlay`.
    """
    path, state, kept = _here(config)
    before = _previous(state, name)
    if not before.exists():
        raise KengdError("no_previous", "không có bản trước để quay lại", en=f"no previous {name}")
    content = before.read_bytes() or None
    loaded = _tried(path, _with(kept, name, content))
    _put(state, name, content, _of(kept, name))
    _keep(loaded)
    return loaded


def _apply(config: str | None, name: str, version: int, content: object) -> LoadedSettings:
    path, state, kept = _here(config)
    overlay = _packed(str(path), name, version, content)
    current = _of(kept, name)
    if overlay == current:
        return _tried(path, kept)
    if version <= version_of(current):
        raise KengdError(
            "stale_version",
            f"bản số {version} cũ hơn bản đang dùng (số {version_of(current)})",
            cure="gửi lại với số bản cao hơn",
            en=f"{name} version {version} is stale",
        )
    loaded = _tried(path, _with(kept, name, overlay))
    if name == "codebook" and (problems := unheard_alarms(loaded.plan.signals, _tried(path, kept).plan.signals)):
        raise _cannot_play(SettingsError(str(path), problems))
    _put(state, name, overlay, current)
    _keep(loaded)
    return loaded


def _here(config: str | None) -> tuple[Path, Path, Overlays]:
    path = where.required_config(config)
    state = where.state_dir_of(where.read_bytes(path), path)
    return path, state, Overlays.kept(state)


def _packed(said: str, name: str, version: int, content: object) -> bytes:
    shape = dict if name == "codebook" else list
    try:
        overlay = packed(version, name, content)
    except (TypeError, ValueError, RecursionError):
        overlay = b""
    wrong = type(version) is not int or not 1 <= version < 2**53
    if wrong or not isinstance(content, shape) or not overlay or len(overlay) > LARGEST_OVERLAY:
        raise _cannot_play(SettingsError(said, [Problem("value", name, "bản do xã gửi không đúng dạng")]))
    return overlay


def _tried(path: Path, overlays: Overlays) -> LoadedSettings:
    try:
        return load(str(path), allow_example=False, overlays=overlays)
    except SettingsError as wrong:
        raise _cannot_play(wrong) from None


def _cannot_play(wrong: SettingsError) -> SettingsError:
    wrong.code = "cannot_play"
    return wrong


def _of(overlays: Overlays, name: str) -> bytes | None:
    return overlays.codebook if name == "codebook" else overlays.timetable


def _with(overlays: Overlays, name: str, content: bytes | None) -> Overlays:
    if name == "codebook":
        return Overlays(content, overlays.timetable)
    return Overlays(overlays.codebook, content)


def _previous(state: Path, name: str) -> Path:
    return store.directory(state) / f"{name}.previous.json"


def _put(state: Path, name: str, content: bytes | None, before: bytes | None) -> None:
    """The one before first (empty = the settings file's own), then the new one: a power cut between leaves the old in force."""
    target = store.directory(state) / FILES[name]
    try:
        store.write(_previous(state, name), before or b"")
        if content is None:
            target.unlink(missing_ok=True)
            store.sync_directory(target.parent)
        else:
            store.write(target, content)
    except OSError as broken:
        raise KengdError(
            "state_unwritable",
            f"không ghi được vào {target.parent} ({os.strerror(broken.errno or 0)})",
            cure="xem lại đĩa và quyền ghi (kengd doctor)",
            en=f"cannot write {target}: {broken}",
        ) from broken


def _keep(loaded: LoadedSettings) -> None:
    """Compiled at once, so that the belfry reloads without waiting for the compiler."""
    try:
        keep(loaded)
    except OSError:
        return
