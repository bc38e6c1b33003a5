"""Earthing, surge, low voltage within reach, protection against water (H3).

TCVN 9385:2012: earth resistance of a lightning protection 10 Ω or less. IEC 60364-4-41 (TCVN 7447-4-41): RCD of 30 mA, extra-low
voltage; IEC 60529: IP65. 12 V lead-acid reaches 14.4 V on charge, two in series 29 V, hence 12 V.
"""

from __future__ import annotations

from firmware_config.wiring.generator.index import see
from firmware_config.wiring.generator.notes import Column
from firmware_config.wiring.generator.paper import Sheet


def earthing() -> Sheet:
    """A view of the post, from the iron to the earth rods."""
    sheet = Sheet("noi-dat")
    _view(sheet)
    side = Column(sheet, 204, 25, 81, size=2.7)
    side.warning(
        "Phần 220 V chỉ thợ điện làm. Trong tầm tay người ngoài tủ không có chỗ nào quá 24 V một chiều.",
        "Mains: electricians only. Nothing within reach outside the case is above 24 V DC (H3).",
    )
    side.heading("Nối đất", "Earthing")
    side.notes([
        ("Cọc chống sét và cọc PE nối nhau dưới đất; đo không quá 10 Ω, ghi vào phiếu.", "Both rods joined below ground; 10 Ω at most."),
        ("Cột, quả kẻng, tủ, cửa tủ, SPD cùng về một thanh PE.", "Mast, iron, case, door and SPD on one PE bar."),
        ("Cực âm ắc quy nối PE ở đúng một chỗ: thanh PE.", "Battery minus joins PE at the bar and nowhere else."),
    ])  # fmt: skip
    side.heading("Chống giật", "Shock")
    side.notes([
        ("QF1: RCBO 30 mA; bấm nút T mỗi tháng.", "RCBO 30 mA; press T monthly."),
        ("Ngăn 220 V có tấm che riêng, biển báo; dây 220 V và dây 12 V đi hai máng.", "Mains behind its own cover, apart from 12 V."),
        ("Chỉ dùng 12 V: ắc quy đang nạp 14,4 V; hai bình nối tiếp tới 29 V là quá mức.", "12 V only: two in series reach 29 V."),
    ])  # fmt: skip
    side.heading("Chống sét lan truyền", "Surge")
    side.notes([
        (f"FV1 ở đường 220 V; FV2–FV5 ở dây ra ngoài ({see('nut-ngoai-troi')}, {see('cam-bien-rung')}); dây tới PE dưới 50 cm.",
         "FV1 on mains, FV2–FV5 on field wires, short to PE."),
        ("Dây mạng, ăng-ten ra ngoài: bộ chống sét riêng, hoặc dùng cáp quang.", "Network and aerial: arresters of their own, or fibre."),
    ])  # fmt: skip
    side.heading("Chống nước", "Water")
    side.notes([
        ("Tủ IP65, đáy cao hơn mức lũ lớn nhất đã biết 0,5 m; ren cáp ở đáy, cáp võng nhỏ giọt.",
         "IP65, 0.5 m above the highest flood known, glands below, drip loops."),
    ])  # fmt: skip
    return sheet


def _view(sheet: Sheet) -> None:
    ground_y = 160.0
    sheet.line((12, ground_y), (198, ground_y), stroke=0.8)
    for n in range(23):
        sheet.line((14 + 8 * n, ground_y), (10 + 8 * n + 1, ground_y + 3), stroke=0.2)
    _mast(sheet, ground_y)
    _case(sheet, ground_y)
    _rods(sheet, ground_y)


