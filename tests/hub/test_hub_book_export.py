"""The merged book on its page and taken away: what is asked for, what came of it, and that no spreadsheet runs what somebody wrote."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from kengd.clock import local
from kengd.hub.desk import book_files, book_lines
from kengd.hub.ledger.desk_facts import Wanted, page_of_entries
from kengd.hub.ledger.merging import merge
from kengd.hub.ledger.store import Ledger
from kengd.hub.reports.book_file import ACTIVE, HEADS, csv_lines, inert, write_sheet
from kengd.hub.reports.tables import Moment
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Officer, Station, station
from tests.hub.spine_kit import T0, chained, heard, said

HEAD = [head for head, _ in HEADS]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Station, str]]:
    """An alarm with an outcome that was corrected once, an order, a start; and the alarm's incident. Nobody changes it."""
    hub = station(tmp_path_factory.mktemp("night"))
    incident = hub.pressed("an-lao")
    hub.hears("an-lao", "cut", activation="an-0001", signal="alarm", purpose="actual", source="button", reason="hushed")
    hub.hears("bo-trang", "started", reason="new")
    hub.admin.post(
        "/api/rings",
        {"id": "ring-0001", "signal": "alarm", "purpose": "drill", "why": "diễn tập", "posts": ["bo-trang"]},
    )
    hub.answers("ring-0001", "bo-trang", "received", "ringing", by="Đ/c Bình")
    for kind in ("fire", "theft"):
        hub.admin.post(f"/api/incidents/{incident}/outcomes", {"kind": kind, "done": "x"})
    yield hub, incident
    hub.hub.ledger.close()


def table(hub: Station, **asked: Any) -> list[dict[str, str]]:
    """The CSV as a spreadsheet reads it."""
    answer = hub.admin.get("/api/entries.csv", **asked)
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf"), "Excel would show noise instead of Vietnamese"
    assert 'filename="so-keng.csv"' in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def sheet_of(file: io.BytesIO) -> Worksheet:
    """The only one in it."""
    (sheet,) = load_workbook(file).worksheets
    return sheet


def seqs(lines: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(line["Điểm kẻng"], line["Việc"], line["Số mục"]) for line in lines]


AN_LAO = [("Điểm An Lão", "bị ngắt", "2"), ("Điểm An Lão", "đánh kẻng", "1")]
BO_TRANG = [
    ("Điểm Bồ Tràng", "đánh kẻng", "3"),
    ("Điểm Bồ Tràng", "nhận lệnh", "2"),
    ("Điểm Bồ Tràng", "khởi động", "1"),
]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [*BO_TRANG, *AN_LAO]),
        (
            {"post": "", "village": "", "kind": "", "signal": "", "by": "", "from": "", "to": "", "incident": ""},
            [*BO_TRANG, *AN_LAO],
        ),
        ({"post": "an-lao"}, AN_LAO),
        ({"village": "bo-trang"}, BO_TRANG),
        ({"village": "bo-trang", "post": "an-lao"}, []),
        ({"kind": "ringing"}, [BO_TRANG[0], AN_LAO[1]]),
        ({"signal": "alarm", "post": "bo-trang"}, BO_TRANG[:2]),
        ({"by": "chòi"}, AN_LAO[1:]),
        ({"by": "Bình"}, BO_TRANG[:2]),
        ({"by": "%"}, []),
        ({"incident": "an-lao-an-0001"}, AN_LAO),
        ({"incident": "nothing-0001"}, []),
        ({"to": "2001-01-01"}, []),
        ({"from": "2999-01-01"}, []),
    ],
)
def test_what_is_asked_for_is_what_is_taken_away(
    night: tuple[Station, str], asked: dict[str, str], found: list[tuple[str, str, str]]
) -> None:
    """By post, village, kind, signal, name, day and incident, newest first; the page shows the same."""
    hub, _ = night
    assert seqs(table(hub, **asked)) == found
    html = hub.admin.get("/so-keng", **asked).text
    assert html.count("<tr><td>") == len(found)


def test_days_are_the_villages_and_both_ends_are_in(night: tuple[Station, str]) -> None:
    """From today to today is today."""
    hub, _ = night
    today = local(wall_ms()).date()
    assert len(table(hub, **{"from": str(today - timedelta(days=1)), "to": str(today)})) == 5
    assert table(hub, **{"from": str(today + timedelta(days=1))}) == []
    assert book_lines.day_of("2026-03-01") == (1_772_298_000_000, 1_772_384_400_000)


def test_an_order_for_an_incident_is_found_by_it(hub: Station) -> None:
    """What the hub sent and what posts answered belong to it too."""
    incident = hub.pressed("an-lao")
    form = {
        "id": "ring-0002",
        "signal": "alarm",
        "purpose": "actual",
        "why": "tăng cường",
        "posts": ["bo-trang"],
        "incident": incident,
    }
    assert hub.admin.post("/api/rings", form).status_code == 201
    hub.answers("ring-0002", "bo-trang", "received", activation="hd-0009")
    hub.hears("cau-ngang", "started", reason="new")
    assert [line["Điểm kẻng"] for line in table(hub, incident=incident)] == ["Điểm Bồ Tràng", "Điểm An Lão"]


