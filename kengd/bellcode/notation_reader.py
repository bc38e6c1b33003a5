"""Walking over the tokens of the notation: words, counts and times, and how a mistake is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from kengd.bellcode.notation_tokens import Token, tokens
from kengd.bellcode.notation_writer import write_time
from kengd.bellcode.pattern import LARGEST_COUNT, LONGEST_MS

UNIT_MS = {"giây": 1000, "phút": 60_000, "ms": 1}
UNIT_EXPECTED = "“giây”, “phút” hoặc “ms”"
TIME_EXPECTED = "một thời gian như “2 giây”, “1,5 giây”, “1 phút” hoặc “350 ms”"
END_EXPECTED = "“;” hoặc hết câu"
COUNT_EXPECTED = f"một số từ 1 đến {LARGEST_COUNT}"
LENGTH_OF_TIME_EXPECTED = f"một thời gian từ 1 ms đến {write_time(LONGEST_MS)}"


class Mistake(Exception):
    """The first mistake: at which token, what was expected there, what to say, whole lines that may be meant.

    `vi` None: nothing is known about it yet; `notation_hints` may know the word.
    """

    def __init__(self, at: Token, expected: str, vi: str | None, lines: Sequence[str]) -> None:
        super().__init__(vi or expected)
        self.at = at
        self.expected = expected
        self.vi = vi
        self.lines = tuple(lines)


class Reader:
    """A place in one NFC text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.here = 0

    # ---- where we are

    @property
    def _next(self) -> Token:
        return self.tokens[self.here]

    def _peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.here + ahead, len(self.tokens) - 1)]

    def _take(self) -> Token:
        token = self._next
        if token.kind != "end":
            self.here += 1
        return token

    def _sees(self, *words: str) -> bool:
        return all(self._peek(n).word == word for n, word in enumerate(words))

    def _words(self, *words: str) -> None:
        for n, word in enumerate(words):
            if self._next.word != word:
                missing = " ".join(words[n:])
                unsaid = self._next.kind in ("end", "mark")
                lines = [self._inserted(f" {missing}")] if unsaid else []
                raise self._mistake(f"“{missing}”", f"thiếu “{missing}”" if unsaid else None, lines)
            self._take()

    def _mistake(
        self, expected: str, vi: str | None = None, lines: Iterable[str] = (), at: Token | None = None
    ) -> Mistake:
        return Mistake(at or self._next, expected, vi, tuple(lines))

    def _with(self, first: Token, last: Token, new: str) -> str:
        """The text with everything from `first` to `last` replaced."""
        return self.text[: first.start] + new + self.text[last.end :]

    def _inserted(self, new: str) -> str:
        """The text with `new` behind the last token taken."""
        end = self.tokens[self.here - 1].end
        return self.text[:end] + new + self.text[end:]

    # ---- numbers and times

    def _count(self) -> int:
        token = self._next
        if token.kind != "number":
            raise self._mistake(COUNT_EXPECTED)
        if not token.text.isdigit():
            raise self._mistake(COUNT_EXPECTED, f"“{token.text}” không phải số đếm")
        if len(token.text) > 9 or not 1 <= int(token.text) <= LARGEST_COUNT:
            raise self._mistake(COUNT_EXPECTED, f"số đếm phải từ 1 đến {LARGEST_COUNT}")
        return int(self._take().text)

    def _time(self) -> int:
        first = self._next
        if first.kind != "number":
            raise self._mistake(TIME_EXPECTED)
        unit = self._peek()
        if unit.word == "tiếng":
            self._hour_or_stroke(first, unit)
        if unit.word not in UNIT_MS:
            self._take()
            bare = unit.kind in ("end", "mark")
            lines = [self._inserted(" giây"), self._inserted(" ms")] if bare else []
            raise self._mistake(UNIT_EXPECTED, "thiếu đơn vị thời gian" if bare else None, lines)
        ms = self._in_ms(first, unit)
        self._take()
        self._take()
        if unit.word == "phút" and self._next.kind == "number" and self._peek().word == "giây":
            self._minutes_and_seconds(first, ms)
        return ms

    def _in_ms(self, number: Token, unit: Token) -> int:
        whole, *decimals = number.text.replace(".", ",").split(",")
        bounds = LENGTH_OF_TIME_EXPECTED
        if len(decimals) > 1 or len(number.text) > 12:
            raise self._mistake(bounds, f"“{number.text}” không phải một số rõ ràng")
        fraction = decimals[0] if decimals else ""
        if len(fraction) == 3:
            readings = (whole + fraction, f"{whole},{fraction}".rstrip("0").rstrip(","))
            lines = [self._with(number, number, reading) for reading in readings]
            raise self._mistake(
                bounds, f"“{number.text}”: dấu phần nghìn hay dấu thập phân? Viết liền các chữ số", lines
            )
        scale: int = 10 ** len(fraction)
        ms, rest = divmod(int(whole + fraction) * UNIT_MS[unit.word], scale)
        if rest:
            raise self._mistake(bounds, "thời gian chính xác đến 1 ms là hết")
        if not 1 <= ms <= LONGEST_MS:
            raise self._mistake(bounds, f"thời gian phải từ 1 ms đến {write_time(LONGEST_MS)}")
        return ms

    def _hour_or_stroke(self, number: Token, unit: Token) -> NoReturn:
        lines = [self._with(unit, unit, "giây")]
        if number.text == "1":
            lines.append(self._with(number, unit, "60 phút"))
        vi = "“tiếng” là một tiếng kẻng, không phải là giờ: thời gian nói bằng giây, phút hoặc ms"
        raise self._mistake(UNIT_EXPECTED, vi, lines, unit)

    def _minutes_and_seconds(self, first: Token, ms: int) -> NoReturn:
        extra = self._next
        total = ms + self._time()
        line = self._with(first, self.tokens[self.here - 1], write_time(total))
        raise self._mistake(END_EXPECTED, "một thời gian chỉ nói bằng một đơn vị", [line], extra)
