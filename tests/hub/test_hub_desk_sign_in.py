"""The desk: signing in, devices that were idle, tokens, and what keeps foreign pages out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kengd.errors import KengdError
from kengd.pages.pace import Pace
from tests.hub.desk_kit import ORIGIN, Officer, Station, acts, portal, station
from tests.hub.people_database import PASSWORD


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def test_the_cookie_is_for_this_page_alone_and_the_secret_is_in_no_answer(hub: Station) -> None:
    """HttpOnly, SameSite=Strict; nothing of it in the body or in a URL."""
    someone = Officer(hub.app, "")
    answer = someone.sign_in("truong")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("kengd_desk=") and "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert "Secure" not in cookie and "Path=/" in cookie
    secret = someone.web.cookies["kengd_desk"]
    assert secret not in answer.text and someone.csrf not in (secret, "")
    me = someone.get("/api/me").json()
    assert (me["officer"]["name"], me["role"], me["locked"], me["csrf"]) == (
        "Trưởng công an xã", "admin", False, someone.csrf,
    )  # fmt: skip
    assert Officer(hub.app, "").get("/api/me", kengd_desk=secret).status_code == 401


def test_with_tls_the_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    """Behind a proxy with HTTPS too; a page of that origin may write."""
    hub = station(tmp_path, web={"origin": "https://truc.conglac.vn"})
    someone = Officer(hub.app, "")
    told = {"login": "truong", "password": PASSWORD}
    answer = someone.web.post("/api/session", json=told, headers={"Origin": "https://truc.conglac.vn"})
    assert answer.status_code == 201
    assert answer.headers["set-cookie"].startswith("__Host-kengd_desk=") and "Secure" in answer.headers["set-cookie"]


def test_wrong_passwords_are_refused_alike_and_slowed(hub: Station) -> None:
    """An unknown name and a wrong password say the same; then 429 with Retry-After."""
    someone = Officer(hub.app, "")
    first = someone.sign_in("truong", "sai mật khẩu")
    unknown = someone.sign_in("khong-co", "sai mật khẩu")
    assert (first.status_code, first.json()) == (401, unknown.json())
    answers = [someone.sign_in("nguoi-khac", "sai") for _ in range(8)]
    assert answers[-1].status_code == 429 and int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["error"] == "try_later"
    assert hub.admin.get("/api/me").status_code == 200, "a device that is signed in feels nothing of it"


def test_signing_out_ends_the_device(hub: Station) -> None:
    """Its cookie is good for nothing afterwards."""
    duty = hub.officer("binh")
    cookie = dict(duty.web.cookies)
    assert duty.delete("/api/session").status_code == 200
    duty.web.cookies.update(cookie)
    assert duty.get("/api/me").json()["error"] == "not_signed_in"
    assert duty.delete("/api/session").status_code == 401


def test_a_foreign_page_writes_nothing(hub: Station) -> None:
    """CSRF: another origin is refused before anything is read; a cookie alone is not enough either."""
    form = {"id": hub.act(), "text": "có trộm"}
    for origin in ("http://evil.example", "null", "http://testserver.evil.example", "https://testserver"):
        foreign = hub.admin.post("/api/incidents", form, Origin=origin)
        assert (foreign.status_code, foreign.json()["error"]) == (403, "wrong_origin")
    for csrf in ("", "0" * 40):
        bare = hub.admin.post("/api/incidents", form, X_Kengd_Csrf=csrf)
        assert (bare.status_code, bare.json()["error"]) == (403, "csrf")
    told = {"login": "truong", "password": PASSWORD}
    login = hub.admin.web.post("/api/session", json=told, headers={"Origin": "http://evil.example"})
    assert login.json()["error"] == "wrong_origin"
    assert hub.admin.get("/api/incidents").json()["incidents"] == []
    assert hub.admin.post("/api/incidents", form).status_code == 201


def test_a_machine_writes_with_its_token_alone(hub: Station) -> None:
    """No cookie, no CSRF; never more than the token's role; a wrong or revoked one is nobody."""
    machine = hub.machine(hub.admin, "duty")
    assert machine.web.post("/api/incidents", json={"id": hub.act(), "text": "báo cháy"}).status_code == 201
    assert machine.get("/api/me").json()["role"] == "duty"
    assert machine.put("/api/villages/moi", {"name": "Thôn Mới"}).json()["error"] == "not_allowed"
    assert (
        machine.put("/api/me/password", {"old": PASSWORD, "new": "mật khẩu khác hẳn"}).json()["error"]
        == "officers_only"
    )
    token = hub.admin.get("/api/me/tokens").json()["tokens"][0]["id"]
    assert hub.admin.delete(f"/api/me/tokens/{token}").json() == {"ended": True}
    assert machine.get("/api/me").json()["error"] == "bad_token"
    assert Officer(hub.app, "", "kengd_" + "x" * 43).get("/api/desk").status_code == 401
    assert hub.admin.post("/api/me/tokens", {"name": "x", "role": "king"}).status_code == 422


