"""From the entries of one post's book to rings, refusals and misses: what the post said and nothing more (P9). Pure.

How entries are put together
- `ringing` begins a ring; with `joined` it adds a cause to the one that sounds; with `resumed` it goes on after a crash (R19).
- Causes end one by one (P13); the ring ends with its last cause, and how that one ended is how the ring ended. An end
  written at the next start (`power_lost`, `crashed`) gives no time of ending, for nobody knows it.
- `received` gives the moment the sound was wanted, and waits for what becomes of it.
- A jump over many days (one `missed` with a count) is laid out again as one miss per date where the dates are certain.
- `duplicate` only says that a command came again, so it is nothing here.
- An end, a joining or a resuming whose ring is not among the entries belongs to a ring that began before them: passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from kengd.hub.reports.facts import DispatchFacts, JoinedFacts, Outcome, PostFacts, RingFacts
from kengd.hub.reports.sayings import Sayings, source_of, who
from kengd.hub.reports.signals import BUILTIN_SIGNALS, Known
from kengd.wire.entry import Entry

_WRITTEN_LATER: Final = ("power_lost", "crashed")
_ENDS: Final[dict[str, Outcome]] = {"finished": "finished", "cut": "cut", "failed": "failed"}


@dataclass(slots=True)
class _Open:
    """A ring whose end has not come: its facts so far, its beginning, and its causes that still sound (cause → command id)."""

    facts: RingFacts
    begun: Entry
    causes: dict[str, str | None] = field(default_factory=dict)


def rings_of(
    post: PostFacts,
    entries: Iterable[Entry],
    *,
    now_ms: int,
    signals: Mapping[str, Known] = BUILTIN_SIGNALS,
    dispatches: Iterable[DispatchFacts] = (),
    heard_ms: Mapping[tuple[str, int], int] | None = None,
) -> tuple[RingFacts, ...]:
    """All that was asked of this post, in the order in which it first appears in `entries`.

    `entries`: of this post, in true order (seq within a book; books one after another). `signals`: signal id → kind and name.
    `dispatches`: what officers asked (of any post), for the moment of asking and for commands that were never answered, which
    come last. `heard_ms`: (book, seq) → when the hub got the entry; it stands in for the time of an entry whose clock was
    untrusted, and tells how long a command took where the two clocks are not the same. Raises ValueError on an entry whose `at` is no time.
    """
    desk = _Desk(post, signals, dispatches, heard_ms or {})
    for entry in entries:
        desk.take(entry)
    return (*desk.found(), *desk.unanswered(now_ms))


class _Desk:
    """Puts one post's entries together."""

    def __init__(
        self,
        post: PostFacts,
        signals: Mapping[str, Known],
        dispatches: Iterable[DispatchFacts],
        heard_ms: Mapping[tuple[str, int], int],
    ) -> None:
        self._dispatches = [dispatch for dispatch in dispatches if post.id in dispatch.posts]
        self._sayings = Sayings(post, signals, self._dispatches, heard_ms)
        self._facts: dict[int, RingFacts] = {}
        self._next = 0
        self._open: dict[str, _Open] = {}
        self._places: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._answered: set[str] = set()

    def take(self, entry: Entry) -> None:
        """One entry more."""
        if entry.command_id is not None and entry.kind in ("received", "refused") and entry.reason != "jti_reused":
            self._answered.add(entry.command_id)
        if entry.kind == "received":
            self._receive(entry)
        elif entry.kind == "ringing":
            self._ring(entry)
        elif entry.kind in _ENDS:
            self._end(entry)
        elif entry.kind == "tested" and "heard" not in (entry.detail or {}):  # else a keeper's word on a ring (H2)
            self._settle(entry, "tested")
        elif entry.kind == "refused" and entry.reason != "duplicate":
            self._refuse(entry)
        elif entry.kind == "missed":
            for facts in self._sayings.missed(entry):
                self._put(facts)

    def found(self) -> list[RingFacts]:
        """What the entries amount to."""
        return [self._facts[n] for n in sorted(self._facts)]

    def unanswered(self, now_ms: int) -> list[RingFacts]:
        """Commands whose time is over and of which this post never said a word."""
        return [
            self._sayings.silent(dispatch)
            for dispatch in self._dispatches
            if dispatch.expires_ms <= now_ms and not self._answered.intersection(dispatch.command_ids)
        ]

    # ---- by kind of entry

    def _receive(self, entry: Entry) -> None:
        """A ring command has come (any other order has no signal)."""
        if entry.signal is None or entry.command_id is None:
            return
        facts = self._sayings.facts(entry, "waiting")
        start_ms = (entry.detail or {}).get("at_ms")
        if type(start_ms) is int:
            facts = replace(facts, asked_ms=start_ms)
        elif facts.asked_ms is None:
            facts = replace(facts, asked_ms=self._sayings.moment(entry))
        self._waiting[entry.command_id] = self._put(facts)

    def _ring(self, entry: Entry) -> None:
        detail = entry.detail or {}
        activation = entry.activation or ""
        sounding = self._open.get(activation)
        if detail.get("joined"):
            self._drop_waiting(entry)
            if sounding is not None:
                cause = str(detail.get("cause", entry.command_id))
                sounding.causes[cause] = entry.command_id
                joined = JoinedFacts(
                    self._sayings.moment(entry), source_of(entry.source), entry.place, entry.by, entry.command_id
                )
                self._keep(activation, replace(sounding.facts, joined=(*sounding.facts.joined, joined)))
            return
        if sounding is not None or detail.get("resumed"):
            return
        begun = self._sayings.facts(entry, "ringing")
        place, asked = self._take_waiting(entry)
        asked_ms = begun.asked_ms if asked is None else asked.asked_ms
        began_ms = self._sayings.moment(entry)
        measured, rang_ms = self._sayings.rang(entry, asked_ms)
        facts = replace(
            begun,
            at_ms=began_ms,
            activation=activation,
            asked_ms=asked_ms,
            ringing_ms=began_ms,
            why=begun.why or (asked.why if asked else None),
            measured=measured,
            rang_ms=rang_ms,
        )
        self._places[activation] = self._put(facts, place)
        self._open[activation] = _Open(facts, entry, {activation: entry.command_id})

    def _end(self, entry: Entry) -> None:
        detail = entry.detail or {}
        activation = entry.activation or ""
        if detail.get("before_start"):
            self._settle(entry, "cancelled")
            return
        sounding = self._open.get(activation)
        if sounding is None:
            return
        cause = str(detail.get("cause", activation))
        if cause not in sounding.causes:  # an end written after a crash does not say whose it is
            mine = [key for key, command in sounding.causes.items() if command == entry.command_id]
            cause = next(iter(mine or sounding.causes))
        del sounding.causes[cause]
        if sounding.causes:
            return
        self._keep(
            activation,
            replace(
                sounding.facts,
                outcome=_ENDS[entry.kind],
                reason=entry.reason,
                ended_ms=None if entry.reason in _WRITTEN_LATER else self._sayings.end_of(sounding.begun, entry),
                proved=detail.get("proved") if isinstance(detail.get("proved"), bool) else None,
                hushed_by=who(detail.get("hushed_by")),
            ),
        )
        del self._open[activation]

    def _settle(self, entry: Entry, outcome: Outcome) -> None:
        """What was received comes to its end without a sound."""
        place, asked = self._take_waiting(entry)
        facts = self._sayings.facts(entry, outcome)
        if asked is not None:
            facts = replace(facts, asked_ms=asked.asked_ms, why=facts.why or asked.why)
        if outcome == "cancelled":
            facts = replace(facts, hushed_by=who((entry.detail or {}).get("hushed_by")))
        self._put(facts, place)

    def _refuse(self, entry: Entry) -> None:
        reasons = (entry.detail or {}).get("reasons")
        if not isinstance(reasons, dict):
            self._settle(entry, "refused")
            return
        for reason, count in reasons.items():  # what was only counted (more than 20 a minute)
            if type(count) is int and count > 0:
                self._put(replace(self._sayings.facts(entry, "refused"), reason=str(reason), count=count))

    # ---- parts

    def _put(self, facts: RingFacts, place: int | None = None) -> int:
        """Keep facts at a place of their own, or at that of the `received` they follow."""
        if place is None:
            place, self._next = self._next, self._next + 1
        self._facts[place] = facts
        return place

    def _keep(self, activation: str, facts: RingFacts) -> None:
        self._open[activation].facts = facts
        self._facts[self._places[activation]] = facts

    def _take_waiting(self, entry: Entry) -> tuple[int | None, RingFacts | None]:
        place = self._waiting.pop(entry.command_id or "", None)
        return place, None if place is None else self._facts[place]

    def _drop_waiting(self, entry: Entry) -> None:
        place, _ = self._take_waiting(entry)
        if place is not None:
            del self._facts[place]
