"""Two real brokers, the commune's bridged up to the district's: what goes up, what may come down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kengd.errors import KengdError, UsageError
from kengd.hub.authority.broker import Bridge, BrokerSettings, broker_conf
from kengd.hub.authority.own import ClientFiles
from kengd.uplink.shell import ShellLink
from tests.hub.authority_kit import DISTRICT, NOW_MS, CommuneBroker, begin, heard, post_files, wish

ROOT = "kengd/1/cong-lac"


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CommuneBroker]:
    """The district: its own CA, its own mosquitto, one hub worker that watches."""
    authority = begin(tmp_path / "district", "tu-ky", "Huyện Tứ Kỳ")
    authority.client_files("hub-1", NOW_MS)
    with CommuneBroker(tmp_path / "district-broker", authority, district=True) as running:
        yield running


def commune(tmp_path: Path, district: CommuneBroker, *, commands_down: bool) -> CommuneBroker:
    """The commune, bridged."""
    authority = begin(tmp_path / "commune")
    authority.client_files("hub-1", NOW_MS)
    bundle = district.authority.bridge_for("cong-lac", NOW_MS)
    return CommuneBroker(
        tmp_path / "commune-broker", authority, bridge=Bridge("127.0.0.1", district.port, commands_down, bundle)
    )


def bridged(district: CommuneBroker, said: ShellLink, ears: ShellLink) -> None:
    """Wait until something comes through; forget it."""
    deadline_s = time.monotonic() + 10
    while True:
        said.publish(f"{ROOT}/probe/entry", b"probe")
        if heard(ears, 0.2):
            break
        assert time.monotonic() < deadline_s, district.log.read_text()
    heard(ears, 0.3)


@pytest.mark.parametrize("commands_down", [True, False])
def test_statuses_and_entries_go_up_and_commands_come_down_only_where_allowed(
    tmp_path: Path, district: CommuneBroker, commands_down: bool
) -> None:
    """The district hears every post; a command of its reaches the post once, and only where the commune lets it."""
    with commune(tmp_path, district, commands_down=commands_down) as below:
        post = post_files(tmp_path / "post", below.authority.enrol(wish("thon-1"), NOW_MS))
        watcher = district.authority.client_files("hub-1", NOW_MS)
        with district.link(watcher) as above, below.link(post) as bell, below.link(_hub(below)) as hub:
            above.subscribe([f"{ROOT}/+/status", f"{ROOT}/+/entry"])
            bridged(district, hub, above)
            bell.subscribe([f"{ROOT}/thon-1/command", f"{ROOT}/all/command"])
            above.subscribe([f"{ROOT}/+/command"])
            bell.publish(f"{ROOT}/thon-1/status", b"present", retain=True)
            bell.publish(f"{ROOT}/thon-1/entry", b"entry")
            hub.publish(f"{ROOT}/thon-1/command", b"from the commune")
            assert heard(above, 0.5) == [(f"{ROOT}/thon-1/status", b"present"), (f"{ROOT}/thon-1/entry", b"entry")]
            above.publish(f"{ROOT}/thon-1/command", b"from above")
            above.publish(f"{ROOT}/all/command", b"to all")
            above.publish(f"{ROOT}/thon-1/status", b"forged")
            down = [b"from above", b"to all"] if commands_down else []
            assert [payload for _, payload in heard(bell, 0.5)] == [b"from the commune", *down]
        with district.link(watcher) as later:
            later.subscribe([f"{ROOT}/thon-1/status"])
            assert heard(later) != []  # kept above, so that an officer who comes later sees every post


def _hub(below: CommuneBroker) -> ClientFiles:
    return below.authority.client_files("hub-1", NOW_MS)


def test_a_communes_bridge_speaks_for_no_other_commune(tmp_path: Path, district: CommuneBroker) -> None:
    """The bridge's certificate names its commune, and the district's access list goes by that name."""
    bundle = district.authority.bridge_for("cong-lac", NOW_MS)
    (tmp_path / "b.pem").write_bytes(bundle)
    files = ClientFiles(str(district.directory / "ca.pem"), str(tmp_path / "b.pem"), str(tmp_path / "b.pem"))
    with district.link(files) as link:
        link.publish(f"{ROOT}/thon-1/entry", b"own")
        for topic in (f"{ROOT}/thon-1/command", "kengd/1/other/thon-1/entry", "kengd/1/other/thon-1/status"):
            with pytest.raises(KengdError, match="Not authorized"):
                link.publish(topic, b"foreign")
        link.subscribe(["kengd/1/#"])
        with district.link(district.authority.client_files("hub-1", NOW_MS)) as above:
            for topic in ("kengd/1/other/thon-1/command", "kengd/1/other/x/entry", f"{ROOT}/thon-1/command"):
                above.publish(topic, topic.encode())
        assert [topic for topic, _ in heard(link)] == [f"{ROOT}/thon-1/command"]
    district.authority.bridge_for("cong-lac", NOW_MS)  # a new one revokes the old one
    district.write()
    district.reload()
    assert "revoked" in district.refuses(files)


def test_the_districts_settings_are_the_communes_with_an_access_list_of_their_own() -> None:
    """deploy/district: each line that was measured to be needed below is needed above too, and there is no other."""
    place = Path("/var/lib/kengd-hub/broker")
    ours = broker_conf(place, BrokerSettings()).replace(f"{place}/acl", "/etc/kengd/district/acl")
    sample = (DISTRICT / "mosquitto.conf").read_text("utf-8")
    assert lines_of(sample) == lines_of(ours)


def lines_of(settings: str) -> list[str]:
    """What mosquitto reads of it, in any order."""
    return sorted(line for line in settings.splitlines() if line and not line.startswith("#"))


def test_what_happens_while_the_district_is_away_reaches_it_afterwards(tmp_path: Path, district: CommuneBroker) -> None:
    """The commune does not need the district, and loses nothing for it."""
    with commune(tmp_path, district, commands_down=False) as below:
        watcher = district.authority.client_files("hub-1", NOW_MS)
        with district.link(watcher) as above, below.link(_hub(below)) as hub:
            above.subscribe([f"{ROOT}/+/entry"])
            bridged(district, hub, above)
        district.stop()
        with below.link(_hub(below)) as hub:
            for number in range(50):
                hub.publish(f"{ROOT}/thon-1/entry", b"%d" % number)
        below.stop()
        below.start()
        with pytest.raises(AssertionError):
            _listen(district, watcher, 0.0)
        district.start()
        assert _listen(district, watcher, 10.0) == [b"%d" % number for number in range(50)]


def _listen(district: CommuneBroker, watcher: ClientFiles, within_s: float) -> list[bytes]:
    """Payloads of entries, until fifty came."""
    assert within_s, "not listening"
    with district.link(watcher) as above:
        above.subscribe([f"{ROOT}/+/entry"])
        got: list[bytes] = []
        for _, payload, _ in above.messages(within_s):
            got.append(payload)
            if len(got) == 50:
                break
        return got


def test_a_bundle_for_another_commune_or_a_spoilt_one_is_refused_and_nothing_written(tmp_path: Path) -> None:
    """P12: refused by name, its content not shown."""
    above = begin(tmp_path / "district", "tu-ky", "Huyện Tứ Kỳ")
    below = begin(tmp_path / "commune")
    right, other = (above.bridge_for(name, NOW_MS) for name in ("cong-lac", "other"))
    foreign_ca = begin(tmp_path / "x").ca_file.read_bytes()
    cut = right[: right.rindex(b"-----BEGIN")]
    for bundle in (other, b"", right[:-200], cut, cut + foreign_ca, right.replace(b"PRIVATE", b"PUBLIC")):
        with pytest.raises(UsageError) as wrong:
            below.write_broker(tmp_path / "broker", bridge=Bridge("10.0.0.9", bundle=bundle))
        assert wrong.value.code == "bad_bridge" and "-----" not in str(wrong.value)
    assert not (tmp_path / "broker").exists()


def test_a_bridge_believes_no_server_under_another_name(tmp_path: Path, district: CommuneBroker) -> None:
    """R42: "localhost" is this very machine, but the district's certificate does not say so."""
    authority = begin(tmp_path / "commune")
    bundle = district.authority.bridge_for("cong-lac", NOW_MS)
    wrong = Bridge("localhost", district.port, True, bundle)
    with CommuneBroker(tmp_path / "broker", authority, bridge=wrong) as below:
        deadline_s = time.monotonic() + 10
        while "certificate verify failed" not in below.log.read_text():
            assert time.monotonic() < deadline_s, below.log.read_text()
            time.sleep(0.05)
    assert "as cong-lac" not in district.log.read_text()
    with pytest.raises(UsageError) as refused:
        authority.write_broker(tmp_path / "b", bridge=Bridge("fd00::1", bundle=bundle))
    assert refused.value.code == "bad_bridge"


def test_a_bridge_taken_away_leaves_none_of_its_files(tmp_path: Path) -> None:
    """What no longer counts is not left lying about; such a change needs a restart."""
    above = begin(tmp_path / "district", "tu-ky", "Huyện Tứ Kỳ")
    below = begin(tmp_path / "commune")
    place = tmp_path / "broker"
    bundle = above.bridge_for("cong-lac", NOW_MS)
    below.write_broker(place, bridge=Bridge("huyen.lan", bundle=bundle))
    assert "address huyen.lan:8883" in (place / "mosquitto.conf").read_text()
    gone = below.write_broker(place)
    assert (set(gone.changed), gone.restart) == ({"mosquitto.conf", "bridge.pem", "bridge-ca.pem"}, True)
    assert sorted(path.name for path in place.iterdir()) == [
        "acl", "ca.pem", "crl.pem", "data", "mosquitto.conf", "server.pem",
    ]  # fmt: skip
