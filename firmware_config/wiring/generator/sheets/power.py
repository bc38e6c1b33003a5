"""Mains, charger, battery and fuses, with the reckoning of the battery's size (H1), and the load test."""

from __future__ import annotations

from firmware_config.wiring.generator import energy
from firmware_config.wiring.generator.blocks import Terminal, block
from firmware_config.wiring.generator.index import see
from firmware_config.wiring.generator.notes import Column, table
from firmware_config.wiring.generator.paper import Sheet
from firmware_config.wiring.generator.sheets.bell import SMALL_FUSE
from firmware_config.wiring.generator.sheets.motor_siren import BIG_FUSE
from firmware_config.wiring.generator.symbols import battery, flag, fuse, ground

BUS = 138.0
"""Where the bus bar +12 V runs."""
MAIN_FUSE = "15 A"
BRANCHES = (
    ("F2", SMALL_FUSE, "búa, còi nhỏ", "bua-go", 122.0),
    ("F3", BIG_FUSE, "còi động cơ", "coi-lon", 131.0),
    ("F5", "1 A", "vòng nút, cảm biến, đèn", "nut-ngoai-troi", 140.0),
    ("F7", "2 A", "4G, thiết bị mạng", "tong-quan", 149.0),
)


def power() -> Sheet:
    """From the mains to each fuse."""
    sheet = Sheet("ac-quy")
    _mains(sheet)
    _battery(sheet)
    _branches(sheet)
    _reckoning(sheet, 158)
    return sheet


def _mains(sheet: Sheet) -> None:
    for name, y in (("L", 40.0), ("N", 50.0), ("PE", 60.0)):
        flag(sheet, name, 22, y, "L")
    q = block(sheet, "QF1", "rcbo", "RCBO 2P 10 A, 30 mA", 30, 31, 26, 24, [
        Terminal("1", "L", 40, "L"), Terminal("3", "L", 50, "N"), Terminal("2", "R", 40, "L"), Terminal("4", "R", 50, "N"),
    ])  # fmt: skip
    sheet.text(43, 35.6, "QF1 RCBO", 2.6, at="middle", bold=True)
    sheet.text(43, 41, "10 A", 2.6, at="middle")
    sheet.text(43, 45.6, "30 mA", 2.6, at="middle", bold=True)
    u1 = block(sheet, "U1", "charger", "bộ nạp 12 V", 96, 31, 32, 36, [
        Terminal("L", "L", 40), Terminal("N", "L", 50), Terminal("PE", "L", 60),
        Terminal("+", "R", 40, "+12 V"), Terminal("-", "R", 60, "0 V"),
    ])  # fmt: skip
    sheet.text(112, 35.6, "U1 bộ nạp", 2.6, at="middle", bold=True)
    sheet.text(110, 46, "có AC-OK,", 2.3, at="middle")
    sheet.text(110, 49.4, "BAT-OK", 2.3, at="middle")
    sheet.text(110, 52.8, f"({see('cau-dao')})", 2.3, at="middle")
    spd = block(sheet, "FV1", "spd", "SPD loại 2, 275 V", 60, 68, 30, 15, [
        Terminal("L", "T", 66), Terminal("N", "T", 74), Terminal("PE", "T", 82),
    ])  # fmt: skip
    sheet.text(75, 77, "FV1 SPD loại 2", 2.6, at="middle", bold=True)
    sheet.text(75, 80.6, "chống sét lan truyền", 2.2, at="middle")
    for name, y, tap in (("L", 40.0, 66.0), ("N", 50.0, 74.0)):
        sheet.wire("L" if name == "L" else "N", (22, y), q["1" if name == "L" else "3"])
        sheet.wire("L" if name == "L" else "N", q["2" if name == "L" else "4"], u1[name])
        sheet.wire("L" if name == "L" else "N", (tap, y), spd[name])
    sheet.wire("PE", (22, 60), u1["PE"])
    sheet.wire("PE", (82, 60), spd["PE"])
    sheet.wire("12V", u1["+"], (BUS, 40))
    sheet.wire("0V", u1["-"], (133, 60), (133, 64))
    ground(sheet, 133, 64, "0 V", side="none")
    sheet.text(12, 33, "điện lưới", 2.6)
    sheet.text(12, 65, f"thanh PE: {see('noi-dat')}", 2.4)


def _battery(sheet: Sheet) -> None:
    sheet.wire("12V", (BUS, 40), (BUS, 162))
    f1 = fuse(sheet, "F1", MAIN_FUSE, BUS, 90, "L", side="none")
    sheet.text(136, 86.8, f"F1 {MAIN_FUSE}", 2.6, at="end", bold=True)
    sheet.text(136, 94.8, "có F3: 40 A", 2.3, at="end")
    g1 = battery(sheet, "G1", f"12 V {energy.STRIKER.chosen_ah} Ah", 110, 92, "D", side="left", more="kín khí, AGM")
    sheet.wire("12V", f1["2"], (110, 90), g1["+"])
    ground(sheet, 110, g1["−"].y, "0 V", side="none")
    sheet.text(104, 115.6, "0 V: điểm chung, nối PE ở đây", 2.4, at="end")


