"""The commissioning sheet: tick boxes, figures to measure, H4, H5 and H9 with the Pi unplugged and plugged, signatures."""

from __future__ import annotations

from collections.abc import Sequence

from firmware_config.wiring.generator import cutoff
from firmware_config.wiring.generator.cutoff import decimal
from firmware_config.wiring.generator.index import see
from firmware_config.wiring.generator.letters import wrapped
from firmware_config.wiring.generator.paper import Sheet
from kengd.duty.health import CATALOGUE
from kengd.duty.lamps import FAULT, LAMP_TEST, PRESS_AGAIN, READY, RINGING

Step = tuple[str, str, str]
"""What to do and see, in English, and what is measured ("" = only ticked)."""
LEFT, RIGHT = 11.0, 199.0


def first() -> Sheet:
    """Before power, without the Pi, with the Pi."""
    sheet = Sheet("nghiem-thu-1", portrait=True)
    y = _head(sheet)
    y = _section(sheet, y, "A", "Chưa có điện", "no power yet", [
        (f"Q1 mở và có khóa. Búa rời kẻng, dùi gõ tay treo cạnh ({see('bua-go')}).", "isolator locked, hammer clear, mallet there", ""),
        ("Điốt D1: vạch trắng về phía dương. Không dây nào lỏng, mỗi dây có nhãn.", "diode the right way, no loose wire", ""),
        (f"Không có dây 220 V nào ngoài ngăn có tấm che ({see('noi-dat')}).", "no mains outside its cover", ""),
        ("Điện trở đất không quá 10 Ω.", "earth resistance", "……… Ω"),
        ("Điện trở cuộn hút; dòng = 12 V chia cho nó, không quá 5 A.", "coil resistance, current", "……… Ω  ……… A"),
        ("R1: đo IN với GND khi tháo dây GPIO: từ 5 tới 10 kΩ.", "pull-down at the relay board", "……… kΩ"),
    ])  # fmt: skip
    y = _section(sheet, y, "B", "Có điện, Pi RÚT RA (chưa cắm nguồn USB)", "power on, Pi UNPLUGGED", [
        ("Bấm nút T của QF1: ngắt ngay.", "RCD test button", ""),
        ("U1: nạp 13,5–14,4 V. U2: 5,0–5,2 V, không tải.", "charger, converter", "……… V  ……… V"),
        ("IN của K1 0 V (mức cao) hoặc trên 3 V (mức thấp); K1 không kêu tách.", "relay at rest", "……… V"),
        ("Cả hai đèn tắt: đúng, vì Pi chưa chạy.", "both lamps dark, as they must be", ""),
        ("Ngắt QF1 một phút: mọi thứ vẫn có điện từ ắc quy.", "battery takes over", ""),
    ])  # fmt: skip
    _section(sheet, y, "C", "Cắm Pi, Q1 vẫn MỞ và khóa", "Pi plugged, isolator still open", [
        ("Lần đầu máy tự cài, chờ 5–20 phút. Trên thẻ có tệp kengd-da-nhan.txt (tắt Pi mới rút thẻ).", "settings taken in", ""),
        (f"Xong thì hai đèn {LAMP_TEST.looks}; K1 không kêu tách lần nào.", "lamp test; no click", ""),
        (f"Đèn KẺNG {FAULT.looks}: cầu dao đang mở.", "fault shown: isolator open", ""),
        ("sudo kengd check: “dùng được”.", "settings usable", ""),
        (f"sudo kengd status: “{CATALOGUE['isolator_open'].vi}”.", "status says so", ""),
        (f"Tháo khóa, đóng Q1: đèn KẺNG {READY.looks}.", "isolator closed: ready", ""),
        ("Giữ S1 một giây: kẻng đánh. Bấm S2: dừng ngay. Giữ S3: hết báo động.", "alarm, hush, all-clear", ""),
        ("Nút ngoài trời, nếu có: như S1. Rút lõi 4: kengd status báo nắp tủ đang mở.", "outdoor button", ""),
        ("Cảm biến rung, nếu có: kengd status lúc đánh nói đang kêu.", "proof of sound", ""),
        ("Công an xã phát lệnh diễn tập: kẻng đánh, đèn CÔNG AN sáng theo bảng.", "a drill from the hub", ""),
    ])  # fmt: skip
    return sheet


