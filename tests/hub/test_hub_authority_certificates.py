"""Certificates as OpenSSL and every clock see them; expiry and renewal."""

from __future__ import annotations

import datetime
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from kengd.errors import KengdError, UsageError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.certificates import make_ca, make_client, make_crl, make_server, read_pair
from kengd.hub.authority.naming import check_server_names
from kengd.hub.authority.own import Expiry
from tests.hub.authority_kit import DAY_MS, NAMES, NOW_MS, begin, wish


def openssl(tmp_path: Path, *arguments: str) -> str:
    """What the openssl command says."""
    ran = subprocess.run(
        [shutil.which("openssl") or "openssl", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=20
    )
    return (ran.stdout + ran.stderr).strip()


def at(year: int) -> str:
    """`-attime` of openssl."""
    return str(int(datetime.datetime(year, 6, 1, tzinfo=datetime.UTC).timestamp()))


def test_openssl_believes_each_for_its_purpose_only_and_at_any_time_since_2000(tmp_path: Path) -> None:
    """R43: strict checks pass with the clock in 2001 as well as today; a client is no server and the reverse."""
    ca = make_ca("Xã Cộng Lạc", NOW_MS)
    for name, pair in (
        ("ca", ca),
        ("server", make_server(ca, ("hub.lan", "10.0.0.1"), NOW_MS)),
        ("client", make_client(ca, "thon-1", 3650, NOW_MS)),
    ):
        (tmp_path / name).write_bytes(pair.certificate_pem())
    said = {
        (name, purpose, year): openssl(
            tmp_path, "verify", "-x509_strict", "-CAfile", "ca", "-purpose", purpose, "-attime", at(year), name
        ).endswith("OK")
        for name in ("server", "client")
        for purpose in ("sslserver", "sslclient")
        for year in (1999, 2001, 2026, 2060)
    }
    assert {key for key, fine in said.items() if fine} == {
        ("server", "sslserver", 2001),
        ("server", "sslserver", 2026),
        ("client", "sslclient", 2001),
        ("client", "sslclient", 2026),
    }
    assert openssl(tmp_path, "verify", "-x509_strict", "-CAfile", "ca", "-attime", at(2060), "ca").endswith("OK")


def test_a_client_cannot_make_certificates(tmp_path: Path) -> None:
    """A post's key signs nothing that anybody believes."""
    ca = make_ca("Xã", NOW_MS)
    post = make_client(ca, "thon-1", 3650, NOW_MS)
    forged = make_client(post, "hub-1", 3650, NOW_MS)
    (tmp_path / "ca").write_bytes(ca.certificate_pem())
    (tmp_path / "post").write_bytes(post.certificate_pem())
    (tmp_path / "forged").write_bytes(forged.certificate_pem())
    said = openssl(tmp_path, "verify", "-CAfile", "ca", "-untrusted", "post", "forged")
    assert "invalid CA certificate" in said and not said.endswith("OK")


def test_a_name_or_address_that_the_certificate_lacks_is_not_believed(tmp_path: Path) -> None:
    """R42: DNS names and IP addresses are both there."""
    ca = make_ca("Xã", NOW_MS)
    server = make_server(ca, ("hub.lan", "10.0.0.1", "fd00::1"), NOW_MS)
    (tmp_path / "ca").write_bytes(ca.certificate_pem())
    (tmp_path / "server").write_bytes(server.certificate_pem())

    def believed(option: str, name: str) -> bool:
        return openssl(tmp_path, "verify", "-CAfile", "ca", option, name, "server").endswith("OK")

    assert believed("-verify_hostname", "hub.lan") and not believed("-verify_hostname", "other.lan")
    assert believed("-verify_ip", "10.0.0.1") and believed("-verify_ip", "fd00::1")
    assert not believed("-verify_ip", "10.0.0.2")


def test_a_list_of_revoked_ones_counts_whatever_the_clock_says(tmp_path: Path) -> None:
    """H22: the list of a hub whose clock was in 2080 shuts nobody else out in 2001."""
    ca = make_ca("Xã", NOW_MS)
    good, bad = (make_client(ca, name, 3650, NOW_MS) for name in ("thon-1", "thon-2"))
    crl = make_crl(ca, [(bad.serial, 3_500_000_000_000)], 7)
    for name, content in (
        ("ca", ca.certificate_pem()),
        ("good", good.certificate_pem()),
        ("bad", bad.certificate_pem()),
    ):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "crl").write_bytes(crl)
    for year in (2001, 2030):
        said = [
            openssl(tmp_path, "verify", "-CAfile", "ca", "-CRLfile", "crl", "-crl_check", "-attime", at(year), name)
            for name in ("good", "bad")
        ]
        assert said[0].endswith("OK") and "certificate revoked" in said[1]
    dates = [x509.load_pem_x509_crl(make_crl(ca, [], number)).last_update_utc.isoformat() for number in (1, 2, 100_000)]
    assert dates == sorted(dates) and dates[0] == "2000-01-01T00:00:01+00:00"


