"""The merged book as files for a spreadsheet: CSV line by line, or one XLSX sheet. Pure but for the file that is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from kengd.hub.reports.tables import Moment
from kengd.hub.reports.workbook import MOMENT_FORMAT, excel_time, fit_text

BOM: Final = "\ufeff"
"""By it Excel knows that the letters are UTF-8: without, Vietnamese becomes noise."""
ACTIVE: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet, whoever wrote it into the book."""
HEADS: Final = (
    ("Lúc", 20), ("Máy trực ban nhận lúc", 20), ("Điểm kẻng", 22), ("Thôn", 22), ("Việc", 16), ("Hiệu lệnh", 18), ("Mục đích", 12),
    ("Từ đâu", 14), ("Nơi bấm", 16), ("Ai", 22), ("Lý do", 40), ("Đồng hồ", 12), ("Vụ việc", 26), ("Kết quả", 30),
    ("Số lần đính chính", 10), ("Số mục", 10), ("Sổ", 18), ("Lần đánh", 18),
)  # fmt: skip
"""Each with its width in a sheet."""
Cell = str | int | Moment | None


def csv_lines(lines: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """UTF-8 with BOM, heads first, one chunk a line; no cell is ever a formula."""
    yield (BOM + _csv_line([head for head, _ in HEADS])).encode()
    for line in lines:
        yield _csv_line([_plain(cell) for cell in line]).encode("utf-8", "replace")


def inert(text: str) -> str:
    """The text as no spreadsheet runs it: behind an apostrophe where it would."""
    return f"'{text}" if text.startswith(ACTIVE) else text


def _plain(cell: Cell) -> str:
    if isinstance(cell, Moment):
        return f"{excel_time(cell.at_ms):%d/%m/%Y %H:%M:%S}"
    return "" if cell is None else inert(str(cell).replace("\0", ""))


def _csv_line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def write_sheet(lines: Iterable[Sequence[Cell]], out: BinaryIO) -> None:
    """An XLSX file with one sheet, row by row: memory does not grow with the book. Moments are real dates in the village's time."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sổ kẻng")
    sheet.freeze_panes = "A2"
    for at, (_, width) in enumerate(HEADS, 1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    heads = [WriteOnlyCell(sheet, head) for head, _ in HEADS]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for line in lines:
        sheet.append([_cell(sheet, cell) for cell in line])
    book.save(out)


def _cell(sheet: object, cell: Cell) -> object:
    if isinstance(cell, Moment):
        made = WriteOnlyCell(sheet, excel_time(cell.at_ms))  # type: ignore[arg-type]
        made.number_format = MOMENT_FORMAT
        return made
    if not isinstance(cell, str) or not cell.startswith(ACTIVE):
        return fit_text(cell) if isinstance(cell, str) else cell
    made = WriteOnlyCell(sheet, fit_text(cell))  # type: ignore[arg-type]
    made.data_type = "s"  # openpyxl would take "=…" for a formula
    made.quotePrefix = True
    return made
