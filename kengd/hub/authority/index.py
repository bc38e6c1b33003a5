"""The index: what was issued to whom, and which signing key is in which state. Pure; kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

Purpose = Literal["server", "post", "hub", "bridge", "reader", "page"]
"""`page`: of the page on a post; it comes and goes with the post's own."""
KeyState = Literal["next", "active", "retiring", "revoked"]
VERSION = 1


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate. `serial`: hex; times unix ms; `kids`: signing keys named in the post's file when it was made; `names`: that a
    page is called by, beside POST.local."""

    serial: str
    subject: str
    purpose: Purpose
    issued_ms: int
    not_after_ms: int
    revoked_ms: int | None = None
    why: str = ""
    kids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One signing key. `public`: raw 32 bytes, base64url; `since_ms`: when it came into this state.

    next: in the posts' files, does not sign yet; active: signs; retiring: signs no more, still in the files; revoked: in no file.
    """

    kid: str
    public: str
    state: KeyState
    made_ms: int
    since_ms: int


@dataclass(frozen=True, slots=True)
class Index:
    """All of it. `crl_number`: of the newest list of revoked certificates."""

    commune: str
    commune_name: str
    server_names: tuple[str, ...]
    crl_number: int = 1
    issued: tuple[Issued, ...] = ()
    keys: tuple[SigningKey, ...] = ()

    def with_issued(self, one: Issued) -> Index:
        """One more certificate."""
        return replace(self, issued=(*self.issued, one))

    def with_revoked(self, serials: Iterable[str], now_ms: int, why: str) -> Index:
        """These are revoked from now on; a new list is due. Already revoked ones stay as they are."""
        chosen = frozenset(serials)
        issued = tuple(
            replace(one, revoked_ms=now_ms, why=why) if one.serial in chosen and one.revoked_ms is None else one
            for one in self.issued
        )
        return self if issued == self.issued else replace(self, issued=issued, crl_number=self.crl_number + 1)

    def valid(self, purpose: Purpose, subject: str | None = None) -> tuple[Issued, ...]:
        """Not revoked, in order of issue; `subject` None: all."""
        return tuple(
            one
            for one in self.issued
            if one.purpose == purpose and one.revoked_ms is None and subject in (None, one.subject)
        )

    def of(self, purpose: Purpose, subject: str) -> tuple[Issued, ...]:
        """All that it ever had, revoked or not, in order of issue."""
        return tuple(one for one in self.issued if (one.purpose, one.subject) == (purpose, subject))

    def current(self) -> tuple[Issued, ...]:
        """The newest of each purpose and subject that is not revoked."""
        newest = {(one.purpose, one.subject): one for one in self.issued if one.revoked_ms is None}
        return tuple(newest.values())

    def key(self, kid: str) -> SigningKey | None:
        """The signing key of this name."""
        return next((key for key in self.keys if key.kid == kid), None)

    def with_key(self, changed: SigningKey) -> Index:
        """A key added, or changed in its place."""
        if self.key(changed.kid) is None:
            return replace(self, keys=(*self.keys, changed))
        return replace(self, keys=tuple(changed if key.kid == changed.kid else key for key in self.keys))

    def all_keys(self) -> dict[str, str]:
        """kid → public half of every key there ever was: what a revoked one has signed before stays good."""
        return {key.kid: key.public for key in self.keys}

    def ended_ms(self) -> dict[str, int]:
        """When each revoked key was revoked."""
        return {key.kid: key.since_ms for key in self.keys if key.state == "revoked"}

    def usable_keys(self) -> tuple[SigningKey, ...]:
        """All that posts should know: the active one first."""
        return tuple(
            sorted((key for key in self.keys if key.state != "revoked"), key=lambda key: key.state != "active")
        )


def to_json(index: Index) -> bytes:
    """As it is written."""
    return (json.dumps({"v": VERSION, **asdict(index)}, ensure_ascii=False, indent=1) + "\n").encode()


def from_json(raw: bytes) -> Index:
    """What was written. Raises ValueError on anything else."""
    try:
        data = json.loads(raw)
        if data.pop("v") != VERSION:
            raise ValueError("another version")
        issued = tuple(_issued(one) for one in data.pop("issued"))
        keys = tuple(_key(one) for one in data.pop("keys"))
        names = tuple(_texts(data.pop("server_names")))
        index = Index(server_names=names, issued=issued, keys=keys, **data)
        _texts([index.commune, index.commune_name])
        _numbers(index.crl_number)
    except (KeyError, TypeError, AttributeError, RecursionError) as wrong:
        raise ValueError("not an index") from wrong
    return index


def _issued(data: dict[str, Any]) -> Issued:
    lists = {"kids": tuple(_texts(data["kids"])), "names": tuple(_texts(data.get("names", [])))}
    one = Issued(**{**data, **lists})
    _texts([one.serial, one.subject, one.why])
    _numbers(one.issued_ms, one.not_after_ms, 0 if one.revoked_ms is None else one.revoked_ms)
    int(one.serial, 16)
    if one.purpose not in get_args(Purpose):
        raise ValueError("unknown purpose")
    return one


def _key(data: dict[str, Any]) -> SigningKey:
    key = SigningKey(**data)
    _texts([key.kid, key.public])
    _numbers(key.made_ms, key.since_ms)
    if key.state not in get_args(KeyState):
        raise ValueError("unknown state")
    return key


def _texts(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("not texts")
    return values


def _numbers(*values: object) -> None:
    if not all(type(value) is int for value in values):
        raise ValueError("not whole numbers")
