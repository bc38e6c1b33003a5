"""The backup: one blob under a passphrase, opened again whole or not at all."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.errors import KengdError, UsageError
from kengd.hub.authority import sealing
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.sealing import MAGIC, seal, unseal
from kengd.wire.signing import public_text
from tests.hub.authority_kit import NOW_MS, CommuneBroker, begin, post_files, wish

PASSPHRASE = "trăng sáng đầu làng 7"
CONTENTS = {"ca.pem": b"public", "private/ca.pem": bytes(range(256))}


@pytest.fixture(scope="module", autouse=True)
def cheap() -> Iterator[None]:
    """The least that is allowed, so that these tests are short."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sealing, "N", 2**15)
        yield


@pytest.fixture(scope="module")
def blob(cheap: None) -> bytes:
    """A backup."""
    return seal(CONTENTS, PASSPHRASE)


def code(blob: bytes, passphrase: str = PASSPHRASE) -> str:
    """How it fails."""
    with pytest.raises(KengdError) as wrong:
        unseal(blob, passphrase)
    assert wrong.value.cure and (passphrase or "?!") not in wrong.value.for_people()
    return wrong.value.code


def test_a_backup_opens_with_its_passphrase_however_it_was_typed(blob: bytes) -> None:
    """ "ă" is one character or two, by the input method: the same passphrase."""
    assert unseal(blob, PASSPHRASE) == CONTENTS
    assert unseal(blob, unicodedata.normalize("NFD", PASSPHRASE)) == CONTENTS
    assert seal(CONTENTS, PASSPHRASE) != blob


def test_a_wrong_passphrase_is_a_clear_error(blob: bytes) -> None:
    """And says what else it may be."""
    assert [code(blob, wrong) for wrong in ("", "x" * 2000, PASSPHRASE.upper(), PASSPHRASE + " ")] == [
        "wrong_passphrase"
    ] * 4
    assert code(blob, "\udcff") == "weak_passphrase"


def test_a_short_passphrase_seals_nothing() -> None:
    """Eleven characters are refused, twelve are not; letters are counted, not bytes."""
    with pytest.raises(UsageError) as wrong:
        seal(CONTENTS, "ắ" * 11)
    assert wrong.value.code == "weak_passphrase"
    assert unseal(seal(CONTENTS, "ắ" * 12), "ắ" * 12) == CONTENTS


def test_nothing_of_it_can_be_read_without_the_passphrase(tmp_path: Path) -> None:
    """Neither keys nor names."""
    authority = begin(tmp_path / "authority")
    blob = authority.seal(PASSPHRASE)
    for word in (b"PRIVATE", b"cong-lac", b"index.json", authority.public_keys()["cong-lac-2026"].encode()):
        assert word not in blob
    assert blob.startswith(b"kengd-authority 1\n")


def header(blob: bytes, **changes: object) -> bytes:
    """The same blob with other parameters."""
    line, _, rest = blob[len(MAGIC) :].partition(b"\n")
    return MAGIC + json.dumps({**json.loads(line), **changes}, sort_keys=True).encode() + b"\n" + rest


def test_parameters_from_the_file_are_bounded_and_authenticated(blob: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile file can neither take gigabytes nor make the key cheap; one within the bounds fails the seal."""
    asked: list[tuple[int, int]] = []
    real = sealing._key

    def watched(secret: bytes, salt: bytes, n: int, p: int) -> bytes:
        asked.append((n, p))
        return real(secret, salt, n, p)

    monkeypatch.setattr(sealing, "_key", watched)
    bad: list[dict[str, object]] = [
        {"n": 2**14}, {"n": 2**19}, {"n": 2**40}, {"n": 2**16 + 1}, {"n": True}, {"n": "65536"}, {"n": 32768.0},
        {"r": 9}, {"r": 2**20}, {"p": 0}, {"p": 5}, {"p": -1}, {"salt": ""}, {"salt": "AA=="}, {"nonce": "A" * 40},
        {"cipher": "none"}, {"salt": None}, {"pad": "x" * 2000},
    ]  # fmt: skip
    assert [code(header(blob, **changes)) for changes in bad] == ["not_a_backup"] * len(bad)
    assert asked == []
    assert [code(header(blob, n=2**16)), code(header(blob, pad=1))] == ["wrong_passphrase"] * 2
    assert asked == [(2**16, 1), (2**15, 1)]


@settings(max_examples=25)
@given(st.data())
def test_a_spoilt_backup_is_never_opened_and_never_crashes(blob: bytes, data: st.DataObject) -> None:
    """One byte changed, or cut short, or anything at all."""
    place = data.draw(st.integers(0, len(blob) - 1))
    changed = bytearray(blob)
    changed[place] ^= data.draw(st.integers(1, 255))
    spoilt = data.draw(st.sampled_from([bytes(changed), blob[:place], MAGIC + blob[place:]]))
    if spoilt != blob:
        assert code(spoilt) in ("not_a_backup", "wrong_passphrase")


def test_a_restored_authority_is_the_same_and_goes_on(tmp_path: Path) -> None:
    """The burnt PC: CA, keys, what was revoked; its posts are served by the new machine without a new file."""
    first = begin(tmp_path / "authority")
    post = post_files(tmp_path / "post", first.enrol(wish("thon-1"), NOW_MS))
    gone = post_files(tmp_path / "gone", first.enrol(wish("thon-2"), NOW_MS))
    first.revoke("thon-2", "mất máy", NOW_MS)
    first.client_files("hub-1", NOW_MS)
    first.new_key("xa-2027", NOW_MS)
    again = Authority.unseal(first.seal(PASSPHRASE), PASSPHRASE, tmp_path / "new")
    assert again.index == first.index
    assert public_text(again.signing()[1]) == public_text(first.signing()[1])
    with CommuneBroker(tmp_path / "broker", again) as broker:
        with broker.link(post) as link:
            link.publish("kengd/1/cong-lac/thon-1/status", b"here")
        assert "revoked" in broker.refuses(gone)
    assert again.renew(NOW_MS) == ()
    assert again.enrol(wish("thon-1"), NOW_MS).revoked


def test_a_backup_is_never_laid_over_what_is_there(tmp_path: Path) -> None:
    """Neither over an authority nor from a wrong passphrase."""
    first = begin(tmp_path / "authority")
    blob = first.seal(PASSPHRASE)
    with pytest.raises(UsageError) as exists:
        Authority.unseal(blob, PASSPHRASE, tmp_path / "authority")
    with pytest.raises(KengdError) as wrong:
        Authority.unseal(blob, "x" * 20, tmp_path / "new")
    assert (exists.value.code, wrong.value.code) == ("authority_exists", "wrong_passphrase")
    assert not (tmp_path / "new").exists()


def test_a_sealed_thing_that_is_no_authority_writes_nothing(tmp_path: Path) -> None:
    """Names of files come from us alone, whoever knows the passphrase."""
    first = begin(tmp_path / "authority")
    right = unseal(first.seal(PASSPHRASE), PASSPHRASE)
    for contents in (
        {}, {**right, "../../etc/passwd": b"x"}, {**right, "private/x.pem": b"x"},
        {name: content for name, content in right.items() if name != "private/ca.pem"}, {**right, "index.json": b"[]"},
    ):  # fmt: skip
        with pytest.raises(KengdError) as wrong:
            Authority.unseal(seal(contents, PASSPHRASE), PASSPHRASE, tmp_path / "new")
        assert wrong.value.code == "not_a_backup"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["authority"]
