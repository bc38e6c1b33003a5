"""A backup from the page, a look into one, and a restore that the next start puts in place; each step as an administrator takes it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from kengd.errors import KengdError
from kengd.hub import backups, restored, staging
from kengd.hub.authority import sealing
from kengd.hub.desk import handed_in as handed_in_room
from kengd.hub.desk import restarting
from kengd.hub.ledger import audits, values
from kengd.hub.ledger.store import Ledger, sqlite_url
from kengd.hub.people.officers import Officers
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import ORIGIN, Officer, Station, acts, station
from tests.hub.spine_kit import COMMUNE

PASS = "năm con trâu qua sông"
TOML = """state_dir = "{state}"
[commune]
id = "{commune}"
name = "Xã Cộng Lạc"
[broker]
names = ["127.0.0.1"]
tls = false
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    """With a settings file, as the service has one; passphrases cost the least that is allowed."""
    monkeypatch.setattr(sealing, "N", sealing.LEAST_N)
    made = station(tmp_path)
    config = tmp_path / "hub.toml"
    config.write_text(TOML.format(state=tmp_path, commune=COMMUNE), encoding="utf-8")
    made.app.state.desk.config = config
    yield made
    made.hub.ledger.close()


def handed_in(
    officer: Officer, what: str, content: bytes | Iterator[bytes], passphrase: str = PASS, **more: str
) -> httpx.Response:
    """As the page sends a file."""
    headers = {"Origin": ORIGIN, "X-Kengd-Csrf": officer.csrf, "X-Kengd-Passphrase": quote(passphrase), **more}
    answer: httpx.Response = officer.web.post(f"/api/backup/{what}", content=content, headers=headers)
    return answer


def made(hub: Station) -> bytes:
    answer = hub.admin.post("/api/backup", {"passphrase": PASS})
    assert answer.status_code == 200, answer.text
    return answer.content


def officers_in(file: Path) -> list[str]:
    """Who is in service, by the ledger in this file."""
    ledger = Ledger(sqlite_url(file))
    try:
        return sorted(one.login or "" for one in Officers(ledger, wall_ms, os.urandom).officers())
    finally:
        ledger.close()


def test_a_backup_comes_to_the_browser_and_leaves_nothing_on_the_hub(hub: Station, tmp_path: Path) -> None:
    """The whole hub, sealed, as `kengd hub restore` reads it; the file on the hub's disk has no name and is gone."""
    before = sorted(path.name for path in tmp_path.iterdir())
    answer = hub.admin.post("/api/backup", {"passphrase": PASS})
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="kengd-{COMMUNE}-')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as pack:
        assert sorted(pack.namelist()) == ["about.json", "authority.sealed", "hub.toml", "ledger.jsonl", "sums.sealed"]
    assert PASS.encode() not in answer.content
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert acts(hub)[-1] == ("Trưởng công an xã", "backup")
    short = hub.admin.post("/api/backup", {"passphrase": "ngắn"})
    assert (short.status_code, short.json()["error"]) == (422, "weak_passphrase")
    hub.app.state.desk.config = None
    assert hub.admin.post("/api/backup", {"passphrase": PASS}).json()["error"] == "no_settings_file"


def test_only_an_administrator_has_to_do_with_backups(hub: Station) -> None:
    """P12: keys are in them. The page, too."""
    chief = hub.officer("chi-huy", "chief")
    content = made(hub)
    answers = [
        chief.get("/api/backup"), chief.post("/api/backup", {"passphrase": PASS}), handed_in(chief, "check", content),
        handed_in(chief, "restore", content, **{"X-Kengd-Commune": COMMUNE}), chief.post("/api/backup/checked"),
        chief.post("/api/backup/cancel"), chief.post("/api/backup/undo", {"name": "before-restore-1"}), chief.get("/sao-luu"),
    ]  # fmt: skip
    assert [(one.status_code, one.json()["error"]) for one in answers] == [(403, "not_allowed")] * 8
    no_csrf = hub.admin.web.post(
        "/api/backup/check", content=content, headers={"Origin": ORIGIN, "X-Kengd-Passphrase": "x"}
    )
    assert no_csrf.json()["error"] == "csrf"
    foreign = hub.admin.web.post("/api/backup/check", content=content, headers={"Origin": "http://evil.example"})
    assert foreign.json()["error"] == "wrong_origin"


