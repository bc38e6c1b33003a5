"""Whole files or none, for the owner only; one writer at a time. Every write of this room goes through here."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from kengd.errors import KengdError

PRIVATE = 0o600
PART = ".part"
"""Ends the name of a file that is still being written; what a power cut leaves of it is swept away."""
LOCK_WITHIN_S = 10.0
_LOOK_S = 0.02


def write(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """The whole file or the one before, durably. Callers hold a lock. Raises KengdError `authority_disk`."""
    part = path.with_name(f".{path.name}{PART}")
    with _disk(path):
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise
        sync(path.parent)


def read(path: Path) -> bytes | None:
    """The file's bytes, None when it is not there. Raises KengdError `authority_disk`."""
    with _disk(path):
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None


def remove(path: Path) -> None:
    """Take it away durably; harmless when it is not there. Raises KengdError `authority_disk`."""
    with _disk(path):
        if path.exists():
            os.unlink(path)
            sync(path.parent)


def make_directory(path: Path, mode: int = 0o700) -> None:
    """The directory with exactly this mode. Raises KengdError `authority_disk`."""
    with _disk(path):
        path.mkdir(mode=mode, exist_ok=True)
        if path.stat().st_mode & 0o7777 != mode:
            os.chmod(path, mode)


def put_in_place(made: Path, place: Path) -> None:
    """A finished directory takes its name in one step, also that of an empty one. Raises KengdError `authority_disk`."""
    with _disk(place):
        for directory, _, _ in os.walk(made):
            sync(Path(directory))
        os.replace(made, place)
        sync(place.parent)


def sync(directory: Path) -> None:
    """Make renames in this directory durable. Raises OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(directory: Path) -> None:
    """Remove what a power cut left half-written; callers hold the lock, so nobody is writing it now."""
    with _disk(directory):
        for part in directory.glob(f"**/.*{PART}"):
            os.unlink(part)


@contextlib.contextmanager
def locked(path: Path, within_s: float = LOCK_WITHIN_S) -> Iterator[None]:
    """Hold this file's or directory's lock; another process or thread waits. Not for use inside itself.

    Raises KengdError `authority_busy` when somebody else holds it longer than `within_s`, `authority_disk`.
    """
    with _disk(path):
        flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
        handle = os.open(path, flags, PRIVATE)
    try:
        deadline_s = time.monotonic() + within_s
        while not _taken(handle, path):
            if time.monotonic() >= deadline_s:
                raise KengdError(
                    "authority_busy",
                    f"một lệnh khác đang sửa khoá và chứng thư của xã ({path.parent})",
                    cure="đợi lệnh kia xong rồi làm lại",
                    en=f"{path} is locked by another process",
                )
            time.sleep(_LOOK_S)
        yield
    finally:
        os.close(handle)


def _taken(handle: int, path: Path) -> bool:
    with _disk(path):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@contextlib.contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as broken:
        reason = broken.strerror or type(broken).__name__
        raise KengdError(
            "authority_disk",
            f"không đọc ghi được {path} ({reason})",
            cure="xem ổ đĩa còn chỗ không và thư mục này có thuộc về người dùng đang chạy lệnh không",
            en=f"{path}: {reason}",
        ) from broken
