"""Vietnamese for a feature phone: one SMS of at most 160 GSM-7 characters, diacritics taken off cleanly. Pure.

An SMS with a single letter outside the GSM-7 alphabet is sent as UCS-2 and holds 70 characters instead of 160
(3GPP TS 23.038); so only letters that GSM-7 and ASCII share are used, none of which needs an escape.
"""

from __future__ import annotations

import string
import unicodedata
from typing import Final

SMS_LENGTH: Final = 160
PLAIN: Final = frozenset(string.ascii_letters + string.digits + " !\"#$%&'()*+,-./:;<=>?@_")
"""The characters a text may hold afterwards. Each is one septet in GSM-7."""

_SPELLED = str.maketrans({
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ø": "o", "Ø": "O", "ß": "ss", "æ": "ae", "Æ": "AE",
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "`": "'", "´": "'",
    "–": "-", "—": "-", "‑": "-", "−": "-", "→": "->", "×": "x", "•": "-", "·": "-", "₫": "d",
    "[": "(", "]": ")", "{": "(", "}": ")", "|": "/", "\\": "/", "~": "-", "^": "'",
})  # fmt: skip


def plain_text(text: str) -> str:
    """The text without diacritics, on one line, of PLAIN characters only. A letter nobody can spell becomes `?`."""
    out: list[str] = []
    # decomposed first (a typographic sign may hide in a compatibility form), spelled after
    for char in unicodedata.normalize("NFKD", text.translate(_SPELLED)).translate(_SPELLED):
        if char in PLAIN:
            out.append(char)
        elif not unicodedata.combining(char):
            out.append("?" if char.isalnum() else " ")
    return " ".join("".join(out).split())


def shortened(text: str, length: int) -> str:
    """At most `length` characters, cut at a word where one ends in the second half, with "..." to say so."""
    if len(text) <= length:
        return text
    if length <= 3:
        return text[:length]
    cut = text[: length - 3]
    at = cut.rfind(" ")
    if text[length - 3] != " " and at >= length // 2:
        cut = cut[:at]
    return cut.rstrip(" ,;:-") + "..."
