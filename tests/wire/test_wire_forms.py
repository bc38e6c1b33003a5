"""Topics, signing and status: what both ends write and read."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.duty.health import Condition
from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.errors import UsageError
from kengd.wire import topics
from kengd.wire.signing import KeyRing, check, public_text, read_private_key, sign
from kengd.wire.status import ABSENT, OtherVersion, Status, build_status, parse_status
from kengd.wire.strict import decode_base64url, encode_base64url, read_json
from tests.wire.seal import KEY, KID, public


def test_topics_are_those_of_the_contract() -> None:
    """DESIGN section 7, letter by letter, and back."""
    built = [
        topics.command_topic("conglac", "thon-1"),
        topics.all_command_topic("conglac"),
        topics.status_topic("conglac", "thon-1"),
        topics.entry_topic("conglac", "thon-1"),
    ]
    assert built == [
        "kengd/1/conglac/thon-1/command",
        "kengd/1/conglac/all/command",
        "kengd/1/conglac/thon-1/status",
        "kengd/1/conglac/thon-1/entry",
    ]
    assert [topics.parse_topic(topic) for topic in built] == [
        ("conglac", "thon-1", "command"),
        ("conglac", "all", "command"),
        ("conglac", "thon-1", "status"),
        ("conglac", "thon-1", "entry"),
    ]
    assert (topics.every_status("c"), topics.every_entry("c")) == ("kengd/1/c/+/status", "kengd/1/c/+/entry")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "kengd/2/conglac/thon-1/command",
        "kengd/1/conglac/thon-1/cmd",
        "kengd/1/conglac/thon-1/command/x",
        "kengd/1/conglac/all/status",
        "kengd/1/all/thon-1/command",
        "kengd/1/Conglac/thon-1/command",
        "kengd/1//thon-1/command",
        "/kengd/1/c/p/command",
    ],
)
def test_topics_of_another_version_or_shape_are_not_read(topic: str) -> None:
    """R49: another major version is not understood half."""
    assert topics.parse_topic(topic) is None


@pytest.mark.parametrize("slug", ["", "all", "A", "a_b", "a/b", "+", "#", "x" * 41, "thôn", "a\n"])
def test_a_bad_slug_is_refused_in_vietnamese(slug: str) -> None:
    """DESIGN section 7: `[a-z0-9-]{1,40}`, `all` reserved; nothing that MQTT reads as a wildcard."""
    with pytest.raises(UsageError) as wrong:
        topics.check_slug(slug)
    assert wrong.value.code == "bad_slug"
    assert topics.check_slug("thon-1") == "thon-1"


def test_what_we_sign_we_check_and_foreign_eyes_read_it() -> None:
    """RFC 7515 compact form: header exactly alg and kid; the payload byte for byte."""
    raw = sign(b'{"a": 1}', KID, KEY)
    assert check(raw, KeyRing({KID: public(KEY)})) == (KID, b'{"a": 1}')
    header, payload, _ = raw.split(b".")
    assert (json.loads(decode_base64url(header)), decode_base64url(payload)) == (
        {"alg": "EdDSA", "kid": KID},
        b'{"a": 1}',
    )


def test_keys_are_read_or_refused_with_a_cure_and_never_shown() -> None:
    """P12: the text of a key stands in no message; wrong kinds of keys are refused."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = KEY.private_bytes(*form)
    assert public_text(read_private_key(pem)) == public(KEY)
    other = generate_private_key(SECP256R1()).private_bytes(*form)
    locked = KEY.private_bytes(*form[:2], serialization.BestAvailableEncryption(b"secret"))
    for bad in (b"", b"not a key", other, locked, pem[:80]):
        with pytest.raises(UsageError) as wrong:
            read_private_key(bad)
        assert wrong.value.code == "bad_private_key"
        assert "BEGIN" not in wrong.value.for_people()
    for text in ("", "AAAA", public(KEY) + "=", public(KEY) + "A", "ü" * 43):
        with pytest.raises(UsageError) as wrong:
            KeyRing({"k": text})
        assert wrong.value.code == "bad_hub_key"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100))
def test_base64url_has_one_spelling(data: bytes) -> None:
    """RFC 7515 section 2: no padding; each value has exactly one text, so equal commands are equal bytes."""
    text = encode_base64url(data)
    assert decode_base64url(text) == data
    for other in (text + b"=", b" " + text, text + b"\n"):
        with pytest.raises(ValueError, match="base64url"):
            decode_base64url(other)


