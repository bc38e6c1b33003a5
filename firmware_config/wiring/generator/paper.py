"""A sheet of A4 paper: shapes, texts, parts with their terminals, wires between terminals; written as SVG.

Coordinates are millimetres from the upper left corner, without any transform, so that a test can read the file back: a part is
`<g data-part data-kind data-value>` with `<circle data-pin>` for each terminal, a wire is `<polyline data-wire>`. Whoever reads
the file can find out what is joined with what; see tests/wiring.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from firmware_config.wiring.generator import index
from firmware_config.wiring.generator.letters import wrapped
from kengd import __version__

REVISION = "1"
"""Of the drawings. Count up when a wire changes."""
LONG, SHORT = 297, 210
Wire = Literal["12V", "0V", "5V", "3V3", "signal", "PE", "L", "N"]
_STROKES: dict[str, tuple[float, str]] = {
    "12V": (0.8, ""),
    "0V": (0.8, ""),
    "5V": (0.6, ""),
    "3V3": (0.6, ""),
    "signal": (0.4, ""),
    "PE": (0.8, "2.4 1.2"),
    "L": (0.6, ""),
    "N": (0.6, "0.8 0.8"),
}
"""Width and dashes of each kind of wire: told apart without colour."""


class Point(NamedTuple):
    """A place on the sheet, mm."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Part:
    """A part that was drawn; `part["A1"]` is the place of its terminal."""

    ref: str
    pins: dict[str, Point] = field(default_factory=dict)

    def __getitem__(self, pin: str) -> Point:
        return self.pins[pin]


