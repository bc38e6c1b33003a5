"""What every route has at hand: the hub, its people, and who is asking. One per application."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from kengd.errors import KengdError
from kengd.hub import backups, service
from kengd.hub.act_ground import Actor, Also
from kengd.hub.authority.own import Expiry
from kengd.hub.desk.gate import address_of
from kengd.hub.desk.lastly import LastRings
from kengd.hub.desk.scores import Scores
from kengd.hub.enrolling import Enrolling
from kengd.hub.ledger import audits
from kengd.hub.loglines import Recent
from kengd.hub.people.people import People
from kengd.hub.people.words import Caller
from kengd.hub.service import Hub
from kengd.hub.settings_outward import CapFrom
from kengd.pages.pace import Pace

COOKIE: Final = "kengd_desk"
SAFE_COOKIE: Final = "__Host-kengd_desk"
"""With TLS: the browser takes it from nobody else and sends it to nobody else."""
CSRF: Final = "X-Kengd-Csrf"
EXPIRING_FOR_MS: Final = 60_000
"""The authority's files are read once a minute for this."""
AT_ONCE: Final = 2
"""Reports that are made at the same time; more would take the desk's threads."""


class Desk:
    """Safe from any thread. `revoked`: called when certificates were revoked or replaced, so that the broker is told."""

    def __init__(self, hub: Hub, people: People, revoked: Callable[[], None]) -> None:
        web = hub.settings.web
        self.hub, self.people = hub, people
        self.secure = web.secure
        self.cookie = SAFE_COOKIE if self.secure else COOKIE
        self.stopping: Callable[[], bool] = lambda: False
        self.listeners = Places()
        self.waiters = Places()
        self.enrolling = Enrolling(
            hub.ledger, hub.authority, hub.settings.broker, write_broker=revoked, roster_changed=self.roster_changed
        )
        self.last_rings = LastRings()
        self.scores = Scores(hub.ledger)
        self.epoch = secrets.token_hex(4)
        self.config: Path | None = None
        """The settings file that this hub was started from."""
        self.restart: Callable[[], None] | None = None
        """Ends the service so that it is started again at once; None: nobody would start it."""
        self.put_away_ms: int | None = None
        """When a restore that waited for the restart was put away because of an alarm."""
        self.log: Recent | None = None
        """What this process has said of itself lately."""
        self.keeping = threading.Lock()
        """Held by whoever makes a backup, looks into one or restores."""
        self._began_ms: int | None = None
        self._expiring: tuple[int, tuple[Expiry, ...]] | None = None
        self._reports = threading.BoundedSemaphore(AT_ONCE)
        self._officers = Pace(burst=60, each_s=10.0)
        self._strangers = Pace(burst=120, each_s=20.0)

    def now_ms(self) -> int:
        """Unix ms by the hub's clock."""
        return service.wall_ms()

    def began_ms(self, connection: Any) -> int | None:
        """When this hub began, unix ms; read once."""
        if self._began_ms is None:
            self._began_ms = backups.began_ms(connection)
        return self._began_ms

    def expiring(self) -> tuple[Expiry, ...]:
        """Certificates that end soon, at most a minute old."""
        now_ms = self.now_ms()
        if self._expiring is None or abs(now_ms - self._expiring[0]) > EXPIRING_FOR_MS:
            self._expiring = (now_ms, self.hub.authority.expiring(now_ms))
        return self._expiring[1]

    # ---- who asks

    def caller(self, request: HTTPConnection, *, use: bool, hushing: bool = False) -> Caller:
        """`hushing`: who was let in just now still is while the ledger is away. Raises KengdError `not_signed_in`, `bad_token`,
        `too_fast`."""
        bearer, secret = bearer_of(request.headers), request.cookies.get(self.cookie)
        found = None
        if bearer is not None:
            found = self.people.of_token(bearer, hushing=hushing)
        elif secret:
            found = self.people.of_session(secret, use=use, hushing=hushing)
        if found is not None:
            return found
        if bearer is not None or secret:
            self._strangers.take(address_of(request.scope))
        if bearer is not None:
            raise KengdError(
                "bad_token", "mã truy cập không đúng hoặc đã bị thu hồi", cure="tạo mã mới", en="bad token"
            )
        raise KengdError("not_signed_in", "chưa đăng nhập", cure="đăng nhập rồi làm lại", en="not signed in")

    def knows(self, request: HTTPConnection) -> bool:
        """Whether it bears a session or a token that is good now: an officer's, or that of a source of alerts. For the gate, which
        asks before it reads a body."""
        bearer, secret = bearer_of(request.headers), request.cookies.get(self.cookie)
        if bearer is not None:
            return self.people.of_token(bearer) is not None or self.source_of(bearer) is not None
        return bool(secret) and self.people.of_session(secret or "", use=False) is not None

    def source_of(self, token: str | None) -> CapFrom | None:
        """Whose alerts come with this token, by the settings."""
        given, found = sha256((token or "").encode("utf-8", "replace")).hexdigest(), None
        for source in self.hub.settings.cap_from:
            if hmac.compare_digest(source.token_sha256, given):
                found = source
        return found

    def writer(self, request: HTTPConnection, *, hushing: bool = False) -> Caller:
        """As `caller`, for a write: a cookie alone is not enough (CSRF). Raises KengdError `csrf` too."""
        caller = self.caller(request, use=True, hushing=hushing)
        if caller.token is None:
            given = request.headers.get(CSRF, "")
            wanted = csrf_of(request.cookies[self.cookie])
            if not hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode()):
                raise KengdError(
                    "csrf",
                    "trang này đã cũ",
                    cure="tải lại trang rồi làm lại",
                    en=f"the header {CSRF} is missing or wrong",
                )
        return caller

    def paced(self, caller: Caller) -> None:
        """Nobody writes faster than people can. Raises KengdError `too_fast`."""
        self._officers.take(caller.session or caller.token or caller.officer.id)

    # ---- what is written down

    def line(self, caller: Caller, act: str, facts: Mapping[str, Any]) -> Also:
        """The act's line in the hub's own book, to be written with it: neither is ever there without the other."""
        return lambda connection: self.audit_in(connection, caller, act, facts)

    def audit_in(self, connection: Any, caller: Caller, act: str, facts: Mapping[str, Any]) -> None:
        """An act in the hub's own book, in the transaction that does it."""
        said = {key: value for key, value in facts.items() if value is not None}
        if caller.token is not None:
            said["token"] = caller.token
        audits.write(connection, caller.officer.id, act, said, self.now_ms())

    def roster_changed(self) -> None:
        """Read it anew; the others, and pages, are told of it by the ledger."""
        self.hub.forget_roster()

    @contextmanager
    def reporting(self) -> Any:
        """A place for a report. Raises KengdError `busy`."""
        if not self._reports.acquire(blocking=False):
            raise KengdError(
                "busy", "đang lập báo cáo khác", cure="thử lại sau vài giây", en="other reports are being made"
            )
        try:
            yield
        finally:
            self._reports.release()


