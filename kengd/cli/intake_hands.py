"""The deeds of the intake, each of them on the card when it returns. A test takes the power away before, in or after any."""

from __future__ import annotations

import os
from pathlib import Path

_PIECE = 64 * 1024


class Hands:
    """Writes and wipes. All methods raise OSError."""

    def write(self, path: Path, data: bytes, mode: int, group: int | None = None) -> None:
        """The whole file or the one before, never half of either. `group`: gid; None leaves it."""
        unfinished = path.with_name(f".{path.name}.new")
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if group is not None:
            os.chown(unfinished, -1, group)
        os.chmod(unfinished, mode)
        os.replace(unfinished, path)
        self._sync_folder(path.parent)

    def note(self, path: Path, data: bytes) -> None:
        """For people, on a FAT: no owners there, and no harm in half of it."""
        with open(path, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, source: Path, target: Path) -> None:
        """Within one directory."""
        os.replace(source, target)
        self._sync_folder(target.parent)

    def overwrite(self, path: Path) -> None:
        """Other bytes where these were, as far as a file system and a flash card do what they are told."""
        left = path.stat().st_size
        with open(path, "r+b", buffering=0) as file:
            while left > 0:
                left -= file.write(os.urandom(min(left, _PIECE)))
            os.fsync(file.fileno())

    def remove(self, path: Path) -> None:
        """It may be gone already."""
        path.unlink(missing_ok=True)
        self._sync_folder(path.parent)

    def _sync_folder(self, folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
