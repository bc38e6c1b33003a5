"""What the tests of the desk share: a hub on SQLite whose line is a fake, a clock for devices, and officers that are signed in."""

from __future__ import annotations

import atexit
import itertools
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from fastapi.testclient import TestClient

from kengd.hub.authority.authority import Authority
from kengd.hub.beginning import PUT_AWAY
from kengd.hub.desk.app import make_app
from kengd.hub.ledger import dispatches, rosters, values
from kengd.hub.ledger.merging import Heard
from kengd.hub.people.passwords import argon2
from kengd.hub.people.people import People
from kengd.hub.people.words import Role
from kengd.hub.roster import Keeper, Neighbour, Post, Village
from kengd.hub.service import Hub, wall_ms
from kengd.hub.settings import HubSettings
from kengd.wire.entry import FIRST_PREV, Entry, chain_hash, format_at
from kengd.wire.status import ABSENT, Status, build_status
from tests.hub.people_database import PASSWORD, Dice
from tests.hub.spine_kit import COMMUNE, said

ORIGIN = "http://testserver"
POSTS = ("an-lao", "bo-trang", "cau-ngang")
CAP_TOKEN = "cap-source-token-of-the-district"
WEATHER = {"name": "Đài khí tượng", "token_sha256": sha256(CAP_TOKEN.encode()).hexdigest()}
"""A source of CAP alerts that a hub's settings name."""
CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{id}</identifier><sender>kttv.gov.vn</sender>
<sent>2026-11-22T01:00:00+07:00</sent><status>{status}</status><msgType>{type}</msgType><scope>Public</scope>
<info><category>Met</category><event>Lũ quét</event><urgency>Immediate</urgency><severity>Extreme</severity>
<certainty>Likely</certainty><headline>Nguy cơ lũ quét</headline><area><areaDesc>Huyện Tứ Kỳ</areaDesc></area></info></alert>"""


@dataclass
class Line:
    """A line to a broker that is not there: it takes everything and remembers it."""

    up: bool = True
    said: list[tuple[str, bytes]] = field(default_factory=list)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, flush: bool = True) -> int | None:
        assert not retain, "a command is never retained (R2)"
        if not self.up:
            return None
        self.said.append((topic, payload))
        return len(self.said)

    def silent_s(self) -> float:
        """It never hangs."""
        return 0.0

    def flush(self) -> None:
        """Nothing waits."""

    def ack(self, token: Any, *, flush: bool = True) -> None:
        """Nobody asks."""

    def start(self) -> None:
        """There is nothing to begin."""

    def stop(self, farewell: Any = None) -> None:
        """Nor to end."""

    def set_clock_trust(self, trust: str) -> None:
        """Nobody asks."""


@dataclass
class Watchmaker:
    """The wall clock as people's devices know it: hours pass when a test says so."""

    ahead_ms: int = 0

    def __call__(self) -> int:
        return wall_ms() + self.ahead_ms


@cache
def portal() -> BlockingPortal:
    """One event loop for all browsers of a run."""
    return _portals.enter_context(start_blocking_portal())


_portals = ExitStack()
atexit.register(_portals.close)


