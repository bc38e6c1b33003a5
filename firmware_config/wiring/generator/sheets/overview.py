"""The whole post on one sheet: what is joined with what, on which pin, and which sheet tells how."""

from __future__ import annotations

from collections.abc import Sequence

from firmware_config.wiring.generator.blocks import said
from firmware_config.wiring.generator.index import TITLES, see
from firmware_config.wiring.generator.notes import table
from firmware_config.wiring.generator.paper import Sheet, Wire
from firmware_config.wiring.generator.post import GPIO_AT, pins

Room = tuple[float, float, float, float]


def overview() -> Sheet:
    """Boxes and arrows, and the table of pins."""
    sheet = Sheet("tong-quan")
    rooms: dict[str, tuple[Room, str, str, str]] = {
        "mains": ((12, 34, 32, 20), "Điện lưới", "QF1 30 mA, FV1", see("ac-quy")),
        "charger": ((54, 34, 32, 20), "Bộ nạp U1", "12 V", see("ac-quy")),
        "battery": ((96, 34, 32, 20), "Ắc quy G1", "F1, cầu chì nhánh", see("ac-quy")),
        "isolator": ((138, 34, 30, 20), "Cầu dao Q1", "có khóa", see("cau-dao")),
        "cutoff": ((138, 78, 30, 24), "Hộp cắt cứng A2", "KT1, KT2, KT3", see("mach-cat-cung")),
        "bell": ((138, 126, 30, 28), "Búa Y1 / còi Y2", "điốt D1", f"{see('bua-go')}, {see('coi-hu')}, {see('coi-lon')}"),
        "converter": ((54, 70, 32, 18), "Đổi điện U2", "5,1 V", see("ac-quy")),
        "pi": ((54, 104, 32, 42), "Raspberry Pi A1", "kengd", ""),
        "relay": ((98, 82, 28, 22), "Rơ-le K1", "10 kΩ R1", f"{see('ro-le-muc-cao')}, {see('ro-le-muc-thap')}"),
        "buttons": ((12, 78, 32, 24), "Nút S1, S2, S3", "ngoài trời S4", f"{see('nut-trong-nha')}, {see('nut-ngoai-troi')}"),
        "lamps": ((12, 112, 32, 20), "Đèn KẺNG L1", "đèn CÔNG AN L2", see("hai-den")),
        "net": ((12, 142, 32, 20), "4G, mạng xã", "tới Công an xã", see("ac-quy")),
        "sensor": ((98, 132, 28, 22), "Cảm biến rung B1", "trên quả kẻng", see("cam-bien-rung")),
        "earth": ((54, 164, 114, 14), "Thanh PE, cọc đất, chống sét: mọi vỏ, cột, quả kẻng, cực âm ắc quy", "", see("noi-dat")),
    }  # fmt: skip
    for (x, y, w, h), vi, more, where in rooms.values():
        sheet.box(x, y, w, h, stroke=0.6)
        middle, top = x + w / 2, y + h / 2 - (2.4 if more else 0)
        sheet.text(middle, top + 0.6, vi, 2.7, at="middle", bold=True)
        sheet.text(middle, top + 4.4, more or where, 2.4, at="middle")
        if more and where:
            sheet.text(middle, top + 8, where, 2.4, at="middle")
    _ways(sheet)
    _layers(sheet)
    _pins(sheet, 178, 26)
    return sheet


def _ways(sheet: Sheet) -> None:
    ways: tuple[tuple[Wire, tuple[tuple[float, float], ...]], ...] = (
        ("L", ((44, 44), (54, 44))),
        ("12V", ((86, 44), (96, 44))),
        ("12V", ((128, 44), (138, 44))),
        ("12V", ((153, 54), (153, 78))),
        ("12V", ((153, 102), (153, 126))),
        ("12V", ((112, 54), (112, 62), (70, 62), (70, 70))),
        ("5V", ((70, 88), (70, 104))),
        ("signal", ((86, 114), (95, 114), (95, 94), (98, 94))),
        ("12V", ((126, 92), (138, 92))),
        ("signal", ((44, 96), (49, 96), (49, 112), (54, 112))),
        ("signal", ((54, 122), (44, 122))),
        ("signal", ((54, 138), (49, 138), (49, 150), (44, 150))),
        ("signal", ((138, 148), (126, 148))),
        ("signal", ((98, 142), (86, 142))),
        ("signal", ((168, 44), (172, 44), (172, 68), (90, 68), (90, 108), (86, 108))),
        ("PE", ((153, 164), (153, 154))),
    )
    for kind, points in ways:
        _way(sheet, kind, points)


