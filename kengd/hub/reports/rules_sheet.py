"""Nội quy sử dụng kẻng: the sheet that hangs beside the bell, printed from the post's own codebook. One A4 page. Pure."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import segno

from kengd import clock
from kengd.bellcode.description import described, length, total
from kengd.bellcode.layout import lay_out
from kengd.bellcode.profile import Profile, SirenProfile
from kengd.bellcode.signal import Codebook, Kind, Signal
from kengd.duty.dates import LAST_DAY, DateRule
from kengd.duty.lines import EVERY_DAY, Line, days_text
from kengd.hub.reports.blows import blows_svg
from kengd.hub.reports.markup import NOTHING, Html, join, page, tag, words
from kengd.hub.reports.names import KINDS, day_words

_CSS: Final = """
@page { size: A4; margin: 9mm 12mm; }
* { box-sizing: border-box; }
body { font-family: "Times New Roman", "Liberation Serif", Tinos, serif; font-size: 11.5pt; line-height: 1.2; color: #000;
  background: #fff; margin: 0 auto; max-width: 186mm; }
@media screen { body { padding: 6mm 0; } }
h1 { font-size: 21pt; text-align: center; margin: 2mm 0 0; }
.sub { text-align: center; margin: 0; }
.sub.b { font-weight: bold; font-size: 13pt; }
h2 { font-size: 11.5pt; margin: 2mm 0 .5mm; break-after: avoid; }
table { width: 100%; border-collapse: collapse; }
td, th { border: 1px solid #000; padding: .8mm 1.5mm; vertical-align: top; text-align: left; overflow-wrap: anywhere; }
th { text-align: center; }
tr { break-inside: avoid; }
.loud td:first-child { border-left: 1.6mm solid #000; }
.name { width: 42mm; }
.name b { display: block; font-size: 12.5pt; }
.name i, .name span { display: block; font-size: 10pt; }
.how { width: 98mm; }
.how svg { width: 100%; height: auto; display: block; }
.how p { margin: 0; font-size: 9.5pt; line-height: 1.15; }
.how .said { font-size: 10.5pt; }
ul { margin: 0; padding-left: 5mm; }
.low { font-size: 11pt; display: grid; grid-template-columns: 1fr 33mm; gap: 4mm; }
.qr { text-align: center; font-size: 9pt; line-height: 1.15; overflow-wrap: anywhere; margin-top: 3mm; }
.qr svg { width: 29mm; height: 29mm; display: block; margin: 0 auto 1mm; }
.sign { text-align: right; margin: 2mm 0 0; }
"""
_DAYS: Final = {
    "t2": "thứ Hai",
    "t3": "thứ Ba",
    "t4": "thứ Tư",
    "t5": "thứ Năm",
    "t6": "thứ Sáu",
    "t7": "thứ Bảy",
    "cn": "Chủ nhật",
}
_LOUD: Final = (Kind.ALARM, Kind.SUPPORT)
_HOW_RUNG: Final = {
    Kind.ALARM: "bất kỳ lúc nào có việc",
    Kind.SUPPORT: "khi thôn bạn báo động",
    Kind.ALL_CLEAR: "sau báo động, khi việc đã yên",
}
EVACUATION_NOTE: Final = (
    "Chưa có hiệu lệnh sơ tán riêng: nghe báo động thì ra ngoài, nghe người giữ kẻng báo là trộm cướp, cháy hay lũ lụt "
    "rồi mới làm."
)


@dataclass(frozen=True, slots=True)
class SheetPost:
    """What the sheet says of its post. `villages`: names. `page_url`: the public page for the QR code. `keepers`: "name, phone".

    `commune`: "Xã Cộng Lạc"; `police_phone` "" = not printed. `hard_limit_ms`: the longest any ring lasts; `after_alarm_ms`: no calm ring
    so soon after an alarm (both as in the post's settings). `printed_ms`: unix ms.
    """

    name: str
    commune: str
    villages: tuple[str, ...]
    page_url: str
    printed_ms: int
    hard_limit_ms: int = 300_000
    after_alarm_ms: int = 1_800_000
    keepers: tuple[str, ...] = ()
    police_phone: str = ""


def rules_sheet(post: SheetPost, codebook: Codebook, profile: Profile, timetable: Sequence[Line] = ()) -> str:
    """The sheet as a whole HTML document. Raises CannotPlay when this bell cannot play a signal of the codebook."""
    bell = "còi" if isinstance(profile, SirenProfile) else "kẻng"
    head = join(
        words("p", "QUY ƯỚC HIỆU LỆNH", class_="sub"),
        words("h1", f"NỘI QUY SỬ DỤNG {bell.upper()}"),
        words("p", post.name, class_="sub b"),
        words("p", f"{post.commune}. Dùng cho: {', '.join(post.villages) or 'cả khu vực nghe được'}", class_="sub"),
    )
    low = join(
        tag("div", join(_timetable(timetable, codebook), _who(post, bell), _what(codebook, post))),
        _qr(post, bell),
    )
    signed = words("p", f"{post.commune}, {day_words(clock.local(post.printed_ms))}", class_="sign")
    body = join(head, _signals(codebook, profile, post, timetable), tag("div", low, class_="low"), signed)
    return page(f"Nội quy sử dụng {bell}: {post.name}", _CSS, body)


def qr_svg(url: str) -> Html:
    """The URL as a QR code (error correction M, a quiet zone of 4), inline SVG. Raises ValueError when it is too long."""
    out = io.BytesIO()
    code = segno.make_qr(url, error="m")
    code.save(out, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4, light="#fff", nl=False)
    return Html(out.getvalue().decode())


# ---- parts


def _signals(codebook: Codebook, profile: Profile, post: SheetPost, timetable: Sequence[Line]) -> Html:
    heads = tag("tr", join(*(words("th", head) for head in ("Hiệu lệnh", "Cách đánh", "Khi nghe thấy"))))
    rows = [_signal(signal, profile, post, timetable) for signal in codebook.signals.values()]
    return tag("table", join(tag("thead", heads), tag("tbody", join(*rows))))


def _signal(signal: Signal, profile: Profile, post: SheetPost, timetable: Sequence[Line]) -> Html:
    score = lay_out(signal.pattern, profile, limit_ms=post.hard_limit_ms)
    told = "; ".join(described(score))
    if score.duration_ms is not None:
        told = f"{told} ({total(score)})"
    rung = _HOW_RUNG.get(signal.kind) or _hours(signal, timetable)
    return tag(
        "tr",
        join(
            tag("td", _name(signal, rung), class_="name"),
            tag(
                "td",
                join(
                    words("p", signal.notation, class_="said"),
                    blows_svg(score, label=f"{signal.name_vi}: {told}"),
                    words("p", f"Nghe được: {told}."),
                ),
                class_="how",
            ),
            words("td", signal.meaning_vi),
        ),
        class_="loud" if signal.kind in _LOUD else "calm",
    )


def _name(signal: Signal, rung: str) -> Html:
    """The name in both languages; the kind where the name does not say it; when it is rung."""
    kind = KINDS[signal.kind].partition(" (")[0]
    told = rung if signal.name_vi.startswith(kind) else f"{kind}: {rung}"
    return join(words("b", signal.name_vi), words("i", signal.name_en), words("span", told))


def _hours(signal: Signal, timetable: Sequence[Line]) -> str:
    rung = [f"{line.at:%H:%M} {days_words(line.days)}" for line in timetable if line.signal == signal.id]
    return ", ".join(rung) or "đánh khi cần"


def _timetable(timetable: Sequence[Line], codebook: Codebook) -> Html:
    if not timetable:
        return NOTHING
    lines = []
    for line in sorted(timetable, key=lambda line: line.at):
        signal = codebook.signals.get(line.signal)
        name = line.signal if signal is None else signal.name_vi
        off = f"; nghỉ: {', '.join(map(rule_words, line.exceptions))}" if line.exceptions else ""
        lines.append(f"{line.at:%H:%M} {days_words(line.days)}: {name}{off}")
    return join(words("h2", "GIỜ KẺNG HẰNG NGÀY"), _listed(lines))


def _who(post: SheetPost, bell: str) -> Html:
    keepers = "; ".join(post.keepers)
    phone = f" (điện thoại {post.police_phone})" if post.police_phone else ""
    lines = [
        f"Người giữ {bell}" + (f" ({keepers})" if keepers else "") + " và cán bộ trực Công an xã. "
        "Khi có việc khẩn cấp, ai thấy trước thì bấm nút báo động trước.",
        f"Bấm xong phải báo ngay Công an xã{phone} là việc gì, ở đâu.",
        "Không báo động khi không có việc. Bấm nhầm thì bấm DỪNG và báo ngay Công an xã. "
        "Nút DỪNG chỉ tắt tiếng, chưa phải hết báo động.",
    ]
    return join(words("h2", f"AI ĐƯỢC {'HÚ' if bell == 'còi' else 'ĐÁNH'} {bell.upper()}"), _listed(lines))


def _what(codebook: Codebook, post: SheetPost) -> Html:
    kinds = {signal.kind for signal in codebook.signals.values()}
    lines = [
        "Báo động: ra ngoài hỗ trợ, gọi hàng xóm, không đi một mình, nghe người chỉ huy; trông người già, trẻ nhỏ, khóa cửa."
    ]
    if not any(signal.kind is Kind.ALARM and signal.id != "alarm" for signal in codebook.signals.values()):
        lines.append(EVACUATION_NOTE)
    if Kind.ALL_CLEAR in kinds:
        lines.append("Chỉ về khi có hiệu lệnh hết báo động. Tiếng tắt chưa phải là hết việc.")
    lines.append("Diễn tập có hồi đánh riêng ở đầu và được thông báo trước.")
    if post.after_alarm_ms:
        lines.append(f"Trong {length(post.after_alarm_ms)} sau báo động không đánh báo yên, thường lệ, để khỏi nhầm.")
    return join(words("h2", "NGƯỜI DÂN LÀM GÌ"), _listed(lines))


def _qr(post: SheetPost, bell: str) -> Html:
    return tag(
        "div", join(qr_svg(post.page_url), words("b", f"Vì sao {bell} kêu?"), words("div", post.page_url)), class_="qr"
    )


def _listed(lines: Sequence[str]) -> Html:
    return tag("ul", join(*(words("li", line) for line in lines)))


def days_words(days: frozenset[int]) -> str:
    """Weekdays as they are read aloud: "hằng ngày", "thứ Hai đến thứ Sáu", "thứ Bảy, Chủ nhật"."""
    if days == EVERY_DAY:
        return "hằng ngày"
    return ", ".join(" đến ".join(_DAYS[end] for end in part.split("-")) for part in days_text(days).split(","))


def rule_words(rule: DateRule) -> str:
    """An exception as it is read aloud: "06/02/2027", "30/04 đến 02/05 hằng năm", "ngày cuối tháng 12 đến ngày 3 tháng 1 âm lịch"."""
    ends = (rule.first,) if rule.first == rule.last else (rule.first, rule.last)
    if rule.calendar == "once":
        return " đến ".join(f"{day:02}/{month:02}/{year}" for year, month, day in ends)
    if rule.calendar == "yearly":
        return " đến ".join(f"{day:02}/{month:02}" for _, month, day in ends) + " hằng năm"
    days = (f"ngày {'cuối' if day == LAST_DAY else day} tháng {month}" for _, month, day in ends)
    return " đến ".join(days) + " âm lịch"
