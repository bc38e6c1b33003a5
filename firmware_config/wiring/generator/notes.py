"""What is written beside a drawing: notes, warnings, settings to copy, tables."""

from __future__ import annotations

from collections.abc import Sequence

from firmware_config.wiring.generator.letters import wrapped
from firmware_config.wiring.generator.paper import Sheet

Note = tuple[str, str]
"""A sentence in Vietnamese and in English."""


class Column:
    """Written from the top down; `y` is where the next thing begins."""

    def __init__(self, sheet: Sheet, x: float, y: float, w: float, *, size: float = 2.8) -> None:
        self.sheet, self.x, self.y, self.w, self.size = sheet, x, y, w, size

    def heading(self, vi: str, en: str = "") -> None:
        """A heading in bold."""
        self.y += 4.2
        self.sheet.text(self.x, self.y, vi, 3.3, bold=True)
        if en:
            self.y += 3.4
            self.sheet.text(self.x, self.y, en, 2.3, english=True)
        self.y += 1.2

    def notes(self, notes: Sequence[Note], *, mark: str = "•") -> None:
        """Each with its mark; Vietnamese first."""
        for n, (vi, en) in enumerate(notes, 1):
            self.y += self.size * 1.3
            self.sheet.text(self.x, self.y, f"{n}." if mark == "1" else mark, self.size, bold=True)
            self._say(vi, en, 4.6 if mark == "1" else 3.2)

    def warning(self, vi: str, en: str) -> None:
        """In a box with a heavy edge and the sign ⚠ drawn, since not every font has it."""
        top, inner = self.y + 2.4, 11.0
        self.y = top + 1.2 + self.size * 1.3
        self._say(vi, en, inner, bold=True)
        h = max(self.y - top + 2, 10.5)
        self.sheet.box(self.x, top, self.w, h, stroke=0.8)
        left, middle = self.x + 5.4, top + h / 2
        self.sheet.line(
            (left, middle - 3.6), (left + 3.9, middle + 3), (left - 3.9, middle + 3), close=True, stroke=0.6
        )
        self.sheet.text(left, middle + 2.3, "!", 4.4, at="middle", bold=True)
        self.y = top + h

    def settings(self, lines: Sequence[str]) -> None:
        """Lines of kengd.toml."""
        top = self.y + 2
        self.sheet.box(self.x, top, self.w, 3.4 * len(lines) + 6.4, stroke=0.3)
        self.sheet.text(self.x + 2, top + 3.6, "trong kengd.toml:", 2.2)
        for n, line in enumerate(lines):
            self.sheet.text(self.x + 2, top + 7.4 + 3.4 * n, line, 2.7, bold=True)
        self.y = top + 3.4 * len(lines) + 6.4

    def _say(self, vi: str, en: str, indent: float, *, bold: bool = False) -> None:
        room = self.w - indent - 1
        for n, line in enumerate(wrapped(vi, self.size, room, bold)):
            self.y += self.size * 1.3 if n else 0
            self.sheet.text(self.x + indent, self.y, line, self.size, bold=bold)
        for line in wrapped(en, 2.2, room) if en else []:
            self.y += 2.9
            self.sheet.text(self.x + indent, self.y, line, 2.2, english=True)
        self.y += 0.6


def table(
    sheet: Sheet,
    x: float,
    y: float,
    widths: Sequence[float],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    size: float = 2.7,
    least: float = 0.0,
) -> float:
    """A table with wrapped cells; a cell "vi\\ten" has its English under it. `least`: a row's least height. Where it ends."""
    top = y
    y = _row(sheet, x, y, widths, head, size, bold=True, least=0)
    for row in rows:
        y = _row(sheet, x, y, widths, row, size, bold=False, least=least)
    edge = x
    for width in (*widths, 0.0):
        sheet.line((edge, top), (edge, y), stroke=0.25)
        edge += width
    return y


def _row(
    sheet: Sheet,
    x: float,
    y: float,
    widths: Sequence[float],
    cells: Sequence[str],
    size: float,
    *,
    bold: bool,
    least: float,
) -> float:
    deepest = y + max(least, size * 1.35 + 1)
    edge = x
    for width, cell in zip(widths, cells, strict=True):
        vi, _, en = cell.partition("\t")
        line = y + size * 1.2
        for text in wrapped(vi, size, width - 2.4, bold):
            sheet.text(edge + 1.2, line, text, size, bold=bold)
            line += size * 1.3
        for text in wrapped(en, 2.2, width - 2.4) if en else []:
            sheet.text(edge + 1.2, line - 0.4, text, 2.2, english=True)
            line += 2.9
        deepest = max(deepest, line - size * 1.3 + 1.4 + (0.4 if en else 0))
        edge += width
    total = sum(widths)
    if bold:
        sheet.box(x, y, total, deepest - y, stroke=0, fill="#e4e4e4")
        sheet.line((x, y), (x + total, y), stroke=0.4)
    sheet.line((x, deepest), (x + total, deepest), stroke=0.4 if bold else 0.2)
    return deepest
