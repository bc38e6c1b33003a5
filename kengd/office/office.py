"""The office put together: book, clock and timetable, orders of the hub, line, page. The belfry's child; never in its way.

Threads: this loop (intercom, once-a-second tick), the line's, the scribe's, the page's. The loop never waits for a disk:
only the scribe writes.
"""

from __future__ import annotations

import logging
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from kengd import clock, intercom, service
from kengd.duty.health import Condition, condition
from kengd.duty.ledger import LedgerMark
from kengd.duty.words import ClockTrust, Draft, EntryKind, Instant, Stamped
from kengd.errors import KengdError
from kengd.intercom import Intercom
from kengd.journal.batch import SeenCommand
from kengd.journal.faults import BookBroken
from kengd.office.belfryear import BelfryEar
from kengd.office.boardwatch import BoardWatch
from kengd.office.bulletin import Bulletin
from kengd.office.changes import Changes
from kengd.office.hub_orders import HubOrders
from kengd.office.hubline import HubLine
from kengd.office.lines import revoked_out
from kengd.office.loop import Loop
from kengd.office.order_drafts import cut_meanwhile
from kengd.office.page import Page
from kengd.office.scribe import Scribe, Task
from kengd.office.shelf import Shelf
from kengd.office.timekeeper import Timekeeper
from kengd.settings import load_plan
from kengd.settings.plan import BelfryPlan, OfficePlan
from kengd.wire.entry import Entry
from kengd.wire.freshness import Nonces

log = logging.getLogger("kengd.office")
TICK_S = 1.0
MEMORY_LIMIT = 256 << 20
THREAD_STACK = 512 << 10
DAY_S = 86_400.0


def serve(config: str, intercom_fd: int, belfry_pid: int) -> int:
    """Run the office until the belfry hangs up."""
    if belfry_pid:
        service.die_with_parent(belfry_pid)
    service.offer_to_oom_killer()
    threading.stack_size(THREAD_STACK)
    service.limit_memory(MEMORY_LIMIT)
    return Office(config, socket.socket(fileno=intercom_fd)).run()


