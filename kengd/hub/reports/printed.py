"""The report as a commune's police write it, as one HTML page for A4: header, figures, tables, signatures. Pure.

Laid out after Nghị định 30/2020/NĐ-CP (quốc hiệu, tiêu ngữ, cơ quan, số, nơi và ngày, nơi nhận, chữ ký).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from kengd import clock
from kengd.hub.reports import names, tables
from kengd.hub.reports.facts import Ground
from kengd.hub.reports.figures import Figures, figures_of, selected
from kengd.hub.reports.markup import NOTHING, Html, join, page, tag, words
from kengd.hub.reports.period import Period
from kengd.hub.reports.tables import Cell, Lost, Moment, Row, Share, Table, Took

MOST_ROWS: Final = 200
"""Longer lists are cut on paper, which is then said; the workbook has them all."""

FAILURE_COLUMNS: Final = ("Thời gian", "Điểm kẻng", "Hiệu lệnh", "Người yêu cầu", "Kết quả", "Lý do", "Số lần")
INCIDENT_COLUMNS: Final = ("Bắt đầu", "Thôn", "Loại", "Cán bộ nhận xử lý", "Kết quả", "Ghi chú")

_CLASSES: Final[dict[type, str]] = {str: "t", Moment: "m"}
_CSS: Final = """
@page { size: A4; margin: 20mm 15mm 20mm 30mm; }
* { box-sizing: border-box; }
body { font-family: "Times New Roman", "Liberation Serif", Tinos, serif; font-size: 13pt; line-height: 1.3; color: #000;
  background: #fff; margin: 0 auto; max-width: 165mm; padding: 8mm 0; }
@media print { body { padding: 0; max-width: none; } }
@media screen and (max-width: 165mm) { body { padding: 4mm; } }
.top { display: grid; grid-template-columns: 2fr 3fr; gap: 0 6mm; text-align: center; }
.top p { margin: 0; text-align: center; }
.top .line { font-weight: bold; display: inline-block; border-bottom: 1px solid #000; padding-bottom: 2px; }
.top .short { display: block; width: 30mm; border-bottom: 1px solid #000; margin: 2px auto 0; }
.top .date { font-style: italic; }
.top .low { margin-top: 3mm; }
h1 { font-size: 14pt; text-align: center; margin: 8mm 0 0; }
h1 + p { text-align: center; font-weight: bold; margin: 0 0 6mm; }
h2 { font-size: 13pt; line-height: 1.6; margin: 5mm 0 1mm; break-after: avoid; }
h3 { font-size: 13pt; line-height: 1.5; font-style: italic; font-weight: normal; margin: 4mm 0 1mm; break-after: avoid; }
p { margin: 1mm 0; text-align: justify; text-indent: 10mm; }
.top p, h1 + p, .sign p, .note { text-indent: 0; }
.note { font-size: 11pt; font-style: italic; }
table.figures { width: 100%; border-collapse: collapse; font-size: 11.5pt; line-height: 1.2; }
.figures th, .figures td { border: 1px solid #000; padding: 1mm 1.5mm; vertical-align: top; text-align: left;
  overflow-wrap: anywhere; }
.figures th { text-align: center; vertical-align: middle; font-weight: bold; overflow-wrap: normal; }
.figures thead { display: table-header-group; }
.figures tr { break-inside: avoid; }
.figures .n { text-align: center; width: 11mm; }
.figures .r { text-align: right; white-space: nowrap; }
.figures .m { overflow-wrap: normal; width: 24mm; }
.figures .sum td { font-weight: bold; }
.beside { display: grid; grid-template-columns: 1fr 1fr; gap: 6mm; align-items: start; }
.sign { display: grid; grid-template-columns: 1fr 1fr 1fr; gap: 4mm; margin-top: 10mm; break-inside: avoid; }
.sign > div { text-align: center; }
.sign p { margin: 0; text-align: inherit; }
.sign > .to { text-align: left; font-size: 11pt; }
.sign .to b { font-size: 12pt; font-style: italic; }
.sign .room { height: 25mm; }
"""


@dataclass(frozen=True, slots=True)
class Heading:
    """Who reports. `superior`, `office`: "CÔNG AN TỈNH HẢI DƯƠNG", "CÔNG AN XÃ CỘNG LẠC"; `place`: "Cộng Lạc".

    `number` None: left open for the clerk. `drawn_up_ms`: unix ms. `author`, `chief`: names under the signatures, "" = left open.
    """

    superior: str
    office: str
    place: str
    drawn_up_ms: int
    number: str | None = None
    author: str = ""
    chief: str = ""
    recipients: tuple[str, ...] = ()


def printed(ground: Ground, period: Period, heading: Heading, villages: Collection[str] | None = None) -> str:
    """The report of this period for these villages (None: the whole commune), a whole HTML document."""
    chosen = selected(ground, period, villages)
    figures = figures_of(ground, period, villages)
    title = f"Kết quả sử dụng kẻng an ninh {period.name_vi}"
    body = join(
        _top(heading),
        words("h1", "BÁO CÁO"),
        words("p", title),
        _summary(figures, chosen, villages),
        _rings(figures, chosen),
        _failures(figures, chosen),
        _times(figures),
        _incidents(figures, chosen),
        _presence(figures, chosen),
        _signatures(heading),
    )
    return page(f"Báo cáo: {title}", _CSS, body)


# ---- head and foot


def _top(heading: Heading) -> Html:
    at = clock.local(heading.drawn_up_ms)
    left = join(
        words("p", heading.superior),
        tag("p", words("b", heading.office)),
        tag("span", class_="short"),
        words("p", f"Số: {heading.number or '……'}/BC-CAX", class_="low"),
    )
    right = join(
        tag("p", words("b", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")),
        words("span", "Độc lập - Tự do - Hạnh phúc", class_="line"),
        words("p", f"{heading.place}, {names.day_words(at)}", class_="date low"),
    )
    return tag("div", join(tag("div", left), tag("div", right)), class_="top")


def _signatures(heading: Heading) -> Html:
    to = [words("p", f"- {name};") for name in (*heading.recipients, "Lưu: CAX")]
    to[-1] = words("p", "- Lưu: CAX.")
    return tag(
        "div",
        join(
            tag("div", join(words("b", "Nơi nhận:"), *to), class_="to"),
            _signature("NGƯỜI LẬP BÁO CÁO", heading.author),
            _signature("TRƯỞNG CÔNG AN XÃ", heading.chief),
        ),
        class_="sign",
    )


def _signature(office: str, name: str) -> Html:
    return tag(
        "div",
        join(
            tag("p", words("b", office)),
            tag("p", words("i", "(Ký, ghi rõ họ tên)")),
            tag("div", class_="room"),
            tag("p", words("b", name)),
        ),
    )


# ---- the parts


def _summary(figures: Figures, chosen: Ground, villages: Collection[str] | None) -> Html:
    named = ", ".join(village.name for village in chosen.villages) or "chưa có thôn nào"
    scope = "toàn xã" if villages is None else named
    households = sum(village.households or 0 for village in chosen.villages)
    homes = f", {names.number(households, 0)} hộ" if households else ""
    drills = sum(figures.drills_by_kind.values())
    alarms = sum(figures.alarms_by_village.values())
    return join(
        words("h2", "I. TÌNH HÌNH CHUNG"),
        words("p", f"Phạm vi báo cáo: {scope} ({len(chosen.villages)} thôn{homes}, {len(chosen.posts)} điểm kẻng)."),
        words(
            "p",
            f"Trong {figures.period.name_vi}, các điểm kẻng đã đánh {figures.rings} lần, trong đó {drills} lần diễn tập; "
            f"các thôn có {alarms} lượt báo động thật; lỡ giờ {sum(figures.missed.values())} lần; "
            f"từ chối lệnh {sum(figures.refused.values())} lần; không trả lời lệnh {figures.unanswered} lần; "
            f"kiểm tra không kêu {figures.tests} lần. Tiếp nhận {figures.incidents} vụ việc.",
        ),
    )


def _rings(figures: Figures, chosen: Ground) -> Html:
    return join(
        words("h2", "II. CÁC LẦN ĐÁNH KẺNG"),
        words("h3", "1. Theo hiệu lệnh"),
        _table(tables.by_kind(figures)),
        words("h3", "2. Theo nguồn yêu cầu"),
        _table(tables.by_source(figures)),
        words("h3", "3. Theo thôn"),
        _table(tables.by_village(figures, chosen)),
        words(
            "p",
            "Nhiều điểm kẻng cùng báo động trong một thôn, hoặc bấm lại trong vòng 5 phút, là một lượt báo động. "
            "Một điểm kẻng phục vụ nhiều thôn được tính cho từng thôn.",
            class_="note",
        ),
        words("h3", "4. Theo tuần và theo giờ trong ngày"),
        tag("div", join(_table(tables.by_week(figures)), _table(tables.by_hour(figures))), class_="beside"),
    )


def _failures(figures: Figures, chosen: Ground) -> Html:
    listed = tables.failures(chosen)
    parts = [
        words("h2", "III. LỠ GIỜ, TỪ CHỐI, KHÔNG TRẢ LỜI"),
        words("h3", "1. Theo lý do"),
        _table(tables.by_reason(figures)),
    ]
    if listed.rows:
        parts += [words("h3", "2. Chi tiết"), _table(_columns(listed, FAILURE_COLUMNS))]
    return join(*parts)


def _times(figures: Figures) -> Html:
    return join(
        words("h2", "IV. THỜI GIAN ĐÁP ỨNG"),
        _table(tables.times(figures)),
        words("p", f"Báo động từ điểm kẻng không có cán bộ nhận xử lý: {figures.unacknowledged} vụ.", class_="note"),
    )


def _incidents(figures: Figures, chosen: Ground) -> Html:
    head = words("h2", "V. VỤ VIỆC")
    if not figures.incidents:
        return join(head, words("p", "Không có."))
    return join(
        head,
        words(
            "p",
            f"Tiếp nhận {figures.incidents} vụ việc, trong đó "
            f"{figures.incidents - figures.from_calls - figures.from_officers} vụ do điểm kẻng báo động, "
            f"{figures.from_officers} vụ do cán bộ phát lệnh báo động và {figures.from_calls} vụ từ tin báo.",
        ),
        words("h3", "1. Theo loại"),
        _table(tables.incidents_by_kind(figures)),
        words("h3", "2. Theo kết quả"),
        _table(tables.incidents_by_outcome(figures)),
        words("h3", "3. Danh sách"),
        _table(_columns(tables.incidents(chosen), INCIDENT_COLUMNS)),
    )


def _presence(figures: Figures, chosen: Ground) -> Html:
    return join(
        words("h2", "VI. KẾT NỐI CỦA CÁC ĐIỂM KẺNG"),
        _table(tables.presence(figures, chosen)),
        words("p", "Không tính thời gian trước khi điểm kẻng được ghi danh.", class_="note"),
    )


# ---- tables


def _table(data: Table) -> Html:
    """A table with STT before each row; numbers to the right; "Không có." where there is none."""
    if not data.rows:
        return words("p", "Không có.")
    body = data.rows[:-1] if data.summed else data.rows
    shown = body[:MOST_ROWS]
    lines = [tag("tr", join(words("td", n, class_="n"), *_cells(row))) for n, row in enumerate(shown, 1)]
    if data.summed:
        lines.append(tag("tr", join(words("td", ""), *_cells(data.rows[-1])), class_="sum"))
    head = tag("thead", tag("tr", join(*(words("th", name) for name in ("STT", *data.heads)))))
    left_out = len(body) - len(shown)
    more = words("p", f"Còn {left_out} dòng nữa, xem bảng tính kèm theo.", class_="note") if left_out else NOTHING
    return join(tag("table", join(head, tag("tbody", join(*lines))), class_="figures"), more)


def _cells(row: Row) -> list[Html]:
    return [words("td", _words(cell), class_=_CLASSES.get(type(cell), "r")) for cell in row]


def _words(cell: Cell) -> str:
    match cell:
        case Moment(at_ms):
            return names.moment_words(at_ms)
        case Took(ms):
            return names.seconds(ms)
        case Lost(ms):
            return names.length_words(ms)
        case Share(value):
            return names.percent(value)
        case int():
            return names.number(cell, 0)
        case _:
            return cell


def _columns(data: Table, heads: tuple[str, ...]) -> Table:
    """Only these columns: paper is narrower than a screen."""
    at = [data.heads.index(head) for head in heads]
    return Table(heads, tuple(tuple(row[n] for n in at) for row in data.rows), data.summed)
