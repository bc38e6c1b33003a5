"""What sounds: the striker, and a siren that takes no more; each on its own fused and isolated supply.

Diode: 1N5408 data sheet, 3 A mean, 200 A surge, 1000 V: right across the coil, cathode (ring) to plus. H1, H4, P2.
"""

from __future__ import annotations

from firmware_config.wiring.generator import cutoff
from firmware_config.wiring.generator.blocks import Terminal, block
from firmware_config.wiring.generator.cutoff import decimal
from firmware_config.wiring.generator.index import see
from firmware_config.wiring.generator.notes import Column, Note, table
from firmware_config.wiring.generator.paper import Sheet
from firmware_config.wiring.generator.symbols import coil, diode, flag, fuse, ground, label, switch
from kengd.bellcode.profile import StrikerProfile

SMALL_FUSE = "6,3 A trễ"
MOST_A = 5
"""Half of what the contact of a usual 10 A relay board bears."""


def striker() -> Sheet:
    """The hammer."""
    sheet = Sheet("bua-go")
    _chain(sheet, 28, "Y1", "cuộn hút 12 V", f"không quá {MOST_A} A")
    _hanging(sheet, 14, 128)
    _figures(sheet, 104, 128)
    side = Column(sheet, 209, 25, 76, size=2.7)
    side.warning(
        "Khóa cầu dao Q1 trước khi sờ vào búa, cuộn hút hay quả kẻng. Tạm ngừng bằng phần mềm không cản được báo động.",
        "Lock Q1 open before you touch hammer, coil or iron: a silence in software lets alarms through (H5).",
    )
    side.heading("Nối dây", "Wiring")
    side.notes(COMMON, mark="1")
    side.heading("Lắp búa", "Mounting the hammer")
    side.notes([
        ("Búa treo tự do: hết điện thì búa rời kẻng, không chắn chỗ đánh tay. Dùi gõ tay treo ngay cạnh.",
         "Without power the hammer hangs clear and never blocks striking by hand; a mallet hangs beside it (H1)."),
        ("Chỉnh hold_ms tăng dần từ 60 ms, tới khi tiếng vang mà búa không đè lên kẻng.",
         "Raise hold_ms from 60 ms until the blow rings and the hammer does not rest on the iron."),
        ("Búa nhả chậm thì nối tiếp với D1 một điện trở 2,2 Ω 10 W.", "Slow release: 2.2 Ω 10 W in series with D1."),
    ])  # fmt: skip
    return sheet


def siren() -> Sheet:
    """A siren small enough for the same chain."""
    sheet = Sheet("coi-hu")
    _chain(sheet, 28, "Y2", "còi 12 V", f"không quá {MOST_A} A")
    sheet.text(12, 126, "Khác với búa gõ", 3.3, bold=True)
    sheet.text(46, 126, "what differs from the striker", 2.4, english=True)
    table(sheet, 12, 129, (50, 46, 46, 49), ("Chỗ\tWhere", "Búa gõ\tStriker", "Còi hú\tSiren", "Vì sao\tWhy"), [
        ("KT1 (hộp cắt cứng)\tcut-off per stroke", f"{decimal(cutoff.STROKE_S)} giây", f"{cutoff.BLAST_S} giây",
         "một tiếng hú dài nhất 36 giây\tlongest blast of the codebooks"),
        ("kengd.toml, [bell]", 'kind = "striker"', f'kind = "siren"\nlongest_continuous_ms = {cutoff.LONGEST_BLAST_MS}',
         "phần mềm phải dừng trước KT1\tsoftware stops before KT1 does"),
        ("kengd.toml, [codebook]", 'use = "cong_lac"', 'use = "coi_hu"', "hiệu lệnh viết cho còi\tcodes made for a siren"),
        ("Điốt D1\tdiode", "bắt buộc\trequired", "bắt buộc\trequired", "còi điện tử cũng có cuộn dây\tit has coils too"),
    ])  # fmt: skip
    side = Column(sheet, 209, 25, 76, size=2.7)
    side.warning(
        "Đứng sát còi có thể điếc: đeo bịt tai, khóa cầu dao Q1 trước khi trèo lên.",
        "A siren at arm's length deafens: ear muffs, and lock Q1 open before you climb.",
    )
    side.heading("Nối dây", "Wiring")
    side.notes(COMMON[:4], mark="1")
    side.heading("Chọn còi", "Which siren")
    side.notes([
        ("12 V một chiều, ngoài trời IP65, từ 110 dB ở 1 m trở lên; đo dòng thật lúc hú trước khi lắp cầu chì.",
         "12 V DC, IP65, 110 dB at 1 m or more; measure its current first."),
        (f"Quá {MOST_A} A, hoặc còi có động cơ: theo {see('coi-lon')}.", "Above 5 A, or a motor: the next sheet."),
        ("Còi 220 V: chỉ thợ điện có chứng chỉ lắp, qua khởi động từ, ngoài tầm với; phần điều khiển vẫn theo tờ sau.",
         "A mains siren: a licensed electrician only, by contactor, out of reach."),
    ])  # fmt: skip
    return sheet


