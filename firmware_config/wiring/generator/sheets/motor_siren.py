"""A motor siren: a power relay switches it, a second one in series cuts it when the first has welded (H4).

K2, K3: automotive change-over relays, 12 V, 40 A (ISO 7588 terminals 30, 87, 87a, 85, 86).
"""

from __future__ import annotations

from firmware_config.wiring.generator import cutoff
from firmware_config.wiring.generator.blocks import Terminal, time_relay
from firmware_config.wiring.generator.index import see
from firmware_config.wiring.generator.notes import Column
from firmware_config.wiring.generator.paper import Part, Point, Sheet
from firmware_config.wiring.generator.symbols import coil, diode, flag, fuse, ground, label, switch

BIG_FUSE, CONTROL_FUSE = "30 A", "2 A"
RAIL, SENSE, TIMERS, FLOOR = 64.0, 72.0, 88.0, 184.0
"""Heights of the control supply, of the sense wire S, of the time relays and of 0 V."""


def motor_siren() -> Sheet:
    """Power path above, control below."""
    sheet = Sheet("coi-lon")
    node = _power(sheet)
    _control(sheet, node)
    side = Column(sheet, 209, 25, 76, size=2.6)
    side.warning(
        "K2 có thể dính tiếp điểm. K3 nối tiếp với K2 và do KT1 điều khiển: K2 dính thì còi vẫn tắt.",
        "K2 may weld. K3 in series, driven by KT1 from behind K2, silences the siren all the same (H4).",
    )
    side.heading("Cách làm việc", "How it works")
    side.notes([
        ("K1 (mô-đun của Pi) chỉ đóng cuộn K2. K2 đóng còi.", "K1 drives only the coil of K2; K2 drives the siren."),
        (f"S có điện liền {cutoff.BLAST_S} giây (K2 dính, máy treo): KT1 đóng K3, còi tắt tới khi S hết điện.",
         "S live for 45 s: KT1 pulls K3, silent until S is dead."),
        (f"Hú ngắt quãng quá {cutoff.SOUNDING_MIN} phút: KT2 ngắt K2. Im {cutoff.PAUSE_S} giây thì KT3 nhả, được hú lại.",
         "A sounding of more than 6 minutes: KT2 drops K2; after 30 s it may sound again."),
        ("Cả ba vẫn cắt khi Pi bị rút hẳn ra.", "All of it works with the Pi unplugged."),
    ], mark="1")  # fmt: skip
    side.heading("Rơ-le thời gian", "Time relays")
    side.notes([
        (f"KT1: AI (trễ đóng), {cutoff.BLAST_S} giây.", "on-delay"),
        (f"KT2: AI (trễ đóng), {cutoff.SOUNDING_MIN} phút.", "on-delay"),
        (f"KT3: BE (trễ nhả theo tín hiệu), {cutoff.PAUSE_S} giây.", "off-delay with control signal at B1"),
    ])  # fmt: skip
    side.heading("Dây", "Wires")
    side.notes([
        ("F3, Q1, K2, K3, Y2: 6 mm². Phần điều khiển: 0,75 mm². Q1 chịu từ 32 A một chiều.",
         "Power path 6 mm², control 0.75 mm²; Q1 for 32 A DC or more."),
        ("D2, D3: 1N4007 ngay tại chân 85–86. D4: 1N5408 tại còi, vạch (K) về phía dương.", "Diodes at their coils."),
    ])  # fmt: skip
    side.settings(["[bell]", 'kind = "siren"', f"longest_continuous_ms = {cutoff.LONGEST_BLAST_MS}"])
    return sheet


