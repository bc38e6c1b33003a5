"""One MQTT connection: paho's client, one object a connection, driven by the caller's own loop.

The only import of paho. Never reused after a loss: a fresh object has no stale packet ids, queues or states (paho
issues 432, 785). What has to be sent again comes from the book, not from paho's memory.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any, Literal, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

SESSION_EXPIRY_S = 7 * 86_400
RECEIVE_MAXIMUM = 1_000  # unacknowledged commands: bounds memory, far above any burst of one commune
LARGEST_PACKET = 1 << 20  # above the 48 KiB limit, so that `too_large` can still be answered
READ_BYTES = 65_536

AT_ONCE = 256
_MERGED = (0x30, 0x40)  # PUBLISH (ours all at QoS 1) and PUBACK: nothing is to be done once they are sent

OK = MQTTErrorCode.MQTT_ERR_SUCCESS


class Ears(Protocol):
    """What a connection reports, from inside `read`: only note it down, the caller holds a lock."""

    def connected(self, refusal: str | None) -> None:
        """CONNACK. `refusal`: the broker's reason, None when accepted."""

    def subscribed(self, mid: int, refused: bool) -> None:
        """SUBACK."""

    def arrived(self, topic: bytes, payload: bytes, retain: bool, dup: bool, mid: int) -> None:
        """PUBLISH; `mid` 0 = QoS 0, needs no acknowledgement."""

    def published(self, mid: int, code: int) -> None:
        """PUBACK with the MQTT 5 reason code (0 on 3.1.1)."""

    def dismissed(self, reason: str) -> None:
        """DISCONNECT by the broker (MQTT 5)."""

    def broke(self, error: ssl.SSLError) -> None:
        """TLS is over. In version 1.3 the broker judges our certificate only after the handshake has come to its end."""