def test_python_and_openssl_read_key_and_certificate_from_one_file(tmp_path: Path) -> None:
    """One file, so that no power cut can part them."""
    pair = make_client(make_ca("Xã", NOW_MS), "hub-1", 700, NOW_MS)
    (tmp_path / "hub.pem").write_bytes(pair.pem())
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(tmp_path / "hub.pem", tmp_path / "hub.pem")
    again = read_pair(pair.pem(), "hub.pem")
    assert (again.serial, again.not_after_ms) == (pair.serial, pair.not_after_ms)
    other = make_client(make_ca("Xã", NOW_MS), "hub-1", 700, NOW_MS)
    for pem in (b"", pair.key_pem(), pair.certificate_pem(), pair.key_pem() + other.certificate_pem()):
        with pytest.raises(KengdError) as wrong:
            read_pair(pem, "hub.pem")
        assert wrong.value.code == "authority_broken" and wrong.value.__cause__ is None


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["a b"],
        ["x_y"],
        ["-a"],
        ["10.0.0.300"],
        [""],
        ["a." * 130],
        ["kẻng.vn"],
        ["a\n"],
        list("abcdefghijklmnopqrstu"),
    ],
)
def test_what_is_no_name_of_a_machine_is_refused(names: list[str]) -> None:
    """A certificate for a mistyped address helps nobody."""
    with pytest.raises(UsageError) as wrong:
        check_server_names(names)
    assert wrong.value.code == "bad_server_name" and wrong.value.cure


def test_names_are_kept_in_order_each_once() -> None:
    """As posts will call them."""
    assert check_server_names(["HUB.lan", "10.0.0.1", "hub.lan", "FD00::0001"]) == ("hub.lan", "10.0.0.1", "fd00::1")


@pytest.mark.parametrize(
    ("commune", "name", "now_ms", "code"),
    [
        ("Cộng Lạc", "x", NOW_MS, "bad_slug"),
        ("all", "x", NOW_MS, "bad_slug"),
        ("x", "", NOW_MS, "bad_name"),
        ("x", "ộ" * 33, NOW_MS, "bad_name"),
        ("x", "a\x00", NOW_MS, "bad_name"),
        ("x", "x", 0, "clock_wrong"),
        ("x", "x", 2**62, "clock_wrong"),
    ],
)
def test_a_bad_beginning_leaves_nothing(tmp_path: Path, commune: str, name: str, now_ms: int, code: str) -> None:
    """A clock of 1970 would make certificates that ended before they began."""
    with pytest.raises(UsageError) as wrong:
        Authority.begin(tmp_path / "authority", commune, name, NAMES, now_ms)
    assert wrong.value.code == code and wrong.value.cure
    assert list(tmp_path.iterdir()) == []


