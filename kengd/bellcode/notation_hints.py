"""What people write instead of the notation's words, and the exact forms to offer them. Pure."""

from __future__ import annotations

from kengd.bellcode.notation_reader import Mistake
from kengd.bellcode.notation_tokens import Token, tokens, without_marks

KEYWORDS = frozenset(
    (
        *("hồi", "tiếng", "dài", "ngắn", "mỗi", "cách", "nghỉ", "hú", "đến", "khi", "dừng", "lần", "từ"),
        *("giây", "phút", "ms", "đều", "thong", "thả", "dồn", "dập", "nhanh", "dần"),
    )
)
BY_PLAIN = {without_marks(word): word for word in KEYWORDS}
PLAIN_DIGITS = {
    "khong": 0,
    "mot": 1,
    "hai": 2,
    "ba": 3,
    "bon": 4,
    "nam": 5,
    "lam": 5,
    "sau": 6,
    "bay": 7,
    "tam": 8,
    "chin": 9,
}
UNITS = {"s": "giây", "sec": "giây", "g": "giây", "p": "phút", "ph": "phút", "min": "phút"}
NOISE = {"còi", "kẻng", "đánh", "gõ", "rời", "và"}
SLOW = {"chậm", "rãi", "khoan", "thai"}

Replaced = list[tuple[Token, Token, str]]

NO_END = "“{said}” có thể là không nghỉ giữa các tiếng, cũng có thể là đánh mãi không thôi: phải nói rõ"
NO_PAUSE = "“{said}” không nói rõ có nghỉ hay không và nhanh chậm ra sao"
HURRIED = "“{said}” không phải là một nhịp độ; có lẽ là “dồn dập”"
MANY = "“{said}” không nói rõ mấy hồi, có dừng hay không"
BEAT = "“nhịp” có thể là một nhóm tiếng, cũng có thể là nhanh chậm: phải nói rõ mấy tiếng hoặc nhịp độ nào"
UNCLEAR = {
    ("lien", "tuc"): NO_END,
    ("lien", "nhau"): NO_PAUSE,
    ("lien", "tiep"): NO_PAUSE,
    ("lien", "hoi"): HURRIED,
    ("gap",): HURRIED,
    ("voi",): HURRIED,
    ("nhieu",): MANY,
    ("nhip",): BEAT,
}


def explained(text: str, mistake: Mistake) -> tuple[str, tuple[str, ...]]:
    """A Vietnamese sentence for the mistake, and whole lines that may be meant (they may hold further mistakes)."""
    if mistake.vi is not None:
        return mistake.vi, mistake.lines
    found = tokens(text)
    n = found.index(mistake.at)
    return _unclear(text, found, n) or _misspelt(text, found, n) or _misplaced(text, found, n)


def _misspelt(text: str, found: list[Token], n: int) -> tuple[str, tuple[str, ...]] | None:
    respelled = _respelled(text, found)
    if respelled == text:
        return None
    new = _respell(found, n)[1]
    said = found[n].text
    if new is None:
        vi = f"không hiểu “{said}” ở đây"
    elif new == "":
        vi = f"không cần nói “{said}”"
    elif new[0].isdigit():
        vi = f"“{said}”: số phải viết bằng chữ số, như {new}"
    else:
        vi = f"“{said}” phải viết đủ dấu, đủ chữ: “{new.strip()}”"
    return vi, (respelled,)


def _misplaced(text: str, found: list[Token], n: int) -> tuple[str, tuple[str, ...]]:
    """Known words where they cannot stand."""
    token, before = found[n], found[n - 1] if n else None
    vi = f"không hiểu “{token.text}” ở đây"
    if token.kind == "end":
        return "câu chưa hết", ()
    if token.word == "lần" and before and before.kind == "number":
        body = text[: before.start].rstrip(" ;,")
        return "“lần” chỉ đứng sau ngoặc “)”", (f"({body}) {before.text} lần{text[token.end :]}",)
    if token.word == "đến" and before:
        body = text[: token.start].rstrip(" ;,")
        rest = text[token.start :]
        return "“đến khi dừng” chỉ đứng sau ngoặc “)” hoặc “hú”", (f"({body}; nghỉ 1 giây) {rest}", f"({body}) {rest}")
    if token.kind == "number" and before and before.kind == "word":
        return vi, (text[: before.end] + ";" + text[before.end :],)
    if token.word == ",":
        return vi, (text[: token.start] + ";" + text[token.end :],)
    if token.word == ";":
        return vi, (text[: token.start].rstrip() + " " + text[token.end :].lstrip(),)
    return vi, ()


