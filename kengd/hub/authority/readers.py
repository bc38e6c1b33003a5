"""Certificates for what may look and never speak: Home Assistant, a wall display, somebody else's program."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from kengd.hub.authority import certificates as make
from kengd.hub.authority.mending import keep, record
from kengd.hub.authority.naming import check_now, reader_subject
from kengd.hub.authority.store import Store

log = logging.getLogger("kengd.hub.authority")

READER_DAYS = 5 * 365
"""It is renewed by hand, in the viewer's own settings; its end is shown 60 days ahead like every other."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What the viewer is given, PEM: `key` is the only copy. `subject`: its user name and client id at the broker.

    `serial`: hex; `revoked`: serials of the certificates that this one replaces.
    """

    subject: str
    ca: bytes
    certificate: bytes
    key: bytes = field(repr=False)
    serial: str
    not_after_ms: int
    revoked: tuple[str, ...]


def make_reader(at: Store, name: str, now_ms: int) -> Reader:
    """A certificate for the viewer of this name; what it had is revoked. Raises UsageError `bad_slug`, `clock_wrong`."""
    subject = reader_subject(name)
    check_now(now_ms)
    with at.turn() as index:
        ca = at.ca()
        pair = make.make_client(ca, subject, READER_DAYS, now_ms)
        old = tuple(one.serial for one in index.valid("reader", subject))
        new = record(pair, subject, "reader", now_ms)
        keep(at, index.with_revoked(old, now_ms, "replaced").with_issued(new), index)
    log.info("new certificate for %s, serial %s, %d revoked", subject, new.serial, len(old))
    return Reader(
        subject, ca.certificate_pem(), pair.certificate_pem(), pair.key_pem(), new.serial, new.not_after_ms, old
    )
