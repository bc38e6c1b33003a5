"""Old entries, kept as gzipped JSON lines beside the book: `archive/<book>-<first seq>-<last seq>.jsonl.gz`, 0600.

Policy: the book keeps 5 years or 200,000 entries (settable); what goes beyond is archived first and deleted after. At most
40 archives of this book stay (the oldest go first): with the usual 5,000 or more entries each that is decades of rings."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from kengd.wire.entry import Entry, from_json, to_json

MOST_ARCHIVES: Final = 40
_NAME = re.compile(r"([0-9a-f]{16})-(\d{9})-(\d{9})\.jsonl\.gz", re.ASCII)


class Archive(NamedTuple):
    """One archive file and the entries it claims to hold."""

    first: int
    last: int
    path: Path


def archives_of(directory: Path, book: str) -> list[Archive]:
    """The archives of this book, oldest first. `directory`: where book.db is."""
    found = []
    for path in (directory / "archive").glob("*.jsonl.gz"):
        name = _NAME.fullmatch(path.name)
        if name is not None and name[1] == book:
            found.append(Archive(int(name[2]), int(name[3]), path))
    return sorted(found)


def read_archive(path: Path) -> Iterator[Entry]:
    """Its entries in order. Raises OSError (also EOFError, zlib.error, ValueError) when it is damaged."""
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield from_json(line)


def write_archive(directory: Path, book: str, entries: Iterable[Entry], first: int, last: int) -> Path:
    """On disk, whole and synced, or not at all. Archives left by a trim that was cut short are replaced. Raises OSError."""
    folder = directory / "archive"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{book}-{first:09d}-{last:09d}.jsonl.gz"
    unfinished = folder / "unfinished.tmp"
    try:
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as raw:
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
                for entry in entries:
                    packed.write(to_json(entry).encode() + b"\n")
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    for stale in archives_of(directory, book):
        if stale.last >= first and stale.path != path:
            stale.path.unlink()
    for old in archives_of(directory, book)[:-MOST_ARCHIVES]:
        old.path.unlink()
    sync_folder(folder)
    return path


def sync_folder(folder: Path) -> None:
    """Names in a folder survive a power cut only after this. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