class Connection(mqtt.Client):
    """paho's client with a buffered reader and its own decoding of PUBLISH and PUBACK.

    Why: paho reads a packet with three system calls and builds a table of all properties for each of these two: 28 µs a
    PUBLISH against 2 µs here, 14 µs a PUBACK against 3 µs (x86). A test compares the decoders.
    """

    def __init__(
        self,
        ears: Ears,
        client_id: str,
        version: Literal["5", "3.1.1"],
        *,
        clean: bool = False,
        context: ssl.SSLContext | None = None,
        username: str | None = None,
        password: str | None = None,
        timeout_s: float = 20.0,
    ) -> None:
        five = version == "5"
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if five else clean,
            protocol=mqtt.MQTTv5 if five else mqtt.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._ears = ears
        self._five = five
        self._clean = clean
        self._buffer = b""
        self._taken = 0
        self.connect_timeout = timeout_s
        self.suppress_exceptions = True
        self.max_queued_messages_set(0)
        self.max_inflight_messages_set(0)
        if context is not None:
            self.tls_set_context(context)
        if username is not None:
            self.username_pw_set(username, password)
        self.on_connect = self._heard_connack
        self.on_subscribe = self._heard_suback
        self.on_disconnect = self._heard_disconnect
        self.on_socket_open = _no_delay
        self.on_socket_register_write = _nothing  # writing is the caller's, never paho's inside publish()

    def open(self, host: str, port: int, keepalive_s: int) -> None:
        """Connect and queue CONNECT; blocks until TCP and TLS stand. Raises OSError, ValueError, UnicodeError."""
        properties: Any = None
        if self._five:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            properties.MaximumPacketSize = LARGEST_PACKET
            if not self._clean:
                properties.SessionExpiryInterval = SESSION_EXPIRY_S
        self.connect_async(host, port, keepalive_s, clean_start=self._clean, properties=properties)
        self.reconnect()

    def ask(self, topics: tuple[str, ...], *, stored: bool = False, as_published: bool = True) -> int:
        """SUBSCRIBE at QoS 1; the packet id, for `Ears.subscribed`. Raises ConnectionError when there is no connection.

        `as_published` (retainAsPublished) shows a live message that asks to be retained as what it is; without it only
        stored ones are marked. `stored`: retained messages are wanted now; else only with a new subscription (R1). On
        3.1.1 they always come.
        """
        if self._five:
            options = SubscribeOptions(qos=1, retainAsPublished=as_published, retainHandling=0 if stored else 1)
            rc, mid = self.subscribe([(topic, options) for topic in topics])
        else:
            rc, mid = self.subscribe([(topic, 1) for topic in topics])
        if rc != OK or mid is None:
            raise ConnectionError(mqtt.error_string(rc))
        return mid

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Queue a PUBLISH at QoS 1; its packet id, or None when it was not taken."""
        info = self.publish(topic, payload, qos=1, retain=retain)
        return info.mid if info.rc == OK else None

    def holds_bytes(self) -> bool:
        """True when bytes were read from the socket but not yet used: no poll will tell of them."""
        if self._taken < len(self._buffer):
            return True
        sock = self.socket()
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    def hang_up(self) -> None:
        """Close without DISCONNECT: the broker then publishes the Last Will."""
        self.on_disconnect = None
        with contextlib.suppress(OSError):
            self._sock_close()

    # ---- what paho calls

    def _heard_connack(self, _client: object, _data: object, _flags: object, reason: Any, properties: Any) -> None:
        # more unacknowledged publishes than this and the broker hangs up (MQTT 5, 3.3.4); paho itself does not look
        maximum = getattr(properties, "ReceiveMaximum", 65_535)
        self._max_inflight_messages = maximum if maximum < 65_535 else 0
        self._ears.connected(str(reason) if reason.is_failure else None)

    def _heard_suback(self, _client: object, _data: object, mid: int, reasons: list[Any], _properties: object) -> None:
        self._ears.subscribed(mid, any(reason.is_failure for reason in reasons))

    def _heard_disconnect(self, _client: object, _data: object, flags: Any, reason: Any, _properties: object) -> None:
        if flags.is_disconnect_packet_from_server:
            self._ears.dismissed(str(reason))

    def _sock_recv(self, bufsize: int) -> bytes:
        taken, buffer = self._taken, self._buffer
        if taken >= len(buffer):
            try:
                buffer = self._buffer = super()._sock_recv(READ_BYTES)
            except ssl.SSLError as error:
                self._ears.broke(error)
                raise
            taken = 0
        self._taken = taken + bufsize
        return buffer[taken : taken + bufsize]

    def _sock_send(self, buf: bytes | bytearray) -> int:
        try:
            return super()._sock_send(buf)
        except BlockingIOError:
            raise
        except OSError:
            self._hear_last_words()
            raise

    def _hear_last_words(self) -> None:
        """A broker that hangs up on our certificate has said why, and that is still to be read where writing fails."""
        with contextlib.suppress(OSError):
            try:
                if isinstance(sock := self.socket(), ssl.SSLSocket):
                    sock.recv(1)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except ssl.SSLError as error:
                self._ears.broke(error)

    def _packet_write(self) -> MQTTErrorCode:
        """All that waits in one system call, where paho makes one for each packet. Called under the link's lock."""
        queue = self._out_packet
        together: list[Any] = []
        while len(together) < AT_ONCE and queue and queue[0]["command"] & 0xF0 in _MERGED and not queue[0]["pos"]:
            together.append(queue.popleft())
        if together:
            first = together[0]
            if len(together) > 1:
                first["packet"] = b"".join([packet["packet"] for packet in together])
                first["to_process"] = len(first["packet"])
            queue.appendleft(first)
        return super()._packet_write()

    def _handle_publish(self) -> MQTTErrorCode:
        packet, header = self._in_packet["packet"], self._in_packet["command"]
        qos = header >> 1 & 3
        if qos > 1:  # never asked for
            return super()._handle_publish()
        end = 2 + int.from_bytes(packet[:2], "big")
        topic, mid = packet[2:end], 0
        if qos:
            mid = int.from_bytes(packet[end : end + 2], "big")
            end += 2
        if self._five:
            end = _after_properties(packet, end)
        if end > len(packet):
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        self._ears.arrived(bytes(topic), bytes(packet[end:]), bool(header & 1), bool(header & 8), mid)
        return OK

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        packet = self._in_packet["packet"]
        if len(packet) < 2:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        mid = int.from_bytes(packet[:2], "big")
        with self._out_message_mutex:
            if self._out_messages.pop(mid, None) is None:
                return OK
            self._inflight_messages -= 1
            if self._max_inflight_messages:
                self._update_inflight()
        self._ears.published(mid, packet[2] if len(packet) > 2 else 0)
        return OK


def _after_properties(packet: bytearray, at: int) -> int:
    """Where the payload begins: behind the properties, whose length is a variable byte integer (MQTT 5, 1.5.5)."""
    length = shift = 0
    while at < len(packet):
        byte = packet[at]
        at += 1
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128 or shift > 21:
            break
    return at + length


def _nothing(*_: object) -> None:
    """Take no action."""


def _no_delay(_client: object, _data: object, sock: Any) -> None:
    """Without this a status sent just after an acknowledgement waits 40 ms for the delayed ACK (RFC 896, RFC 1122)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
