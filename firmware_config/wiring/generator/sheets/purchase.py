"""The parts list, two upright pages with room for prices."""

from __future__ import annotations

from collections.abc import Sequence

from firmware_config.wiring.generator.notes import table
from firmware_config.wiring.generator.paper import Sheet
from firmware_config.wiring.generator.parts import ELECTRIC, SMALL, Item

WIDTHS = (9, 36, 80, 13, 24, 26)


def electric() -> Sheet:
    """What carries power."""
    sheet = Sheet("vat-tu-1", portrait=True)
    sheet.text(11, 30, "Điểm kẻng: ……………………………………………   Ngày: ……………………   Nơi báo giá: ………………………", 2.8)
    _list(sheet, ELECTRIC, 1, 34)
    sheet.text(11, 281, "Số trong ngoặc: chỉ mua khi dùng.  Figures in brackets: only where used.", 2.4)
    return sheet


def small() -> Sheet:
    """Small parts and mounting; the sum."""
    sheet = Sheet("vat-tu-2", portrait=True)
    end = _list(sheet, SMALL, len(ELECTRIC) + 1, 28)
    for n, words in enumerate(("Cộng tờ này", "Cộng tờ trước", "Công lắp", "Tổng cộng (đồng)")):
        sheet.text(140, end + 7 + 8 * n, words, 3, at="end", bold=n == 3)
        sheet.box(144, end + 2 + 8 * n, 55, 7, stroke=0.3)
    sheet.text(11, end + 7, "Số trong ngoặc: chỉ mua khi dùng.", 2.4)
    sheet.text(11, end + 11, "Figures in brackets: only where used.", 2.3, english=True)
    return sheet


def _list(sheet: Sheet, items: Sequence[Item], first: int, y: float) -> float:
    rows = [(str(n), item.refs, f"{item.vi}\t{item.en}", item.how_many, "", "") for n, item in enumerate(items, first)]
    head = ("TT\tNo.", "Ký hiệu\tRef.", "Tên, thông số\tPart", "SL\tQty", "Đơn giá\tPrice", "Thành tiền\tTotal")
    return table(sheet, 11, y, WIDTHS, head, rows, size=2.6, least=8.4)
