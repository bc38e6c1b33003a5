"""The merged book to take away: CSV, streamed as it is read, or an XLSX sheet; what is filtered on the page, bounded and said when cut."""

from __future__ import annotations

import tempfile
from typing import Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from kengd.hub.desk import book_lines
from kengd.hub.desk.desk import At, Awake
from kengd.hub.desk.downloads import CSV, packets, parts_of, sent
from kengd.hub.desk.report_room import XLSX
from kengd.hub.reports.book_file import csv_lines, write_sheet

router = APIRouter(prefix="/api")
MOST_CSV: Final = 100_000
MOST_XLSX: Final = 10_000
NAME: Final = "so-keng"


@router.get("/entries.csv")
def as_csv(desk: At, caller: Awake, asked: book_lines.Asking) -> StreamingResponse:
    """UTF-8 with BOM; no cell is a formula; newest first, at most 100 000, the last line says when there are more."""
    lines = csv_lines(book_lines.every(desk, asked, MOST_CSV))
    return sent(packets(lines), CSV, f"{NAME}.csv")


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
    return sent(parts_of(file), XLSX, f"{NAME}.xlsx")
