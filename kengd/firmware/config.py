"""config.txt with its included files, line by line, and whether each line is for this board. Never raises, whatever the text.

Source of the format: documentation/asciidoc/computers/config_txt/what_is_config_txt.adoc.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from kengd.firmware.boards import Board
from kengd.firmware.filters import NOTHING, State, Verdict, narrowed, unreadable, verdict
from kengd.firmware.finding import Colour, Finding
from kengd.firmware.known import EARLY_KEYS, KEYS, SPACED_KEYS

CONFIG = "config.txt"
FRAGMENT = "kengd.txt"
LONGEST_LINE = 98
"""Characters of a line that the firmware reads; the rest is dropped without a word."""
LARGEST_BYTES = 16 * 1024
"""A Pi 5 did not start with a config.txt larger than that (raspberrypi/firmware#1848, agherzan/meta-raspberrypi#1255)."""
DEEPEST = 8
MOST_LINES = 10_000
"""Files that include each other many times over would be read for days."""

_ALIASES = {"device_tree_overlay": "dtoverlay", "device_tree_param": "dtparam"}


@dataclass(frozen=True, slots=True)
class Line:
    """One `key=value`. `index`: the n of `key:n=value`; `applies`: to the board it was read for."""

    file: str
    number: int
    key: str
    value: str
    applies: Verdict
    index: str = ""

    def finding(self, colour: Colour, code: str, vi: str, cure: str, en: str) -> Finding:
        """A finding about this line."""
        return Finding(colour, code, self.file, self.number, vi, cure, en)


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything read, in the order in which the firmware takes it in."""

    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]
    included: Mapping[str, Verdict]

    def given(self, key: str) -> list[Line]:
        """The lines with this key that do or may apply."""
        return [line for line in self.lines if line.key == key and line.applies != "no"]

    def last(self, key: str) -> Line | None:
        """The line that surely applies and is obeyed: the last one."""
        return next((line for line in reversed(self.lines) if line.key == key and line.applies == "yes"), None)


def read(files: Mapping[str, str], board: Board, start: str = CONFIG) -> Reading:
    """Read `start` with everything it includes. `files`: text by name in lower case (FAT knows no case)."""
    reader = _Reader(files, board)
    reader.file(start, ())
    size = sum(len(files.get(name, "").encode()) for name in {start, *reader.included})
    if size > LARGEST_BYTES:
        reader.findings.append(
            Finding(
                "yellow", "config_too_large", start, None,
                f"dài {size} byte; Raspberry Pi 5 từng không khởi động được khi quá {LARGEST_BYTES} byte",
                "xoá bớt dòng chú thích trong config.txt",
                f"{size} bytes; a Pi 5 has failed to start beyond {LARGEST_BYTES}",
            )
        )  # fmt: skip
    return Reading(tuple(reader.lines), tuple(reader.findings), reader.included)


@dataclass(slots=True)
class _Reader:
    """One pass over the files. A filter holds across the beginning and the end of an included file."""

    files: Mapping[str, str]
    board: Board
    state: State = field(default_factory=lambda: NOTHING)
    lines: list[Line] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    included: dict[str, Verdict] = field(default_factory=dict)

    def file(self, name: str, above: tuple[str, ...]) -> None:
        for number, raw in enumerate(self.files.get(name, "").splitlines(), 1):
            text = raw.strip().lstrip("\ufeff")
            if not text or text.startswith("#"):
                continue
            if len(self.lines) >= MOST_LINES:
                return
            if text.startswith("["):
                self.section(text, name, number)
            else:
                self.setting(text, Line(name, number, "", "", verdict(self.state)), above)

    def section(self, text: str, name: str, number: int) -> None:
        state = narrowed(self.state, text[1:].partition("]")[0], self.board) if "]" in text else None
        if state is None:
            self.findings.append(
                Finding(
                    "yellow", "unknown_section", name, number,
                    f"không có mục {text}: các dòng bên dưới không bao giờ được đọc",
                    "viết [all], [pi02], [pi3], [pi4] hoặc [pi5]",
                    f"no such section {text}: nothing below it is read",
                )
            )  # fmt: skip
        self.state = unreadable(self.state) if state is None else state

    def setting(self, text: str, at: Line, above: tuple[str, ...]) -> None:
        if len(text) > LONGEST_LINE:
            self.say(
                at, "red", "line_too_long",
                f"dòng dài {len(text)} ký tự, máy chỉ đọc {LONGEST_LINE} ký tự đầu", "tách thành nhiều dòng",
                f"{len(text)} characters, only the first {LONGEST_LINE} are read",
            )  # fmt: skip
        clean, comment, _ = text.partition(" #")
        if comment:
            self.say(
                at, "yellow", "comment_after_value",
                "chú thích đứng sau giá trị có thể bị hiểu là một phần của giá trị", "chuyển chú thích lên dòng riêng",
                "a comment after a value may be taken as part of it",
            )  # fmt: skip
        key, _, value = clean.rstrip().partition("=")
        if not value and "=" not in clean:
            key, _, value = clean.strip().partition(" ")
            if key not in SPACED_KEYS:
                self.not_understood(clean, at)
                return
        key, _, index = key.strip().partition(":")
        line = Line(at.file, at.number, _ALIASES.get(key, key), value.strip(), at.applies, index)
        self.lines.append(line)
        self.key(line, above)

    def key(self, line: Line, above: tuple[str, ...]) -> None:
        if line.key == "include":
            self.include(line, above)
        elif line.key not in KEYS:
            near = difflib.get_close_matches(line.key[:40], KEYS, n=1)
            self.say(
                line, "yellow", "unknown_key",
                f'không có mục "{line.key[:40]}"', f'có phải "{near[0]}"?' if near else "xoá dòng này, hoặc xem lại cách viết",
                f"unknown key {line.key[:40]}",
            )  # fmt: skip
        elif line.key in EARLY_KEYS and line.file != CONFIG:
            self.say(
                line, "yellow", "early_key_included",
                f'"{line.key}" trong tệp được include không có tác dụng', f'chuyển dòng này sang {CONFIG}',
                f"{line.key} has no effect in an included file",
            )  # fmt: skip

    def include(self, line: Line, above: tuple[str, ...]) -> None:
        name = line.value.lower()
        if line.applies == "no":
            self.included.setdefault(name, "no")
            return
        if name not in self.files:
            self.say(
                line, "red" if name == FRAGMENT else "yellow", "include_missing",
                f'không có tệp "{line.value}" trên phân vùng khởi động',
                f"kengd firmware | sudo tee {FRAGMENT}" if name == FRAGMENT else "chép tệp vào, hoặc xoá dòng này",
                f"no file {line.value} on the boot partition",
            )  # fmt: skip
        elif name in (*above, line.file) or len(above) >= DEEPEST:
            self.say(
                line, "red", "include_circle",
                f'tệp "{line.value}" gọi lại chính nó', "xoá dòng include này", f"{line.value} includes itself",
            )  # fmt: skip
        else:
            self.included[name] = line.applies
            self.file(name, (*above, line.file))

    def not_understood(self, text: str, at: Line) -> None:
        self.say(
            at, "yellow", "not_understood", f'không hiểu dòng "{text[:40]}"', "viết dạng tên=giá trị",
            f"not understood: {text[:40]}",
        )  # fmt: skip

    def say(self, at: Line, colour: Colour, code: str, vi: str, cure: str, en: str) -> None:
        self.findings.append(at.finding(colour, code, vi, cure, en))
