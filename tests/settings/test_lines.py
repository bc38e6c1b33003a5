"""The line of every key, without a TOML parser that tells."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.settings.lines import KeyPath, key_lines, line_of

TEXT = '''# a comment with [brackets] and x = 1
state_dir = "/a # not a comment"   # but this is one

[post]
name = """first
second = 2
"""
id = 'x'
"quoted key" = 3
dotted.inner.deep = 4

[[gpio.buttons]]
pin = 5

[[gpio.buttons]]
place = { where = "hall", floor = { n = 2 } }
pins = [
  1, # one
  2,
  [3, "]"],
]

[gpio.buttons.sub]
q = "a\\"]b"

[ spaced . "out" ]
z = 1979-05-27T07:32:00Z
'''


def test_each_key_has_its_line_whatever_stands_around_it() -> None:
    """R27: a wrong key is named with its line; strings, comments, arrays and inline tables do not mislead the count."""
    assert key_lines(TEXT) == {
        ("state_dir",): 2,
        ("post",): 4,
        ("post", "name"): 5,
        ("post", "id"): 8,
        ("post", "quoted key"): 9,
        ("post", "dotted"): 10,
        ("post", "dotted", "inner"): 10,
        ("post", "dotted", "inner", "deep"): 10,
        ("gpio",): 12,
        ("gpio", "buttons"): 12,
        ("gpio", "buttons", 0): 12,
        ("gpio", "buttons", 0, "pin"): 13,
        ("gpio", "buttons", 1): 15,
        ("gpio", "buttons", 1, "place"): 16,
        ("gpio", "buttons", 1, "place", "where"): 16,
        ("gpio", "buttons", 1, "place", "floor"): 16,
        ("gpio", "buttons", 1, "place", "floor", "n"): 16,
        ("gpio", "buttons", 1, "pins"): 17,
        ("gpio", "buttons", 1, "pins", 0): 18,
        ("gpio", "buttons", 1, "pins", 1): 19,
        ("gpio", "buttons", 1, "pins", 2): 20,
        ("gpio", "buttons", 1, "pins", 2, 0): 20,
        ("gpio", "buttons", 1, "pins", 2, 1): 20,
        ("gpio", "buttons", 1, "sub"): 23,
        ("gpio", "buttons", 1, "sub", "q"): 24,
        ("spaced",): 26,
        ("spaced", "out"): 26,
        ("spaced", "out", "z"): 27,
    }


def paths(data: Any, path: KeyPath = ()) -> set[KeyPath]:
    """Every path of parsed TOML."""
    found = {path} if path else set()
    if isinstance(data, dict):
        return found.union(*(paths(item, (*path, key)) for key, item in data.items()))
    if isinstance(data, list):
        return found.union(*(paths(item, (*path, n)) for n, item in enumerate(data)))
    return found


def test_the_walk_sees_the_same_keys_as_the_standard_parser() -> None:
    """The locator and tomllib agree on what stands in the file."""
    assert set(key_lines(TEXT)) == paths(tomllib.loads(TEXT))


def test_the_deepest_part_that_stands_in_the_file_is_named() -> None:
    """A missing key is reported at its table; a part that is no key (a union's tag) is stepped over."""
    lines = key_lines("[bell]\nkind = 'siren'\n")
    assert line_of(lines, ("bell", "siren", "kind")) == 2
    assert line_of(lines, ("bell", "hold_ms")) == 1
    assert line_of(lines, ("post", "id")) is None


@given(st.text(alphabet="[]{}=\"'\\#.,\n ab1_-", max_size=80))
@settings(max_examples=300, deadline=None)
def test_broken_text_never_breaks_the_walk(text: str) -> None:
    """Whatever is typed, the locator answers; what tomllib reads, it reads the same way."""
    found = key_lines(text)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert paths(data) <= set(found)


def test_deep_nesting_does_not_exhaust_the_stack() -> None:
    """A hostile file is no way to stop the program."""
    assert key_lines("a = " + "[" * 100_000)[("a",)] == 1
