"""The printed report and the rules sheet: complete, escaped, and loading nothing from anywhere."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import time
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
import segno

from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin, make_signal, overridden
from kengd.bellcode.description import described
from kengd.bellcode.heat import closed_spans
from kengd.bellcode.layout import CannotPlay, lay_out
from kengd.bellcode.profile import Profile, SirenProfile, StrikerProfile
from kengd.bellcode.signal import Kind
from kengd.duty.dates import parse_rule
from kengd.duty.lines import parse_days, parse_line
from kengd.duty.words import Source
from kengd.hub.reports import period
from kengd.hub.reports.blows import blows_svg, drawn_ms
from kengd.hub.reports.facts import Ground, IncidentFacts, PostFacts, VillageFacts
from kengd.hub.reports.markup import text
from kengd.hub.reports.printed import MOST_ROWS, Heading, printed
from kengd.hub.reports.rules_sheet import EVACUATION_NOTE, SheetPost, days_words, qr_svg, rule_words, rules_sheet
from tests.hub.reports_samples import POSTS, VILLAGES, at, commune, ring

NOVEMBER = period.month(2026, 11)
DRAWN_UP = at("2026-12-01T08:00:00")
HEADING = Heading(
    "CÔNG AN TỈNH HẢI DƯƠNG",
    "CÔNG AN XÃ CỘNG LẠC",
    "Cộng Lạc",
    DRAWN_UP,
    "12",
    "Nguyễn Thị E",
    "Thiếu tá Lê Văn C",
    ("Công an tỉnh",),
)
SHEET = SheetPost(
    "Kẻng thôn 1", "Xã Cộng Lạc", ("Thôn An Lạc",), "https://k.example/p/thon-1", DRAWN_UP, keepers=("Ông A, 0912",)
)
EVIL = "<script>alert(1)</script>\"'&\u202e"


class Page(HTMLParser):
    """The page's tables, its words, and every element with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.in_cell:
            self.tables[-1][-1][-1] += data


def assert_loads_nothing(page: str) -> None:
    """No script, link, image or address that a browser would fetch; its policy forbids the rest."""
    parsed = Page(page)
    names = {name for name, _ in parsed.elements}
    assert names.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "base", "form", "use", "image"})
    for name, attributes in parsed.elements:
        assert {"src", "href", "style", "srcset", "data"}.isdisjoint(attributes), name
        assert not [key for key in attributes if key.startswith("on")]
    assert "url(" not in page and "@import" not in page
    assert "default-src 'none'; style-src 'unsafe-inline'" in unescape(page)


# ---- the report


def test_the_report_has_the_head_the_tables_and_the_signatures_of_a_commune() -> None:
    """Quốc hiệu, tiêu ngữ, cơ quan, số, nơi và ngày; STT in every table; who signs."""
    page = Page(printed(commune(), NOVEMBER, HEADING))
    words = [word for word in page.words if word.strip()]
    for expected in (
        "CÔNG AN TỈNH HẢI DƯƠNG",
        "CÔNG AN XÃ CỘNG LẠC",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "Số: 12/BC-CAX",
        "Cộng Lạc, ngày 01 tháng 12 năm 2026",
        "BÁO CÁO",
        "Kết quả sử dụng kẻng an ninh tháng 11 năm 2026",
        "Nơi nhận:",
        "- Công an tỉnh;",
        "- Lưu: CAX.",
        "NGƯỜI LẬP BÁO CÁO",
        "TRƯỞNG CÔNG AN XÃ",
        "Nguyễn Thị E",
        "Thiếu tá Lê Văn C",
        "Phạm vi báo cáo: toàn xã (3 thôn, 1.305 hộ, 4 điểm kẻng).",
    ):
        assert expected in words
    assert [table[0][0] for table in page.tables] == ["STT"] * len(page.tables)
    assert page.tables[0][1:] == [
        ["1", "Báo động", "1", "1", "2"],
        ["2", "Chi viện (thôn bạn)", "1", "0", "1"],
        ["3", "Hết báo động", "0", "0", "0"],
        ["4", "Báo yên (kẻng đêm)", "59", "0", "59"],
        ["5", "Thường lệ", "0", "0", "0"],
        ["", "Tổng cộng", "61", "1", "62"],
    ]
    assert page.tables[-1][1:] == [
        ["1", "Kẻng thôn 1, nhà văn hóa", "100,0 %", "0"],
        ["2", "Kẻng thôn 2, đình làng", "95,0 %", "1 ngày"],
        ["3", "Kẻng bờ đê", "10,0 %", "27 ngày"],
        ["4", "Còi trụ sở xã", "—", "0"],
    ]
    [times] = [table for table in page.tables if table[0][1] == "Nội dung"]
    assert times[2][1:] == [
        "Từ lúc yêu cầu đến lúc kẻng kêu: máy trực ban Công an xã",
        "2",
        "1,0 giây",
        "1,0 giây",
        "1,0 giây",
    ]