class Places:
    """So many may wait for news at once, and so many of them for one officer: a device gone mad takes nobody else's place."""

    def __init__(self, most: int = 256, each: int = 12) -> None:
        self.most, self.each, self.taken = most, each, 0
        self._of: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, officer: str) -> None:
        """Raises KengdError `too_many_listeners`."""
        with self._lock:
            if self.taken >= self.most or self._of[officer] >= self.each:
                raise KengdError(
                    "too_many_listeners", "quá nhiều trang đang mở", cure="đóng bớt trang", en="too many listeners"
                )
            self.taken += 1
            self._of[officer] += 1

    def leave(self, officer: str) -> None:
        """One place is free again."""
        with self._lock:
            self.taken -= 1
            self._of[officer] -= 1
            if self._of[officer] <= 0:
                del self._of[officer]


def csrf_of(secret: str) -> str:
    """What a page sends with each write: it follows from the session and does not tell it."""
    return sha256(b"kengd csrf\0" + secret.encode("utf-8", "replace")).hexdigest()[:40]


def bearer_of(headers: Headers) -> str | None:
    """The token of an Authorization header."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def actor_of(caller: Caller) -> Actor:
    """Under which name an act goes into books."""
    return Actor(caller.officer.id, caller.officer.name)


def desk_of(request: Request) -> Desk:
    """The desk of this application."""
    desk: Desk = request.app.state.desk
    return desk


def asking(request: Request) -> Caller:
    """Who reads."""
    return desk_of(request).caller(request, use=False)


def awake(request: Request) -> Caller:
    """Who reads what is not for everybody who finds a device lying about."""
    caller = asking(request)
    caller.require_awake()
    return caller


def writing(request: Request) -> Caller:
    """Who writes."""
    desk = desk_of(request)
    caller = desk.writer(request)
    desk.paced(caller)
    return caller


def hushing(request: Request) -> Caller:
    """Who stops the sound: no pace, no lock, no role stands in the way, nor a ledger that is away or full."""
    return desk_of(request).writer(request, hushing=True)


At = Annotated[Desk, Depends(desk_of)]
Asking = Annotated[Caller, Depends(asking)]
Awake = Annotated[Caller, Depends(awake)]
Writing = Annotated[Caller, Depends(writing)]
Hushing = Annotated[Caller, Depends(hushing)]
