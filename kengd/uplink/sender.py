"""The outbox: walks the book and sends each entry to the hub at QoS 1, in order, a window at a time (P8).

It keeps no entries and no file: the book has the entries, and the caller stores `cursor` together with the next entry it
writes, so that nothing is written while idle. After a restart a few entries go twice; the hub keeps each once, by
(post, book, seq). Thread-safe; time is given (CLOCK_MONOTONIC ms).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

WINDOW = 256
BATCH = 64
RETRY_FIRST_MS = 5_000
RETRY_LONGEST_MS = 300_000
MOST_RESENDS = 1_000
NO_SUBSCRIBERS = 16  # MQTT 5 PUBACK: taken, but nobody has asked for this topic
REFUSED_FROM = 128


class Entries(Protocol):
    """The book, as the outbox reads it."""

    def entries(self, after_seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """(seq, payload) with seq > `after_seq`, ascending, at most `limit`."""


class Outbox:
    """One book's way to the hub.

    `pump` reads the book and sends; call it in the thread that owns the book whenever `line_up`, `published`, `replay`,
    `resend` or `tick` returned True, or an entry was written. `send(payload)` answers a token or None (line down).
    """

    def __init__(
        self,
        book: Entries,
        send: Callable[[bytes], int | None],
        *,
        cursor: int = 0,
        window: int = WINDOW,
        flush: Callable[[], None] = lambda: None,
    ) -> None:
        self._book, self._send, self._window, self._flush = book, send, window, flush
        self._lock = threading.Lock()
        self._cursor = self._next_after = cursor
        self._flying: OrderedDict[int, tuple[int, bool]] = OrderedDict()  # token -> (seq, acknowledged)
        self._extra: OrderedDict[int, None] = OrderedDict()  # seqs to be sent once more, out of order
        self._up = False
        self._refused = False
        self._retry_at_ms: int | None = None
        self._retry_after_ms = RETRY_FIRST_MS
        self._unheard = False
        self._epoch = 0

    @property
    def cursor(self) -> int:
        """Every entry up to this seq was taken by the broker."""
        return self._cursor

    @property
    def refused(self) -> bool:
        """The broker refuses our entries (condition `line_not_authorised`, R6): nothing counts as delivered."""
        return self._refused

    @property
    def unheard(self) -> bool:
        """The broker took the last entry but nobody had subscribed: no hub has ever connected there."""
        return self._unheard

    def line_up(self) -> bool:
        """The line is up: go on behind the cursor. True: pump."""
        with self._lock:
            self._up, self._retry_at_ms, self._retry_after_ms = True, None, RETRY_FIRST_MS
            self._rewind(self._cursor)
        return True

    def line_down(self) -> None:
        """The line is down: what was under way is not known to have arrived."""
        with self._lock:
            self._up = False
            self._rewind(self._cursor)

    def replay(self, after_seq: int) -> bool:
        """The hub asks for everything behind `after_seq` (answered by the entries alone). True: pump."""
        with self._lock:
            self._cursor = min(self._cursor, max(0, after_seq))
            self._rewind(min(self._next_after, self._cursor))
        return True

    def resend(self, seq: int) -> bool:
        """Send this one entry again, ahead of the others: the stored first reply to a repeated command. True: pump."""
        with self._lock:
            if self._up and len(self._extra) < MOST_RESENDS:
                self._extra[seq] = None
        return True

    def tick(self, now_ms: int) -> bool:
        """Call about once a second. True when a refused entry is to be tried again: pump."""
        with self._lock:
            if self._retry_at_ms is None or now_ms < self._retry_at_ms:
                return False
            self._retry_at_ms = None
            return True

    def published(self, token: int, code: int, now_ms: int) -> bool:
        """PUBACK with its reason code. True when there is room for more: pump. Unknown tokens are ignored."""
        with self._lock:
            flight = self._flying.get(token)
            if flight is None:
                return False
            if code >= REFUSED_FROM:
                self._refuse(now_ms)
                return False
            self._flying[token] = (flight[0], True)
            self._unheard = code == NO_SUBSCRIBERS
            self._refused, self._retry_after_ms = False, RETRY_FIRST_MS
            while self._flying and next(iter(self._flying.values()))[1]:
                self._cursor = self._flying.popitem(last=False)[1][0]
            return self._retry_at_ms is None and len(self._flying) <= self._room() // 2

    def offer(self, seq: int, payload: bytes) -> bool:
        """An entry that was just written: sent without reading the book when it is the next one and there is room.

        True when sent (the caller flushes the line); otherwise `pump` will find it in the book.
        """
        wanted = self._wanted()
        return wanted is not None and seq == wanted[0] + 1 and self._launch(seq, payload, wanted[2])

    def pump(self) -> int:
        """Send what the window has room for; how many were sent. Reads the book without holding the lock."""
        sent = self._pump()
        if sent:
            self._flush()
        return sent

    def _pump(self) -> int:
        sent = self._pump_extra()
        while (wanted := self._wanted()) is not None:
            after, limit, epoch = wanted
            batch = self._book.entries(after, limit)
            for seq, payload in batch:
                if not self._launch(seq, payload, epoch):
                    return sent
                sent += 1
            if len(batch) < limit:
                break
        return sent

    def _wanted(self) -> tuple[int, int, int] | None:
        with self._lock:
            free = self._room() - len(self._flying)
            if not self._up or self._retry_at_ms is not None or free <= 0:
                return None
            return self._next_after, min(free, BATCH), self._epoch

    def _launch(self, seq: int, payload: bytes, epoch: int) -> bool:
        with self._lock:  # held while sending: the PUBACK must find its token here
            if epoch != self._epoch or not self._up or seq <= self._next_after:
                return False
            token = self._send(payload)
            if token is None:
                return False
            self._flying[token] = (seq, False)
            self._next_after = seq
            return True

    def _pump_extra(self) -> int:
        with self._lock:
            seqs, self._extra = list(self._extra), OrderedDict()
        sent = 0
        for seq in seqs:
            for found, payload in self._book.entries(seq - 1, 1):
                if found == seq and self._send(payload) is not None:
                    sent += 1
        return sent

    def _room(self) -> int:
        return 1 if self._refused else self._window  # one entry knocks until it is let in

    def _refuse(self, now_ms: int) -> None:
        self._refused = True
        self._retry_at_ms = now_ms + self._retry_after_ms
        self._retry_after_ms = min(RETRY_LONGEST_MS, self._retry_after_ms * 2)
        self._rewind(self._cursor)

    def _rewind(self, after_seq: int) -> None:
        self._flying.clear()
        self._extra.clear()
        self._next_after = after_seq
        self._epoch += 1
