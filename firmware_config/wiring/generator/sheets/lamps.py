"""The two lamps, and what every blink means: taken from the program itself (H10, H20).

A light-emitting diode at 3.3 V behind 470 Ω takes 2.8 mA; a pin gives 16 mA at most.
"""

from __future__ import annotations

from firmware_config.wiring.generator.blocks import raspberry, transistor
from firmware_config.wiring.generator.index import see
from firmware_config.wiring.generator.notes import Column
from firmware_config.wiring.generator.paper import Sheet
from firmware_config.wiring.generator.post import pins
from firmware_config.wiring.generator.symbols import flag, ground, label, led, resistor
from kengd.duty.lamps import BELL_LAMP, LAMP_TEST, POLICE_LAMP, Blink

SHOWN_MS = 6_000
"""So much of each blink is drawn."""
EN = {
    "test": "lamp test at start",
    "heard": "your press is felt, keep holding",
    "ringing": "the bell is ringing",
    "press_again": "the bell has stopped: press again to ring on",
    "fault": "something is broken: call for repair, the button still counts",
    "ready": "ready",
    "taken": "an officer has taken charge",
    "reached": "sent to the commune, not taken yet: telephone after 2 min",
    "line_up": "the line to the police is up",
    "line_down": "no line to the police: telephone",
}


def lamps() -> Sheet:
    """Wiring above, the card for the keeper below."""
    sheet = Sheet("hai-den")
    bell, police = pins().bell_lamp, pins().police_lamp
    pi = raspberry(sheet, 12, 26, [(bell, 38), (police, 58), ("GND@14", 84)], h=76)
    for pin, ref, lamp, name, y in ((bell, "R41", "L1", "KẺNG", 38), (police, "R42", "L2", "CÔNG AN", 58)):
        ohms = resistor(sheet, ref, "470 Ω", 84, y)
        sheet.wire("signal", pi[f"GPIO{pin}"], ohms["1"])
        light = led(sheet, lamp, name, 110 if y == 38 else 122, y, "D", side="right")
        sheet.wire("signal", ohms["2"], light["A"])
        sheet.wire("0V", light["K"], (light["K"].x, 84))
    sheet.wire("0V", pi["GND@14"], (122, 84))
    ground(sheet, 122, 84)
    _large(sheet)
    _card(sheet, 108)
    side = Column(sheet, 226, 24, 59, size=2.6)
    side.notes([
        ("Đèn đặt cạnh nút, ngang tầm mắt, có chữ KẺNG và CÔNG AN cao 10 mm; che nắng.",
         "Beside the button at eye height, lettered, shaded."),
        ("Vạch dẹt (K) của LED về GND.", "Flat side (K) to ground."),
        ("KẺNG đỏ, CÔNG AN vàng. LED xanh dương, trắng cần trên 3 V: không đủ sáng.", "Red and yellow; blue and white need more than 3 V."),
        (f"Ngoài nắng: đèn báo 12 V qua V2, V3. +12 V lấy sau F5 ({see('ac-quy')}).",
         "In sunlight: 12 V lamps behind a transistor."),
        ("Dán bảng dưới đây cạnh đèn.", "Hang the table below beside the lamps."),
    ])  # fmt: skip
    return sheet


def _large(sheet: Sheet) -> None:
    """A 12 V indicator for daylight, once for each lamp."""
    bell, police = pins().bell_lamp, pins().police_lamp
    sheet.line((148, 28), (148, 100), stroke=0.25, dash="2 2")
    sheet.text(154, 30, "Đèn báo 12 V (ngoài nắng)", 2.8, bold=True)
    sheet.text(154, 33.4, f"mỗi đèn một mạch: GPIO {bell}, GPIO {police}", 2.4)
    pin = flag(sheet, "từ chân", 160, 66, "U")
    r43 = resistor(sheet, "R43", "1 kΩ", 164, 66)
    sheet.wire("signal", pin["1"], r43["1"])
    v2 = transistor(sheet, "V2, V3", "BC337", 190, 66)
    sheet.wire("signal", r43["2"], v2["B"])
    r44 = resistor(sheet, "R44", "10 kΩ", 184, 66, "D", length=20, side="left")
    sheet.wire("0V", v2["E"], (198, 86), r44["2"])
    ground(sheet, 198, 86)
    plus = flag(sheet, "+12 V", 198, 42, "R")
    with sheet.part("L1, L2", "lamp", "12 V LED 20 mA") as lamp:
        sheet.line((198, 44), (198, 46.5))
        sheet.ring(198, 50, 3.5)
        sheet.line((195.6, 47.6), (200.4, 52.4))
        sheet.line((195.6, 52.4), (200.4, 47.6))
        sheet.line((198, 53.5), (198, 56))
        sheet.pin(lamp, "+", 198, 44)
        sheet.pin(lamp, "−", 198, 56)
    label(sheet, 198, 50, "right", "L1, L2", "12 V, 20 mA", off=5)
    sheet.wire("12V", plus["1"], lamp["+"])
    sheet.wire("signal", lamp["−"], v2["C"])


def _card(sheet: Sheet, y: float) -> None:
    """Every code of both lamps; a bar of six seconds drawn from its cycle."""
    x, bar, row = 12.0, 178.0, 6.9
    sheet.box(x, y, 273, 5.6, stroke=0, fill="#e4e4e4")
    for at, text in ((1.5, "Đèn"), (26, "Trông thế nào"), (74, "Nghĩa là"), (bar - x, "6 giây:")):
        sheet.text(x + at, y + 4, text, 2.8, bold=True)
    for second in range(7):
        sheet.text(bar + 14 + second * 15, y + 4, str(second), 2.4, at="middle")
    y += 5.6
    for name, blinks in (("KẺNG", BELL_LAMP), ("CÔNG AN", POLICE_LAMP)):
        sheet.line((x, y), (x + 273, y), stroke=0.6)
        for blink in blinks:
            sheet.text(x + 1.5, y + 4.6, name, 3, bold=True)
            sheet.text(x + 26, y + 4.6, blink.looks, 2.8)
            sheet.text(x + 74, y + 3.4, blink.vi, 2.8, bold=True)
            sheet.text(x + 74, y + 6, EN[blink.code], 2.1, english=True)
            _bar(sheet, bar + 14, y + 1.2, blink)
            y += row
            sheet.line((x, y), (x + 273, y), stroke=0.2)


def _bar(sheet: Sheet, x: float, y: float, blink: Blink) -> None:
    """Black = lit. 15 mm a second; the lamp test is drawn once."""
    h, scale, now = 4.4, 15 / 1000, 0
    sheet.box(x, y, SHOWN_MS * scale, h, stroke=0.2)
    if blink is LAMP_TEST:
        sheet.box(x, y, blink.period_ms * scale, h, stroke=0, fill="#000")
        return
    while blink.cycle and now < SHOWN_MS:
        for on_ms, off_ms in blink.cycle:
            lasts = min(on_ms, SHOWN_MS - now)
            if lasts > 0:
                sheet.box(x + now * scale, y, lasts * scale, h, stroke=0, fill="#000")
            now += on_ms + off_ms