def mm(value: float) -> str:
    """A length as written into the file: at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


class Sheet:
    """One sheet. Shapes lie below texts; wires' junctions are dotted by themselves when the sheet is written."""

    def __init__(self, name: str, *, portrait: bool = False) -> None:
        self.number, self.slug = index.number(name), index.slug(name)
        self.vi, self.en = index.TITLES[name]
        self.width, self.height = (SHORT, LONG) if portrait else (LONG, SHORT)
        self._shapes: list[str] = []
        self._texts: list[str] = []
        self._wires: list[tuple[Point, ...]] = []
        self._pins: list[Point] = []

    # shapes ---------------------------------------------------------------------------------------------------------

    def line(self, *points: tuple[float, float], stroke: float = 0.35, dash: str = "", close: bool = False) -> None:
        """A line through these points."""
        drawn = " ".join(f"{mm(x)},{mm(y)}" for x, y in ([*points, points[0]] if close else points))
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._shapes.append(
            f'<polyline points="{drawn}" fill="none" stroke="#000" stroke-width="{mm(stroke)}"{dashes}/>'
        )

    def area(self, *points: tuple[float, float], fill: str = "#000") -> None:
        """A filled shape without an outline."""
        drawn = " ".join(f"{mm(x)},{mm(y)}" for x, y in points)
        self._shapes.append(f'<polygon points="{drawn}" fill="{fill}"/>')

    def box(
        self, x: float, y: float, w: float, h: float, *, stroke: float = 0.35, fill: str = "none", dash: str = ""
    ) -> None:
        """A rectangle; `stroke` 0: no outline."""
        pen = f' stroke="#000" stroke-width="{mm(stroke)}"' if stroke else ""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._shapes.append(
            f'<rect x="{mm(x)}" y="{mm(y)}" width="{mm(w)}" height="{mm(h)}" fill="{fill}"{pen}{dashes}/>'
        )

    def ring(self, x: float, y: float, r: float, *, stroke: float = 0.35, fill: str = "none") -> None:
        """A circle."""
        self._shapes.append(
            f'<circle cx="{mm(x)}" cy="{mm(y)}" r="{mm(r)}" fill="{fill}" stroke="#000" stroke-width="{mm(stroke)}"/>'
        )

    # text -----------------------------------------------------------------------------------------------------------

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 3.0,
        *,
        at: Literal["start", "middle", "end"] = "start",
        bold: bool = False,
        english: bool = False,
        fill: str = "#000",
    ) -> None:
        """One line; `y` is the base line. English is smaller, slanted and grey."""
        style = ' font-style="italic"' if english else ""
        style += ' font-weight="bold"' if bold else ""
        colour = "#333" if english and fill == "#000" else fill
        self._texts.append(
            f'<text x="{mm(x)}" y="{mm(y)}" font-size="{mm(size)}" text-anchor="{at}" fill="{colour}"{style}'
            f' lang="{"en" if english else "vi"}">{escape(text)}</text>'
        )

    def words(
        self,
        x: float,
        y: float,
        room: float,
        text: str,
        size: float = 3.0,
        *,
        bold: bool = False,
        english: bool = False,
    ) -> float:
        """Lines of at most `room` mm, from the base line `y` on; the base line that would come next."""
        for line in wrapped(text, size, room, bold):
            self.text(x, y, line, size, bold=bold, english=english)
            y += size * 1.32
        return y

    # parts and wires ------------------------------------------------------------------------------------------------

    @contextmanager
    def part(self, ref: str, kind: str, value: str = "") -> Iterator[Part]:
        """What is drawn inside belongs to this part; give it its terminals with `pin`."""
        part = Part(ref)
        self._shapes.append(f"<g data-part={quoteattr(ref)} data-kind={quoteattr(kind)} data-value={quoteattr(value)}>")
        yield part
        self._shapes.append("</g>")

    def pin(self, part: Part, name: str, x: float, y: float) -> Point:
        """A terminal of the part that is being drawn."""
        here = part.pins[name] = Point(round(x, 2), round(y, 2))
        self._pins.append(here)
        self._shapes.append(
            f'<circle data-pin={quoteattr(name)} cx="{mm(x)}" cy="{mm(y)}" r="0.55" fill="#fff" stroke="#000" stroke-width="0.3"/>'
        )
        return here

    def wire(self, kind: Wire, *points: tuple[float, float]) -> None:
        """A wire through these points, upright and level only; both ends at a terminal or on another wire."""
        path = tuple(Point(round(x, 2), round(y, 2)) for x, y in points)
        for here, there in itertools.pairwise(path):
            if here == there or (here.x != there.x and here.y != there.y):
                raise ValueError(f"{self.slug}: a wire runs askew or nowhere: {here} → {there}")
        stroke, dash = _STROKES[kind]
        drawn = " ".join(f"{mm(x)},{mm(y)}" for x, y in path)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._shapes.append(
            f'<polyline data-wire="{kind}" points="{drawn}" fill="none" stroke="#000" stroke-width="{mm(stroke)}"{dashes}/>'
        )
        self._wires.append(path)

    def link(
        self,
        kind: Wire,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        x: float | None = None,
        y: float | None = None,
    ) -> None:
        """A wire with corners: by way of this `x` (level, upright, level) or this `y`, or with one bend above the end."""
        if x is not None:
            corners = [(x, start[1]), (x, end[1])]
        elif y is not None:
            corners = [(start[0], y), (end[0], y)]
        else:
            corners = [(end[0], start[1])]
        path = [start]
        path += [corner for corner in (*corners, end) if corner not in path]
        self.wire(kind, *path)

    # the file -------------------------------------------------------------------------------------------------------

    def svg(self) -> str:
        """The whole file."""
        self._frame()
        dots = [f'<circle data-dot="" cx="{mm(x)}" cy="{mm(y)}" r="0.8"/>' for x, y in sorted(self._junctions())]
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}mm" height="{self.height}mm"'
            f' viewBox="0 0 {self.width} {self.height}" font-family="sans-serif" lang="vi">'
        )
        title = f"<title>{escape(self.vi)}</title><desc>{escape(self.en)}</desc>"
        ground = f'<rect width="{self.width}" height="{self.height}" fill="#fff"/>'
        return "\n".join([head, title, ground, *self._shapes, *dots, *self._texts, "</svg>", ""])

    def _frame(self) -> None:
        right, bottom = self.width - 7, self.height - 7
        self.box(7, 7, right - 7, bottom - 7, stroke=0.6)
        self.line((7, 23), (right, 23), stroke=0.6)
        self.text(11, 15, self.vi, 5.2, bold=True)
        self.text(11, 20.3, self.en, 3.0, english=True)
        self.line((right - 30, 7), (right - 30, 23))
        self.text(right - 15, 14, "TỜ", 2.6, at="middle")
        self.text(right - 15, 20.5, f"{self.number}/{len(index.NAMES)}", 5.2, at="middle", bold=True)
        self.line((7, bottom - 7), (right, bottom - 7))
        release = ".".join(__version__.split(".")[:2])
        self.text(11, bottom - 2.5, f"kengd {release} · bản vẽ số {REVISION}", 2.6, bold=True)
        colours = (
            "Màu dây: đỏ +12 V · đen 0 V · cam +5 V · tím +3,3 V · trắng tín hiệu · xanh–vàng đất (PE) · nâu L · xanh N"
        )
        if self.width == LONG:
            self.text(right - 4, bottom - 2.5, colours, 2.4, at="end")

    def _junctions(self) -> set[Point]:
        """Where three or more arms meet: ends of wires, wires that run through, terminals."""
        ends = [end for path in self._wires for end in (path[0], path[-1])]
        found = set()
        for place in {*ends, *self._pins}:
            arms = ends.count(place) + self._pins.count(place)
            arms += sum(2 for path in self._wires if place not in (path[0], path[-1]) and touches(path, place))
            if arms > 2:
                found.add(place)
        return found


def touches(path: Sequence[tuple[float, float]], place: tuple[float, float]) -> bool:
    """Does this place lie on the line?"""
    return any(
        min(a[0], b[0]) <= place[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= place[1] <= max(a[1], b[1])
        for a, b in itertools.pairwise(path)
        if a[0] == b[0] == place[0] or a[1] == b[1] == place[1]
    )
