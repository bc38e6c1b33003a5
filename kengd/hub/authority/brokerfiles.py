"""The directory `broker/`: mosquitto's settings, access list and what it needs of the keys, written whole and only when changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kengd.errors import KengdError, UsageError
from kengd.hub.authority import files
from kengd.hub.authority.broker import ACL, BRIDGE, BRIDGE_CA, CONF, CRL, DATA, SERVER
from kengd.hub.authority.certificates import Pair, read_pair

SHARED_FILE, SHARED_DATA = 0o640, 0o2770
RELOADED = frozenset({ACL, CRL, SERVER})
"""mosquitto reads these again on SIGHUP; anything else needs a restart."""


@dataclass(frozen=True, slots=True)
class BrokerFiles:
    """`config`: for `mosquitto -c`. `changed`: names of the files that are new; `restart`: whether SIGHUP is not enough.

    mosquitto asks for the list of revoked ones only at the handshake: an open session lives on until a restart ends it.
    """

    config: Path
    changed: tuple[str, ...]
    restart: bool


def write_files(directory: Path, contents: Mapping[str, bytes]) -> BrokerFiles:
    """Write what differs. In a set-group-id directory (2750, group mosquitto) the group may read, else only the owner.

    Raises KengdError `authority_disk`, `authority_busy`.
    """
    if not directory.exists():
        files.make_directory(directory)
    shared = bool(os.stat(directory).st_mode & stat.S_ISGID)
    with files.locked(directory):
        files.sweep(directory)
        if not (shared and (directory / DATA).exists()):  # an installer made it for mosquitto, whose own it is then
            files.make_directory(directory / DATA, SHARED_DATA if shared else 0o700)
        changed = []
        for name, content in contents.items():
            if files.read(directory / name) != content:
                files.write(directory / name, content, SHARED_FILE if shared else files.PRIVATE)
                changed.append(name)
        for name in (BRIDGE, BRIDGE_CA):
            if name not in contents and (directory / name).exists():
                files.remove(directory / name)
                changed.append(name)
    return BrokerFiles(directory / CONF, tuple(changed), not RELOADED.issuperset(changed))


def pack_bundle(pair: Pair, ca: Pair) -> bytes:
    """What a district gives a commune for its bridge: key, certificate, the district's CA."""
    return pair.pem() + ca.certificate_pem()


def bundle_in_force(directory: Path) -> bytes | None:
    """What the bridge uses now, as the bundle that it came from; None: there is none, or it cannot be read."""
    try:
        return (directory / BRIDGE).read_bytes() + (directory / BRIDGE_CA).read_bytes()
    except OSError:
        return None


def unpack_bundle(bundle: bytes, commune: str) -> dict[str, bytes]:
    """The bridge's files. Raises UsageError `bad_bridge` where this is no such bundle or one for another commune."""
    try:
        own, authority = x509.load_pem_x509_certificates(bundle)
        pair = read_pair(bundle, BRIDGE)
        own.verify_directly_issued_by(authority)  # raises where it does not
        (name,) = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except Exception:  # noqa: BLE001 whatever cryptography says of it, and it must not be shown
        raise _bad_bridge("tệp nối lên huyện, tỉnh không đọc được") from None
    if name.value != commune:
        raise _bad_bridge(f"tệp nối lên huyện, tỉnh là của xã khác ({str(name.value)[:60]})")
    return {BRIDGE: pair.pem(), BRIDGE_CA: authority.public_bytes(Encoding.PEM)}


def _bad_bridge(vi: str) -> KengdError:
    return UsageError(
        "bad_bridge", vi, cure="xin huyện, tỉnh cấp lại tệp cho đúng xã này", en="not this commune's bridge"
    )