def _power(sheet: Sheet) -> Point:
    """+12 V → F3 → Q1 → K2 → S → K3 → siren. Gives back the node behind Q1."""
    y, node = 44.0, Point(60, 44)
    plus = flag(sheet, "+12 V", 16, y, "U", where=see("ac-quy"))
    f3 = fuse(sheet, "F3", BIG_FUSE, 20, y)
    q1 = switch(sheet, "Q1", see("cau-dao"), 40, y, closed=True)
    k2 = switch(sheet, "K2", "30–87", 72, y, names=("30", "87"))
    k3 = switch(sheet, "K3", "30–87a", 110, y, closed=True, names=("30", "87a"))
    for start, end in ((plus["1"], f3["1"]), (f3["2"], q1["1"]), (q1["2"], k2["30"]), (k2["87"], k3["30"])):
        sheet.wire("12V", start, end)
    y2 = coil(sheet, "Y2", "còi động cơ", 196, y + 10, "D", side="none")
    label(sheet, 196, y + 20, "left", "Y2", "còi", off=5)
    d4 = diode(sheet, "D4", "1N5408", 170, y + 30, "U", length=20, side="left")
    sheet.wire("12V", k3["87a"], (196, y), y2["+"])
    sheet.wire("12V", (170, y), d4["K"])
    sheet.wire("0V", y2["−"], (196, FLOOR), (16, FLOOR))
    sheet.wire("0V", d4["A"], (170, 78), (196, 78))
    ground(sheet, 16, FLOOR, "0 V", side="none")
    sheet.text(24, FLOOR - 1.6, "0 V: cực âm ắc quy", 2.4)
    sheet.text(98, y - 1.6, "S", 3.4, at="middle", bold=True)
    sheet.text(130, y - 1.4, "đỏ 6 mm²", 2.3)
    sheet.text(130, FLOOR - 1.4, "đen 6 mm²", 2.3)
    return node


def _control(sheet: Sheet, node: Point) -> None:
    f4 = fuse(sheet, "F4", CONTROL_FUSE, node.x, node.y + 3, "D", length=13, side="left")
    sheet.wire("12V", node, f4["1"])
    sheet.wire("12V", f4["2"], (node.x, RAIL))
    sheet.wire("12V", (22, RAIL), (148, RAIL))
    sheet.wire("signal", (98, node.y), (98, SENSE))
    sheet.wire("signal", (34, SENSE), (124, SENSE))
    kt3 = _timer(sheet, "KT3", f"BE {cutoff.PAUSE_S} giây", 16, start=True)
    kt2 = _timer(sheet, "KT2", f"AI {cutoff.SOUNDING_MIN} phút", 64)
    kt1 = _timer(sheet, "KT1", f"AI {cutoff.BLAST_S} giây", 118)
    for timer in (kt3, kt2, kt1):
        sheet.wire("12V", (timer["15"].x, RAIL), timer["15"])
        sheet.wire("0V", timer["A2"], (timer["A2"].x, FLOOR))
    sheet.wire("12V", (22, RAIL), kt3["A1"])
    sheet.wire("signal", (34, SENSE), kt3["B1"])
    sheet.wire("signal", (124, SENSE), kt1["A1"])
    below = TIMERS + 40
    sheet.wire("signal", kt3["18"], (46, below), (58, below), (58, 80), (70, 80), kt2["A1"])
    k1 = switch(sheet, "K1", "", 82, below + 2, "D", side="none", names=("COM", "NO"))
    label(sheet, 82, below + 9, "right", "K1 (COM–NO)", see("ro-le-muc-cao"), off=4)
    sheet.wire("12V", kt2["16"], k1["COM"])
    sheet.wire("12V", k1["NO"], _pull(sheet, "K2", "D2", 82))
    sheet.wire("12V", kt1["18"], _pull(sheet, "K3", "D3", 148))


def _pull(sheet: Sheet, ref: str, ring: str, x: float) -> Point:
    """The coil of a power relay with its diode; where plus goes."""
    top, bottom = 150.0, 170.0
    pull = coil(sheet, ref, "12 V", x, top, "D", side="none", names=("86", "85"))
    label(sheet, x, 160, "right", ref, "85–86", off=5.4)
    over = diode(sheet, ring, "1N4007", x + 22, bottom, "U", length=20, side="right")
    sheet.wire("12V", pull["86"], over["K"])
    sheet.wire("0V", over["A"], pull["85"])
    sheet.wire("0V", pull["85"], (x, FLOOR))
    return pull["86"]


def _timer(sheet: Sheet, ref: str, function: str, x: float, *, start: bool = False) -> Part:
    top = [Terminal("A1", "T", x + 6), Terminal("15", "T", x + 30)]
    if start:
        top.append(Terminal("B1", "T", x + 18))
    bottom = [Terminal("A2", "B", x + 6), Terminal("16", "B", x + 18), Terminal("18", "B", x + 30)]
    return time_relay(sheet, ref, function, x, TIMERS, top, bottom, w=36, h=34)
