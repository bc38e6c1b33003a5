"""The one file for a post: taken apart and loaded by the post's own code, and let in by the real broker."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.errors import KengdError, UsageError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.enrolment import Enrolment, settings_text
from kengd.hub.authority.index import SigningKey
from kengd.hub.authority.keys import SigningKeys
from kengd.hub.authority.store import Store
from kengd.settings.dropped import read_dropped
from kengd.settings.find import EXAMPLE, load
from kengd.settings.keycheck import key_problems
from kengd.settings.overlay import Overlays
from kengd.settings.problems import SettingsError
from kengd.wire.signing import KeyRing, check, sign
from tests.hub.authority_kit import COMMUNE, DAY_MS, NOW_MS, CommuneBroker, begin, heard, post_files, wish

TEMPLATE = """# of this house
state_dir = "/data/kengd"  # on the second partition

[post]                   # filled in by the commune
id = "any"
commune = "any"
name = "any"

[bell]
kind = "siren"           # a motor siren

# the pins of the tower
[gpio]
pins = "kengd"
relay = { pin = 27, active_low = false }

# not yet:
# [broker]
# host = "10.0.0.1"

# the old hub
[[hub.keys]]
kid = "old"
public = "x"

[[gpio.buttons]]
name = "alarm"
pin = 5
does = "alarm"

[[hub.keys]]
kid = "older"
public = "y"

# every night
[[timetable]]
at = "21:30"
signal = "curfew"
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A commune."""
    return begin(tmp_path / "authority")


def loads(tmp_path: Path, made: Enrolment) -> tuple[str, str, str | None]:
    """(commune/post, name, broker) as `kengd check` understands the settings half."""
    dropped = read_dropped(made.text.encode(), "kengd.toml")
    assert dropped.settings is not None and dropped.settings.rstrip("\n") == made.settings.rstrip("\n")
    assert dict(dropped.keys) == dict(made.keys)
    assert key_problems(dropped.keys, dropped.lines) == []
    (tmp_path / "kengd.toml").write_text(dropped.settings)
    loaded = load(str(tmp_path / "kengd.toml"), overlays=Overlays())
    broker = loaded.broker
    said = None if broker is None else f"{broker.host}:{broker.port} {broker.ca} {broker.cert} {broker.key}"
    return f"{loaded.plan.commune}/{loaded.plan.post_id}", loaded.plan.name, said


def test_the_file_is_complete_and_the_post_reads_it(tmp_path: Path, authority: Authority) -> None:
    """R42: settings, CA, certificate, key and the hub's public key in one file; the defaults are the example's."""
    made = authority.enrol(wish("thon-1", broker_port=8884), NOW_MS)
    assert loads(tmp_path, made) == (
        "cong-lac/thon-1",
        "Kẻng thôn 1",
        "127.0.0.1:8884 credential:ca.pem credential:broker.pem credential:broker.key",
    )
    data, example = tomllib.loads(made.settings), tomllib.loads(EXAMPLE.read_text("utf-8"))
    ours = {"post", "broker", "hub", "web"}
    assert {name: value for name, value in data.items() if name not in ours} == {
        name: value for name, value in example.items() if name not in ours
    }
    assert data["hub"]["keys"] == [{"kid": kid, "public": key} for kid, key in authority.public_keys().items()]
    assert "# [broker]" not in made.settings and made.warnings == ()


def test_a_command_signed_now_is_believed_by_what_the_file_names(authority: Authority) -> None:
    """The active key's public half is in the file: same bytes, same name."""
    data = tomllib.loads(authority.enrol(wish(), NOW_MS).settings)
    ring = KeyRing({key["kid"]: key["public"] for key in data["hub"]["keys"]})
    kid, key = authority.signing()
    assert check(sign(b"{}", kid, key), ring).payload == b"{}"


def test_a_template_keeps_its_own_parts_and_comments_and_none_of_ours(tmp_path: Path, authority: Authority) -> None:
    """Bell, pins and timetable are the installer's; post, broker and keys the hub's."""
    made = authority.enrol(wish(template=TEMPLATE), NOW_MS)
    assert loads(tmp_path, made)[0] == "cong-lac/thon-1"
    kept = made.settings.split("\n[post]\n")[0].split("\n", 2)[2]
    assert kept.strip("\n") == (
        '# of this house\nstate_dir = "/data/kengd"  # on the second partition\n\n'
        '[bell]\nkind = "siren"           # a motor siren\n\n'
        '# the pins of the tower\n[gpio]\npins = "kengd"\nrelay = { pin = 27, active_low = false }\n\n'
        '[[gpio.buttons]]\nname = "alarm"\npin = 5\ndoes = "alarm"\n\n'
        '# every night\n[[timetable]]\nat = "21:30"\nsignal = "curfew"'
    )


