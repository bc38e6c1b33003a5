"""Keys and certificates made on the spot: none of them is worth anything, and none is kept in the repository."""

from __future__ import annotations

import datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


@cache
def pair(name: str) -> tuple[str, str]:
    """(certificate, private key), both PEM; the same for the same name within a run."""
    key = Ed25519PrivateKey.generate()
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2099, 1, 1, tzinfo=datetime.UTC))
        .sign(key, None)
    )
    return certificate.public_bytes(Encoding.PEM).decode(), private(key, NoEncryption())


def private(key: Ed25519PrivateKey, how: KeySerializationEncryption) -> str:
    """PKCS8 PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode()


@cache
def locked_key() -> str:
    """A private key that asks for a pass phrase."""
    return private(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret"))
