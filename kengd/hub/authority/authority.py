"""The commune's authority: what the hub's service and shell ask of this room, behind one door.

Every change is on disk when a call returns, in an order in which a power cut leaves nothing half: the index first, so that
no certificate is in the world that could not be revoked. `now_ms` is unix ms. Nothing here ever logs or shows a key (P12).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kengd.errors import KengdError, UsageError
from kengd.hub.authority import broker, sealing, store
from kengd.hub.authority import certificates as make
from kengd.hub.authority.brokerfiles import BrokerFiles, pack_bundle, unpack_bundle, write_files
from kengd.hub.authority.enrolment import Enrolment, PostWish
from kengd.hub.authority.index import Index, Purpose, SigningKey, to_json
from kengd.hub.authority.keys import SigningKeys, first_kid, key_file, make_key
from kengd.hub.authority.mending import check_contents, keep, mend, private_file, record
from kengd.hub.authority.naming import (
    check_common_name,
    check_kid,
    check_now,
    check_post,
    check_server_names,
    check_words,
)
from kengd.hub.authority.own import EXPIRY_DAYS, ClientFiles, Expiry, OwnCertificates
from kengd.hub.authority.posts import PostCertificates
from kengd.hub.authority.readers import Reader, make_reader
from kengd.hub.authority.store import Store, lay_down
from kengd.settings.find import LoadedSettings
from kengd.wire.topics import check_slug

log = logging.getLogger("kengd.hub.authority")

OPEN_WITHIN_S: Final = 0.5
HEARERS: Final[tuple[Purpose, Purpose]] = ("hub", "reader")
"""Whom the access list names one by one."""


class Authority:
    """One commune's (or district's) CA, certificates and signing keys. Safe in several threads and processes at once.

    Any call may raise KengdError `authority_disk`, `authority_busy`, `authority_broken`.
    """

    def __init__(self, at: Store) -> None:
        """For `begin`, `open` and `unseal`."""
        self._store = at
        self._keys = SigningKeys(at)
        self._own = OwnCertificates(at)
        self._posts = PostCertificates(at)

    # ---- beginning

    @classmethod
    def begin(
        cls,
        directory: Path,
        commune: str,
        commune_name: str,
        server_names: Sequence[str],
        now_ms: int,
        *,
        kid: str | None = None,
    ) -> Authority:
        """A new CA, server certificate and first signing key, all or nothing.

        `server_names`: each DNS name and address the posts call the broker by. Raises UsageError `authority_exists`,
        `no_directory`, `bad_slug`, `bad_name`, `bad_server_name`, `bad_kid`, `clock_wrong`.
        """
        check_slug(commune), check_common_name(commune_name), check_now(now_ms)
        names = check_server_names(server_names)
        key, key_pem = make_key(check_kid(kid or first_kid(commune, now_ms)), now_ms)
        ca = make.make_ca(commune_name, now_ms)
        server = make.make_server(ca, names, now_ms)
        index = Index(commune, commune_name, names, keys=(key,)).with_issued(record(server, names[0], "server", now_ms))
        contents = {
            store.INDEX: to_json(index),
            store.CA: ca.certificate_pem(),
            store.CA_PAIR: ca.pem(),
            store.SERVER: server.pem(),
            store.CRL: make.make_crl(ca, (), index.crl_number),
            key_file(key.kid): key_pem,
        }
        at = lay_down(directory, contents)
        log.info("a new authority for %s, signing key %s", commune, key.kid)
        return cls(at)

    @classmethod
    def open(cls, directory: Path) -> Authority:
        """The one in this directory; what a power cut left undone is finished. Raises UsageError `no_authority`.

        While somebody else is changing it nothing is finished: a hush must not wait for that, and whoever changes it writes it whole.
        """
        at = Store(Path(directory).absolute())
        try:
            with at.turn(OPEN_WITHIN_S) as index:
                mend(at, index)
        except KengdError as wrong:
            if wrong.code != "authority_busy":
                raise
            log.warning("the authority is being changed by another process: opened as it is")
        return cls(at)

    # ---- who it is

    @property
    def index(self) -> Index:
        """Commune, names, everything issued, signing keys: as it lies on disk now."""
        return self._store.index()

    @property
    def commune(self) -> str:
        """The commune's slug."""
        return self.index.commune

    @property
    def server_names(self) -> tuple[str, ...]:
        """Names and addresses in the server's certificate."""
        return self.index.server_names

    @property
    def ca_file(self) -> Path:
        """The CA's certificate."""
        return self._store.path(store.CA)

    def ca_ends_ms(self) -> int:
        """The CA's end (unix ms): with it everything ends."""
        return self._store.ca().not_after_ms

    # ---- posts

    def enrol(self, wish: PostWish, now_ms: int, *, keep_old: bool = False) -> Enrolment:
        """See `PostCertificates.enrol`."""
        return self._posts.enrol(wish, now_ms, keep_old=keep_old)

    def would_be(self, wish: PostWish) -> tuple[str, LoadedSettings]:
        """See `PostCertificates.would_be`."""
        return self._posts.would_be(wish)

    def revoke(self, subject: str, why: str, now_ms: int, *, purpose: Purpose = "post") -> tuple[str, ...]:
        """All certificates of a post (or hub worker, reader, bridge) end now; their serials, but for those of the post's page, which
        end with them. The broker must be told: `write_broker`.

        Raises UsageError `not_enrolled`, `bad_name` (why), `clock_wrong`.
        """
        check_now(now_ms), check_words(why, "lý do thu hồi")
        with self._store.turn() as index:
            serials = tuple(one.serial for one in index.valid(purpose, subject))
            if not serials or purpose == "server":
                raise UsageError(
                    "not_enrolled",
                    f"“{subject[:60]}” không có chứng thư nào còn dùng được",
                    cure="xem danh sách các điểm kẻng: kengd hub posts"
                    if purpose == "post"
                    else "xem những máy có chứng thư: kengd hub keys list",
                    en=f"{subject[:60]!r} holds no valid certificate",
                )
            pages = [one.serial for one in index.valid("page", subject)] if purpose == "post" else []
            keep(self._store, index.with_revoked((*serials, *pages), now_ms, why), index)
            if purpose == "hub":
                self._store.remove(private_file(subject))
        log.info("revoked %s %s, %d certificate(s)", purpose, subject, len(serials))
        return serials

    def reader(self, name: str, now_ms: int) -> Reader:
        """See `make_reader`; then `write_broker` must let it in."""
        return make_reader(self._store, name, now_ms)

    # ---- signing keys

    def signing(self) -> tuple[str, Ed25519PrivateKey]:
        """(kid, key) that signs now. Raises KengdError `no_signing_key`."""
        return self._keys.signing()

    def public_keys(self) -> dict[str, str]:
        """kid → base64url of all keys not revoked, the active one first: for `kengd.wire.signing.KeyRing`."""
        return {key.kid: key.public for key in self.index.usable_keys()}

    def new_key(self, kid: str, now_ms: int) -> SigningKey:
        """See `SigningKeys.new`."""
        return self._keys.new(kid, now_ms)

    def retire(self, kid: str, now_ms: int) -> str:
        """See `SigningKeys.retire`."""
        return self._keys.retire(kid, now_ms)

    def revoke_key(self, kid: str, now_ms: int) -> str:
        """See `SigningKeys.revoke`."""
        return self._keys.revoke(kid, now_ms)

    def posts_without(self, kid: str) -> tuple[str, ...]:
        """Posts whose newest file does not name this key: they would refuse its commands."""
        return tuple(one.subject for one in self.index.current() if one.purpose == "post" and kid not in one.kids)

    # ---- the hub's own

    def client_files(self, name: str, now_ms: int) -> ClientFiles:
        """See `OwnCertificates.files_of`."""
        return self._own.files_of(name, now_ms)

    def share_name(self) -> str:
        """Under which the hub's workers share what comes in: the same for all who have this authority, for others not to be guessed."""
        der = self._store.ca().key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return HKDF(SHA256(), 16, None, b"kengd: the share of the hub's workers").derive(der).hex()

    def serve_as(self, server_names: Sequence[str], now_ms: int) -> None:
        """See `OwnCertificates.serve_as`."""
        self._own.serve_as(server_names, now_ms)

    def expiring(self, now_ms: int, days: int = EXPIRY_DAYS) -> tuple[Expiry, ...]:
        """See `OwnCertificates.expiring`."""
        return self._own.expiring(now_ms, days)

    def renew(self, now_ms: int, days: int = EXPIRY_DAYS) -> tuple[str, ...]:
        """See `OwnCertificates.renew`."""
        return self._own.renew(now_ms, days)

    # ---- the broker

    def write_broker(
        self, directory: Path, settings: broker.BrokerSettings | None = None, *, bridge: broker.Bridge | None = None
    ) -> BrokerFiles:
        """mosquitto's settings, access list, certificates and list of revoked ones in `directory`; call it after any change.

        Raises UsageError `bad_path`, `bad_listener`, `bad_port`, `bad_user`, `bad_log`, `bad_bridge`, `bad_prefix`.
        """
        place, settings = Path(directory).absolute(), settings or broker.BrokerSettings()
        with self._store.turn() as index:
            mend(self._store, index)
            hubs, readers = (sorted({one.subject for one in index.valid(kind)}) for kind in HEARERS)
            access = broker.commune_acl(index.commune, hubs, readers, settings)
            conf = broker.broker_conf(place, settings)
            contents = {name: self._store.read(name) or b"" for name in (store.CA, store.CRL)}
            if (server := self._store.read(store.SERVER)) is None:
                raise make.broken_file(store.SERVER)
            contents |= {broker.SERVER: server, broker.ACL: access.encode()}
            if bridge is not None:
                contents |= unpack_bundle(bridge.bundle, index.commune)
                conf += broker.bridge_conf(place, index.commune, bridge)
            return write_files(place, contents | {broker.CONF: conf.encode()})

    def bridge_for(self, commune: str, now_ms: int) -> bytes:
        """A district's: the PEM bundle (secret) that lets this commune's broker connect; an earlier one is revoked."""
        check_post(commune), check_now(now_ms)
        with self._store.turn() as index:
            ca = self._store.ca()
            pair = make.make_client(ca, commune, make.POST_DAYS, now_ms)
            old = [one.serial for one in index.valid("bridge", commune)]
            new = record(pair, commune, "bridge", now_ms)
            keep(self._store, index.with_revoked(old, now_ms, "replaced").with_issued(new), index)
        return pack_bundle(pair, ca)

    # ---- the backup

    def seal(self, passphrase: str) -> bytes:
        """CA, signing keys, certificates and index in one encrypted blob. Raises UsageError `weak_passphrase`."""
        with self._store.turn():
            contents = self._store.all_files()
        return sealing.seal(contents, passphrase)

    @classmethod
    def unseal(cls, blob: bytes, passphrase: str, directory: Path) -> Authority:
        """The authority of a backup in a new or empty directory, all or nothing.

        A certificate issued after the backup is unknown to it and can be revoked only by a new CA. Raises KengdError
        `wrong_passphrase`, `not_a_backup`, UsageError `authority_exists`.
        """
        contents = sealing.unseal(blob, passphrase)
        check_contents(contents)
        lay_down(directory, contents)
        return cls.open(directory)
