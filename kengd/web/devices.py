"""Devices on which a keeper has signed in: known for long, so that hushing never waits for a PIN; until his PIN is another one, or
he is no keeper any more. Time is given.

What the browser holds is a random secret; here is only its hash. It is kept among the book's values, so a restart signs nobody out.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final, Literal

DAY_MS: Final = 86_400_000
OPEN_FOR_MS: Final = 90 * DAY_MS
"""So long a sign-in opens everything."""
KNOWN_FOR_MS: Final = 400 * DAY_MS
"""So long it still hushes. Browsers keep no cookie for longer."""
MOST: Final = 40
PREFIX: Final = "device:"
Standing = Literal["open", "expired", "unsure"]


@dataclass(frozen=True, slots=True)
class Device:
    """`by`: the keeper; `since_ms`: unix ms of the sign-in; `pin`: what his PIN was then (`mark_of`)."""

    id: str
    by: str
    since_ms: int
    pin: str


def id_of(secret: str) -> str:
    """Which device a cookie is of."""
    return sha256(b"kengd device\0" + secret.encode("utf-8", "replace")).hexdigest()


def csrf_of(secret: str) -> str:
    """What a page sends with each write: it follows from the cookie and does not tell it."""
    return sha256(b"kengd csrf\0" + secret.encode("utf-8", "replace")).hexdigest()[:40]


def mark_of(stored: str) -> str:
    """A short mark of a stored PIN: another PIN has another."""
    return sha256(stored.encode()).hexdigest()[:16]


def standing_of(device: Device, stored: str | None, now_ms: int, *, legible: bool) -> Standing | None:
    """Whether this device opens everything, or only hushes; None: nothing any more, as of a phone that is lost.

    `stored`: the keeper's PIN as it is now; None: he keeps this bell no more, unless the file of PINs is not all `legible`.
    """
    if stored is None:
        return None if legible else "unsure"
    if mark_of(stored) != device.pin:
        return None
    return "open" if now_ms - device.since_ms < OPEN_FOR_MS else "expired"


class Devices:
    """Safe from any thread. `recall` and `remember`: the book's values; a book that cannot be read now is asked again later."""

    def __init__(self, recall: Callable[[str], Mapping[str, str]], remember: Callable[[str, str | None], None]) -> None:
        self._recall, self._remember = recall, remember
        self._lock = threading.Lock()
        self._known: dict[str, Device] = {}
        self._gone: set[str] = set()
        self._asked_ms: int | None = None

    def find(self, secret: str, now_ms: int) -> Device | None:
        """The device of this cookie. `now_ms`: unix ms."""
        wanted = id_of(secret)
        with self._lock:
            if wanted not in self._known and (self._asked_ms is None or abs(now_ms - self._asked_ms) > ASK_AGAIN_MS):
                self._asked_ms = now_ms
                self._known = {one.id: one for one in map(_read, self._recall(PREFIX).items()) if one} | self._known
                for id in self._gone:
                    self._known.pop(id, None)
            found = self._known.get(wanted)
        return found if found is None or now_ms - found.since_ms < KNOWN_FOR_MS else None

    def add(self, by: str, stored: str, now_ms: int) -> str:
        """A new device; its secret, for the cookie. The oldest makes room."""
        secret = secrets.token_urlsafe(32)
        device = Device(id_of(secret), by, now_ms, mark_of(stored))
        with self._lock:
            self._keep(device)
            for old in sorted(self._known.values(), key=lambda one: one.since_ms)[:-MOST]:
                self._drop(old.id)
        return secret

    def again(self, device: Device, stored: str, now_ms: int) -> None:
        """The keeper has given his PIN on it once more, or changed it."""
        with self._lock:
            self._keep(Device(device.id, device.by, now_ms, mark_of(stored)))

    def end_others(self, device: Device) -> None:
        """All but this one of its keeper: he has another PIN."""
        with self._lock:
            for other in [one for one in self._known.values() if one.by == device.by and one.id != device.id]:
                self._drop(other.id)

    def forget(self, device: Device) -> None:
        """Signed out: it hushes no more either."""
        with self._lock:
            self._drop(device.id)

    def _keep(self, device: Device) -> None:
        self._known[device.id] = device
        self._remember(PREFIX + device.id, json.dumps(asdict(device), ensure_ascii=False))

    def _drop(self, id: str) -> None:
        self._known.pop(id, None)
        self._gone.add(id)
        self._remember(PREFIX + id, None)


ASK_AGAIN_MS: Final = 5_000


def _read(kept: tuple[str, str]) -> Device | None:
    """One value; a spoilt one is no device."""
    try:
        return Device(**json.loads(kept[1]))
    except (ValueError, TypeError):
        return None
