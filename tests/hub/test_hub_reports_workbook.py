"""The workbook, opened again and compared cell by cell."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from kengd.duty.words import Source
from kengd.hub.reports import period
from kengd.hub.reports.facts import Ground, IncidentFacts, PostFacts, VillageFacts
from kengd.hub.reports.workbook import MOMENT_FORMAT, SHARE_FORMAT, workbook
from tests.hub.reports_samples import POSTS, VILLAGES, at, commune, ring

NOVEMBER = period.month(2026, 11)


def opened(data: bytes) -> dict[str, Worksheet]:
    return {sheet.title: sheet for sheet in load_workbook(BytesIO(data)).worksheets}


def rows(sheet: Worksheet) -> list[list[object]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


SHEETS = opened(workbook(commune(), NOVEMBER))


def test_the_sheets_are_those_of_the_report_with_heads_that_stay_in_sight() -> None:
    """Five sheets in this order."""
    assert {name: sheet.freeze_panes for name, sheet in SHEETS.items()} == {
        "Tổng hợp": "A3",
        "Lần đánh kẻng": "A2",
        "Lỡ và từ chối": "A2",
        "Vụ việc": "A2",
        "Có mặt": "A2",
    }
    for sheet in SHEETS.values():
        assert all(8 <= dimension.width <= 48 for dimension in sheet.column_dimensions.values())


def test_the_summary_holds_every_small_table() -> None:
    """Cell by cell; empty rows part the tables."""
    parted: list[list[list[object]]] = [[]]
    for row in rows(SHEETS["Tổng hợp"])[3:]:
        cells = [value for value in row if value is not None]
        if cells:
            parted[-1].append(cells)
        else:
            parted.append([])
    assert rows(SHEETS["Tổng hợp"])[0][0] == "Báo cáo kẻng an ninh tháng 11 năm 2026"
    assert rows(SHEETS["Tổng hợp"])[1][0] == "Phạm vi: toàn xã"
    assert parted == [
        [
            ["Nội dung", "Số lượng"],
            ["Số lần đánh kẻng", 62],
            ["Lượt báo động thật của các thôn", 1],
            ["Yêu cầu gộp vào lần đang đánh", 1],
            ["Kiểm tra không kêu", 1],
            ["Lỡ giờ", 1],
            ["Từ chối lệnh", 37],
            ["Không trả lời lệnh", 1],
            ["Hủy trước khi đánh", 0],
            ["Vụ việc", 3],
            ["Vụ việc từ tin báo", 1],
            ["Vụ việc do cán bộ phát lệnh báo động", 0],
            ["Báo động từ điểm kẻng không có cán bộ nhận xử lý", 1],
        ],
        [
            ["Hiệu lệnh", "Thật", "Diễn tập", "Cộng"],
            ["Báo động", 1, 1, 2],
            ["Chi viện (thôn bạn)", 1, 0, 1],
            ["Hết báo động", 0, 0, 0],
            ["Báo yên (kẻng đêm)", 59, 0, 59],
            ["Thường lệ", 0, 0, 0],
            ["Tổng cộng", 61, 1, 62],
        ],
        [
            ["Nguồn", "Số lần"],
            ["Nút bấm tại điểm kẻng", 1],
            ["Giờ kẻng đặt sẵn", 59],
            ["Máy trực ban Công an xã", 2],
            ["Trang của điểm kẻng", 0],
            ["Dòng lệnh tại máy", 0],
            ["Thôn bạn", 0],
            ["Tổng cộng", 62],
        ],
        [
            ["Thôn", "Lượt báo động thật", "Số lần kẻng kêu"],
            ["Thôn An Lạc", 1, 30],
            ["Thôn Đông Cao", 0, 32],
            ["Thôn Đồng Bông", 0, 32],
        ],
        [
            ["Kết thúc thế nào", "Số lần"],
            ["đánh xong", 61],
            ["bị ngắt: có người dừng", 1],
            ["Tổng cộng", 62],
        ],
        [
            ["Kết quả", "Lý do", "Số lần"],
            ["Lỡ giờ", "vừa có báo động, chưa đánh kẻng thường lệ để khỏi nhầm", 1],
            ["Từ chối", "chữ ký của lệnh không đúng", 37],
            ["Không trả lời", "không nhận được tin nào từ điểm kẻng", 1],
            ["Tổng cộng", 39],
        ],
        [
            ["Nội dung", "Số lần", "Trung vị", "90 % không quá", "Lâu nhất"],
            ["Từ lúc yêu cầu đến lúc kẻng kêu: giờ kẻng đặt sẵn", 59, 0, 0, 0],
            ["Từ lúc yêu cầu đến lúc kẻng kêu: máy trực ban Công an xã", 2, 1, 1, 1],
            ["Từ lúc điểm kẻng báo động đến lúc có cán bộ nhận xử lý", 1, 31, 31, 31],
        ],
        [["Loại vụ việc", "Số vụ"], ["Trộm cắp", 1], ["Mâu thuẫn", 1], ["Chưa phân loại", 1], ["Tổng cộng", 3]],
        [
            ["Kết quả", "Số vụ"],
            ["Chưa có kết quả", 1],
            ["Bắt giữ 1 đối tượng, thu hồi tài sản", 1],
            ["Hòa giải tại chỗ", 1],
            ["Tổng cộng", 3],
        ],
        [
            ["Tuần từ thứ Hai ngày", "Số lần"],
            ["26/10/2026", 2],
            ["02/11/2026", 14],
            ["09/11/2026", 15],
            ["16/11/2026", 15],
            ["23/11/2026", 14],
            ["30/11/2026", 2],
            ["Tổng cộng", 62],
        ],
        [
            ["Giờ trong ngày", "Số lần"],
            ["09h00–09h59", 1],
            ["21h00–21h59", 2],
            ["22h00–22h59", 59],
            ["Tổng cộng", 62],
        ],
    ]


def test_the_lists_hold_what_was_counted_with_real_dates() -> None:
    """In order of time; a time is a date that can be sorted, in the village's time."""
    rings = rows(SHEETS["Lần đánh kẻng"])
    assert len(rings) == 63
    alarm = next(row for row in rings if row[4] == "Báo động")
    assert dict(zip(map(str, rings[0]), alarm, strict=True)) == {
        "Bắt đầu": datetime(2026, 11, 12, 21, 48, 10),  # noqa: DTZ001
        "Kết thúc": datetime(2026, 11, 12, 21, 51, 10),  # noqa: DTZ001
        "Điểm kẻng": "Kẻng thôn 1, nhà văn hóa",
        "Thôn": "Thôn An Lạc",
        "Hiệu lệnh": "Báo động",
        "Mục đích": "Thật",
        "Nguồn": "Nút bấm tại điểm kẻng",
        "Nơi bấm": "nhà văn hóa",
        "Người yêu cầu": None,
        "Lý do": None,
        "Từ yêu cầu đến kêu (giây)": None,
        "Kết thúc thế nào": "bị ngắt: có người dừng (Trần Văn B)",
        "Ghi chú": "1 yêu cầu khác được gộp vào",
    }
    begins = [row[0] for row in rings[1:]]
    assert begins == sorted(begins, key=str)
    assert {SHEETS["Lần đánh kẻng"].cell(row, 1).number_format for row in range(2, 64)} == {MOMENT_FORMAT}
    assert rows(SHEETS["Lỡ và từ chối"])[1:] == [
        [
            datetime(2026, 11, 12, 21, 49, 5),  # noqa: DTZ001
            "Kẻng bờ đê",
            "Báo động",
            "Máy trực ban Công an xã",
            "Thiếu tá Lê Văn C",
            "không trả lời",
            "không nhận được tin nào từ điểm kẻng",
            1,
        ],
        [
            datetime(2026, 11, 12, 22, 0),  # noqa: DTZ001
            "Kẻng thôn 1, nhà văn hóa",
            "Báo yên (kẻng đêm)",
            "Giờ kẻng đặt sẵn",
            None,
            "lỡ giờ",
            "vừa có báo động, chưa đánh kẻng thường lệ để khỏi nhầm",
            1,
        ],
        [
            datetime(2026, 11, 21, 3, 0),  # noqa: DTZ001
            "Kẻng thôn 1, nhà văn hóa",
            "lệnh khác",
            "Máy trực ban Công an xã",
            None,
            "từ chối",
            "chữ ký của lệnh không đúng",
            37,
        ],
    ]
    taken = datetime(2026, 11, 12, 21, 48, 41)  # noqa: DTZ001
    assert [row[4:7] for row in rows(SHEETS["Vụ việc"])[1:]] == [
        [taken, "Thiếu tá Lê Văn C", 31],
        [datetime(2026, 11, 15, 19, 10), "Đại úy Vũ D", None],  # noqa: DTZ001
        [None, None, None],
    ]
    assert rows(SHEETS["Có mặt"])[1:] == [
        ["Kẻng thôn 1, nhà văn hóa", 1, 0],
        ["Kẻng thôn 2, đình làng", 0.95, 24],
        ["Kẻng bờ đê", 0.1, 648],
        ["Còi trụ sở xã", None, 0],
    ]
    assert SHEETS["Có mặt"]["B2"].number_format == SHARE_FORMAT


