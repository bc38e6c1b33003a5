"""Which line of a TOML file a key stands on (the standard library's parser does not tell). Pure, standard library only."""

from __future__ import annotations

import re

KeyPath = tuple[str | int, ...]

DEEPEST = 32
"""No settings lie deeper; a hostile file is given up here."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]*")
_STRINGS = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"((?:\\.|[^"\\\n])*)"'),
    re.compile(r"'([^'\n]*)'"),
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """1-based line of every table, key and array item, by path; the n-th `[[table]]` has the path (..., n).

    The text should be valid TOML; of a broken one it returns what it found before the break.
    """
    walk = _Walk(text)
    try:
        walk.document()
    except (IndexError, ValueError, StopIteration, RecursionError):
        pass
    return walk.lines


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int | None:
    """The line of the deepest part of `path` that stands in the file; parts that do not stand there are stepped over."""
    found: KeyPath = ()
    for part in path:
        if (*found, part) in lines:
            found = (*found, part)
    return lines.get(found)


class _Walk:
    """One pass over the text with a position; IndexError means that the text ended or is not TOML."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}
        self._counted_to = (0, 1)

    def document(self) -> None:
        table: KeyPath = ()
        while self.gap() < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)

    def gap(self) -> int:
        """Skip white space, line ends and comments."""
        self.at = self.match(_GAP).end()
        return self.at

    def match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise IndexError(self.at)
        return found

    def line(self) -> int:
        """The line of the position, counted on from the last place asked about."""
        at, line = self._counted_to
        line += self.text.count("\n", at, self.at)
        self._counted_to = (self.at, line)
        return line

    def note(self, path: KeyPath, line: int) -> None:
        if len(path) > DEEPEST:
            raise IndexError(self.at)
        for end in range(1, len(path) + 1):
            self.lines.setdefault(path[:end], line)

    def header(self) -> KeyPath:
        line = self.line()
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        path = self.inside_arrays(self.dotted())
        self.at = self.text.index("]", self.at) + (2 if double else 1)
        if double:
            count = self._counts.get(path, 0)
            self._counts[path] = count + 1
            path = (*path, count)
        self.note(path, line)
        return path

    def inside_arrays(self, keys: KeyPath) -> KeyPath:
        """`[fruit.physical]` after `[[fruit]]` belongs to the last fruit."""
        path: KeyPath = ()
        for place, key in enumerate(keys):
            path = (*path, key)
            if place < len(keys) - 1 and path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def dotted(self) -> KeyPath:
        keys = [self.key()]
        while self.skip_space() and self.text[self.at : self.at + 1] == ".":
            self.at += 1
            keys.append(self.key())
        return tuple(keys)

    def skip_space(self) -> bool:
        self.at = self.match(_SPACE).end()
        return True

    def key(self) -> str:
        self.skip_space()
        if self.text[self.at] in "\"'":
            found = self.match(_STRINGS[2] if self.text[self.at] == '"' else _STRINGS[3])
            self.at = found.end()
            return found.group(1)
        found = self.match(_BARE_KEY)
        self.at = found.end()
        return found.group()

    def pair(self, table: KeyPath) -> None:
        line = self.line()
        path = (*table, *self.dotted())
        self.note(path, line)
        if self.text[self.at] != "=":
            raise IndexError(self.at)
        self.at += 1
        self.skip_space()
        self.value(path)

    def value(self, path: KeyPath) -> None:
        first = self.text[self.at]
        if first in "\"'":
            self.at = next(found.end() for pattern in _STRINGS if (found := pattern.match(self.text, self.at)))
        elif first == "[":
            self.sequence(path, "]")
        elif first == "{":
            self.sequence(path, "}")
        else:
            self.at = self.match(_PLAIN_VALUE).end()

    def sequence(self, path: KeyPath, closing: str) -> None:
        """The items of an array or the pairs of an inline table."""
        self.at += 1
        count = 0
        while self.text[self.gap()] != closing:
            begun = self.at
            if closing == "]":
                self.note((*path, count), self.line())
                self.value((*path, count))
            else:
                self.pair(path)
            count += 1
            if self.text[self.gap()] == ",":
                self.at += 1
            if self.at == begun:
                raise IndexError(self.at)
        self.at += 1
