"""The notation: what keepers say is read; what can be understood in two ways is refused with the exact forms."""

from __future__ import annotations

import unicodedata

import pytest

from kengd.bellcode.notation import LONGEST_TEXT, NotationError, parse, write
from kengd.bellcode.pattern import (
    Blast,
    CountedRounds,
    Every,
    LastingRounds,
    Pattern,
    Quickening,
    Repeat,
    Rest,
    Strokes,
    Tempo,
)


def refused(text: str) -> NotationError:
    with pytest.raises(NotationError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "1 hồi dài nhanh dần; nghỉ 1 giây; (3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng",
            (
                LastingRounds(1, "long", Tempo.QUICKENING),
                Rest(1000),
                Repeat((Strokes(3, Tempo.URGENT), Rest(1000)), None),
            ),
        ),
        ("3 hồi dài đều, cách 3 giây", (LastingRounds(3, "long", Tempo.STEADY, 3000),)),
        ("2 hồi ngắn thong thả, cách 500 ms", (LastingRounds(2, "short", Tempo.SLOW, 500),)),
        ("1 hồi, mỗi hồi 3 tiếng", (CountedRounds(1, 3),)),
        ("4 hồi, mỗi hồi 3 tiếng dồn dập, cách 1,5 giây", (CountedRounds(4, 3, Tempo.URGENT, 1500),)),
        ("5 tiếng thong thả", (Strokes(5, Tempo.SLOW),)),
        ("5 tiếng mỗi tiếng 1.5 giây", (Strokes(5, Every(1500)),)),
        ("1 hồi 12 giây nhanh dần từ 1 giây đến 300 ms", (LastingRounds(1, 12_000, Quickening(1000, 300)),)),
        ("(hú 36 giây; nghỉ 24 giây) 3 lần", (Repeat((Blast(36_000), Rest(24_000)), 3),)),
        ("hú đến khi dừng", (Blast(None),)),
        ("hú 2 phút", (Blast(120_000),)),
        ("  2   HỒI dài,cách 3giây ;5 tiếng\n", (LastingRounds(2, "long", Tempo.STEADY, 3000), Strokes(5))),
    ],
)
def test_what_keepers_say_is_read(text: str, parts: tuple[object, ...]) -> None:
    """Every form of the grammar, with a comma or a point for decimals, any spacing, any case."""
    assert parse(text).parts == parts


def test_letters_in_two_pieces_are_the_same_letters() -> None:
    """Text is normalised to NFC before it is read, and columns count letters of the NFC text."""
    pieces = unicodedata.normalize("NFD", "3 tiếng dồn dập; nghỉ 1 giây; hú")
    assert refused(pieces).column == len("3 tiếng dồn dập; nghỉ 1 giây; hú") + 1
    assert parse(unicodedata.normalize("NFD", "3 tiếng dồn dập")) == parse("3 tiếng dồn dập")


