"""What the tests of people need: a clock that is set, chance that repeats, cheap hashing, and officers to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from kengd.hub.ledger.store import Ledger, sqlite_url
from kengd.hub.people.passwords import argon2
from kengd.hub.people.people import People
from kengd.hub.people.words import Caller, Officer, Role

START_MS = 1_793_000_000_000
PASSWORD = "con trâu đi trước"


class Clock:
    """Unix ms that a test sets."""

    def __init__(self) -> None:
        self.ms = START_MS

    def __call__(self) -> int:
        return self.ms


class Dice:
    """Bytes that look random and are the same in every run."""

    def __init__(self, n: int = 0) -> None:
        self.n = n

    def __call__(self, count: int) -> bytes:
        out = b""
        while len(out) < count:
            self.n += 1
            out += sha256(str(self.n).encode()).digest()
        return out[:count]


def people_of(ledger: Ledger, clock: Clock) -> People:
    """The facade with the cheapest argon2id there is."""
    return People(ledger, clock, Dice(), argon2(time_cost=1, memory_kib=8))


@dataclass
class Station:
    """A hub with its people. `admin`: signed in, with a password of their own."""

    people: People
    ledger: Ledger
    clock: Clock
    admin: Caller
    admin_secret: str

    def officer(self, login: str, role: Role = "duty", **more: str) -> Officer:
        """Another officer, whose password is PASSWORD."""
        made, first = self.people.make_officer(self.admin, login, f"Đồng chí {login}", role, **more)
        self.settled(login, first)
        return made

    def settled(self, login: str, first: str) -> None:
        """The first password is changed, the device signed out again."""
        caller = self.caller(self.people.sign_in(login, first, f"10.0.0.{login}")[0])
        self.people.change_password(caller, first, PASSWORD)
        self.people.sign_out(caller)

    def signed_in(self, login: str, address: str = "10.0.0.1") -> tuple[str, Caller]:
        """A device of theirs."""
        secret, _ = self.people.sign_in(login, PASSWORD, address, "điện thoại")
        return secret, self.caller(secret)

    def caller(self, secret: str) -> Caller:
        """Who this device is."""
        found = self.people.of_session(secret)
        assert found is not None
        return found

    def later(self, ms: int) -> None:
        """Time goes by."""
        self.clock.ms += ms


@cache
def _shaped() -> bytes:
    """An empty ledger's file, made once."""
    with TemporaryDirectory() as where:
        path = Path(where) / "ledger.sqlite"
        Ledger(sqlite_url(path)).close()
        return path.read_bytes()


def on_disk(directory: Path) -> Ledger:
    """An empty ledger in SQLite."""
    path = directory / "ledger.sqlite"
    path.write_bytes(_shaped())
    return Ledger(sqlite_url(path))


def station(ledger: Ledger) -> Station:
    """Begun at the shell, the first admin settled."""
    clock = Clock()
    people = people_of(ledger, clock)
    first = people.first_officer("truong", "Trưởng công an xã")
    secret, _ = people.sign_in("truong", first, "10.0.0.9", "máy bàn")
    found = people.of_session(secret)
    assert found is not None
    people.change_password(found, first, PASSWORD)
    admin = people.of_session(secret)
    assert admin is not None
    return Station(people, ledger, clock, admin, secret)
