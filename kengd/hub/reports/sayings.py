"""What one entry of a post's book says by itself, with what the officer's act adds, and when that was (P9). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from kengd.duty.words import Purpose, Source
from kengd.hub.reports.facts import DispatchFacts, Outcome, PostFacts, RingFacts
from kengd.hub.reports.misses import due_of, missed_moments
from kengd.hub.reports.signals import Known
from kengd.wire.entry import Entry, parse_at

CLOCKS_APART_MS: Final = 10_000
"""Two clocks that should be the same may differ by this much."""
LONGEST_RING_MS: Final = 15 * 60_000
"""No ring lasts longer (P2): what seems to is a clock that was put meanwhile."""


class Sayings:
    """Of one post. `dispatches`: what officers asked of it. `heard_ms`: (book, seq) → when the hub got the entry."""

    def __init__(
        self,
        post: PostFacts,
        signals: Mapping[str, Known],
        dispatches: Iterable[DispatchFacts],
        heard_ms: Mapping[tuple[str, int], int],
    ) -> None:
        self._post, self._signals, self._heard_ms = post, signals, heard_ms
        self._by_command = {jti: dispatch for dispatch in dispatches for jti in dispatch.command_ids}

    def facts(self, entry: Entry, outcome: Outcome) -> RingFacts:
        """What this entry says."""
        dispatch = self._dispatch(entry)
        signal = entry.signal or (dispatch.signal if dispatch else None)
        known = self._signals.get(signal or "")
        purpose = _purpose(entry.purpose) or (dispatch.purpose if dispatch else None)
        given = (entry.detail or {}).get("why")
        why = given if isinstance(given, str) and entry.kind in ("received", "ringing") else None
        moment = self.moment(entry)
        due = due_of(entry.detail or {})
        return RingFacts(
            post=self._post.id,
            villages=self._post.villages,
            at_ms=due.due_ms if due and outcome == "missed" else moment,
            outcome=outcome,
            signal=signal,
            kind=known.kind if known else None,
            purpose=purpose,
            source=source_of(entry.source),
            activation=entry.activation,
            command_id=entry.command_id,
            place=entry.place,
            by=entry.by or (dispatch.by if dispatch else None),
            why=why or (dispatch.why if dispatch else None),
            asked_ms=dispatch.asked_ms if dispatch else due.due_ms if due else None,
            reason=entry.reason,
            clock_untrusted=entry.clock == "untrusted",
            signal_name=known.name_vi if known else None,
        )

    def silent(self, dispatch: DispatchFacts) -> RingFacts:
        """Of a command that the post never answered."""
        known = self._signals.get(dispatch.signal)
        return RingFacts(
            post=self._post.id,
            villages=self._post.villages,
            at_ms=dispatch.asked_ms,
            outcome="unanswered",
            signal=dispatch.signal,
            kind=known.kind if known else None,
            purpose=dispatch.purpose,
            source=Source.HUB,
            command_id=dispatch.command_ids[0] if dispatch.command_ids else None,
            by=dispatch.by,
            why=dispatch.why,
            asked_ms=dispatch.asked_ms,
            reason="no_answer",
            signal_name=known.name_vi if known else None,
        )

    def missed(self, entry: Entry) -> list[RingFacts]:
        """One fact per date that was missed; where the dates are not certain one for all, at the last due time."""
        facts = self.facts(entry, "missed")
        moments, count = missed_moments(entry.detail or {})
        if not moments:
            return [facts]
        return [replace(facts, at_ms=moment, asked_ms=moment, count=count) for moment in moments]

    # ---- when

    def moment(self, entry: Entry) -> int:
        """When it was, as the post says; as the hub heard it where the post did not trust its own clock."""
        if entry.clock == "untrusted":
            heard = self._heard_ms.get((entry.book, entry.seq))
            if heard is not None:
                return heard
        return parse_at(entry.at)

    def end_of(self, begun: Entry, end: Entry) -> int:
        """When what began with `begun` ended. How long it lasted even an untrusted clock knows, unless it was put meanwhile; the
        two entries may have been heard together, a week later."""
        if begun.clock == end.clock == "untrusted" and begun.book == end.book:
            lasted_ms = parse_at(end.at) - parse_at(begun.at)
            if 0 <= lasted_ms <= LONGEST_RING_MS:
                return self.moment(begun) + lasted_ms
        return self.moment(end)

    def rang(self, entry: Entry, asked_ms: int | None) -> tuple[bool, int | None]:
        """Whether it can be measured how long this `ringing` took; and its moment by the clock that asked, where that is not the post's.

        An officer's act is timed by the hub's clock and the ringing by the post's. Where these are not the same (it rang before it was
        asked for, after the order had expired, or later than we heard of it), the hub's own hearing tells, unless that came late.
        """
        if asked_ms is None or entry.clock == "untrusted":
            return False, None
        dispatch, heard_ms = self._dispatch(entry), self._heard_ms.get((entry.book, entry.seq))
        if dispatch is None or heard_ms is None:
            return True, None
        latest_ms = max(dispatch.expires_ms, asked_ms) + CLOCKS_APART_MS
        if asked_ms - CLOCKS_APART_MS <= parse_at(entry.at) <= min(heard_ms + CLOCKS_APART_MS, latest_ms):
            return True, None
        return (True, heard_ms) if asked_ms <= heard_ms <= latest_ms else (False, None)

    def _dispatch(self, entry: Entry) -> DispatchFacts | None:
        return None if entry.reason == "jti_reused" else self._by_command.get(entry.command_id or "")


def who(hushed_by: object) -> str | None:
    """The name (or the place) of who stopped a ring."""
    if isinstance(hushed_by, dict):
        hushed_by = hushed_by.get("by") or hushed_by.get("place")
    return hushed_by if isinstance(hushed_by, str) and hushed_by else None


def source_of(text: str | None) -> Source | None:
    """The source that an entry names."""
    return Source(text) if text in set(Source) else None


def _purpose(text: str | None) -> Purpose | None:
    return Purpose(text) if text in set(Purpose) else None