def test_a_look_into_a_backup_says_what_is_in_it_and_what_has_happened_since(hub: Station) -> None:
    """It is proved whole; nothing of it is used."""
    hub.pressed("an-lao")
    content = made(hub)
    hub.officer("binh")
    found = handed_in(hub.admin, "check", content).json()
    assert {key: found["rows"][key] for key in ("post", "village", "keeper", "officer", "incident", "entry")} == {
        "post": 3, "village": 2, "keeper": 1, "officer": 1, "incident": 1, "entry": 1,
    }  # fmt: skip
    assert (found["by_name"], found["commune"], found["fits"], found["settings_same"]) == (
        "Trưởng công an xã", COMMUNE, True, True,
    )  # fmt: skip
    assert [one["said"] for one in reversed(found["since"])] == [
        "thêm cán bộ Đồng chí binh, vai trò trực ban", "đổi mật khẩu của mình",
    ]  # fmt: skip
    wrong = handed_in(hub.admin, "check", content, "câu khác hẳn rồi")
    assert wrong.json()["error"] == "wrong_passphrase"
    broken = handed_in(hub.admin, "check", content[:-2000])
    assert broken.json()["error"] == "backup_broken" and "vừa gửi lên" in broken.json()["vi"]
    spoilt = io.BytesIO(content)
    with zipfile.ZipFile(spoilt, "a") as pack:
        pack.writestr("about.json", json.dumps({"kengd-hub-backup": 2, "made_ms": 1}))
    assert handed_in(hub.admin, "check", spoilt.getvalue()).json()["error"] == "backup_broken"


