"""The start that puts a restored hub in place: interrupted anywhere, and as the service does it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from kengd.errors import KengdError
from kengd.hub import staging
from kengd.hub.authority import sealing
from kengd.hub.keeping import backup
from kengd.hub.service import wall_ms
from kengd.hub.settings import load_hub
from tests.broker import free_port
from tests.hub.commune import until
from tests.hub.desk_kit import station
from tests.hub.people_database import PASSWORD
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


@pytest.mark.parametrize("broken_off", range(1, 9))
def test_a_restore_that_a_power_cut_interrupts_is_one_hub_or_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_off: int
) -> None:
    """At any rename: the next start goes on, and what was there is aside, whole."""
    names = ("authority", "ledger.sqlite", "ledger.sqlite-wal")
    for place, content in ((tmp_path, "cũ"), (tmp_path / staging.NEXT, "mới")):
        place.mkdir(exist_ok=True)
        for name in names:
            if name != "ledger.sqlite-wal" or content == "cũ":
                (place / name).write_text(content)
    plan = staging.Plan(1, 2, "cb-1", f"{staging.ASIDE}2")
    staging._write(tmp_path / staging.NEXT / staging.PLAN, plan)
    real, left = os.rename, [broken_off]

    def cut(old: Any, new: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(5, "mất điện")
        real(old, new)

    monkeypatch.setattr(os, "rename", cut)
    try:
        staging.take(tmp_path)
        cut_short = False
    except KengdError as wrong:
        assert wrong.code == "restore_stuck"
        cut_short = True
    assert cut_short is (broken_off <= 6), "three aside, the mark, two in"
    monkeypatch.setattr(os, "rename", real)
    staging.take(tmp_path)
    aside = tmp_path / plan.aside
    assert sorted((path.name, path.read_text()) for path in aside.iterdir()) == [(name, "cũ") for name in names]
    assert sorted((path.name, path.read_text()) for path in tmp_path.iterdir() if path.is_file()) == [
        ("authority", "mới"), ("ledger.sqlite", "mới"),
    ]  # fmt: skip
    assert staging.staged(tmp_path) is None


@pytest.mark.parametrize(("done", "says"), [(staging.take, None), (staging.unstage, True)])
def test_a_restore_whose_plan_a_disk_has_damaged_stops_no_hub_and_loses_nothing(
    tmp_path: Path, done: Callable[[Path], object], says: object
) -> None:
    """The hub that runs goes on as it is; the other one stays among those aside. Put in place in part, it is said and nothing moves."""
    following = tmp_path / staging.NEXT
    for place, content in ((tmp_path, "cũ"), (following, "mới")):
        place.mkdir(exist_ok=True)
        for name in ("authority", "ledger.sqlite"):
            (place / name).write_text(content)
    (following / staging.PLAN).write_text('{"made_ms": 1, "asked')
    assert done(tmp_path) is says
    (kept,) = staging.earlier(tmp_path)
    assert [(tmp_path / name).read_text() for name in ("authority", "ledger.sqlite")] == ["cũ", "cũ"]
    assert sorted(path.name for path in (tmp_path / kept.name).iterdir()) == ["authority", "ledger.sqlite"]
    assert staging.staged(tmp_path) is None
    following.mkdir()
    (following / staging.MOVED).write_text("")
    with pytest.raises(KengdError) as stuck:
        done(tmp_path)
    assert (stuck.value.code, following.exists()) == ("restore_stuck", True)


@contextlib.contextmanager
def serving(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The program, which does not outlive the test however that ends."""
    service = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        yield service
    finally:
        service.kill()
        service.wait(10)


def answers(web: httpx.Client) -> bool:
    try:
        return web.get("/healthz").status_code > 0
    except httpx.TransportError:
        return False


def test_the_service_ends_for_a_restore_and_comes_back_as_the_other_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program itself: asked by the page it ends in order; the next start is the hub of the backup, says so, and shows its log."""
    monkeypatch.setattr(sealing, "N", sealing.LEAST_N)
    made = station(tmp_path, web={"port": 0})
    config = tmp_path / "hub.toml"
    port = free_port()
    config.write_text(TOML.format(state=tmp_path, commune=COMMUNE) + f"[web]\nport = {port}\n", encoding="utf-8")
    settings = load_hub(str(config))
    kept = tmp_path / "kept.zip"
    backup(settings, config, kept, PASS, "shell:test", wall_ms())
    made.officer("sau-do")
    made.hub.ledger.close()
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(tmp_path / "notify"))
    env = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
    command = [sys.executable, "-m", "kengd", "--config", str(config), "hub", "serve"]
    for asked in (True, False):
        with (
            serving(command, env) as service,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Origin": f"http://127.0.0.1:{port}"}) as web,
        ):
            until(partial(answers, web), 30, "it answers")
            told = web.post("/api/session", json={"login": "truong", "password": PASSWORD})
            web.headers["X-Kengd-Csrf"] = told.json()["csrf"]
            logins = sorted(one["login"] for one in web.get("/api/officers").json()["officers"])
            if asked:
                sent = {"X-Kengd-Passphrase": quote(PASS), "X-Kengd-Commune": COMMUNE}
                answer = web.post("/api/backup/restore", content=kept.read_bytes(), headers=sent)
                assert (logins, answer.json()["restarts"]) == (["sau-do", "truong"], True)
            else:
                codes = [one["code"] for one in web.get("/healthz").json()["conditions"]]
                lines = [one["text"] for one in web.get("/api/log", params={"level": "warning"}).json()["lines"]]
                assert (logins, codes) == (["truong"], ["restored_unchecked"])
                assert any(line.startswith("restored: this hub is as it was at") for line in lines)
                service.terminate()
            assert service.wait(20) == 0
    heard.close()
