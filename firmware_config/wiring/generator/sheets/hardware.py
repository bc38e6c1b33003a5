"""The cut-off box: what stops the bell when the program cannot, with or without a Raspberry Pi (H4)."""

from __future__ import annotations

from collections.abc import Sequence

from firmware_config.wiring.generator import cutoff
from firmware_config.wiring.generator.blocks import Terminal, said, time_relay
from firmware_config.wiring.generator.cutoff import decimal
from firmware_config.wiring.generator.index import see
from firmware_config.wiring.generator.notes import Column
from firmware_config.wiring.generator.paper import Sheet
from firmware_config.wiring.generator.post import pins
from firmware_config.wiring.generator.symbols import ground, label, resistor, switch, terminal

RAIL, FLOOR, EDGE = 40.0, 124.0, 186.0
"""Heights of +12 V and 0 V; the right edge of the box."""


def cut_off() -> Sheet:
    """KT1 for each stroke, KT2 and KT3 for each sounding."""
    sheet = Sheet("mach-cat-cung")
    _box(sheet)
    _pull_down(sheet, 12, 138)
    _time_lines(sheet, 76, 138)
    side = Column(sheet, 213, 25, 72, size=2.6)
    side.warning(
        "Đây là lớp bảo vệ cuối: tiếp điểm dính hay máy treo thì chỉ còn hộp này. Không được bỏ, không được nối tắt.",
        "The last line of defence against a welded contact or a hung machine: never leave it out or bridge it.",
    )
    side.heading("Đặt giờ", "Settings of the time relays")
    side.notes([
        (f"KT1: AI, {decimal(cutoff.STROKE_S)} giây (còi: {cutoff.BLAST_S} giây). K1 đóng lâu hơn thì cắt, tới khi K1 nhả.",
         "KT1 on-delay: K1 closed for longer is cut until K1 opens."),
        (f"KT2: AI, {cutoff.SOUNDING_MIN} phút. Một lần đánh dài hơn thì cắt.", "KT2 on-delay: a longer sounding is cut."),
        (f"KT3: BE, {cutoff.PAUSE_S} giây. Im {cutoff.PAUSE_S} giây là hết một lần đánh; sau đó kẻng đánh lại được (H9).",
         "KT3 off-delay, control at B1: after 30 s of quiet the bell may sound again."),
    ])  # fmt: skip
    side.heading("Chọn rơ-le thời gian", "Which time relays")
    side.notes([
        (f"12–240 V, làm việc từ 10,8 V; hồi phục không quá {cutoff.RECOVERY_MS} ms; xung điều khiển từ {cutoff.PULSE_MS} ms.",
         "12–240 V from 10.8 V up, recovery 100 ms at most, control pulse 50 ms (Finder 80.01 or alike)."),
        ("Tiếp điểm 16 A ở 24 V một chiều.", "Contact 16 A at 24 V DC."),
    ])  # fmt: skip
    side.heading("Thử (H4): Pi rút ra", "Test with the Pi unplugged")
    side.notes([
        (f"Nối tắt X1:2 với X1:3 (như K1 dính): búa hút một lần rồi mất điện trong {decimal(cutoff.STROKE_S)} giây.",
         "Bridge X1:2–X1:3: one pull, dead within 0.5 s."),
        (f"Gõ nhịp cầu nối mỗi giây một lần trong {cutoff.SOUNDING_MIN} phút (hoặc tạm đặt KT2 ở 1 phút): búa phải tắt.",
         "Tap the bridge each second for 6 min (or set KT2 to 1 min for the test): it must go dead."),
        (f"Ngừng {cutoff.PAUSE_S} giây, gõ lại: búa hút. Trả KT2 về {cutoff.SOUNDING_MIN} phút, bỏ cầu nối.",
         "Wait 30 s, tap: it pulls again. Set KT2 back, take the bridge off."),
    ], mark="1")  # fmt: skip
    return sheet


