"""An authority, the mosquitto that it wrote the settings for, and clients with its certificates."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kengd.errors import KengdError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.broker import Bridge, BrokerSettings, Listener
from kengd.hub.authority.enrolment import Enrolment, PostWish
from kengd.hub.authority.own import ClientFiles
from kengd.uplink.shell import ShellLink
from tests.broker import Broker, free_port

NOW_MS = int(time.time() * 1000)
DAY_MS = 86_400_000
COMMUNE = "cong-lac"
DISTRICT = Path(__file__).parents[2] / "deploy" / "district"
NAMES = ("127.0.0.1", "hub.lan")


def begin(directory: Path, commune: str = COMMUNE, name: str = "Xã Cộng Lạc", now_ms: int = NOW_MS) -> Authority:
    """A new authority in a new directory."""
    return Authority.begin(directory, commune, name, NAMES, now_ms)


def wish(post_id: str = "thon-1", **more: object) -> PostWish:
    """A post on this machine's broker."""
    return PostWish(post_id, "Kẻng thôn 1", ("Thôn 1",), "127.0.0.1", **more)  # type: ignore[arg-type]


def post_files(directory: Path, enrolment: Enrolment) -> ClientFiles:
    """The three key files as a post keeps them."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, pem in enrolment.keys.items():
        (directory / name).write_text(pem)
    return ClientFiles(*(str(directory / name) for name in ("ca.pem", "broker.pem", "broker.key")))


class CommuneBroker(Broker):
    """mosquitto with exactly the settings that the authority wrote."""

    home: str | None = None

    def __init__(self, directory: Path, authority: Authority, *, bridge: Bridge | None = None, district: bool = False):
        self.directory, self.port, self._process = directory, free_port(), None
        self.authority, self.bridge, self.district = authority, bridge, district
        self.write()
        self.settings, self.log = directory / "mosquitto.conf", directory / "mosquitto.log"

    def __enter__(self) -> CommuneBroker:
        self.start()
        return self

    def write(self) -> tuple[tuple[str, ...], bool]:
        """Write the settings (again): (changed, restart)."""
        settings = BrokerSettings((Listener(self.port, self.host),), user="root", home=self.home)
        done = self.authority.write_broker(self.directory, settings, bridge=self.bridge)
        if self.district:
            self._as_in_deploy()
        return done.changed, done.restart

    def _as_in_deploy(self) -> None:
        """The district's own settings and access list: the very files of deploy/district, but for the paths and the port."""
        text = (DISTRICT / "mosquitto.conf").read_text("utf-8")
        for there, here in (
            ("/var/lib/kengd-hub/broker", str(self.directory)), ("/etc/kengd/district", str(self.directory / "district")),
            ("\nlistener 8883\n", f"\nuser root\nlistener {self.port} {self.host}\n"),
        ):  # fmt: skip
            assert there in text
            text = text.replace(there, here)
        (self.directory / "district").mkdir(exist_ok=True)
        shutil.copy(DISTRICT / "acl", self.directory / "district" / "acl")
        (self.directory / "mosquitto.conf").write_text(text, "utf-8")

    def reload(self) -> None:
        """SIGHUP, and wait until it is done; mosquitto says nothing of it at this log level. A turn of its loop takes signals first, then
        what is on its lines, and reads its files at the end: so whoever calls now is greeted in a turn that reads them, and is told only
        in a later one that a client without a certificate is not let in."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        nobody.check_hostname, nobody.verify_mode = False, ssl.CERT_NONE
        with (
            suppress(ssl.SSLError, ConnectionResetError),
            socket.create_connection((self.host, self.port), timeout=10) as plain,
            nobody.wrap_socket(plain) as line,
        ):
            assert line.recv(1) == b"", "somebody without a certificate was answered"

    def saved(self) -> None:
        """Wait until it has written all that it was told before this call."""
        kept = self.directory / "data" / "mosquitto.db"
        for _ in range(2):  # a save may be under way
            seen_ns = kept.stat().st_mtime_ns if kept.exists() else 0
            deadline_s = time.monotonic() + 10
            while (kept.stat().st_mtime_ns if kept.exists() else 0) == seen_ns:
                assert time.monotonic() < deadline_s
                time.sleep(0.02)

    @contextmanager
    def link(self, files: ClientFiles | None, client_id: str | None = None) -> Iterator[ShellLink]:
        """A client with these files."""
        ca, cert, key = files or (None, None, None)
        with ShellLink(self.host, self.port, ca=ca, cert=cert, key=key, client_id=client_id) as link:
            link.connect()
            yield link

    def refuses(self, files: ClientFiles) -> str:
        """The error's code where this client cannot even connect; AssertionError where it can."""
        try:
            with self.link(files) as link:
                link.publish("kengd/1/cong-lac/thon-1/status", b"in")  # TLS 1.3 tells a client late
        except KengdError as refused:
            assert refused.code in ("broker_unreachable", "broker_refused")
            return refused.en
        raise AssertionError("it was let in")


def heard(link: ShellLink, within_s: float = 0.4) -> list[tuple[str, bytes]]:
    """(topic, payload) of what comes in this time."""
    return [(topic, payload) for topic, payload, _ in link.messages(within_s)]