COMMON: list[Note] = [
    ("D1 hàn ngay tại cuộn hút, vạch trắng (K) về phía dương.", "Diode at the coil, its ring (K) to plus."),
    ("Nguồn lấy từ ắc quy 12 V qua F2, không lấy từ chân 5 V của Pi.", "Supply from the battery through F2, never from the Pi."),
    ("Dây dương và dây âm đi chung một cáp 2 × 1,5 mm²; dài quá 15 m thì 2 × 2,5 mm².", "Both wires in one cable."),
    ("Mọi dây 0 V gặp nhau ở một điểm duy nhất: cực âm ắc quy.", "All 0 V meet at one point: battery minus."),
    ("Cuộn hút 24 V: lắp bộ tăng áp ổn áp 12 → 24 V sau X1:4. Không nối tiếp hai ắc quy: lúc nạp tới 29 V, quá 24 V.",
     "A 24 V coil: a regulated converter behind X1:4; two batteries in series reach 29 V on charge (H3)."),
]  # fmt: skip


def _chain(sheet: Sheet, top: float, ref: str, what: str, most: str) -> None:
    """Supply, fuse, isolator, cut-off box with K1 between, the load with its diode; 92 mm high."""
    y, floor = top + 18, top + 84
    plus = flag(sheet, "+12 V", 18, y, "U", where=see("ac-quy"))
    f2 = fuse(sheet, "F2", SMALL_FUSE, 24, y)
    q1 = switch(sheet, "Q1", "khóa được", 44, y, closed=True, off=4.6)
    sheet.text(51, y + 5, see("cau-dao"), 2.4, at="middle")
    a2 = block(sheet, "A2", "cutoff", "hộp cắt cứng", 70, top + 4, 42, 58, [
        Terminal("X1:1", "L", y),
        Terminal("X1:0", "L", top + 54),
        Terminal("X1:2", "R", y),
        Terminal("X1:3", "R", y + 18),
        Terminal("X1:4", "R", y + 32),
    ])  # fmt: skip
    sheet.text(91, top + 9, "A2 · hộp cắt cứng", 3, at="middle", bold=True)
    sheet.text(91, top + 12.6, see("mach-cat-cung"), 2.4, at="middle")
    sheet.wire("12V", plus["1"], f2["1"])
    sheet.wire("12V", f2["2"], q1["1"])
    sheet.wire("12V", q1["2"], a2["X1:1"])
    k1 = switch(sheet, "K1", "", 136, y, "D", length=18, side="none", names=("COM", "NO"))
    label(sheet, 136, y + 9, "right", "K1 (COM–NO)", f"{see('ro-le-muc-cao')} hoặc {see('ro-le-muc-thap')}", off=5)
    sheet.wire("12V", a2["X1:2"], k1["COM"])
    sheet.wire("12V", a2["X1:3"], k1["NO"])
    d1 = diode(sheet, "D1", "1N5408", 150, floor - 4, "U", length=20, side="left")
    load = coil(sheet, ref, what, 178, floor - 24, "D", length=20, side="right", more=most)
    sheet.wire("12V", a2["X1:4"], (150, y + 32), d1["K"])
    sheet.wire("12V", (150, y + 32), (178, y + 32), load["+"])
    sheet.wire("0V", d1["A"], (150, floor))
    sheet.wire("0V", load["−"], (178, floor), (24, floor))
    sheet.link("0V", a2["X1:0"], (64, floor))
    ground(sheet, 24, floor, "0 V")
    sheet.text(32, floor + 4.4, "cực âm ắc quy: điểm chung duy nhất", 2.4)
    for x, at, words in ((114, y, "đỏ 1,5 mm²"), (154, y + 32, "đỏ 1,5 mm²"), (100, floor, "đen 1,5 mm²")):
        sheet.text(x, at - 1.3, words, 2.3)


