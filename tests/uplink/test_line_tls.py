"""TLS: chain and name always, dates only while the clock can be trusted."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kengd.duty.words import ClockTrust
from kengd.errors import KengdError, UsageError
from kengd.uplink.line import LineSettings, tls_context
from kengd.uplink.shell import ShellLink
from tests.broker import Broker
from tests.uplink.conftest import ABSENT, Post, until

YEAR = datetime.timedelta(days=365)
NOW = datetime.datetime.now(datetime.UTC)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


@dataclass
class Authority:
    """A CA that writes PEM files into a directory."""

    directory: Path
    name: str

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(self.name, self.key, NOW - 20 * YEAR, NOW + YEAR, True, None)
        self.path = self._write(f"{self.name}.pem", self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, common: str, begin: datetime.datetime, end: datetime.datetime, ip: str | None) -> tuple[str, str]:
        """(certificate, key) paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(common, key, begin, end, False, ip)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        stem = f"{self.name}-{common}"
        return self._write(f"{stem}.crt", certificate.public_bytes(serialization.Encoding.PEM)), self._write(
            f"{stem}.key", pem
        )

    def _write(self, name: str, content: bytes) -> str:
        path = self.directory / name
        path.write_bytes(content)
        return str(path)

    def _sign(
        self,
        common: str,
        key: ec.EllipticCurvePrivateKey,
        begin: datetime.datetime,
        end: datetime.datetime,
        ca: bool,
        ip: str | None,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(common))
            .issuer_name(_name(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca, None), True)
        )
        if ip is not None:
            names = [x509.IPAddress(ipaddress.ip_address(ip))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The commune's CA."""
    return Authority(tmp_path, "commune")


def serve(tmp_path: Path, authority: Authority, begin: datetime.datetime, end: datetime.datetime, ip: str) -> Broker:
    """A broker with such a certificate that asks for one from its clients."""
    certificate, key = authority.issue("broker", begin, end, ip)
    return Broker(
        tmp_path / "broker",
        extra=f"cafile {authority.path}\ncertfile {certificate}\nkeyfile {key}\n"
        "require_certificate true\nuse_identity_as_username true\nallow_anonymous false",
    )


@pytest.fixture
def lines(tmp_path: Path, authority: Authority) -> Iterator[list[Post]]:
    """Ends what a test has begun."""
    made: list[Post] = []
    yield made
    for each in made:
        each.session.leave(ABSENT)


def begin_line(
    lines: list[Post],
    broker: Broker,
    authority: Authority,
    trust: ClockTrust,
    ca: str | None = None,
    *,
    issuer: Authority | None = None,
    until_date: datetime.datetime = NOW + YEAR,
) -> Post:
    """A post with a client certificate (of the commune, unless there is another `issuer`), started."""
    certificate, key = (issuer or authority).issue("post-1", NOW - 20 * YEAR, until_date, None)
    settings = LineSettings(
        broker.host, broker.port, "post-1", "cong-lac", "post-1", ca=ca or authority.path, cert=certificate, key=key
    )
    post = Post(settings)
    post.session.set_clock_trust(trust)
    lines.append(post)
    post.session.start()
    return post


def refused(post: Post) -> str:
    """Waits for a TLS fault; its English words."""
    until(lambda: post.session.fault is not None and post.session.fault.code == "tls")
    assert not post.session.up
    assert post.session.fault is not None
    return post.session.fault.en


DATES = {
    "valid": (NOW - YEAR, NOW + YEAR),
    "expired": (NOW - 2 * YEAR, NOW - YEAR),
    "not yet valid": (NOW + YEAR, NOW + 2 * YEAR),
}


@pytest.mark.parametrize("trust", ["ntp", "rtc", "untrusted"])
@pytest.mark.parametrize("dates", DATES)
def test_dates_are_checked_exactly_while_the_clock_is_trusted(
    trust: ClockTrust, dates: str, tmp_path: Path, authority: Authority, lines: list[Post]
) -> None:
    """R43: a Pi that wakes in 1970 or with a wrong date must reach its hub; one that knows the date must not be fooled."""
    with serve(tmp_path, authority, *DATES[dates], "127.0.0.1") as broker:
        post = begin_line(lines, broker, authority, trust)
        if dates == "valid" or trust == "untrusted":
            until(lambda: post.session.up)
        else:
            assert "certificate" in refused(post)


@pytest.mark.parametrize("trust", ["ntp", "untrusted"])
def test_another_authority_is_always_refused(
    trust: ClockTrust, tmp_path: Path, authority: Authority, lines: list[Post]
) -> None:
    """R42: there is no way without the CA, whatever the clock says; even if it bears the same name."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "commune")
    with serve(tmp_path, authority, *DATES["valid"], "127.0.0.1") as broker:
        refused(begin_line(lines, broker, authority, trust, ca=other.path))


@pytest.mark.parametrize("trust", ["ntp", "untrusted"])
def test_another_name_is_always_refused(
    trust: ClockTrust, tmp_path: Path, authority: Authority, lines: list[Post]
) -> None:
    """R42: a certificate of the same CA for another address is not this broker's."""
    with serve(tmp_path, authority, *DATES["valid"], "127.0.0.2") as broker:
        refused(begin_line(lines, broker, authority, trust))


@pytest.mark.parametrize(
    ("what", "complaint"), [("expired", "certificate expired"), ("of another authority", "unknown ca")]
)
def test_a_certificate_of_the_post_that_the_broker_does_not_accept_is_called_so(
    what: str, complaint: str, tmp_path: Path, authority: Authority, lines: list[Post]
) -> None:
    """R43: not "the connection was lost"; who reads the condition must know that it is the certificate, and whose."""
    (tmp_path / "other").mkdir()
    issuer = Authority(tmp_path / "other", "other") if what == "of another authority" else authority
    until_date = NOW - YEAR if what == "expired" else NOW + YEAR
    with serve(tmp_path, authority, *DATES["valid"], "127.0.0.1") as broker:
        post = begin_line(lines, broker, authority, "ntp", issuer=issuer, until_date=until_date)
        until(lambda: post.session.fault is not None and post.session.fault.code == "certificate_refused")
        assert post.session.fault is not None
        assert post.session.fault.vi == f"máy chủ không nhận chứng thư của điểm kẻng ({complaint})"
        assert not post.session.up


def test_a_clock_that_becomes_trusted_is_used_at_the_next_connection(
    tmp_path: Path, authority: Authority, lines: list[Post]
) -> None:
    """The line in use is not torn down for it."""
    with serve(tmp_path, authority, *DATES["expired"], "127.0.0.1") as broker:
        post = begin_line(lines, broker, authority, "untrusted")
        until(lambda: post.session.up)
        post.session.set_clock_trust("ntp")
        assert post.session.up
        broker.kill()
        until(lambda: not post.session.up)
        broker.start()
        assert "expired" in refused(post)


def test_a_certificate_that_was_replaced_on_disk_is_used_without_a_restart(
    tmp_path: Path, authority: Authority, lines: list[Post]
) -> None:
    """R43: the files are read at each connection."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "other")
    ca = tmp_path / "ca-in-use.pem"
    ca.write_bytes(Path(other.path).read_bytes())
    with serve(tmp_path, authority, *DATES["valid"], "127.0.0.1") as broker:
        post = begin_line(lines, broker, authority, "ntp", ca=str(ca))
        refused(post)
        ca.write_bytes(Path(authority.path).read_bytes())
        until(lambda: post.session.up)


def test_missing_files_are_a_fault_in_words_and_never_end_the_line(
    tmp_path: Path, authority: Authority, lines: list[Post]
) -> None:
    """H23: missing key, no broker: the post starts and says what is missing."""
    with serve(tmp_path, authority, *DATES["valid"], "127.0.0.1") as broker:
        post = begin_line(lines, broker, authority, "ntp", ca=str(tmp_path / "nowhere.pem"))
        until(lambda: "No such file" in post.session._fault.en)
        assert post.session._thread is not None
        assert post.session._thread.is_alive()


def test_a_certificate_without_a_ca_is_an_error_of_the_settings() -> None:
    """R42: never a silent plain line."""
    with pytest.raises(UsageError, match="no CA"):
        tls_context(None, "cert.pem", "key.pem", "ntp")


def test_the_shell_checks_chain_name_and_dates(tmp_path: Path, authority: Authority) -> None:
    """`kengd command` over TLS."""
    certificate, key = authority.issue("shell", *DATES["valid"], None)
    with serve(tmp_path, authority, *DATES["valid"], "127.0.0.1") as broker:
        with ShellLink(broker.host, broker.port, ca=authority.path, cert=certificate, key=key) as link:
            link.connect()
            link.subscribe(["a"])
            link.publish("a", b"x" * 100_000)
            assert next(link.messages(2)) == ("a", b"x" * 100_000, False)
        (tmp_path / "other").mkdir()
        other = Authority(tmp_path / "other", "other")
        with pytest.raises(KengdError) as error, ShellLink(broker.host, broker.port, ca=other.path) as link:
            link.connect()
        assert error.value.code == "broker_unreachable"
        certificate, key = authority.issue("late", *DATES["expired"], None)
        with (
            pytest.raises(KengdError, match="certificate expired") as error,
            ShellLink(broker.host, broker.port, ca=authority.path, cert=certificate, key=key) as link,
        ):
            link.connect()
        assert error.value.code == "broker_unreachable"


def test_settings_can_be_changed_only_by_making_new_ones() -> None:
    """A value that exists is valid."""
    settings = LineSettings("h", 1, "c", "cong-lac", "post-1")
    assert replace(settings, port=2).port == 2
    with pytest.raises(AttributeError):
        settings.port = 3  # type: ignore[misc]
