"""Relay boards: one that closes on a high level, and two ways to use one that closes on a low level.

Levels and pulls: BCM2835 ARM Peripherals, table 6-31 (GPIO 0–8 up, 9–27 down, some 50 kΩ) and Raspberry Pi documentation,
"GPIO": an input is low below 0.9 V and high above 1.6 V; 16 mA at most from one pin. R10, P1.
"""

from __future__ import annotations

from firmware_config.wiring.generator.blocks import Terminal, optocoupler, raspberry, relay_module, transistor
from firmware_config.wiring.generator.index import see
from firmware_config.wiring.generator.notes import Column, table
from firmware_config.wiring.generator.paper import Part, Sheet
from firmware_config.wiring.generator.post import pins
from firmware_config.wiring.generator.symbols import resistor, terminal

LOW_PIN = 4
"""Where an active-low relay rests from power-on: 4, 5 and 6 are pulled up; 5 and 6 carry the buttons."""


def active_high() -> Sheet:
    """GPIO 17 straight to IN, with 10 kΩ to ground at the board."""
    relay = pins().relay
    sheet = Sheet("ro-le-muc-cao")
    pi = raspberry(sheet, 12, 30, [("5V@2", 48), (relay, 68), ("GND@9", 88)])
    k1 = relay_module(sheet, "K1", 134, 38, 58, [
        Terminal("VCC", "L", 48),
        Terminal("IN", "L", 68),
        Terminal("GND", "L", 88),
    ], 66)  # fmt: skip
    sheet.text(157, 43.5, "K1", 4, at="middle", bold=True)
    sheet.text(157, 47.3, "mô-đun rơ-le 5 V", 2.6, at="middle")
    sheet.text(157, 91.5, "chọn mức cao (H)", 2.4, at="middle")
    sheet.wire("5V", pi["5V@2"], k1["VCC"])
    sheet.wire("signal", pi[f"GPIO{relay}"], k1["IN"])
    sheet.wire("0V", pi["GND@9"], k1["GND"])
    resistor(sheet, "R1", "10 kΩ", 118, 68, "D", length=20, side="left", more="tại mô-đun")
    sheet.text(80, 47, "cam 0,5 mm²", 2.4)
    sheet.text(80, 67, "trắng 0,5 mm²", 2.4)
    sheet.text(80, 87, "đen 0,5 mm²", 2.4)
    _to_cutoff(sheet, k1, 188)
    sheet.text(182, 77, "NC để trống", 2.4)
    _levels(sheet, 12, 120, relay)
    side = Column(sheet, 209, 25, 76)
    side.warning(
        "Tiếp điểm của K1 chỉ đóng cắt nguồn 12 V của búa hoặc còi, không bao giờ đóng cắt điện lưới.",
        "K1 switches the 12 V supply of the striker or siren only, never mains.",
    )
    side.heading("Chọn mô-đun", "Which board")
    side.notes([
        ("Đóng ở mức cao, nhận mức vào 3,3 V; có cầu nối H/L thì cắm vào H.", "Active-high, 3.3 V input; jumper on H."),
        ("Dòng vào chân IN dưới 5 mA.", "Input current below 5 mA (16 mA is a pin's most)."),
        ("Tiếp điểm chịu ít nhất 2 lần dòng của búa, ở 12 V một chiều.", "Contact rated twice the striker's current, DC."),
    ])  # fmt: skip
    side.heading("Vì sao chân 17 và R1", "Why GPIO 17 and R1")
    side.notes([
        ("Từ lúc có điện tới khi kengd chạy, chân 17 tự ở mức thấp: rơ-le không nhúc nhích.",
         "From power-on until kengd runs GPIO 17 is pulled low: no click."),
        ("R1 hàn ngay tại chân IN: dây đứt hay chân thả nổi thì rơ-le vẫn nhả.",
         "R1 sits at IN: a broken wire or a floating pin leaves the relay at rest."),
    ])  # fmt: skip
    side.settings(["[gpio.relay]", f"pin = {relay}", "active_low = false"])
    return sheet


def _levels(sheet: Sheet, x: float, y: float, relay: int) -> None:
    sheet.text(x, y - 3, "Đo thử trước khi nối búa (đồng hồ vạn năng, que đen vào GND)", 3.3, bold=True)
    table(sheet, x, y, (66, 34, 30, 58), ("Lúc nào\tWhen", f"Chân IN\tGPIO {relay} at IN", "K1", "Vì sao\tWhy"), [
        ("Pi chưa có điện, rút hẳn\tPi unpowered or unplugged", "0 V", "nhả", "R1 kéo xuống\tR1"),
        ("Đang khởi động\tbooting", "dưới 0,3 V", "nhả", f"chân {relay} tự xuống mức thấp\treset pull, then gpio={relay}=op,dl"),
        ("kengd chạy, kẻng nghỉ\tkengd at rest", "dưới 0,3 V", "nhả", "kengd giữ mức thấp\tdriven low"),
        ("Đang đánh một tiếng\tduring a stroke", "trên 2,8 V", "đóng", "kengd đẩy lên mức cao\tdriven high"),
        ("kengd bị giết\tkengd killed", "dưới 0,3 V", "nhả", "hạt nhân thả chân (strict_gpiod)\tkernel lets go"),
        ("Đứt dây tín hiệu\tsignal wire broken", "0 V", "nhả", "R1 kéo xuống\tR1"),
    ], size=2.6)  # fmt: skip


