"""kill -9 in mid-commit: nothing acknowledged is lost, nothing is written twice, the chain is whole (P7, R40)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kengd.journal.batch import Batch
from kengd.journal.book import OpenedBook
from kengd.journal.proof import prove, whole_book

WRITER = """
import sys
from pathlib import Path
from kengd.duty.words import Draft, EntryKind, Instant, Stamped
from kengd.journal.batch import Batch, SeenCommand
from kengd.journal.book import Book

directory, after = Path(sys.argv[1]), int(sys.argv[2])
book = Book.open(directory, post="thon-1", now=Instant(1, 1), boot="boot-a").book
n = max(0, after - 5)
while True:
    batch = [Stamped(n + i, "boot-a", 1, n, "ntp", Draft(EntryKind.REFUSED, by=str(n + i))) for i in range(1, 8)]
    book.write(Batch(batch, seen=[SeenCommand(f"jti-{n + 7}", bytes(32), 1)], values={"upto": str(n + 7)}))
    n += 7
    print(n, flush=True)
    if n % 700 == 0:
        book.tidy(Instant(1, 1), keep_entries=1000)
"""


def test_nothing_that_was_acknowledged_is_lost_by_kill_9(tmp_path: Path, open_book: Callable[..., OpenedBook]) -> None:
    """Six writers killed at random moments: each acknowledged record is in the book once, in order, with its batch whole."""
    acknowledged, directory = 0, tmp_path / "book"
    for _ in range(6):
        acknowledged = max(acknowledged, _killed_writer(directory, acknowledged))
        entries = [entry for entry in whole_book(directory / "book.db") if entry.by is not None]
        numbers = [int(entry.by or 0) for entry in entries]
        assert prove(directory / "book.db").wrong is None
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= acknowledged
    opened = open_book()
    assert opened.fresh is None
    assert opened.book.value("upto") == str(len(numbers)) == str(opened.book.written_upto("boot-a"))
    assert opened.book.seen()[-1].jti.startswith("jti-")
    assert opened.book.write(Batch()) == []
    assert acknowledged > 100


def _killed_writer(directory: Path, after: int) -> int:
    """Run a writer, kill it a random moment after its first commit; the last number it acknowledged."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory), str(after)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(random.uniform(0, 0.25))
    os.kill(child.pid, signal.SIGKILL)
    rest, _ = child.communicate()
    lines = (first + rest).split("\n")[:-1]  # a last line without its end was not said
    return int(lines[-1])