def test_an_idle_device_asks_for_the_pin_and_still_shows_the_board(hub: Station) -> None:
    """Five wrong PINs slow it down and do not sign it out; nothing but a person keeps it awake."""
    duty = hub.officer("binh")
    assert duty.put("/api/me/pin", {"password": PASSWORD, "pin": "135792"}).json() == {"has_pin": True}
    assert duty.put("/api/me/pin", {"password": "sai", "pin": "135792"}).json()["error"] == "sign_in_wrong"
    hub.idle()
    assert duty.get("/api/me").json()["locked"] is True
    assert duty.get("/api/me").json()["may"] == ["hush"]
    assert duty.get("/api/desk").status_code == 200
    for private in ("/api/roster", "/api/entries", "/api/officers", "/api/me/devices", "/api/reports/2026.json"):
        assert duty.get(private).json()["error"] == "session_locked", private
    assert duty.post("/api/session/unlock", {"pin": "000000"}).json()["error"] == "pin_wrong"
    assert duty.get("/api/me").status_code == 200
    assert duty.post("/api/session/unlock", {"pin": "135792"}).json()["locked"] is False
    assert duty.get("/api/roster").status_code == 200
    assert Officer(hub.app, "").post("/api/session/unlock", {"pin": "135792"}).status_code == 401


def test_devices_are_seen_and_ended(hub: Station) -> None:
    """A lost phone is signed out from another device."""
    phone, desktop = hub.officer("binh"), Officer(hub.app, "")
    desktop.sign_in("binh")
    found = desktop.get("/api/me/devices").json()["devices"]
    assert [item["here"] for item in found].count(True) == 1 and len(found) == 2
    lost = next(item["id"] for item in found if not item["here"])
    assert desktop.delete(f"/api/me/devices/{lost}").json() == {"ended": 1}
    assert phone.get("/api/me").status_code == 401
    assert desktop.delete("/api/me/devices/khong-co").json() == {"ended": 0}
    assert desktop.delete("/api/me/devices/others").json() == {"ended": 0}


def test_a_first_password_only_lets_one_choose_another(hub: Station) -> None:
    """And look, and stop the sound."""
    made = hub.admin.post("/api/officers", {"login": "moi", "name": "Đồng chí Mới", "role": "duty"}).json()
    fresh = Officer(hub.app, "Đồng chí Mới")
    assert fresh.sign_in("moi", made["password"]).json()["must_change"] is True
    form = {"id": hub.act(), "signal": "alarm", "purpose": "drill", "why": "thử", "posts": ["an-lao"]}
    assert fresh.post("/api/rings", form).json()["error"] == "password_must_change"
    assert fresh.post("/api/hushes", {"id": hub.act(), "all": True}).status_code == 201
    assert fresh.put("/api/me/password", {"old": made["password"], "new": "ngắn"}).status_code == 422
    assert fresh.put("/api/me/password", {"old": made["password"], "new": PASSWORD}).status_code == 200
    assert fresh.post("/api/rings", form).status_code == 201
    assert [act for who, act in acts(hub) if who == "Đồng chí Mới"] == ["sign_in", "hush", "password_changed", "ring"]


def test_every_answer_carries_what_keeps_a_page_safe(hub: Station) -> None:
    """CSP without inline script, nosniff, no frames, no store, no referrer outside; also on refusals."""
    for answer in (hub.admin.get("/api/desk"), hub.admin.get("/khong-co"), hub.admin.post("/api/rings", {})):
        headers = answer.headers
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert (headers["referrer-policy"], headers["cache-control"]) == ("same-origin", "no-store")
    assert hub.admin.get("/khong-co").json()["error"] == "no_such_thing"
    assert hub.admin.put("/api/desk").json()["error"] == "wrong_method"


def test_bodies_are_bounded_and_read_strictly(hub: Station) -> None:
    """P12: too long, no JSON, broken characters, numbers that are none."""
    web, usual = hub.admin.web, {"Origin": ORIGIN, "X-Kengd-Csrf": hub.admin.csrf, "Content-Type": "application/json"}
    long = web.post("/api/incidents", content=b"x" * 20_000, headers=usual)
    assert (long.status_code, long.json()["error"]) == (413, "too_large")
    piece = web.post("/api/incidents", content=iter([b"x" * 9_000] * 3), headers=usual)
    assert piece.status_code == 413
    for raw in (b"{", b"[1]", b'"x"', b"", b'{"id":"act-aaaaaaaa","text":"\\ud800"}', b'{"id":"\\ud800bcdefgh","text":"a"}',
                b'{"\\ud800":1}', b"[" * 9_000, b'{"id":"act-aaaaaaaa","text":' + b"9" * 5_000 + b"}"):  # fmt: skip
        answer = web.post("/api/incidents", content=raw, headers=usual)
        assert answer.status_code in (400, 422), raw[:40]
        assert set(answer.json()) == {"error", "vi", "cure", "en"}
    assert web.post("/api/incidents", content=b"{}", headers={**usual, "Content-Length": "-1"}).status_code in (
        400,
        413,
    )


