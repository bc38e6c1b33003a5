"""Buttons: indoors straight to the pins through an RC, outdoors with both contacts, an optocoupler and a watched loop (H8, H15).

PC817: data sheet, forward voltage 1.2 V, current transfer 50 % or more at 5 mA, 5 kV between its sides.
SMBJ15CA: clamps at 24 V, both directions. Levels of a pin: see relay.py.
"""

from __future__ import annotations

from firmware_config.wiring.generator.blocks import optocoupler, raspberry
from firmware_config.wiring.generator.index import see
from firmware_config.wiring.generator.inputs import channel, supplies
from firmware_config.wiring.generator.notes import Column
from firmware_config.wiring.generator.paper import Point, Sheet, Wire
from firmware_config.wiring.generator.post import pins
from firmware_config.wiring.generator.symbols import arrester, flag, ground, label, resistor, switch, terminal
from kengd.duty.contact import ContactRules

BUTTONS = (("alarm", "S1", "BÁO ĐỘNG"), ("hush", "S2", "DỪNG KẺNG"), ("all_clear", "S3", "HẾT BÁO ĐỘNG"))


def indoors() -> Sheet:
    """Three buttons, each two wires."""
    sheet = Sheet("nut-trong-nha")
    places = [(pins().buttons[does], 66.0 + 46 * n) for n, (does, _, _) in enumerate(BUTTONS)]
    pi = raspberry(sheet, 12, 28, [("3V3@17", 42), *places, ("GND@39", 182)], h=162)
    supplies(sheet, pi["3V3@17"], pi["GND@39"])
    for (does, ref, name), (pin, y) in zip(BUTTONS, places, strict=True):
        node = channel(sheet, pi[f"GPIO{pin}"], does)
        button = switch(sheet, ref, name, 160, y, "R", push=True, off=6.4)
        sheet.wire("signal", node, button["1"])
        sheet.wire("0V", button["2"], (180, y), (180, y + 10), (112, y + 10))
        ground(sheet, 112, y + 10, side="left")
        for dy in (-2, 12):
            sheet.line((120, y + dy), (152, y + dy), stroke=0.25, dash="1.5 1")
        sheet.text(136, y + 6.4, "cáp bọc lưới 2 × 0,5 mm²", 2.4, at="middle")
    side = Column(sheet, 209, 25, 76, size=2.7)
    side.heading("Nối dây", "Wiring")
    side.notes([
        ("Nút thường mở, hai dây: một về chân, một về GND. Không có điện áp nào khác trên nút.",
         "Normally open, two wires: pin and ground; no other voltage."),
        ("R và C lắp sát Pi, trên bảng hàn hoặc mô-đun kẹp nối.", "R and C sit at the Pi."),
        (f"Lưới bọc nối GND ở đầu Pi, đầu nút để hở. Dây không quá 20 m, chỉ trong nhà; ra ngoài: {see('nut-ngoai-troi')}.",
         "Shield to GND at the Pi only; at most 20 m, indoors."),
    ], mark="1")  # fmt: skip
    side.heading("Nút", "The buttons")
    side.notes([
        (f"S1 đỏ, to bằng lòng bàn tay, có nắp lật; giữ {_seconds(ContactRules().hold_ms)} giây mới đánh.",
         "S1 red, palm size, under a flap; held for a second."),
        ("S2 đen, ăn ngay. Ghi rõ: CHỈ TẮT TIẾNG, CHƯA HẾT BÁO ĐỘNG.", "S2 acts at once; label: silences, is no all-clear."),
        ("S3 xanh, giữ 1 giây: đánh hiệu hết báo động.", "S3 green: the all-clear."),
        ("Nhiều nút báo động: mỗi nút một chân, một place, để sổ ghi đúng chỗ bấm.",
         "Several alarm buttons: a pin and a place each."),
    ])  # fmt: skip
    side.heading("Đo thử", "Measure")
    side.notes([
        ("Chân so với GND: thả trên 3,0 V, bấm dưới 0,3 V.", "Pin: above 3.0 V released, below 0.3 V pressed."),
        ("Pi tắt, đo ôm trên nút: thả hở mạch, bấm dưới 2 Ω.", "Pi off: open released, below 2 Ω pressed."),
    ])  # fmt: skip
    return sheet


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g}".replace(".", ",")