def _branches(sheet: Sheet) -> None:
    for ref, value, what, name, y in BRANCHES:
        branch = fuse(sheet, ref, value, BUS, y, "L", side="none")
        sheet.text(136, y - 2.4, f"{ref} {value}", 2.6, at="end", bold=True)
        out = flag(sheet, f"+12 V {ref}", 116, y, "L")
        sheet.wire("12V", branch["2"], out["1"])
        sheet.text(92, y + 1, f"{what}: {see(name)}", 2.6, at="end")
    f6 = fuse(sheet, "F6", "3 A", BUS, 162, "L", side="none")
    sheet.text(131, 159.6, "F6 3 A", 2.6, at="middle", bold=True)
    u2 = block(sheet, "U2", "converter", "12 V → 5,1 V", 74, 154, 34, 26, [
        Terminal("IN+", "R", 162, "vào +"), Terminal("IN-", "R", 174, "vào −"),
        Terminal("5V", "L", 162, "+5,1 V"), Terminal("GND", "L", 174, "GND"),
    ])  # fmt: skip
    sheet.text(91, 158.4, "U2 đổi điện", 2.6, at="middle", bold=True)
    sheet.text(91, 168.8, "5,1 V 5 A", 2.4, at="middle")
    sheet.wire("12V", f6["2"], u2["IN+"])
    sheet.wire("0V", u2["IN-"], (114, 174))
    ground(sheet, 114, 174, "0 V")
    with sheet.part("A1", "raspberry", "USB-C") as pi:
        sheet.box(26, 156, 30, 22, stroke=0.5)
        sheet.pin(pi, "5V", 56, 162)
        sheet.pin(pi, "GND", 56, 174)
    sheet.text(41, 165, "A1 Raspberry Pi", 2.6, at="middle", bold=True)
    sheet.text(41, 169.4, "cổng nguồn USB", 2.4, at="middle")
    sheet.wire("5V", u2["5V"], pi["5V"])
    sheet.wire("0V", u2["GND"], pi["GND"])
    sheet.text(12, 190, "Dây G1–F1–thanh +12 V: 4 mm²; có F3 (còi động cơ): 10 mm².", 2.5)
    sheet.text(12, 186, "Pi 5: U2 phải cho đủ 5 A. Dây U2–Pi ngắn dưới 50 cm, 1 mm²: sụt áp làm Pi đứng.", 2.5)


def _number(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def _reckoning(sheet: Sheet, x: float) -> None:
    strike, wail = energy.STRIKER, energy.SIREN
    sheet.text(
        x,
        30,
        f"Tính ắc quy: {energy.STANDBY_H} giờ nghỉ + {energy.ALARMS} lần báo động {energy.ALARM_MIN} phút (H1)",
        3.3,
        bold=True,
    )
    sheet.text(
        x,
        33.8,
        "24 h standby and three alarms of 5 minutes: worked example, and room for your own figures",
        2.3,
        english=True,
    )
    loads = [(load.vi, f"{_number(load.watts)} W", f"{_number(load.watts)} W", "") for load in strike.loads]
    factors = (
        f"chia {_number(energy.DEPTH)} (không xả cạn) · {_number(energy.AGED)} (già) · {_number(energy.COLD)} (lạnh)"
    )
    end = table(sheet, x, 36, (66, 22, 22, 18), ("Mục\tItem", "Búa 5 A\tStriker", "Còi 20 A\tSiren", "Của ta\tYours"), [
        *loads,
        ("Tổng lúc nghỉ\tat rest", f"{_number(strike.rest_w)} W", f"{_number(wail.rest_w)} W", ""),
        (f"× {energy.STANDBY_H} giờ ÷ 12 V", f"{_number(strike.rest_ah)} Ah", f"{_number(wail.rest_ah)} Ah", ""),
        (f"Báo động: {energy.ALARMS} × {energy.ALARM_MIN} phút × dòng × phần đóng điện (búa 0,5; còi 1)\talarms",
         f"{_number(strike.alarm_ah)} Ah", f"{_number(wail.alarm_ah)} Ah", ""),
        (f"Cộng lại, {factors}\tsum, divided by depth, age, cold", f"{_number(strike.needed_ah)} Ah", f"{_number(wail.needed_ah)} Ah", ""),
        ("Chọn ắc quy 12 V\tbattery chosen", f"{strike.chosen_ah} Ah", f"{wail.chosen_ah} Ah", ""),
        ("Bộ nạp ít nhất\tcharger at least", f"{strike.charger_a} A", f"{wail.charger_a} A", ""),
    ], size=2.6)  # fmt: skip
    side = Column(sheet, x, end + 1, 128, size=2.6)
    side.heading("Thử tải: khi nghiệm thu, rồi mỗi năm một lần", "Load test: at commissioning, then once a year")
    side.notes([
        ("Nạp đầy một ngày. Ngắt QF1, ghi giờ. Đèn KẺNG nháy ba và kengd status báo mất điện lưới.", "Charge, open QF1."),
        (f"Sau {energy.STANDBY_H} giờ đánh thử 3 lần báo động 5 phút (diễn tập, báo trước cho dân), cách nhau 30 phút.",
         "After 24 h three drills of 5 min, announced, 30 min apart."),
        ("Cuối lần ba đo tại cực ắc quy lúc búa hút: phải trên 11,4 V. Dưới thì thay ắc quy.", "Above 11.4 V under load at the end."),
        ("Đóng QF1: mất điện lưới tự hết trong một phút.", "Close QF1: the condition clears."),
    ], mark="1")  # fmt: skip
    side.warning(
        "Ắc quy chập cực gây cháy: F1 cách cực dương dưới 20 cm, bọc kín hai cực, tủ có lỗ thông hơi.",
        "A shorted battery burns: F1 within 20 cm of plus, cover both poles, vent the case.",
    )
