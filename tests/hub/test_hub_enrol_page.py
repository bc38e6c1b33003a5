"""The certificate of a post's page: good for a TLS server under the commune's CA, for its own names, and for nothing else."""

from __future__ import annotations

import ssl
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from kengd.errors import UsageError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.enrolment import PAGE_KEYS, Enrolment, own_again
from kengd.hub.authority.index import from_json, to_json
from kengd.hub.authority.own import ClientFiles
from kengd.settings.find import EXAMPLE
from kengd.wire.pin import pin_hash, read_pins, write_pins
from tests.deploy.card import Card
from tests.hub.authority_kit import DAY_MS, NAMES, NOW_MS, CommuneBroker, begin, post_files, wish


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A commune."""
    return begin(tmp_path / "authority")


def certificate(made: Enrolment) -> x509.Certificate:
    """The page's."""
    return x509.load_pem_x509_certificate(made.keys["web.pem"].encode())


def shaken(tmp_path: Path, made: Enrolment, name: str) -> str:
    """A whole TLS handshake with the page's files, in memory: what the client says, "" where it is content."""
    for file, pem in made.keys.items():
        (tmp_path / file).write_text(pem)
    host = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    host.load_cert_chain(tmp_path / "web.pem", tmp_path / "web.key")
    phone = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = phone.wrap_bio(one, other, server_hostname=name)
    server = host.wrap_bio(other, one, server_side=True)
    for _ in range(6):
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as wrong:
                return wrong.verify_message
    return "" if client.version() else "no handshake"


def test_a_phone_that_trusts_the_commune_opens_the_page_by_each_of_its_names_and_no_other(
    tmp_path: Path, authority: Authority
) -> None:
    """POST.local without anybody's doing, and what the installer named; not the next post's."""
    made = authority.enrol(wish(page_names=("10.0.0.31", "KENG.thon1.lan", "10.0.0.31")), NOW_MS)
    assert [shaken(tmp_path, made, name) for name in ("thon-1.local", "10.0.0.31", "keng.thon1.lan")] == [""] * 3
    assert "thon-2.local" in shaken(tmp_path, made, "thon-2.local") and shaken(tmp_path, made, NAMES[0])
    assert authority.index.valid("page")[0].names == ("10.0.0.31", "keng.thon1.lan"), "each once"
    own = certificate(made)
    assert own.fingerprint(SHA256()).hex() == made.page_fingerprint
    usage = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [use.dotted_string for use in usage] == ["1.3.6.1.5.5.7.3.1"], "for servers only"


def test_the_broker_lets_nobody_in_with_a_pages_certificate(tmp_path: Path, authority: Authority) -> None:
    """Who copies it from the page's process speaks in no post's name; with the line's own certificate the post is let in."""
    made = authority.enrol(wish(), NOW_MS)
    line = post_files(tmp_path / "post", made)
    page = ClientFiles(line.ca, *(str(tmp_path / "post" / name) for name in PAGE_KEYS))
    with CommuneBroker(tmp_path / "broker", authority) as broker:
        with broker.link(line) as link:
            link.publish("kengd/1/cong-lac/thon-1/status", b"here")
        assert broker.refuses(page)
        said = broker.log.read_text()
    assert "unsuitable certificate purpose" in said or "certificate verify failed" in said, said


@pytest.mark.parametrize(
    ("name", "taken"), [(NAMES[0], True), ("HUB.lan", True), ("thon-2.local", True), ("10.9.9.9", False)]
)
def test_no_page_passes_for_the_broker_or_for_another_posts_page(authority: Authority, name: str, taken: bool) -> None:
    """A stolen post must not be able to stand between the broker and the others. Village networks may count alike."""
    authority.enrol(wish("thon-2", page_names=("10.9.9.9",)), NOW_MS)
    if taken:
        with pytest.raises(UsageError) as wrong:
            authority.enrol(wish(page_names=(name,)), NOW_MS)
        assert wrong.value.code == "page_name_taken" and authority.index.valid("page", "thon-1") == ()
    else:
        assert authority.enrol(wish(page_names=(name,)), NOW_MS).page_fingerprint


def test_the_broker_is_not_called_as_a_page_is_while_that_certificate_is_good(authority: Authority) -> None:
    """The hub moves to an address that a post had: first that post gets a file without it."""
    authority.enrol(wish(page_names=("10.0.0.31",)), NOW_MS)
    with pytest.raises(UsageError) as wrong:
        authority.serve_as((*NAMES, "10.0.0.31"), NOW_MS)
    assert wrong.value.code == "page_name_taken" and "thon-1" in wrong.value.cure
    authority.enrol(wish(), NOW_MS)
    authority.serve_as((*NAMES, "10.0.0.31"), NOW_MS)
    assert authority.server_names == (*NAMES, "10.0.0.31")