def outdoors() -> Sheet:
    """A change-over button: COM, NO and NC; a fourth core is the watched loop."""
    sheet = Sheet("nut-ngoai-troi")
    alarm, lid = pins().buttons["alarm"], pins().inputs["lid_open"][0]
    pi = raspberry(sheet, 12, 28, [("3V3@17", 40), (alarm, 66), (lid, 114), ("GND@39", 133)], h=110)
    supplies(sheet, pi["3V3@17"], pi["GND@39"])
    for what, pin, ref, y in (("alarm", alarm, "OK1", 66), ("lid_open", lid, "OK2", 114)):
        opto = optocoupler(sheet, ref, 126, y, flipped=True)
        sheet.wire("signal", channel(sheet, pi[f"GPIO{pin}"], what), opto["C"])
        sheet.wire("0V", opto["E"], (120, opto["E"].y))
        ground(sheet, 120, opto["E"].y, side="left")
    _field(sheet)
    left = Column(sheet, 12, 139, 86, size=2.6)
    left.heading("Vì sao cả NO lẫn NC", "Why both contacts")
    left.notes([
        ("Lúc thả, NC giữ lõi 2 ở 0 V: nước đọng, dây dập chạm nhau cũng không làm OK1 sáng. Phải NO khép VÀ NC mở mới là bấm (H15).",
         "Released, NC holds core 2 at 0 V: water or a crushed cable cannot light OK1."),
        ("Lõi 4 là vòng giám sát khép ở cuối dây: đứt cáp, mở hộp nút, mở tủ thì OK2 tắt, kengd báo “nắp tủ đang mở” (H8, H17).",
         "Core 4 is a loop closed at the end of the line: cut or opened, OK2 goes dark and kengd tells."),
    ])  # fmt: skip
    middle = Column(sheet, 103, 139, 90, size=2.6)
    middle.heading("Lắp đặt", "Mounting")
    middle.notes([
        ("Hộp IP65 có mái che, cao 1,3–1,5 m, ren cáp quay xuống dưới, cáp võng một đoạn cho nước nhỏ giọt.",
         "IP65 box under a roof, 1.3–1.5 m up, gland below, drip loop."),
        ("Cáp 4 × 0,75 mm² bọc lưới, luồn ống; không đi chung với dây 220 V. Lưới nối PE ở tủ.",
         "Shielded, in a conduit, apart from mains; shield to PE at the cabinet."),
        (f"FV2–FV4 (SMBJ15CA) nối thẳng xuống thanh PE, dây dưới 20 cm. F5 1 A: {see('ac-quy')}.",
         "Suppressors straight to the PE bar, under 20 cm."),
        (f"OK1 nối song song với S1 trong nhà ({see('nut-trong-nha')}); muốn sổ ghi riêng thì dùng chân khác.",
         "OK1 lies across S1; a pin of its own lets the book name the place."),
    ])  # fmt: skip
    right = Column(sheet, 198, 139, 87, size=2.6)
    right.settings(pins().input_toml("lid_open"))
    right.heading("Đo thử", "Measure")
    right.notes([
        ("Lõi 2 so với 0 V: thả 0 V, bấm 4–11 V.", "Core 2: 0 V released, 4–11 V pressed."),
        ("Đổ nước lên hộp, chập lõi 1 với 2: không được đánh. Rút lõi 4: kengd status báo nắp tủ.",
         "Water on the box, cores 1–2 shorted: no ring. Core 4 off: kengd status tells."),
    ])  # fmt: skip
    return sheet


def _field(sheet: Sheet) -> None:
    """From the optocouplers over the strip X2 to the button's box."""
    near, rows = 144.0, {"1": 44.0, "2": 66.0, "3": 88.0, "4": 124.0}
    plus = flag(sheet, "+12 V", 146, 44, "U", where="F5")
    r31 = resistor(sheet, "R31", "470 Ω 1 W", 154, 44)
    sheet.wire("12V", plus["1"], r31["1"])
    r32 = resistor(sheet, "R32", "1 kΩ", 154, 66)
    sheet.wire("signal", (near, 66), r32["1"])
    sheet.wire("0V", (near, 76), (150, 76), (150, 88))
    ground(sheet, 150, 88, "0 V", side="left")
    r33 = resistor(sheet, "R33", "1 kΩ 0,5 W", 150, 114)
    sheet.wire("signal", (near, 114), r33["1"])
    sheet.wire("12V", r33["2"], flag(sheet, "+12 V", 168, 114, "R", where="F5")["1"])
    s6 = switch(sheet, "S6", "nắp tủ, đóng thì khép", 150, 124, closed=True, side="below", off=2)
    sheet.wire("signal", (near, 124), s6["1"])
    starts = {"1": r31["2"], "2": r32["2"], "3": Point(150, 88), "4": s6["2"]}
    kinds: dict[str, Wire] = {"1": "12V", "2": "signal", "3": "0V", "4": "signal"}
    for core, y in rows.items():
        clamp = terminal(sheet, f"X2:{core}", 200, y, side="none")
        sheet.text(202, y - 1.8, f"X2:{core}", 2.6, bold=True)
        sheet.text(215, y - 1.4, f"lõi {core}", 2.4)
        sheet.wire(kinds[core], starts[core], clamp["1"])
        sheet.wire(kinds[core], clamp["1"], (262 if core == "4" else 236, y))
    for ref, core in (("FV2", "1"), ("FV3", "2"), ("FV4", "4")):
        fv = arrester(sheet, ref, "SMBJ15CA", 188, rows[core], "D", length=10, side="none")
        sheet.text(191, rows[core] + 6, ref, 2.8, bold=True)
        ground(sheet, 188, fv["2"].y, "PE", side="left")
    for y in (39, 129):
        sheet.line((207, y), (226, y), stroke=0.25, dash="1.5 1")
    sheet.text(217, 133.5, "cáp bọc lưới", 2.4, at="middle")
    _button_box(sheet)


def _button_box(sheet: Sheet) -> None:
    sheet.box(229, 34, 55, 96, dash="3 1.5")
    sheet.text(232, 38.5, "hộp nút, IP65", 2.6, bold=True)
    switch(sheet, "S4", "", 236, 44, "D", length=22, side="none", names=("NO", "COM"))
    switch(sheet, "S4", "", 236, 66, "D", length=22, closed=True, side="none", names=("COM", "NC"))
    label(sheet, 244, 55, "right", "S4 · NO", "thường mở", off=0)
    label(sheet, 244, 77, "right", "S4 · NC", "thường khép", off=0)
    sheet.text(244, 66.8, "một nút: BÁO ĐỘNG", 2.5, bold=True)
    sheet.wire("0V", (236, 88), (262, 88))
    s5 = switch(sheet, "S5", "", 262, 98, "D", length=20, closed=True, side="none")
    label(sheet, 258, 108, "left", "S5 · nắp hộp", "đóng thì khép", off=0)
    sheet.wire("signal", (262, 88), s5["1"])
    sheet.wire("signal", s5["2"], (262, 124))