def test_an_upload_is_bounded_and_one_at_a_time(hub: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is not a stranger's to fill, nor the memory: what is over the bound is refused as it comes."""
    monkeypatch.setattr(handed_in_room, "LARGEST_BACKUP", 1_000)
    for content in (b"PK" + b"x" * 999, iter([b"P", b"K" * 1_000])):
        refused = handed_in(hub.admin, "check", content)
        assert (refused.status_code, refused.json()["error"]) == (413, "too_large")
    assert handed_in(hub.admin, "check", b"PK" + b"x" * 998).json()["error"] == "backup_broken"
    with hub.app.state.desk.keeping:
        assert handed_in(hub.admin, "check", b"x").json()["error"] == "busy"


def test_what_is_no_backup_or_finds_no_room_is_refused_before_it_is_written(
    hub: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first bytes tell that it is no zip; twice the announced size must be free, or the ledger's disk would run full."""
    written: list[bytes] = []

    class Paper(io.BytesIO):
        def write(self, data: Any) -> int:
            written.append(bytes(data))
            return super().write(data)

    monkeypatch.setattr(handed_in_room, "nameless", lambda state: Paper())
    told = handed_in(hub.admin, "check", b"MZ" + b"x" * 200_000).json()
    assert (told["error"], written) == ("backup_broken", []) and "vừa gửi lên" in told["vi"]

    async def drops() -> AsyncIterator[bytes]:
        for chunk in (b"P", b"Q" * 9, b"x" * 1_000):
            yield chunk

    with pytest.raises(KengdError, match="no zip"):
        asyncio.run(handed_in_room._received(SimpleNamespace(stream=drops), Paper()))  # type: ignore[arg-type]
    assert written == [b"P"], "so far it might have been one"
    written.clear()
    free = SimpleNamespace(free=399_999)
    monkeypatch.setattr("shutil.disk_usage", lambda state: free)
    told = handed_in(hub.admin, "check", b"PK" + b"x" * 199_998).json()
    assert (told["error"], written) == ("backup_unwritable", []) and "dọn đĩa" in told["cure"]
    free.free += 1
    assert handed_in(hub.admin, "check", b"PK" + b"x" * 199_998).json()["error"] == "backup_broken" and written != []


def test_a_restore_is_made_beside_and_taken_at_the_next_start_and_there_is_a_way_back(
    hub: Station, tmp_path: Path
) -> None:
    """Nothing is lost: the present hub is put aside whole, and takes its place again when somebody wants it."""
    hub.officer("an")
    content = made(hub)
    hub.officer("binh")
    typo = handed_in(hub.admin, "restore", content, **{"X-Kengd-Commune": "xa-khac"})
    assert typo.json()["error"] == "not_sure"
    answer = handed_in(hub.admin, "restore", content, **{"X-Kengd-Commune": COMMUNE})
    assert answer.status_code == 200 and answer.json()["restarts"] is False
    state = hub.admin.get("/api/backup").json()
    assert state["staged"]["back"] is False and state["aside"] == []
    assert officers_in(tmp_path / "ledger.sqlite") == ["an", "binh", "truong"], "nothing has changed yet"
    key = (tmp_path / "authority").stat().st_ino
    hub.hub.ledger.close()

    plan = staging.take(tmp_path)
    assert plan is not None and staging.take(tmp_path) is None
    assert officers_in(tmp_path / "ledger.sqlite") == ["an", "truong"]
    assert officers_in(tmp_path / plan.aside / "ledger.sqlite") == ["an", "binh", "truong"]
    assert (tmp_path / "authority").stat().st_ino != key
    ledger = Ledger(sqlite_url(tmp_path / "ledger.sqlite"))
    with ledger.read() as connection:
        assert values.value_of(connection, "restored") is not None, "who was shut out later is to be shut out again"
        assert audits.verify(connection) is None
    ledger.close()
    assert [one.name for one in staging.earlier(tmp_path)] == [plan.aside]

    staging.stage_back(tmp_path, plan.aside, "cb-1", wall_ms() + 5)
    back = staging.take(tmp_path)
    assert back is not None and back.back
    assert officers_in(tmp_path / "ledger.sqlite") == ["an", "binh", "truong"]
    assert officers_in(tmp_path / back.aside / "ledger.sqlite") == ["an", "truong"]
    with pytest.raises(KengdError) as wrong:
        staging.stage_back(tmp_path, plan.aside, "cb-1", wall_ms())
    assert wrong.value.code == "nothing_aside"


def test_a_restore_waits_for_no_alarm_and_can_be_called_off(hub: Station, tmp_path: Path) -> None:
    """Nobody loses the page while a village calls; what was prepared is dropped again."""
    content = made(hub)
    restarted: list[bool] = []
    hub.app.state.desk.restart = lambda: restarted.append(True)
    incident = hub.pressed("an-lao")
    refused = handed_in(hub.admin, "restore", content, **{"X-Kengd-Commune": COMMUNE})
    assert (refused.status_code, refused.json()["error"]) == (409, "alarm_open")
    hub.admin.post(f"/api/incidents/{incident}/acknowledge")
    assert handed_in(hub.admin, "restore", content, **{"X-Kengd-Commune": COMMUNE}).json()["error"] == "alarm_open"
    hub.hears("an-lao", "finished", activation="an-0001", signal="alarm", purpose="actual", source="button")
    hub.app.state.desk.restart = None
    assert handed_in(hub.admin, "restore", content, **{"X-Kengd-Commune": COMMUNE}).status_code == 200
    assert hub.admin.post("/api/backup/cancel").json() == {"cancelled": True}
    assert hub.admin.get("/api/backup").json()["staged"] is None
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("restore-")] and restarted == []
    told = [act for _, act in acts(hub)]
    assert told[-2:] == ["restore_asked", "restore_cancelled"]
    assert hub.admin.post("/api/backup/cancel").json() == {"cancelled": False}
    assert [act for _, act in acts(hub)] == told, "what did not wait was not called off"


class Later:
    """A timer that waits for the test."""

    def __init__(self, after_s: float, then: Callable[..., None], args: tuple[Any, ...]) -> None:
        self.daemon, self.then, self.args = False, then, args

    def start(self) -> None:
        started.append(self)

    def comes(self) -> None:
        self.then(*self.args)


started: list[Later] = []


def test_an_alarm_that_begins_during_a_restore_stops_it(hub: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """H6: an upload may last half an hour. It is looked again when all is ready, and in the moment of the restart; a village that
    calls then keeps its hub, what was ready is put away, and both rooms say so."""
    started.clear()
    monkeypatch.setattr(restarting, "Timer", Later)
    restarted: list[bool] = []
    hub.app.state.desk.restart = lambda: restarted.append(True)
    content, sure = made(hub), {"X-Kengd-Commune": COMMUNE}
    real = staging.stage

    def slow(*args: Any) -> Any:
        found = real(*args)
        hub.pressed("an-lao")
        return found

    monkeypatch.setattr(staging, "stage", slow)
    refused = handed_in(hub.admin, "restore", content, **sure)
    assert (refused.status_code, refused.json()["error"]) == (409, "alarm_open")
    assert hub.admin.get("/api/backup").json()["staged"] is None and started == []
    assert "restore_asked" not in [act for _, act in acts(hub)]
    hub.hears("an-lao", "finished", activation="an-0001", signal="alarm", purpose="actual", source="button")
    hub.admin.post("/api/incidents/an-lao-an-0001/acknowledge")

    monkeypatch.setattr(staging, "stage", real)
    assert handed_in(hub.admin, "restore", content, **sure).json()["restarts"] is True
    hub.pressed("bo-trang", "bt-0001")
    started[0].comes()
    state = hub.admin.get("/api/backup").json()
    assert (restarted, state["staged"], state["put_away"]["code"]) == ([], None, "restore_put_away")
    assert acts(hub)[-1] == ("Trưởng công an xã", "restore_cancelled")
    assert all("nên bản đang chờ đã được cất đi" in hub.admin.get(room).text for room in ("/", "/sao-luu"))
    assert [one["code"] for one in hub.admin.get("/healthz").json()["conditions"]] == ["restore_put_away"]
    hub.hears("bo-trang", "finished", activation="bt-0001", signal="alarm", purpose="actual", source="button")
    hub.admin.post("/api/incidents/bo-trang-bt-0001/acknowledge")

    assert handed_in(hub.admin, "restore", content, **sure).json()["restarts"] is True
    assert hub.admin.get("/api/backup").json()["put_away"] is None
    hub.admin.post("/api/backup/cancel")
    started[1].comes()
    assert restarted == [], "called off in the last second"
    handed_in(hub.admin, "restore", content, **sure)
    started[2].comes()
    assert restarted == [True]


def test_an_alarm_that_begins_during_the_way_back_stops_it_too(
    hub: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub that was aside is aside again, under its name, whole."""
    aside = tmp_path / f"{staging.ASIDE}5"
    aside.mkdir()
    (aside / "ledger.sqlite").write_bytes(b"as it was")
    real = staging.stage_back

    def slow(*args: Any) -> None:
        real(*args)
        hub.pressed("an-lao")

    monkeypatch.setattr(staging, "stage_back", slow)
    refused = hub.admin.post("/api/backup/undo", {"name": aside.name})
    assert refused.json()["error"] == "alarm_open"
    assert staging.staged(tmp_path) is None and [one.name for one in staging.earlier(tmp_path)] == [aside.name]
    assert [path.name for path in aside.iterdir()] == ["ledger.sqlite"]


def test_a_restore_that_waits_for_the_next_start_is_said_on_the_desk(hub: Station, tmp_path: Path) -> None:
    """Any start would put it in place, a power cut's too: who asked, when, and how to take it back; a plan that cannot be read
    breaks no page."""
    assert hub.admin.get("/api/desk").json()["conditions"]["staged"] is None
    handed_in(hub.admin, "restore", made(hub), **{"X-Kengd-Commune": COMMUNE})
    found = hub.officer("binh").get("/api/desk").json()["conditions"]["staged"]
    assert (found["code"], found["by_name"]) == ("restore_staged", "Trưởng công an xã")
    shown = hub.admin.get("/").text
    assert "lần khởi động tới của máy trực ban sẽ thay toàn bộ dữ liệu" in shown
    assert "người yêu cầu: Trưởng công an xã" in shown and "bấm “Thôi, không thay”" in shown
    told = hub.admin.get("/healthz").json()["conditions"]
    assert [one["code"] for one in told] == ["restore_staged"] and "by" not in told[0]
    plan = tmp_path / staging.NEXT / staging.PLAN
    plan.write_text("{")
    assert hub.admin.get("/").status_code == 200
    plan.write_text(json.dumps(found))
    assert hub.admin.get("/").status_code == 200


def test_what_cannot_be_restored_here_is_refused_in_words(hub: Station) -> None:
    """Another commune's backup; a ledger in PostgreSQL, which is restored at the shell."""
    other = TOML.format(state=hub.hub.settings.state, commune="xa-khac")
    hub.app.state.desk.config.write_text(other, encoding="utf-8")
    content = made(hub)
    refused = handed_in(hub.admin, "restore", content, **{"X-Kengd-Commune": COMMUNE})
    assert refused.json()["error"] == "backup_other_commune" and "Xã Cộng Lạc" in refused.json()["vi"]
    with_postgres = hub.hub.settings.model_copy(
        update={"database": type(hub.hub.settings.database)(url="postgresql://x@/y")}
    )
    with pytest.raises(KengdError) as wrong:
        staging.check_possible(with_postgres)
    assert wrong.value.code == "restore_by_shell" and "hub restore" in wrong.value.cure


def test_a_backup_that_is_too_old_is_a_condition_until_there_is_a_new_one(hub: Station) -> None:
    """36 hours: a night was left out. On the board, for machines, and on the page."""
    began_ms = wall_ms()
    last = backups.Last(began_ms, "shell:kengd-hub", "/x")
    assert backups.condition(last, None, began_ms + backups.OLD_MS - 1) is None
    assert backups.condition(None, None, began_ms) is None
    vi = [backups.condition(last, 0, began_ms + hours * 3_600_000) for hours in (36, 72)]
    assert [one["vi"] for one in vi if one] == [
        "bản sao lưu cuối cùng đã 36 giờ trước", "bản sao lưu cuối cùng đã 3 ngày trước",
    ]  # fmt: skip
    assert hub.admin.get("/api/desk").json()["conditions"]["backup"] is None
    with hub.hub.ledger.write() as connection:
        backups.note(connection, "shell:kengd-hub", "/x", 5, began_ms - backups.OLD_MS)
    assert hub.admin.get("/api/desk").json()["conditions"]["backup"]["code"] == "backup_old"
    assert [one["code"] for one in hub.admin.get("/healthz").json()["conditions"]] == ["backup_old"]
    assert "bản sao lưu cuối cùng đã 36 giờ trước" in hub.admin.get("/").text
    made(hub)
    assert hub.admin.get("/api/desk").json()["conditions"]["backup"] is None


def test_what_a_restore_leaves_to_do_is_confirmed_from_the_page(hub: Station) -> None:
    """`restore --checked` as a button, with its line in the book; pressed twice, it was once."""
    with hub.hub.ledger.write() as connection:
        restored.note(connection, wall_ms() - 1_000, wall_ms())
    assert "Đã thu hồi lại xong" in hub.admin.get("/sao-luu").text
    assert [hub.admin.post("/api/backup/checked").json()["confirmed"] for _ in range(2)] == [True, False]
    assert "Đã thu hồi lại xong" not in hub.admin.get("/sao-luu").text
    assert acts(hub)[-1] == ("Trưởng công an xã", "restore_checked")
