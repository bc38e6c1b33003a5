"""A real mosquitto with the settings and certificates that the authority makes: who may say and hear what."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kengd.errors import KengdError, UsageError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.broker import Bridge, BrokerSettings, Listener, broker_conf
from kengd.hub.authority.own import ClientFiles
from kengd.uplink.line import HubLineSettings
from kengd.uplink.shell import ShellLink
from tests.hub.authority_kit import NOW_MS, CommuneBroker, begin, heard, post_files, wish

ROOT = "kengd/1/cong-lac"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommuneBroker]:
    """A commune with two hub workers and a shell, and its broker."""
    place = tmp_path_factory.mktemp("commune")
    authority = begin(place / "authority")
    for name in ("hub-1", "hub-2", "hub-shell"):
        authority.client_files(name, NOW_MS)
    with CommuneBroker(place / "broker", authority) as broker:
        yield broker


@pytest.fixture
def posts(running: CommuneBroker, tmp_path: Path) -> dict[str, ClientFiles]:
    """Key files of two posts."""
    return {
        post: post_files(tmp_path / post, running.authority.enrol(wish(post), NOW_MS, keep_old=True))
        for post in ("thon-1", "thon-2")
    }


def denied(link: ShellLink, topic: str) -> bool:
    """Whether the broker refuses what is published there."""
    try:
        link.publish(topic, b"foreign")
    except KengdError as refused:
        assert refused.code == "publish_refused"
        return True
    return False


def test_a_post_speaks_in_its_own_name_only(running: CommuneBroker, posts: dict[str, ClientFiles]) -> None:
    """STACK 3: the access list by post; a foreign publish is refused by name."""
    topics = [
        f"{ROOT}/thon-1/status", f"{ROOT}/thon-1/entry", f"{ROOT}/thon-1/command", f"{ROOT}/thon-2/status",
        f"{ROOT}/thon-2/entry", f"{ROOT}/thon-2/command", f"{ROOT}/all/command", f"{ROOT}/all/status",
        "kengd/1/other/thon-1/status", "kengd/1/cong-lac/thon-1", "$SYS/broker/x", "else",
    ]  # fmt: skip
    with running.link(posts["thon-1"]) as link:
        assert [topic for topic in topics if not denied(link, topic)] == topics[:2]


def test_a_post_hears_its_own_commands_only_whatever_it_asks_for(
    running: CommuneBroker, posts: dict[str, ClientFiles]
) -> None:
    """STACK 3: a foreign subscription is confirmed and brings nothing."""
    hub = running.authority.client_files("hub-1", NOW_MS)
    with running.link(posts["thon-1"]) as post, running.link(hub) as said:
        post.subscribe(["#", f"{ROOT}/thon-2/command", f"{ROOT}/+/entry", "$SYS/#"])
        for topic in ("thon-1/command", "thon-2/command", "all/command", "thon-2/entry", "thon-1/status"):
            said.publish(f"{ROOT}/{topic}", topic.encode())
        got = {payload for _, payload in heard(post)}
    assert got == {b"thon-1/command", b"all/command"}


def test_hub_workers_and_shell_hear_and_command_all_of_the_commune_and_nothing_else(
    running: CommuneBroker, posts: dict[str, ClientFiles]
) -> None:
    """Each worker and the shell has its own certificate, and each may do all of this commune."""
    for name in ("hub-1", "hub-2", "hub-shell"):
        with running.link(running.authority.client_files(name, NOW_MS)) as hub, running.link(posts["thon-2"]) as post:
            hub.subscribe([f"{ROOT}/+/status", f"{ROOT}/+/entry"])
            post.publish(f"{ROOT}/thon-2/entry", b"entry")
            assert heard(hub, 0.2) == [(f"{ROOT}/thon-2/entry", b"entry")]
            assert not denied(hub, f"{ROOT}/all/command")
            assert not denied(hub, f"{ROOT}/thon-1/command")
            assert denied(hub, "kengd/1/other/thon-1/command")


def test_hub_workers_share_what_comes_in_and_a_post_that_would_share_it_takes_nothing_away(
    running: CommuneBroker, posts: dict[str, ClientFiles]
) -> None:
    """P8: each entry reaches exactly one worker. The broker deals what is shared to whoever names the same share and drops it
    where the access list forbids it: so no post may know that name, and all workers must have the same."""
    files = [running.authority.client_files(name, NOW_MS) for name in ("hub-1", "hub-2")]
    secret = [Authority.open(running.authority.ca_file.parent).share_name() for _ in files]
    line = HubLineSettings("broker", 8883, "hub-1", "cong-lac", share=secret[0])
    (shared,) = (topic for topic in line.listens_to if topic.startswith("$share/"))
    assert (shared, len(set(secret)), len(secret[0])) == (f"$share/{secret[1]}/{ROOT}/+/entry", 1, 32)
    assert secret[0] not in repr(line)
    with contextlib.ExitStack() as links:
        one, two, post, other = (
            links.enter_context(running.link(who)) for who in (*files, posts["thon-1"], posts["thon-2"])
        )
        for worker in (one, two):
            worker.subscribe([shared])
        other.subscribe([f"$share/{name}/{ROOT}/+/entry" for name in ("kengd-hub", "hub-1")])
        for number in range(6):
            post.publish(f"{ROOT}/thon-1/entry", b"%d" % number)
        shares = [[payload for _, payload in heard(worker, 0.3)] for worker in (one, two)]
    assert sorted(shares[0] + shares[1]) == [b"%d" % number for number in range(6)]
    assert all(shares)


def test_a_post_under_anothers_client_id_does_not_end_that_ones_session(
    running: CommuneBroker, posts: dict[str, ClientFiles]
) -> None:
    """STACK 3: the certificate decides the client id, so a name in CONNECT takes nothing over; nor of a hub worker."""
    hub = running.authority.client_files("hub-1", NOW_MS)
    with (
        running.link(posts["thon-2"], "thon-2") as second,
        running.link(hub, "hub-1") as worker,
        running.link(posts["thon-1"], "thon-2") as thief,
    ):
        second.subscribe([f"{ROOT}/thon-2/command"])
        with running.link(posts["thon-1"], "hub-1"):
            worker.publish(f"{ROOT}/thon-2/command", b"still there")
        assert heard(second) == [(f"{ROOT}/thon-2/command", b"still there")]
        with pytest.raises(KengdError):  # it was renamed thon-1, and the second thon-1 took that over
            thief.publish(f"{ROOT}/thon-1/status", b"x")


def test_foreign_certificates_and_none_at_all_are_refused(
    running: CommuneBroker, posts: dict[str, ClientFiles], tmp_path: Path
) -> None:
    """Another CA of the same name, a server's certificate as a client's, no certificate, no TLS: none comes in."""
    twin = begin(tmp_path / "twin")
    foreign = post_files(tmp_path / "foreign", twin.enrol(wish("thon-1"), NOW_MS))
    own_ca = posts["thon-1"].ca
    server = str(running.directory / "server.pem")
    assert "unknown ca" in running.refuses(ClientFiles(own_ca, foreign.cert, foreign.key))
    assert running.refuses(ClientFiles(own_ca, server, server))
    for ca in (own_ca, None):
        with pytest.raises(KengdError), ShellLink(running.host, running.port, ca=ca) as link:
            link.connect(2)
            link.publish(f"{ROOT}/thon-1/status", b"x")
    assert "self-signed" in running.refuses(foreign)  # and the stranger does not trust this broker either


def test_a_revoked_post_is_refused_after_a_reload_and_the_new_one_in_its_place_is_not(
    running: CommuneBroker, tmp_path: Path
) -> None:
    """R42, swapped Pi: SIGHUP is enough, again and again, and nobody else loses the line."""
    authority = running.authority
    files = [post_files(tmp_path / "0", authority.enrol(wish("thon-9"), NOW_MS))]
    neighbour = post_files(tmp_path / "neighbour", authority.enrol(wish("thon-8"), NOW_MS))
    for turn in (1, 2, 3):
        with running.link(neighbour) as beside:
            files.append(post_files(tmp_path / str(turn), authority.enrol(wish("thon-9"), NOW_MS)))
            assert running.write() == (("crl.pem",), False)
            running.reload()
            for old in files[:-1]:
                assert "revoked" in running.refuses(old)
            with running.link(files[-1]) as link:
                link.publish(f"{ROOT}/thon-9/status", b"new")
            beside.publish(f"{ROOT}/thon-8/status", b"still there")
    authority.revoke("thon-9", "mất máy", NOW_MS)
    running.write()
    running.reload()
    assert all("revoked" in running.refuses(old) for old in files)


def test_an_open_session_of_a_revoked_post_ends_with_a_restart(running: CommuneBroker, tmp_path: Path) -> None:
    """A stolen Pi that is on the line: SIGHUP leaves it there (mosquitto 2.0), a restart does not."""
    stolen = post_files(tmp_path / "stolen", running.authority.enrol(wish("thon-6"), NOW_MS))
    with running.link(stolen) as link:
        running.authority.revoke("thon-6", "mất trộm", NOW_MS)
        running.write()
        running.reload()
        link.publish(f"{ROOT}/thon-6/status", b"still here")
        running.stop()
        running.start()
        with pytest.raises(KengdError):
            link.publish(f"{ROOT}/thon-6/status", b"still here")
    assert "revoked" in running.refuses(stolen)


def test_a_renewed_server_certificate_is_taken_at_a_reload(running: CommuneBroker, tmp_path: Path) -> None:
    """R43: the server's certificate renews itself; posts that know the CA notice nothing."""
    post = post_files(tmp_path / "post", running.authority.enrol(wish("thon-7"), NOW_MS))
    with running.link(post):
        pass
    running.authority.serve_as(("127.0.0.1",), NOW_MS)
    assert running.write() == (("server.pem",), False)
    running.reload()
    with running.link(post) as link:
        link.publish(f"{ROOT}/thon-7/status", b"x")