class Officer:
    """Somebody with a browser (or, `token`, a machine)."""

    def __init__(self, app: FastAPI, name: str, token: str | None = None) -> None:
        self.name = name
        self.web = TestClient(app, base_url=ORIGIN, raise_server_exceptions=True)
        self.web.portal = portal()
        self.csrf = ""
        if token is not None:
            self.web.headers["Authorization"] = f"Bearer {token}"

    def sign_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        """As the page does it."""
        told = {"login": login, "password": password, "device": "máy thử"}
        answer: httpx.Response = self.web.post("/api/session", json=told, headers={"Origin": ORIGIN})
        if answer.status_code == 201:
            self.csrf = answer.json()["csrf"]
        return answer

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Read."""
        return self.web.get(path, params=query)  # type: ignore[no-any-return]

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Write, as a page of ours does."""
        return self._write("POST", path, body, headers)

    def put(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Write, as a page of ours does."""
        return self._write("PUT", path, body, headers)

    def delete(self, path: str) -> httpx.Response:
        """Write, as a page of ours does."""
        return self._write("DELETE", path, None, {})

    def _write(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> httpx.Response:
        sent = {"Origin": ORIGIN, "X-Kengd-Csrf": self.csrf, **{key.replace("_", "-"): v for key, v in headers.items()}}
        return self.web.request(method, path, json=body, headers=sent)  # type: ignore[no-any-return]


@dataclass
class Station:
    """A hub, its desk and its people. Everybody's password is PASSWORD."""

    hub: Hub
    app: FastAPI
    people: People
    line: Line
    clock: Watchmaker
    revoked: list[bool]
    admin: Officer
    books: dict[str, list[Entry]] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def act(self) -> str:
        """A new act's id, as a dialog makes one."""
        return f"act-{next(self.numbers):08}"

    def officer(self, login: str, role: Role = "duty") -> Officer:
        """Another officer, signed in."""
        form = {"login": login, "name": f"Đồng chí {login}", "role": role}
        made = self.admin.post("/api/officers", form)
        assert made.status_code == 201, made.text
        officer = Officer(self.app, form["name"])
        assert officer.sign_in(login, made.json()["password"]).status_code == 201
        changed = officer.put("/api/me/password", {"old": made.json()["password"], "new": PASSWORD})
        assert changed.status_code == 200, changed.text
        return officer

    def machine(self, officer: Officer, role: Role = "duty") -> Officer:
        """A token of this officer's."""
        made = officer.post("/api/me/tokens", {"name": "máy ngoài", "role": role})
        return Officer(self.app, officer.name, made.json()["secret"])

    def idle(self) -> None:
        """Nobody touches a device for three hours."""
        self.clock.ahead_ms += 3 * 3_600_000

    def status(self, post: str, **more: Any) -> None:
        """A present post says how it is, now."""
        usual: dict[str, Any] = {
            "at_ms": wall_ms(), "clock": "ntp", "nonce": "ab" * 16, "book": "b" * 16, "seq": 0, "hash": FIRST_PREV,
            "version": "0.1.0", "codebook_version": 0, "timetable_version": 0,
        }  # fmt: skip
        raw = build_status(Status(**(usual | more)))
        assert self.hub.watch.status(post, raw, retained=False, now_ms=wall_ms())

    def absent(self, post: str) -> None:
        """Its Last Will."""
        self.hub.watch.status(post, ABSENT, retained=False, now_ms=wall_ms())

    def hears(self, post: str, kind: str, **more: Any) -> Entry:
        """An entry of this post comes in, as ingest stores it."""
        book = self.books.setdefault(post, [])
        prev = book[-1].hash if book else FIRST_PREV
        line = said(kind, **more)
        entry = Entry(book="b" * 16, seq=len(book) + 1, at=format_at(wall_ms()), prev=prev, hash=FIRST_PREV, **line)
        entry = replace(entry, hash=chain_hash(prev, entry))
        book.append(entry)
        assert self.hub.ingest._write([Heard(post, entry, wall_ms())])
        return entry

    def jti(self, dispatch: str, post: str) -> str:
        """The id of the command that this post was sent."""
        with self.hub.ledger.read() as connection:
            return next(item.jti for item in dispatches.targets_of(connection, [dispatch]) if item.post == post)

    def answers(
        self, dispatch: str, post: str, *kinds: str, activation: str = "hd-0001", purpose: str = "actual", **more: Any
    ) -> None:
        """What the post says to its command."""
        jti = self.jti(dispatch, post)
        for kind in kinds:
            self.hears(
                post, kind, command_id=jti, activation=None if kind in ("received", "refused") else activation,
                signal="alarm", purpose=purpose, source="hub", **more,
            )  # fmt: skip

    def pressed(self, post: str, activation: str = "an-0001") -> str:
        """A keeper presses the button; the incident's id."""
        self.hears(
            post, "ringing", activation=activation, signal="alarm", purpose="actual", source="button", place="chòi gác"
        )
        return f"{post}-{activation}"


def station(directory: Path, **more: Any) -> Station:
    """Begun: three posts, two villages, a keeper, neighbours, a group, and an admin who is signed in. `more`: settings."""
    made = copied(directory, more)
    assert made.admin.sign_in("truong").status_code == 201
    return made


def copied(directory: Path, more: Mapping[str, Any]) -> Station:
    """The same with nobody signed in."""
    begun = Path(_begun().name)
    shutil.copytree(begun / "authority", directory / "authority")
    shutil.copyfile(begun / "ledger.sqlite", directory / "ledger.sqlite")
    return _opened(directory, more)


def text(html: str) -> str:
    """What can be read of it."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@cache
def _begun() -> tempfile.TemporaryDirectory[str]:
    """A hub's directory that every test copies: an authority and tables are made once."""
    place = tempfile.TemporaryDirectory(prefix="kengd-desk-")
    directory = Path(place.name)
    Authority.begin(directory / "authority", COMMUNE, "Cộng Lạc", ["127.0.0.1"], wall_ms())
    made = _opened(directory, {}, Dice(1_000_000))  # other secrets than those of the copies' devices
    with made.hub.ledger.write() as connection:
        rosters.put_village(connection, Village("an-lao", "Thôn An Lão", 120))
        rosters.put_village(connection, Village("bo-trang", "Thôn Bồ Tràng", 80))
        rosters.put_post(connection, Post("an-lao", "Điểm An Lão", ("an-lao",), page="http://10.0.0.5:8080/vi-sao"))
        rosters.put_post(connection, Post("bo-trang", "Điểm Bồ Tràng", ("bo-trang",)))
        rosters.put_post(connection, Post("cau-ngang", "Điểm Cầu Ngang", ()))
        rosters.put_keeper(connection, Keeper("ba-tu", "bo-trang", "Bà Tư", "0912 345 678"))
        rosters.put_neighbours(connection, "an-lao", [Neighbour("an-lao", "bo-trang")])
        values.put_value(connection, PUT_AWAY, "1")  # its first days are over
        rosters.put_group(connection, "ven-song", "Ven sông", ["bo-trang", "cau-ngang"])
    first = made.people.first_officer("truong", "Trưởng công an xã")
    assert made.admin.sign_in("truong", first).status_code == 201
    assert made.admin.put("/api/me/password", {"old": first, "new": PASSWORD}).status_code == 200
    made.hub.ledger.close()
    return place


def _opened(directory: Path, more: Mapping[str, Any], dice: Dice | None = None) -> Station:
    settings = HubSettings.model_validate(
        {
            "state_dir": str(directory),
            "commune": {"id": COMMUNE, "name": "Xã Cộng Lạc"},
            "broker": {"names": ["127.0.0.1"], "tls": False},
            **more,
        }
    )
    line, clock, revoked = Line(), Watchmaker(), list[bool]()
    hub = Hub(settings, session=_session(line))
    people = People(hub.ledger, clock, dice or Dice(), argon2(time_cost=1, memory_kib=8))
    app = make_app(hub, people, revoked=lambda: revoked.append(True))
    return Station(hub, app, people, line, clock, revoked, Officer(app, "Trưởng công an xã"))


def _session(line: Line) -> Callable[..., Any]:
    def made(*_: Any, **__: Any) -> Line:
        return line

    return made


def acts(station: Station) -> list[tuple[str, str]]:
    """The audit book: by whom (a name) and what."""
    names = {item.id: item.name for item in station.people.officers(ended=True)}
    lines = station.admin.get("/api/audit", limit=500).json()["audit"]
    return [(names.get(line["by"], line["by"]), line["act"]) for line in reversed(lines)]
