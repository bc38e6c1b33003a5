"""Recursive descent over the notation's grammar; the first mistake ends it with its place and what was expected. Pure.

code  = part { ";" part }
part  = N "hồi" ("dài" | "ngắn" | T) [tempo] [gap]
      | N "hồi," "mỗi hồi" M "tiếng" [tempo] [gap]
      | M "tiếng" [tempo]
      | "hú" (T | "đến khi dừng")
      | "nghỉ" T
      | "(" code ")" (K "lần" | "đến khi dừng")
gap   = ", cách" T
tempo = "đều" | "thong thả" | "dồn dập" | "nhanh dần" ["từ" T "đến" T] | "mỗi tiếng" T
T     = number ("giây" | "phút" | "ms")
"""

from __future__ import annotations

from itertools import takewhile
from typing import Literal, NoReturn

from kengd.bellcode.notation_reader import END_EXPECTED, TIME_EXPECTED, Mistake, Reader
from kengd.bellcode.notation_tokens import Token
from kengd.bellcode.notation_writer import write_time
from kengd.bellcode.pattern import (
    DEEPEST,
    Blast,
    CountedRounds,
    Every,
    LastingRounds,
    Pace,
    Part,
    Pattern,
    Quickening,
    Repeat,
    Rest,
    Strokes,
    Tempo,
)

__all__ = ["Mistake", "Parser"]

TEMPO_STARTS = {"đều", "thong", "dồn", "nhanh", "mỗi"}
PART_EXPECTED = "“… hồi”, “… tiếng”, “hú”, “nghỉ” hoặc “(”"
TEMPO_EXPECTED = "“đều”, “thong thả”, “dồn dập”, “nhanh dần”, “mỗi tiếng …”, “;” hoặc hết câu"


