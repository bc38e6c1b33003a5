"""Publish → on_command of the line, against a minimal raw-socket MQTT client that does nothing but echo.

    python tests/bench/line_latency.py [rounds]

A publisher on a raw socket sends one numbered QoS 1 message after the other to the command topic; the client under test
sends the number on by UDP as soon as it has it. An answer with another number ends the run: a stale datagram of an
earlier client once made every client look twice as fast as the floor. Clients take turns in
blocks, each block on a fresh broker (a session outlives its connection and would be sent what came meanwhile).
"""

from __future__ import annotations

import select
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kengd.uplink.line import Inbound, LineSettings
from kengd.uplink.post_session import PostSession
from tests.broker import Broker

TOPIC = b"kengd/1/cong-lac/post-1/command"
FILLING = b"x" * 592
BLOCK = 100


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


class Raw:
    """The least that is MQTT 3.1.1: connect, subscribe, publish, read packets."""

    def __init__(self, port: int, name: bytes) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(packet(0x10, text(b"MQTT") + b"\x04\x02\x00\x3c" + text(name)))
        self.sock.recv(4)

    def subscribe(self, topic: bytes) -> None:
        self.sock.sendall(packet(0x82, b"\x00\x01" + text(topic) + b"\x01"))
        self.sock.recv(5)

    def publish(self, topic: bytes, payload: bytes) -> None:
        self.sock.sendall(packet(0x32, text(topic) + b"\x00\x01" + payload))


def measure(port: int, heard: socket.socket, first: int, rounds: int) -> list[float]:
    """Latencies in µs, one message at a time, numbered from `first`."""
    publisher, latencies = Raw(port, b"bench"), []
    for number in range(first, first + rounds):
        body = struct.pack("!Q", number)
        begun = time.perf_counter_ns()
        publisher.publish(TOPIC, body + FILLING)
        if not select.select([heard], [], [], 2)[0]:
            raise SystemExit(f"message {number} was lost")
        answer = heard.recv(16)
        latencies.append((time.perf_counter_ns() - begun) / 1000)
        if answer != body:
            raise SystemExit(f"answer {answer!r} to message {body!r}")
        publisher.sock.recv(4)
        time.sleep(0.002)
    heard.setblocking(False)
    try:
        raise SystemExit(f"one answer too many: {heard.recv(16)!r}")
    except BlockingIOError:
        heard.setblocking(True)
    publisher.sock.close()
    return latencies


class Echo:
    """The floor: a thread that reads the socket, tells, acknowledges."""

    def __init__(self, port: int, tell: Callable[[bytes], object]) -> None:
        self._client, self._tell = Raw(port, b"floor"), tell
        self._client.subscribe(TOPIC)
        self._thread = threading.Thread(target=self._loop)
        self._thread.start()

    def _loop(self) -> None:
        sock, v = self._client.sock, 2 + len(TOPIC)
        while data := sock.recv(65536):
            at = 1
            while data[at] & 128:
                at += 1
            at += 1 + v
            self._tell(data[at + 2 : at + 10])
            sock.sendall(b"\x40\x02" + data[at : at + 2])

    def stop(self) -> None:
        """Wake the reader, wait until it has ended, then close: nothing of it may answer later."""
        self._client.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._client.sock.close()


class Stock:
    """paho as its manual shows it: loop_start, MQTT 5, manual ack."""

    def __init__(self, port: int, tell: Callable[[bytes], object]) -> None:
        ready = threading.Event()

        def on_message(client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
            tell(bytes(message.payload[:8]))
            client.ack(message.mid, message.qos)

        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "stock", protocol=mqtt.MQTTv5, manual_ack=True)
        self._client.on_message = on_message
        self._client.on_connect = lambda client, *_: client.subscribe(TOPIC.decode(), 1)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        ready.wait(5)

    def stop(self) -> None:
        """End."""
        self._client.disconnect()
        self._client.loop_stop()


