"""MQTT 3.1.1 in a hundred lines, for tests: raw bytes out with any QoS and retain flag, everything heard written down.

None of our own code and no paho is in the way, so that the wire is checked from outside. Reconnects by itself.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

KEEPALIVE_S = 60


class Heard(NamedTuple):
    """One PUBLISH from the broker; `mono_s`: when it was read."""

    mono_s: float
    topic: str
    payload: bytes
    retain: bool


def packet(kind: int, body: bytes) -> bytes:
    """A control packet: fixed header (MQTT 3.1.1 section 2.2) and body."""
    left, length = len(body), b""
    while True:
        left, digit = divmod(left, 128)
        length += bytes([digit | (0x80 if left else 0)])
        if not left:
            return bytes([kind]) + length + body


def text(value: str) -> bytes:
    """A string with its length (section 1.5.3)."""
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw


class Mqtt:
    """One client. With `clean` False the broker keeps what comes at QoS 1 while it is away."""

    def __init__(
        self, port: int, client_id: str, topics: Sequence[str], hear: Callable[[Heard], None], *, clean: bool = False
    ) -> None:
        self._port, self._id, self._topics, self._hear, self._clean = port, client_id, topics, hear, clean
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._mid = 0
        self._acked: set[int] = set()
        self._up = threading.Event()
        self._closing = False
        self._news = threading.Condition()
        self._send_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=client_id, daemon=True)
        self._thread.start()

    def wait_up(self, within_s: float = 10.0) -> None:
        """Until the broker has confirmed the subscription."""
        assert self._up.wait(within_s), "the broker does not answer"

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, within_s: float = 10.0
    ) -> None:
        """Say it; at QoS 1 returns after the broker's PUBACK."""
        self.publish_all([(topic, payload)], qos=qos, retain=retain, within_s=within_s)

    def publish_all(
        self,
        messages: Iterable[tuple[str, bytes]],
        *,
        qos: int = 1,
        retain: bool = False,
        within_s: float = 30.0,
    ) -> None:
        """Say all of it in one breath; at QoS 1 returns when the broker has taken all."""
        self.wait_up()
        mids, data = set(), bytearray()
        for topic, payload in messages:
            self._mid = self._mid % 65_000 + 1
            mid = struct.pack("!H", self._mid) if qos else b""
            data += packet(0x30 | qos << 1 | int(retain), text(topic) + mid + payload)
            mids.add(self._mid)
        link = self._socket
        assert link is not None
        with self._send_lock:
            link.sendall(data)
        if qos:
            with self._news:
                assert self._news.wait_for(lambda: mids <= self._acked, within_s), "the broker did not take it"
                self._acked -= mids

    def close(self) -> None:
        """Hang up for good."""
        self._closing = True
        self._hang_up()
        self._thread.join(5)

    def _hang_up(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        while not self._closing:
            try:
                self._live()
            except (OSError, EOFError):
                pass
            self._up.clear()
            if not self._closing:
                time.sleep(0.05)

    def _live(self) -> None:
        with socket.create_connection(("127.0.0.1", self._port), timeout=5) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.settimeout(KEEPALIVE_S / 2)
            self._socket, self._buffer = link, b""
            flags = 0x02 if self._clean else 0
            link.sendall(
                packet(0x10, text("MQTT") + bytes([4, flags]) + struct.pack("!H", KEEPALIVE_S) + text(self._id))
            )
            kind, body = self._read(link)
            if kind != 0x20 or body[1]:
                raise EOFError("refused")
            filters = b"".join(text(topic) + b"\x01" for topic in self._topics)
            link.sendall(packet(0x82, b"\x00\x01" + filters))
            while not self._closing:
                try:
                    kind, body = self._read(link)
                except TimeoutError:
                    link.sendall(packet(0xC0, b""))
                    continue
                self._take(link, kind, body)

    def _take(self, link: socket.socket, kind: int, body: bytes) -> None:
        if kind >> 4 == 9:
            self._up.set()
        elif kind >> 4 == 4:
            with self._news:
                self._acked.add(struct.unpack("!H", body[:2])[0])
                self._news.notify_all()
        elif kind >> 4 == 3:
            length = struct.unpack("!H", body[:2])[0]
            topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
            if kind & 0x06:
                mid, rest = rest[:2], rest[2:]
                with self._send_lock:
                    link.sendall(packet(0x40, mid))
            self._hear(Heard(time.monotonic(), topic, rest, bool(kind & 1)))

    def _read(self, link: socket.socket) -> tuple[int, bytes]:
        kind = self._bytes(link, 1)[0]
        length, shift = 0, 0
        while True:
            digit = self._bytes(link, 1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                return kind, self._bytes(link, length)

    def _bytes(self, link: socket.socket, count: int) -> bytes:
        while len(self._buffer) < count:
            data = link.recv(65_536)
            if not data:
                raise EOFError("hung up")
            self._buffer += data
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken
