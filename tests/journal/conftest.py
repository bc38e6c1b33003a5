"""What every test of the book needs: records as the spool makes them, and books that are closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kengd.duty.words import Draft, EntryKind, Instant, Purpose, Source, Stamped
from kengd.journal.book import Book, OpenedBook

WALL_MS = 1_796_137_200_000  # 2026-12-01T15:00:00Z, 22:00 in the village


@pytest.fixture
def record() -> Callable[..., Stamped]:
    """record(n, kind, boot=…, **draft): the n-th record of a boot's spool, n ms after 22:00."""

    def make(
        n: int, kind: str = "refused", *, boot: str = "boot-a", wall_ms: int | None = None, **draft: Any
    ) -> Stamped:
        if draft.pop("alarm", False):
            draft |= {"signal": "alarm", "purpose": Purpose.ACTUAL, "source": Source.BUTTON, "place": "nhà văn hóa"}
        at = WALL_MS + n if wall_ms is None else wall_ms
        return Stamped(n, boot, n, at, "ntp", Draft(EntryKind(kind), **draft))

    return make


@pytest.fixture
def open_book(tmp_path: Path) -> Iterator[Callable[..., OpenedBook]]:
    """open_book(**changes): the book in tmp_path/book; an earlier one is closed first."""
    opened: list[OpenedBook] = []

    def take_up(**changes: Any) -> OpenedBook:
        for earlier in opened:
            earlier.book.close()
        asked: dict[str, Any] = {"post": "thon-1", "now": Instant(1, WALL_MS), "boot": "boot-a"} | changes
        directory = asked.pop("directory", tmp_path / "book")
        opened.append(Book.open(directory, **asked))
        return opened[-1]

    yield take_up
    for book in opened:
        book.book.close()