class Line:
    """The line under test, acknowledging as it hears."""

    def __init__(self, port: int, tell: Callable[[bytes], object], version: str, name: str) -> None:
        up = threading.Event()

        def on_command(inbound: Inbound) -> None:
            tell(inbound.payload[:8])
            self._session.ack(inbound.token)

        settings = LineSettings("127.0.0.1", port, name, "cong-lac", "post-1", version=version)  # type: ignore[arg-type]
        self._session = PostSession(settings, on_command, lambda is_up: up.set() if is_up else None, b"{}")
        self._session.start()
        if not up.wait(5):
            raise SystemExit("the line did not come up")

    def stop(self) -> None:
        """End."""
        self._session.leave(b"{}")


def burst(port: int, version: str, count: int) -> tuple[float, float]:
    """Messages a second: to the last on_command, and to the PUBACK of an entry for each. Order and number are checked."""
    finished, up = threading.Event(), threading.Event()
    numbers: list[int] = []
    tokens: set[int | None] = set()
    moments: dict[str, float] = {}

    def on_command(inbound: Inbound) -> None:
        numbers.append(int.from_bytes(inbound.payload[:8], "big"))
        tokens.add(session.publish_entry(inbound.payload))
        session.ack(inbound.token)
        moments["heard"] = time.perf_counter()

    def on_published(token: int, code: int) -> None:
        if code < 128:
            tokens.discard(token)
        moments["delivered"] = time.perf_counter()
        if len(numbers) == count and not tokens:
            finished.set()

    settings = LineSettings("127.0.0.1", port, f"burst-{version}", "cong-lac", "post-1", version=version)  # type: ignore[arg-type]
    session = PostSession(settings, on_command, lambda u: up.set() if u else None, b"{}", on_published=on_published)
    session.start()
    up.wait(5)
    publisher = Raw(port, b"bench")
    messages = b"".join(
        packet(0x32, text(TOPIC) + struct.pack("!HQ", 1 + n % 65000, n) + FILLING) for n in range(count)
    )
    begun = time.perf_counter()
    publisher.sock.sendall(messages)
    if not finished.wait(60) or numbers != list(range(count)):
        raise SystemExit(f"burst: {len(numbers)} of {count} heard, {len(tokens)} not acknowledged")
    session.leave(b"{}")
    publisher.sock.close()
    return count / (moments["heard"] - begun), count / (moments["delivered"] - begun)


def main() -> None:
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.bind(("127.0.0.1", 0))
    teller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    teller.connect(heard.getsockname())

    def tell(number: bytes) -> None:
        teller.send(number)

    with tempfile.TemporaryDirectory() as directory:
        table: dict[str, list[float]] = {}
        port = number = 0
        clients: dict[str, Callable[[], Echo | Stock | Line]] = {
            "raw echo client (floor)": lambda: Echo(port, tell),
            "stock paho, MQTT 5": lambda: Stock(port, tell),
            "line, MQTT 5": lambda: Line(port, tell, "5", "five"),
            "line, MQTT 3.1.1": lambda: Line(port, tell, "3.1.1", "three"),
        }
        for _ in range(max(1, rounds // BLOCK)):
            for name, begin in clients.items():
                with Broker(Path(directory) / f"{number}") as broker:
                    port = broker.port
                    client = begin()
                    table.setdefault(name, []).extend(measure(port, heard, number, BLOCK)[5:])
                    client.stop()
                number += BLOCK
        floor = statistics.median(table["raw echo client (floor)"])
        for name, figures in table.items():
            median, p99 = statistics.median(figures), statistics.quantiles(figures, n=100)[98]
            print(f"{name:26} median {median:6.0f} µs   p99 {p99:6.0f} µs   × {median / floor:.2f}   ({len(figures)})")
        for version in ("5", "3.1.1"):
            with Broker(Path(directory) / f"burst-{version}") as broker:
                first, second = burst(broker.port, version, 5000)
            print(f"burst, MQTT {version:6} heard {first:6.0f}/s   until every entry was PUBACKed {second:6.0f}/s")


if __name__ == "__main__":
    main()