def test_the_page_comes_and_goes_with_its_post(authority: Authority) -> None:
    """A swap, a renewal, a revocation; the list of the revoked has it, the index says whose it was, what ends soon is told once."""
    first = authority.enrol(wish(page_names=("10.0.0.31",)), NOW_MS)
    (page,) = authority.index.valid("page", "thon-1")
    assert (page.names, f"{certificate(first).serial_number:x}") == (("10.0.0.31",), page.serial)
    authority.enrol(wish(), NOW_MS, keep_old=True)
    assert len(authority.index.valid("page", "thon-1")) == 2
    authority.enrol(wish(), NOW_MS)
    assert len(authority.index.valid("page", "thon-1")) == 1
    ends = authority.expiring(NOW_MS + 3_640 * DAY_MS)
    assert [one.purpose for one in ends if one.subject == "thon-1"] == ["post"]
    authority.revoke("thon-1", "mất máy", NOW_MS)
    assert authority.index.valid("page") == ()
    crl = x509.load_pem_x509_crl((authority.ca_file.parent / "crl.pem").read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(int(page.serial, 16)) is not None


def test_an_index_of_before_pages_had_certificates_is_read(authority: Authority) -> None:
    """An upgrade finds what the release before wrote."""
    authority.enrol(wish(), NOW_MS)
    before = to_json(authority.index).replace(b'"names": []', b'"names": [ ]').replace(b',\n   "names": [ ]', b"")
    assert b'"names"' not in before and from_json(before) == authority.index


def test_the_file_goes_through_the_posts_own_intake(tmp_path: Path, authority: Authority) -> None:
    """Settings where they belong, six keys for root only, PINs as the keepers have them: names with quotes too; the card is clean."""
    pins = {'Ông """Bảy""" \\ Sáu': pin_hash("270615", bytes(16)), "Bà Tư": pin_hash("591730", bytes(16))}
    made = authority.enrol(wish(pins=write_pins(pins)), NOW_MS)
    card = Card(tmp_path / "card")
    card.drop(made.text)
    said = card.take()
    assert said.code == 0, said.text
    kept = card.kept()
    assert {name: mode for name, (_, mode) in kept.items()} == {
        "kengd.toml": 0o640,
        **{f"keys/{name}": 0o600 for name in ("ca.pem", "broker.pem", "broker.key", "web.pem", "web.key", "web.pins")},
    }
    assert read_pins(kept["keys/web.pins"][0]).by_name == pins
    web = tomllib.loads(kept["kengd.toml"][0])["web"]
    assert web == {
        "host": "0.0.0.0", "port": 8480, "tls_port": 8443, "cert": "credential:web.pem", "key": "credential:web.key",
        "pins": "credential:web.pins",
    }  # fmt: skip
    assert card.on_boot() == ["kengd-da-nhan.txt"]


def test_without_a_keeper_who_has_a_pin_there_is_no_file_of_them(tmp_path: Path, authority: Authority) -> None:
    """An empty key would be refused by the intake; a page without PINs shows and changes nothing."""
    made = authority.enrol(wish(), NOW_MS)
    assert "pins" not in tomllib.loads(made.text)["web"] and "web.pins" not in made.keys
    card = Card(tmp_path / "card")
    card.drop(made.text)
    assert card.take().code == 0


WEB = '\n[web]\nhost = "10.0.0.31"\nport = {port}\ncert = "/mine.pem"\nkey = "/mine.key"\npins = "/mine"\n'


def test_a_templates_own_address_wins_and_its_keys_do_not(authority: Authority) -> None:
    """Host and port are the installer's, certificate and PINs the hub's; the two ports never meet."""
    bare = EXAMPLE.read_text("utf-8").partition("\n[web]")[0]
    for port, tls in ((8480, 8443), (8443, 8444)):
        web = tomllib.loads(authority.enrol(wish(template=bare + WEB.format(port=port)), NOW_MS).settings)["web"]
        assert web == {
            "host": "10.0.0.31", "port": port, "tls_port": tls, "cert": "credential:web.pem", "key": "credential:web.key",
        }  # fmt: skip
    for bad in ('web = "x"\n' + bare, bare + "\n[web]\nport = [1]\n"):
        with pytest.raises(UsageError) as wrong:
            authority.enrol(wish(template=bad), NOW_MS)
        assert wrong.value.code == "bad_template"


def test_a_file_that_was_given_out_is_the_next_ones_template(authority: Authority) -> None:
    """Again and again it says the same; one of before pages had certificates loses the page address that only was the example's."""
    own = EXAMPLE.read_text("utf-8").replace("pin = 17", "pin = 27")
    first = authority.enrol(wish(template=own), NOW_MS).settings
    again = authority.enrol(wish(template=own_again(first)), NOW_MS).settings
    assert again == first and "pin = 27" in again
    old = first.replace('cert = "credential:web.pem"\nkey = "credential:web.key"\n', "").replace("0.0.0.0", "127.0.0.1")
    renewed = authority.enrol(wish(template=own_again(old)), NOW_MS).settings
    assert tomllib.loads(renewed) == tomllib.loads(first) | {"web": tomllib.loads(first)["web"] | {"host": "0.0.0.0"}}


def test_what_a_file_would_say_is_said_without_making_anything(authority: Authority) -> None:
    """For the page that asks while it is typed."""
    before = authority.index
    settings, loaded = authority.would_be(wish(page_names=("10.0.0.31",)))
    assert settings == authority.enrol(wish(page_names=("10.0.0.31",)), NOW_MS).settings
    assert loaded.plan.post_id == "thon-1" and before.issued == authority.index.issued[: len(before.issued)]
    with pytest.raises(UsageError):
        authority.would_be(replace(wish(), name=""))