@pytest.mark.parametrize(
    "text", ['{"a":1,"a":1}', "NaN", "-Infinity", "1e400", '"\\udc00"', '{"\\ud800":1}', "\ufeff1", ""]
)
def test_json_that_two_readers_could_read_differently_is_refused(text: str) -> None:
    """P12: duplicate keys, what is not a number, lone surrogates."""
    with pytest.raises(ValueError, match=r".*"):
        read_json(text.encode())


def test_the_letters_of_surrogate_pairs_are_read() -> None:
    """A pair is a letter (as `json.dumps` writes an emoji), only a half is refused."""
    assert read_json(b'["\\ud83d\\udd14"]') == ["🔔"]


FULL = Status(
    at_ms=1_790_000_000_123,
    clock="ntp",
    nonce="00" * 16,
    book="b1",
    seq=7,
    hash="ab" * 32,
    version="0.1.0",
    codebook_version=2,
    timetable_version=3,
    sounding=Sounding("a" * 16, "alarm", Purpose.ACTUAL, Source.BUTTON, 1_789_999_999_007, None),
    conditions=(Condition("line_down", "major", "mất đường dây", "line down"),),
    silenced_until_s=1_790_003_600,
)


def test_a_status_has_the_keys_of_the_contract() -> None:
    """DESIGN section 7: all keys present, null when empty."""
    assert json.loads(build_status(FULL)) == {
        "v": 1,
        "presence": "present",
        "at": "2026-09-21T14:13:20.123Z",
        "clock": "ntp",
        "nonce": "00" * 16,
        "sounding": {
            "activation": "a" * 16,
            "signal": "alarm",
            "purpose": "actual",
            "since": "2026-09-21T14:13:19.007Z",
            "source": "button",
            "proved": None,
        },
        "conditions": [{"code": "line_down", "severity": "major", "vi": "mất đường dây", "en": "line down"}],
        "book": "b1",
        "seq": 7,
        "hash": "ab" * 32,
        "silenced_until": "2026-09-21T15:13:20.000Z",
        "codebook_version": 2,
        "timetable_version": 3,
        "version": "0.1.0",
    }
    quiet = json.loads(build_status(Status(0, "untrusted", "", "b", 0, "", "", 0, 0)))
    assert (quiet["sounding"], quiet["conditions"], quiet["silenced_until"]) == (None, [], None)


def test_a_status_is_read_back_and_absent_is_absent() -> None:
    """Both ends use one file: what the post builds, the hub and the command line read."""
    assert parse_status(build_status(FULL)) == FULL
    assert parse_status(ABSENT) == "absent"
    assert json.loads(ABSENT) == {"v": 1, "presence": "absent"}
    newer = json.loads(build_status(FULL)) | {"humidity": 80}
    assert parse_status(json.dumps(newer).encode()) == FULL


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"presence": "maybe"}, {"clock": "good"}, {"seq": "7"}, {"at": "today"}, {"sounding": 1}, {"nonce": None},
     {"sounding": {}}, {"conditions": [1]}, {"silenced_until": True}],
)  # fmt: skip
def test_a_status_that_is_none_raises_one_error(change: dict[str, object]) -> None:
    """R49: another version or shape is refused loudly, with ValueError and nothing else."""
    with pytest.raises(ValueError, match=r".*"):
        parse_status(json.dumps(json.loads(build_status(FULL)) | change).encode())


@pytest.mark.parametrize(("presence", "present"), [("present", True), ("absent", False)])
def test_a_status_of_another_version_still_says_whether_its_post_is_there(presence: str, present: bool) -> None:
    """A newer post is not taken for a dead one: what it says else is not looked at."""
    with pytest.raises(OtherVersion) as told:
        parse_status(json.dumps({"v": 2, "presence": presence, "at": 7}).encode())
    assert (told.value.version, told.value.present) == (2, present)


@pytest.mark.parametrize("version", [0, -1, 100, True, "2", 1.0, None])
def test_what_is_no_version_is_no_status(version: object) -> None:
    """R49: noise is not taken for a newer post."""
    with pytest.raises(ValueError, match=r".*") as told:
        parse_status(json.dumps({"v": version, "presence": "present"}).encode())
    assert not isinstance(told.value, OtherVersion)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80).filter(lambda raw: raw != ABSENT))
def test_noise_is_no_status(raw: bytes) -> None:
    """The hub reads a topic that others may write to."""
    with pytest.raises(ValueError, match=r".*"):
        parse_status(raw)
