"""Officers and the audit book as the server makes their pages: who sees what, and each act in words."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.hub.desk import audit_room
from kengd.hub.desk.audit_words import ACTS_SAID, SHUTTING, sentence, who
from kengd.hub.desk.pages.people import device_name
from kengd.hub.ledger import audits
from kengd.hub.people.words import ACTS, MAY, ROLES
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Station, station, text


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


# ---- officers


def test_the_table_of_rights_is_what_the_hub_grants(hub: Station) -> None:
    """Not a text that somebody keeps up to date: each cell is read from the rules."""
    html = hub.admin.get("/can-bo").text
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', html)
    cells = [["được" in cell for cell in re.findall(r"<td>(.*?)</td>", row)] for _, row in rows]
    assert cells == [[act in MAY[role] for role in ROLES] for act in ACTS]


def test_a_duty_officer_sees_whom_to_phone_and_is_offered_nothing_else(hub: Station) -> None:
    """Logins, addresses and forms are for who looks after people; and nobody is offered more than they have."""
    chief, duty = hub.officer("chi-huy", "chief"), hub.officer("an")
    plain = duty.get("/can-bo").text
    assert "Trưởng công an xã" in plain and "chi-huy" not in text(plain).replace("Đồng chí chi-huy", "")
    assert "data-send" not in plain and "/can-bo/toi" in plain
    assert duty.get("/can-bo/" + duty.get("/api/me").json()["officer"]["id"]).status_code == 403
    assert duty.get("/can-bo/toi").status_code == 200
    offered = [re.findall(r'<option value="(\w+)"', one.get("/can-bo").text) for one in (chief, hub.admin)]
    assert offered == [["duty", "chief"], ["duty", "chief", "admin"]]
    admin = chief.get("/can-bo/" + hub.admin.get("/api/me").json()["officer"]["id"]).text
    assert "chỉ xem được" in admin and "/password" not in admin and "Cho nghỉ" not in admin
    assert chief.get("/can-bo/cb-khong-co").json()["error"] == "no_such_officer"


def test_rooms_that_a_role_may_not_enter_are_not_in_its_menu(hub: Station) -> None:
    """And are refused all the same when somebody types their address."""
    rooms = ("/nhat-ky", "/nhat-ky-may", "/sao-luu", "/bat-dau")
    seen = {}
    for role in ROLES:
        officer = hub.officer(f"vai-{role}", role)
        menu = officer.get("/").text
        seen[role] = [room for room in rooms if f'href="{room}"' in menu]
        assert [room for room in rooms if officer.get(room).status_code == 200] == seen[role]
    assert seen == {"duty": [], "chief": ["/nhat-ky", "/nhat-ky-may"], "admin": list(rooms)}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Mozilla/5.0 (Linux; Android 13; SM-A136) Chrome/120.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Mobile Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0", "Firefox, Windows"),
        ("máy thử", "máy thử"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_device_is_named_so_that_its_owner_knows_it(label: str, name: str) -> None:
    """Which of these was the lost phone?"""
    assert device_name(label) == name


# ---- the audit book


def test_every_act_that_the_hub_writes_down_has_a_sentence() -> None:
    """Found in the program's own text: a new act cannot stay without one."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in Path("kengd").rglob("*.py"))
    written = set(re.findall(r'(?:audit_in|audits\.write)\(\s*\w+,\s*[\w.{}":f()]+,\s*"([a-z_]+)"', source))
    written |= set(re.findall(r'(?:\.line|audit_line|audit|_note)\(\s*(?:\w+,\s*)?"([a-z_]+)",', source))
    written |= set(re.findall(r'_changed\(\s*desk,\s*caller,\s*"\w+",\s*"([a-z_]+)"', source))
    assert len(written) > 45 and written - set(ACTS_SAID) == set()
    assert set(SHUTTING) <= set(ACTS_SAID)


