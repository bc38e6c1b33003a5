"""A backup that somebody hands in: on the hub's own disk, in a file without a name, bounded, one at a time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from kengd.errors import KengdError, UsageError
from kengd.hub import keeping
from kengd.hub.desk.desk import Desk
from kengd.hub.desk.gate import LARGEST_BACKUP

WITHIN_S: Final = 1_800.0


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
            await _received(request, out)
        except OSError as wrong:
            raise keeping.unwritable(desk.hub.settings.state, wrong) from wrong
        out.seek(0)
        yield out


async def _received(request: Request, out: IO[bytes]) -> None:
    size = 0
    try:
        async with asyncio.timeout(WITHIN_S):
            async for chunk in request.stream():
                size += len(chunk)
                if size > LARGEST_BACKUP:
                    raise KengdError(
                        "too_large",
                        f"tệp dài quá {LARGEST_BACKUP >> 30} GiB",
                        cure="khôi phục ở máy trực ban bằng lệnh: kengd hub restore TỆP",
                        en=f"the file is over {LARGEST_BACKUP} bytes",
                    )
                out.write(chunk)
    except (TimeoutError, ClientDisconnect):
        raise UsageError(
            "invalid", "tệp gửi lên bị đứt giữa chừng", cure="gửi lại", en="the upload broke off"
        ) from None


def nameless(state: Path) -> IO[bytes]:
    """On the hub's own disk, for nobody else to open, gone with its process. Raises KengdError `backup_unwritable`."""
    try:
        return tempfile.TemporaryFile(dir=state)
    except OSError as wrong:
        raise keeping.unwritable(state, wrong) from wrong
