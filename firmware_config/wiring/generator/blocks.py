"""Larger parts, drawn as boxes with named terminals: the Raspberry Pi, modules, time relays, an optocoupler, a transistor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from firmware_config.wiring.generator.paper import Part, Sheet
from firmware_config.wiring.generator.post import GPIO_AT, HEADER
from firmware_config.wiring.generator.symbols import label

Edge = Literal["L", "R", "T", "B"]
MAP_PITCH = 3.2


class Terminal(NamedTuple):
    """A terminal on an edge of a box, at this x (top, bottom) or y (left, right)."""

    name: str
    edge: Edge
    at: float
    says: str = ""


def block(
    sheet: Sheet, ref: str, kind: str, value: str, x: float, y: float, w: float, h: float, terminals: Sequence[Terminal]
) -> Part:
    """A box; each terminal's label (its name when it says nothing) stands inside."""
    with sheet.part(ref, kind, value) as part:
        sheet.box(x, y, w, h, stroke=0.5)
        for name, edge, at, says in terminals:
            words = says or name
            if edge == "L":
                sheet.pin(part, name, x, at)
                sheet.text(x + 1.6, at + 1, words, 2.6)
            elif edge == "R":
                sheet.pin(part, name, x + w, at)
                sheet.text(x + w - 1.6, at + 1, words, 2.6, at="end")
            elif edge == "T":
                sheet.pin(part, name, at, y)
                sheet.text(at, y + 3.6, words, 2.6, at="middle")
            else:
                sheet.pin(part, name, at, y + h)
                sheet.text(at, y + h - 1.6, words, 2.6, at="middle")
    return part


def place_of(what: str | int) -> int:
    """Physical pin of a BCM number; of "3V3@17", "GND@9": the pin named, which must carry that."""
    if isinstance(what, int):
        return GPIO_AT[what]
    supply, _, place = what.partition("@")
    if HEADER[int(place) - 1] != supply:
        raise ValueError(f"pin {place} of the header is not {supply}")
    return int(place)


def said(what: str | int) -> str:
    """As it is written beside the terminal."""
    name = f"GPIO {what}" if isinstance(what, int) else {"3V3": "+3,3 V", "5V": "+5 V"}.get(what[:3].strip("@"), "GND")
    return f"{name} · chân {place_of(what)}"


