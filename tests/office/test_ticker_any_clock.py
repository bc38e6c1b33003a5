"""P6 as a machine: any sequence of clock steps, waits, stalls, restarts, power cuts, lost messages and changes of trust."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from kengd import clock
from kengd.duty.ledger import BOOT_VALUE, LedgerMark, restore
from kengd.duty.timetable import Line, due_on, grace_of, parse_line
from kengd.duty.words import ClockTrust, Instant, Trigger
from kengd.office.ticker import MissedAct, RingAct, Ticker, TickerAct, ValueAct

LINES = (
    parse_line("22:00", "daily", "curfew"),
    parse_line("23:59", "daily", "last"),
    parse_line("19:00", "t2-t6", "study", 120, ["cuối/12 âm..3/1 âm", "30-04"]),
    parse_line("00:00", "t7,cn", "night", 3600),
)
DAY_S = 86_400
trusts: st.SearchStrategy[ClockTrust] = st.sampled_from(["ntp", "ntp", "rtc", "untrusted"])


class Post(RuleBasedStateMachine):
    """A post: two clocks, a book that keeps what was committed, a belfry that holds keys until the power goes."""

    @initialize(trust=trusts, day=st.integers(0, 500), second=st.integers(0, DAY_S))
    def begin(self, trust: ClockTrust, day: int, second: int) -> None:
        self.wall = 1_795_280_400_000 + (day * DAY_S + second) * 1000
        self.mono = 60_000
        self.trust: ClockTrust = trust
        self.ids = count(1)
        self.boots = count(1)
        self.boot = "boot-0"
        self.marks: dict[tuple[str, str], LedgerMark] = {}
        self.values: dict[str, str] = {}
        self.held: set[str] = set()
        self.rung: dict[tuple[str, str], int] = {}
        self.answers_lost = self.triggers_lost = False
        self.start_office()
        self.tick()

    # ---- the world

    def start_office(self) -> None:
        self.ticker = Ticker(
            LINES, restore(self.marks.values(), self.values), lambda: f"{next(self.ids):016x}", self.boot
        )
        self.even: dict[str, int] = {line.id: self.wall for line in LINES}
        """Since when, by the wall clock, each line has been watched without a step or a gap in what is known."""

    def tick(self) -> None:
        sent = [mark.line for mark in self.marks.values() if mark.state == "sent"]
        acts = self.ticker.tick(Instant(self.mono, self.wall), self.trust)
        for line in LINES:
            own = [act for act in acts if isinstance(act, RingAct | MissedAct) and _line_of(act) == line.id]
            assert len(own) <= 2 + sent.count(line.id), "a burst"
            may_ring = [act for act in own if isinstance(act, RingAct) and (act.trigger.deadline_ms or 0) >= self.mono]
            assert len(may_ring) <= 1
        for act in acts:
            if isinstance(act, ValueAct):
                self.values = {key: value for key, value in self.values.items() if key != act.key}
                if act.value is not None:
                    self.values[act.key] = act.value
                continue
            if act.mark is not None:
                before = self.marks.get((act.mark.line, act.mark.date))
                if isinstance(act, MissedAct) and act.mark.state == "missed":
                    assert before is None, "counted twice"
                self.marks[act.mark.line, act.mark.date] = act.mark
            if isinstance(act, RingAct):
                self.belfry(act.trigger)
        self.check_passed()

    def belfry(self, trigger: Trigger) -> None:
        assert trigger.key is not None
        assert trigger.deadline_ms is not None
        row = self.mark_of(trigger.key)
        assert row.state == "sent", "the mark is committed before the trigger is sent"
        assert self.values[BOOT_VALUE] == self.boot
        if self.triggers_lost:
            return
        refused = "duplicate" if trigger.key in self.held else "expired" if self.mono > trigger.deadline_ms else None
        if refused is None:
            self.ring(row)
            self.held.add(trigger.key)
        if not self.answers_lost:
            mark = self.ticker.answered(trigger.id, accepted=refused is None, reason=refused)
            assert mark is not None
            self.marks[mark.line, mark.date] = mark

    def ring(self, row: LedgerMark) -> None:
        assert self.trust != "untrusted"
        assert (row.line, row.date) not in self.rung, "rung twice"
        self.rung[row.line, row.date] = self.wall
        line = _line(row.line)
        due = due_on(line, date.fromisoformat(row.date), clock.local(self.wall))
        assert due <= clock.local(self.wall) <= due + grace_of(line)
        assert line.occurs(date.fromisoformat(row.date))

    def mark_of(self, key: str) -> LedgerMark:
        return next(mark for mark in self.marks.values() if mark.key == key)

    def check_passed(self) -> None:
        """What has passed while it was watched has an end: no silence."""
        now = clock.local(self.wall)
        for line in LINES:
            for day in (now.date() - timedelta(days=1), now.date()):
                due = due_on(line, day, now)
                if line.occurs(day) and clock.unix_ms(due) >= self.even[line.id] and now > due + grace_of(line):
                    mark = self.marks.get((line.id, day.isoformat()))
                    newer = [
                        other
                        for other in self.marks.values()
                        if other.line == line.id and day.isoformat() < other.date <= str(now.date())
                    ]
                    assert mark is not None or newer, f"nothing became of {line.id} on {day}"

    # ---- what can happen

    @rule(ticks=st.integers(1, 40), gap_s=st.integers(1, 60))
    def time_passes(self, ticks: int, gap_s: int) -> None:
        trusted = self.trust != "untrusted" and not self.triggers_lost
        begun = {line.id: max(self.even[line.id], self.wall) for line in LINES}
        for _ in range(ticks):
            self.wall += gap_s * 1000
            self.mono += gap_s * 1000
            self.tick()
        if trusted:
            self.check_rung(begun)

    def check_rung(self, begun: dict[str, int]) -> None:
        """Under a trusted clock, with messages arriving, what fell due meanwhile has rung."""
        now = clock.local(self.wall)
        for line in LINES:
            for day in (now.date() - timedelta(days=1), now.date()):
                due = clock.unix_ms(due_on(line, day, now))
                if line.occurs(day) and begun[line.id] <= due <= self.wall:
                    mark = self.marks[line.id, day.isoformat()]
                    assert mark.state in ("rung", "sent", "lost"), f"{line.id} on {day}: {mark.state}"

    @rule(line=st.sampled_from(LINES), days=st.integers(-2, 3), offset_s=st.integers(-90, 400))
    def clock_is_put_near_a_due_moment(self, line: Line, days: int, offset_s: int) -> None:
        day = clock.local(self.wall).date() + timedelta(days=days)
        self.put(clock.unix_ms(due_on(line, day, clock.local(self.wall))) + offset_s * 1000)

    @rule(
        by_s=st.one_of(
            st.integers(-900, 900), st.integers(-3 * DAY_S, 3 * DAY_S), st.integers(-1000 * DAY_S, 1000 * DAY_S)
        )
    )
    def clock_is_put(self, by_s: int) -> None:
        self.put(self.wall + by_s * 1000)

    def put(self, wall: int) -> None:
        self.wall = wall
        self.even = {line.id: self.wall for line in LINES}
        self.tick()

    @rule(stall_s=st.integers(60, 5 * DAY_S))
    def office_stalls(self, stall_s: int) -> None:
        self.wall += stall_s * 1000
        self.mono += stall_s * 1000
        if stall_s > 1800:
            self.even = {line.id: self.wall for line in LINES}
        self.tick()

    @rule(trust=trusts)
    def trust_changes(self, trust: ClockTrust) -> None:
        self.trust = trust
        self.tick()

    @rule()
    def office_restarts(self) -> None:
        self.start_office()
        self.tick()

    @rule(off_s=st.integers(1, 3 * DAY_S), clock_stands=st.booleans(), trust=trusts)
    def power_fails(self, off_s: int, clock_stands: bool, trust: ClockTrust) -> None:
        self.wall += 0 if clock_stands else off_s * 1000
        self.mono = 20_000
        self.boot = f"boot-{next(self.boots)}"
        self.held.clear()
        self.trust = trust
        self.start_office()
        self.tick()

    @rule(answers=st.booleans(), triggers=st.booleans())
    def messages_get_lost(self, answers: bool, triggers: bool) -> None:
        self.answers_lost, self.triggers_lost = answers, triggers


def _line(line_id: str) -> Line:
    return next(line for line in LINES if line.id == line_id)


def _line_of(act: TickerAct) -> str | None:
    key = act.trigger.key if isinstance(act, RingAct) else act.mark.key if isinstance(act, MissedAct) else None
    return key.removeprefix("timetable:").rpartition(":")[0] if key is not None else None


Post.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestAnyClock = Post.TestCase