def test_each_line_says_what_came_of_it(night: tuple[Station, str]) -> None:
    """The newest outcome counts; how often it was said anew is told, the earlier ones stay at the incident."""
    hub, incident = night
    line = table(hub, post="an-lao")[-1]
    assert (line["Vụ việc"], line["Kết quả"], line["Số lần đính chính"]) == (incident, "trộm cắp", "1")
    assert (line["Nơi bấm"], line["Từ đâu"], line["Mục đích"], line["Thôn"]) == (
        "chòi gác",
        "nút bấm",
        "thật",
        "Thôn An Lão",
    )
    html = hub.admin.get("/so-keng", post="an-lao").text
    assert f'<a href="/vu-viec/{incident}">trộm cắp</a>' in html and "đã đính chính 1 lần" in html
    assert "liền mạch tới mục 2" in html and "chưa có mục nào" in html
    assert "Không ai sửa được mục nào của sổ" in html


def test_a_sheet_holds_the_same_with_real_dates(night: tuple[Station, str]) -> None:
    """For whoever counts by month in Excel."""
    hub, _ = night
    answer = hub.admin.get("/api/entries.xlsx", post="an-lao")
    rows = list(sheet_of(io.BytesIO(answer.content)).iter_rows(values_only=True))
    assert list(rows[0]) == HEAD and len(rows) == 3
    assert isinstance(rows[1][0], datetime) and rows[1][4] == "bị ngắt" and rows[2][15] == 1


NASTY = ("=1+1", "+84912", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', 'a\nb,c;"d"', "bình thường")


def test_no_cell_is_a_formula_and_every_text_comes_back() -> None:
    """Whoever can write a reason must not run a program at the officer's desk."""
    line = (Moment(1_772_298_000_000), None, 7, *NASTY)
    raw = b"".join(csv_lines([line])).decode("utf-8-sig")
    _, got = list(csv.reader(io.StringIO(raw, newline="")))
    assert got[:3] == ["01/03/2026 00:00:00", "", "7"]
    assert [text.removeprefix("'") for text in got[3:]] == list(NASTY)
    assert [text for text in got[3:] if text.startswith(ACTIVE)] == []
    out = io.BytesIO()
    write_sheet([line], out)
    cells = next(sheet_of(out).iter_rows(min_row=2))
    assert {cell.data_type for cell in cells[3:12]} == {"s"}
    assert [str(cell.value) for cell in cells[3:8]] == ["=1+1", "+84912", "-2+3", "@SUM(A1)", "\t=1"]


@given(st.text(max_size=30))
def test_any_text_is_one_cell_that_does_nothing(text: str) -> None:
    """Whatever the letters."""
    assert not inert(text).startswith(ACTIVE)
    raw = b"".join(csv_lines([(text, "x")])).decode("utf-8-sig", "replace")
    rows = list(csv.reader(io.StringIO(raw, newline="")))
    assert len(rows) == 2 and len(rows[1]) == 2 and rows[1][1] == "x"


def test_a_book_that_is_longer_than_a_file_may_be_is_cut_and_says_so(
    night: tuple[Station, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps, each line once, whatever the step; nobody takes a part for the whole."""
    hub, _ = night
    for step, most in itertools.product((1, 2, 3, 1_000), (1, 2, 4, 5, 6)):
        monkeypatch.setattr(book_lines, "STEP", step)
        monkeypatch.setattr(book_files, "MOST_CSV", most)
        lines = table(hub)
        cut = [line for line in lines if line["Lúc"].startswith("CHƯA HẾT")]
        assert seqs([line for line in lines if line not in cut]) == [*BO_TRANG, *AN_LAO][:most], (step, most)
        assert len(cut) == (most < 5), (step, most)
        assert all(f"chỉ có {most} mục" in line["Lúc"] for line in cut)


def test_the_book_is_for_those_who_are_signed_in_and_awake(hub: Station) -> None:
    """Names stand in it (P12)."""
    stranger = Officer(hub.app, "")
    hub.idle()
    for path in ("/api/entries.csv", "/api/entries.xlsx"):
        assert stranger.get(path).status_code == 401
        assert hub.admin.get(path).json()["error"] == "session_locked"


def test_the_files_are_of_what_the_page_shows(night: tuple[Station, str]) -> None:
    """The links carry the same filter, and so does the way to older lines."""
    hub, incident = night
    html = hub.admin.get("/so-keng", post="an-lao", by="Đ/c & <b>", incident=incident).text
    links = re.findall(r'href="/api/entries\.(?:csv|xlsx)\?([^"]*)"', html)
    assert links == ["post=an-lao&amp;by=%C4%90%2Fc+%26+%3Cb%3E&amp;incident=an-lao-an-0001"] * 2


def test_both_databases_find_the_same(ledger: Ledger) -> None:
    """Signs that mean something to a database are letters here; an incident without rings has no entries."""
    book = chained([
        said("started", reason="new"),
        said("ringing", activation="an-0001", signal="alarm", purpose="actual", source="button", place="50%_chòi"),
        said("received", command_id="jti-0001", signal="curfew", by="Đ/c Bình"),
    ])  # fmt: skip
    with ledger.write() as connection:
        merge(connection, heard("an-lao", book), T0)
    nobody: frozenset[str] = frozenset()
    for wanted, found in (
        (Wanted(by="0%_c"), [2]),
        (Wanted(by="0x_c"), []),
        (Wanted(by="Bình"), [3]),
        (Wanted(signal="curfew"), [3]),
        (Wanted(rung=(frozenset({"an-0001"}), frozenset({"jti-0001"}))), [3, 2]),
        (Wanted(rung=(nobody, nobody)), []),
        (Wanted(rung=(frozenset({"an-0001"}), nobody), before_n=2), []),
    ):
        with ledger.read() as connection:
            assert [row["seq"] for row in page_of_entries(connection, wanted, 10)] == found, wanted
