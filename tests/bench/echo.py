"""The floor, as a process of its own: subscribes to one topic and sends each message back on another, nothing else.

    python -S -E tests/bench/echo.py PORT

MQTT 3.1.1 on a raw socket with TCP_NODELAY, QoS 1 both ways like a command and a status. The round bench → broker →
echo → broker → bench is what every figure of the line is compared with: same broker, same moment, same payload size.
"""

from __future__ import annotations

import socket
import struct
import sys

ASK, ANSWER = b"bench/ask", b"bench/answer"


def _text(value: bytes) -> bytes:
    return struct.pack("!H", len(value)) + value


def _length(size: int) -> bytes:
    digits = b""
    while True:
        size, digit = divmod(size, 128)
        digits += bytes([digit | 128 if size else digit])
        if not size:
            return digits


def echo(port: int) -> None:
    """Until the broker hangs up. One small message is under way at a time, so a recv never ends within a packet."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connect = _text(b"MQTT") + b"\x04\x02\x00\x00" + _text(b"echo")
    sock.sendall(b"\x10" + _length(len(connect)) + connect)
    sock.recv(4)
    subscribe = b"\x00\x01" + _text(ASK) + b"\x01"
    sock.sendall(b"\x82" + _length(len(subscribe)) + subscribe)
    sock.recv(5)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    rest = b""
    while data := sock.recv(65_536):
        rest += data
        while len(rest) > 1:
            at, size, shift = 1, 0, 0
            while rest[at] & 128:
                size |= (rest[at] & 127) << shift
                at, shift = at + 1, shift + 7
            size |= rest[at] << shift
            at, end = at + 1, at + 1 + size
            if rest[0] & 0xF0 == 0x30:  # else the PUBACK of an answer
                at += 2 + len(ASK)
                mid = rest[at : at + 2]
                answer = _text(ANSWER) + mid + rest[at + 2 : end]
                sock.sendall(b"\x32" + _length(len(answer)) + answer + b"\x40\x02" + mid)
            rest = rest[end:]


if __name__ == "__main__":
    echo(int(sys.argv[1]))
