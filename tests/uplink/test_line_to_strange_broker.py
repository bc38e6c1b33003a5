"""What mosquitto never does: a broker with a small receive maximum, and one that takes publishes without a word."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Iterator

import pytest

from kengd.uplink.client import Connection
from kengd.uplink.line import LineSettings
from kengd.uplink.link import Link
from tests.uplink.conftest import ABSENT, Post, until


class Scripted(threading.Thread):
    """An MQTT 5 broker for one client: `maximum` unacknowledged publishes; answers a publish when told to."""

    def __init__(self, maximum: int) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.maximum = maximum
        self.packets: list[tuple[int, bytes]] = []
        self.peer: socket.socket | None = None

    def run(self) -> None:
        self.peer, _ = self.listener.accept()
        held = b""
        while data := self.peer.recv(65536):
            held += data
            while (whole := self._split(held)) is not None:
                kind, body, held = whole
                self.packets.append((kind, body))
                if kind == 1:
                    self.peer.sendall(b"\x20\x06\x00\x00\x03\x21" + self.maximum.to_bytes(2, "big"))
                elif kind == 8:
                    self.peer.sendall(b"\x90\x05" + body[:2] + b"\x00\x01\x01")

    def publishes(self) -> list[bytes]:
        """Packet ids of the publishes that came."""
        return [body[2 + int.from_bytes(body[:2], "big") :][:2] for kind, body in list(self.packets) if kind == 3]

    def confirm(self, mid: bytes) -> None:
        """PUBACK."""
        assert self.peer is not None
        self.peer.sendall(b"\x40\x02" + mid)

    @staticmethod
    def _split(held: bytes) -> tuple[int, bytes, bytes] | None:
        length, shift, at = 0, 0, 1
        while at < len(held):
            length |= (held[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if held[at - 1] < 128:
                return (held[0] >> 4, held[at : at + length], held[at + length :]) if len(held) >= at + length else None
        return None


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A broker that takes two publishes at a time and confirms none by itself."""
    broker = Scripted(2)
    broker.start()
    yield broker
    broker.listener.close()


def begin(broker: Scripted) -> Post:
    """A post on it, up."""
    settings = LineSettings("127.0.0.1", broker.listener.getsockname()[1], "post-1", "cong-lac", "post-1")
    return Post(settings).start()


def test_never_more_unacknowledged_publishes_than_the_broker_allows(scripted: Scripted) -> None:
    """MQTT 5, 3.3.4: a client that sends more is thrown out (0x93); the library does not look at the limit itself."""
    post = begin(scripted)
    tokens = [post.session.publish_entry(b"%d" % number) for number in range(5)]
    assert tokens == [1, 2, 3, 4, 5]
    until(lambda: len(scripted.publishes()) == 2)
    time.sleep(0.1)
    assert len(scripted.publishes()) == 2
    for done in range(5):
        until(lambda done=done: len(scripted.publishes()) > done)  # type: ignore[misc]
        scripted.confirm(scripted.publishes()[done])
    until(lambda: post.published == [(token, 0) for token in tokens])
    post.session.leave(ABSENT)


def test_a_stop_that_nobody_confirms_leaves_the_word_to_the_last_will(scripted: Scripted) -> None:
    """A broker that did not confirm `absent` may not have it: no DISCONNECT, which would also strike the will."""
    post = begin(scripted)
    post.session.leave(ABSENT)
    until(lambda: not scripted.is_alive())
    assert [kind for kind, _ in scripted.packets] == [1, 8, 3]


def test_a_stop_that_is_confirmed_ends_with_disconnect(scripted: Scripted) -> None:
    """An orderly end strikes the will."""
    post = begin(scripted)
    stopping = threading.Thread(target=post.session.leave, args=(ABSENT,))
    stopping.start()
    until(scripted.publishes)
    scripted.confirm(scripted.publishes()[0])
    stopping.join()
    until(lambda: not scripted.is_alive())
    assert [kind for kind, _ in scripted.packets] == [1, 8, 3, 14]


def test_small_packets_leave_at_once(scripted: Scripted) -> None:
    """TCP_NODELAY is set on the line's socket: no 40 ms between an acknowledgement and the status behind it."""
    post = begin(scripted)
    link = post.session._link
    assert link is not None
    sock = link.connection.socket()
    assert isinstance(sock, socket.socket)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    post.session.leave(ABSENT)


class Wire:
    """A connection that writes down which thread wrote."""

    def __init__(self) -> None:
        self.end, self.other = socket.socketpair()
        self.waiting = 0
        self.writers: list[str] = []

    def socket(self) -> socket.socket:
        return self.end

    def want_write(self) -> bool:
        return self.waiting > 0

    def loop_write(self) -> int:
        self.writers.append(threading.current_thread().name)
        self.waiting = 0
        return 0


@pytest.fixture
def wire() -> Iterator[tuple[Wire, Link]]:
    """A link over it."""
    fake = Wire()
    as_connection: Connection = fake  # type: ignore[assignment]
    yield fake, Link(as_connection, deque())
    fake.end.close()
    fake.other.close()


def test_a_publish_is_written_in_the_thread_that_publishes(wire: tuple[Wire, Link]) -> None:
    """Latency: no wake-up of the other thread, no turn of the interpreter's lock."""
    fake, link = wire
    fake.waiting = 1
    link.flush()
    assert (fake.writers, fake.waiting) == ([threading.current_thread().name], 0)


def test_a_publish_while_the_line_is_busy_wakes_the_line_and_is_not_forgotten(wire: tuple[Wire, Link]) -> None:
    """It leaves at the line's next turn, which comes at once and not after the tick of half a second."""
    fake, link = wire
    fake.waiting = 1
    with link._io:
        link.flush()
        assert fake.writers == []
    begun = time.monotonic()
    assert link.turn() is False
    assert time.monotonic() - begun < 0.3
    assert fake.writers == [threading.current_thread().name]
