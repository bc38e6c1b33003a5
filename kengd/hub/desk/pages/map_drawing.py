"""The plan as it is drawn: its frame, its grid, where each post and its name stand. Names do not cover each other. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kengd.hub.plan import Picture
from kengd.hub.roster import Post

BLANK_M: Final = 4_000.0
"""Of a plan with nothing on it yet."""
LEAST_M: Final = 400.0
ROOM: Final = 0.12
"""Around everything that stands on it."""
FLATTEST: Final = 0.6
TALLEST: Final = 1.25
"""Height by width, for a phone held upright and a desk's wide screen alike."""
WIDTHS: Final = (330, 660, 1320, 2640)
"""CSS pixels: of a small phone, and the plan made larger. A name is shown from the first width on at which it has room."""
LETTER_PX: Final = 8.0
NAME_PX: Final = 34.0
"""With the word under it."""
MARK_PX: Final = 11.0
"""Half of one."""
STEPS_M: Final = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
_CELL: Final = 96


@dataclass(frozen=True, slots=True)
class Box:
    """The part of the plan that is drawn, metres: its west and north edge, and how far it goes."""

    x: float
    y: float
    width: float
    height: float

    def across(self, x: float) -> float:
        """Percent from the left."""
        return round((x - self.x) / self.width * 100, 3)

    def down(self, y: float) -> float:
        """Percent from the top."""
        return round((self.y - y) / self.height * 100, 3)


@dataclass(frozen=True, slots=True)
class Spot:
    """A post on the drawing, in percent. `side`: of the mark, where its name stands; `width`: index in WIDTHS from which on there is
    room for it, len(WIDTHS): never."""

    post: str
    left: float
    top: float
    side: str
    width: int


def frame_of(places: Iterable[tuple[float, float]], picture: Picture | None) -> Box:
    """All that there is, with room around it, neither too flat nor too tall."""
    found = list(places)
    if picture is not None:
        found += [(picture.x, picture.y), (picture.x + picture.width_m, picture.y - picture.height_m)]
    if not found:
        return Box(-BLANK_M / 2, BLANK_M / 2, BLANK_M, BLANK_M)
    xs, ys = [x for x, _ in found], [y for _, y in found]
    room = 0.02 if picture is not None else ROOM
    width = max((max(xs) - min(xs)) * (1 + 2 * room), LEAST_M)
    height = max((max(ys) - min(ys)) * (1 + 2 * room), LEAST_M)
    width, height = max(width, height / TALLEST), max(height, width * FLATTEST)
    return Box((min(xs) + max(xs) - width) / 2, (min(ys) + max(ys) + height) / 2, width, height)


def step_of(box: Box) -> int:
    """Metres between two lines of the grid, which is also the scale's length: about a fifth of the width."""
    return next((step for step in STEPS_M if step >= box.width / 7), STEPS_M[-1])


def lines_of(box: Box) -> tuple[list[float], list[float]]:
    """Where the grid's lines run: percent from the left, and from the top."""
    step = step_of(box)
    across = range(math.ceil(box.x / step), math.floor((box.x + box.width) / step) + 1)
    down = range(math.ceil((box.y - box.height) / step), math.floor(box.y / step) + 1)
    return [box.across(n * step) for n in across], [box.down(n * step) for n in down]


def spots_of(posts: Sequence[Post], box: Box) -> tuple[Spot, ...]:
    """Those that have a place, in the roster's order."""
    placed = tuple(
        (post.id, post.name, box.across(post.x), box.down(post.y))
        for post in posts
        if post.x is not None and post.y is not None
    )
    return _spots(placed, box.height / box.width)


@lru_cache(maxsize=8)
def _spots(placed: tuple[tuple[str, str, float, float], ...], shape: float) -> tuple[Spot, ...]:
    """Narrowest width first: what has room there has it at every larger one, since marks then only move apart."""
    found: dict[str, Spot] = {}
    for at, width in enumerate(WIDTHS):
        taken = _Taken()
        marks = [(post, left / 100 * width, top / 100 * width * shape) for post, _, left, top in placed]
        for post, x, y in marks:
            taken.put((x - MARK_PX, y - MARK_PX, x + MARK_PX, y + MARK_PX), post)
        names = {post: len(name) * LETTER_PX for post, name, _, _ in placed}
        for post, x, y in marks:
            if (known := found.get(post)) is not None:
                taken.put(_name_box(x, y, names[post], known.side), post)
        for (post, _, left, top), (_, x, y) in zip(placed, marks, strict=True):
            if post in found:
                continue
            for side in ("right", "left", "below", "above"):
                box = _name_box(x, y, names[post], side)
                if (
                    box[0] >= 0
                    and box[2] <= width
                    and box[1] >= 0
                    and box[3] <= width * shape
                    and taken.free(box, post)
                ):
                    taken.put(box, post)
                    found[post] = Spot(post, left, top, side, at)
                    break
    never = len(WIDTHS)
    return tuple(found.get(post) or Spot(post, left, top, "right", never) for post, _, left, top in placed)


_Rect = tuple[float, float, float, float]


def _name_box(x: float, y: float, wide: float, side: str) -> _Rect:
    if side == "right":
        return x + MARK_PX, y - NAME_PX / 2, x + MARK_PX + 4 + wide, y + NAME_PX / 2
    if side == "left":
        return x - MARK_PX - 4 - wide, y - NAME_PX / 2, x - MARK_PX, y + NAME_PX / 2
    if side == "below":
        return x - wide / 2, y + MARK_PX, x + wide / 2, y + MARK_PX + NAME_PX
    return x - wide / 2, y - MARK_PX - NAME_PX, x + wide / 2, y - MARK_PX


class _Taken:
    """Rectangles in a coarse grid: three hundred names are laid out in a moment."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[tuple[_Rect, str]]] = {}

    def put(self, box: _Rect, post: str) -> None:
        """Nothing else is to stand here."""
        for cell in self._of(box):
            self._cells.setdefault(cell, []).append((box, post))

    def free(self, box: _Rect, post: str) -> bool:
        """Whether nothing of another post's is there."""
        return not any(
            other != post and box[0] < at[2] and at[0] < box[2] and box[1] < at[3] and at[1] < box[3]
            for cell in self._of(box)
            for at, other in self._cells.get(cell, ())
        )

    @staticmethod
    def _of(box: _Rect) -> list[tuple[int, int]]:
        left, top, right, bottom = (int(part // _CELL) for part in box)
        return [(x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)]
