"""The report as an XLSX workbook: figures and all that they were counted from. Pure: facts in, bytes out."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from io import BytesIO
from typing import Final

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from kengd import clock
from kengd.hub.reports import tables
from kengd.hub.reports.facts import Ground
from kengd.hub.reports.figures import Figures, figures_of, selected
from kengd.hub.reports.period import Period
from kengd.hub.reports.tables import Lost, Moment, Share, Table, Took

MOMENT_FORMAT: Final = "dd/mm/yyyy hh:mm:ss"
SHARE_FORMAT: Final = "0.0%"
SECONDS_FORMAT: Final = '#,##0.0" giây"'
HOURS_FORMAT: Final = '#,##0.0" giờ"'
PREFIX: Final = "kengd "
LONGEST_TEXT: Final = 32_767
"""The most characters a cell may hold; longer text is cut, which is shown by "…"."""

_NARROWEST, _WIDEST = 8, 48
_NO_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")
_THIN = Side(style="thin", color="999999")
_BORDER = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_HEAD_FILL = PatternFill("solid", fgColor="DDE8F0")
_FORMATS: Final = {
    "head": "General",
    "text": "General",
    "count": "#,##0",
    "moment": MOMENT_FORMAT,
    "took": SECONDS_FORMAT,
    "lost": HOURS_FORMAT,
    "share": SHARE_FORMAT,
}


def workbook(ground: Ground, period: Period, villages: Collection[str] | None = None) -> bytes:
    """The XLSX file of this period for these villages (None: the whole commune).

    Sheets: Tổng hợp, Lần đánh kẻng, Lỡ và từ chối, Vụ việc, Có mặt. Times are real dates in the village's time. No cell is ever
    a formula: what begins with = + - or @ stays text.
    """
    chosen = selected(ground, period, villages)
    figures = figures_of(ground, period, villages)
    book = Workbook()
    for style in _styles():
        book.add_named_style(style)
    first = book.worksheets[0]
    first.title = "Tổng hợp"
    _summary(first, figures, chosen, villages)
    _list(book.create_sheet("Lần đánh kẻng"), tables.rings(chosen))
    _list(book.create_sheet("Lỡ và từ chối"), tables.failures(chosen))
    _list(book.create_sheet("Vụ việc"), tables.incidents(chosen))
    _list(book.create_sheet("Có mặt"), tables.presence(figures, chosen))
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _summary(sheet: Worksheet, figures: Figures, chosen: Ground, villages: Collection[str] | None) -> None:
    """The title, the numbers at a glance, then each small table under its own heads."""
    scope = "toàn xã" if villages is None else ", ".join(village.name for village in chosen.villages)
    _put(sheet, 1, 1, f"Báo cáo kẻng an ninh {figures.period.name_vi}", "title")
    _put(sheet, 2, 1, f"Phạm vi: {scope}", "plain")
    sheet.freeze_panes = "A3"
    glance: tuple[tuple[str, int], ...] = (
        ("Số lần đánh kẻng", figures.rings),
        ("Lượt báo động thật của các thôn", sum(figures.alarms_by_village.values())),
        ("Yêu cầu gộp vào lần đang đánh", figures.joined),
        ("Kiểm tra không kêu", figures.tests),
        ("Lỡ giờ", sum(figures.missed.values())),
        ("Từ chối lệnh", sum(figures.refused.values())),
        ("Không trả lời lệnh", figures.unanswered),
        ("Hủy trước khi đánh", figures.cancelled),
        ("Vụ việc", figures.incidents),
        ("Vụ việc từ tin báo", figures.from_calls),
        ("Vụ việc do cán bộ phát lệnh báo động", figures.from_officers),
        ("Báo động từ điểm kẻng không có cán bộ nhận xử lý", figures.unacknowledged),
    )
    row = _table(sheet, 4, Table(("Nội dung", "Số lượng"), glance))
    for data in (
        tables.by_kind(figures),
        tables.by_source(figures),
        tables.by_village(figures, chosen),
        tables.by_ending(figures),
        tables.by_reason(figures),
        tables.times(figures),
        tables.incidents_by_kind(figures),
        tables.incidents_by_outcome(figures),
        tables.by_week(figures),
        tables.by_hour(figures),
    ):
        row = _table(sheet, row + 1, data)
    _fit(sheet, range(4, sheet.max_row + 1))


def _list(sheet: Worksheet, data: Table) -> None:
    """One table on a sheet of its own: heads that stay in sight, a filter, printed wide with the heads on each page."""
    _table(sheet, 1, data)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(data.heads))}{max(1, len(data.rows)) + 1}"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    _fit(sheet, range(1, sheet.max_row + 1))


def _table(sheet: Worksheet, row: int, data: Table) -> int:
    """Heads and rows from this row on; the first free row after them."""
    for column, head in enumerate(data.heads, 1):
        _put(sheet, row, column, head, "head")
    for at, values in enumerate(data.rows, row + 1):
        summed = data.summed and values is data.rows[-1]
        for column, value in enumerate(values, 1):
            _put(sheet, at, column, value, _style(value) + (" sum" if summed else ""))
    return row + 1 + len(data.rows)


def _put(sheet: Worksheet, row: int, column: int, value: tables.Cell, style: str) -> None:
    """Write one cell. Text is written as text whatever it begins with."""
    cell = sheet.cell(row, column)
    assert isinstance(cell, Cell)  # no merged cells here
    match value:
        case Moment(at_ms):
            cell.value = excel_time(at_ms)
        case Took(ms):
            cell.value = None if ms is None else ms / 1000
        case Lost(ms):
            cell.value = ms / 3_600_000
        case Share(share):
            cell.value = share
        case int():
            cell.value = value
        case _:
            cell.value = fit_text(value)
            if value:
                cell.data_type = "s"  # openpyxl would take "=…" for a formula
    cell.style = PREFIX + style  # a date brings a format of its own
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        cell.quotePrefix = True


def _style(value: tables.Cell) -> str:
    """The name of the style for what a cell holds."""
    kinds: dict[type, str] = {str: "text", Moment: "moment", Took: "took", Lost: "lost", Share: "share"}
    return kinds.get(type(value), "count")


def _styles() -> list[NamedStyle]:
    """Every style, by name: named once is faster than dressing each cell."""
    found = [NamedStyle(PREFIX + "title", font=Font(bold=True, size=14)), NamedStyle(PREFIX + "plain")]
    for name, number_format in _FORMATS.items():
        for summed in ("", " sum"):
            bold = bool(summed) or name == "head"
            style = NamedStyle(
                PREFIX + name + summed, font=Font(bold=bold), border=_BORDER, number_format=number_format
            )
            style.alignment = Alignment(vertical="top", wrap_text=name == "text")
            if name == "head":
                style.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
                style.fill = _HEAD_FILL
            found.append(style)
    return found


def excel_time(at_ms: int) -> datetime:
    """Unix ms as the local time of the village without a zone (Excel knows none), to the second."""
    return clock.local(at_ms).replace(tzinfo=None, microsecond=0)


def fit_text(text: str) -> str:
    """The text without what an XLSX cannot hold, cut to what a cell can hold."""
    clean = _NO_XML.sub("", ILLEGAL_CHARACTERS_RE.sub("", text))
    return clean if len(clean) <= LONGEST_TEXT else clean[: LONGEST_TEXT - 1] + "…"


def _fit(sheet: Worksheet, rows: Sequence[int]) -> None:
    """Columns as wide as what stands in them, within reason."""
    for column in range(1, sheet.max_column + 1):
        longest = max((_length(sheet.cell(row, column).value) for row in rows), default=0)
        sheet.column_dimensions[get_column_letter(column)].width = min(max(longest + 2, _NARROWEST), _WIDEST)


def _length(value: object) -> int:
    if isinstance(value, datetime):
        return len("00/00/0000 00:00:00")
    if isinstance(value, float):
        return len("1.234,5 giây")
    return 0 if value is None else len(str(value))
