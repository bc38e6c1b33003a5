"""The padlocked isolator and its read-back; mains and battery contacts are read the same way (H1, H5).

All three contacts are closed to ground while all is well, so that a broken wire tells itself (`active_low = false`).
"""

from __future__ import annotations

from firmware_config.wiring.generator.blocks import raspberry
from firmware_config.wiring.generator.index import see
from firmware_config.wiring.generator.inputs import channel, supplies
from firmware_config.wiring.generator.notes import Column
from firmware_config.wiring.generator.paper import Sheet
from firmware_config.wiring.generator.post import pins
from firmware_config.wiring.generator.sheets.bell import SMALL_FUSE
from firmware_config.wiring.generator.symbols import flag, fuse, ground, label, switch, terminal
from kengd.duty.health import CATALOGUE

READ = (
    ("isolator_open", "Q1", "13–14", "khép khi cầu dao đóng", 84.0),
    ("mains_lost", "U1", "AC-OK", "khép khi có điện lưới", 124.0),
    ("battery_low", "U1", "BAT-OK", "khép khi ắc quy còn tốt", 164.0),
)
CONTACTS = tuple(means for means, *_ in READ)


def isolator() -> Sheet:
    """Q1 with its padlock, and the three contacts."""
    sheet = Sheet("cau-dao")
    _supply(sheet)
    places = [(pins().inputs[means][0], y) for means, *_, y in READ]
    pi = raspberry(sheet, 12, 58, [("3V3@17", 69), *places, ("GND@34", 184)], h=133)
    supplies(sheet, pi["3V3@17"], pi["GND@34"])
    for (means, ref, name, says, y), (pin, _) in zip(READ, places, strict=True):
        node = channel(sheet, pi[f"GPIO{pin}"], means)
        contact = switch(sheet, ref, "", 150, y, closed=True, side="none", names=(f"{name} a", f"{name} b"))
        label(sheet, 157, y, "above", f"{ref} {name}", says, off=4.4)
        sheet.wire("signal", node, contact[f"{name} a"])
        sheet.wire("0V", contact[f"{name} b"], (172, y), (172, y + 6))
        ground(sheet, 172, y + 6)
        sheet.text(108, y + 14, CATALOGUE[means].vi, 2.5)
    side = Column(sheet, 209, 25, 76, size=2.6)
    side.warning(
        "Chỉ cầu dao này bảo vệ người sửa. “Tạm ngừng” trong phần mềm vẫn cho báo động kêu.",
        "Only this isolator protects whoever works on the bell: a silence lets alarms through (H5).",
    )
    side.heading("Trước khi sửa", "Before you touch the bell")
    side.notes([
        ("Gạt Q1 sang MỞ (0), móc khóa riêng của mình, giữ chìa trong túi, treo biển ĐANG SỬA.",
         "Q1 to 0, your own padlock, key in your pocket, tag on."),
        ("Đo X1:4 với 0 V: 0 V. Chạm búa vào cuộn hút bằng que cách điện.", "Measure X1:4: dead."),
        ("Đèn KẺNG nháy ba; Công an xã thấy câu ghi dưới GPIO 25.", "Lamp KẺNG blinks three; the hub is told."),
        ("Xong: người ra xa, tháo khóa, gạt ĐÓNG (1), đánh thử một tiếng.", "Done: stand clear, unlock, close, try one stroke."),
    ], mark="1")  # fmt: skip
    side.heading("Chọn cầu dao", "Which isolator")
    side.notes([
        ("Cắt được một chiều, 16 A (còi động cơ: 32 A), khóa móc được ở vị trí mở, tiếp điểm phụ mở sớm đóng muộn.",
         "DC rated, lockable open, auxiliary contact early open, late close."),
    ])  # fmt: skip
    side.heading("kengd.toml", "the example holds all three, take their # away")
    side.notes([
        (f"{name}: pin = {pin}, {means}, active_low = {str(active_low).lower()}", "")
        for means, (pin, name, active_low) in pins().inputs.items()
        if means in CONTACTS
    ])  # fmt: skip
    return sheet


def _supply(sheet: Sheet) -> None:
    y = 44.0
    plus = flag(sheet, "+12 V", 22, y, "U", where=see("ac-quy"))
    f2 = fuse(sheet, "F2", SMALL_FUSE, 30, y)
    q1 = switch(sheet, "Q1", "", 62, y, closed=True, side="none")
    clamp = terminal(sheet, "X1:1", 104, y, where=see("mach-cat-cung"))
    sheet.wire("12V", plus["1"], f2["1"])
    sheet.wire("12V", f2["2"], q1["1"])
    sheet.wire("12V", q1["2"], clamp["1"])
    sheet.box(58, 34, 22, 16, dash="2 1")
    sheet.text(69, 32.4, "Q1 · cầu dao khóa được", 2.8, at="middle", bold=True)
    _padlock(sheet, 130, 32)
    sheet.text(146, 38, "Khóa móc vào lỗ tay gạt ở vị trí 0.", 2.6)
    sheet.text(146, 42, "Mỗi người sửa một khóa, một chìa.", 2.6)
    sheet.text(146, 46, "Tiếp điểm phụ 13–14 nằm trong Q1.", 2.6)


def _padlock(sheet: Sheet, x: float, y: float) -> None:
    sheet.line((x + 2, y + 7), (x + 2, y + 2), (x + 4, y), (x + 8, y), (x + 10, y + 2), (x + 10, y + 7), stroke=1)
    sheet.box(x, y + 7, 12, 10, stroke=0.6, fill="#ddd")
    sheet.ring(x + 6, y + 11.5, 1.2, fill="#000")
