"""Entries from the line into the merged book: batched, stored, and only then acknowledged to the broker (P8)."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from kengd.hub.chains import Chain
from kengd.hub.dispatching import Target
from kengd.hub.ledger import changes, dispatches, unread
from kengd.hub.ledger.merging import Heard, check_storable, merge
from kengd.hub.ledger.store import TROUBLE, Ledger, Transaction, is_away, trouble_in_words
from kengd.hub.ledger.unread import Unread
from kengd.uplink.line import Inbound, Token
from kengd.wire.entry import Entry, from_json, to_json
from kengd.wire.orders import LARGEST_NUMBER, is_id
from kengd.wire.topics import parse_topic

log = logging.getLogger("kengd.hub")

BATCH = 500
LARGEST_ENTRY = 64 * 1024
TRY_AGAIN_S = 1.0
MOST_TRIES = 3
"""Of a batch that fails by a mistake of ours; then each half of it is tried by itself."""
MOST_UNREAD = 1_000
"""Lines that could not be kept and wait to be written down; what is more is only counted."""
LONGEST_WHY = 200


@dataclass(frozen=True, slots=True)
class Stored:
    """What one batch changed, told after its commit: new entries, targets that came further, books that grew."""

    fresh: tuple[Heard, ...]
    targets: tuple[Target, ...]
    chains: tuple[Chain, ...]


class Ingest:
    """One thread that writes. `within(connection, fresh)` adds to the transaction; `on_stored` is called after each commit.

    `known(post)`: whether this post is ours. `ack(token)`: what came is on disk (or is none of ours) and need not come again;
    `acked()` after the last of a batch.
    """

    def __init__(
        self,
        ledger: Ledger,
        commune: str,
        *,
        known: Callable[[str], bool],
        ack: Callable[[Token], None],
        within: Callable[[Transaction, Sequence[Heard]], None],
        on_stored: Callable[[Stored], None],
        on_trouble: Callable[[str | None], None],
        acked: Callable[[], None] = lambda: None,
        wall_ms: Callable[[], int],
    ) -> None:
        self._ledger, self._commune, self._wall_ms = ledger, commune, wall_ms
        self._known, self._ack, self._acked, self._within = known, ack, acked, within
        self._on_stored, self._on_trouble = on_stored, on_trouble
        self._inbox: queue.SimpleQueue[tuple[Inbound, int] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._stopping = threading.Event()
        self.refused = 0
        """Messages that were no entries, or of posts that are not ours."""
        self.set_aside = 0
        """Entries that could not be kept although the database was there. Their posts are asked for them again, as for any gap."""
        self._tries = 0
        self._unread: list[Unread] = []

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, inbound: Inbound) -> None:
        """From the line's thread: note it and go on."""
        self._inbox.put((inbound, self._wall_ms()))

    def waiting(self) -> int:
        """How many messages have not been looked at."""
        return self._inbox.qsize()

    def stop(self, within_s: float = 5.0) -> None:
        """Finish what has come. Unacknowledged messages stay with the broker."""
        self._stopping.set()
        self._inbox.put(None)
        self._thread.join(within_s)

    def _run(self) -> None:
        while (batch := self._batch()) is not None:
            heard, tokens = self._read(batch)
            self._tries = 0
            while heard and not self._write(heard):
                if self._stopping.wait(TRY_AGAIN_S):
                    return
            self._own_up()
            for token in tokens:
                self._ack(token)
            self._acked()

    def _batch(self) -> list[tuple[Inbound, int]] | None:
        first = self._inbox.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < BATCH:
            try:
                item = self._inbox.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._inbox.put(None)
                break
            batch.append(item)
        return batch

    def _read(self, batch: Sequence[tuple[Inbound, int]]) -> tuple[list[Heard], list[Token]]:
        heard: list[Heard] = []
        for inbound, heard_ms in batch:
            try:
                heard.append(Heard(*self._entry(inbound), heard_ms))
            except (ValueError, RecursionError) as wrong:
                self.refused += 1
                log.warning("entry on %.120r left out: %s", inbound.topic, wrong)
                self._refuse(inbound, heard_ms, str(wrong))
        return heard, [inbound.token for inbound, _ in batch]

    def _entry(self, inbound: Inbound) -> tuple[str, Entry]:
        """Whose entry this is, and what it says. Raises ValueError, RecursionError: none that could ever be kept."""
        where = parse_topic(inbound.topic)
        if where is None or (where.commune, where.leaf) != (self._commune, "entry"):
            raise ValueError("not an entry of a post of this commune")
        if len(inbound.payload) > LARGEST_ENTRY:
            raise ValueError("too large")
        if not self._known(where.post):
            raise ValueError(f"{where.post} is not in the roster")
        entry = from_json(inbound.payload)
        check_storable(entry)
        return where.post, entry

    def _refuse(self, inbound: Inbound, heard_ms: int, why: str) -> None:
        """A line of a post of ours that no entry can be."""
        where = parse_topic(inbound.topic)
        if where is None or (where.commune, where.leaf) != (self._commune, "entry") or not self._known(where.post):
            return
        self._unreadable(where.post, inbound.payload, *_place_of(inbound.payload), why, heard_ms)

    def _unreadable(self, post: str, raw: bytes, book: str | None, seq: int | None, why: str, at_ms: int) -> None:
        if len(self._unread) < MOST_UNREAD:
            why = "".join(char if char.isprintable() else "?" for char in why)[:LONGEST_WHY]
            self._unread.append(Unread(post, sha256(raw).hexdigest()[:32], book, seq, why, at_ms))

    def _own_up(self) -> None:
        """What could not be kept is a condition of its post; when it cannot even be said now, then with the next that comes."""
        if not self._unread:
            return
        try:
            with self._ledger.write() as connection:
                unread.keep(connection, self._unread)
            self._unread = []
        except TROUBLE as wrong:
            log.error("lines that cannot be read cannot be written down: %s", trouble_in_words(wrong))

    def _write(self, heard: Sequence[Heard]) -> bool:
        """False: to be tried again. What can never be kept is set aside, so that it does not hold up the others."""
        began = time.monotonic()
        try:
            with self._ledger.write() as connection:
                merged = merge(connection, heard, self._wall_ms())
                targets = dispatches.answered(connection, merged.fresh)
                self._within(connection, merged.fresh)
                if merged.fresh:
                    unread.found(connection, {(one.post, one.entry.book, one.entry.seq) for one in merged.fresh})
                _note(connection, merged.fresh)
        except TROUBLE as wrong:
            log.error("the ledger cannot be written: %s", trouble_in_words(wrong))
            return self._failed(heard, wrong, is_away(wrong))
        except Exception as wrong:
            log.exception("new entries cannot be followed")
            self._tries += 1
            return self._failed(heard, wrong, self._tries < MOST_TRIES)
        self._on_trouble(None)
        log.debug("%d entries, %d new, %.1f ms", len(heard), len(merged.fresh), (time.monotonic() - began) * 1000)
        try:
            self._on_stored(Stored(merged.fresh, tuple(targets), merged.chains))
        except Exception:
            log.exception("what follows from new entries failed")
        return True

    def _failed(self, heard: Sequence[Heard], wrong: Exception, again: bool) -> bool:
        if again:
            self._on_trouble(trouble_in_words(wrong))
            return False
        if len(heard) > 1:
            middle = len(heard) // 2
            return self._write(heard[:middle]) and self._write(heard[middle:])
        if self._tries < MOST_TRIES:  # two workers may just have met
            self._tries += 1
            return self._write(heard)
        self.set_aside += 1
        entry = heard[0].entry
        where = f"entry {entry.seq} of book {entry.book} of {heard[0].post}"
        log.error("%s is set aside: %s", where, trouble_in_words(wrong))
        raw = to_json(entry).encode("utf-8", "replace")
        self._unreadable(heard[0].post, raw, entry.book, entry.seq, trouble_in_words(wrong), heard[0].heard_ms)
        self._on_trouble(None)
        return True


def _place_of(raw: bytes) -> tuple[str | None, int | None]:
    """Where a line says that it belongs, as far as that can be read: it may still come whole."""
    try:
        said = json.loads(raw[:LARGEST_ENTRY])
    except (ValueError, RecursionError):
        return None, None
    book, seq = (said.get("book"), said.get("seq")) if isinstance(said, dict) else (None, None)
    if not (isinstance(book, str) and is_id(book) and type(seq) is int and 0 < seq <= LARGEST_NUMBER):
        return None, None
    return book, seq


def _note(connection: Transaction, fresh: Sequence[Heard]) -> None:
    """Who has spoken, and whether they take our signature: every worker keeps that in mind (`Hub`), whichever heard it."""
    trust: dict[str, str | None] = {}
    for item in fresh:
        if item.entry.kind == "refused" and item.entry.reason in ("unknown_key", "bad_signature"):
            trust[item.post] = item.entry.reason
        elif item.entry.kind == "received" and item.entry.source == "hub":
            trust[item.post] = None
    if fresh:
        posts = sorted({item.post for item in fresh})
        changes.note(connection, "entry", posts=posts, trust=trust, heard_ms=fresh[-1].heard_ms)
