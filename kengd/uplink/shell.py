"""A small link for shell commands: connect, listen, say one thing, hear the answers. One thread, the caller's."""

from __future__ import annotations

import contextlib
import select
import ssl
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from kengd.errors import KengdError
from kengd.uplink.client import Connection
from kengd.uplink.line import LineFault, fault, fault_of, tls_context

KEEPALIVE_S = 30
REFUSED_FROM = 128

Message = tuple[str, bytes, bool]


class ShellLink:
    """A short MQTT 5 session of its own (3.1.1 where the broker knows no better). A context manager.

    All calls raise KengdError with a Vietnamese sentence: `broker_unreachable`, `broker_refused`, `publish_refused`.
    Certificate dates are always checked: who types at a shell can set the clock.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        ca: str | None = None,
        cert: str | None = None,
        key: str | None = None,
        client_id: str | None = None,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self.host, self.port = host, port
        self._files = (ca, cert, key)
        self._client_id = client_id or f"kengd-shell-{uuid.uuid4().hex[:12]}"
        self._username, self._password = username, password
        self._connection: Connection | None = None
        self._inbox: deque[Message] = deque()
        self._accepted = False
        self._refusal: str | None = None
        self._broke = fault("lost")
        self._subscribed: dict[int, bool] = {}
        self._published: dict[int, int] = {}

    def __enter__(self) -> ShellLink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self, timeout_s: float = 5.0) -> None:
        """Connect and wait for the broker's yes."""
        deadline_s = time.monotonic() + timeout_s
        self._try("5", timeout_s, deadline_s)
        if self._refusal == "Unsupported protocol version":
            self._try("3.1.1", timeout_s, deadline_s)
        if self._refusal is not None:
            raise self._error("broker_refused", fault("refused", self._refusal))
        if not self._accepted:
            raise self._error("broker_unreachable", fault("silent"))

    def _try(self, version: str, timeout_s: float, deadline_s: float) -> None:
        self._refusal, self._accepted = None, False
        try:
            self._connection = Connection(
                self,
                self._client_id,
                "5" if version == "5" else "3.1.1",
                clean=True,
                context=tls_context(*self._files, "ntp"),
                username=self._username,
                password=self._password,
                timeout_s=timeout_s,
            )
            self._connection.open(self.host, self.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            raise self._error("broker_unreachable", fault_of(error)) from error
        self._turn_until(lambda: self._accepted or self._refusal is not None, deadline_s)

    def subscribe(self, topics: Sequence[str], timeout_s: float = 5.0) -> None:
        """Listen to these topics from now on; returns when the broker has confirmed."""
        connection = self._open()
        mid = connection.ask(tuple(topics))
        if not self._turn_until(lambda: mid in self._subscribed, time.monotonic() + timeout_s):
            raise self._error("broker_unreachable", fault("silent"))
        if self._subscribed[mid]:
            raise self._error("broker_refused", fault("not_authorised"))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, timeout_s: float = 5.0) -> None:
        """Say it at QoS 1; returns when the broker has taken it (which says nothing about the post: R6)."""
        mid = self._open().say(topic, payload, retain=retain)
        if mid is None or not self._turn_until(lambda: mid in self._published, time.monotonic() + timeout_s):
            raise self._error("broker_unreachable", fault("silent"))
        if self._published[mid] >= REFUSED_FROM:
            raise self._error("publish_refused", fault("refused", "Not authorized"))

    def messages(self, timeout_s: float) -> Iterator[Message]:
        """(topic, payload, retain) as they come, until `timeout_s` after this call."""
        deadline_s = time.monotonic() + timeout_s
        while self._turn_until(lambda: bool(self._inbox), deadline_s):
            while self._inbox:
                yield self._inbox.popleft()

    def close(self) -> None:
        """Hang up; harmless twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.disconnect()
                connection.loop_write()
            connection.hang_up()

    def _open(self) -> Connection:
        if self._connection is None or self._connection.socket() is None:
            raise self._error("broker_unreachable", self._broke)
        return self._connection

    def _turn_until(self, done: Callable[[], bool], deadline_s: float) -> bool:
        """Serve the socket until `done()` (True) or the deadline (False)."""
        while not done():
            connection = self._connection
            if connection is None or (sock := connection.socket()) is None:
                if self._refusal is not None:
                    return False
                raise self._error("broker_unreachable", self._broke)
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            if connection.want_write() and connection.loop_write():
                continue  # it broke: said above
            writable = [sock] if connection.want_write() else []
            ready, _, _ = select.select([sock], writable, [], min(left_s, 1.0))
            while ready or connection.holds_bytes():
                ready = []
                connection.loop_read()
            connection.loop_misc()
        return True

    def _error(self, code: str, why: LineFault) -> KengdError:
        return KengdError(
            code,
            f"Không dùng được máy chủ {self.host}:{self.port}: {why.vi}",
            cure="kiểm tra địa chỉ, mạng, chứng thư và xem máy chủ (mosquitto) có đang chạy không",
            en=f"broker {self.host}:{self.port}: {why.en}",
        )

    # ---- Ears

    def connected(self, refusal: str | None) -> None:
        """CONNACK."""
        self._refusal, self._accepted = refusal, refusal is None

    def subscribed(self, mid: int, refused: bool) -> None:
        """SUBACK."""
        self._subscribed[mid] = refused

    def arrived(self, topic: bytes, payload: bytes, retain: bool, dup: bool, mid: int) -> None:
        """PUBLISH: acknowledged at once, since a shell keeps nothing."""
        self._inbox.append((topic.decode(errors="replace"), payload, retain))
        if mid and self._connection is not None:
            self._connection.ack(mid, 1)

    def published(self, mid: int, code: int) -> None:
        """PUBACK."""
        self._published[mid] = code

    def dismissed(self, reason: str) -> None:
        """DISCONNECT by the broker."""
        self._refusal = self._refusal or reason

    def broke(self, error: ssl.SSLError) -> None:
        """A TLS alert of the broker's."""
        self._broke = fault_of(error)