def second() -> Sheet:
    """The safety tests, the examination by the program, the signatures."""
    sheet = Sheet("nghiem-thu-2", portrait=True)
    sheet.text(LEFT, 30, "Báo trước cho bà con: hôm nay thử kẻng.  Tell the village first.", 3, bold=True)
    y = _section(sheet, 33, "H4", "Cuộn hút, còi không thể đóng mãi", "coil fire: welded contact, hung machine", [
        ("Pi RÚT RA, Q1 đóng. Nối tắt X1:2 với X1:3: búa hút rồi mất điện sau "
         f"{decimal(cutoff.STROKE_S)} giây (còi: {cutoff.BLAST_S} giây).",
         "unplugged: bridge, dead in time (KT1)", "……… giây"),
        (f"Pi RÚT RA. Gõ nhịp cầu nối mỗi giây: sau {cutoff.SOUNDING_MIN} phút im (thử nhanh: KT2 ở 1 phút, rồi trả lại).",
         "unplugged: tap the bridge each second, cut (KT2)", "……… phút"),
        ("Pi CẮM. Đang báo động, rút nguồn Pi: búa nhả ngay. Cắm lại: không tự đánh; đèn KẺNG " + PRESS_AGAIN.looks + ".",
         "plugged: pull the Pi's plug in mid-ring", "……… giây"),
        ("Pi CẮM. Đang báo động: sudo systemctl kill -s KILL kengd. Búa nhả trong 1 giây; kengd chạy lại và đánh tiếp, bấm S2 để dừng.",
         "plugged: kill it, the relay falls within 1 s; the alarm goes on once, hush it", "……… giây"),
    ])  # fmt: skip
    y = _section(sheet, y, "H5", "Người sửa không bị búa đánh", "a repairer is not struck", [
        ("Pi RÚT RA, Q1 mở và khóa. Nối tắt X1:2 với X1:3: X1:4 vẫn 0 V.", "unplugged: isolator open, bridge, X1:4 dead", "……… V"),
        (f"Pi CẮM, Q1 mở và khóa. Giữ S1: búa không nhúc nhích; kengd status: “{CATALOGUE['isolator_open'].vi}”.",
         "plugged: press the alarm, nothing moves, and it is told", ""),
        ("Pi CẮM, Q1 mở: rút dây tiếp điểm phụ 13, đóng Q1: vẫn báo cầu dao mở (dây đứt cũng báo). Nối lại.",
         "plugged: a broken read-back wire tells itself", ""),
    ])  # fmt: skip
    y = _section(sheet, y, "H9", "Bấm báo động không bao giờ gặp im lặng", "a press never meets silence", [
        (f"Pi RÚT RA. Sau khi KT2 cắt, chờ {cutoff.PAUSE_S} giây rồi gõ cầu nối: búa hút lại.",
         "unplugged: after the cut-off it strikes again", "……… giây"),
        ("Pi RÚT RA. Hai đèn tắt, bấm S1 không kêu: người giữ kẻng biết phải đánh tay; dùi trong tầm tay.",
         "unplugged: lamps dark, the keeper strikes by hand", ""),
        (f"Pi CẮM. Báo động 3 lần liền, mỗi lần để hết 3 phút rồi bấm lại: lần nào cũng kêu, đèn {RINGING.looks}. "
         f"Được đánh chậm lại; phút thứ {cutoff.SOUNDING_MIN} KT2 cho im {cutoff.PAUSE_S} giây rồi kêu tiếp.",
         "plugged: three full alarms in a row, each sounds; slower is allowed, silence is not", ""),
    ])  # fmt: skip
    y = _section(sheet, y, "D", "Máy tự khám, việc cuối cùng", "the machine examines itself, last of all", [
        ("sudo kengd doctor --boot: không có dòng đỏ.", "boot partition: nothing red", ""),
        ("sudo kengd doctor: không có dòng đỏ. Dòng vàng nào còn lại thì ghi ra dưới đây.", "nothing red; note what is yellow", ""),
        ("sudo kengd journal verify: sổ kẻng nguyên vẹn.", "the book is whole", ""),
        ("Bật lại KT1, KT2, KT3 đúng giờ; bỏ mọi cầu nối; đóng Q1; cất chìa khóa.", "timers back, bridges off, isolator closed", ""),
    ])  # fmt: skip
    for n in range(2):
        sheet.line((LEFT, y + 8 + 7 * n), (RIGHT, y + 8 + 7 * n), stroke=0.2, dash="0.6 1")
    _signatures(sheet, y + 24)
    return sheet


def _head(sheet: Sheet) -> float:
    lines = (
        "Xã: …………………………………………  Điểm kẻng: …………………………………………………  Mã (post.id): ………………………",
        "Máy: Raspberry Pi ……………  Số máy: ………………………………  kengd bản: ……………………  Ngày: ……………………",
    )
    for n, line in enumerate(lines):
        sheet.text(LEFT, 31 + 7 * n, line, 2.8)
    return 42


def _section(sheet: Sheet, y: float, mark: str, vi: str, en: str, steps: Sequence[Step]) -> float:
    """A heading and its steps; the y below."""
    sheet.box(LEFT, y, RIGHT - LEFT, 6.2, stroke=0, fill="#e4e4e4")
    sheet.text(LEFT + 1.5, y + 4.4, f"{mark} · {vi}", 3.1, bold=True)
    sheet.text(RIGHT - 2, y + 4.4, en, 2.4, at="end", english=True)
    y += 6.2
    for says, english, measured in steps:
        y = _step(sheet, y, says, english, measured)
    return y + 3


def _step(sheet: Sheet, y: float, says: str, english: str, measured: str) -> float:
    sheet.box(LEFT + 1.5, y + 1.6, 3.6, 3.6, stroke=0.4)
    line = y + 4.4
    for words in wrapped(says, 2.7, 142):
        sheet.text(LEFT + 8, line, words, 2.7)
        line += 3.6
    sheet.text(LEFT + 8, line - 0.5, english, 2.2, english=True)
    if measured:
        sheet.text(RIGHT - 2, y + 4.4, measured, 2.7, at="end")
    bottom = line + 1
    sheet.line((LEFT, bottom), (RIGHT, bottom), stroke=0.15)
    return bottom


def _signatures(sheet: Sheet, y: float) -> None:
    for n, (vi, en) in enumerate((
        ("Người lắp", "installer"), ("Thợ điện", "electrician"), ("Người giữ kẻng", "bell keeper"), ("Công an xã", "commune police"),
    )):  # fmt: skip
        x = LEFT + 47 * n
        sheet.text(x + 22, y, vi, 3, at="middle", bold=True)
        sheet.text(x + 22, y + 3.6, f"{en}; ký, ghi rõ họ tên", 2.2, at="middle", english=True)
        sheet.line((x + 4, y + 22), (x + 40, y + 22), stroke=0.3)