class Parser(Reader):
    """Reads one NFC text as a pattern."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def pattern(self) -> Pattern:
        """The whole text as a pattern. Raises `Mistake`."""
        parts = self._code()
        if self._next.kind != "end":
            self._stray()
        return Pattern(parts)

    # ---- the grammar

    def _code(self) -> tuple[Part, ...]:
        parts = [self._part()]
        while self._sees(";"):
            semicolon = self._take()
            if self._next.kind == "end" or self._sees(")"):
                line = self._with(semicolon, semicolon, "")
                raise self._mistake(PART_EXPECTED, "sau dấu “;” phải còn một phần nữa", [line])
            parts.append(self._part())
        return tuple(parts)

    def _part(self) -> Part:
        token = self._next
        if token.kind == "number":
            return self._counted()
        if token.word == "hú":
            return self._blast()
        if token.word == "nghỉ":
            self._take()
            return Rest(self._time())
        if token.word == "(":
            return self._repeat()
        raise self._mistake(PART_EXPECTED, "chưa có gì để đánh" if token.kind == "end" and self.here == 0 else None)

    def _counted(self) -> Part:
        first = self._next
        count = self._count()
        if self._sees("hồi"):
            self._take()
            return self._rounds(first, count)
        if not self._sees("tiếng"):
            raise self._mistake("“hồi” hoặc “tiếng”")
        self._take()
        strokes = Strokes(count, self._pace())
        if self._sees(",", "cách"):
            self._gap_between_strokes()
        return strokes

    def _rounds(self, first: Token, count: int) -> Part:
        if self._next.kind == "number" and self._peek().word == "tiếng":
            self._round_or_strokes(first, count, self._next)
        if self._sees(",") and self._peek().kind == "number" and self._peek(2).word == "tiếng":
            self._round_or_strokes(first, count, self._peek())
        if self._sees(",", "mỗi"):
            self._take()
            self._words("mỗi", "hồi")
            strokes = self._count()
            self._words("tiếng")
            pace = self._pace()
            return CountedRounds(count, strokes, pace, self._gap(count))
        length = self._length()
        pace = self._pace()
        return LastingRounds(count, length, pace, self._gap(count))

    def _length(self) -> Literal["long", "short"] | int:
        if self._next.kind == "number":
            return self._time()
        if self._sees("dài") or self._sees("ngắn"):
            return "long" if self._take().word == "dài" else "short"
        expected = f"“dài”, “ngắn”, “, mỗi hồi … tiếng” hoặc {TIME_EXPECTED}"
        unsaid = self._next.kind in ("end", "mark") or self._next.word in TEMPO_STARTS
        lines = [self._inserted(" dài"), self._inserted(" ngắn"), self._inserted(", mỗi hồi 3 tiếng")] if unsaid else []
        raise self._mistake(expected, "chưa nói hồi dài bao lâu hoặc mỗi hồi mấy tiếng" if unsaid else None, lines)

    def _round_or_strokes(self, first: Token, count: int, at: Token) -> NoReturn:
        """ "1 hồi 3 tiếng": one round of three, or a roll and then three strokes? Both are offered, none is guessed."""
        of = self.tokens.index(at) + 1
        tail = list(takewhile(lambda token: token.word not in (";", ")", ""), self.tokens[of + 1 :]))
        comma = next((n for n, token in enumerate(tail) if token.word == ","), len(tail))
        begin = self.tokens[of].end
        middle = tail[comma - 1].end if comma else begin
        end = tail[-1].end if tail else begin
        tempo = self.text[begin:middle]
        between = self.text[middle:end] or (", cách 3 giây" if count > 1 else "")
        before, behind = self.text[: first.start], self.text[end:]
        lines = (
            f"{before}{count} hồi, mỗi hồi {at.text} tiếng{tempo}{between}{behind}",
            f"{before}{count} hồi dài{between}; nghỉ 1 giây; {at.text} tiếng{tempo}{behind}",
        )
        said = f"{count} hồi {at.text} tiếng"
        vi = f"“{said}” có hai cách hiểu: mỗi hồi {at.text} tiếng, hay đánh hồi dài rồi {at.text} tiếng"
        raise self._mistake("“, mỗi hồi … tiếng” hoặc “dài”", vi, lines, at)

    def _gap(self, count: int) -> int | None:
        said = self._sees(",", "cách")
        if said and count == 1:
            self._gap_of_one()
        if said:
            self._take()
            self._take()
            return self._time()
        if count > 1:
            unsaid = self._next.kind == "end" or self._next.word in (";", ")")
            vi = f"{count} hồi thì phải nói cách nhau bao lâu" if unsaid else None
            raise self._mistake("“, cách …”", vi, [self._inserted(", cách 3 giây")] if unsaid else [])
        return None

    def _gap_of_one(self) -> NoReturn:
        comma = self._take()
        word = self._take()
        self._time()
        last = self.tokens[self.here - 1]
        lines = [self._with(comma, word, "; nghỉ"), self._with(comma, last, "")]
        vi = "chỉ có 1 hồi thì không có khoảng cách giữa các hồi"
        raise self._mistake("“;” hoặc hết câu", vi, lines if self._sees(";") else lines[::-1], comma)

    def _gap_between_strokes(self) -> NoReturn:
        comma = self._take()
        self._take()
        every = write_time(self._time())
        line = self._with(comma, self.tokens[self.here - 1], f" mỗi tiếng {every}")
        vi = "“cách” chỉ đặt giữa các hồi; giữa các tiếng thì nói “mỗi tiếng …” (tính từ tiếng này đến tiếng sau)"
        raise self._mistake("“mỗi tiếng …”", vi, [line], comma)

    def _pace(self) -> Pace:
        comma = self._next
        if comma.word == "," and self._peek().word in TEMPO_STARTS:
            raise self._mistake(TEMPO_EXPECTED, "trước nhịp độ không có dấu phẩy", [self._with(comma, comma, "")])
        match self._next.word:
            case "đều":
                self._take()
                return Tempo.STEADY
            case "thong":
                self._words("thong", "thả")
                return Tempo.SLOW
            case "dồn":
                self._words("dồn", "dập")
                return Tempo.URGENT
            case "mỗi":
                self._words("mỗi", "tiếng")
                return Every(self._time())
            case "nhanh":
                self._words("nhanh", "dần")
                return self._quickening() if self._sees("từ") else Tempo.QUICKENING
        return Tempo.STEADY

    def _quickening(self) -> Quickening:
        first = self._take()
        from_ms = self._time()
        self._words("đến")
        to_ms = self._time()
        if from_ms < to_ms:
            swapped = f"từ {write_time(to_ms)} đến {write_time(from_ms)}"
            line = self._with(first, self.tokens[self.here - 1], swapped)
            vi = "nhanh dần thì khoảng đầu phải dài hơn khoảng cuối"
            raise self._mistake("khoảng dài trước, khoảng ngắn sau", vi, [line], first)
        return Quickening(from_ms, to_ms)

    def _blast(self) -> Blast:
        self._take()
        if self._sees("đến"):
            self._words("đến", "khi", "dừng")
            return Blast(None)
        if self._next.kind == "number":
            return Blast(self._time())
        unsaid = self._next.kind in ("end", "mark")
        lines = [self._inserted(" 30 giây"), self._inserted(" đến khi dừng")] if unsaid else []
        raise self._mistake(f"{TIME_EXPECTED}, hoặc “đến khi dừng”", "chưa nói hú bao lâu" if unsaid else None, lines)

    def _repeat(self) -> Repeat:
        if self.depth == DEEPEST:
            raise self._mistake(PART_EXPECTED, f"ngoặc lồng nhau nhiều nhất {DEEPEST} lớp")
        self._take()
        self.depth += 1
        body = self._code()
        self.depth -= 1
        if not self._sees(")"):
            self._unclosed()
        self._take()
        if self._sees("đến"):
            self._words("đến", "khi", "dừng")
            return Repeat(body, None)
        if self._next.kind == "number":
            times = self._count()
            self._words("lần")
            return Repeat(body, times)
        unsaid = self._next.kind in ("end", "mark")
        lines = [self._inserted(" 3 lần"), self._inserted(" đến khi dừng")] if unsaid else []
        raise self._mistake("“… lần” hoặc “đến khi dừng”", "sau “)” chưa nói mấy lần" if unsaid else None, lines)

    # ---- what should not be there

    def _unclosed(self) -> NoReturn:
        if self._next.kind == "end":
            raise self._mistake(
                "“)”", "chưa đóng ngoặc “(”", [self._inserted(") 3 lần"), self._inserted(") đến khi dừng")]
            )
        raise self._mistake("“;” hoặc “)”")

    def _stray(self) -> NoReturn:
        if self._sees(")"):
            raise self._mistake(END_EXPECTED, "thừa dấu “)”", [self._with(self._next, self._next, "")])
        raise self._mistake(
            TEMPO_EXPECTED if self.tokens[self.here - 1].word in ("tiếng", "dài", "ngắn") else END_EXPECTED
        )
