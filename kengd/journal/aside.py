"""Setting a book aside: it is kept, under a name with its time, and never written again. Standard library only."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kengd.journal.archive import sync_folder
from kengd.wire.entry import LATEST_MS

MOST_ASIDE: Final = 5
_ASIDE: Final = "book-aside-[0-9][0-9][0-9][0-9]-*.db"
_TAILS: Final = ("", "-wal", "-shm")


def set_aside(path: Path, wall_ms: int) -> Path | None:
    """Rename book.db (and its -wal, -shm) to `book-aside-NNNN-TIME.db`; the newest five are kept. Raises OSError."""
    former = sorted(path.parent.glob(_ASIDE))
    number = 1 + (int(former[-1].name.split("-")[2]) if former else 0)
    time = datetime.fromtimestamp(min(max(wall_ms, 0), LATEST_MS) / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"book-aside-{number:04d}-{time}.db")
    for tail in _TAILS:
        source = path.with_name(path.name + tail)
        if source.exists():
            source.rename(target.with_name(target.name + tail))
    for old in former[: -(MOST_ASIDE - 1)]:
        for tail in _TAILS:
            old.with_name(old.name + tail).unlink(missing_ok=True)
    sync_folder(path.parent)
    return target if target.exists() else None


def newest_aside(directory: Path) -> Path | None:
    """The book that was set aside last, or None."""
    return max(directory.glob(_ASIDE), default=None)
