"""The timekeeper: is the clock right, did it step, what does the timetable want now (P6, R33–R37). Called once a second by the loop."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from kengd import clock
from kengd.duty import ledger
from kengd.duty.health import condition
from kengd.duty.trust import ClockWatch
from kengd.duty.words import ClockTrust, Draft, EntryKind, Instant, Stamped
from kengd.intercom import AskRing, Decided
from kengd.office.lines import read_lines
from kengd.office.scribe import Task
from kengd.office.ticker import MissedAct, RingAct, Ticker, TickerAct, ValueAct
from kengd.settings.plan import OfficePlan

if TYPE_CHECKING:
    from kengd.office.office import Office

STEP_MS = 2_000


class Timekeeper:
    """One clock, one timetable. The ticker comes with `begin`, once the belfry's spool is in the book."""

    def __init__(self, office: Office, plan: OfficePlan) -> None:
        self._office = office
        self._assumed = plan.clock_assume
        self._mark = clock.now()
        self._watch = ClockWatch()
        self._knows_book = False
        self._ticker: Ticker | None = None
        self.trust: ClockTrust = self._look(self._mark)[0]

    def ask_book(self) -> None:
        """Before anything is written in it: a clock that runs free must not be earlier than the book (R36)."""
        believed_ms = self._office.shelf.believed_ms()
        if self._knows_book or believed_ms is None:
            return
        self._knows_book = True
        if self.trust != "ntp":
            self._watch = self._watch.with_book(believed_ms)
            self._use(self._look(clock.now())[0])

    def begin(self, plan: OfficePlan) -> None:
        """Read the ledger; from now on the timetable is looked at."""
        shelf = self._office.shelf
        marks = ledger.restore(shelf.ledger(), shelf.values(ledger.VALUES_PREFIX))
        self._ticker = Ticker(read_lines(plan), marks, lambda: secrets.token_hex(8), clock.boot_id())

    def use(self, plan: OfficePlan) -> None:
        """New settings."""
        self._assumed = plan.clock_assume
        if self._ticker is not None:
            self._ticker.set_lines(read_lines(plan))

    def tick(self, now: Instant) -> None:
        """Look at the clock, then at the timetable."""
        self._check(now)
        if self._ticker is not None:
            for act in self._ticker.tick(now, self.trust):
                self._carry_out(act)

    def mark_for(self, draft: Draft) -> ledger.LedgerMark | None:
        """The ledger row to be written with this entry of the belfry."""
        return ledger.mark_of(draft) if self._ticker is None else self._ticker.heard(draft)

    def answered(self, verdict: Decided) -> None:
        """The belfry's verdict on a ring of the timetable."""
        if self._ticker is None:
            return
        accepted = verdict.verdict not in ("refuse", "")
        mark = self._ticker.answered(verdict.id, accepted=accepted, reason=verdict.reason)
        if mark is not None:
            self._office.scribe.put(Task(ledger=(mark,)))

    def with_trust(self, record: Stamped) -> Stamped:
        """What the belfry stamped before it knew the clock's state was stamped by the clock that is trusted now."""
        same_clock = abs((record.wall_ms - record.mono_ms) - (self._mark.wall_ms - self._mark.mono_ms)) < STEP_MS
        if record.clock == "untrusted" and self.trust != "untrusted" and same_clock:
            return replace(record, clock=self.trust)
        return record

    def _carry_out(self, act: TickerAct) -> None:
        office = self._office
        match act:
            case RingAct(trigger, None):
                office.tell_belfry(AskRing(trigger))
            case RingAct(trigger, mark) if mark is not None:
                # the mark is durable before the trigger is sent; on a broken disk the belfry's spool holds the key (P6)
                office.scribe.put(Task(ledger=(mark,), done=lambda _: _ask(office, AskRing(trigger))))
            case MissedAct(draft, mark):
                office.write(draft, mark)
            case ValueAct(key, value):
                office.remember(key, value)

    def _look(self, now: Instant) -> tuple[ClockTrust, int | None]:
        """Trust, and by how many ms the clock was put since the last look."""
        self._watch, trust, step_ms = self._watch.turn(clock.read_clock(), now)
        return ("ntp" if self._assumed == "ntp" else trust), step_ms

    def _check(self, now: Instant) -> None:
        if not self._knows_book:
            self.ask_book()
        self._mark = now
        trust, step_ms = self._look(now)
        self._use(trust)  # first: what is written about the step is written under the clock that was put
        if step_ms is not None:
            self._office.write(Draft(EntryKind.CLOCK_STEPPED, detail={"step_ms": step_ms, "clock": trust}))
        if trust == "untrusted":
            self._office.ail(condition("clock_untrusted"))
        else:
            self._office.recover("clock_untrusted")

    def _use(self, trust: ClockTrust) -> None:
        if trust != self.trust:
            self.trust = trust
            self._office.trust_changed()


def _ask(office: Office, question: AskRing) -> None:
    office.tell_belfry(question)