def test_an_enrolled_post_is_served_a_swapped_one_takes_its_place_and_the_old_one_is_out(
    tmp_path: Path, authority: Authority
) -> None:
    """Same post id, new certificate, old one revoked."""
    authority.client_files("hub-1", NOW_MS)
    with CommuneBroker(tmp_path / "broker", authority) as broker:
        first = authority.enrol(wish(), NOW_MS)
        old = post_files(tmp_path / "old", first)
        with broker.link(old) as link:
            link.subscribe(["kengd/1/cong-lac/thon-1/command"])
            with broker.link(authority.client_files("hub-1", NOW_MS)) as hub:
                hub.publish("kengd/1/cong-lac/thon-1/command", b"order")
            assert heard(link) == [("kengd/1/cong-lac/thon-1/command", b"order")]
        second = authority.enrol(wish(), NOW_MS)
        assert second.revoked == (first.serial,) and first.revoked == ()
        broker.write()
        broker.reload()
        assert "revoked" in broker.refuses(old)
        with broker.link(post_files(tmp_path / "new", second)) as link:
            link.publish("kengd/1/cong-lac/thon-1/status", b"here")


def test_a_renewal_leaves_the_old_certificate_until_the_file_was_carried_there(authority: Authority) -> None:
    """R43: a new certificate needs a new file, and the bell must not lose its line before it came."""
    first = authority.enrol(wish(), NOW_MS)
    second = authority.enrol(wish(), NOW_MS, keep_old=True)
    assert second.revoked == ()
    assert authority.revoke("thon-1", "mất máy", NOW_MS) == (first.serial, second.serial)


def test_what_the_post_could_not_start_with_is_refused_and_nothing_changes(authority: Authority) -> None:
    """A bad template costs no certificate: the old one goes on."""
    authority.enrol(wish(), NOW_MS)
    before = authority.index
    bad: list[tuple[object, str]] = [
        (TEMPLATE.replace("pin = 27", "pin = 5"), "settings_invalid"),
        (TEMPLATE + "volume = 11\n", "settings_invalid"),
        ("[gpio\n", "settings_invalid"),
        ("", "settings_invalid"),
        ('state_dir = "/x"\ngpio = { pins = "kengd" }\npost.id = """\n[gpio]\n"""', "settings_invalid"),
        ("a = '\udcff'", "bad_template"),
        (TEMPLATE + "# " + "x" * 130_000, "bad_template"),
    ]
    for template, code in bad:
        with pytest.raises(UsageError) as wrong:
            authority.enrol(wish(template=template), NOW_MS)
        assert (wrong.value.code, bool(wrong.value.cure)) == (code, True)
    assert authority.index == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"post_id": "Thôn 1"}, "bad_slug"),
        ({"post_id": "all"}, "bad_slug"),
        ({"post_id": "hub-1"}, "reserved_name"),
        ({"post_id": "hub-shell"}, "reserved_name"),
        ({"post_id": "../x"}, "bad_slug"),
        ({"name": ""}, "bad_name"),
        ({"name": "a\nb"}, "bad_name"),
        ({"name": "x" * 201}, "bad_name"),
        ({"villages": ("ok", "\x00")}, "bad_name"),
        ({"villages": ("thôn",) * 51}, "bad_name"),
        ({"broker_host": "10.0.0.7"}, "host_not_in_certificate"),
        ({"broker_host": "a b"}, "bad_server_name"),
        ({"broker_port": 0}, "bad_port"),
    ],
)
def test_a_bad_wish_is_refused_with_its_cure(authority: Authority, changes: dict[str, object], code: str) -> None:
    """A post named like a hub worker would have its rights; a host that the certificate lacks would never be trusted (R42)."""
    before = authority.index
    with pytest.raises(UsageError) as wrong:
        authority.enrol(replace(wish(), **changes), NOW_MS)  # type: ignore[arg-type]
    assert wrong.value.code == code and wrong.value.cure
    assert authority.index == before


