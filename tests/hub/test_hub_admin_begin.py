"""The log that pages show, the first steps of a hub, and the door: no secret (P12), no hand-made tick, no way to elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kengd.hub import backups, beginning
from kengd.hub.beginning import STEPS, Facts
from kengd.hub.desk.pages.page import way_back
from kengd.hub.ledger import notices, values
from kengd.hub.ledger.notices import Sent
from kengd.hub.loglines import KEPT, Recent, without_secrets
from kengd.hub.people.words import Officer
from kengd.hub.roster import Village
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Officer as Browser
from tests.hub.desk_kit import Station, copied, station, text
from tests.hub.people_database import PASSWORD


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


# ---- the log


def said(recent: Recent, *lines: tuple[int, str]) -> None:
    """These lines, as a program writes them."""
    log = logging.Logger("kengd.hub.thu")
    log.addHandler(recent)
    for level, line in lines:
        log.log(level, "%s", line)


SECRETS = (
    "kengd_AbCdEfGhIjKlMnOpQrStUvWxYz012345", "postgresql://kengd:bi-mat@db/kengd", "password=bi-mat", '{"pin": "271828"}',
    "Authorization: Bearer abc.def-ghi", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQ\n-----END PRIVATE KEY-----",
    "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJodWIifQ.c2lnbmF0dXJl", "tgram://110201543:AAHdqTcvCH1v@987654",
)  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_comes_into_the_log_that_pages_show(secret: str) -> None:
    """P12: struck out on the way in, so that no page, file or memory dump of it has one."""
    recent = Recent()
    said(recent, (logging.WARNING, f"trước {secret} sau"))
    [line] = recent.lines()
    words = ("AbCdEf", "bi-mat", "271828", "abc.def", "MC4CAQ", "eyJpc3M", "AAHdq")
    assert not [word for word in words if word in line.text]
    assert line.text.startswith("trước") and without_secrets("đường dây đã có lại") == "đường dây đã có lại"


def test_an_exception_is_logged_by_its_kind_and_place_and_not_by_its_words() -> None:
    """A database's own sentence holds what was being written."""
    recent = Recent()
    log = logging.Logger("kengd.hub.thu")
    log.addHandler(recent)
    try:
        raise ValueError("số điện thoại 0912345678")
    except ValueError:
        log.exception("không ghi được")
    [line] = recent.lines()
    assert "0912345678" not in line.text and "ValueError" in line.text and "test_hub_admin_begin.py:" in line.text


def test_the_log_keeps_its_newest_lines_and_stays_bounded() -> None:
    """However much is said, and however long a line is."""
    recent = Recent()
    said(recent, *((logging.INFO, "x" * 2_500) for _ in range(KEPT + 5)))
    found = recent.lines()
    assert (len(found), found[0].n, found[-1].n, len(found[0].text)) == (KEPT, KEPT + 5, 6, 2_000)
    assert [line.n for line in recent.lines(after=KEPT + 3)] == [KEPT + 5, KEPT + 4]


def test_the_log_is_shown_by_level_and_given_as_a_file(hub: Station) -> None:
    """To whoever may read the audit book; what it says is text, whoever caused it."""
    recent = Recent()
    hub.app.state.desk.log = recent
    said(
        recent,
        (logging.DEBUG, "nhỏ nhặt"),
        (logging.INFO, "đường dây có lại"),
        (logging.ERROR, "hỏng <script>alert(1)</script>"),
    )
    usual, errors = hub.admin.get("/nhat-ky-may").text, hub.admin.get("/phan/nhat-ky-may", muc="error").text
    assert "đường dây có lại" in usual and "nhỏ nhặt" not in usual
    assert "đường dây có lại" not in errors and "&lt;script&gt;" in errors and "<script>alert" not in errors
    file = hub.admin.get("/api/log.txt", level="debug")
    assert [line.split(" ", 2)[2] for line in file.text.splitlines()[1:]] == [
        "DEBUG   kengd.hub.thu: nhỏ nhặt", "INFO    kengd.hub.thu: đường dây có lại",
        "ERROR   kengd.hub.thu: hỏng <script>alert(1)</script>",
    ]  # fmt: skip
    assert [one["level"] for one in hub.admin.get("/api/log", level="info").json()["lines"]] == ["error", "info"]
    assert hub.officer("an").get("/api/log").json()["error"] == "not_allowed"
    hub.app.state.desk.log = None
    assert "không giữ nhật ký" in hub.admin.get("/nhat-ky-may").text


# ---- the first steps

CHIEF = Officer("cb-1", "truong", "Trưởng", "admin", phone="0912345678", has_pin=True)
WHOLE = Facts(
    CHIEF, [CHIEF, replace(CHIEF, id="cb-2", login="hai")], [Village("a", "Thôn A", 10)], {"a"}, {"a"}, {"a"}, True, True, True
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "undone"),
    [
        ({}, []),
        ({"own": replace(CHIEF, has_pin=False)}, ["own"]),
        ({"own": replace(CHIEF, must_change=True)}, ["own"]),
        ({"villages": []}, ["villages"]),
        ({"villages": [Village("a", "A", 10), Village("b", "B")]}, ["villages"]),
        ({"officers": [CHIEF]}, ["officers"]),
        ({"officers": [CHIEF, replace(CHIEF, id="cb-2", role="chief")]}, ["officers"]),
        ({"officers": [CHIEF, replace(CHIEF, id="cb-2", phone="")]}, ["officers"]),
        ({"officers": [CHIEF, replace(CHIEF, id="cb-2", phone="", channels=("tgram://x/y",))]}, []),
        ({"letting_in": set(), "ready": set(), "tested": set()}, ["post_file", "green", "silent_test"]),
        ({"seen": False, "backed_up": False, "reached": False}, ["codebook", "backup", "notices"]),
    ],
)  # fmt: skip
def test_a_first_step_is_done_when_the_facts_say_so(changes: dict[str, object], undone: list[str]) -> None:
    """Nobody ticks anything by hand; each fact decides its own step."""
    found = beginning.done(replace(WHOLE, **changes))  # type: ignore[arg-type]
    assert tuple(found) == STEPS and [step for step, done in found.items() if not done] == undone


