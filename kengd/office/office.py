"""The office put together: book, clock and timetable, orders of the hub, line, page. The belfry's child; never in its way.

Threads: this loop (intercom, once-a-second tick), the line's, the scribe's, the page's. The loop never waits for a disk:
only the scribe writes.
"""

from __future__ import annotations

import logging
import os
import secrets
import selectors
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from kengd import clock, intercom, service
from kengd.duty import ledger
from kengd.duty.health import Condition, condition
from kengd.duty.trust import assess, stepped
from kengd.duty.words import ClockTrust, Draft, EntryKind, Instant, Purpose, Source, Stamped
from kengd.errors import KengdError
from kengd.intercom import AskRing, Intercom
from kengd.journal.batch import SeenCommand
from kengd.journal.faults import BookBroken
from kengd.office.bulletin import Bulletin
from kengd.office.changes import Changes
from kengd.office.desk_words import Ack, Action, Forget, Perform, Resend, Write
from kengd.office.lines import line_settings, read_lines, revoked_out
from kengd.office.order import OrderDesk
from kengd.office.page import Page
from kengd.office.scribe import Scribe, Task
from kengd.office.shelf import Shelf
from kengd.office.ticker import MissedAct, RingAct, Ticker, TickerAct, ValueAct
from kengd.settings import load_plan
from kengd.settings.plan import BelfryPlan, OfficePlan
from kengd.uplink.line import Inbound, Token
from kengd.uplink.sender import Outbox
from kengd.uplink.session import Session
from kengd.wire.command import Circumstances
from kengd.wire.entry import Entry, parse_at
from kengd.wire.freshness import Nonces