def test_what_ends_soon_is_told_sixty_days_ahead_and_our_own_renew_themselves(tmp_path: Path) -> None:
    """R43: server and worker by themselves; a post's needs a file; a replaced or revoked one is no news."""
    authority = begin(tmp_path / "authority")
    authority.client_files("hub-1", NOW_MS)
    authority.enrol(wish("thon-1"), NOW_MS)
    authority.enrol(wish("thon-2"), NOW_MS + 100 * DAY_MS)
    authority.enrol(wish("thon-3"), NOW_MS)
    authority.revoke("thon-3", "mất máy", NOW_MS)
    assert authority.expiring(NOW_MS) == () and authority.renew(NOW_MS) == ()
    soon_ms = NOW_MS + (730 - 59) * DAY_MS
    assert [(each.subject, each.renews_itself) for each in authority.expiring(soon_ms)] == [
        ("127.0.0.1", True),
        ("hub-1", True),
    ]
    assert authority.renew(NOW_MS + (730 - 61) * DAY_MS) == ()
    before = authority.client_files("hub-1", NOW_MS)
    assert authority.renew(soon_ms) == ("127.0.0.1", "hub-1")
    assert authority.expiring(soon_ms) == () and authority.client_files("hub-1", soon_ms) == before
    end_ms = NOW_MS // 1000 * 1000 + 3650 * DAY_MS
    authority.renew(end_ms)
    assert authority.expiring(end_ms - 50 * DAY_MS) == (Expiry("post", "thon-1", end_ms, False),)
    authority.enrol(wish("thon-1"), end_ms - 50 * DAY_MS, keep_old=True)
    assert authority.expiring(end_ms - 50 * DAY_MS) == ()
    assert [each.purpose for each in authority.expiring(NOW_MS + 50 * 365 * DAY_MS)][-1] == "ca"


def test_a_file_that_was_lost_or_spoilt_is_made_again(tmp_path: Path) -> None:
    """The hub's own certificates are replaceable."""
    authority = begin(tmp_path / "authority")
    files = authority.client_files("hub-1", NOW_MS)
    server = authority.ca_file.parent / "private" / "server.pem"
    Path(files.cert).unlink()
    server.write_bytes(b"spoilt")
    assert authority.renew(NOW_MS) == ("127.0.0.1", "hub-1")
    Path(files.cert).write_bytes(b"spoilt")
    assert read_pair(Path(authority.client_files("hub-1", NOW_MS).cert).read_bytes(), "hub-1")


def test_a_revoked_worker_is_not_renewed_and_its_key_is_gone(tmp_path: Path) -> None:
    """Revoking a worker takes its file away; asking for it again makes a new one."""
    authority = begin(tmp_path / "authority")
    files = authority.client_files("hub-1", NOW_MS)
    authority.revoke("hub-1", "thay máy", NOW_MS, purpose="hub")
    assert not Path(files.cert).exists() and authority.renew(NOW_MS + 700 * DAY_MS) == ("127.0.0.1",)
    authority.client_files("hub-1", NOW_MS)
    assert Path(files.cert).exists()


@pytest.mark.parametrize("name", ["hub", "hub-0", "hub-1000", "hub-x", "thon-1", "../hub-1", "hub-1\n", ""])
def test_only_the_hubs_own_names_get_the_hubs_rights(tmp_path: Path, name: str) -> None:
    """And none leads out of the directory."""
    authority = begin(tmp_path / "authority")
    with pytest.raises(UsageError) as wrong:
        authority.client_files(name, NOW_MS)
    assert wrong.value.code == "bad_hub_name"


def test_who_was_never_enrolled_cannot_be_revoked(tmp_path: Path) -> None:
    """A typo in a post's name is said, not swallowed; a reason is needed."""
    authority = begin(tmp_path / "authority")
    authority.enrol(wish("thon-1"), NOW_MS)
    for subject, why, code in (("thon-2", "mất", "not_enrolled"), ("thon-1", "", "bad_name")):
        with pytest.raises(UsageError) as wrong:
            authority.revoke(subject, why, NOW_MS)
        assert wrong.value.code == code
    with pytest.raises(UsageError) as wrong:
        authority.revoke("127.0.0.1", "x", NOW_MS, purpose="server")
    assert wrong.value.code == "not_enrolled"
    assert authority.revoke("thon-1", "mất", NOW_MS)
    with pytest.raises(UsageError):
        authority.revoke("thon-1", "mất", NOW_MS)
