"""The hub's signing keys (Ed25519): a name each, one that signs, and an overlap in which posts know the old and the new one."""

from __future__ import annotations

import datetime
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kengd.errors import KengdError, UsageError
from kengd.hub.authority.certificates import broken_file
from kengd.hub.authority.index import Index, SigningKey
from kengd.hub.authority.naming import check_kid, check_now
from kengd.hub.authority.store import Store
from kengd.wire.signing import public_text, read_private_key

MOST_KEYS = 8
"""Not revoked at a time; a post's settings bear 16."""


def make_key(kid: str, now_ms: int) -> tuple[SigningKey, bytes]:
    """A new key, state `active`, and its PKCS8 PEM."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SigningKey(kid, public_text(key), "active", now_ms, now_ms), pem


def key_file(kid: str) -> str:
    """Where the private half lies in the authority's directory."""
    return f"signing/{kid}.pem"


def first_kid(commune: str, now_ms: int) -> str:
    """The name of the first key: commune and year."""
    year = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC).year
    return f"{commune.strip('-') or 'xa'}-{year}"


def active_key(index: Index) -> SigningKey:
    """The key that signs now. Raises KengdError `no_signing_key`."""
    found = next((key for key in index.keys if key.state == "active"), None)
    if found is None:
        raise KengdError(
            "no_signing_key",
            "máy trực ban không có khoá ký nào đang dùng",
            cure="làm khoá mới: kengd hub keys new TÊN",
            en="no active signing key",
        )
    return found


class SigningKeys:
    """The signing keys of one authority. Every change is on disk when the call returns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loaded: tuple[SigningKey, Ed25519PrivateKey] | None = None

    def signing(self) -> tuple[str, Ed25519PrivateKey]:
        """(kid, key) that signs now. Raises KengdError `no_signing_key`, `authority_broken`."""
        active = active_key(self._store.index())
        if self._loaded is None or self._loaded[0].public != active.public:
            self._loaded = (active, self._load(active))
        return active.kid, self._loaded[1]

    def new(self, kid: str, now_ms: int) -> SigningKey:
        """A further key. It stands in each file made from now on and signs from `retire` of the present one.

        Raises UsageError `bad_kid`, `kid_taken`, `too_many_keys`, `clock_wrong`.
        """
        check_kid(kid), check_now(now_ms)
        with self._store.turn() as index:
            if any(key.kid.lower() == kid.lower() for key in index.keys):
                raise UsageError(
                    "kid_taken", f"đã có khoá ký tên “{kid}”", cure="đặt tên khác", en=f"key {kid!r} exists"
                )
            if len(index.usable_keys()) >= MOST_KEYS:
                raise UsageError(
                    "too_many_keys",
                    f"đã có {MOST_KEYS} khoá ký chưa thu hồi",
                    cure="thu hồi những khoá cũ trước: kengd hub keys revoke TÊN",
                    en=f"{MOST_KEYS} keys are in use",
                )
            made, pem = make_key(kid, now_ms)
            if any(key.state == "active" for key in index.keys):
                made = replace(made, state="next")
            self._store.write(
                key_file(kid), pem
            )  # before the index: a name without a key would be worse than the reverse
            self._store.keep(index.with_key(made))
        return made

    def retire(self, kid: str, now_ms: int) -> str:
        """The active key signs no more, the oldest `next` one does; posts go on accepting both. The kid that signs now.

        Posts whose file was made before the new key refuse it (`unknown_key`): see `posts_without`. Raises UsageError
        `unknown_kid`, `not_active`, `no_successor`.
        """
        check_now(now_ms)
        with self._store.turn() as index:
            old = _known(index, kid)
            if old.state != "active":
                raise UsageError(
                    "not_active",
                    f"khoá “{kid}” không phải khoá đang ký",
                    cure="xem khoá nào đang ký: kengd hub keys list",
                    en=f"key {kid!r} is not the active one",
                )
            changed, successor = _succeeded(index, now_ms)
            self._store.keep(changed.with_key(replace(old, state="retiring", since_ms=now_ms)))
        return successor

    def revoke(self, kid: str, now_ms: int) -> str:
        """It stands in no file from now on and its private half is destroyed. The kid that signs now.

        Revoking the active key needs a `next` one, which signs from then on. Raises UsageError `unknown_kid`, `no_successor`.
        """
        check_now(now_ms)
        with self._store.turn() as index:
            old = _known(index, kid)
            changed = index
            if old.state == "active":
                changed, _ = _succeeded(index, now_ms)
            if old.state != "revoked":
                changed = changed.with_key(replace(old, state="revoked", since_ms=now_ms))
                self._store.keep(changed)
            self._store.remove(key_file(kid))
        return active_key(changed).kid

    def _load(self, wanted: SigningKey) -> Ed25519PrivateKey:
        name = key_file(wanted.kid)
        try:
            key = read_private_key(self._store.read(name) or b"")
        except UsageError:
            raise broken_file(name) from None
        if public_text(key) != wanted.public:
            raise broken_file(name)
        return key


def _known(index: Index, kid: str) -> SigningKey:
    found = index.key(kid)
    if found is None:
        raise UsageError(
            "unknown_kid",
            f"không có khoá ký nào tên “{kid[:64]}”",
            cure="xem các khoá: kengd hub keys list",
            en="unknown key",
        )
    return found


def _succeeded(index: Index, now_ms: int) -> tuple[Index, str]:
    """The oldest `next` key becomes the active one."""
    successor = next((key for key in index.keys if key.state == "next"), None)
    if successor is None:
        raise UsageError(
            "no_successor",
            "chưa có khoá mới để thay khoá đang ký",
            cure="làm khoá mới (kengd hub keys new TÊN), phát tệp mới cho các điểm kẻng, rồi mới bỏ khoá cũ",
            en="no key to take its place",
        )
    return index.with_key(replace(successor, state="active", since_ms=now_ms)), successor.kid
