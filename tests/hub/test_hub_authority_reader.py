"""Viewers such as Home Assistant, at a real mosquitto: they see everything that posts say, and say nothing themselves."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kengd.__main__ import main
from kengd.cli.hub_serve import tell_broker
from kengd.errors import KengdError, UsageError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.broker import BrokerSettings, commune_acl
from kengd.hub.authority.own import ClientFiles
from kengd.hub.authority.readers import READER_DAYS, Reader
from kengd.hub.founding import Wish, found, write_broker
from kengd.hub.ledger import audits
from kengd.hub.ledger.store import Ledger
from kengd.hub.notices.homeassistant import HomePost, discovery, state_topic
from kengd.hub.people.passwords import argon2
from kengd.hub.roster import Roster
from kengd.hub.settings import load_hub, read_hub
from kengd.hub.tidings import of_certificates
from kengd.uplink.shell import ShellLink
from tests.hub.authority_kit import DAY_MS, NOW_MS, CommuneBroker, begin, heard, post_files, wish
from tests.hub.desk_kit import copied

ROOT = "kengd/1/cong-lac"
FOUND, FOUND_PAYLOAD = discovery(HomePost("cong-lac", "thon-1", "Kẻng thôn 1"), "nha")
STATE = state_topic("cong-lac", "thon-1")


class Watched(CommuneBroker):
    """A commune whose hub tells Home Assistant of the posts, under a prefix of its own."""

    home = "nha"


class Place(NamedTuple):
    broker: CommuneBroker
    reader: ClientFiles
    hub: ClientFiles
    post: ClientFiles


def kept(directory: Path, made: Reader) -> ClientFiles:
    """As a viewer keeps them."""
    directory.mkdir()
    for name, pem in (("ca.pem", made.ca), ("client.pem", made.certificate), ("client.key", made.key)):
        (directory / name).write_bytes(pem)
    return ClientFiles(*(str(directory / name) for name in ("ca.pem", "client.pem", "client.key")))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("viewer")
    authority = begin(directory / "authority")
    hub = authority.client_files("hub-1", NOW_MS)
    reader = kept(directory / "reader", authority.reader("home", NOW_MS))
    post = post_files(directory / "post", authority.enrol(wish("thon-1"), NOW_MS))
    with Watched(directory / "broker", authority) as broker:
        yield Place(broker, reader, hub, post)


def said(link: ShellLink, topic: str) -> bool:
    """Whether the broker took it."""
    try:
        link.publish(topic, b"x")
    except KengdError as refused:
        assert refused.code == "publish_refused"
        return False
    return True


def test_a_reader_sees_posts_and_what_home_assistant_is_told_and_no_commands(place: Place) -> None:
    """Statuses, entries, discovery and state, also those that were kept from before; whatever else it asks for brings nothing."""
    with place.broker.link(place.hub) as hub, place.broker.link(place.post) as post:
        hub.publish(FOUND, FOUND_PAYLOAD, retain=True)
        post.publish(f"{ROOT}/thon-1/status", b"present", retain=True)
        with place.broker.link(place.reader) as reader:
            reader.subscribe(["#", "$SYS/#"])
            hub.publish(STATE, b"{}")
            post.publish(f"{ROOT}/thon-1/entry", b"entry")
            for topic in ("thon-1/command", "all/command", "reader-home/command", "reader-home/status"):
                hub.publish(f"{ROOT}/{topic}", b"not for viewers")
            told = heard(reader)
    assert sorted(told) == sorted(
        [
            (FOUND, FOUND_PAYLOAD),
            (STATE, b"{}"),
            (f"{ROOT}/thon-1/status", b"present"),
            (f"{ROOT}/thon-1/entry", b"entry"),
        ]
    )


def test_a_reader_says_nothing_at_all(place: Place) -> None:
    """Not as a post of its own name either, which the rules for posts would allow; not by its last will."""
    topics = [
        f"{ROOT}/{post}/{leaf}" for post in ("reader-home", "thon-1", "all", "home") for leaf in ("status", "entry", "command")
    ]  # fmt: skip
    topics += [FOUND, STATE, "nha/status", "nha/device/x/config", "homeassistant/status", "x", "$SYS/x", ROOT]
    with place.broker.link(place.reader) as reader, place.broker.link(place.hub) as hub:
        hub.subscribe([f"{ROOT}/#"])
        assert [topic for topic in topics if said(reader, topic)] == []
        will = subprocess.Popen(
            ["mosquitto_sub", "-h", place.broker.host, "-p", str(place.broker.port), "--cafile", place.reader.ca,
             "--cert", place.reader.cert, "--key", place.reader.key, "-t", f"{ROOT}/+/status", "-C", "1", "--quiet",
             "--will-topic", f"{ROOT}/reader-home/status", "--will-payload", "will", "-W", "10"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        with place.broker.link(place.post) as post:
            post.publish(f"{ROOT}/thon-1/status", b"present", retain=True)
            assert will.stdout is not None
            assert will.stdout.readline() == b"present\n", "it is on the line, so its will is known to the broker"
            will.kill()
            will.wait(10)
            will.stdout.close()
        assert (f"{ROOT}/reader-home/status", b"will") not in heard(hub, 0.6)


def test_a_replaced_or_revoked_reader_sees_nothing_any_more(place: Place, tmp_path: Path) -> None:
    """A certificate again for the same name ends the one before; the next one may come at once."""
    broker, authority = place.broker, place.broker.authority
    first = authority.reader("wall", NOW_MS)
    files = [kept(tmp_path / "1", first)]
    assert broker.write() == (("acl",), False)
    broker.reload()
    with broker.link(files[0]):
        pass
    second = authority.reader("reader-wall", NOW_MS)
    assert (second.subject, second.revoked) == ("reader-wall", (first.serial,))
    files.append(kept(tmp_path / "2", second))
    assert broker.write() == (("crl.pem",), False)
    broker.reload()
    assert "revoked" in broker.refuses(files[0])
    with broker.link(files[1]) as link:
        assert not said(link, f"{ROOT}/reader-wall/status")
    assert authority.revoke("reader-wall", "thôi dùng", NOW_MS, purpose="reader") == (second.serial,)
    assert set(broker.write()[0]) == {"acl", "crl.pem"}
    broker.reload()
    assert "revoked" in broker.refuses(files[1])
    assert "reader-wall" not in (broker.directory / "acl").read_text()


def test_the_hub_may_tell_home_assistant_only_where_the_settings_say_so() -> None:
    """Off by default: no right over discovery topics then; on, exactly those of the prefix in the settings."""
    off = commune_acl("cong-lac", ["hub-1"], ["reader-home"], BrokerSettings())
    on = commune_acl("cong-lac", ["hub-1"], ["reader-home"], BrokerSettings(home="homeassistant"))
    assert sorted(set(on.splitlines()) - set(off.splitlines())) == [
        "topic read homeassistant/device/+/config", "topic read kengd-ha/cong-lac/+/state",
        "topic write homeassistant/device/+/config", "topic write kengd-ha/cong-lac/+/state",
    ]  # fmt: skip
    assert set(off.splitlines()) < set(on.splitlines())
    with pytest.raises(UsageError, match="discovery prefix"):
        commune_acl("cong-lac", [], [], BrokerSettings(home="x\nuser post\ntopic readwrite #"))


def test_no_post_and_no_bridge_bears_the_name_of_a_reader(tmp_path: Path) -> None:
    """A name is one thing: else a post that is renamed would be denied its own status, or a reader would speak."""
    authority = begin(tmp_path / "authority")
    for act in (
        lambda: authority.enrol(wish("reader-home"), NOW_MS),
        lambda: authority.bridge_for("reader-home", NOW_MS),
        lambda: authority.bridge_for("hub-1", NOW_MS),
    ):
        with pytest.raises(UsageError) as wrong:
            act()
        assert wrong.value.code == "reserved_name"
    for name in ("Nhà", "a/b", "x" * 60, "a\nuser hub-1"):
        with pytest.raises(UsageError) as wrong:
            authority.reader(name, NOW_MS)
        assert wrong.value.code == "bad_slug"
    assert [one.purpose for one in authority.index.issued] == ["server"]


def test_the_end_of_a_readers_certificate_is_told_60_days_ahead(tmp_path: Path) -> None:
    """R43: it does not renew itself, so people are told who has to get a new one."""
    authority = begin(tmp_path / "authority")
    made = authority.reader("home", NOW_MS)
    soon_ms = made.not_after_ms - 59 * DAY_MS
    assert made.not_after_ms // 1000 == NOW_MS // 1000 + READER_DAYS * 86_400
    found_ = [one for one in authority.expiring(soon_ms) if one.purpose == "reader"]
    assert [(one.subject, one.renews_itself) for one in found_] == [("reader-home", False)]
    assert [one for one in authority.expiring(soon_ms - 2 * DAY_MS) if one.purpose == "reader"] == []
    (told,) = of_certificates(found_, Roster(), soon_ms)
    assert told.notice is not None and "máy chỉ xem (reader-home)" in told.notice.body_vi + told.notice.title_vi
    assert Authority.open(authority.ca_file.parent).index == authority.index, "it is kept, and read again"


def test_the_shell_makes_and_ends_readers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three private files as Home Assistant asks for them, kept nowhere else; both acts stand in the audit book."""
    monkeypatch.setattr("kengd.hub.people.ground.argon2", lambda: argon2(time_cost=1, memory_kib=8))
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "hub.toml"
    found(Wish("cong-lac", "Xã Cộng Lạc", ("10.0.0.5",), tmp_path / "state"), config, NOW_MS)
    settings = load_hub(str(config))

    def shell(*words: str) -> tuple[int, str]:
        code = main(["--config", str(config), "hub", "keys", *words])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    code, told = shell("reader", "home")
    assert code == 0 and "10.0.0.5, cổng 8883" in told and "chỉ xem được" in told and "enabled = true" in told, told
    place = tmp_path / "reader-home"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()}
    assert modes == dict.fromkeys(("ca.pem", "client.pem", "client.key"), 0o600)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    acl = settings.state / "broker" / "acl"
    assert "user reader-home\n" in acl.read_text() and "homeassistant" not in acl.read_text()
    key = (place / "client.key").read_bytes()
    assert [path for path in (tmp_path / "state").rglob("*") if path.is_file() and key in path.read_bytes()] == []
    assert "reader-home" in shell("list")[1]
    (tmp_path / "file").touch()
    for words, error in (
        (("reader",), "usage"), (("reader", "Nhà"), "bad_slug"), (("reader", "home", "--out", "file"), "cannot_write"),
        (("reader", "nobody", "--end"), "not_enrolled"),
    ):  # fmt: skip
        code, told = shell(*words)
        assert code in (1, 2) and f"[{error}]" in told, told
    assert (place / "client.key").read_bytes() == key
    code, told = shell("reader", "reader-home", "--out", str(place))
    assert code == 0 and "đã bị thu hồi (1)" in told and (place / "client.key").read_bytes() != key
    code, told = shell("reader", "home", "--end")
    assert code == 0 and "Đã thu hồi chứng thư của reader-home" in told and "reader-home" not in acl.read_text()
    assert "Máy chỉ xem" not in shell("list")[1]
    ledger = Ledger(settings.database_url)
    with ledger.read() as connection:
        acts = [(line.act, line.facts) for line in audits.read(connection) if line.act.startswith("reader")]
    ledger.close()
    assert [act for act, _ in acts] == ["reader_made", "reader_made", "reader_revoked"]
    assert {facts["reader"] for _, facts in acts} == {"reader-home"} and "PRIVATE" not in json.dumps(acts)
    enabled = read_hub(config.read_bytes() + b"\n[homeassistant]\nenabled = true\n", config)
    assert write_broker(Authority.open(settings.authority), enabled).changed == ("acl",)
    assert "topic write homeassistant/device/+/config" in acl.read_text()


def test_a_service_that_starts_tells_the_broker_what_is_new_in_its_settings(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Home Assistant switched on in hub.toml and the service restarted is all that is to do; a full disk does not keep it away."""
    hub = copied(tmp_path, {"homeassistant": {"enabled": True, "prefix": "nha"}}).hub
    hub.authority.client_files("hub-1", NOW_MS)
    tell_broker(hub)
    acl = tmp_path / "broker" / "acl"
    assert "topic write nha/device/+/config" in acl.read_text()
    acl.unlink()
    acl.mkdir()
    tell_broker(hub)
    assert "the broker's files cannot be written" in caplog.text
    hub.ledger.close()
