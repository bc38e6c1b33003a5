"""Files that are sent as they are read or made, under a name: nothing whole stands in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Final

from fastapi.responses import StreamingResponse

CSV: Final = "text/csv; charset=utf-8"
CHUNK: Final = 64 * 1024


def sent(
    parts: Iterator[bytes], media_type: str, name: str, more: Mapping[str, str] | None = None
) -> StreamingResponse:
    """The answer. `name`: plain ASCII, as the browser keeps it; `more`: further headers."""
    return StreamingResponse(parts, media_type=media_type, headers={**named(name), **(more or {})})


def named(name: str) -> dict[str, str]:
    """The header that makes an answer a file of this name."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def packets(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Not a packet for each line."""
    held = bytearray()
    for line in lines:
        held += line
        if len(held) >= CHUNK:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def parts_of(file: IO[bytes]) -> Iterator[bytes]:
    """From where it stands to its end; then it is closed."""
    with file:
        while part := file.read(CHUNK):
            yield part