def _hanging(sheet: Sheet, x: float, y: float) -> None:
    """How hammer and iron hang at rest."""
    sheet.text(x - 2, y, "Búa lúc nghỉ", 3.3, bold=True)
    sheet.text(x + 22, y, "the hammer at rest", 2.4, english=True)
    sheet.box(x, y + 4, 80, 3, fill="#ccc")
    sheet.line((x + 14, y + 7), (x + 14, y + 14), stroke=0.6)
    sheet.line((x + 26, y + 7), (x + 26, y + 14), stroke=0.6)
    sheet.line((x + 8, y + 14), (x + 32, y + 14), (x + 32, y + 46), (x + 8, y + 46), close=True, stroke=0.7)
    sheet.text(x + 20, y + 31, "quả kẻng", 2.8, at="middle")
    sheet.box(x + 58, y + 24, 16, 10, stroke=0.5)
    sheet.line((x + 61, y + 34), (x + 71, y + 24), stroke=0.3)
    sheet.text(x + 66, y + 37, "cuộn hút", 2.6, at="middle")
    sheet.line((x + 66, y + 7), (x + 66, y + 24), stroke=0.7)
    sheet.box(x + 46, y + 28, 12, 2, fill="#fff")
    sheet.box(x + 42, y + 25.5, 4.5, 7, fill="#000")
    sheet.text(x + 48, y + 22.4, "búa", 2.6, at="middle")
    for edge in (32, 42):
        sheet.line((x + edge, y + 34), (x + edge, y + 40), stroke=0.25)
    sheet.line((x + 32, y + 39), (x + 42, y + 39), stroke=0.25)
    sheet.text(x + 44, y + 41, "8–15 mm, lò xo kéo búa về", 2.4)
    sheet.line((x + 4, y + 7), (x + 4, y + 12), stroke=0.4)
    sheet.line((x + 4, y + 12), (x + 4, y + 40), stroke=1.2)
    sheet.text(x, y + 50.5, "dùi gõ tay", 2.6)


def _figures(sheet: Sheet, x: float, y: float) -> None:
    """The bell's figures beside those of the hardware."""
    bell = StrikerProfile()
    sheet.text(x, y, "Con số phải khớp nhau", 3.3, bold=True)
    sheet.text(x + 46, y, "figures that must fit together", 2.4, english=True)
    table(sheet, x, y + 3, (40, 22, 37), ("kengd.toml, [bell]", "Mẫu\tExample", "Phải thế này\tRule"), [
        ("hold_ms", f"{bell.hold_ms} ms", f"không dưới {cutoff.PULSE_MS} ms\tKT3 must feel it"),
        ("shortest_gap_ms", f"{bell.shortest_gap_ms} ms", f"không dưới {cutoff.RECOVERY_MS} ms\tKT1 must recover"),
        ("longest_stroke_ms", f"{bell.longest_stroke_ms} ms", f"dưới KT1 ({decimal(cutoff.STROKE_S)} giây)\tbelow KT1"),
        ("duty_on_ms", f"{bell.duty_on_ms // 1000} giây", "theo ED % của cuộn hút\tduty cycle of the coil"),
        ("duty_window_ms", f"{bell.duty_window_ms // 1000} giây", "trong khoảng này\twithin this window"),
    ])  # fmt: skip
