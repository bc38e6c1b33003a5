"""The boards a post is built on, and the section filters of config.txt that each of them obeys.

Source of the filters: documentation/asciidoc/computers/config_txt/conditional.adoc, and raspberrypi/rpi-eeprom#581 for the Pi 5 family.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Board:
    """`name`: what `--board` takes; `filters`: the model sections it reads; `rp1`: its header hangs on the Pi 5's own chip."""

    name: str
    title: str
    filters: frozenset[str]
    rp1: bool = False


def _board(name: str, title: str, *also: str, rp1: bool = False) -> Board:
    return Board(name, title, frozenset((name, *also)), rp1)


PI02 = _board("pi02", "Zero 2 W", "pi0", "pi0w")
PI3 = _board("pi3", "3")
PI4 = _board("pi4", "4")
PI5 = _board("pi5", "5", rp1=True)

BOARDS: tuple[Board, ...] = (PI02, PI3, PI4, PI5)
"""The boards that the shipped fragment is made for, one of each kind."""

_KINDS: tuple[tuple[str, Board], ...] = (
    ("Zero 2", PI02),
    ("3 Model A Plus", Board("pi3", "3A+", frozenset(("pi3", "pi3+")))),
    ("3 Model B Plus", Board("pi3", "3B+", frozenset(("pi3", "pi3+")))),
    ("Compute Module 5", Board("pi5", "CM5", frozenset(("pi5", "cm5")), rp1=True)),
    ("Compute Module 4S", Board("pi4", "CM4S", frozenset(("pi4", "cm4s")))),
    ("Compute Module 4", Board("pi4", "CM4", frozenset(("pi4", "cm4")))),
    ("Compute Module 3", PI3),
    ("Raspberry Pi 500", Board("pi5", "500", frozenset(("pi5", "pi500")), rp1=True)),
    ("Raspberry Pi 400", Board("pi4", "400", frozenset(("pi4", "pi400")))),
    ("Raspberry Pi 5", PI5),
    ("Raspberry Pi 4", PI4),
    ("Raspberry Pi 3", PI3),
)

_MODELS = "none pi0 pi0w pi02 pi1 pi2 pi3 pi3+ pi4 pi400 pi5 pi500 cm0 cm1 cm3 cm3+ cm4 cm4s cm5"
MODEL_FILTERS = frozenset(_MODELS.split())
"""Every model section there is; `[none]` fits no board."""


def board_of(model: str) -> Board | None:
    """The board from the text of /proc/device-tree/model, or None: not one of ours."""
    return next((board for words, board in _KINDS if words in model), None)


def board_named(name: str) -> Board | None:
    """The board that `--board` names, or None."""
    return next((board for board in BOARDS if board.name == name), None)
