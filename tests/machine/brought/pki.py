"""Runs in the guest with the post's own Python: the certificates of a commune's line, all in one directory.

    pki.py DIRECTORY

ca, server (for 127.0.0.1), post (thon-1), hub and desk, as they should be; expired (thon-1, until 2020), stranger (a
server's CA that nobody knows). Valid from 2000 on, since a post may start with any date. order.pem: the hub's Ed25519 key;
its public half is printed as base64url. Each NAME.pem is a certificate, NAME.key its key; order.pem is a key.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

FROM, UNTIL = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2099, 1, 1, tzinfo=datetime.UTC)
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
PLAIN = serialization.NoEncryption()
PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8


@dataclass(frozen=True)
class Authority:
    """Somebody who signs."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey


def named(common_name: str) -> x509.Name:
    """CN=…"""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def keep(place: Path, file: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """Write both halves."""
    (place / f"{file}.pem").write_bytes(certificate.public_bytes(PEM))
    (place / f"{file}.key").write_bytes(key.private_bytes(PEM, PKCS8, PLAIN))


def authority(place: Path, file: str, common_name: str) -> Authority:
    """A root of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = named(common_name)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(FROM).not_valid_after(UNTIL)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = dict.fromkeys(("content_commitment", "data_encipherment", "encipher_only", "decipher_only"), False)
    builder = builder.add_extension(
        x509.KeyUsage(
            digital_signature=True,
            key_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            **usage,
        ),
        critical=True,
    )
    identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = builder.add_extension(identity, critical=False)
    keep(place, file, builder.sign(key, hashes.SHA256()), key)
    return Authority(name, key)


def issue(
    place: Path,
    file: str,
    by: Authority,
    common_name: str,
    until: datetime.datetime = UNTIL,
    address: str | None = None,
) -> None:
    """A certificate for somebody; `address`: the server's."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(named(common_name)).issuer_name(by.name)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(FROM).not_valid_after(until)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    if address is not None:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    keep(place, file, builder.sign(by.key, hashes.SHA256()), key)


def make(place: Path) -> str:
    """Everything; the hub's public key."""
    place.mkdir(parents=True, exist_ok=True)
    commune = authority(place, "ca", "xã Cộng Lạc")
    authority(place, "stranger", "somebody else")
    issue(place, "server", commune, "may-truc-ban", address="127.0.0.1")
    for name in ("hub", "desk"):
        issue(place, name, commune, name)
    issue(place, "post", commune, "thon-1")
    issue(place, "expired", commune, "thon-1", until=LONG_AGO)
    order = ed25519.Ed25519PrivateKey.generate()
    (place / "order.pem").write_bytes(order.private_bytes(PEM, PKCS8, PLAIN))
    raw = order.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
