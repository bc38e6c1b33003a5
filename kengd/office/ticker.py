"""The ticker: joins the timetable's decision with the ledger, once a second. Time is given; what to do comes back as data.

The office carries out each act in order and commits its mark to the book **before** it sends the trigger (P6). A trigger that gets no
answer is sent again under the same key, which the belfry accepts at most once; so sending too often never rings twice, and
sending too seldom never stays unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from kengd import clock
from kengd.duty.ledger import BOOT_VALUE, SINCE_PREFIX, Ledger, LedgerMark, LedgerState, mark_of, trigger_key
from kengd.duty.timetable import Due, Line, Missed, due_on, grace_of, look
from kengd.duty.words import ClockTrust, Draft, EntryKind, Instant, Purpose, Source, Trigger

AGAIN_MS = 2_000
"""A trigger without an answer is sent again after this long."""

PATIENCE_MS = 5_000
"""So long after its deadline an unanswered trigger counts as lost."""

WATCHED_MS = 3_600_000
"""A line that is not in the ledger yet is known for as long as this process has watched it, an hour at most (the longest grace)."""

_SLACK_MS = 1_000


@dataclass(frozen=True, slots=True)
class RingAct:
    """Commit `mark` (None: it stands in the book already), then send `trigger`."""

    trigger: Trigger
    mark: LedgerMark | None


@dataclass(frozen=True, slots=True)
class MissedAct:
    """Write `draft` and `mark` together."""

    draft: Draft
    mark: LedgerMark


@dataclass(frozen=True, slots=True)
class ValueAct:
    """Keep this value in the book (None: forget it), before the acts that follow."""

    key: str
    value: str | None


TickerAct = RingAct | MissedAct | ValueAct


@dataclass(slots=True)
class _Open:
    """A ring that was sent and not answered yet. `inherited`: by the office before this one, whose trigger is not known."""

    line_id: str
    day: date
    inherited: bool = True
    trigger: Trigger | None = None
    deadline_ms: int = 0
    sent_ms: int = -AGAIN_MS
    given_up_ms: int = 0

    def send(self, trigger: Trigger, now: Instant) -> None:
        """Note that it is being sent."""
        self.deadline_ms = now.mono_ms if trigger.deadline_ms is None else trigger.deadline_ms
        if self.trigger is None:
            self.given_up_ms = max(self.deadline_ms, now.mono_ms) + PATIENCE_MS
        self.trigger, self.sent_ms = trigger, now.mono_ms


class Ticker:
    """One timetable on one post. Not thread-safe: one thread ticks, tells answers and sets lines."""

    def __init__(self, lines: Iterable[Line], ledger: Ledger, new_id: Callable[[], str], boot: str) -> None:
        """`ledger`: what the book holds, read after the belfry's spool has been written. `new_id`: 16 random hex digits.

        `boot`: the kernel's id of this boot. A ring that was sent in another boot is never sent again, since the belfry's spool
        went with the power and nobody can say whether it sounded.
        """
        self._ledger = ledger
        self._boot = boot
        self._same_boot = ledger.boot == boot
        self._new_id = new_id
        self._lines = {line.id: line for line in lines}
        self._seen_ms: dict[str, int] = {}
        self._since: dict[str, int] = {}
        self._open = {mark.key: _Open(mark.line, date.fromisoformat(mark.date)) for mark in ledger.sent()}

    # ---- what `look` asks

    def handled(self, line_id: str, day: date) -> LedgerState | None:
        """See `LedgerView`."""
        return self._ledger.handled(line_id, day)

    def newest(self, line_id: str, upto: date) -> date | None:
        """See `LedgerView`."""
        return self._ledger.newest(line_id, upto)

    def since(self, line_id: str) -> int | None:
        """See `LedgerView`; as it holds at this tick."""
        return self._since.get(line_id)

    # ---- what the office calls

    def set_lines(self, lines: Iterable[Line]) -> None:
        """A new timetable. A line that was not there before is known from now on and does not ring for what has passed."""
        self._lines = {line.id: line for line in lines}

    def tick(self, now: Instant, trust: ClockTrust, *, has_room: bool = True) -> list[TickerAct]:
        """What to do now: at most one new ring and one `missed` per line, and reminders of rings that were not answered.

        `has_room`: the belfry can be sent to; without, rings wait out their grace.
        """
        acts = self._watch_lines(now, trust)
        for key in list(self._open):
            acts += self._remind(key, now, trust, has_room)
        local = clock.local(now.wall_ms)
        for item in look(self._lines.values(), self, local, trust):
            if isinstance(item, Missed):
                acts.append(self._miss(item))
            elif has_room:
                acts.append(self._ring(item, now))
        return acts

    def answered(self, trigger_id: str, *, accepted: bool, reason: str | None = None) -> LedgerMark | None:
        """The belfry's `Decided` on a trigger: the mark to be written, None when the trigger is not ours or answered before.

        `duplicate` means that the belfry holds the key: it has rung. Any other refusal it writes as missed itself.
        """
        for key, ring in self._open.items():
            if ring.trigger is not None and ring.trigger.id == trigger_id:
                del self._open[key]
                rung = accepted or reason == "duplicate"
                return self._note(ring.line_id, ring.day, "rung" if rung else "refused")
        return None

    def heard(self, draft: Draft) -> LedgerMark | None:
        """An entry of the belfry that is being written: the mark to be written with it, None when there is none."""
        mark = mark_of(draft)
        if mark is None or self._ledger.handled(mark.line, date.fromisoformat(mark.date)) == mark.state:
            return None
        self._open.pop(mark.key, None)
        self._ledger.put(mark)
        return mark

    # ---- how

    def _watch_lines(self, now: Instant, trust: ClockTrust) -> list[TickerAct]:
        """Since when each line is known, by the clock as it is now; kept in the book only under a trusted clock.

        Kept for good, so that a restart does not hide what was missed meanwhile; taken back when a trusted clock turns out to be
        earlier, or a line first seen in a wrong year would stay silent until then (R35).
        """
        acts: list[TickerAct] = []
        if self._ledger.boot != self._boot:
            self._ledger.boot = self._boot
            acts.append(ValueAct(BOOT_VALUE, self._boot))
        for gone in [line_id for line_id in self._ledger.known() if line_id not in self._lines]:
            self._ledger.put_since(gone, None)
            acts.append(ValueAct(SINCE_PREFIX + gone, None))
        self._seen_ms = {line_id: self._seen_ms.get(line_id, now.mono_ms) for line_id in self._lines}
        self._since = {}
        for line_id, seen_ms in self._seen_ms.items():
            watched = now.wall_ms - min(now.mono_ms - seen_ms, WATCHED_MS)
            kept = self._ledger.since(line_id)
            self._since[line_id] = watched if kept is None else min(kept, watched)
            if trust != "untrusted" and (kept is None or kept - watched > _SLACK_MS):
                self._ledger.put_since(line_id, watched)
                acts.append(ValueAct(SINCE_PREFIX + line_id, str(watched)))
        return acts

    def _ring(self, item: Due, now: Instant) -> RingAct:
        mark = self._note(item.line.id, item.date, "sent")
        trigger = self._trigger(item.line, item.date, now, clock.unix_ms(item.until))
        ring = _Open(item.line.id, item.date, inherited=False)
        ring.send(trigger, now)
        self._open[mark.key] = ring
        return RingAct(trigger, mark)

    def _trigger(self, line: Line, day: date, now: Instant, until_ms: int) -> Trigger:
        return Trigger(
            id=self._new_id(),
            signal=line.signal,
            purpose=Purpose.ACTUAL,
            source=Source.TIMETABLE,
            at_ms=now.mono_ms,
            key=trigger_key(line.id, day),
            deadline_ms=now.mono_ms + until_ms - now.wall_ms,
        )

    def _remind(self, key: str, now: Instant, trust: ClockTrust, has_room: bool) -> list[TickerAct]:
        """An unanswered ring: send it again while it may ring, give it up when nobody answers.

        One that the office of before sent in this boot is also sent when it is too late: the belfry refuses it, as `duplicate`
        when it has rung, else as `expired`, and writes that.
        """
        ring = self._open[key]
        line = self._lines.get(ring.line_id)
        if ring.trigger is None and (line is None or not self._same_boot):
            return [self._lose(key, ring, "no_answer" if self._same_boot else "power_lost")]
        if ring.trigger is not None and now.mono_ms > ring.given_up_ms:
            return [self._lose(key, ring, "no_answer")]
        if line is None or not has_room or now.mono_ms < ring.sent_ms + AGAIN_MS:
            return []
        local = clock.local(now.wall_ms)
        due = due_on(line, ring.day, local)
        too_late = local > due + grace_of(line)
        if local < due or (trust == "untrusted" and not too_late) or (too_late and not ring.inherited):
            return []
        until_ms = clock.unix_ms(due + grace_of(line))
        if ring.trigger is None:
            ring.send(self._trigger(line, ring.day, now, until_ms), now)
        elif now.mono_ms > ring.deadline_ms and not ring.inherited:  # also when the clock was put back since
            return []
        else:  # the clock may have been put forward since
            deadline_ms = min(ring.deadline_ms, now.mono_ms + until_ms - now.wall_ms)
            ring.send(replace(ring.trigger, deadline_ms=deadline_ms), now)
        assert ring.trigger is not None
        return [RingAct(ring.trigger, None)]

    def _lose(self, key: str, ring: _Open, reason: str) -> MissedAct:
        del self._open[key]
        mark = self._note(ring.line_id, ring.day, "lost")
        return MissedAct(_missed_draft(ring.line_id, ring.day, ring.line_id.split("/")[1], reason), mark)

    def _miss(self, item: Missed) -> MissedAct:
        mark = self._note(item.line.id, item.last, "missed")
        draft = _missed_draft(item.line.id, item.last, item.line.signal, item.reason, item)
        return MissedAct(draft, mark)

    def _note(self, line_id: str, day: date, state: LedgerState) -> LedgerMark:
        mark = LedgerMark(line_id, day.isoformat(), state, trigger_key(line_id, day))
        self._ledger.put(mark)
        return mark


def _missed_draft(line_id: str, day: date, signal: str, reason: str, many: Missed | None = None) -> Draft:
    """A `missed` entry; detail: key, line, due, and where several days were jumped over: count, first, last."""
    detail: dict[str, object] = {
        "key": trigger_key(line_id, day),
        "line": line_id,
        "due": f"{day.isoformat()}T{line_id[:5]}:00+07:00",
    }
    if many is not None and many.count > 1:
        detail |= {"count": many.count, "first": many.first.isoformat(), "last": many.last.isoformat()}
    return Draft(
        EntryKind.MISSED, signal=signal, purpose=Purpose.ACTUAL, source=Source.TIMETABLE, reason=reason, detail=detail
    )
