"""The words, numbers and marks of the notation, with their columns. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

TokenKind = Literal["number", "word", "mark", "odd", "end"]

_TOKEN = re.compile(
    r"(?P<number>[0-9]+(?:[.,][0-9]+)*)|(?P<word>[^\W\d_]+)|(?P<mark>[;,()])|(?P<space>\s+)|(?P<odd>.)", re.S
)


@dataclass(frozen=True, slots=True)
class Token:
    """`text` as written, `word` in lower case, `start` its 0-based place in the NFC text."""

    kind: TokenKind
    text: str
    word: str
    start: int

    @property
    def end(self) -> int:
        """The place just behind it."""
        return self.start + len(self.text)


def normalised(text: str) -> str:
    """NFC: one code point for each letter that people see, so that columns are what they count."""
    return unicodedata.normalize("NFC", text)


def tokens(text: str) -> list[Token]:
    """All tokens of an NFC text and one of kind "end"; a character that belongs to no word is a token of kind "odd"."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind != "space":
            found.append(Token(_kind(kind), match.group(), match.group().lower(), match.start()))
    found.append(Token("end", "", "", len(text.rstrip())))
    return found


def _kind(name: str | None) -> TokenKind:
    match name:
        case "number" | "word" | "mark":
            return name
        case _:
            return "odd"


def without_marks(word: str) -> str:
    """The word as typed on a keyboard without Vietnamese: "dừng" → "dung"."""
    flat = unicodedata.normalize("NFD", word.replace("đ", "d"))
    return "".join(letter for letter in flat if not unicodedata.combining(letter))
