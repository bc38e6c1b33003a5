"""The least that is MQTT 3.1.1, on a raw socket: what the bench speaks itself, and what the floor is made of."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass


def packet(kind: int, body: bytes) -> bytes:
    """An MQTT control packet."""
    length, head = len(body), bytes([kind])
    while True:
        length, digit = divmod(length, 128)
        head += bytes([digit | 128 if length else digit])
        if not length:
            return head + body


def text(value: bytes) -> bytes:
    """A length-prefixed string."""
    return struct.pack("!H", len(value)) + value


def publish_packet(topic: bytes, payload: bytes, mid: int) -> bytes:
    """A PUBLISH at QoS 1."""
    return packet(0x32, text(topic) + struct.pack("!H", mid) + payload)


@dataclass(frozen=True, slots=True)
class Heard:
    """One PUBLISH as it came."""

    topic: bytes
    payload: bytes
    retain: bool


class Raw:
    """One connection: connect, subscribe, publish, read packets, acknowledge what came at QoS 1."""

    def __init__(self, port: int, name: bytes) -> None:
        """Connects with a clean session, without keepalive. Raises OSError."""
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._heard: deque[Heard] = deque()
        self._mid = 0
        self.sock.sendall(packet(0x10, text(b"MQTT") + b"\x04\x02\x00\x00" + text(name)))
        self._await(0x20)

    def subscribe(self, *topics: bytes, qos: int = 1) -> None:
        """Returns when the broker has confirmed."""
        self.sock.sendall(packet(0x82, b"\x00\x01" + b"".join(text(topic) + bytes([qos]) for topic in topics)))
        self._await(0x90)

    def publish(self, topic: bytes, payload: bytes) -> None:
        """QoS 1; the PUBACK is read with the next messages."""
        self._mid = self._mid % 65_535 + 1
        self.sock.sendall(publish_packet(topic, payload, self._mid))

    def messages(self, timeout_s: float) -> list[Heard]:
        """What came, waiting at most `timeout_s` for the first. Raises EOFError when the broker hung up."""
        deadline_s = time.monotonic() + timeout_s
        while not self._heard:
            if not select.select([self.sock], [], [], max(0.0, deadline_s - time.monotonic()))[0]:
                break
            self._read()  # perhaps only a PUBACK
        heard, self._heard = list(self._heard), deque()
        return heard

    def close(self) -> None:
        """Hang up."""
        self.sock.close()

    def _await(self, kind: int) -> None:
        while kind not in self._read():
            pass

    def _read(self) -> set[int]:
        """One recv; the kinds of the packets in it. PUBLISHes are kept, and acknowledged in one write."""
        data = self.sock.recv(1 << 18)
        if not data:
            raise EOFError
        self._buffer += data
        kinds, acks, buffer, at = set(), b"", self._buffer, 0
        while (whole := _whole(buffer, at)) is not None:
            begin, end = whole
            kinds.add(buffer[at] & 0xF0)
            if buffer[at] & 0xF0 == 0x30:
                topic_end = begin + 2 + int.from_bytes(buffer[begin : begin + 2], "big")
                body = topic_end
                if buffer[at] & 0x06:
                    acks += b"\x40\x02" + buffer[body : body + 2]
                    body += 2
                self._heard.append(Heard(buffer[begin + 2 : topic_end], buffer[body:end], bool(buffer[at] & 1)))
            at = end
        self._buffer = buffer[at:]
        if acks:
            self.sock.sendall(acks)
        return kinds


def _whole(buffer: bytes, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at `at` begins and ends; None while it is not all there."""
    length = shift = 0
    for place in range(at + 1, min(at + 5, len(buffer))):
        length |= (buffer[place] & 127) << shift
        shift += 7
        if buffer[place] < 128:
            end = place + 1 + length
            return (place + 1, end) if end <= len(buffer) else None
    return None
