"""The door of a page: idle connections and half requests of one phone eat neither the descriptors nor anybody else's place."""

from __future__ import annotations

import http.client
import os
import resource
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kengd.pages.door import LEAVING, Door, Places, share_of
from kengd.web.server import EACH, MOST, Tls, serve
from tests.broker import free_port
from tests.deploy.pem import pair
from tests.hub.commune import until
from tests.web.paper_post import PaperPost

HOST, OTHER = "127.0.0.1", "127.0.0.2"
HALF = b"GET /vi-sao HTTP/1.1\r\nX-Slow: "


class Served:
    """A post's page on two free ports; its thread ends with the tests."""

    def __init__(self, directory: Path) -> None:
        for name, text in zip(("web.pem", "web.key"), pair("trang"), strict=True):
            (directory / name).write_text(text)
        self.port, self.tls_port = free_port(), free_port()
        tls = Tls(self.tls_port, str(directory / "web.pem"), str(directory / "web.key"))
        threading.Thread(target=serve, args=(PaperPost(), HOST, self.port, tls), daemon=True).start()
        until(lambda: self.answers(HOST), 10, "the page")

    def answers(self, address: str) -> bool:
        """Both ports do, to this address."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        source = (address, 0)
        lines = (
            http.client.HTTPConnection(HOST, self.port, timeout=5, source_address=source),
            http.client.HTTPSConnection(HOST, self.tls_port, timeout=5, source_address=source, context=context),
        )
        return all(_status(line) == 200 for line in lines)


def _status(line: http.client.HTTPConnection) -> int | None:
    try:
        line.request("GET", "/healthz")
        return line.getresponse().status
    except OSError:
        return None
    finally:
        line.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4_096), hard))
    yield Served(tmp_path_factory.mktemp("trang"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def descriptors() -> int:
    """Of this process: the page's and the tests' own."""
    return len(os.listdir("/proc/self/fd"))


def flood(lines: ExitStack, port: int, many: int, address: str = HOST, said: bytes = b"") -> None:
    """So many connections that stay open, as far as it depends on us."""
    for _ in range(many):
        line = lines.enter_context(socket.create_connection((HOST, port), 5, (address, 0)))
        try:
            line.sendall(said)
        except OSError:
            continue


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "before the TLS handshake"])
def test_a_thousand_idle_connections_of_one_phone_leave_the_others_served(served: Served, secure: bool) -> None:
    """Few of them have a place at all; the descriptors by which the post reaches its hub are left."""
    until(lambda: served.answers(HOST), 15, "a quiet page")
    before = descriptors()
    with ExitStack() as lines:
        flood(lines, served.tls_port if secure else served.port, 1_000)
        assert served.answers(OTHER)
        assert descriptors() - before <= 1_000 + EACH + 8
    until(lambda: served.answers(HOST), 10, "the phone itself, once it has hung up")


def test_half_requests_of_one_phone_turn_nobody_away(served: Served) -> None:
    """Sixty-four of them made every other request a 503 once."""
    with ExitStack() as lines:
        flood(lines, served.port, 200, said=HALF)
        assert [served.answers(OTHER) for _ in range(5)] == [True] * 5


def test_when_all_places_are_taken_the_greediest_address_gives_up_its_oldest(served: Served) -> None:
    """One phone with six addresses: a keeper's is the seventh."""
    with ExitStack() as lines:
        for n in range(1, MOST // EACH + 2):
            flood(lines, served.port, EACH, f"127.0.1.{n}", HALF)
        assert served.answers(OTHER)


def test_a_place_is_given_back_exactly_once_however_a_connection_ends() -> None:
    """Closed, closed again, handed on, hung up on by the other side."""
    places = Places(most=4, each=2)
    with Door(HOST, 0, places) as door, ExitStack() as lines:
        door.setblocking(False)
        ours = [lines.enter_context(socket.create_connection(door.getsockname(), 5)) for _ in range(3)]
        first, second = door.accept()[0], door.accept()[0]
        with pytest.raises(BlockingIOError):
            door.accept()
        assert (len(places), ours[2].recv(1)) == (2, b"")
        first.close()
        first.close()
        assert len(places) == 1
        os.close(second.detach())
        second.close()
        assert len(places) == 0
        flood(lines, door.getsockname()[1], 1)
        assert door.accept()[1][0] == HOST and len(places) == 1


def test_places_are_never_more_than_they_are_even_while_some_are_shown_out() -> None:
    """Whoever was shown out and is slow to go keeps its descriptor for a while: a few of them at most."""
    places = Places(most=4, each=4)
    with Door(HOST, 0, places) as door, ExitStack() as lines:
        door.setblocking(False)
        port = door.getsockname()[1]
        flood(lines, port, 4)
        inside = [lines.enter_context(door.accept()[0]) for _ in range(4)]
        flood(lines, port, 1, OTHER)
        lines.enter_context(door.accept()[0])
        assert inside[0].recv(1) == b"" and len(places) == 5
        for n in range(3, 40):
            flood(lines, port, 1, f"127.0.0.{n}")
            try:
                lines.enter_context(door.accept()[0])
            except BlockingIOError:
                pass
        assert 4 <= len(places) <= 4 + LEAVING
    assert len(places) == 0


def test_an_address_is_a_phone_and_of_ipv6_a_line() -> None:
    """However it is written; behind a proxy all share alike."""
    assert share_of(("192.0.2.7", 1)) == "192.0.2.7" and share_of(("::ffff:192.0.2.7", 1, 0, 0)) == "::ffff:192.0.2.7"
    assert share_of(("fe80::1234:5678%eth0", 1, 0, 2)) == share_of(("fe80::9", 1, 0, 2))
    assert share_of(("2001:db8::1", 1, 0, 0)) != share_of(("2001:db8:0:1::1", 1, 0, 0))
    places = Places(most=3, each=None)
    with Door(HOST, 0, places) as door, ExitStack() as lines:
        door.setblocking(False)
        flood(lines, door.getsockname()[1], 5)
        for _ in range(3):
            lines.enter_context(door.accept()[0])
        with pytest.raises(BlockingIOError):
            door.accept()
