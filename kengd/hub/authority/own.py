"""The hub's own certificates: the broker's and the hub workers'. They renew themselves; what does not is told in time (R43)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from kengd.errors import KengdError
from kengd.hub.authority import certificates as make
from kengd.hub.authority import store
from kengd.hub.authority.index import Index, Purpose
from kengd.hub.authority.mending import private_file, record
from kengd.hub.authority.naming import check_hub_name, check_now, check_server_names, page_has_it
from kengd.hub.authority.store import Store

log = logging.getLogger("kengd.hub.authority")

EXPIRY_DAYS = 60
"""An expiry is shown this long before (R43), and what renews itself does so then."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """A certificate that ends soon, or has ended. `subject`: post id, hub-N, commune of a bridge, server name; CA: its name.

    `renews_itself`: nobody has to do anything. A post or bridge needs a new file; the CA a new commune.
    """

    purpose: Purpose | Literal["ca"]
    subject: str
    not_after_ms: int
    renews_itself: bool


class ClientFiles(NamedTuple):
    """Paths for a TLS client; certificate and key are one file."""

    ca: str
    cert: str
    key: str


class OwnCertificates:
    """Server and hub certificates of one authority; key and certificate in one file each."""

    def __init__(self, at: Store) -> None:
        self._store = at

    def files_of(self, name: str, now_ms: int) -> ClientFiles:
        """CA, certificate and key for `hub-1` … or `hub-shell`, made at the first call; then `write_broker` must let it in.

        Raises UsageError `bad_hub_name`, `clock_wrong`.
        """
        path = str(self._store.path(private_file(check_hub_name(name))))
        if not self._is_current(self._store.index(), "hub", name):
            check_now(now_ms)
            with self._store.turn() as index:
                if not self._is_current(index, "hub", name):
                    self._issue(index, "hub", name, now_ms)
        return ClientFiles(str(self._store.path(store.CA)), path, path)

    def serve_as(self, server_names: Sequence[str], now_ms: int) -> None:
        """A new server certificate with these names; `write_broker` hands it over.

        Raises UsageError `bad_server_name`, `page_name_taken` where a post's page has one of them and could pass for the broker.
        """
        check_now(now_ms)
        names = check_server_names(server_names)
        with self._store.turn() as index:
            for page in index.valid("page"):
                if taken := set(names).intersection(page.names):
                    raise page_has_it(taken.pop(), page.subject)
            self._issue(replace(index, server_names=names), "server", names[0], now_ms)

    def expiring(self, now_ms: int, days: int = EXPIRY_DAYS) -> tuple[Expiry, ...]:
        """What ends within so many days, or has ended: the soonest first. A page's ends with the post's own, which is told."""
        index = self._store.index()
        found = [
            Expiry(one.purpose, one.subject, one.not_after_ms, one.purpose in ("server", "hub"))
            for one in index.current()
            if one.purpose != "page" and (one.purpose != "server" or one.subject == index.server_names[0])
        ]
        found.append(Expiry("ca", index.commune_name, self._store.ca().not_after_ms, False))
        soon = (each for each in found if each.not_after_ms - now_ms < days * make.DAY_MS)
        return tuple(sorted(soon, key=lambda each: each.not_after_ms))

    def renew(self, now_ms: int, days: int = EXPIRY_DAYS) -> tuple[str, ...]:
        """New certificates for server and hub where less than so many days are left, or a file is lost; who got one.

        Call `write_broker` after it. Raises UsageError `clock_wrong`.
        """
        check_now(now_ms)
        renewed = []
        with self._store.turn() as index:
            due: list[tuple[Literal["server", "hub"], str]] = [("server", index.server_names[0])]
            due += [("hub", one.subject) for one in index.current() if one.purpose == "hub"]
            for purpose, subject in due:
                if not self._is_current(index, purpose, subject, now_ms + days * make.DAY_MS):
                    index = self._issue(index, purpose, subject, now_ms)
                    renewed.append(subject)
        return tuple(renewed)

    def _issue(self, index: Index, purpose: Literal["server", "hub"], subject: str, now_ms: int) -> Index:
        ca = self._store.ca()
        if purpose == "server":
            pair = make.make_server(ca, index.server_names, now_ms)
        else:
            pair = make.make_client(ca, subject, make.OWN_DAYS, now_ms)
        index = index.with_issued(record(pair, subject, purpose, now_ms))
        self._store.keep(index)
        self._store.write(private_file(subject) if purpose == "hub" else store.SERVER, pair.pem())
        log.info("new certificate for %s %s, serial %x", purpose, subject, pair.serial)
        return index

    def _is_current(
        self, index: Index, purpose: Literal["server", "hub"], subject: str, until_ms: int | None = None
    ) -> bool:
        """Whether the file on disk is the newest certificate of this subject, and lasts until then."""
        newest = next((one for one in index.current() if (one.purpose, one.subject) == (purpose, subject)), None)
        try:
            pair = self._store.pair(private_file(subject) if purpose == "hub" else store.SERVER)
        except KengdError as broken:
            if broken.code != "authority_broken":
                raise
            return False
        if newest is None or pair is None or newest.serial != f"{pair.serial:x}":
            return False
        return until_ms is None or newest.not_after_ms >= until_ms
