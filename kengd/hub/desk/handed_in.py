"""A backup that somebody hands in: on the hub's own disk, in a file without a name, bounded, one at a time."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from kengd.errors import KengdError, UsageError
from kengd.hub import keeping, packing
from kengd.hub.desk.desk import Desk
from kengd.hub.desk.gate import LARGEST_BACKUP

WITHIN_S: Final = 1_800.0
ZIP: Final = b"PK"
"""So every zip file begins."""


@contextmanager
def one_at_a_time(desk: Desk) -> Iterator[None]:
    """Nobody else makes, reads or restores a backup meanwhile. Raises KengdError `busy`."""
    if not desk.keeping.acquire(blocking=False):
        raise KengdError("busy", "đang sao lưu hoặc khôi phục", cure="thử lại sau một phút", en="a backup is under way")
    try:
        yield
    finally:
        desk.keeping.release()


@asynccontextmanager
async def handed_in(request: Request, desk: Desk) -> AsyncIterator[IO[bytes]]:
    """The body in a nameless file, however long it is; nobody else hands one in meanwhile."""
    with one_at_a_time(desk), nameless(desk.hub.settings.state) as out:
        try:
            _room_for(request, desk.hub.settings.state)
            await _received(request, out)
        except OSError as wrong:
            raise keeping.unwritable(desk.hub.settings.state, wrong) from wrong
        out.seek(0)
        yield out


async def _received(request: Request, out: IO[bytes]) -> None:
    size, head = 0, b""
    try:
        async with asyncio.timeout(WITHIN_S):
            async for chunk in request.stream():
                size += len(chunk)
                head += chunk[: len(ZIP) - len(head)]
                if not ZIP.startswith(head):
                    raise packing.broken(packing.HANDED_IN, "it is no zip file")
                _bounded(size)
                out.write(chunk)
    except (TimeoutError, ClientDisconnect):
        raise UsageError(
            "invalid", "tệp gửi lên bị đứt giữa chừng", cure="gửi lại", en="the upload broke off"
        ) from None


def _room_for(request: Request, state: Path) -> None:
    """Before a byte is read: what is announced, and once more what is made of it, must find room; the ledger has the same disk."""
    length = request.headers.get("content-length", "")
    announced = int(length) if length.isascii() and length.isdigit() and len(length) <= 18 else 0
    _bounded(announced)
    free = shutil.disk_usage(state).free
    if free < 2 * announced:
        raise KengdError(
            "backup_unwritable",
            f"đĩa của máy trực ban còn {free >> 20} MiB, cần {2 * announced >> 20} MiB để đọc tệp này",
            cure="dọn đĩa của máy trực ban rồi gửi lại",
            en=f"{free} bytes are free on the hub's disk, {2 * announced} are needed",
        )


def _bounded(size: int) -> None:
    if size > LARGEST_BACKUP:
        raise KengdError(
            "too_large",
            f"tệp dài quá {LARGEST_BACKUP >> 30} GiB",
            cure="khôi phục ở máy trực ban bằng lệnh: kengd hub restore TỆP",
            en=f"the file is over {LARGEST_BACKUP} bytes",
        )


def nameless(state: Path) -> IO[bytes]:
    """On the hub's own disk, for nobody else to open, gone with its process. Raises KengdError `backup_unwritable`."""
    try:
        return tempfile.TemporaryFile(dir=state)
    except OSError as wrong:
        raise keeping.unwritable(state, wrong) from wrong
