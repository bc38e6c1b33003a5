"""The office's side of the line to the hub: session, outbox, what became of an alarm's entry, and how long the line is down."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kengd import clock, intercom, service
from kengd.duty.health import condition
from kengd.duty.words import ClockTrust, Instant
from kengd.office.lines import line_settings
from kengd.settings.plan import BelfryPlan, BrokerPlan
from kengd.uplink.line import Inbound, Token
from kengd.uplink.post_session import PostSession
from kengd.uplink.sender import Outbox
from kengd.wire.entry import Entry, to_json
from kengd.wire.status import ABSENT

if TYPE_CHECKING:
    from kengd.office.office import Office

CURSOR = "outbox_cursor"
CURSOR_EVERY_S = 900.0
LINE_PRIORITY = 2
"""Far below the belfry's threads: a command is judged at once on a busy machine, and never in the bell's way."""
DOWN_AFTER_S = 5.0
"""A broker that restarts is back within a second or two: that is no condition."""


class HubLine:
    """One line to one broker. Methods named `on_…` run in the line's thread, `wrote` in the scribe's, the rest in the loop."""

    def __init__(self, office: Office, plan: BelfryPlan, broker: BrokerPlan) -> None:
        self._office = office
        self._alarm_seqs: dict[str, int] = {}
        self._down_since_s = time.monotonic()
        self._kept = self._kept_cursor()
        self._kept_s = time.monotonic()
        self.session = PostSession(
            line_settings(plan, broker),
            self._on_command,
            lambda up: office.post(lambda: self._changed(up)),
            ABSENT,
            on_published=self._on_published,
            on_thread=_hurry,
        )
        session = self.session
        self.outbox = Outbox(
            office.shelf,
            lambda payload: session.publish_entry(payload, flush=False),
            cursor=self._kept,
            flush=session.flush,
        )

    def start(self, trust: ClockTrust) -> None:
        """Begin to connect."""
        self.session.set_clock_trust(trust)
        self.session.start()

    @property
    def up(self) -> bool:
        """The broker has confirmed our subscription and answers."""
        return self.session.up

    def tick(self, now: Instant) -> None:
        """Once a second: revive a dead thread, knock again where entries are refused, say what is wrong."""
        office = self._office
        self.session.start()
        if self.outbox.tick(now.mono_ms):
            self.outbox.pump()
        fault = self.session.fault
        if fault is None:
            self._down_since_s = time.monotonic()
        elif time.monotonic() > self._down_since_s + DOWN_AFTER_S:
            office.ail(condition("line_down", note_vi=fault.vi, note_en=fault.en))
        if self.outbox.refused:
            office.ail(condition("line_not_authorised"))
        else:
            office.recover("line_not_authorised")
        if self.outbox.cursor != self._kept and time.monotonic() > self._kept_s + CURSOR_EVERY_S:
            self.keep_cursor()

    def keep_cursor(self) -> None:
        """Lazily: after a restart a few entries go twice, and the hub keeps each once (P8)."""
        if self.outbox.cursor != self._kept:
            self._kept, self._kept_s = self.outbox.cursor, time.monotonic()
            self._office.remember(CURSOR, f"{self._office.bulletin.head.book}:{self._kept}")

    def wrote(self, entries: Sequence[Entry]) -> None:
        """These are on disk: publish them, and remember which one is an alarm's."""
        for entry in entries:
            if entry.kind == "ringing" and entry.purpose == "actual" and entry.activation is not None:
                self._alarm_seqs.setdefault(entry.activation, entry.seq)
        if not all(self.outbox.offer(entry.seq, to_json(entry).encode()) for entry in entries):
            self.outbox.pump()
        self.session.flush()

    def ack(self, token: Token, *, flush: bool = True) -> None:
        """This command's first reply is on disk."""
        self.session.ack(token, flush=flush)

    def flush(self) -> None:
        """Send the acknowledgements that were only queued."""
        self.session.flush()

    def resend(self, seq: int) -> None:
        """The stored first reply to a repeated command."""
        if self.outbox.resend(seq):
            self._office.post(self._pump)

    def rewind(self, after_seq: int) -> None:
        """The hub asked for everything behind this seq."""
        self.outbox.replay(after_seq)
        self.outbox.pump()

    def stop(self) -> None:
        """Say absent and hang up."""
        self.session.leave(ABSENT)
        self.keep_cursor()

    def _kept_cursor(self) -> int:
        """A cursor belongs to one book; another book is sent from its beginning."""
        head = self._office.bulletin.head
        book, _, seq = self._office.shelf.values(CURSOR).get(CURSOR, "").partition(":")
        return min(int(seq), head.seq) if book == head.book and seq.isascii() and seq.isdigit() else 0

    def _on_command(self, inbound: Inbound) -> None:
        """The hot path from the hub to the bell."""
        if self._office.orders is not None:
            self._office.orders.command(inbound)

    def _on_published(self, token: int, code: int) -> None:
        """A PUBACK."""
        if self.outbox.published(token, code, time.monotonic_ns() // 1_000_000):
            self._office.post(self._pump)
        if self._alarm_seqs:
            self._office.post(self._tell_delivered)

    def _pump(self) -> None:
        self.outbox.pump()

    def _changed(self, up: bool) -> None:
        if up:
            self.outbox.line_up()
            self.outbox.pump()
            self._office.recover("line_down")
            self._office.bulletin.post(clock.now(), again=True)
        else:
            self.outbox.line_down()
            self._down_since_s = time.monotonic()
        self._office.tell_state(clock.now())

    def _tell_delivered(self) -> None:
        """The lamp CÔNG AN: the broker has the alarm (H20), and says when nobody there has asked for it (MQTT 5). No more is known."""
        if self.outbox.unheard:
            self._alarm_seqs = {known: seq for known, seq in self._alarm_seqs.items() if seq > self.outbox.cursor}
            return
        for activation, seq in list(self._alarm_seqs.items()):
            if seq <= self.outbox.cursor:
                del self._alarm_seqs[activation]
                self._office.tell_belfry(intercom.Delivered(activation))


def _hurry() -> None:
    """In the line's thread. Where it is not allowed the line works all the same."""
    service.real_time(LINE_PRIORITY)
