"""A printed sheet read back from its file: texts with their boxes, strokes, parts with terminals, and what is joined with what.

Nothing here knows the generator but for the widths of letters: the committed file is judged, not the intention.
"""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from firmware_config.wiring.generator.letters import width

ROOT = Path(__file__).parents[2]
SHEETS = ROOT / "firmware_config" / "wiring"
SVG = "{http://www.w3.org/2000/svg}"
ASCENT, DESCENT = 0.72, 0.08
"""Of a capital above the base line, and of most letters below it, in font sizes; marks of accents may touch."""

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text and the box that it takes, mm: left, top, right, bottom."""

    words: str
    size: float
    box: Box
    lang: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part; `pins`: the name of each terminal → its place."""

    ref: str
    kind: str
    value: str
    pins: dict[str, Point] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything on one sheet. `strokes`: every straight stroke of a line or a rectangle's edge."""

    name: str
    size: Point
    texts: tuple[Text, ...]
    strokes: tuple[tuple[Point, Point], ...]
    parts: tuple[Part, ...]
    wires: tuple[tuple[Point, ...], ...]
    dots: frozenset[Point]

    def said(self) -> str:
        """All words, one line each."""
        return "\n".join(text.words for text in self.texts)

    def of(self, ref: str) -> list[Part]:
        """All drawn parts of this name."""
        return [part for part in self.parts if part.ref == ref]


def names() -> list[str]:
    """Every committed sheet."""
    return sorted(path.stem for path in SHEETS.glob("*.svg"))


def read(name: str) -> Drawing:
    """Read `firmware_config/wiring/NAME.svg`."""
    root = ET.fromstring((SHEETS / f"{name}.svg").read_text(encoding="utf-8"))
    left, top, right, bottom = map(float, root.attrib["viewBox"].split())
    assert (left, top) == (0, 0)
    return Drawing(
        name,
        (right, bottom),
        tuple(_text(element) for element in root.iter(f"{SVG}text")),
        tuple(itertools.chain.from_iterable(_strokes(element) for element in root.iter())),
        tuple(_part(group) for group in root.iter(f"{SVG}g")),
        tuple(points_of(line) for line in root.iter(f"{SVG}polyline") if "data-wire" in line.attrib),
        frozenset(_centre(ring) for ring in root.iter(f"{SVG}circle") if "data-dot" in ring.attrib),
    )


def _text(element: ET.Element) -> Text:
    assert not set(element.attrib) & {"transform", "rotate", "textLength"} and not list(element)
    words, size = element.text or "", float(element.attrib["font-size"])
    wide = width(words, size, element.get("font-weight") == "bold")
    x, y = float(element.attrib["x"]), float(element.attrib["y"])
    left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[element.attrib["text-anchor"]]
    return Text(words, size, (left, y - ASCENT * size, left + wide, y + DESCENT * size), element.attrib.get("lang", ""))


def points_of(element: ET.Element) -> tuple[Point, ...]:
    pairs = [pair.split(",") for pair in element.attrib["points"].split()]
    return tuple((float(x), float(y)) for x, y in pairs)


def _centre(element: ET.Element) -> Point:
    return float(element.attrib["cx"]), float(element.attrib["cy"])


def _strokes(element: ET.Element) -> Iterator[tuple[Point, Point]]:
    if element.tag == f"{SVG}polyline":
        points = points_of(element)
        yield from itertools.pairwise(points)
    elif element.tag == f"{SVG}rect" and "stroke" in element.attrib:
        x, y, w, h = (float(element.attrib[key]) for key in ("x", "y", "width", "height"))
        corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)]
        yield from itertools.pairwise(corners)


def _part(group: ET.Element) -> Part:
    pins = {ring.attrib["data-pin"]: _centre(ring) for ring in group.iter(f"{SVG}circle") if "data-pin" in ring.attrib}
    return Part(group.attrib["data-part"], group.attrib["data-kind"], group.attrib["data-value"], pins)


def overlap(a: Box, b: Box) -> bool:
    """Do these two boxes share some room?"""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def crosses(stroke: tuple[Point, Point], box: Box) -> bool:
    """Does the stroke run through the box? (Liang and Barsky's clipping.)"""
    (x0, y0), (x1, y1) = stroke
    dx, dy, enter, leave = x1 - x0, y1 - y0, 0.0, 1.0
    for p, q in ((-dx, x0 - box[0]), (dx, box[2] - x0), (-dy, y0 - box[1]), (dy, box[3] - y0)):
        if p == 0:
            if q <= 0:
                return False
        elif p < 0:
            enter = max(enter, q / p)
        else:
            leave = min(leave, q / p)
    return enter < leave


def lies_on(place: Point, wire: tuple[Point, ...]) -> bool:
    """Is this place on the wire (upright and level pieces)?"""
    return any(
        min(a[0], b[0]) <= place[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= place[1] <= max(a[1], b[1])
        for a, b in itertools.pairwise(wire)
    )


class Nets:
    """What is joined by wires. Terminals are (part's number on the sheet, name); flags of one name are one net."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing
        self._root: dict[object, object] = {}
        for n, part in enumerate(drawing.parts):
            for name, place in part.pins.items():
                if part.kind == "flag":
                    self._join((n, name), ("net", part.value))
                self._join((n, name), ("at", place))
        ends = {end for wire in drawing.wires for end in (wire[0], wire[-1])}
        pins = {place for part in drawing.parts for place in part.pins.values()}
        for n, wire in enumerate(drawing.wires):
            for place in ends | pins:
                if lies_on(place, wire):
                    self._join(("wire", n), ("at", place))

    def _find(self, thing: object) -> object:
        while (above := self._root.setdefault(thing, thing)) != thing:
            thing = above
        return thing

    def _join(self, a: object, b: object) -> None:
        self._root[self._find(a)] = self._find(b)

    def of(self, ref: str, pin: str, nth: int = 0) -> object:
        """The net on which this terminal lies (`nth`: of the parts of this name that have it). IndexError: not drawn."""
        numbers = [
            n
            for n, part in enumerate(self.drawing.parts)
            if part.ref == ref and pin in part.pins and part.kind != "flag"
        ]
        return self.at(numbers[nth], pin)

    def at(self, number: int, pin: str) -> object:
        """The net of a terminal of the n-th part on the sheet."""
        return self._find((number, pin))

    def named(self, name: str) -> object:
        """The net that carries this flag."""
        assert ("net", name) in self._root, f"{self.drawing.name} has no flag {name}"
        return self._find(("net", name))

    def terminals(self, net: object) -> set[str]:
        """Everything on this net, as "R1:2"; flags by their name."""
        found = set()
        for n, part in enumerate(self.drawing.parts):
            for name in part.pins:
                if self._find((n, name)) == net:
                    found.add(part.value if part.kind == "flag" else f"{part.ref}:{name}")
        return found

    def reached(self, start: object, end: object, closed: Mapping[str, tuple[tuple[str, str], ...]]) -> bool:
        """Can a current flow from net to net through these contacts (part → pairs of its terminals that are joined)?"""
        ways: dict[object, set[object]] = defaultdict(set)
        for n, part in enumerate(self.drawing.parts):
            for a, b in closed.get(part.ref, ()):
                if a in part.pins and b in part.pins:
                    ways[self._find((n, a))].add(self._find((n, b)))
                    ways[self._find((n, b))].add(self._find((n, a)))
        seen, to_do = {start}, [start]
        while to_do:
            for there in ways[to_do.pop()] - seen:
                seen.add(there)
                to_do.append(there)
        return end in seen
