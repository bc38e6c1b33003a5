"""What follows from what posts write: incidents begin and end, neighbours and the duty room's sounder are called, all of it at
most once however often an entry comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from kengd.hub.incidents import Incident, begins_incident, ends_sounding, from_village
from kengd.hub.ledger import dispatches, incidents
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.merging import Heard
from kengd.hub.ledger.store import Transaction
from kengd.hub.roster import Roster

SAME_ALARM_MS: Final = 30 * 60_000
"""A second press at the same post while nobody has taken charge belongs to the first, for so long."""


class Following:
    """`within` is called in the ledger's transaction that stores the entries. `alarms`: the signals that are alarms."""

    def __init__(self, roster: Callable[[], Roster], alarms: frozenset[str], call_after_s: int) -> None:
        self._roster, self._alarms, self._call_after_ms = roster, alarms, call_after_s * 1000

    def within(self, connection: Transaction, fresh: Sequence[Heard]) -> None:
        """Incidents of these new entries."""
        sounders = {post.id for post in self._roster().posts if post.sounder}
        for item in fresh:
            if item.post in sounders:
                continue
            if begins_incident(item.entry, self._alarms):
                self._begin(connection, item)
            elif ends_sounding(item.entry):
                self._end(connection, item)

    def _begin(self, connection: Transaction, item: Heard) -> None:
        entry, activation = item.entry, str(item.entry.activation)
        if incidents.incident_of(connection, item.post, activation) is not None:
            return
        incident = self._ordered(connection, item) or self._unanswered(connection, item)
        if incident is None:
            incident = f"{item.post}-{activation}"
            incidents.add(connection, self._new(incident, item))
        sounded = Sounded(item.post, activation, incident, entry.signal, entry.source, entry.place, item.heard_ms)
        incidents.sound(connection, sounded)
        # entries of one ring may come in any order, from several workers: its end may be here already
        self._end(connection, item)

    def _end(self, connection: Transaction, item: Heard) -> None:
        activation = str(item.entry.activation)
        ended = dispatches.end_of(connection, item.post, activation)
        if ended is not None:
            incidents.sound_ended(connection, item.post, activation, ended, item.heard_ms)

    def _ordered(self, connection: Transaction, item: Heard) -> str | None:
        """An officer's dispatch has an incident already."""
        if item.entry.command_id is None:
            return None
        return dispatches.incident_of(connection, item.entry.command_id)

    def _unanswered(self, connection: Transaction, item: Heard) -> str | None:
        """Pressed again before anybody took charge."""
        for known in incidents.open_ones(connection):
            young = item.heard_ms - known.began_ms < SAME_ALARM_MS
            if known.post == item.post and known.acknowledged_ms is None and young:
                return known.id
        return None

    def _new(self, incident_id: str, item: Heard) -> Incident:
        post = self._roster().post(item.post)
        village = post.villages[0] if post is not None and post.villages else None
        due_ms = item.heard_ms + self._call_after_ms if from_village(item.entry) else None
        return Incident(
            incident_id, "alarm", item.heard_ms, post=item.post, village=village, call_due_ms=due_ms,
            text=item.entry.place or "",
        )  # fmt: skip