def _mast(sheet: Sheet, floor: float) -> None:
    sheet.box(38, 44, 4, floor - 44, stroke=0.6, fill="#ddd")
    sheet.line((40, 44), (40, 32), stroke=0.9)
    sheet.line((42, 52), (74, 52), stroke=1.2)
    sheet.line((62, 52), (62, 58), stroke=0.5)
    sheet.box(54, 58, 16, 26, stroke=0.7)
    sheet.text(62, 72, "kẻng", 2.6, at="middle")
    sheet.box(74, 66, 10, 7, stroke=0.5)
    sheet.line((70.5, 69.5), (74, 69.5), stroke=1)
    sheet.text(86, 71, "búa 12 V", 2.6)
    sheet.text(44, 36, "kim thu sét, cao hơn kẻng 1 m", 2.6)
    sheet.text(32.5, 60, "cột thép", 2.6, at="end")
    sheet.line((34, 44), (34, floor + 6), stroke=0.8, dash="2.4 1.2")
    sheet.line((34, 44), (38, 44), stroke=0.8)
    sheet.text(32.5, 112, "đồng 50 mm²", 2.4, at="end")
    sheet.line((54, 82), (46, 82), (46, 112), (42, 112), stroke=0.8, dash="2.4 1.2")
    sheet.text(48, 100, "PE 16 mm²: kẻng, cột", 2.4)


def _case(sheet: Sheet, floor: float) -> None:
    sheet.box(110, 66, 62, 66, stroke=0.9)
    sheet.text(141, 63, "tủ IP65, khóa được", 2.8, at="middle", bold=True)
    sheet.box(114, 72, 24, 26, stroke=0.4)
    sheet.text(126, 78, "ngăn 220 V", 2.6, at="middle", bold=True)
    sheet.text(126, 83, "QF1 30 mA", 2.4, at="middle")
    sheet.text(126, 87.5, "FV1, U1", 2.4, at="middle")
    sheet.text(126, 94, "có tấm che", 2.3, at="middle")
    sheet.box(142, 72, 26, 26, stroke=0.4)
    sheet.text(155, 78, "ngăn 12 V", 2.6, at="middle", bold=True)
    sheet.text(155, 83, "Pi, K1, A2, Q1", 2.4, at="middle")
    sheet.text(155, 87.5, "FV2–FV5", 2.4, at="middle")
    sheet.box(142, 103, 26, 13, stroke=0.4)
    sheet.text(155, 110.6, "ắc quy G1", 2.6, at="middle", bold=True)
    sheet.box(114, 122, 50, 3.4, stroke=0.3, fill="#bbb")
    sheet.text(129, 119.6, "thanh PE", 2.6, bold=True)
    sheet.line((126, 98), (126, 122), stroke=0.8, dash="2.4 1.2")
    sheet.line((155, 116), (155, 122), stroke=0.8, dash="2.4 1.2")
    for x in (118, 134, 150):
        sheet.box(x - 2, 132, 4, 4, stroke=0.4)
    sheet.line((118, 136), (118, 146), (96, 146), (96, 92), (79, 92), (79, 73), stroke=0.5)
    sheet.text(97.5, 152, "cáp võng nhỏ giọt", 2.4)
    sheet.line((134, 136), (134, floor - 8), (182, floor - 8), (182, 120), stroke=0.5)
    sheet.box(176, 106, 12, 14, stroke=0.6)
    sheet.ring(182, 113, 3, stroke=0.5)
    sheet.text(182, 104, "nút ngoài trời", 2.6, at="middle")
    sheet.text(182, 99.6, f"12 V, {see('nut-ngoai-troi')}", 2.3, at="middle")
    sheet.line((192, 66), (192, floor), stroke=0.25)
    for y, tail in ((66, 2.6), (floor, -2.6)):
        sheet.area((192, y), (190.9, y + tail), (193.1, y + tail))
    sheet.text(190, 93, "tầm tay", 2.4, at="end")
    sheet.text(190, 89, "2,5 m", 2.4, at="end")
    sheet.line((176, 66), (196, 66), stroke=0.25)


def _rods(sheet: Sheet, floor: float) -> None:
    for x, name in ((34.0, "cọc chống sét"), (160.0, "cọc PE")):
        sheet.box(x - 1, floor + 2, 2, 24, stroke=0.4, fill="#999")
        sheet.text(x + 4, floor + 24, f"{name}, thép mạ đồng 2,4 m", 2.5)
    sheet.line((160, 125), (160, floor + 2), stroke=0.8, dash="2.4 1.2")
    sheet.line((34, floor + 10), (160, floor + 10), stroke=0.8, dash="2.4 1.2")
    sheet.text(96, floor + 15, "nối hai cọc: đồng trần 50 mm², không quá 10 Ω", 2.6, at="middle")