@pytest.mark.parametrize(
    ("text", "column", "suggestions"),
    [
        ("1 hồi 3 tiếng", 7, ("1 hồi, mỗi hồi 3 tiếng", "1 hồi dài; nghỉ 1 giây; 3 tiếng")),
        ("1 hồi, 3 tiếng", 8, ("1 hồi, mỗi hồi 3 tiếng", "1 hồi dài; nghỉ 1 giây; 3 tiếng")),
        (
            "2 tiếng; 3 hồi 4 tiếng dồn dập, cách 2 giây; nghỉ 1 giây",
            16,
            (
                "2 tiếng; 3 hồi, mỗi hồi 4 tiếng dồn dập, cách 2 giây; nghỉ 1 giây",
                "2 tiếng; 3 hồi dài, cách 2 giây; nghỉ 1 giây; 4 tiếng dồn dập; nghỉ 1 giây",
            ),
        ),
        ("nghỉ 1 tiếng", 8, ("nghỉ 1 giây", "nghỉ 60 phút")),
        ("5 tiếng liên tục", 9, ("(5 tiếng; nghỉ 1 giây) đến khi dừng", "5 tiếng dồn dập", "5 tiếng")),
        ("liên tục", 1, ("(1 tiếng dồn dập) đến khi dừng",)),
        ("3 tiếng liền nhau", 9, ("3 tiếng dồn dập", "3 tiếng")),
        ("1 hồi dài liên hồi", 11, ("1 hồi dài dồn dập", "1 hồi dài mỗi tiếng 350 ms")),
        ("5 tiếng gấp", 9, ("5 tiếng dồn dập", "5 tiếng mỗi tiếng 350 ms")),
        ("3 nhịp dồn dập", 3, ("3 tiếng dồn dập",)),
        (
            "nhiều hồi, mỗi hồi 3 tiếng liền nhau, liên tục",
            1,
            (
                "(1 hồi, mỗi hồi 3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng",
                "(1 hồi, mỗi hồi 3 tiếng; nghỉ 1 giây) đến khi dừng",
            ),
        ),
    ],
)
def test_what_has_two_meanings_is_refused_and_the_exact_forms_are_offered(
    text: str, column: int, suggestions: tuple[str, ...]
) -> None:
    """CODEBOOKS: "1 hồi 3 tiếng", "tiếng" as an hour, "liên tục", "liền nhau", "liên hồi", "gấp", "nhịp": never guessed."""
    wrong = refused(text)
    assert (wrong.column, wrong.suggestions) == (column, suggestions)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("3 hoi dai deu, cach 3 giay", "3 hồi dài đều, cách 3 giây"),
        ("(3 tieng don dap; nghi 1 giay) den khi dung", "(3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng"),
        ("1 hoi 3 tieng", "1 hồi, mỗi hồi 3 tiếng"),
        ("một hồi dài", "1 hồi dài"),
        ("Hai mươi lăm tiếng chậm rãi", "25 tiếng thong thả"),
        ("mười hai tiếng", "12 tiếng"),
        ("Năm tiếng rời, thong thả", "5 tiếng thong thả"),
        ("Một hồi, hồi ấy ba tiếng", "1 hồi, mỗi hồi 3 tiếng"),
        ("Còi hú 36 giây, nghỉ 24 giây, ba lần", "(hú 36 giây; nghỉ 24 giây) 3 lần"),
        ("hú 36s", "hú 36 giây"),
        ("hú 1 phút 30 giây", "hú 90 giây"),
        ("3 tiếng đến khi dừng", "(3 tiếng; nghỉ 1 giây) đến khi dừng"),
        ("5 tiếng, cách 2 giây", "5 tiếng mỗi tiếng 2 giây"),
        ("2 hồi dài", "2 hồi dài, cách 3 giây"),
        ("1 hồi dài, cách 3 giây; 2 tiếng", "1 hồi dài; nghỉ 3 giây; 2 tiếng"),
        ("1 hồi dài, cách 3 giây", "1 hồi dài"),
        ("1 hồi dài nhanh dần từ 300 ms đến 1 giây", "1 hồi dài nhanh dần từ 1 giây đến 300 ms"),
        ("(3 tiếng", "(3 tiếng) 3 lần"),
        ("3 tiếng;", "3 tiếng"),
        ("nghỉ 1.500 ms", "nghỉ 1500 ms"),
    ],
)
def test_a_slip_shows_the_corrected_line(text: str, line: str) -> None:
    """Text without diacritics, numbers in words and common slips are errors that show the corrected line."""
    wrong = refused(text)
    assert wrong.suggestion == line
    assert line in wrong.for_people()


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("", 1, "hú"),
        ("3 tiếng; 5", 11, "tiếng"),
        ("0 tiếng", 1, "từ 1 đến 999"),
        ("1000 tiếng", 1, "từ 1 đến 999"),
        ("2,5 tiếng", 1, "từ 1 đến 999"),
        ("hú 0 giây", 4, "60 phút"),
        ("hú 3601 giây", 4, "60 phút"),
        ("hú 0,0001 giây", 4, "60 phút"),
        ("hú 61 phút", 4, "60 phút"),
        ("hú inf giây", 4, "2 giây"),
        ("nan tiếng", 1, "tiếng"),
        ("3 tiếng 😀", 9, "dồn dập"),
        ("(((((1 tiếng) 2 lần) 2 lần) 2 lần) 2 lần) 2 lần", 5, "tiếng"),
    ],
)
def test_the_first_mistake_has_its_column_and_what_was_expected(text: str, column: int, expected: str) -> None:
    """Bounds: counts 1–999, times 1 ms–1 h, brackets 4 deep; nan and inf are no numbers."""
    wrong = refused(text)
    assert wrong.column == column
    assert expected in wrong.expected
    assert f"cột {column}" in wrong.vi
    assert (wrong.code, wrong.exit_code) == ("notation", 2)


def test_a_text_of_more_than_500_letters_is_refused() -> None:
    """Bound on the text itself; one letter less is read."""
    fits = "; ".join(["1 tiếng"] * 55)
    assert len(fits) <= LONGEST_TEXT < len(fits + "; 1 tiếng")
    assert len(parse(fits).parts) == 55
    assert refused(fits + "; 1 tiếng").column == LONGEST_TEXT + 1


def test_the_written_form_is_what_a_keeper_would_say() -> None:
    """Minutes and seconds where they are whole, a comma for decimals, đều left out."""
    pattern = Pattern((LastingRounds(2, 90_000, Every(1250), 1234), Strokes(1), Rest(120_000), Blast(500)))
    assert write(pattern) == "2 hồi 90 giây mỗi tiếng 1,25 giây, cách 1234 ms; 1 tiếng; nghỉ 2 phút; hú 500 ms"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Strokes(0),
        lambda: Strokes(1000),
        lambda: Rest(0),
        lambda: Rest(3_600_001),
        lambda: LastingRounds(2, "long"),
        lambda: LastingRounds(1, "long", gap_ms=3),
        lambda: CountedRounds(1, 0),
        lambda: Quickening(300, 301),
        lambda: Repeat((), 2),
        lambda: Pattern(()),
        lambda: Pattern((Repeat((Repeat((Repeat((Repeat((Repeat((Strokes(1),), 2),), 2),), 2),), 2),), 2),)),
    ],
)
def test_a_pattern_that_exists_is_valid(wrong: object) -> None:
    """Habit: a value that exists is valid."""
    assert callable(wrong)
    with pytest.raises(ValueError):
        wrong()