class Office:
    """One office of one post."""

    def __init__(self, config: str, end: socket.socket) -> None:
        self._config = config
        loaded = load_plan.compiled(config)
        self.plan: BelfryPlan = loaded.plan
        self.office_plan: OfficePlan = loaded.office_plan
        self._intercom = Intercom(end)
        self._loop = Loop(TICK_S)
        self._spool_id = clock.boot_id()
        self.shelf = Shelf(Path(self.plan.state_dir), self.plan.post_id, clock.now, clock.boot_id())
        self.bulletin = Bulletin(
            Nonces.start(secrets.token_bytes(16), clock.now().mono_ms),
            self._publish_status,
            lambda: secrets.token_bytes(16),
        )
        self.time = Timekeeper(self, self.office_plan)
        self._board = BoardWatch(self.ail, self.recover)
        self.shelf.clock = self.bulletin.clock = self.clock
        self.keys = revoked_out(self.office_plan)
        self.scribe = Scribe(self.shelf, wrote=self._wrote, settled=self._settled, ailing=self._book_ails)
        self._written_upto = 0
        self._to_confirm = 0
        self.line: HubLine | None = None
        self.orders: HubOrders | None = None
        self.asked: dict[str, Future[Any]] = {}
        self._hello: intercom.Hello | None = None
        self.belfry_state = intercom.BelfryState()
        self._ear = BelfryEar()
        self.begun = False
        self._same_spool = False
        self._begun_since: set[str | None] = set()
        self._told: intercom.OfficeState | None = None
        self._tidied_s = time.monotonic()
        self.page: Page | None = None
        self.changes = Changes(
            config=config,
            plan=lambda: self.plan,
            memory=self,
            tell=self.tell_belfry,
            rewind=lambda after_seq: self.line.rewind(after_seq) if self.line is not None else None,
            book_id=lambda: self.bulletin.head.book,
        )

    # ---- the loop

    def run(self) -> int:
        """Serve. Ends when the belfry hangs up."""
        for number in (signal.SIGTERM, signal.SIGINT):
            # systemd and Ctrl-C signal both processes; the belfry still has things to say, and hangs up when it has
            signal.signal(number, signal.SIG_IGN)
        try:
            self._loop.run(self._intercom, self._hear_belfry, self._tick)
        except EOFError:
            log.warning("the belfry hung up")
        finally:
            self._end()
        return 0

    def post(self, event: Callable[[], None]) -> None:
        """From any thread: do this in the loop."""
        self._loop.post(event)

    def _end(self) -> None:
        if self.orders is not None:
            self.orders.close(clock.now())
        if self.line is not None:
            self.line.stop()
        self.scribe.close(2.0)
        self.shelf.close()
        self._intercom.close()

    # ---- the belfry

    def tell_belfry(self, message: Any) -> bool:
        """From any thread. False when it cannot take it just now."""
        try:
            return self._intercom.send(message)
        except OSError:
            return False

    def _hear_belfry(self) -> None:
        for _ in range(256):
            message = self._intercom.receive()
            if message is None:
                return
            self._ear.hears(clock.now().mono_ms)
            try:
                self._heed(message)
            except Exception:
                log.exception("a message of the belfry could not be taken")

    def _heed(self, message: Any) -> None:
        match message:
            case intercom.Spooled(records):
                self.scribe.put(*[self._spooled(record) for record in records])
            case intercom.Decided():
                self._decided(message)
            case intercom.BelfryState(sounding, conditions, silenced_until_s):
                self.belfry_state = message
                self.bulletin.belfry_says(sounding, conditions, silenced_until_s)
                self.bulletin.post(clock.now())
                if not self.begun:
                    self.begun = True
                    self.scribe.put(Task(done=lambda _: self.post(self._begin)))
            case intercom.Hello():
                self._hello = message
                self._spool_id = message.boot
                self.shelf.began = message.armed
                self._open_book()
            case intercom.Ping(n):
                self.tell_belfry(intercom.Pong(n))
            case intercom.ReloadOffice():
                self._reload()
            case intercom.Edges(ask_id) | intercom.Pressed(ask_id):
                self._resolve(ask_id, message)

    def _spooled(self, record: Stamped) -> Task:
        self._spool_id = record.boot
        if self.begun and record.draft.kind is EntryKind.RINGING:
            self._begun_since.add(record.draft.activation)
        record = self.time.with_trust(record)
        seen: tuple[SeenCommand, ...] = ()
        if self.orders is not None:
            if self.orders.desk.redundant(record.draft):
                return Task(done=lambda _: self._confirm(record.n))
            row = self.orders.desk.spooled(record)
            seen = () if row is None else (row,)
        mark = self.time.mark_for(record.draft)
        marks = () if mark is None else (mark,)
        values = self._silence_value(record.draft)
        return Task((record,), seen, marks, values, lambda entries: self._record_done(record, entries))

    @staticmethod
    def _silence_value(draft: Draft) -> tuple[tuple[str, str | None], ...]:
        """A silence set at the post itself outlives a reboot too."""
        if draft.kind is not EntryKind.SETTINGS_CHANGED or draft.reason != "silence" or draft.detail is None:
            return ()
        until_s = draft.detail.get("silenced_until")
        return (("silenced_until", str(until_s) if until_s else None),)

    def _record_done(self, record: Stamped, entries: Sequence[Entry] | None) -> None:
        """In the scribe's thread: a spool record is on disk (or counts as written while the book is broken)."""
        if entries is not None:
            self._confirm(record.n)
        command_id = record.draft.command_id
        if command_id is not None and self.orders is not None:
            self.orders.written(command_id, entries)

    def _confirm(self, n: int) -> None:
        self._to_confirm = max(self._to_confirm, n)

    def _decided(self, verdict: intercom.Decided) -> None:
        self.time.answered(verdict)
        if self.orders is not None:
            self.orders.decided(verdict)
        self._resolve(verdict.id, verdict)

    def _resolve(self, ask_id: str, answer: Any) -> None:
        future = self.asked.pop(ask_id, None)
        if future is not None:
            future.set_result(answer)

    # ---- start

    def _open_book(self) -> None:
        try:
            self.shelf.open()
        except BookBroken as broken:
            self._book_ails(broken)
        self.time.ask_book()
        self.bulletin.wrote(self.shelf.head())
        self._same_spool = self.shelf.written_upto(self._spool_id) > 0
        self.orders = HubOrders(self, self.shelf, self.changes)
        self.scribe.start()
        if self.shelf.fresh == "book_set_aside":
            self.ail(condition("book_set_aside"))

    def _begin(self) -> None:
        """The belfry's spool is in the book: reconcile, then open the line (P5: seen ids first)."""
        self._report_lost_power()
        self.scribe.put(Task(done=lambda _: self.post(self._take_up)))

    def _take_up(self) -> None:
        """What was cut meanwhile is in the book too: how the last alarm ended can be read now (H10, P4)."""
        self.time.begin(self.office_plan)
        self.changes.restore()
        alarms = [signal.id for signal in self.plan.signals if signal.kind in ("alarm", "support")]
        end = self.shelf.last_alarm_end(alarms)
        if end is not None:
            self.tell_belfry(intercom.LastAlarm(*end))
        self._versions()
        self._open_line()
        self.tell_state(clock.now())
        self.page = Page(self)
        self.page.start()

    def _report_lost_power(self) -> None:
        """A ring that the book knows as begun and the belfry does not play was cut (P7, R19).

        By power loss when the belfry's spool went with the power, else by a crash of the belfry.
        """
        sounding = None if self._hello is None else self._hello.sounding
        playing = self._begun_since | {None if sounding is None else sounding.activation}
        for entry in self.shelf.open_activations():
            if entry.activation not in playing:
                self.write(cut_meanwhile(entry, "crashed" if self._same_spool else "power_lost"))
        self._begun_since.clear()

    def _open_line(self) -> None:
        broker = self.office_plan.broker
        if broker is None:
            self.ail(condition("no_broker"))
            return
        if not self.keys:
            self.ail(condition("no_hub_keys"))
        self.line = HubLine(self, self.plan, broker)
        self.line.start(self.clock)

    def _publish_status(self, payload: bytes) -> None:
        if self.line is not None:
            self.line.session.publish_status(payload)

    # ---- the book

    def write(self, draft: Draft, mark: LedgerMark | None = None) -> None:
        """An entry of the office's own."""
        self.scribe.put(Task((self.stamp(draft),), ledger=() if mark is None else (mark,)))

    def stamp(self, draft: Draft) -> Stamped:
        """The office's own draft, now."""
        now = clock.now()
        return Stamped(0, self._spool_id, now.mono_ms, now.wall_ms, self.clock, draft)

    def remember(self, key: str, value: str | None) -> None:
        """Keep a value in the book (silences, locks, since when a line is known)."""
        self.scribe.put(Task(values=((key, value),)))

    def recall(self, prefix: str) -> dict[str, str]:
        """Values kept before."""
        return self.shelf.values(prefix)

    def _wrote(self, entries: list[Entry]) -> None:
        """In the scribe's thread: these are on disk. Publish first; the broker's acknowledgements follow."""
        if entries:
            last = entries[-1]
            self.bulletin.wrote(type(self.bulletin.head)(last.book, last.seq, last.hash))
            if self.line is not None:
                self.line.wrote(entries)

    def _settled(self) -> None:
        """In the scribe's thread, after all tasks of a commit: acknowledge, tell the belfry how far its spool is written."""
        if self.line is not None:
            self.line.flush()
        if self._to_confirm > self._written_upto and self.tell_belfry(intercom.Written(self._to_confirm)):
            self._written_upto = self._to_confirm

    def _book_ails(self, broken: BookBroken | None) -> None:
        def note() -> None:
            for code in ("disk_full", "disk_read_only", "book_broken"):
                if broken is None or broken.code != code:
                    self.recover(code)
            if broken is not None:
                code = broken.code if broken.code in ("disk_full", "disk_read_only") else "book_broken"
                self.ail(condition(code, note_vi=broken.vi, note_en=broken.en))

        self.post(note)

    # ---- time

    @property
    def clock(self) -> ClockTrust:
        """Is the wall clock right?"""
        return self.time.trust

    def trust_changed(self) -> None:
        """The clock has become right, or wrong."""
        self.bulletin.clock = self.shelf.clock = self.clock
        if self.line is not None:
            self.line.session.set_clock_trust(self.clock)

    def _tick(self) -> None:
        now = clock.now()
        self.time.tick(now)
        self._board.tick(now)
        self.changes.tend()
        if self.orders is not None:
            self.orders.tick(now)
        if self.line is not None:
            self.line.tick(now)
        self._tidy(now)
        self._listen(now)
        self.tell_state(now)

    def _listen(self, now: Instant) -> None:
        if self._ear.is_silent(now.mono_ms):
            self.ail(condition("belfry_silent"))
        else:
            self.recover("belfry_silent")

    def _tidy(self, now: Instant) -> None:
        if self.clock == "untrusted" or time.monotonic() < self._tidied_s + DAY_S:
            return
        self._tidied_s = time.monotonic()
        keep = self.office_plan.retention
        sent_seq = self.bulletin.head.seq if self.line is None else self.line.outbox.cursor
        try:
            self.shelf.tidy(now, keep.keep_entries, keep.keep_days, sent_seq)
        except BookBroken as broken:
            self._book_ails(broken)

    # ---- conditions, settings

    def ail(self, item: Condition) -> None:
        """A condition of the office holds; written when it begins."""
        if self.bulletin.ail(item):
            self.write(_about(EntryKind.CONDITION_RAISED, item))

    def recover(self, code: str) -> None:
        """It no longer holds; written when it ends."""
        item = self.bulletin.recover(code)
        if item is not None:
            self.write(_about(EntryKind.CONDITION_CLEARED, item))

    def tell_state(self, now: Instant) -> None:
        """To the belfry when it changed (lamps), to the hub when it changed or a minute has passed."""
        up = self.line is not None and self.line.up
        state = intercom.OfficeState(self.clock, self.bulletin.own_conditions, up)
        if state != self._told and self.tell_belfry(state):
            self._told = state
        self.bulletin.post(now)

    def _reload(self) -> None:
        """New settings: keys and timetable at once; a new broker or page needs a new office, which the belfry starts."""
        try:
            loaded = load_plan.compiled(self._config)
        except KengdError:
            log.exception("settings cannot be read")
            return
        before, self.office_plan = self.office_plan, loaded.office_plan
        if (loaded.plan.commune, loaded.plan.post_id) == (self.plan.commune, self.plan.post_id):
            self.plan = loaded.plan  # a post with another name begins with a restart (condition `restart_needed`)
        self.keys = revoked_out(self.office_plan)
        self.time.use(self.office_plan)
        self._versions()
        if (before.broker, before.web) != (self.office_plan.broker, self.office_plan.web):
            log.info("broker or page changed: a new office is needed")
            self._loop.close()

    def _versions(self) -> None:
        self.bulletin.codebook_version = self.plan.codebook_version
        self.bulletin.timetable_version = self.plan.timetable_version


def _about(kind: EntryKind, item: Condition) -> Draft:
    detail: dict[str, object] = {"code": item.code, "severity": item.severity, "vi": item.vi, "en": item.en}
    return Draft(kind, reason=item.code, detail=detail)
