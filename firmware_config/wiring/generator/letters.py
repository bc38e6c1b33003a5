"""How wide a line of text is, so that nothing is printed over something else.

The sheets name only the generic font `sans-serif`, since a village's printer has what it has. DejaVu Sans, the usual one on
Linux, is among the widest: its advance widths (thousandths of the font size) are an upper bound for Arial and Noto Sans.
"""

from __future__ import annotations

import unicodedata

BOLD = 1.13
"""DejaVu Sans Bold against the regular face, rounded up."""

_GROUPS = {
    278: "ijl",
    295: "IJ",
    320: " ,.·",
    340: "/:;|",
    362: "-",
    395: "()[]t",
    415: "fr!",
    463: '"',
    500: "*_°",
    525: "sz",
    535: "?",
    557: "cL",
    580: "kF",
    605: "vxyP",
    625: "aoTY•",
    640: "bdeghnpquES0123456789$",
    705: "ABCKVXZ&",
    740: "RDHNU#",
    795: "OQGơưΩ",
    860: "wMƠƯ+=±×≤≥~−<>☐",
    1000: "mW%@…–—→←↑↓",
}
_WIDTH = {letter: width for width, letters in _GROUPS.items() for letter in letters}
_UNKNOWN = 990


def width(text: str, size: float, bold: bool = False) -> float:
    """Millimetres that this line takes at this font size (mm)."""
    return sum(_advance(letter) for letter in text) * size / 1000 * (BOLD if bold else 1.0)


def wrapped(text: str, size: float, room: float, bold: bool = False) -> list[str]:
    """The text as lines of at most `room` mm; a word that is wider stands alone. A newline is kept."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and width(longer, size, bold) > room:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


def _advance(letter: str) -> int:
    if letter in "đ":
        return _WIDTH["d"]
    bare = unicodedata.normalize("NFD", letter)[0]
    return _WIDTH.get(letter, _WIDTH.get(bare, _UNKNOWN))
