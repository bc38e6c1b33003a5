"""Shifts of duty: nobody is relieved twice, what was handed over is read by name and kept; on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from kengd.hub import backups
from kengd.hub.ledger import audits, personal, shifts
from kengd.hub.ledger.merging import Heard
from kengd.hub.ledger.rows import Row
from kengd.hub.ledger.shifts import Shift
from kengd.hub.ledger.store import Ledger
from kengd.hub.ledger.values import value_of
from kengd.hub.service import wall_ms
from kengd.wire.entry import FIRST_PREV, Entry, chain_hash, format_at
from tests.hub.desk_kit import Station, acts, station
from tests.hub.people_database import Clock, people_of
from tests.hub.spine_kit import said

NOW_MS = 1_793_000_000_000


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def test_a_shift_follows_the_one_that_is_on_duty_and_no_other(ledger: Ledger) -> None:
    """Each takes over from exactly one; what was handed over stays with it, ended when somebody came."""
    with ledger.write() as connection:
        assert shifts.newest(connection) is None
        assert shifts.begin(connection, 7, "an", NOW_MS) is None, "there is no such shift"
        first = shifts.begin(connection, 0, "an", NOW_MS)
        assert first == Shift(1, 0, "an", NOW_MS)
        assert shifts.begin(connection, 0, "binh", NOW_MS + 1) is None, "somebody is on duty already"
        assert shifts.hand_over(connection, 1, "cổng hỏng", {"rings": []}, NOW_MS + 2)
        assert shifts.hand_over(connection, 1, "cổng hỏng\nđã gọi thợ", {"rings": [1]}, NOW_MS + 3)
    with ledger.write() as connection:
        assert shifts.begin(connection, 1, "binh", NOW_MS + 4) == Shift(2, 1, "binh", NOW_MS + 4)
        assert not shifts.hand_over(connection, 1, "muộn rồi", {}, NOW_MS + 5)
    with ledger.read() as connection:
        assert shifts.last(connection, 30) == [
            Shift(2, 1, "binh", NOW_MS + 4),
            Shift(1, 0, "an", NOW_MS, "cổng hỏng\nđã gọi thợ", {"rings": [1]}, NOW_MS + 3, NOW_MS + 4),
        ]
        assert [one.n for one in shifts.of_officer(connection, "an")] == [1]


def test_two_officers_who_press_at_once_are_not_both_on_duty(ledger: Ledger) -> None:
    """One of them, and the other is told so: also where two workers share a PostgreSQL."""
    found: list[Shift | None] = []
    ready = threading.Barrier(4)

    def press(name: str) -> None:
        ready.wait()
        with ledger.write() as connection:
            found.append(shifts.begin(connection, 0, name, NOW_MS))

    threads = [threading.Thread(target=press, args=(f"cb-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 4 and len([one for one in found if one is not None]) == 1
    with ledger.read() as connection:
        assert len(shifts.last(connection, 30)) == 1


def test_the_step_to_shifts_knows_the_last_backup_from_the_audit_book(ledger_url: str) -> None:
    """A hub of the release before does not say that it was never backed up."""
    ledger = Ledger(ledger_url)
    with ledger.write() as connection:
        connection.exec_driver_sql("DROP TABLE shift")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
        for at_ms in (1, 2):
            audits.write(connection, "shell:kengd-hub", "backup", {"rows": 1}, NOW_MS + at_ms)
    ledger.close()
    again = Ledger(ledger_url)
    with again.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Row.metadata) == []
        assert backups.last(value_of(connection, backups.KEPT)) == backups.Last(NOW_MS + 2, "shell:kengd-hub")
    again.close()


def test_what_is_kept_of_an_officer_includes_the_shifts(ledger: Ledger) -> None:
    """All of it is shown to whoever asks for their own."""
    people = people_of(ledger, Clock())
    people.first_officer("truong", "Trưởng công an xã")
    officer = people.officers()[0].id
    with ledger.write() as connection:
        shifts.begin(connection, 0, officer, NOW_MS)
        shown = personal.of_officer(connection, officer)
    assert shown is not None and [one["n"] for one in shown["shifts"]] == [1]


def test_a_shift_is_handed_over_and_received_by_name(hub: Station) -> None:
    """The next one reads the note and what the hub adds: open cases, silent posts, what has rung since."""
    an = hub.officer("an")
    begun = hub.admin.post("/api/shift/receive", {"after": 0})
    assert begun.json()["shift"]["name"] == "Trưởng công an xã"
    assert hub.admin.post("/api/shift/receive", {"after": 0}).json() == begun.json(), "pressed twice it is one shift"
    late = an.post("/api/shift/receive", {"after": 0})
    assert (late.status_code, late.json()["error"]) == (409, "shift_taken") and "Trưởng công an xã" in late.json()["vi"]
    hub.status("bo-trang")
    hub.pressed("an-lao")
    note = "Anh Tư đi viện.\nCổng đang sửa."
    assert an.post("/api/shift/hand-over", {"n": 1, "note": note}).json()["error"] == "not_your_shift"
    assert hub.admin.post("/api/shift/hand-over", {"n": 1, "note": note}).status_code == 200
    seen = an.get("/api/shift").json()
    assert (seen["mine"], seen["shift"]["note"], seen["shift"]["ended_ms"]) == (False, note, None)
    assert an.post("/api/shift/receive", {"after": 1}).json()["shift"]["n"] == 2
    assert hub.admin.post("/api/shift/hand-over", {"n": 1, "note": "nữa"}).json()["error"] == "shift_over"

    before = an.get("/api/shifts").json()["shifts"][1]
    told = before["summary"]
    assert (before["note"], before["name"]) == (note, "Trưởng công an xã") and before["ended_ms"] is not None
    assert [(one["where"], one["taken"]) for one in told["open"]] == [("Thôn An Lão", False)]
    assert [one["post"] for one in told["silent"]] == ["Điểm An Lão", "Điểm Cầu Ngang"]
    assert (told["rings"], told["incidents"], told["missed"], told["failed"]) == (
        [{"signal": "Báo động", "count": 1, "drills": 0}], 1, 0, 0,
    )  # fmt: skip
    assert [act for _, act in acts(hub)][-3:] == ["shift_begun", "shift_handed", "shift_begun"]
    assert note not in hub.admin.get("/api/audit").text, "notes stay out of the chained book"


def test_a_long_shift_counts_all_that_rang(hub: Station) -> None:
    """Nobody has handed over for weeks: what is told to the next one is all, not the newest of it."""
    post, at_ms, prev = "an-lao", wall_ms(), FIRST_PREV
    lines = []
    for seq in range(1, 2_106):
        kind, purpose = "ringing" if seq % 7 else "missed", "drill" if seq % 3 else "actual"
        line = said(kind, activation=f"an-{seq}", signal="alarm", purpose=purpose)
        entry = Entry(book="c" * 16, seq=seq, at=format_at(at_ms), prev=prev, hash=FIRST_PREV, **line)
        prev = chain_hash(prev, entry)
        lines.append(Heard(post, replace(entry, hash=prev), at_ms))
    assert hub.hub.ingest._write(lines)
    told = hub.admin.get("/api/shift").json()["summary"]
    rang = [seq for seq in range(1, 2_106) if seq % 7]
    drills = sum(1 for seq in rang if seq % 3)
    assert told["missed"] == 2_105 // 7
    assert told["rings"] == [{"signal": "Báo động", "count": len(rang) - drills, "drills": drills}]


def test_the_board_and_the_page_say_who_is_on_duty_and_what_was_left(hub: Station) -> None:
    """The note is not for who finds a device lying about; nor is a machine ever on duty."""
    an = hub.officer("an")
    assert "Chưa ai nhận ca trực" in hub.admin.get("/").text
    hub.admin.post("/api/shift/receive", {"after": 0})
    hub.admin.post("/api/shift/hand-over", {"n": 1, "note": "<b>để ý</b> cổng"})
    assert "đã viết bàn giao, chờ người nhận" in hub.admin.get("/phan/tren").text
    reading = an.get("/phan/ca").text
    assert "&lt;b&gt;để ý&lt;/b&gt; cổng" in reading and 'data-receive="1"' in reading and "Tôi, Đồng chí an" in reading
    an.post("/api/shift/receive", {"after": 1})
    assert "Ca trước dặn:" in an.get("/").text and "Bàn giao cho Đồng chí an" in an.get("/ca-truc").text
    hub.idle()
    assert "Ca trước dặn:" not in an.get("/").text and an.get("/api/shift").json()["error"] == "session_locked"
    assert an.post("/api/shift/receive", {"after": 2}).json()["error"] == "session_locked"


def test_who_signs_out_and_who_was_relieved_are_told_who_is_on_duty(hub: Station) -> None:
    """Signing out does not end a shift: that is asked first; whoever was relieved reads by whom, and since when."""
    an = hub.officer("an")
    assert hub.admin.get("/phan/bao").json()["mine"] is False
    hub.admin.post("/api/shift/receive", {"after": 0})
    assert hub.admin.get("/phan/bao").json()["mine"] is True and an.get("/phan/bao").json()["mine"] is False
    page = hub.admin.get("/ca-truc").text
    assert 'id="leave"' in page and "Chỉ đăng xuất máy này (vẫn giữ ca)" in page and "Thôi trực" not in page
    mine = hub.admin.get("/phan/ca-truc").text
    assert 'data-key="1"' in mine and "Bạn đang trực từ" in mine
    hub.admin.post("/api/shift/hand-over", {"n": 1, "note": "ổn"})
    assert 'data-key="1"' in hub.admin.get("/phan/ca-truc").text, "what somebody is writing is not drawn anew"
    an.post("/api/shift/receive", {"after": 1})
    told = hub.admin.get("/phan/ca-truc").text
    assert "Đồng chí an đã nhận ca của bạn lúc" in told and "Bạn đang trực" not in told and 'data-key="1"' not in told
    assert "Bạn đang trực từ" in an.get("/phan/ca-truc").text


def test_a_note_is_bounded_and_a_machine_takes_no_shift(hub: Station) -> None:
    """2,000 characters, in lines; control characters are nobody's hand-over."""
    hub.admin.post("/api/shift/receive", {"after": 0})
    answers = [
        hub.admin.post("/api/shift/hand-over", {"n": 1, "note": text}) for text in ("x" * 2_001, "a\x00b", "a\x1b[2J")
    ]
    assert [one.status_code for one in answers] == [422, 422, 422]
    assert hub.admin.post("/api/shift/hand-over", {"n": 1, "note": "ổn\r\n\r\n" + "x" * 1_900}).status_code == 200
    assert hub.machine(hub.admin).post("/api/shift/receive", {"after": 1}).json()["error"] == "officers_only"