def _box(sheet: Sheet) -> None:
    sheet.box(20, 30, EDGE - 20, 100, dash="3 1.5")
    sheet.text(23, 34.5, "A2 · hộp cắt cứng", 3.2, bold=True)
    kt3 = time_relay(sheet, "KT3", f"BE · {cutoff.PAUSE_S} giây", 28, 58, [
        Terminal("A1", "T", 34), Terminal("B1", "T", 46), Terminal("15", "T", 58),
    ], [Terminal("A2", "B", 34), Terminal("16", "B", 46), Terminal("18", "B", 58)], w=36)  # fmt: skip
    kt2 = time_relay(sheet, "KT2", f"AI · {cutoff.SOUNDING_MIN} phút", 82, 58, [
        Terminal("A1", "T", 88), Terminal("15", "T", 112),
    ], [Terminal("A2", "B", 88), Terminal("18", "B", 100), Terminal("16", "B", 112)], w=36)  # fmt: skip
    kt1 = time_relay(sheet, "KT1", f"AI · {decimal(cutoff.STROKE_S)} giây", 136, 58, [
        Terminal("A1", "T", 142), Terminal("15", "T", 166),
    ], [Terminal("A2", "B", 142), Terminal("18", "B", 154), Terminal("16", "B", 166)], w=36)  # fmt: skip
    plus = terminal(sheet, "X1:1", 20, RAIL, side="none")
    label(sheet, 20, RAIL + 6, "left", "X1:1", "từ Q1", off=1.6)
    zero = terminal(sheet, "X1:0", 20, FLOOR, side="none")
    label(sheet, 20, FLOOR - 6, "left", "X1:0", "0 V", off=1.6)
    sheet.wire("12V", plus["1"], (112, RAIL), kt2["15"])
    sheet.wire("12V", (34, RAIL), kt3["A1"])
    sheet.wire("12V", (58, RAIL), kt3["15"])
    for timer in (kt3, kt2, kt1):
        sheet.wire("0V", timer["A2"], (timer["A2"].x, FLOOR))
    sheet.wire("0V", zero["1"], (EDGE, FLOOR))
    sheet.wire("signal", kt3["18"], (58, 108), (73, 108), (73, 52), (88, 52), kt2["A1"])
    clamps = {n: terminal(sheet, f"X1:{n}", EDGE, y, side="none") for n, y in (("3", 47), ("2", 105), ("4", 114))}
    terminal(sheet, "X1:0", EDGE, FLOOR, side="right", where="0 V của búa")
    label(sheet, EDGE, 114, "right", "X1:4", "búa, còi +", off=2.4)
    sheet.wire("signal", (46, 47), kt3["B1"])
    sheet.wire("12V", (46, 47), clamps["3"]["1"])
    sheet.wire("signal", (142, 47), kt1["A1"])
    sheet.wire("12V", (166, 47), kt1["15"])
    sheet.wire("12V", kt2["16"], (112, 105), clamps["2"]["1"])
    sheet.wire("12V", kt1["16"], (166, 114), clamps["4"]["1"])
    k1 = switch(sheet, "K1", "", 197, 83, "U", side="none", names=("COM", "NO"))
    label(sheet, 197, 76, "right", "K1", see("ro-le-muc-cao"), off=2.4)
    sheet.wire("12V", clamps["2"]["1"], (197, 105), k1["COM"])
    sheet.wire("12V", k1["NO"], (197, 47), clamps["3"]["1"])
    sheet.text(EDGE + 2.4, 44.4, "X1:3", 2.8, bold=True)
    sheet.text(EDGE + 2.4, 102.4, "X1:2", 2.8, bold=True)
    sheet.text(120, 45.6, "S", 3.2, bold=True, at="middle")
    sheet.text(134, 127.6, "X1: kẹp nối 2,5 mm²; S và đường búa: 1,5 mm²", 2.4, at="end")


def _pull_down(sheet: Sheet, x: float, y: float) -> None:
    relay = pins().relay
    sheet.text(x, y, "Điện trở kéo xuống R1", 3.3, bold=True)
    sheet.text(x, y + 3.6, "pull-down at the relay board", 2.4, english=True)
    pin = terminal(sheet, f"GPIO {relay}", x + 6, y + 16, side="none")
    sheet.text(x, y + 12, said(relay), 2.6, bold=True)
    board = terminal(sheet, "K1 IN", x + 44, y + 16, side="above")
    sheet.wire("signal", pin["1"], board["1"])
    resistor(sheet, "R1", "10 kΩ", x + 30, y + 16, "D", length=16, side="left")
    ground(sheet, x + 30, y + 32)
    sheet.words(x, y + 43, 58, "Pi rút ra, đứt dây, chân thả nổi: IN vẫn 0 V, K1 vẫn nhả (P1).", 2.6)


def _time_lines(sheet: Sheet, x: float, y: float) -> None:
    """Three cases: usual strokes, a contact that welds, a sounding that never ends."""
    sheet.text(x, y, "Ba trường hợp", 3.3, bold=True)
    sheet.text(x + 28, y, "three cases, as K1 and the striker see them", 2.4, english=True)
    cases = (
        ("bình thường: 120 ms mỗi tiếng", [2, 8, 14], 3.0, [2, 8, 14], 3.0),
        (f"K1 dính: cắt sau {decimal(cutoff.STROKE_S)} giây", [2], 24.0, [2], 5.0),
    )
    for n, (vi, on, long, struck, short) in enumerate(cases):
        left, top = x + n * 42, y + 9
        sheet.text(left, top - 2.6, vi, 2.4)
        for row, (starts, lasts) in enumerate(((on, long), (struck, short))):
            _trace(sheet, left + 9, top + 12 + row * 13, starts, lasts, 28)
            sheet.text(left, top + 10 + row * 13, ("K1", "búa")[row], 2.6, bold=True)
    left, top = x + 84, y + 9
    sheet.text(left, top - 2.6, f"đánh mãi: {cutoff.SOUNDING_MIN} phút cắt", 2.4)
    many = [1 + 2.6 * n for n in range(11)]
    for row, beats in enumerate((many, [beat for beat in many if beat < 13 or beat > 20])):
        _trace(sheet, left + 9, top + 12 + row * 13, beats, 1.3, 33)
        sheet.text(left, top + 10 + row * 13, ("K1", "búa")[row], 2.6, bold=True)
    sheet.text(left + 25, top + 29.4, f"im {cutoff.PAUSE_S} giây", 2.4, at="middle")
    sheet.words(
        x,
        y + 43.4,
        128,
        "KT2 cắt phía trước K1 nên S mất điện, KT3 nhả rồi kẻng được đánh lại; lúc im hãy đánh tay.",
        2.6,
    )


def _trace(sheet: Sheet, x: float, floor: float, starts: Sequence[float], lasts: float, length: float) -> None:
    path: list[tuple[float, float]] = [(x, floor)]
    for start in starts:
        path += [(x + start, floor), (x + start, floor - 6), (x + start + lasts, floor - 6), (x + start + lasts, floor)]
    sheet.line(*path, (x + length, floor), stroke=0.4)