def test_the_certificate_names_the_post_and_begins_before_every_clock(authority: Authority) -> None:
    """R43, H22: notBefore 2000-01-01; ten years from now; for clients only."""
    made = authority.enrol(wish(), NOW_MS)
    certificate = x509.load_pem_x509_certificate(made.keys["broker.pem"].encode())
    assert certificate.subject.rfc4514_string() == "CN=thon-1"
    assert certificate.not_valid_before_utc.isoformat() == "2000-01-01T00:00:00+00:00"
    assert 3_649 * DAY_MS < made.not_after_ms - NOW_MS < 3_651 * DAY_MS
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [use.dotted_string for use in usage] == ["1.3.6.1.5.5.7.3.2"]


def test_the_hub_keeps_no_posts_private_key(authority: Authority) -> None:
    """The file is the only copy."""
    made = authority.enrol(wish(), NOW_MS)
    body = made.keys["broker.key"].splitlines()[1]
    kept = b"".join(path.read_bytes() for path in authority.ca_file.parent.rglob("*") if path.is_file())
    assert body.encode() not in kept and body in made.text


WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60).filter(str.isprintable)
KEY = SigningKey("xa-2026", "A" * 43, "active", 0, 0)


@settings(max_examples=60)
@given(WORDS, st.lists(WORDS, max_size=4))
def test_any_name_a_person_can_write_comes_through_unchanged(name: str, villages: list[str]) -> None:
    """Quotes, backslashes, hashes, brackets: TOML says back what was said."""
    text = settings_text(
        replace(wish(), name=name, villages=tuple(villages)), COMMUNE, (KEY,), EXAMPLE.read_text("utf-8")
    )
    post = tomllib.loads(text)["post"]
    assert (post["name"], post["villages"]) == (name, villages)


ROWS = TEMPLATE.split("\n")
SHUFFLED = st.lists(st.sampled_from([*ROWS, 'x = """', '"""', "x = [", "]", "[keys]", "# [post]"]), max_size=30)
THINNED = st.lists(st.booleans(), min_size=len(ROWS), max_size=len(ROWS)).map(
    lambda kept: [row for row, keep in zip(ROWS, kept, strict=True) if keep]
)


@settings(max_examples=200)
@given(st.one_of(SHUFFLED, THINNED))
def test_any_shuffled_template_gives_its_own_settings_and_ours_or_an_error(rows: list[str]) -> None:
    """No template can smuggle in a broker or a key, nor lose a setting unseen."""
    template = "\n".join(rows)
    try:
        text = settings_text(wish(template=template), COMMUNE, (KEY,), "")
    except UsageError:
        return
    data, given_data = tomllib.loads(text), tomllib.loads(template)
    ours = {"post", "broker", "hub", "web"}
    assert data["hub"] == {"keys": [{"kid": KEY.kid, "public": KEY.public}]} and data["broker"]["port"] == 8883
    assert {name: value for name, value in data.items() if name not in ours} == {
        name: value for name, value in given_data.items() if name not in {*ours, "keys"}
    }


def test_no_secret_is_shown_or_logged(authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """P12: not in reprs, logs or errors."""
    caplog.set_level("DEBUG")
    made = authority.enrol(wish(), NOW_MS)
    authority.client_files("hub-1", NOW_MS)
    authority.new_key("xa-2027", NOW_MS)
    authority.renew(NOW_MS + 3_000 * DAY_MS)
    shown = [repr(made), str(made), repr(authority.index), repr(authority.signing()), caplog.text]
    secrets = [made.keys["broker.key"].splitlines()[1]]
    for path in (*authority.ca_file.parent.glob("private/*"), *authority.ca_file.parent.glob("signing/*")):
        secrets.append(path.read_text().splitlines()[1])
        path.write_text(path.read_text()[:70])
    place = authority.ca_file.parent
    for attempt in (
        SigningKeys(Store(place)).signing,
        lambda: authority.enrol(wish(), NOW_MS),
        lambda: Authority.open(place),
    ):
        with pytest.raises(KengdError) as wrong:
            attempt()
        assert wrong.value.code == "authority_broken" and wrong.value.__cause__ is None
        shown.append(wrong.value.for_people() + repr(wrong.value))
    assert len(secrets) == 6
    assert not any(secret[:24] in text or "PRIVATE" in text for secret in secrets for text in shown)


def test_problems_of_the_settings_are_listed_for_people(authority: Authority) -> None:
    """The same words as `kengd check`."""
    with pytest.raises(SettingsError) as wrong:
        authority.enrol(wish(template=TEMPLATE.replace('"curfew"', '"alarm"')), NOW_MS)
    assert any("timetable" in problem.where for problem in wrong.value.problems)