EVIL = ['=HYPERLINK("http://a","b")', "+1+1", "-2+3", "@SUM(A1)", "=1", "\t=1"]


@pytest.mark.parametrize("text", EVIL)
def test_no_text_becomes_a_formula_wherever_it_stands(text: str) -> None:
    """A name, a reason or an outcome is written by people: `=` `+` `-` `@` stay text."""
    post = PostFacts("thon-1", text, ("v1",))
    ground = Ground(
        (post,),
        (VillageFacts("v1", text),),
        (
            ring(post, "2026-11-12T21:48:10", place=text, by=text, why=text, hushed_by=text, signal_name=text),
            ring(post, "2026-11-12T21:58:10", outcome="refused", reason=text, by=text, source=Source.HUB),
        ),
        (IncidentFacts("i", at("2026-11-12T21:48:10"), "v1", text, False, None, text, text, text),),
    )
    data = workbook(ground, NOVEMBER, ["v1"])
    found = [cell for sheet in opened(data).values() for row in sheet.iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in found}
    written = [cell for cell in found if cell.value == text]
    assert len(written) >= 12
    assert {cell.quotePrefix for cell in written} == {text[0] in "=+-@"}
    with ZipFile(BytesIO(data)) as parts:
        assert not [name for name in parts.namelist() if b"<f>" in parts.read(name)]


def test_text_that_a_workbook_cannot_hold_is_made_fit_instead_of_failing() -> None:
    """Control characters, lone surrogates and an endless text: nothing else of the report is lost."""
    incident = IncidentFacts("i", at("2026-11-12T21:48:10"), "v1", text="a\x00b\ud800c\ufffe" + "x" * 40_000)
    sheet = opened(workbook(Ground(POSTS, VILLAGES, incidents=(incident,)), NOVEMBER))["Vụ việc"]
    text = str(sheet["I2"].value)
    assert (text[:5], text[-1], len(text)) == ("abcxx", "…", 32_767)


def test_a_month_without_anything_is_still_a_workbook() -> None:
    """An empty commune opens, with heads and zeros."""
    sheets = opened(workbook(Ground((), ()), NOVEMBER))
    assert [sheet.max_row for sheet in sheets.values()][1:] == [1, 1, 1, 1]
    assert rows(sheets["Tổng hợp"])[4][:2] == ["Số lần đánh kẻng", 0]