def active_low() -> Sheet:
    """An NPN turns the level round and GPIO 17 stays; or GPIO 4 through an optocoupler."""
    relay = pins().relay
    sheet = Sheet("ro-le-muc-thap")
    sheet.text(12, 29, "Cách 1 (nên dùng): tranzito đảo mức, vẫn dùng chân 17", 3.3, bold=True)
    sheet.text(122, 29, "an NPN turns the level round", 2.4, english=True)
    _inverter(sheet, relay)
    sheet.line((12, 110), (203, 110), stroke=0.25, dash="2 2")
    sheet.text(12, 115, f"Cách 2: chân {LOW_PIN} qua cách ly quang", 3.3, bold=True)
    sheet.text(80, 115, "GPIO 4 through an optocoupler", 2.4, english=True)
    _opto(sheet)
    side = Column(sheet, 209, 25, 76, size=2.7)
    side.warning(
        "Không nối thẳng chân IN của mô-đun 5 V vào chân GPIO: 5 V làm hỏng Pi, và 3,3 V không đủ để rơ-le nhả.",
        "Never join IN of a 5 V board straight to a GPIO: 5 V kills the Pi, and 3.3 V is not high enough to be off.",
    )
    side.heading("Cách 1")
    side.notes([
        ("Chân 17 ở mức thấp: V1 ngắt, IN được mô-đun kéo lên, rơ-le nhả. Pi rút ra: R3 giữ V1 ngắt.",
         "GPIO 17 low or Pi unplugged: V1 off, relay at rest."),
    ])  # fmt: skip
    side.settings(["[gpio.relay]", f"pin = {relay}", "active_low = false"])
    side.heading("Cách 2")
    side.notes([
        (f"Chân {LOW_PIN} tự ở mức cao khi có điện (chỉ 4, 5, 6 như vậy mà không vướng việc khác; 5 và 6 đã là nút): OK4 tắt, rơ-le nhả.",
         f"GPIO {LOW_PIN} is pulled up from power-on: OK4 dark, relay at rest. 5 and 6 are buttons."),
        (f"Sửa cài đặt xong gõ: sudo kengd firmware --write; dòng gpio={relay}=op,dl thành gpio={LOW_PIN}=op,dh. "
         "Không bật 1-Wire (cũng dùng chân 4).",
         "Write kengd.txt anew from the changed settings; keep 1-Wire off, it uses GPIO 4 too."),
    ])  # fmt: skip
    side.settings(["[gpio.relay]", f"pin = {LOW_PIN}", "active_low = true"])
    side.heading("Đo thử", "Measure before the striker is joined")
    side.notes([
        ("IN so với GND: nhả trên 3 V, đóng dưới 1 V. Cả lúc bật điện, tắt điện, rút Pi ra: không được nghe tiếng tách.",
         "IN: above 3 V at rest, below 1 V closed; no click at power on, off, or Pi unplugged."),
    ])  # fmt: skip
    return sheet


def _board(sheet: Sheet, top: float) -> Part:
    k1 = relay_module(sheet, "K1", 142, top, 62, [
        Terminal("VCC", "L", top + 12),
        Terminal("IN", "L", top + 30),
        Terminal("GND", "L", top + 56),
    ], top + 34)  # fmt: skip
    sheet.text(165, top + 5.5, "K1", 4, at="middle", bold=True)
    sheet.text(165, top + 9.3, "mô-đun 5 V, mức thấp (L)", 2.4, at="middle")
    _to_cutoff(sheet, k1, 193)
    return k1


def _to_cutoff(sheet: Sheet, k1: Part, x: float) -> None:
    for name, clamp in (("NO", "X1:3"), ("COM", "X1:2")):
        sheet.wire("12V", k1[name], terminal(sheet, clamp, x, k1[name].y, where=see("mach-cat-cung"))["1"])


def _inverter(sheet: Sheet, relay: int) -> None:
    pi = raspberry(sheet, 12, 31, [("5V@2", 45), (relay, 71), ("GND@9", 95)], h=77)
    k1 = _board(sheet, 33)
    sheet.wire("5V", pi["5V@2"], k1["VCC"])
    sheet.text(80, 44, "cam", 2.4)
    r2 = resistor(sheet, "R2", "4,7 kΩ", 86, 71)
    sheet.wire("signal", pi[f"GPIO{relay}"], r2["1"])
    v1 = transistor(sheet, "V1", "BC337", 112, 71)
    sheet.wire("signal", r2["2"], v1["B"])
    resistor(sheet, "R3", "10 kΩ", 106, 71, "D", length=24, side="left")
    sheet.wire("signal", v1["C"], k1["IN"])
    sheet.wire("0V", v1["E"], (120, 95))
    sheet.wire("0V", pi["GND@9"], (138, 95), (138, k1["GND"][1]), k1["GND"])
    sheet.text(80, 94, "đen", 2.4)


def _opto(sheet: Sheet) -> None:
    pi = raspberry(sheet, 12, 117, [("5V@2", 134), ("3V3@1", 142), (LOW_PIN, 162), ("GND@9", 182)], h=77)
    k1 = _board(sheet, 122)
    sheet.wire("5V", pi["5V@2"], k1["VCC"])
    sheet.wire("3V3", pi["3V3@1"], (84, 142), (84, 152))
    resistor(sheet, "R5", "10 kΩ", 84, 152, "D", length=10, side="none")
    sheet.text(87, 158, "R5 10 kΩ", 2.6)
    r4 = resistor(sheet, "R4", "330 Ω", 92, 152, "R")
    ok = optocoupler(sheet, "OK4", 114, 152)
    sheet.wire("3V3", (84, 152), r4["1"])
    sheet.wire("signal", r4["2"], ok["A"])
    sheet.wire("signal", pi[f"GPIO{LOW_PIN}"], ok["K"])
    sheet.wire("signal", ok["C"], k1["IN"])
    sheet.wire("0V", ok["E"], (136, 162), (136, 182))
    sheet.link("0V", pi["GND@9"], k1["GND"], x=139)
