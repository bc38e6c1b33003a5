"""Our decoding of PUBLISH and PUBACK against paho's own, and a broker that knows only MQTT 3.1.1."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from typing import Any

import paho.mqtt.client as mqtt
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt._packet import decode_puback, decode_publish
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kengd.uplink.client import Connection
from kengd.uplink.line import LineSettings
from kengd.uplink.shell import ShellLink
from tests.uplink.conftest import ABSENT, Post, until


class Noted:
    """Ears that note."""

    def __init__(self) -> None:
        self.notes: list[tuple[Any, ...]] = []

    def connected(self, refusal: str | None) -> None:
        self.notes.append((refusal,))

    def subscribed(self, mid: int, refused: bool) -> None:
        self.notes.append((mid, refused))

    def arrived(self, topic: bytes, payload: bytes, retain: bool, dup: bool, mid: int) -> None:
        self.notes.append((topic, payload, retain, dup, mid))

    def published(self, mid: int, code: int) -> None:
        self.notes.append((mid, code))

    def dismissed(self, reason: str) -> None:
        self.notes.append((reason,))

    def broke(self, error: ssl.SSLError) -> None:
        self.notes.append((error.reason,))


def feed(version: str, kind: int, body: bytes) -> tuple[int, list[tuple[Any, ...]]]:
    """What our connection makes of one packet: paho's return code and the notes."""
    ears = Noted()
    connection = Connection(ears, "x", "5" if version == "5" else "3.1.1")
    connection._in_packet["command"] = kind
    connection._in_packet["packet"] = bytearray(body)
    if kind >> 4 == 4:
        for mid in range(5):
            connection._out_messages[mid] = mqtt.MQTTMessage(mid)
        return int(connection._handle_pubackcomp("PUBACK")), ears.notes
    return int(connection._handle_publish()), ears.notes


properties = st.builds(
    lambda expiry, user, response: (expiry, user, response),
    st.none() | st.integers(0, 2**32 - 1),
    st.lists(st.tuples(st.text("abc", max_size=5), st.text("xyz", max_size=200)), max_size=3),
    st.none() | st.text("topic/", min_size=1, max_size=9),
)


@settings(deadline=None)
@given(
    st.sampled_from(["5", "3.1.1"]),
    st.text("abc/đ", min_size=1, max_size=200),
    st.binary(max_size=300),
    st.booleans(),
    st.booleans(),
    st.integers(0, 1),
    st.integers(1, 65535),
    properties,
)
def test_a_publish_is_decoded_as_paho_decodes_it(
    version: str,
    topic: str,
    payload: bytes,
    retain: bool,
    dup: bool,
    qos: int,
    mid: int,
    extra: tuple[int | None, list[tuple[str, str]], str | None],
) -> None:
    """MQTT 5, 3.3: the properties (expiry, user, response topic) are skipped, whatever they are."""
    header = 0x30 | dup << 3 | qos << 1 | retain
    body = struct.pack("!H", len(topic.encode())) + topic.encode()
    if qos:
        body += struct.pack("!H", mid)
    if version == "5":
        table: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if extra[0] is not None:
            table.MessageExpiryInterval = extra[0]
        for pair in extra[1]:
            table.UserProperty = pair
        if extra[2] is not None:
            table.ResponseTopic = extra[2]
        body += table.pack()
    theirs = decode_publish(header, bytearray(body + payload), mqtt.MQTTv5 if version == "5" else mqtt.MQTTv311)
    rc, notes = feed(version, header, body + payload)
    assert rc == 0
    assert notes == [(bytes(theirs.topic), bytes(theirs.payload), theirs.retain, theirs.dup, theirs.mid)]


@settings(deadline=None)
@given(st.sampled_from(["5", "3.1.1"]), st.integers(0x30, 0x33), st.binary(max_size=60))
def test_garbage_is_a_protocol_error_and_never_an_exception(version: str, header: int, body: bytes) -> None:
    """Only what paho would take as whole may be passed on."""
    rc, notes = feed(version, header, body)
    assert (rc == 0) == bool(notes)


@settings(deadline=None)
@given(st.sampled_from(["5", "3.1.1"]), st.integers(0, 6), st.sampled_from([None, 0, 16, 128, 135, 151]))
def test_a_puback_is_decoded_as_paho_decodes_it(version: str, mid: int, code: int | None) -> None:
    """MQTT 5, 3.4: without a reason it is a success; an unknown packet id says nothing."""
    body = struct.pack("!H", mid) + (bytes([code]) if version == "5" and code is not None else b"")
    theirs = decode_puback(0x40, bytearray(body), mqtt.MQTTv5 if version == "5" else mqtt.MQTTv311)
    rc, notes = feed(version, 0x40, body)
    assert rc == 0
    assert notes == ([(theirs.mid, theirs.reason.value)] if mid < 5 else [])


def test_a_truncated_publish_is_refused_by_both() -> None:
    """The comparison above is fair."""
    body = b"\x00\x09abc"
    assert feed("3.1.1", 0x32, body)[0] != 0
    try:
        decode_publish(0x32, bytearray(body), mqtt.MQTTv311)
    except MalformedPacket:
        return
    raise AssertionError("paho took it")


class OldBroker(threading.Thread):
    """Answers MQTT 5 as a 3.1.1 broker must (MQTT 3.1.1, 3.1.2.2: code 1, then close), and takes 3.1.1."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.levels: list[int] = []

    def run(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            hello = peer.recv(1000)
            self.levels.append(hello[8])
            if hello[8] != 4:
                peer.sendall(b"\x20\x02\x00\x01")
                peer.close()
                continue
            peer.sendall(b"\x20\x02\x00\x00")
            while packet := peer.recv(1000):
                if packet[0] >> 4 == 8:
                    peer.sendall(b"\x90\x04" + packet[2:4] + b"\x01\x01")
                elif packet[0] >> 4 == 3:
                    topic_end = 4 + int.from_bytes(packet[2:4], "big")
                    peer.sendall(b"\x40\x02" + packet[topic_end : topic_end + 2])


def test_a_broker_that_knows_only_3_1_1_is_used_with_3_1_1() -> None:
    """DESIGN section 7: any 3.1.1 or 5 broker; 5 is tried first after each outage."""
    broker = OldBroker()
    broker.start()
    post = Post(LineSettings("127.0.0.1", broker.port, "post-1", "cong-lac", "post-1"))
    post.session.start()
    until(lambda: post.session.up)
    post.session.leave(ABSENT)
    assert broker.levels == [5, 4]
    with ShellLink("127.0.0.1", broker.port) as link:
        link.connect()
    assert broker.levels == [5, 4, 5, 4]
    broker.listener.close()
