"""The file with the keepers' PINs: written by the hub, read by the post, and never a reason not to start."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kengd.wire.pin import KeptPins, read_pins, write_pins

STORED = "scrypt$16384$" + "ab" * 16 + "$" + "cd" * 32
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60).filter(
    lambda name: name == name.strip(" ") and name.strip() != ""
)


def test_a_line_is_a_keeper_and_a_spoilt_one_is_nobody() -> None:
    """Names keep their diacritics; the other lines count all the same, and the numbers of the spoilt ones are told."""
    text = f"\nÔng Thái\t{STORED}\r\nBà Hoà {STORED}\nÔng Thái\t{STORED}\n\tx\nBà Hoà\t{STORED}\n204865\n"
    assert read_pins(text) == KeptPins({"Ông Thái": STORED, "Bà Hoà": STORED}, (3, 4, 5, 7))
    assert read_pins("\n\n") == KeptPins()


def test_a_pin_is_not_shown_by_what_holds_it() -> None:
    """P12: six digits are guessed from their hash in minutes, so the hash is a secret."""
    assert "scrypt" not in repr(read_pins(f"Ông Thái\t{STORED}\n"))


@given(st.dictionaries(names, st.just(STORED), max_size=5))
def test_what_was_written_is_read(keepers: dict[str, str]) -> None:
    """Both ends use one file for both."""
    assert read_pins(write_pins(keepers)) == KeptPins(keepers)


@given(st.text(max_size=300))
def test_no_text_at_all_stops_the_reader(text: str) -> None:
    """P3: whatever is in that file, the bell does not depend on it."""
    assert isinstance(read_pins(text), KeptPins)
