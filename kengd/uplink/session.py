"""A line to the broker, a post's or the hub's: one MQTT session that survives everything, in its own thread.

At most one `Connection` lives at a time; any doubt about it (no answer, an error, a refusal) ends it and a fresh one is
made after a jittered delay. "Up" means the broker has confirmed our subscription (R4). Nothing is queued across
connections but the kept message (a post's status): entries come from the book again, commands from the hub's outbox.
"""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable

from kengd.duty.words import ClockTrust
from kengd.uplink.client import Connection
from kengd.uplink.line import Inbound, LineFault, SessionSettings, Token, fault, fault_of, tls_context
from kengd.uplink.link import TICK_S, Link
from kengd.uplink.patience import CONNACK_WITHIN_S, Backoff, DeadMan

log = logging.getLogger("kengd.uplink")

STOP_WITHIN_S = 2.0


class Session:
    """One session. All callbacks run in its thread; `publish*`, `ack` and `stop` may be called from any.

    `on_message(inbound)`: note it and return; acknowledge later with `ack(inbound.token)` (at least once).
    `on_state(up)`. `on_published(token, code)`: PUBACK with its MQTT 5 reason (0 delivered, 16 nobody listens, from 128
    refused: R6). An exception in any of them is logged and ends nothing. `will`: (topic, payload) that the broker
    publishes, retained, when we are gone without a word.
    """

    def __init__(
        self,
        settings: SessionSettings,
        on_message: Callable[[Inbound], None],
        on_state: Callable[[bool], None],
        will: tuple[str, bytes] | None = None,
        *,
        on_published: Callable[[int, int], None] | None = None,
        on_thread: Callable[[], None] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings
        self._on_message, self._on_state, self._on_published = on_message, on_state, on_published
        self._on_thread, self._jitter, self._will = on_thread, jitter, will
        self._trust: ClockTrust = "untrusted"
        self._version = settings.version
        self._link: Link | None = None
        self._number = 0
        self._ledger = threading.Lock()  # guards what follows, up to the thread
        self._tokens: dict[int, int] = {}  # packet id -> token of a publish
        self._last_token = 0
        self._kept: tuple[str, bytes] | None = None
        self._farewell: int | None = None
        self._events: deque[Callable[[], None]] = deque()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._said_goodbye = threading.Event()
        self._up = False
        self._fault = fault("unreachable")
        self._ending: LineFault | None = None  # why the present connection has to end
        self._beat_s = time.monotonic()
        self._up_since_s = 0.0
        self._dead_man = DeadMan(settings.keepalive_s, False, self._beat_s)
        self._backoff = Backoff(self._beat_s)

    # ---- for any thread

    def start(self) -> None:
        """Begin to connect; returns at once. Called again it starts a dead thread anew."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)
            self._thread.start()

    @property
    def up(self) -> bool:
        """True while the broker has confirmed our subscription and answers."""
        return self._up

    @property
    def fault(self) -> LineFault | None:
        """Why the line is down; None while it is up."""
        return None if self._up else self._fault

    def silent_s(self) -> float:
        """Seconds since the thread last turned. Above 60 it hangs (in a callback or a name look-up): a condition."""
        return time.monotonic() - self._beat_s

    def set_clock_trust(self, trust: ClockTrust) -> None:
        """From the next connection on: certificate dates are checked unless `untrusted`. Starts as `untrusted`."""
        self._trust = trust

    def publish_kept(self, topic: str, payload: bytes) -> None:
        """QoS 1, retained. While the line is down the newest is kept and sent first when it is up again."""
        with self._ledger:
            self._kept = (topic, payload)
            link, _ = self._say(topic, payload, retain=True)
        if link is not None:
            link.flush()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, flush: bool = True) -> int | None:
        """QoS 1; the token that `on_published` will name, or None while the line is down (send it again later).

        `flush` False: the caller has more to say and calls `flush` after it.
        """
        with self._ledger:
            link, token = self._say(topic, payload, retain=retain)
        if link is not None and flush:
            link.flush()
        return token

    def flush(self) -> None:
        """Send what was only queued."""
        link = self._link
        if link is not None and link.connection.want_write():
            link.flush()

    def ack(self, token: Token, *, flush: bool = True) -> None:
        """Acknowledge a command: its entry is on disk. Harmless twice, late, or from an older connection."""
        with self._ledger:
            link = self._link
            if link is None or token.connection != self._number or not token.mid:
                return
            link.connection.ack(token.mid, 1)
        if flush:
            link.flush()

    def stop(self, farewell: tuple[str, bytes] | None = None) -> None:
        """Publish the farewell, retained, hang up and end, within 2 s. Unacknowledged messages stay with the broker.

        Where the broker does not confirm in time the link is dropped without DISCONNECT, so that the Last Will speaks.
        """
        deadline = time.monotonic() + STOP_WITHIN_S
        with self._ledger:
            link = self._link if self._up else None
            if farewell is not None:
                link, self._farewell = self._say(*farewell, retain=True)
        if link is not None:
            link.flush()
            if farewell is None or self._said_goodbye.wait(STOP_WITHIN_S / 2):
                link.part()
        self._stopping.set()
        if (link := self._link) is not None:
            link.ring()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, deadline - time.monotonic()))

    # ---- sending

    def _say(self, topic: str, payload: bytes, *, retain: bool = False) -> tuple[Link | None, int | None]:
        """Queue a publish; the caller holds the ledger, so that its PUBACK cannot be booked before its token."""
        link = self._link
        mid = link.connection.say(topic, payload, retain=retain) if link is not None and self._up else None
        if mid is None:
            return None, None
        self._last_token += 1
        token = self._tokens[mid] = self._last_token
        self._dead_man.sent(token, time.monotonic())
        return link, token

    # ---- the thread

    def _run(self) -> None:
        if self._on_thread is not None:
            self._call(self._on_thread)
        while not self._stopping.is_set():
            why = fault("lost")
            try:
                why = self._live()
            except Exception as error:  # noqa: BLE001 a line that gives up for good is the one unacceptable answer
                why = fault_of(error)
                log.info("line: %s", why.en)
            finally:
                self._drop(why)
            now_s = self._beat_s = time.monotonic()
            self._stopping.wait(self._backoff.delay_s(self._fault.code, now_s, self._jitter()))

    def _live(self) -> LineFault:
        """One connection from its first byte to its last; why it ended."""
        settings = self.settings
        self._beat_s = time.monotonic()
        connection = Connection(
            self,
            settings.client_id,
            self._version,
            context=tls_context(settings.ca, settings.cert, settings.key, self._trust),
            username=settings.username,
            password=settings.password,
            clean=not settings.keeps_session,
            timeout_s=CONNACK_WITHIN_S,
        )
        if self._will is not None:
            connection.will_set(*self._will, qos=1, retain=True)
        connection.open(settings.host, settings.port, settings.keepalive_s)
        link = Link(connection, self._events)
        with self._ledger:
            self._number += 1
            self._link = link
            self._dead_man = DeadMan(settings.keepalive_s, self._version == "5", time.monotonic())
        look_s = 0.0
        while link.is_open() and not self._stopping.is_set():
            if link.turn():
                self._dead_man.heard(time.monotonic())
                link.read()
            now_s = self._beat_s = time.monotonic()
            if now_s >= look_s:
                look_s = now_s + TICK_S
                self._look(link, now_s)
            if self._ending is not None:
                return self._ending
        return fault("lost")

    def _look(self, link: Link, now_s: float) -> None:
        """Twice a second: ping when it is time, give up a silent link, ask for the subscription again."""
        link.tend()
        with self._ledger:
            silent = self._dead_man.silent(now_s)
        if silent:
            self._ending = fault("silent")
        elif self._dead_man.wants_to_ask(now_s):
            self._subscribe(link)

    def _subscribe(self, link: Link, *, first: bool = False) -> None:
        settings = self.settings
        wants = settings.wants_stored
        mid = link.connection.ask(settings.listens_to, stored=wants and first, as_published=not wants)
        self._dead_man.asked(mid, time.monotonic())
        link.flush()

    def _drop(self, why: LineFault) -> None:
        with self._ledger:
            link, self._link = self._link, None
            was_up, self._up = self._up, False
            self._tokens.clear()
        self._events.clear()
        self._fault, self._ending = why, None
        if link is not None:
            link.close()
        if was_up:
            now_s = time.monotonic()
            if self._backoff.lost(now_s - self._up_since_s, now_s) and why.code == "lost":
                self._fault = fault("unsteady")
            self._version = self.settings.version
            if not self._stopping.is_set():
                log.warning("line down: %s", why.en)
            self._call(self._on_state, False)

    # ---- Ears: called inside `loop_read`, which holds locks; each only notes what is to be done after it

    def connected(self, refusal: str | None) -> None:
        """CONNACK."""
        self._events.append(lambda: self._accept(refusal))

    def subscribed(self, mid: int, refused: bool) -> None:
        """SUBACK."""
        self._events.append(lambda: self._confirm(mid, refused))

    def arrived(self, topic: bytes, payload: bytes, retain: bool, dup: bool, mid: int) -> None:
        """PUBLISH."""
        inbound = Inbound(topic.decode(errors="replace"), payload, retain, Token(self._number, mid), dup)
        self._events.append(lambda: self._message(inbound))

    def published(self, mid: int, code: int) -> None:
        """PUBACK."""
        self._events.append(lambda: self._delivered(mid, code))

    def dismissed(self, reason: str) -> None:
        """DISCONNECT by the broker."""
        self._ending = fault("taken_over" if reason == "Session taken over" else "lost", reason)

    def broke(self, error: ssl.SSLError) -> None:
        """A TLS alert of the broker's."""
        self._ending = fault_of(error)

    def _accept(self, refusal: str | None) -> None:
        link = self._link
        if refusal is None and link is not None:
            self._dead_man.accepted()
            self._subscribe(link, first=True)
            return
        if refusal == "Unsupported protocol version" and self._version == "5":
            self._version = "3.1.1"  # an older broker (DESIGN section 7: any 3.1.1 or 5 broker): at once again
            self._ending = fault("lost", refusal)
            return
        self._ending = fault("refused", refusal or "")

    def _confirm(self, mid: int, refused: bool) -> None:
        if not self._dead_man.confirmed(mid):
            return
        if refused:
            self._ending = fault("not_authorised")
            return
        if self._up:
            return
        with self._ledger:
            self._up, self._up_since_s, link = True, time.monotonic(), self._link
            if self._kept is not None:
                self._say(*self._kept, retain=True)
        if link is not None:
            link.flush()
        log.info("line up")
        self._call(self._on_state, True)

    def _message(self, inbound: Inbound) -> None:
        if not self._call(self._on_message, inbound) and inbound.dup:
            self.ack(inbound.token)  # it failed twice: kept, it would fail at each reconnect for a week

    def _delivered(self, mid: int, code: int) -> None:
        with self._ledger:
            token = self._tokens.pop(mid, None)
            if token is None:
                return
            self._dead_man.delivered(token)
            last_words = self._farewell is not None and token >= self._farewell
        if last_words:
            self._said_goodbye.set()
        if self._on_published is not None:
            self._call(self._on_published, token, code)

    def _call(self, callback: Callable[..., None], *arguments: object) -> bool:
        """True when the callback returned. Nothing that it raises may end the thread (paho's own dies of it: R5)."""
        try:
            callback(*arguments)
        except BaseException:
            log.exception("a callback of the line failed")
            return False
        return True
