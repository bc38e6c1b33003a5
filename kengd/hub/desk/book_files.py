"""The merged book to take away: CSV, streamed as it is read, or an XLSX sheet; what is filtered on the page, bounded and said when cut."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from kengd.hub.desk import book_lines
from kengd.hub.desk.desk import At, Awake
from kengd.hub.desk.report_room import XLSX
from kengd.hub.reports.book_file import csv_lines, write_sheet

router = APIRouter(prefix="/api")
MOST_CSV: Final = 100_000
MOST_XLSX: Final = 10_000
_CHUNK: Final = 64 * 1024


@router.get("/entries.csv")
def as_csv(desk: At, caller: Awake, asked: book_lines.Asking) -> StreamingResponse:
    """UTF-8 with BOM; no cell is a formula; newest first, at most 100 000, the last line says when there are more."""
    lines = csv_lines(book_lines.every(desk, asked, MOST_CSV))
    return StreamingResponse(_chunks(lines), media_type="text/csv; charset=utf-8", headers=_named("csv"))


@router.get("/entries.xlsx")
def as_xlsx(desk: At, caller: Awake, asked: book_lines.Asking) -> StreamingResponse:
    """The same as a sheet, at most 10 000."""
    file = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115 - it is closed when it was sent
    try:
        with desk.reporting():
            write_sheet(book_lines.every(desk, asked, MOST_XLSX), file)  # type: ignore[arg-type]
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return StreamingResponse(_parts(file), media_type=XLSX, headers=_named("xlsx"))


def _named(kind: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="so-keng.{kind}"'}


def _chunks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Not a packet for each line."""
    held = bytearray()
    for line in lines:
        held += line
        if len(held) >= _CHUNK:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(_CHUNK):
            yield part