def test_the_first_steps_come_up_at_sign_in_until_an_admin_puts_them_away(hub: Station) -> None:
    """Only for admins; after the first password too."""
    with hub.hub.ledger.write() as connection:
        values.put_value(connection, beginning.PUT_AWAY, None)
    assert [Browser(hub.app, "").sign_in("truong").json()["start"], hub.officer("an").sign_in("an").json()["start"]] == [
        "/bat-dau", "/",
    ]  # fmt: skip
    made = hub.admin.post("/api/officers", {"login": "hai", "name": "Đồng chí Hai", "role": "admin"}).json()
    second = Browser(hub.app, "Đồng chí Hai")
    second.sign_in("hai", made["password"])
    changed = second.put("/api/me/password", {"old": made["password"], "new": PASSWORD})
    assert changed.json() == {"changed": True, "start": "/bat-dau"}
    assert hub.admin.post("/api/begin/away", {"away": True}).status_code == 200
    assert Browser(hub.app, "").sign_in("truong").json()["start"] == "/"
    assert hub.admin.post("/api/begin/away", {"away": False}).json() == {"away": False}
    assert hub.officer("binh").post("/api/begin/away", {"away": True}).json()["error"] == "not_allowed"


def test_the_page_of_first_steps_ticks_what_is_there(hub: Station) -> None:
    """From a hub with villages to one with a backup, a read codebook and a notice that came through."""
    before = hub.admin.get("/api/begin").json()
    assert [step for step, done in before["steps"].items() if done] == ["villages"]
    hub.status("an-lao")
    assert hub.admin.post("/api/begin/seen", {"what": "codebook"}).status_code == 200
    with hub.hub.ledger.write() as connection:
        backups.note(connection, "shell:root", "/x", 1, wall_ms())
        me = hub.admin.get("/api/me").json()["officer"]["id"]
        notices.keep(connection, Sent(wall_ms(), "trial", me, "sms …678", "thử", True))
    after = hub.admin.get("/api/begin").json()
    assert [step for step, done in after["steps"].items() if done] == [
        "villages",
        "green",
        "codebook",
        "backup",
        "notices",
    ]
    html = hub.admin.get("/bat-dau").text
    assert html.count("✓ xong") == 5 and html.count("○ chưa") == 4 and "5 trên 9" in text(html)


def test_a_trial_notice_goes_by_every_way_there_is_or_says_that_there_is_none(hub: Station) -> None:
    """H6: a wrong address is found by day. To another only by who looks after people."""
    an = hub.officer("an")
    none = an.post("/api/notices/trial", {})
    assert (none.status_code, none.json()["error"]) == (409, "no_way")
    me = an.get("/api/me").json()["officer"]["id"]
    hub.admin.put(f"/api/officers/{me}", {"channels": ["tgram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/987654"]})
    assert an.post("/api/notices/trial", {}).json() == {"messages": 1}
    assert hub.admin.post("/api/notices/trial", {"officer": me}).json() == {"messages": 1}
    other = hub.admin.get("/api/me").json()["officer"]["id"]
    assert an.post("/api/notices/trial", {"officer": other}).json()["error"] == "not_allowed"
    assert hub.hub.herald.waiting() == 2


# ---- the door


@pytest.mark.parametrize(
    "path",
    ["", "//evil.example/x", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\nb", "/vao", "/vao?tu=/x", "/mat-khau",
     "/" + "x" * 600, "/a\\b", "nhat-ky", "\t/nhat-ky"],
)  # fmt: skip
def test_no_address_leads_an_officer_away_after_sign_in(path: str) -> None:
    """Only to pages of our own; anything else is as if nothing had been asked for."""
    assert way_back(path) == ""


def test_a_session_that_ended_leads_back_to_where_one_was(tmp_path: Path) -> None:
    """With its filters; a stranger's link to elsewhere does not."""
    made = copied(tmp_path, {})
    stranger = Browser(made.app, "")
    sent = stranger.web.get("/nhat-ky?ngay=2026-11-22&viec=ring", follow_redirects=False)
    assert sent.headers["location"] == "/vao?tu=%2Fnhat-ky%3Fngay%3D2026-11-22%26viec%3Dring"
    assert 'data-back="/nhat-ky?ngay=2026-11-22&amp;viec=ring"' in stranger.web.get(sent.headers["location"]).text
    assert 'data-back=""' in stranger.get("/vao", tu="//evil.example").text
    stranger.sign_in("truong")
    there = stranger.web.get("/vao?tu=%2Fnhat-ky", follow_redirects=False)
    assert (there.status_code, there.headers["location"]) == (303, "/nhat-ky")
    made.hub.ledger.close()


def test_whoever_is_slowed_is_told_for_how_many_seconds(hub: Station) -> None:
    """The page counts them down; a device that is signed in is not slowed and stops the sound."""
    stranger = Browser(hub.app, "")
    answers = [stranger.sign_in("truong", "sai mật khẩu") for _ in range(7)]
    waiting = next(one for one in answers if one.status_code == 429)
    assert waiting.json()["error"] == "try_later" and 1 <= waiting.json()["wait_s"] <= 60
    assert waiting.headers["retry-after"] == str(waiting.json()["wait_s"])
    assert hub.admin.post("/api/hushes", {"id": hub.act(), "all": True}).status_code == 201