def _unclear(text: str, found: list[Token], n: int) -> tuple[str, tuple[str, ...]] | None:
    """The words that everybody says and nobody can be sure of; a comma before them belongs to them."""
    first = n + 1 if found[n].word == "," else n
    for words, vi in UNCLEAR.items():
        if _plain(found[first : first + len(words)]) == words:
            last = first + len(words) - 1
            said = text[found[first].start : found[last].end]
            return vi.format(said=said), _meant(text, found, first, last, vi)
    return None


def _meant(text: str, found: list[Token], first: int, last: int, vi: str) -> tuple[str, ...]:
    comma = first > 0 and found[first - 1].word == ","
    start = found[first - 1].start if comma else found[first].start
    end = found[last].end
    dropped = text[:start].rstrip() + text[end:]
    hurried = f"{text[:start].rstrip()} dồn dập{text[end:]}"
    if vi is BEAT:
        return (text[: found[first].start] + "tiếng" + text[end:], dropped)
    if vi is MANY:
        one = text[: found[first].start] + "1" + text[end:]
        return (_until_stopped(one, found[first].start),)
    if vi is NO_END:
        return (_until_stopped(dropped, max(start - 1, 0)), hurried, dropped)
    return (hurried, dropped) if vi is NO_PAUSE else (hurried, f"{text[:start].rstrip()} mỗi tiếng 350 ms{text[end:]}")


def _until_stopped(text: str, at: int) -> str:
    """The text with the part that holds the place `at` repeated until stopped (unless it is so already)."""
    if "đến khi dừng" in text:
        return text
    start = max(text.rfind(mark, 0, at) for mark in ";(") + 1
    end = min(place if place >= 0 else len(text) for place in (text.find(mark, at) for mark in ";)"))
    part = text[start:end].strip()
    body = f"{part}; nghỉ 1 giây" if part else "1 tiếng dồn dập"
    space = " " if text[:start].endswith(";") else ""
    return f"{text[:start]}{space}({body}) đến khi dừng{text[end:]}"


def _plain(some: list[Token]) -> tuple[str, ...]:
    return tuple(without_marks(token.word) for token in some)


def _respelled(text: str, found: list[Token]) -> str:
    """The whole text with marks put on, numbers in digits, units in full and needless words left out."""
    out, done, n = [], 0, 0
    while n < len(found):
        used, new = _respell(found, n)
        if new is not None:
            out += [text[done : found[n].start], new]
            done = found[n + used - 1].end
        n += used
    return " ".join("".join([*out, text[done:]]).split()).replace(" ;", ";").replace(" ,", ",").strip()


def _respell(found: list[Token], n: int) -> tuple[int, str | None]:
    """How many tokens from `n` on belong together, and what to write for them (None: as they are)."""
    token = found[n]
    if token.word == "hồi" and found[n + 1].word == "ấy":
        return 2, "mỗi hồi"
    if token.kind != "word" or token.word in KEYWORDS:
        return 1, None
    after_number = n > 0 and found[n - 1].kind == "number"
    if after_number and token.word in UNITS:
        return 1, f" {UNITS[token.word]}"
    if token.word in NOISE:
        return 1, ""
    if token.word in SLOW:
        return (2, "thong thả") if found[n + 1].word in SLOW else (1, "thong thả")
    number = _number(found, n)
    if number:
        return number[0], str(number[1])
    plain = without_marks(token.word)
    return 1, BY_PLAIN.get(plain)


def _number(found: list[Token], n: int) -> tuple[int, int] | None:
    """A number in words: how many tokens, and its value (1–99). "hai mươi lăm" is 25."""
    words = _plain(found[n : n + 3])
    first = PLAIN_DIGITS.get(words[0])
    if words[0] == "muoi":
        return _with_unit(words[1:], 1, 10)
    if first is None:
        return None
    if len(words) > 1 and words[1] == "muoi":
        return _with_unit(words[2:], 2, 10 * first)
    return 1, first


def _with_unit(words: tuple[str, ...], used: int, tens: int) -> tuple[int, int]:
    unit = PLAIN_DIGITS.get(words[0]) if words else None
    return (used, tens) if unit is None else (used + 1, tens + unit)
