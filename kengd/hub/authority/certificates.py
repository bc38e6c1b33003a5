"""Certificates of the commune, built: CA, server, clients, list of revoked ones. EC P-256; the moment is passed in.

All begin on 2000-01-01: a post without a trusted clock, and a hub whose clock was wrong on the day it made one, must still be
able to use them (R43, H22). What ends is said by `not_after_ms`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kengd.errors import KengdError
from kengd.hub.authority.naming import address_of

BEGIN = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
DAY_MS = 86_400_000
CA_DAYS = 50 * 365
POST_DAYS = 10 * 365
"""A post's certificates are renewed by carrying a file to the bell, so they last as long as the hardware."""
OWN_DAYS = 2 * 365
"""The server's and the hub's own renew themselves."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, which is never shown."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def serial(self) -> int:
        """The certificate's serial number."""
        return self.certificate.serial_number

    @property
    def not_after_ms(self) -> int:
        """Unix ms, whole seconds."""
        return int(self.certificate.not_valid_after_utc.timestamp()) * 1000

    def certificate_pem(self) -> bytes:
        """The public half."""
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self) -> bytes:
        """PKCS8, not encrypted: for files that only their owner reads."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def pem(self) -> bytes:
        """Key and certificate in one file, so that no power cut can part them; OpenSSL reads each where it asks for it."""
        return self.key_pem() + self.certificate_pem()


def make_ca(commune_name: str, now_ms: int) -> Pair:
    """The commune's own CA. It signs certificates of its clients and servers, and no further CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(commune_name)
    builder = _begun(name, name, key, _moment(now_ms + CA_DAYS * DAY_MS))
    return Pair(
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256()),
        key,
    )


def make_server(ca: Pair, names: Sequence[str], now_ms: int, days: int = OWN_DAYS) -> Pair:
    """The broker's certificate, or that of a post's page; `names`: each DNS name and IP address it is called by (R42)."""
    alternatives: list[x509.GeneralName] = []
    for name in names:
        address = address_of(name)
        alternatives.append(x509.DNSName(name) if address is None else x509.IPAddress(address))
    return _issue(
        ca, names[0][:64], days, now_ms, ExtendedKeyUsageOID.SERVER_AUTH, x509.SubjectAlternativeName(alternatives)
    )


def make_client(ca: Pair, common_name: str, days: int, now_ms: int) -> Pair:
    """A client's certificate; the broker takes `common_name` for its user name and client id."""
    return _issue(ca, common_name, days, now_ms, ExtendedKeyUsageOID.CLIENT_AUTH, None)


def make_crl(ca: Pair, revoked: Iterable[tuple[int, int]], number: int) -> bytes:
    """PEM list of the revoked, (serial, since unix ms) each; `number` grows with each list.

    Its date is 2000-01-01 plus `number` seconds, and it ends with the CA: a list dated by a clock that was wrong would shut
    every post out, and OpenSSL takes the one with the later date where a broker was told to read again.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.certificate.subject)
        .last_update(BEGIN + datetime.timedelta(seconds=number))
        .next_update(ca.certificate.not_valid_after_utc)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_issuer_key(ca), critical=False)
    )
    for serial, since_ms in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(_moment(since_ms))
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def read_pair(pem: bytes, said: str) -> Pair:
    """What `Pair.pem` wrote. `said`: the file's name for people. Raises KengdError `authority_broken`; shows nothing of it."""
    try:
        key = load_pem_private_key(pem, None)
        certificate = x509.load_pem_x509_certificate(pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
            raise ValueError("not a pair")
    except (TypeError, ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise broken_file(said) from None
    return Pair(certificate, key)


def broken_file(said: str) -> KengdError:
    """A file of the authority that says nothing any more."""
    return KengdError(
        "authority_broken",
        f"tệp {said} của máy trực ban bị hỏng",
        cure="dời hub.toml và thư mục dữ liệu đi nơi khác, rồi khôi phục từ bản sao lưu: kengd hub restore TỆP",
        en=f"{said} is damaged",
    )


def _issue(
    ca: Pair,
    common_name: str,
    days: int,
    now_ms: int,
    purpose: x509.ObjectIdentifier,
    names: x509.SubjectAlternativeName | None,
) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    end = min(_moment(now_ms + days * DAY_MS), ca.certificate.not_valid_after_utc)
    builder = (
        _begun(_name(common_name), ca.certificate.subject, key, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(_issuer_key(ca), critical=False)
    )
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return Pair(builder.sign(ca.key, hashes.SHA256()), key)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, end: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_key(ca: Pair) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _moment(ms: int) -> datetime.datetime:
    return BEGIN + datetime.timedelta(seconds=ms // 1000 - int(BEGIN.timestamp()))