def raspberry(sheet: Sheet, x: float, y: float, wired: Sequence[tuple[str | int, float]], *, h: float = 82) -> Part:
    """The Raspberry Pi: a map of its header with the pins in use in black, and these as terminals on the right edge.

    `wired`: (BCM number, or "GND@9", …; y of the terminal). A terminal is called "GPIO17", "GND@9", "3V3@1".
    """
    w, used = 62.0, {place_of(what) for what, _ in wired}
    with sheet.part("A1", "raspberry", "") as part:
        sheet.box(x, y, w, h, stroke=0.6)
        for place in range(1, 41):
            left, top = x + 4 + 4.2 * ((place + 1) % 2), y + 10 + MAP_PITCH * ((place - 1) // 2)
            sheet.box(left, top, 3.6, 2.8, stroke=0.2, fill="#000" if place in used else "none")
            ink = "#fff" if place in used else "#000"
            sheet.text(left + 1.8, top + 2.1, str(place), 2.0, at="middle", bold=place in used, fill=ink)
        for what, at in wired:
            sheet.pin(part, f"GPIO{what}" if isinstance(what, int) else what, x + w, at)
            sheet.text(x + w - 2, at + 1, said(what), 2.8, at="end", bold=True)
    sheet.text(x + 3, y + 5, "A1 · Raspberry Pi 3, 4, 5, Zero 2 W", 2.7, bold=True)
    sheet.text(x + 3, y + 8.6, "40 chân nhìn từ trên; chân 1 ở đầu xa cổng USB", 2.0)
    return part


def optocoupler(sheet: Sheet, ref: str, x: float, y: float, *, flipped: bool = False) -> Part:
    """PC817: light in by A and K on the left (y, y + 10), transistor C and E on the right; `flipped`: the other way round."""
    w, sign = 18.0, -1 if flipped else 1
    lamp, gate = (x + w - 5, x + 5) if flipped else (x + 5, x + w - 5)
    near, far = (x + w, x) if flipped else (x, x + w)
    with sheet.part(ref, "optocoupler", "PC817") as part:
        sheet.box(x, y - 3.5, w, 17, stroke=0.5)
        sheet.line((near, y), (lamp, y), (lamp, y + 3))
        sheet.area((lamp - 2, y + 3), (lamp + 2, y + 3), (lamp, y + 6.4))
        sheet.line((lamp - 2, y + 6.4), (lamp + 2, y + 6.4), stroke=0.45)
        sheet.line((lamp, y + 6.4), (lamp, y + 10), (near, y + 10))
        for n in (0, 1.8):
            sheet.line((lamp + 3 * sign, y + 3.4 + n), (lamp + 5 * sign, y + 4.4 + n))
        sheet.line((gate - 2 * sign, y + 2), (gate - 2 * sign, y + 8), stroke=0.6)
        sheet.line((gate - 2 * sign, y + 3.6), (gate, y + 1.6), (gate, y), (far, y))
        sheet.line((gate - 2 * sign, y + 6.4), (gate, y + 8.4), (gate, y + 10), (far, y + 10))
        sheet.area((gate, y + 8.4), (gate - 1.7 * sign, y + 7.9), (gate - 0.6 * sign, y + 6.8))
        for name, at, top in (("A", near, y), ("K", near, y + 10), ("C", far, y), ("E", far, y + 10)):
            sheet.pin(part, name, at, top)
    label(sheet, x + w / 2, y - 3.5, "above", f"{ref} · PC817", off=1.2)
    return part


def transistor(sheet: Sheet, ref: str, value: str, x: float, y: float) -> Part:
    """NPN: base "B" on the left at (x, y), collector "C" above, emitter "E" below, at x + 8."""
    with sheet.part(ref, "npn", value) as part:
        sheet.ring(x + 6.4, y, 4.6)
        sheet.line((x, y), (x + 5, y))
        sheet.line((x + 5, y - 3), (x + 5, y + 3), stroke=0.7)
        sheet.line((x + 5, y - 1.2), (x + 8, y - 3.4), (x + 8, y - 8))
        sheet.line((x + 5, y + 1.2), (x + 8, y + 3.4), (x + 8, y + 8))
        sheet.area((x + 8, y + 3.4), (x + 5.9, y + 2.9), (x + 7, y + 1.5))
        sheet.pin(part, "B", x, y)
        sheet.pin(part, "C", x + 8, y - 8)
        sheet.pin(part, "E", x + 8, y + 8)
    label(sheet, x + 8, y, "right", ref, value, off=4.4)
    return part


def relay_module(sheet: Sheet, ref: str, x: float, y: float, h: float, left: Sequence[Terminal], common: float) -> Part:
    """A relay board: supply and IN on the left; on the right COM (at y = `common`), NO 10 mm above, NC 10 mm below."""
    w, right = 46.0, x + 46.0
    part = block(sheet, ref, "relay-module", "", x, y, w, h, [
        *left,
        Terminal("NO", "R", common - 10),
        Terminal("COM", "R", common),
        Terminal("NC", "R", common + 10),
    ])  # fmt: skip
    sheet.line((right - 9, common), (right - 13, common), (right - 20.6, common + 2.4), stroke=0.45)
    sheet.line((right - 9, common - 10), (right - 20, common - 10), (right - 20, common - 3), stroke=0.45)
    sheet.line((right - 9, common + 10), (right - 20, common + 10), (right - 20, common + 2.2), stroke=0.45)
    return part


def time_relay(
    sheet: Sheet,
    ref: str,
    function: str,
    x: float,
    y: float,
    left: Sequence[Terminal],
    right: Sequence[Terminal],
    *,
    w: float = 40,
    h: float = 40,
) -> Part:
    """A time relay as it sits on the rail: coil terminals and contact 15 (common), 16 (closed at rest), 18 (open at rest)."""
    part = block(sheet, ref, "time-relay", function, x, y, w, h, [*left, *right])
    sheet.text(x + w / 2, y + h / 2 - 3, ref, 4, at="middle", bold=True)
    sheet.text(x + w / 2, y + h / 2 + 1, function, 2.7, at="middle", bold=True)
    sheet.text(x + w / 2, y + h / 2 + 4.8, "nghỉ: 15–16 khép", 2.3, at="middle")
    sheet.text(x + w / 2, y + h / 2 + 7.8, "15–18 mở", 2.3, at="middle")
    return part
