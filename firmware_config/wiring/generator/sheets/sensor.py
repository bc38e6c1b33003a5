"""The vibration sensor on the iron: whether it really sounds (H2, P9). Sensor SW-18010P: a sealed spring contact, 12 V, 20 mA."""

from __future__ import annotations

from firmware_config.wiring.generator.blocks import optocoupler, raspberry
from firmware_config.wiring.generator.index import see
from firmware_config.wiring.generator.inputs import channel, supplies
from firmware_config.wiring.generator.notes import Column
from firmware_config.wiring.generator.paper import Sheet
from firmware_config.wiring.generator.post import pins
from firmware_config.wiring.generator.symbols import arrester, flag, ground, label, resistor, switch, terminal
from kengd.duty.health import CATALOGUE
from kengd.duty.proof import PROOF_WITHIN_MS


def sensor() -> Sheet:
    """Isolated, since the iron hangs in the weather."""
    sheet = Sheet("cam-bien-rung")
    pin = pins().inputs["proof_of_sound"][0]
    pi = raspberry(sheet, 12, 30, [("3V3@17", 42), (pin, 68), ("GND@20", 92)], h=82)
    supplies(sheet, pi["3V3@17"], pi["GND@20"])
    opto = optocoupler(sheet, "OK3", 126, 68, flipped=True)
    sheet.wire("signal", channel(sheet, pi[f"GPIO{pin}"], "proof_of_sound"), opto["C"])
    sheet.wire("0V", opto["E"], (120, opto["E"].y))
    ground(sheet, 120, opto["E"].y, side="left")
    r34 = resistor(sheet, "R34", "1 kΩ 0,5 W", 148, 68)
    sheet.wire("signal", opto["A"], r34["1"])
    sheet.wire("12V", r34["2"], flag(sheet, "+12 V", 168, 68, "R", where=f"F5, {see('ac-quy')}")["1"])
    one = terminal(sheet, "X3:1", 174, 78, side="none")
    two = terminal(sheet, "X3:2", 174, 96, side="none")
    sheet.text(169.5, 75.6, "X3:1", 2.6, bold=True)
    sheet.text(169.5, 93.6, "X3:2", 2.6, bold=True)
    fv5 = arrester(sheet, "FV5", "", 156, 78, "D", length=10, side="right")
    ground(sheet, 156, fv5["2"].y, "PE", side="left")
    sheet.wire("signal", opto["K"], one["1"])
    sheet.wire("0V", (150, 104), (150, 96), two["1"])
    ground(sheet, 150, 104, "0 V", side="left")
    b1 = switch(sheet, "B1", "", 192, 78, "D", length=18, side="none")
    label(sheet, 192, 87, "left", "B1", "rung", off=3)
    sheet.wire("signal", one["1"], b1["1"])
    sheet.wire("0V", two["1"], b1["2"])
    sheet.text(160, 103, "cáp 2 × 0,5 mm² bọc lưới", 2.4)
    sheet.text(160, 107, "FV5: SMBJ15CA", 2.4)
    _mounting(sheet, 14, 128)
    side = Column(sheet, 209, 25, 76)
    side.heading("Để làm gì", "What for")
    side.notes([
        ("Có cảm biến: kengd nói “đang kêu” khi nghe thật. Không có: chỉ nói “rơ-le đã đóng, chưa kiểm được tiếng”.",
         "With it the post says that it sounds only when it does."),
        (f"Tiếng đầu mà {PROOF_WITHIN_MS // 1000} giây không rung: “{CATALOGUE['no_proof_of_sound'].vi}”.",
         "No vibration within 1 s of the first stroke."),
        (f"Rung quá 2 giây khi rơ-le nghỉ: “{CATALOGUE['sound_without_relay'].vi}”. Đánh tay cũng làm đèn báo lỗi, rồi tự hết.",
         "Vibration while the relay rests; striking by hand shows it too, for a while."),
    ])  # fmt: skip
    side.settings(pins().input_toml("proof_of_sound"))
    side.heading("Đo thử", "Measure")
    side.notes([
        ("Gõ nhẹ: LED ở OK3 (nếu có) chớp, chân xuống dưới 0,5 V.", "A light tap: the pin goes below 0.5 V."),
        ("Gió, mưa, xe tải qua: không được chớp. Có thì đổi cảm biến kém nhạy hơn.",
         "Wind, rain, lorries: nothing; else a less sensitive one."),
    ])  # fmt: skip
    return sheet


def _mounting(sheet: Sheet, x: float, y: float) -> None:
    """Where it sits on the iron."""
    sheet.text(x - 2, y, "Gắn cảm biến", 3.3, bold=True)
    sheet.text(x + 26, y, "mounting", 2.4, english=True)
    sheet.box(x, y + 4, 60, 3, fill="#ccc")
    for edge in (16, 30):
        sheet.line((x + edge, y + 7), (x + edge, y + 14), stroke=0.6)
    sheet.box(x + 8, y + 14, 30, 40, stroke=0.7)
    sheet.text(x + 23, y + 37, "quả kẻng", 2.8, at="middle")
    sheet.box(x + 38, y + 17, 6, 5, fill="#000")
    sheet.line((x + 44, y + 19.5), (x + 50, y + 26), (x + 50, y + 40), (x + 56, y + 46), stroke=0.5)
    sheet.line((x + 2, y + 34), (x + 8, y + 34), stroke=0.5)
    sheet.area((x + 8, y + 34), (x + 5, y + 32.6), (x + 5, y + 35.4))
    sheet.text(x - 2, y + 31, "búa", 2.6)
    notes = Column(sheet, x + 66, y + 6, 120)
    notes.notes([
        ("Đặt ở phần trên, gần chỗ treo, xa chỗ búa gõ; bắt bằng đai hoặc vít, không dán.",
         "At the top near the hanger, away from the blow; strap or screw, no glue."),
        ("Dây để võng một đoạn mềm, buộc vào dây treo: kẻng đung đưa mà dây không căng.",
         "A soft loop tied to the hanger: the iron swings, the cable does not."),
        ("Bọc keo hoặc chọn loại kín nước. FV5 nối thẳng xuống thanh PE ở tủ.",
         "Sealed against water; FV5 straight to the PE bar."),
        ("Cảm biến là của riêng quả kẻng: kẻng rơi hay mất thì lần đánh sau kengd báo (H2).",
         "Iron fallen or stolen: told at the next ring."),
    ])  # fmt: skip
