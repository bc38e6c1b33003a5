"""Where the settings file, the state and the run directory are. Standard library only; works on a broken settings file too.

Used by the belfry and by `kengd off`, `ring`, `hush`, which must work while the settings are edited wrongly (P3).
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from kengd.errors import UsageError
from kengd.settings import store

SYSTEM_CONFIG = "/etc/kengd/kengd.toml"
SYSTEM_STATE = "/var/lib/kengd"
SYSTEM_RUN = "/run/kengd"
SHARED_MEMORY = "/dev/shm"
"""tmpfs; the directory in it belongs to one user."""
LARGEST_FILE = 128 * 1024

_TABLE = re.compile(r"^[ \t]*\[+[ \t]*([^\]\n]*?)[ \t]*\]", re.MULTILINE)
_STRING = r"""[ \t]*=[ \t]*(?:"([^"\n]*)"|'([^'\n]*)')"""


def config_path(config: str | None) -> Path | None:
    """`--config`, else $KENGD_CONFIG, else /etc/kengd/kengd.toml if it is there, else None (the built-in example)."""
    named = config or os.environ.get("KENGD_CONFIG")
    if named:
        return Path(os.path.abspath(named))
    return Path(SYSTEM_CONFIG) if os.path.exists(SYSTEM_CONFIG) else None


def required_config(config: str | None) -> Path:
    """As `config_path`; raises UsageError `no_config` instead of taking the example."""
    path = config_path(config)
    if path is None:
        raise UsageError(
            "no_config",
            f"chưa có tệp cài đặt của điểm kẻng ({SYSTEM_CONFIG})",
            cure=f"chép tệp mẫu deploy/kengd.example.toml thành {SYSTEM_CONFIG} rồi sửa, hoặc chỉ rõ bằng --config",
            en="no settings file",
        )
    return path


def read_bytes(path: Path) -> bytes:
    """The file's bytes. Raises UsageError `config_unreadable` when it cannot be read or is larger than 128 KiB."""
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as wrong:
        reason = getattr(wrong, "strerror", None) or str(wrong)
        raise UsageError(
            "config_unreadable",
            f"không đọc được tệp cài đặt {path} ({reason})",
            cure="xem lại đường dẫn và quyền đọc của tệp",
            en=f"cannot read {path}: {reason}",
        ) from wrong
    if len(raw) > LARGEST_FILE:
        raise UsageError("config_unreadable", f"tệp cài đặt {path} lớn quá 128 KiB", cure="kiểm tra có nhầm tệp không")
    return raw


def text_of(raw: bytes) -> str:
    """The text, without the mark that Windows Notepad puts first and with one kind of line end. Raises UnicodeDecodeError."""
    return raw.decode("utf-8-sig").replace("\r\n", "\n")


def state_dir_of(raw: bytes, config: Path) -> Path:
    """`state_dir` of these settings; of a broken file the `state_dir = "…"` line is believed; else the system's directory."""
    found = _setting(raw, (), "state_dir")
    if found:
        return absolute(found, config)
    return Path(os.environ.get("STATE_DIRECTORY", "").split(":")[0] or SYSTEM_STATE)


def state_dir(config: str | None) -> Path:
    """The post's state directory. Raises UsageError when there is no settings file or it cannot be read."""
    path, raw = _file(config)
    return state_dir_of(raw, path)


def _file(config: str | None) -> tuple[Path, bytes]:
    """The settings file and its bytes; while the system's own file is lost its post can still be stopped.

    A file named wrongly is never taken for the system's: `kengd --config TYPO ring` must not ring the real bell.
    """
    path = config_path(config)
    if path is None and not os.path.isdir(SYSTEM_RUN):
        path = required_config(config)
    path = path or Path(SYSTEM_CONFIG)
    try:
        return path, read_bytes(path)
    except UsageError:
        if path != Path(SYSTEM_CONFIG):
            raise
        return path, b""


def pins_of(raw: bytes) -> str | None:
    """`gpio.pins` as it stands in the file, even a broken one; None when no such line is found."""
    return _setting(raw, ("gpio",), "pins")


def run_dir(config: str | None) -> Path:
    """The run directory (sockets, spool) of the post with these settings.

    What the last good start used counts while it is there (the file may have been edited since). Raises UsageError as `state_dir`.
    """
    path, raw = _file(config)
    state = state_dir_of(raw, path)
    used = _last_good_run_dir(state)
    if used is not None and used.is_dir():
        return used
    given = _setting(raw, (), "run_dir")
    return absolute(given, path) if given else default_run_dir(state, simulated=pins_of(raw) == "simulated")


def default_run_dir(state: Path, *, simulated: bool) -> Path:
    """/run/kengd; for simulated pins a directory of its own on tmpfs, so that many posts can live on one machine."""
    if not simulated:
        return Path(SYSTEM_RUN)
    if not os.path.isdir(SHARED_MEMORY):
        return state / "run"
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()[:12]
    return Path(SHARED_MEMORY) / f"kengd-{_owner(state)}-{digest}"


def absolute(path: str, config: Path) -> Path:
    """A path in the settings; a relative one is meant from the settings file's directory."""
    return Path(os.path.normpath(config.parent / path))


def _owner(state: Path) -> int:
    """The user whom the post runs as: who owns its state, or we."""
    try:
        return state.stat().st_uid
    except (OSError, ValueError):
        return os.getuid()


def _last_good_run_dir(state: Path) -> Path | None:
    try:
        good = store.last_good(state)
        return Path(store.unseal(good.read_bytes())["belfry"]["run_dir"]) if good else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _setting(raw: bytes, table: tuple[str, ...], key: str) -> str | None:
    try:
        data: Any = tomllib.loads(text_of(raw))
        for name in table:
            data = data.get(name, {})
        found = data.get(key)
    except (ValueError, AttributeError, RecursionError):
        return _scan(raw.decode("utf-8", "replace"), ".".join(table), key)
    return found if isinstance(found, str) and "\0" not in found else None


def _scan(text: str, table: str, key: str) -> str | None:
    """The key's string in its table, read line by line because the file as a whole cannot be read."""
    begin = 0
    name = ""
    for header in [*_TABLE.finditer(text), None]:
        end = header.start() if header else len(text)
        if name == table:
            found = re.search(rf"^[ \t]*{key}{_STRING}", text[begin:end], re.MULTILINE)
            if found:
                return (found.group(1) or found.group(2) or "").replace("\0", "")
        if header:
            begin, name = header.end(), header.group(1)
    return None
