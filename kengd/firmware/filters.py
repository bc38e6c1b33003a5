"""Section filters of config.txt: filters of one kind replace each other, those of different kinds add up, `[all]` ends them all.

Source: documentation/asciidoc/computers/config_txt/conditional.adoc.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from kengd.firmware.boards import MODEL_FILTERS, Board

Verdict = Literal["yes", "no", "maybe"]
"""Does a line apply to this board? "maybe": it depends on a screen, a pin, a serial number or the bootloader."""

State = Mapping[str, Verdict]
"""One verdict for each kind of filter in force."""

NOTHING: State = {}

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("serial", re.compile(r"0x[0-9a-f]+")),
    ("gpio", re.compile(r"gpio\d+=[01]")),
    ("edid", re.compile(r"edid=.+")),
    ("hdmi", re.compile(r"hdmi:[01]")),
    ("board-type", re.compile(r"board-type=\S+")),
    ("tryboot", re.compile(r"tryboot")),
    (
        "expression",
        re.compile(r"(?:boot_)?partition\s*[=<>&!]+\s*\S+|(?:bootvar|bootarg|boot_arg|cust_otp)\w*\s*[=<>&!]+.+"),
    ),
)


def narrowed(state: State, header: str, board: Board) -> State | None:
    """The state after the line `[header]`, or None: no such filter, so that nothing below it is ever read."""
    word = header.strip().lower()
    if word == "all":
        return NOTHING
    if word in MODEL_FILTERS:
        return {**state, "model": "yes" if word in board.filters else "no"}
    for kind, shape in _KINDS:
        if shape.fullmatch(word):
            return {**state, kind: "maybe"}
    return None


def unreadable(state: State) -> State:
    """The state after a filter that no firmware knows."""
    return {**state, "model": "no"}


def verdict(state: State) -> Verdict:
    """Whether the lines below apply."""
    found = set(state.values())
    return "no" if "no" in found else "maybe" if "maybe" in found else "yes"