def test_a_new_worker_is_let_in_after_the_access_list_is_read_again(running: CommuneBroker) -> None:
    """A hub worker more is one certificate and one line in the access list."""
    files = running.authority.client_files("hub-9", NOW_MS)
    with running.link(files) as before:
        assert denied(before, f"{ROOT}/all/command")
    assert running.write() == (("acl",), False)
    running.reload()
    with running.link(files) as after:
        assert not denied(after, f"{ROOT}/all/command")


def test_what_was_confirmed_survives_a_killed_broker_and_nothing_was_written_twice(
    running: CommuneBroker, posts: dict[str, ClientFiles]
) -> None:
    """STACK 3: autosave each second; a retained status is still there after SIGKILL. Unchanged files are left alone."""
    with running.link(posts["thon-1"]) as link:
        link.publish(f"{ROOT}/thon-1/status", b"kept", retain=True)
    running.saved()
    running.kill()
    assert running.write() == ((), False)
    running.start()
    with running.link(running.authority.client_files("hub-1", NOW_MS)) as hub:
        hub.subscribe([f"{ROOT}/thon-1/status"])
        assert heard(hub) == [(f"{ROOT}/thon-1/status", b"kept")]


def test_the_settings_say_what_was_measured_to_be_needed(tmp_path: Path) -> None:
    """STACK 3: each of these lines was tried; every listener has all of the TLS ones."""
    listeners = (Listener(8883), Listener(8884, "10.0.0.1"))
    lines = broker_conf(Path("/var/lib/kengd-hub/broker"), BrokerSettings(listeners)).splitlines()
    for needed in (
        "allow_anonymous false", "set_tcp_nodelay true", "persistence true", "autosave_interval 1",
        "max_queued_messages 100000", "max_queued_bytes 134217728", "max_packet_size 131072", "persistent_client_expiration 14d",
    ):  # fmt: skip
        assert lines.count(needed) == 1
    for needed in (
        "require_certificate true", "use_identity_as_username true", "use_username_as_clientid true",
        "crlfile /var/lib/kengd-hub/broker/crl.pem", "cafile /var/lib/kengd-hub/broker/ca.pem",
    ):  # fmt: skip
        assert lines.count(needed) == 2
    assert [line for line in lines if line.startswith("listener")] == ["listener 8883", "listener 8884 10.0.0.1"]


