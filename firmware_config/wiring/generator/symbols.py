"""Symbols of electrical parts (IEC 60617), each drawn at a place and in a direction, each giving back its terminals.

A part of two terminals lies along its direction: R right, L left, D down, U up; the first terminal is where it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from firmware_config.wiring.generator.paper import Part, Sheet

Way = Literal["R", "L", "D", "U"]
Side = Literal["above", "below", "right", "left", "none"]
_STEPS = {"R": (1, 0), "L": (-1, 0), "D": (0, 1), "U": (0, -1)}
Shape = Sequence[tuple[float, float]]
Anchor = Literal["start", "middle", "end"]


class _Pose:
    """Turns (along, across) into places on the sheet."""

    def __init__(self, x: float, y: float, way: Way) -> None:
        self.x, self.y = x, y
        self.dx, self.dy = _STEPS[way]

    def __call__(self, along: float, across: float = 0.0) -> tuple[float, float]:
        return self.x + along * self.dx - across * self.dy, self.y + along * self.dy + across * self.dx

    def all(self, *places: tuple[float, float]) -> list[tuple[float, float]]:
        return [self(*place) for place in places]


def label(sheet: Sheet, x: float, y: float, side: Side, *lines: str, off: float = 3.0) -> None:
    """Name and value beside a part whose middle is (x, y); the first line is bold."""
    if side == "none":
        return
    step = 3.4
    rows = step * (len(lines) - 1)
    place: dict[Side, tuple[float, Anchor, float]] = {
        "right": (x + off, "start", y + 1 - rows / 2),
        "left": (x - off, "end", y + 1 - rows / 2),
        "above": (x, "middle", y - off - rows),
        "below": (x, "middle", y + off + 2),
    }
    here, at, top = place[side]
    for n, text in enumerate(lines):
        bold, size = n == 0, 2.8 if n == 0 else 2.6
        sheet.text(here, top + n * step, text, size, at=at, bold=bold)


def _two(
    sheet: Sheet,
    kind: str,
    ref: str,
    value: str,
    x: float,
    y: float,
    way: Way,
    length: float,
    names: tuple[str, str],
    strokes: Sequence[Shape],
    fills: Sequence[Shape],
    body: tuple[float, float],
    side: Side,
    more: str,
    off: float,
) -> Part:
    """Leads from both terminals to the body, which lies from body[0] to body[1] along the way."""
    pose = _Pose(x, y, way)
    with sheet.part(ref, kind, value) as part:
        sheet.line(*pose.all((0, 0), (body[0], 0)))
        sheet.line(*pose.all((body[1], 0), (length, 0)))
        for stroke in strokes:
            sheet.line(*pose.all(*stroke), stroke=0.45)
        for fill in fills:
            sheet.area(*pose.all(*fill))
        sheet.pin(part, names[0], *pose(0))
        sheet.pin(part, names[1], *pose(length))
    middle = pose(length / 2)
    label(sheet, *middle, side, *[text for text in (ref, value, more) if text], off=off)
    return part


def resistor(
    sheet: Sheet,
    ref: str,
    value: str,
    x: float,
    y: float,
    way: Way = "R",
    *,
    length: float = 14,
    side: Side = "above",
    more: str = "",
) -> Part:
    """Terminals "1", "2"."""
    a, b = length / 2 - 3.5, length / 2 + 3.5
    strokes = [[(a, -1.3), (b, -1.3), (b, 1.3), (a, 1.3), (a, -1.3)]]
    return _two(sheet, "resistor", ref, value, x, y, way, length, ("1", "2"), strokes, [], (a, b), side, more, 2.6)


def capacitor(
    sheet: Sheet, ref: str, value: str, x: float, y: float, way: Way = "D", *, length: float = 12, side: Side = "right"
) -> Part:
    """Terminals "1", "2"."""
    a, b = length / 2 - 0.7, length / 2 + 0.7
    strokes: list[Shape] = [[(a, -2.4), (a, 2.4)], [(b, -2.4), (b, 2.4)]]
    return _two(sheet, "capacitor", ref, value, x, y, way, length, ("1", "2"), strokes, [], (a, b), side, "", 3.4)


def diode(
    sheet: Sheet,
    ref: str,
    value: str,
    x: float,
    y: float,
    way: Way = "R",
    *,
    length: float = 14,
    side: Side = "above",
    more: str = "",
) -> Part:
    """From anode "A" to cathode "K", where the bar is (the ring on the real part)."""
    a, b = length / 2 - 2, length / 2 + 2
    return _two(
        sheet, "diode", ref, value, x, y, way, length, ("A", "K"), [[(b, -2.3), (b, 2.3)]],
        [[(a, -2.1), (b, 0), (a, 2.1)]], (a, b), side, more, 3.4,
    )  # fmt: skip


def led(sheet: Sheet, ref: str, value: str, x: float, y: float, way: Way = "D", *, side: Side = "right") -> Part:
    """A light-emitting diode, from anode "A" to cathode "K"."""
    strokes: list[Shape] = [[(9, -2.3), (9, 2.3)]]
    for along in (4.6, 6.8):
        strokes += [[(along, -2.6), (along + 2, -5)], [(along + 0.7, -4.8), (along + 2, -5), (along + 2.1, -3.7)]]
    return _two(
        sheet,
        "led",
        ref,
        value,
        x,
        y,
        way,
        14,
        ("A", "K"),
        strokes,
        [[(5, -2.1), (9, 0), (5, 2.1)]],
        (5, 9),
        side,
        "",
        6.5,
    )


def arrester(
    sheet: Sheet, ref: str, value: str, x: float, y: float, way: Way = "D", *, length: float = 12, side: Side = "right"
) -> Part:
    """A surge suppressor for both directions. Terminals "1", "2"."""
    m = length / 2
    fills: list[Shape] = [[(m - 3, -1.8), (m, 0), (m - 3, 1.8)], [(m + 3, -1.8), (m, 0), (m + 3, 1.8)]]
    strokes: list[Shape] = [[(m + 0.8, -2.2), (m, -2.2), (m, 2.2), (m - 0.8, 2.2)]]
    return _two(
        sheet, "arrester", ref, value, x, y, way, length, ("1", "2"), strokes, fills, (m - 3, m + 3), side, "", 3.4
    )


def fuse(
    sheet: Sheet,
    ref: str,
    value: str,
    x: float,
    y: float,
    way: Way = "R",
    *,
    length: float = 14,
    side: Side = "above",
    more: str = "",
) -> Part:
    """Terminals "1", "2"."""
    a, b = length / 2 - 3.5, length / 2 + 3.5
    strokes: list[Shape] = [[(a, -1.3), (b, -1.3), (b, 1.3), (a, 1.3), (a, -1.3)], [(a, 0), (b, 0)]]
    return _two(sheet, "fuse", ref, value, x, y, way, length, ("1", "2"), strokes, [], (a, b), side, more, 2.6)


def switch(
    sheet: Sheet,
    ref: str,
    value: str,
    x: float,
    y: float,
    way: Way = "R",
    *,
    closed: bool = False,
    push: bool = False,
    length: float = 14,
    side: Side = "above",
    names: tuple[str, str] = ("1", "2"),
    more: str = "",
    off: float = 4.4,
) -> Part:
    """A contact as it is at rest: `closed` or open. `push`: with a knob."""
    a, b = length / 2 - 3.5, length / 2 + 3.5
    strokes: list[Shape] = [[(a, 0), (b + 0.6, -1.4 if closed else -3.2)]]
    if closed:
        strokes.append([(b, 0), (b, -2.2)])
    if push:
        m = length / 2
        strokes += [[(m, -1.6), (m, -4.4)], [(m - 2, -4.4), (m + 2, -4.4)]]
    kind = "contact-closed" if closed else "contact-open"
    return _two(sheet, kind, ref, value, x, y, way, length, names, strokes, [], (a, b), side, more, off)


def coil(
    sheet: Sheet,
    ref: str,
    value: str,
    x: float,
    y: float,
    way: Way = "D",
    *,
    length: float = 20,
    side: Side = "left",
    more: str = "",
    names: tuple[str, str] = ("+", "−"),
    off: float = 5.4,
) -> Part:
    """A coil that pulls: a striker or a relay."""
    a, b = length / 2 - 4, length / 2 + 4
    strokes = [[(a, -4), (b, -4), (b, 4), (a, 4), (a, -4)], [(a, -4), (b, 4)]]
    return _two(sheet, "coil", ref, value, x, y, way, length, names, strokes, [], (a, b), side, more, off)


def battery(
    sheet: Sheet, ref: str, value: str, x: float, y: float, way: Way = "D", *, side: Side = "right", more: str = ""
) -> Part:
    """From "+" (the long plate) to "−"."""
    strokes: list[Shape] = [
        [(6, -4), (6, 4)],
        [(7.6, -1.8), (7.6, 1.8)],
        [(10, -4), (10, 4)],
        [(11.6, -1.8), (11.6, 1.8)],
    ]
    strokes += [[(4, -3.6), (4, -2)], [(3.2, -2.8), (4.8, -2.8)]]
    return _two(sheet, "battery", ref, value, x, y, way, 18, ("+", "−"), strokes, [], (6, 11.6), side, more, 5.4)


def flag(sheet: Sheet, net: str, x: float, y: float, way: Way = "U", *, where: str = "") -> Part:
    """A supply by its name: all flags of one name on a sheet are joined. `where`: the sheet from which it comes."""
    pose = _Pose(x, y, way)
    with sheet.part(net, "flag", net) as part:
        sheet.line(*pose.all((0, 0), (3, 0)))
        sheet.line(*pose.all((3, -2.2), (3, 2.2)), stroke=0.7)
        sheet.pin(part, "1", x, y)
    at = pose(4.2)
    lines = [net, *([where] if where else [])]
    if way in ("U", "D"):
        label(sheet, at[0], at[1], "above" if way == "U" else "below", *lines, off=0.4)
    else:
        label(sheet, at[0], at[1], "right" if way == "R" else "left", *lines, off=0.4)
    return part


def ground(sheet: Sheet, x: float, y: float, net: str = "GND", *, side: Side = "right") -> Part:
    """The common ground, drawn as three strokes; joined with all others of this name."""
    with sheet.part(net, "flag", net) as part:
        sheet.line((x, y), (x, y + 2.5))
        for n, half in enumerate((2.6, 1.7, 0.8)):
            sheet.line((x - half, y + 2.5 + n), (x + half, y + 2.5 + n), stroke=0.45)
        sheet.pin(part, "1", x, y)
    if side == "right":
        sheet.text(x + 3.3, y + 4.4, net, 2.4)
    elif side == "left":
        sheet.text(x - 3.3, y + 4.4, net, 2.4, at="end")
    elif side == "below":
        sheet.text(x, y + 7.4, net, 2.4, at="middle")
    return part


def terminal(sheet: Sheet, name: str, x: float, y: float, *, side: Side = "right", where: str = "") -> Part:
    """A clamp of a terminal strip (X1:2): two of the same name on one sheet are the same clamp. `where`: the other sheet."""
    with sheet.part(name, "flag", name) as part:
        sheet.ring(x, y, 1.3, fill="#fff")
        sheet.line((x - 0.9, y + 0.9), (x + 0.9, y - 0.9))
        sheet.pin(part, "1", x, y)
    label(sheet, x, y, side, name, *([where] if where else []), off=2.4)
    return part