def test_a_report_of_one_village_says_so_and_shows_nothing_of_others() -> None:
    """Any set of villages."""
    page = printed(commune(), NOVEMBER, HEADING, ["v1"])
    assert "Phạm vi báo cáo: Thôn An Lạc (1 thôn, 412 hộ, 1 điểm kẻng)." in page
    assert "Đông Cao" not in page.replace("Nhân dân thôn An Lạc và Đông Cao vây bắt.", "")


def test_nothing_that_people_wrote_becomes_markup() -> None:
    """Names, reasons and outcomes are text; a mark that turns the direction of a line is left out."""
    post = PostFacts("thon-1", EVIL, ("v1",))
    rings = (
        ring(post, "2026-11-12T21:48:10", by=EVIL, why=EVIL, signal_name=EVIL),
        ring(post, "2026-11-13T21:48:10", by=EVIL, outcome="refused", reason=EVIL, source=Source.HUB),
    )
    incident = IncidentFacts("i", at("2026-11-12T21:48:10"), "v1", EVIL, False, None, EVIL, EVIL, EVIL)
    ground = Ground((post,), (VillageFacts("v1", EVIL),), rings, (incident,))
    page = printed(ground, NOVEMBER, Heading(EVIL, EVIL, EVIL, DRAWN_UP, EVIL, EVIL, EVIL, (EVIL,)), ["v1"])
    assert_loads_nothing(page)
    assert "<script" not in page and "\u202e" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;") >= 12
    assert_loads_nothing(rules_sheet(replace(SHEET, name=EVIL, keepers=(EVIL,)), builtin("cong_lac"), StrikerProfile()))


def test_a_long_list_is_cut_on_paper_and_says_so() -> None:
    """The workbook has them all; the sum is of all."""
    rings = tuple(
        ring(POSTS[0], f"2026-11-12T{n // 60:02}:{n % 60:02}:00", outcome="missed", reason="late", ringing_ms=None)
        for n in range(MOST_ROWS + 7)
    )
    page = printed(Ground(POSTS, VILLAGES, rings), NOVEMBER, HEADING)
    [listed] = [table for table in Page(page).tables if table[0][1] == "Thời gian"]
    assert (len(listed), "Còn 7 dòng nữa" in page, "lỡ giờ 207 lần" in page) == (MOST_ROWS + 1, True, True)


def test_a_month_without_anything_is_still_a_report() -> None:
    """Nothing happened is also a report."""
    page = printed(Ground((), ()), NOVEMBER, HEADING)
    assert_loads_nothing(page)
    assert page.count("Không có.") == 4  # villages, reasons, incidents, presence


def test_text_is_one_harmless_line() -> None:
    """Control characters and direction marks could break a line or turn it round."""
    assert text('a\x00b\n<i>"\u202e\ud800ễ') == "ab &lt;i&gt;&quot;ễ"


# ---- the sheet


def profile_of(name: str) -> Profile:
    return SirenProfile() if name == "coi_hu" else StrikerProfile()


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_every_ready_made_codebook_makes_a_sheet_with_all_its_signals(name: str) -> None:
    """Name, how it is struck, what is heard in words, a drawing for this bell, what people do."""
    book = builtin(name)
    sheet = rules_sheet(SHEET, book, profile_of(name), [parse_line("22:00", "daily", "curfew")])
    assert_loads_nothing(sheet)
    page = Page(sheet)
    rows = page.tables[0][1:]
    assert [row[0].startswith(signal.name_vi) for row, signal in zip(rows, book.signals.values(), strict=True)] == [
        True
    ] * len(book.signals)
    for row, signal in zip(rows, book.signals.values(), strict=True):
        score = lay_out(signal.pattern, profile_of(name), limit_ms=300_000)
        assert signal.notation in row[1] and "; ".join(described(score)) in row[1]
        assert row[2] == signal.meaning_vi
    assert [element for element, _ in page.elements].count("svg") == len(book.signals) + 1
    assert "22:00 hằng ngày: Báo yên" in sheet and "Ông A, 0912" in sheet