@pytest.mark.parametrize(
    ("settings", "place", "bridge", "code"),
    [
        (BrokerSettings(()), "/b", None, "bad_listener"),
        (BrokerSettings((Listener(8883, "here\nallow_anonymous true"),)), "/b", None, "bad_listener"),
        (BrokerSettings((Listener(0),)), "/b", None, "bad_port"),
        (BrokerSettings(user="root\nallow_anonymous true"), "/b", None, "bad_user"),
        (BrokerSettings(log="file /x\nallow_anonymous true"), "/b", None, "bad_path"),
        (BrokerSettings(log="everywhere"), "/b", None, "bad_log"),
        (BrokerSettings(), "/ends with a space ", None, "bad_path"),
        (BrokerSettings(), "/b", Bridge("a b", bundle=b"x"), "bad_bridge"),
    ],
)
def test_what_would_spoil_the_settings_is_refused(
    tmp_path: Path, settings: BrokerSettings, place: str, bridge: Bridge | None, code: str
) -> None:
    """P12: nothing that a person gives can add a line of its own."""
    authority = begin(tmp_path / "authority")
    with pytest.raises(UsageError) as wrong:
        authority.write_broker(tmp_path / place[1:], settings, bridge=bridge)
    assert wrong.value.code == code and wrong.value.cure


def test_the_keys_beside_the_broker_are_its_owners_only_unless_the_directory_shares_them(tmp_path: Path) -> None:
    """The server's key: 0600; 0640 in a set-group-id directory that the installer made for mosquitto."""
    authority = begin(tmp_path / "authority")
    authority.write_broker(tmp_path / "alone")
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2750)
    authority.write_broker(shared)
    modes = [oct((tmp_path / room / name).stat().st_mode & 0o7777) for room, name in (
        ("alone", ""), ("alone", "server.pem"), ("alone", "data"), ("shared", ""), ("shared", "server.pem"),
        ("shared", "data"),
    )]  # fmt: skip
    assert modes == ["0o700", "0o600", "0o700", "0o2750", "0o640", "0o2770"]
    (shared / "data").chmod(0o700)  # as deploy/hub-install.sh makes it, mosquitto's own: the hub may not touch it
    assert authority.write_broker(shared).changed == ()
    assert oct((shared / "data").stat().st_mode & 0o7777) == "0o700"


def test_an_authority_knows_its_own(running: CommuneBroker) -> None:
    """Opened again by another process it is the same."""
    again = Authority.open(running.authority.ca_file.parent)
    assert again.index == running.authority.index