log = logging.getLogger("kengd.office")
TICK_S = 1.0
MEMORY_LIMIT = 256 << 20
THREAD_STACK = 512 << 10
CURSOR_EVERY_S = 900.0
ABSENT = b'{"v":1,"presence":"absent"}'
DAY_S = 86_400.0
STEP_MS = 2_000


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
        self._line = Intercom(end)
        self._events: deque[Callable[[], None]] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closing = False
        self._spool_id = clock.boot_id()
        now = clock.now()
        self._clock_mark = now
        self.shelf = Shelf(Path(self.plan.state_dir), self.plan.post_id, clock.now, clock.boot_id())
        self.bulletin = Bulletin(
            Nonces.start(secrets.token_bytes(16), now.mono_ms), self._publish_status, lambda: secrets.token_bytes(16)
        )
        self.clock: ClockTrust = self._trust(now, None)
        self.shelf.clock = self.bulletin.clock = self.clock
        self._keys = revoked_out(self.office_plan)
        self.scribe = Scribe(self.shelf, wrote=self._wrote, settled=self._settled, ailing=self._book_ails)
        self._written_upto = 0
        self._to_confirm = 0
        self.session: Session | None = None
        self.outbox: Outbox | None = None
        self.desk: OrderDesk | None = None
        self.ticker: Ticker | None = None
        self.asked: dict[str, Future[Any]] = {}
        self._alarm_seqs: dict[str, int] = {}
        self._hello: intercom.Hello | None = None
        self._begun = False
        self._told: intercom.OfficeState | None = None
        self._cursor_kept = 0
        self._cursor_kept_s = time.monotonic()
        self._tidied_s = time.monotonic()
        self.page: Page | None = None
        self.changes = Changes(
            config=config,
            plan=lambda: self.plan,
            memory=self,
            tell=self.tell_belfry,
            rewind=self._rewind,
            book_id=lambda: self.bulletin.head.book,
        )

    # ---- the loop

    def run(self) -> int:
        """Serve. Ends when the belfry hangs up."""
        for number in (signal.SIGTERM, signal.SIGINT):
            # systemd and Ctrl-C signal both processes; the belfry still has things to say, and hangs up when it has
            signal.signal(number, signal.SIG_IGN)
        selector = selectors.DefaultSelector()
        selector.register(self._line, selectors.EVENT_READ, self._hear_belfry)
        selector.register(self._wake, selectors.EVENT_READ, self._do_events)
        next_tick_s = 0.0
        try:
            while not self._closing:
                for key, _ in selector.select(max(0.0, next_tick_s - time.monotonic())):
                    key.data()
                if time.monotonic() >= next_tick_s:
                    next_tick_s = time.monotonic() + TICK_S
                    self._guarded(self._tick)
        except EOFError:
            log.warning("the belfry hung up")
        finally:
            self._end()
        return 0

    def post(self, event: Callable[[], None]) -> None:
        """From any thread: do this in the loop."""
        self._events.append(event)
        os.eventfd_write(self._wake, 1)

    def _do_events(self) -> None:
        os.eventfd_read(self._wake)
        while self._events:
            self._guarded(self._events.popleft())

    @staticmethod
    def _guarded(work: Callable[[], None]) -> None:
        """One failure must not take the line, the book and the page down with it."""
        try:
            work()
        except EOFError:
            raise
        except Exception:
            log.exception("a piece of the office's work failed")

    def _end(self) -> None:
        if self.desk is not None:
            self._act(self.desk.close(clock.now()))
        if self.session is not None:
            self.session.stop(ABSENT)
        if self.outbox is not None and self.outbox.cursor != self._cursor_kept:
            self.remember("outbox_cursor", str(self.outbox.cursor))
        self.scribe.close(2.0)
        self.shelf.close()
        self._line.close()

    # ---- the belfry

    def tell_belfry(self, message: Any) -> bool:
        """From any thread. False when it cannot take it just now."""
        try:
            return self._line.send(message)
        except OSError:
            return False

    def _hear_belfry(self) -> None:
        for _ in range(256):
            message = self._line.receive()
            if message is None:
                return
            try:
                self._heed(message)
            except Exception:
                log.exception("a message of the belfry could not be taken")

    def _heed(self, message: Any) -> None:
        match message:
            case intercom.Spooled(record):
                self._spooled(record)
            case intercom.Decided():
                self._decided(message)
            case intercom.BelfryState(sounding, conditions, silenced_until_s):
                self.bulletin.belfry_says(sounding, conditions, silenced_until_s)
                self.bulletin.post(clock.now())
                if not self._begun:
                    self._begun = True
                    self.scribe.put(Task(done=lambda _: self.post(self._begin)))
            case intercom.Hello():
                self._hello = message
                self._open_book()
            case intercom.Ping(n):
                self.tell_belfry(intercom.Pong(n))
            case intercom.ReloadOffice():
                self._reload()
            case intercom.Edges(ask_id) | intercom.Pressed(ask_id):
                self._resolve(ask_id, message)

    def _spooled(self, record: Stamped) -> None:
        self._spool_id = record.boot
        record = self._with_trust(record)
        seen: tuple[SeenCommand, ...] = ()
        if self.desk is not None:
            if self.desk.redundant(record.draft):
                record_only = Task(done=lambda _: self._confirm(record.n))
                self.scribe.put(record_only)
                return
            row = self.desk.spooled(record)
            seen = () if row is None else (row,)
        mark = None if self.ticker is None else self.ticker.heard(record.draft)
        marks = () if mark is None else (mark,)
        values = self._silence_value(record.draft)
        self.scribe.put(Task((record,), seen, marks, values, lambda entries: self._record_done(record, entries)))

    def _with_trust(self, record: Stamped) -> Stamped:
        """What the belfry stamped before it knew the clock's state was stamped by the clock that is trusted now."""
        now = self._clock_mark
        same_clock = abs((record.wall_ms - record.mono_ms) - (now.wall_ms - now.mono_ms)) < STEP_MS
        if record.clock == "untrusted" and self.clock != "untrusted" and same_clock:
            return replace(record, clock=self.clock)
        return record

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
        if command_id is not None and self.desk is not None:
            seq = entries[0].seq if entries else None
            self._act(self.desk.written(command_id, seq))

    def _confirm(self, n: int) -> None:
        self._to_confirm = max(self._to_confirm, n)

    def _decided(self, verdict: intercom.Decided) -> None:
        accepted = verdict.verdict not in ("refuse", "")
        if self.ticker is not None:
            mark = self.ticker.answered(verdict.id, accepted=accepted, reason=verdict.reason)
            if mark is not None:
                self.scribe.put(Task(ledger=(mark,)))
        if self.desk is not None:
            self._act(self.desk.decided(verdict))
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
        self.bulletin.wrote(self.shelf.head())
        self._desk_up()
        self.scribe.start()
        if self.shelf.fresh == "book_set_aside":
            self.ail(condition("book_set_aside"))

    def _begin(self) -> None:
        """The belfry's spool is in the book: reconcile, then open the line (P5: seen ids first)."""
        self._report_lost_power()
        marks = ledger.restore(self.shelf.ledger(), self.shelf.values(ledger.VALUES_PREFIX))
        self.ticker = Ticker(read_lines(self.office_plan), marks, lambda: secrets.token_hex(8), clock.boot_id())
        self.changes.restore()
        alarms = [signal.id for signal in self.plan.signals if signal.kind == "alarm"]
        end = self.shelf.last_alarm_end(alarms)
        if end is not None:
            self.tell_belfry(intercom.LastAlarm(*end))
        self._versions()
        self._line_up()
        self._tell_state(clock.now())
        self.page = Page(self)
        self.page.start()

    def _desk_up(self) -> None:
        self.desk = OrderDesk(
            store=self.shelf,
            settings_desk=self.changes,
            circumstances=self._circumstances,
            belfry_send=self.tell_belfry,
            new_id=lambda: secrets.token_hex(8),
        )

    def _report_lost_power(self) -> None:
        """A ring that the book knows as begun and the belfry does not play was cut by power loss (P7, R19)."""
        sounding = None if self._hello is None else self._hello.sounding
        for entry in self.shelf.open_activations():
            if sounding is not None and entry.activation == sounding.activation:
                continue
            self.write(_cut_by_power(entry))

    def _line_up(self) -> None:
        broker = self.office_plan.broker
        if broker is None:
            self.ail(condition("no_broker"))
            return
        if not self._keys:
            self.ail(condition("no_hub_keys"))
        cursor = int(self.shelf.values("outbox_cursor").get("outbox_cursor", "0"))
        self._cursor_kept = cursor = min(cursor, self.bulletin.head.seq)
        self.session = Session(
            line_settings(self.plan, broker),
            self._command,
            lambda up: self.post(lambda: self._line_changed(up)),
            ABSENT,
            on_published=self._published,
        )
        self.outbox = Outbox(self.shelf, self.session.publish_entry, cursor=cursor)
        self.session.set_clock_trust(self.clock)
        self.session.start()

    # ---- the line

    def _command(self, inbound: Inbound) -> None:
        """In the line's thread: the hot path from the hub to the bell."""
        desk = self.desk
        if desk is not None:
            self._act(desk.heard(inbound.topic, inbound.payload, retained=inbound.retain, token=inbound.token))

    def _circumstances(self) -> Circumstances:
        wall_s, mono_ms = time.time(), time.monotonic_ns() // 1_000_000
        return Circumstances(
            self.plan.commune, self.plan.post_id, self._keys, wall_s, mono_ms, self.clock, self.bulletin.nonces
        )

    def _act(self, actions: Sequence[Action]) -> None:
        """Carry out what the order desk wants; any thread."""
        for action in actions:
            match action:
                case Write(ticket, drafts, seen):
                    self._write_for_desk(ticket, drafts, seen)
                case Ack(token):
                    self._ack(token)
                case Resend(seq):
                    if self.outbox is not None and self.outbox.resend(seq):
                        self.post(self._pump)
                case Perform(jti):
                    self.post(lambda jti=jti: self._perform(jti))  # type: ignore[misc]
                case Forget():
                    pass  # the book forgets them itself when it is tidied

    def _ack(self, token: Token) -> None:
        if self.session is not None:
            self.session.ack(token)

    def _perform(self, jti: str) -> None:
        if self.desk is not None:
            self._act(self.desk.perform(jti))

    def _write_for_desk(self, ticket: int, drafts: Sequence[Draft], seen: SeenCommand | None) -> None:
        desk = self.desk
        assert desk is not None
        stamped = tuple(self._stamp(draft) for draft in drafts)
        rows = () if seen is None else (seen,)

        def done(entries: Sequence[Entry] | None) -> None:
            self._act(desk.wrote(ticket, entries[0].seq if entries else None))

        self.scribe.put(Task(stamped, rows, done=done))

    def _line_changed(self, up: bool) -> None:
        if self.outbox is not None:
            if up:
                self.outbox.line_up()
                self._pump()
            else:
                self.outbox.line_down()
        if up:
            self._recover("line_down")
            self.bulletin.post(clock.now(), again=True)
        self._tell_state(clock.now())

    def _published(self, token: int, code: int) -> None:
        """In the line's thread: a PUBACK."""
        outbox = self.outbox
        if outbox is not None and outbox.published(token, code, time.monotonic_ns() // 1_000_000):
            self.post(self._pump)
        if self._alarm_seqs and outbox is not None:
            self.post(self._alarm_delivered)

    def _alarm_delivered(self) -> None:
        assert self.outbox is not None
        for activation, seq in list(self._alarm_seqs.items()):
            if seq <= self.outbox.cursor:
                del self._alarm_seqs[activation]
                self.tell_belfry(intercom.Delivered(activation))

    def _pump(self) -> None:
        if self.outbox is not None:
            self.outbox.pump()

    def _rewind(self, after_seq: int) -> None:
        if self.outbox is not None:
            self.outbox.replay(after_seq)
            self._pump()

    def _publish_status(self, payload: bytes) -> None:
        if self.session is not None:
            self.session.publish_status(payload)

    # ---- the book

    def write(self, draft: Draft, mark: ledger.LedgerMark | None = None) -> None:
        """An entry of the office's own."""
        self.scribe.put(Task((self._stamp(draft),), ledger=() if mark is None else (mark,)))

    def _stamp(self, draft: Draft) -> Stamped:
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
            for entry in entries:
                if entry.kind == "ringing" and entry.purpose == "actual" and entry.activation is not None:
                    self._alarm_seqs.setdefault(entry.activation, entry.seq)
            if self.outbox is not None:
                self.outbox.pump()

    def _settled(self) -> None:
        """In the scribe's thread, after all tasks of a commit: tell the belfry how far its spool is written."""
        if self._to_confirm > self._written_upto and self.tell_belfry(intercom.Written(self._to_confirm)):
            self._written_upto = self._to_confirm

    def _book_ails(self, broken: BookBroken | None) -> None:
        def note() -> None:
            for code in ("disk_full", "disk_read_only", "book_broken"):
                if broken is None or broken.code != code:
                    self._recover(code)
            if broken is not None:
                code = broken.code if broken.code in ("disk_full", "disk_read_only") else "book_broken"
                self.ail(condition(code, note_vi=broken.vi, note_en=broken.en))

        self.post(note)

    # ---- time

    def _tick(self) -> None:
        now = clock.now()
        self._check_clock(now)
        if self.desk is None or self.ticker is None:
            return
        for act in self.ticker.tick(now, self.clock):
            self._timetable(act)
        self._act(self.desk.tick(now))
        if self.outbox is not None and self.outbox.tick(now.mono_ms):
            self._pump()
        self._look_after_line()
        self._keep_cursor()
        self._tidy(now)
        self.bulletin.post(now)
        self._tell_state(now)

    def _timetable(self, act: TickerAct) -> None:
        match act:
            case RingAct(trigger, None):
                self.tell_belfry(AskRing(trigger))
            case RingAct(trigger, mark):
                # the mark is durable before the trigger is sent; on a broken disk the belfry's spool holds the key (P6)
                done: Callable[[object], object] = lambda _: self.tell_belfry(AskRing(trigger))  # noqa: E731
                self.scribe.put(Task(ledger=(mark,), done=done))  # type: ignore[arg-type]
            case MissedAct(draft, mark):
                self.write(draft, mark)
            case ValueAct(key, value):
                self.remember(key, value)

    def _trust(self, now: Instant, newest_ms: int | None) -> ClockTrust:
        if self.office_plan.clock_assume == "ntp":
            return "ntp"
        return assess(clock.read_clock(), newest_ms, now.wall_ms)

    def _check_clock(self, now: Instant) -> None:
        before = self._clock_mark
        step_ms = stepped((before.mono_ms, before.wall_ms), (now.mono_ms, now.wall_ms))
        self._clock_mark = now
        newest = self.shelf.tail(1) if self.clock != "ntp" else []
        trust = self._trust(now, parse_at(newest[-1].at) if newest else None)
        if step_ms is not None:
            self.write(Draft(EntryKind.CLOCK_STEPPED, detail={"step_ms": step_ms, "clock": trust}))
        if trust != self.clock:
            self.clock = self.bulletin.clock = self.shelf.clock = trust
            if self.session is not None:
                self.session.set_clock_trust(trust)
        if trust == "untrusted":
            self.ail(condition("clock_untrusted"))
        else:
            self._recover("clock_untrusted")

    def _look_after_line(self) -> None:
        session = self.session
        if session is None:
            return
        session.start()  # starts a thread that died anew
        if not session.up and session.fault is not None:
            self.ail(condition("line_down", note_vi=session.fault.vi, note_en=session.fault.en))
        if self.outbox is not None and self.outbox.refused:
            self.ail(condition("line_not_authorised"))
        else:
            self._recover("line_not_authorised")

    def _keep_cursor(self) -> None:
        """Lazily: after a restart a few entries go twice, and the hub keeps each once (P8)."""
        if self.outbox is None or self.outbox.cursor == self._cursor_kept:
            return
        if time.monotonic() > self._cursor_kept_s + CURSOR_EVERY_S:
            self._cursor_kept, self._cursor_kept_s = self.outbox.cursor, time.monotonic()
            self.remember("outbox_cursor", str(self._cursor_kept))

    def _tidy(self, now: Instant) -> None:
        if self.clock == "untrusted" or time.monotonic() < self._tidied_s + DAY_S:
            return
        self._tidied_s = time.monotonic()
        keep = self.office_plan.retention
        sent_seq = self.bulletin.head.seq if self.outbox is None else self.outbox.cursor
        try:
            self.shelf.tidy(now, keep.keep_entries, keep.keep_days, sent_seq)
        except BookBroken as broken:
            self._book_ails(broken)

    # ---- conditions, settings

    def ail(self, item: Condition) -> None:
        """A condition of the office holds; written when it begins."""
        if self.bulletin.ail(item):
            self.write(_about(EntryKind.CONDITION_RAISED, item))

    def _recover(self, code: str) -> None:
        item = self.bulletin.recover(code)
        if item is not None:
            self.write(_about(EntryKind.CONDITION_CLEARED, item))

    def _tell_state(self, now: Instant) -> None:
        up = self.session is not None and self.session.up
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
        self.plan = loaded.plan
        self._keys = revoked_out(self.office_plan)
        if self.ticker is not None:
            self.ticker.set_lines(read_lines(self.office_plan))
        self._versions()
        if (before.broker, before.web) != (self.office_plan.broker, self.office_plan.web):
            log.info("broker or page changed: a new office is needed")
            self._closing = True

    def _versions(self) -> None:
        self.bulletin.codebook_version = self.plan.codebook_version
        self.bulletin.timetable_version = self.plan.timetable_version


def _cut_by_power(entry: Entry) -> Draft:
    return Draft(
        EntryKind.CUT,
        entry.activation,
        entry.command_id,
        entry.signal,
        None if entry.purpose is None else Purpose(entry.purpose),
        None if entry.source is None else Source(entry.source),
        entry.place,
        entry.by,
        "power_lost",
    )


def _about(kind: EntryKind, item: Condition) -> Draft:
    detail: dict[str, object] = {"code": item.code, "severity": item.severity, "vi": item.vi, "en": item.en}
    return Draft(kind, reason=item.code, detail=detail)
