"""The notation of bell codes: what a keeper would say, in Vietnamese, readable in a settings file. Pure.

`parse` and `write` are inverse: parse(write(p)) == p for every pattern whose text fits. The grammar stands in
`notation_parser`. What can be understood in two ways is refused and the exact forms are offered, never guessed.
"""

from __future__ import annotations

from kengd.bellcode.notation_hints import explained
from kengd.bellcode.notation_parser import Mistake, Parser
from kengd.bellcode.notation_tokens import normalised
from kengd.bellcode.notation_writer import write, write_time
from kengd.bellcode.pattern import Pattern
from kengd.errors import UsageError

__all__ = ["LONGEST_TEXT", "NotationError", "parse", "write", "write_time"]

LONGEST_TEXT = 500
MOST_TRIES = 40
MOST_SUGGESTIONS = 3


class NotationError(UsageError):
    """The first mistake in a text: `column` counts letters from 1 in the NFC text, `expected` is Vietnamese.

    `suggestions` are whole corrected lines, each of which `parse` accepts; `suggestion` is the first or None.
    """

    def __init__(self, text: str, column: int, vi: str, expected: str, suggestions: tuple[str, ...]) -> None:
        offered = " hoặc ".join(f"`{line}`" for line in suggestions)
        super().__init__(
            "notation",
            f"cách đánh `{text[:LONGEST_TEXT]}`, cột {column}: {vi}; ở đây cần {expected}",
            cure=f"viết lại: {offered}" if offered else "",
            en=f"bell code, column {column}: cannot read it",
        )
        self.text = text
        self.column = column
        self.expected = expected
        self.suggestions = suggestions

    @property
    def suggestion(self) -> str | None:
        """The first corrected line, or None."""
        return self.suggestions[0] if self.suggestions else None


def parse(text: str) -> Pattern:
    """The pattern of a text. Raises `NotationError`, and nothing else, on any text that is none."""
    text = normalised(text)
    if len(text) > LONGEST_TEXT:
        vi = f"dài quá {LONGEST_TEXT} chữ"
        raise NotationError(text, LONGEST_TEXT + 1, vi, f"nhiều nhất {LONGEST_TEXT} chữ", ())
    mistake = _mistake(text)
    if isinstance(mistake, Pattern):
        return mistake
    vi, lines = explained(text, mistake)
    raise NotationError(text, mistake.at.start + 1, vi, mistake.expected, _readable(lines))


def _mistake(text: str) -> Pattern | Mistake:
    try:
        return Parser(text).pattern()
    except Mistake as mistake:
        return mistake


def _readable(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The lines that can be read; a line with a further mistake gives way to what is offered for that."""
    waiting, tried, good = list(lines), set[str](), list[str]()
    while waiting and len(tried) < MOST_TRIES and len(good) < MOST_SUGGESTIONS:
        line = waiting.pop(0)
        if line in tried or len(line) > LONGEST_TEXT:
            continue
        tried.add(line)
        outcome = _mistake(line)
        if isinstance(outcome, Pattern):
            good.append(line)
        else:
            waiting[:0] = explained(line, outcome)[1]
    return tuple(good)