class Sender:
    """A client that has sent its head and nothing else yet; `read`: whether anybody has asked for more."""

    def __init__(self, hub: Station, length: int | None, **headers: str) -> None:
        how = {"transfer-encoding": "chunked"} if length is None else {"content-length": str(length)}
        sent = {"host": "testserver", "content-type": "image/png", **how, **headers}
        self.app, self.body, self.told = hub.app, asyncio.Event(), list[Any]()
        self.read, self.rest = asyncio.Event(), b"x" * 20_000
        self.scope = {
            "type": "http", "http_version": "1.1", "method": "PUT", "scheme": "http", "path": "/api/plan/picture",
            "raw_path": b"/api/plan/picture", "query_string": b"", "client": ("10.0.0.9", 1), "server": ("testserver", 80),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()], "root_path": "",
        }  # fmt: skip

    async def receive(self) -> Any:
        self.read.set()
        await self.body.wait()
        return {"type": "http.request", "body": self.rest, "more_body": False}

    async def send(self, message: Any) -> None:
        self.told.append(message)

    async def answered(self) -> tuple[int, str]:
        await self.app(self.scope, self.receive, self.send)
        return self.told[0]["status"], json.loads(self.told[1]["body"])["error"]


def test_a_long_body_is_read_only_for_those_whom_the_hub_knows_and_few_at_once(hub: Station) -> None:
    """P12: strangers fill no memory, whatever cookie they make up; nor do officers: a fifth is told that the hub is busy."""
    real = {"cookie": f"kengd_desk={hub.admin.web.cookies['kengd_desk']}"}
    token = {"authorization": hub.machine(hub.admin, "admin").web.headers["Authorization"]}

    async def attack() -> None:
        for headers in ({}, {"cookie": "kengd_desk=x"}, {"cookie": "other=1"}, {"authorization": "Bearer kd_x"}):
            stranger = Sender(hub, 300_000, **headers)
            assert await stranger.answered() == (401, "not_signed_in") and not stranger.read.is_set()
        stranger = Sender(hub, None)
        stranger.body.set()
        assert await stranger.answered() == (413, "too_large"), (
            "its length was not told: as much is read as of any other"
        )
        four = [Sender(hub, 300_000, **real) for _ in range(3)] + [Sender(hub, 300_000, **token)]
        under_way = [asyncio.create_task(one.answered()) for one in four]
        for one in four:
            await asyncio.wait_for(one.read.wait(), 10)
        fifth = Sender(hub, 300_000, **token)
        assert await fifth.answered() == (503, "busy") and not fifth.read.is_set()
        short = Sender(hub, 200, **token)
        short.rest = b"x" * 200
        short.body.set()
        assert await short.answered() == (422, "not_a_picture"), "what is short has its way"
        for one in four:
            one.body.set()
        found = [await one for one in under_way]
        assert [error for _, error in found] == ["csrf"] * 3 + ["not_a_picture"]
        sixth = Sender(hub, 300_000, **token)
        sixth.body.set()
        assert await sixth.answered() == (422, "not_a_picture"), "places are given back"

    portal().call(attack)


def test_a_cookie_that_is_made_up_does_not_skip_the_strangers_pace(
    hub: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a session or a token that is good now does: sign-in, too, is slowed for whoever brings any header along."""
    monkeypatch.setattr("kengd.pages.pace.time", SimpleNamespace(monotonic=lambda: 1_000.0))
    gone = hub.officer("binh")
    secret = dict(gone.web.cookies)
    gone.delete("/api/session")
    gone.web.cookies.update(secret)
    answers = [gone.post("/api/session", {}).status_code for _ in range(121)]
    assert answers[0] == 422 and answers[-1] == 429
    assert hub.admin.put("/api/villages/moi", {"name": "Thôn Mới"}).status_code == 200, (
        "who is known has a pace of their own"
    )


def test_nobody_writes_faster_than_people_can(hub: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """60 at once, 10 a second; strangers 120. Told as 429. All at one moment, however slow this machine is."""
    still = SimpleNamespace(monotonic=lambda: 1_000.0)
    monkeypatch.setattr("kengd.pages.pace.time", still)
    answers = [hub.admin.put("/api/villages/moi", {"name": "Thôn Mới"}).status_code for _ in range(75)]
    assert answers[0] == 200 and 429 in answers
    nobody = Officer(hub.app, "")
    strangers = [nobody.post("/api/rings", {}) for _ in range(160)]
    assert strangers[-1].status_code == 429 and strangers[-1].headers["retry-after"] == "1"


def test_a_pace_gives_back_with_time_and_forgets_the_oldest() -> None:
    """Monotonic seconds; a bounded number of keys."""
    pace = Pace(burst=2, each_s=1.0, room=2)
    pace.take("a", 0.0), pace.take("a", 0.0)
    with pytest.raises(KengdError, match="too many"):
        pace.take("a", 0.5)
    pace.take("a", 1.6)
    for key in ("b", "c", "d"):
        pace.take(key, 2.0)
    assert list(pace._left) == ["c", "d"]