@given(
    st.sampled_from(sorted(ACTS_SAID)),
    st.dictionaries(st.text(max_size=9), st.none() | st.integers() | st.text(max_size=9)),
)
def test_a_sentence_is_made_of_any_facts(act: str, facts: dict[str, object]) -> None:
    """Of an earlier or later release, or spoilt in the database: shown, never an error."""
    for language in ("vi", "en"):
        assert sentence(act, facts, language, {}, {})
    assert sentence("chua_biet", {"a": 1}, "vi", {}, {}) == "chua_biet a=1"


def test_who_and_what_are_named_as_people_know_them() -> None:
    """Ids stay in the book; names are looked up."""
    officers, posts = {"cb-1": "Đồng chí An"}, {"an-lao": "Điểm An Lão"}
    facts = {"officer": "cb-1", "changed": ["phone", "role"], "role": "chief"}
    assert [
        sentence("officer_changed", facts, "vi", officers, posts),
        sentence("revoke", {"post": "an-lao", "why": "mất"}, "vi", officers, posts),
        sentence("hush", {"posts": 3}, "en", officers, posts),
        *(who(by, "vi", officers) for by in ("cb-1", "shell:root", "cap:pclb")),
    ] == [
        "sửa cán bộ Đồng chí An: số điện thoại, vai trò", "thu hồi chứng thư của Điểm An Lão: mất", "stopped the sound at 3 posts",
        "Đồng chí An", "người ở máy trực ban (root)", "nguồn tin pclb",
    ]  # fmt: skip


def test_the_audit_book_is_read_by_person_act_and_day_and_says_whether_it_is_whole(hub: Station) -> None:
    """Filtered by the same names in the page, the API and the file."""
    an = hub.officer("an")
    me = an.get("/api/me").json()["officer"]["id"]
    page = text(hub.admin.get("/nhat-ky").text)
    assert "Chuỗi liền mạch" in page and "thêm cán bộ Đồng chí an, vai trò trực ban" in page
    mine = hub.admin.get("/nhat-ky", ai=me).text
    assert [text(row) for row in re.findall(r"<td>(?:Đồng chí an|Trưởng công an xã)</td><td>(.*?)</td>", mine)] == [
        "đổi mật khẩu của mình", "đăng nhập",
    ]  # fmt: skip
    assert "Không có mục nào" in hub.admin.get("/nhat-ky", ngay="2001-01-01").text
    assert "Không có mục nào" in hub.admin.get("/nhat-ky", viec="backup").text
    listed = hub.admin.get("/api/audit", act="officer_made", limit=10).json()["audit"]
    assert [one["act"] for one in listed] == ["officer_made"] * 2
    with hub.hub.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE audit SET \"by\" = 'ai-do' WHERE seq = 3")
    assert "sai từ mục 3" in text(hub.admin.get("/nhat-ky").text)


def test_the_file_for_spreadsheets_holds_all_lines_and_computes_nothing(
    hub: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """UTF-8 with its mark; a cell that begins like a formula is text. Read a hundred lines at a time."""
    monkeypatch.setattr(audit_room, "AT_ONCE", 100)
    assert next(csv.reader(io.StringIO(audit_room._line(["\r=1+1", "\t=1", "yên"]), newline=""))) == [
        "'\r=1+1",
        "'\t=1",
        "yên",
    ]
    with hub.hub.ledger.write() as connection:
        for n in range(230):
            audits.write(connection, "=1+1", "post_put", {"post": f"-p{n}"}, wall_ms())
    answer = hub.admin.get("/api/audit.csv", by="=1+1")
    assert answer.headers["content-disposition"] == 'attachment; filename="nhat-ky.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:4] == ["mục", "lúc", "ai", "việc"] and len(rows) == 231
    assert {row[2] for row in rows[1:]} == {"'=1+1"} and len({row[0] for row in rows[1:]}) == 230
    assert hub.officer("an").get("/api/audit.csv").status_code == 403