def _way(sheet: Sheet, kind: Wire, points: tuple[tuple[float, float], ...]) -> None:
    """A line with an arrow at its end: no wire, since a box stands for many."""
    stroke, dash = {"12V": (0.9, ""), "5V": (0.7, ""), "PE": (0.7, "2.4 1.2"), "L": (0.7, "")}.get(kind, (0.4, ""))
    sheet.line(*points, stroke=stroke, dash=dash)
    (x0, y0), (x, y) = points[-2:]
    dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
    sheet.area(
        (x, y), (x - 2.6 * dx - 1.3 * dy, y - 2.6 * dy - 1.3 * dx), (x - 2.6 * dx + 1.3 * dy, y - 2.6 * dy + 1.3 * dx)
    )


def _pins(sheet: Sheet, x: float, y: float) -> None:
    wired = pins()
    sheet.text(x, y + 2, "Chân Raspberry Pi", 3.3, bold=True)
    sheet.text(x + 40, y + 2, "as in deploy/kengd.example.toml", 2.3, english=True)
    names = {
        "alarm": "nút BÁO ĐỘNG S1, S4",
        "hush": "nút DỪNG KẺNG S2",
        "all_clear": "nút HẾT BÁO ĐỘNG S3",
        "proof_of_sound": "cảm biến rung B1",
        "isolator_open": "cầu dao Q1",
        "mains_lost": "mất điện lưới (U1)",
        "battery_low": "ắc quy yếu (U1)",
        "lid_open": "nắp tủ, hộp nút S5, S6",
    }
    where = {
        "alarm": "nut-trong-nha", "hush": "nut-trong-nha", "all_clear": "nut-trong-nha", "proof_of_sound": "cam-bien-rung",
        "isolator_open": "cau-dao", "mains_lost": "cau-dao", "battery_low": "cau-dao", "lid_open": "nut-ngoai-troi",
    }  # fmt: skip
    rows = [("rơ-le K1", wired.relay, see("ro-le-muc-cao"))]
    rows += [(names[does], pin, see(where[does])) for does, pin in wired.buttons.items()]
    rows += [("đèn KẺNG L1", wired.bell_lamp, see("hai-den")), ("đèn CÔNG AN L2", wired.police_lamp, see("hai-den"))]
    rows += [(names[means], pin, see(where[means])) for means, (pin, _, _) in wired.inputs.items()]
    cells: list[Sequence[str]] = [
        (name, f"GPIO {pin}", f"chân {GPIO_AT[pin]}", where_told) for name, pin, where_told in rows
    ]
    cells += [("điện trở kéo lên", *said("3V3@17").split(" · "), ""), ("mô-đun K1", *said("5V@2").split(" · "), "")]
    cells += [
        (f"đồng hồ DS3231 {line}", f"GPIO {pin}", f"chân {GPIO_AT[pin]}", "") for line, pin in (("SDA", 2), ("SCL", 3))
    ]
    cells.append(("DS3231 nguồn", *said("3V3@1").split(" · "), ""))
    cells.append(("GND: 6, 9, 14, 20, 25, 30, 34, 39", "GND", "", ""))
    end = table(sheet, x, y + 5, (46, 20, 24, 17), ("Nối gì\tWhat", "BCM", "Chân\tPin", "Tờ\tSheet"), cells, size=2.6)
    sheet.text(x, end + 5.5, "Các tờ", 3.3, bold=True)
    sheet.text(x + 18, end + 5.5, "the sheets", 2.3, english=True)
    for n, (vi, _) in enumerate(TITLES.values(), 1):
        sheet.text(x + 6, end + 7.6 + 3.5 * n, str(n), 2.6, at="end", bold=True)
        sheet.text(x + 8, end + 7.6 + 3.5 * n, vi, 2.6)


def _layers(sheet: Sheet) -> None:
    sheet.text(12, 184, "Bốn tầng bảo vệ, tầng nào cũng tự đứng được:", 2.7, bold=True)
    sheet.text(12, 188, "phần mềm kengd · R1 và strict_gpiod · hộp cắt cứng A2 · cầu dao Q1", 2.7)
    sheet.text(
        12, 191.6, "four layers, none needs another: software, pull-down, hardware cut-off, isolator", 2.3, english=True
    )