def test_a_codebook_without_an_evacuation_code_says_how_people_are_told() -> None:
    """H12: one code for thief and flood."""
    without = overridden(builtin("cong_lac"), {"evacuation": None})
    assert [
        EVACUATION_NOTE in unescape(rules_sheet(SHEET, book, StrikerProfile()))
        for book in (without, builtin("cong_lac"))
    ] == [True, False]


def test_a_bell_that_cannot_play_a_signal_gets_no_sheet_that_promises_it() -> None:
    """Nothing is clipped: the error names the reason."""
    siren = overridden(
        builtin("cong_lac"), {"hoot": make_signal("hoot", Kind.ROUTINE, "Hú", "Hoot", "Nghe", "hú 3 giây")}
    )
    with pytest.raises(CannotPlay):
        rules_sheet(SHEET, siren, StrikerProfile())


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_the_drawing_has_a_mark_for_each_blow_at_its_time(name: str) -> None:
    """Well-formed SVG; the first and last marks are where the score has them; an endless code ends in an arrow."""
    for signal in builtin(name).signals.values():
        score = lay_out(signal.pattern, profile_of(name), limit_ms=300_000)
        root = ElementTree.fromstring(blows_svg(score, label=signal.name_vi))
        space = "{http://www.w3.org/2000/svg}"
        spans = list(closed_spans(score, drawn_ms(score)))
        marks = [*root.iter(f"{space}circle"), *root.iter(f"{space}rect")]
        assert len(marks) == len(spans) > 0
        xs = sorted(float(mark.get("cx") or mark.get("x") or -1) for mark in marks)
        left, right = 5, 638
        expected = [round(left + on * (right - left) / drawn_ms(score), 1) for on, _ in spans]
        assert xs == expected
        assert bool(list(root.iter(f"{space}path"))) is signal.pattern.endless
        assert root.get("aria-label") == signal.name_vi


def test_the_qr_code_is_that_of_the_posts_page() -> None:
    """Villagers can read why it rang. The modules are those of an independent encoding of the same URL."""
    svg = qr_svg(SHEET.page_url)
    root = ElementTree.fromstring(svg)
    side = len(segno.make_qr(SHEET.page_url, error="m").matrix) + 8
    assert (root.get("viewBox"), "width" in root.attrib) == (f"0 0 {side} {side}", False)
    assert modules(svg) == sum(map(sum, segno.make_qr(SHEET.page_url, error="m").matrix))
    assert svg in rules_sheet(SHEET, builtin("cong_lac"), StrikerProfile())


def modules(svg: str) -> int:
    """How many dark modules the path of a QR code strikes: the lengths of its horizontal strokes."""
    [path] = re.findall(r'class="qrline"[^>]*d="([^"]+)"|d="(M[^"]+h[^"]+)"[^>]*class="qrline"', svg)
    return sum(int(step) for step in re.findall(r"h(\d+)", "".join(path)))


def test_weekdays_and_exceptions_are_written_as_they_are_read_aloud() -> None:
    """No notation on a wall."""
    assert [days_words(parse_days(days)) for days in ("daily", "t2-t6", "t7,cn", "t3")] == [
        "hằng ngày",
        "thứ Hai đến thứ Sáu",
        "thứ Bảy, Chủ nhật",
        "thứ Ba",
    ]
    rules = ("2027-02-06", "30-04..02-05", "1/1 âm", "cuối/12 âm..3/1 âm", "2027-02-05..2027-02-10")
    assert [rule_words(parse_rule(rule)) for rule in rules] == [
        "06/02/2027",
        "30/04 đến 02/05 hằng năm",
        "ngày 1 tháng 1 âm lịch",
        "ngày cuối tháng 12 đến ngày 3 tháng 1 âm lịch",
        "05/02/2027 đến 10/02/2027",
    ]


def test_the_timetable_stands_in_the_order_of_the_day() -> None:
    """Lines come in any order."""
    lines = [parse_line("22:00", "daily", "curfew", 300, ["1/1 âm"]), parse_line("05:00", "t2-t6", "wake")]
    sheet = rules_sheet(SHEET, builtin("ea_o"), StrikerProfile(), lines)
    assert (lines[0].at, re.findall(r"<li>(\d\d:\d\d [^<]*)</li>", sheet)) == (
        time(22),
        [
            "05:00 thứ Hai đến thứ Sáu: Báo thức",
            "22:00 hằng ngày: Báo yên (kẻng đêm 22h); nghỉ: ngày 1 tháng 1 âm lịch",
        ],
    )
