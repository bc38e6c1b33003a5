"""The desk: the roster, what posts are told, enrolment, officers; who may do which, and what the audit book says of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Officer, Station, acts, station
from tests.hub.spine_kit import claims_of


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def test_the_roster_is_changed_row_by_row_with_an_audit_line_each(hub: Station) -> None:
    """Put twice is put once; what is gone is gone from all lists."""
    admin = hub.admin
    assert admin.put("/api/villages/moi", {"name": "Thôn Mới", "households": 30, "rank": 9}).status_code == 200
    assert (
        admin.put("/api/posts/moi", {"name": "Điểm Mới", "villages": ["moi", "an-lao"], "x": 1, "y": 2.5}).status_code
        == 200
    )
    assert (
        admin.put("/api/keepers/ong-sau", {"post": "moi", "name": "Ông Sáu", "phone": "0988000111"}).status_code == 200
    )
    assert admin.put("/api/keepers/ong-sau/away", {"until_ms": 99}).status_code == 200
    assert (
        admin.put("/api/keepers/ong-sau", {"post": "moi", "name": "Ông Sáu", "phone": "0977000111"}).status_code == 200
    )
    assert (
        admin.put(
            "/api/villages/moi/neighbours", {"neighbours": [{"village": "an-lao", "by_itself": True}]}
        ).status_code
        == 200
    )
    assert admin.put("/api/groups/xa", {"name": "Ở xa", "posts": ["moi"]}).status_code == 200
    told = admin.get("/api/roster").json()
    assert told["villages"][-1] == {"id": "moi", "name": "Thôn Mới", "households": 30, "rank": 9}
    assert {**next(item for item in told["posts"] if item["id"] == "moi"), "enrolled_ms": 0} == {
        "id": "moi", "name": "Điểm Mới", "villages": ["an-lao", "moi"], "sounder": False, "x": 1.0, "y": 2.5, "page": None,
        "enrolled_ms": 0, "rank": 0,
    }  # fmt: skip
    sau = next(item for item in told["keepers"] if item["id"] == "ong-sau")
    assert (sau["phone"], sau["away_until_ms"]) == ("0977000111", 99)
    assert {"village": "moi", "neighbour": "an-lao", "by_itself": True} in told["neighbours"]
    assert {"id": "xa", "name": "Ở xa", "posts": ["moi"]} in told["groups"]
    assert [item["id"] for item in admin.get("/api/desk").json()["posts"]][-1] == "moi", "the board shows it at once"
    for path in ("/api/groups/xa", "/api/keepers/ong-sau", "/api/posts/moi", "/api/villages/moi"):
        assert admin.delete(path).status_code == 200, path
        assert admin.delete(path).status_code == 404, path
    after = admin.get("/api/roster").json()
    assert "moi" not in str(after) and "ong-sau" not in str(after)
    assert [act for _, act in acts(hub)][-11:] == [
        "village_put", "post_put", "keeper_put", "keeper_away", "keeper_put", "neighbours_put", "group_put",
        "group_dropped", "data_erased", "post_retired", "village_dropped",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "form", "error"),
    [
        ("/api/posts/moi", {"name": "x", "villages": ["khong-co"]}, "unknown_village"),
        ("/api/posts/all", {"name": "x"}, "reserved_name"),
        ("/api/posts/moi", {"name": "x", "x": 1.0}, "bad_place"),
        ("/api/posts/moi", {"name": "x", "page": "javascript:alert(1)"}, "invalid"),
        ("/api/posts/moi", {"name": "hai\ndòng"}, "invalid"),
        ("/api/keepers/k1", {"post": "khong-co", "name": "x"}, "unknown_post"),
        ("/api/keepers/k1", {"post": "an-lao", "name": "x", "phone": "abc"}, "bad_phone"),
        ("/api/keepers/k1", {"post": "an-lao", "name": "x", "phone": "12"}, "bad_phone"),
        ("/api/keepers/k1", {"post": "an-lao", "name": "x", "channels": ["nonsense"]}, "bad_notice_url"),
        ("/api/keepers/k1", {"post": "an-lao", "name": "x", "channels": ["a\nb"]}, "bad_channels"),
        ("/api/keepers/khong-co/away", {"until_ms": 1}, "no_such_keeper"),
        ("/api/keepers/khong-co/pin", {"pin": "135792"}, "no_such_keeper"),
        ("/api/keepers/ba-tu/pin", {"pin": "1"}, "bad_pin"),
        ("/api/villages/an-lao/neighbours", {"neighbours": [{"village": "an-lao"}]}, "bad_neighbour"),
        ("/api/villages/khong-co/neighbours", {"neighbours": []}, "unknown_village"),
        ("/api/groups/g1", {"name": "x", "posts": ["khong-co"]}, "unknown_post"),
        ("/api/villages/CHU-HOA", {"name": "x"}, "invalid"),
    ],
)
def test_a_wrong_change_changes_nothing(hub: Station, path: str, form: dict[str, Any], error: str) -> None:
    """Said in the manners of all errors; the roster and the audit book stay as they were."""
    before = hub.admin.get("/api/roster").json()
    assert hub.admin.put(path, form).json()["error"] == error
    assert hub.admin.get("/api/roster").json() == before
    assert [act for _, act in acts(hub) if act.endswith("_put")] == []


def test_roles_decide_who_may_change_what(hub: Station) -> None:
    """trực ban: neither; chỉ huy: people; quản trị: enrolment too."""
    duty, chief = hub.officer("binh"), hub.officer("chi", "chief")
    people, posts = {"name": "Thôn Mới"}, {"name": "Điểm Mới"}
    until = {"id": hub.act(), "until": wall_ms() // 1000 + 60}
    book = {"id": hub.act(), "version": 2, "codebook": {"use": "commune"}}
    codes = [
        [officer.put("/api/villages/moi", people).status_code, officer.put("/api/posts/moi", posts).status_code,
         officer.post("/api/posts/an-lao/silence", {**until, "id": hub.act()}).status_code,
         officer.post("/api/posts/an-lao/codebook", {**book, "id": hub.act()}).status_code,
         officer.post("/api/posts/an-lao/enrol", {"id": hub.act()}).status_code,
         officer.post("/api/officers", {"login": "x", "name": "X", "role": "duty"}).status_code]
        for officer in (duty, chief)
    ]  # fmt: skip
    assert codes == [[403] * 6, [200, 403, 201, 201, 403, 201]]


def test_posts_are_told_silence_locks_codebooks_and_timetables_once(hub: Station) -> None:
    """Each followed as a dispatch; what a post would refuse is refused here."""
    until = wall_ms() // 1000 + 3600
    forms: list[tuple[str, dict[str, Any]]] = [
        ("silence", {"until": until, "why": "đám tang"}),
        ("lock-input", {"button": "alarm", "locked": True}),
        ("codebook", {"version": 3, "codebook": {"use": "commune"}}),
        ("timetable", {"version": 4, "timetable": [{"at": "22:00", "days": "daily", "signal": "curfew"}]}),
    ]
    for path, form in forms:
        act = hub.act()
        for _ in range(2):
            told = hub.admin.post(f"/api/posts/an-lao/{path}", {"id": act, **form})
            assert told.status_code == 201, told.text
            assert [item["post"] for item in told.json()["targets"]] == ["an-lao"]
        elsewhere = hub.admin.post(f"/api/posts/bo-trang/{path}", {"id": act, **form})
        assert elsewhere.json()["error"] == "id_reused"
        assert hub.admin.post(f"/api/posts/khong-co/{path}", {"id": hub.act(), **form}).status_code == 404
    assert [claims_of(jws)["cmd"]["do"] for _, jws in hub.line.said] == [
        "silence",
        "lock_input",
        "codebook",
        "timetable",
    ]
    assert [act for _, act in acts(hub)][-4:] == ["silence", "lock_input", "codebook", "timetable"]
    far = hub.admin.post("/api/posts/an-lao/silence", {"id": hub.act(), "until": until + 40 * 86_400})
    assert far.json()["error"] == "bad_until"
    big = {"id": hub.act(), "version": 9, "codebook": {"x": "y" * 31_000}}
    assert hub.admin.post("/api/posts/an-lao/codebook", big).status_code == 413
    headers = {"X-Kengd-Csrf": hub.admin.csrf, "Content-Type": "application/json"}
    for raw in (
        b'{"id":"act-nan00","version":9,"codebook":{"x":NaN}}',
        b'{"id":"act-nan00","version":9,"codebook":{"x":"\\ud800"}}',
    ):
        answer = hub.admin.web.post("/api/posts/an-lao/codebook", content=raw, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (422, "invalid")


def test_an_enrolment_file_is_given_out_once_and_kept_nowhere(hub: Station) -> None:
    """R42: a download that no cache keeps; a double click does not revoke what was just given; a swap revokes the old one."""
    act = {"id": hub.act()}
    given = hub.admin.post("/api/posts/an-lao/enrol", act)
    assert given.status_code == 200 and "no-store" in given.headers["cache-control"]
    assert given.headers["content-disposition"] == 'attachment; filename="kengd.toml"'
    settings = tomllib.loads(given.text)
    assert (settings["post"]["id"], settings["post"]["villages"]) == ("an-lao", ["Thôn An Lão"])
    assert "PRIVATE KEY" in given.text
    again = hub.admin.post("/api/posts/an-lao/enrol", act)
    assert (again.status_code, again.json()["error"]) == (409, "already_given") and hub.revoked == []
    assert (
        hub.admin.get("/api/posts/an-lao/certificates").json()["valid"][0]["serial"] == given.headers["x-kengd-serial"]
    )
    swapped = hub.admin.post("/api/posts/an-lao/enrol", {"id": hub.act()})
    assert swapped.status_code == 200 and hub.revoked == [True]
    with hub.hub.ledger.read() as connection:
        kept = [str(row) for row in connection.exec_driver_sql("SELECT * FROM value")]
        audits = [str(row) for row in connection.exec_driver_sql("SELECT * FROM audit")]
    assert "PRIVATE KEY" not in "".join(kept + audits)
    assert hub.admin.post("/api/posts/khong-co/enrol", {"id": hub.act()}).status_code == 404
    named = hub.admin.post("/api/posts/an-lao/enrol", {"id": hub.act(), "broker_host": "10.9.9.9"})
    assert (named.status_code, named.json()["error"]) == (422, "host_not_in_certificate")
    broken = hub.admin.post("/api/posts/an-lao/enrol", {"id": hub.act(), "template": "x = = 1"})
    assert broken.status_code == 422
    assert hub.admin.post("/api/posts/an-lao/revoke", {"why": "mất máy"}).json()["revoked"] == [
        swapped.headers["x-kengd-serial"]
    ]
    assert hub.revoked == [True, True]
    assert hub.admin.post("/api/posts/an-lao/revoke", {"why": "mất máy"}).json()["error"] == "not_enrolled"
    assert [act for _, act in acts(hub)][-3:] == ["enrol", "enrol", "revoke"]


def test_officers_are_made_changed_and_ended(hub: Station) -> None:
    """Nobody gives more than they have; the last admin stays; what they did stays."""
    made = hub.admin.post(
        "/api/officers", {"login": "lan", "name": "Đồng chí Lan", "role": "chief", "phone": "0911000111"}
    )
    officer = made.json()["officer"]["id"]
    assert made.status_code == 201 and len(made.json()["password"]) >= 10
    assert (
        hub.admin.post("/api/officers", {"login": "lan", "name": "Khác", "role": "duty"}).json()["error"]
        == "login_taken"
    )
    lan = Officer(hub.app, "Đồng chí Lan")
    lan.sign_in("lan", made.json()["password"])
    lan.put("/api/me/password", {"old": made.json()["password"], "new": "mật khẩu của lan"})
    assert lan.put(f"/api/officers/{officer}", {"role": "admin"}).json()["error"] == "above_you"
    assert (
        hub.admin.put(f"/api/officers/{officer}", {"name": "Thượng úy Lan"}).json()["officer"]["name"]
        == "Thượng úy Lan"
    )
    assert len(hub.admin.get(f"/api/officers/{officer}/devices").json()["devices"]) == 1
    duty = hub.officer("binh")
    assert [set(item) for item in duty.get("/api/officers").json()["officers"]] == [
        {"id", "name", "role", "phone", "rank"}
    ] * 3
    assert duty.get(f"/api/officers/{officer}/devices").json()["error"] == "not_allowed"
    assert hub.admin.get(f"/api/officers/{officer}/data").json()["officer"]["phone"] == "0911000111"
    assert hub.admin.get("/api/keepers/ba-tu/data").json()["keeper"]["name"] == "Bà Tư"
    assert hub.admin.get(f"/api/officers/{officer}/tokens").json() == {"tokens": []}
    assert hub.admin.delete(f"/api/officers/{officer}/tokens/none").json() == {"ended": False}
    assert hub.admin.delete(f"/api/officers/{officer}/devices").json() == {"ended": 1}
    assert lan.get("/api/me").status_code == 401
    assert len(hub.admin.post(f"/api/officers/{officer}/password").json()["password"]) >= 10
    assert hub.admin.post(f"/api/officers/{officer}/erase").json()["error"] == "not_ended"
    assert hub.admin.delete(f"/api/officers/{officer}").json() == {"ended": True}
    assert hub.admin.delete(f"/api/officers/{officer}").json()["error"] == "no_such_officer"
    assert hub.admin.post(f"/api/officers/{officer}/erase").json() == {"erased": True}
    mine = hub.admin.get("/api/me").json()["officer"]["id"]
    assert hub.admin.delete(f"/api/officers/{mine}").json()["error"] == "last_admin"
    assert hub.people.audit_wrong() is None
