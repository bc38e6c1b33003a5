"""The desk: reports and printed sheets, fed from the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

from kengd import clock
from kengd.hub.ledger import values
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Officer, Station, station


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def this_year() -> str:
    return str(clock.local(wall_ms()).year)


def test_a_report_counts_what_posts_said_and_what_became_of_orders(hub: Station) -> None:
    """P9: an officer's ring that a post refused is no ring; one called back before it was answered is no missing answer."""
    hub.pressed("an-lao")
    hub.hears("an-lao", "finished", activation="an-0001")
    form = {"id": hub.act(), "signal": "alarm", "purpose": "actual", "why": "cháy", "posts": ["bo-trang"]}
    assert hub.admin.post("/api/rings", form).status_code == 201
    hub.answers(str(form["id"]), "bo-trang", "refused", reason="unknown_key")
    called_back = {**form, "id": hub.act(), "posts": ["cau-ngang"]}
    assert hub.admin.post("/api/rings", called_back).status_code == 201
    hub.admin.post("/api/hushes", {"id": hub.act(), "posts": ["cau-ngang"]})
    with hub.hub.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE target SET exp_ms = 1")
        values.note_presence(connection, [("an-lao", True, wall_ms() - 60_000)])
    hub.admin.post("/api/incidents/an-lao-an-0001/outcomes", {"kind": "theft", "done": "bắt 1 đối tượng"})
    figures = hub.admin.get(f"/api/reports/{this_year()}.json").json()["figures"]
    assert (figures["rings"], figures["by_source"]["button"], figures["refused"]) == (1, 1, {"unknown_key": 1})
    assert figures["by_ending"] == [{"outcome": "finished", "reason": None, "count": 1}]
    assert figures["unanswered"] == 0, "no answer is missing where the order was called back"
    assert figures["incidents_by_kind"]["theft"] == 1 and figures["alarms_by_village"] == {"an-lao": 1, "bo-trang": 0}
    one = hub.admin.get(f"/api/reports/{this_year()}.json", village="bo-trang").json()["figures"]
    assert (one["rings"], one["refused"], one["villages"]) == (0, {"unknown_key": 1}, ["bo-trang"])


def test_a_drill_that_was_never_answered_is_counted_also_when_it_was_stopped(hub: Station) -> None:
    """P9: who presses stop after a minute has not made the posts answer that were silent all along; a late word counts as one."""
    form = {"id": hub.act(), "signal": "alarm", "purpose": "drill", "why": "diễn tập", "all": True}
    assert hub.admin.post("/api/rings", form).status_code == 201
    hub.answers(str(form["id"]), "an-lao", "received")
    with hub.hub.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE dispatch SET made_ms = made_ms - 10000")
    hub.admin.post("/api/hushes", {"id": hub.act(), "all": True})
    with hub.hub.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE target SET exp_ms = 1")
    path = f"/api/reports/{this_year()}.json"
    assert hub.admin.get(path).json()["figures"]["unanswered"] == 2
    hub.answers(str(form["id"]), "bo-trang", "refused", reason="expired")
    assert hub.admin.get(path).json()["figures"]["unanswered"] == 1


def test_a_report_is_a_workbook_and_a_printed_page(hub: Station) -> None:
    """A file to download, a page without any script."""
    hub.pressed("an-lao")
    sheet = hub.admin.get(f"/api/reports/{this_year()}.xlsx")
    assert sheet.headers["content-disposition"] == f'attachment; filename="bao-cao-keng-{this_year()}.xlsx"'
    assert load_workbook(BytesIO(sheet.content))["Lần đánh kẻng"].max_row == 2
    page = hub.admin.get(f"/api/reports/{this_year()}.html", superior="CÔNG AN TỈNH <b>")
    assert "CÔNG AN XÃ" in page.text and "&lt;b&gt;" in page.text and "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_a_wrong_report_is_refused(hub: Station) -> None:
    """A period that is none, a village that is none, too many at once, nobody."""
    for kind in ("json", "xlsx", "html"):
        assert hub.admin.get(f"/api/reports/mai.{kind}").json()["error"] == "bad_period"
        assert hub.admin.get(f"/api/reports/2026.{kind}", village="xa").json()["error"] == "unknown_village"
        assert Officer(hub.app, "").get(f"/api/reports/2026.{kind}").status_code == 401
    with hub.app.state.desk.reporting(), hub.app.state.desk.reporting():
        busy = hub.admin.get("/api/reports/2026.json")
    assert (busy.status_code, busy.json()["error"]) == (503, "busy")
    assert hub.admin.get("/api/reports/2026.json").status_code == 200


def test_the_rules_sheet_is_printed_from_what_the_post_rings_by(hub: Station) -> None:
    """The file it was given, and the timetable that it has taken since; a QR code needs a public page."""
    assert hub.admin.post("/api/posts/an-lao/enrol", {"id": hub.act()}).status_code == 200
    act = {"id": hub.act(), "version": 2, "timetable": [{"at": "21:15", "days": "daily", "signal": "curfew"}]}
    assert hub.admin.post("/api/posts/an-lao/timetable", act).status_code == 201
    before = hub.admin.get("/posts/an-lao/rules").text
    hub.hears("an-lao", "settings_changed", command_id=hub.jti(str(act["id"]), "an-lao"), source="hub")
    after = hub.admin.get("/posts/an-lao/rules", phone="113")
    assert after.status_code == 200 and "21:15" in after.text and "21:15" not in before
    assert "NỘI QUY SỬ DỤNG KẺNG" in after.text and "<svg" in after.text and "Thôn An Lão" in after.text
    assert hub.admin.get("/posts/bo-trang/rules").json()["error"] == "no_page"
    assert hub.admin.get("/posts/khong-co/rules").json()["error"] == "unknown_post"
    assert hub.admin.get("/posts/an-lao/rules", phone="<b>").status_code == 422
