"""What follows from what posts write: incidents begin and end, neighbours and the duty room's sounder are called, all of it at
most once however often an entry comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose
from kengd.hub.incidents import FROM_VILLAGE, Incident, begins_incident, ends_sounding
from kengd.hub.ledger import dispatches, incidents
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.merging import Heard
from kengd.hub.ledger.store import Transaction
from kengd.hub.roster import Roster
from kengd.wire.entry import parse_at

SAME_ALARM_MS: Final = 30 * 60_000
"""A second press at the same post while nobody has taken charge belongs to the first, for so long."""


RECENT_MS: Final = 15 * 60_000
"""What began longer ago than this is history that was caught up with: nobody is woken for it."""


@dataclass(frozen=True, slots=True)
class Began:
    """An alarm began to sound, as an entry or a status says. `began_ms`: by the post's clock where that is trusted."""

    post: str
    activation: str
    signal: str
    source: str | None
    place: str | None
    command_id: str | None
    began_ms: int
    heard_ms: int

    @property
    def recent(self) -> bool:
        """Somebody may still need help."""
        return self.heard_ms - self.began_ms < RECENT_MS


def began_in(item: Heard) -> Began:
    """Of a `ringing` entry."""
    entry = item.entry
    at_ms = item.heard_ms if entry.clock == "untrusted" else min(parse_at(entry.at), item.heard_ms)
    return Began(
        item.post, str(entry.activation), str(entry.signal), entry.source, entry.place, entry.command_id, at_ms,
        item.heard_ms,
    )  # fmt: skip


def began_of(post: str, sounding: Sounding, heard_ms: int) -> Began:
    """Of what a post says that it is doing now: it comes at once, however many older entries wait before the alarm's own."""
    return Began(post, sounding.activation, sounding.signal, sounding.source.value, None, None, heard_ms, heard_ms)


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
                self.begin(connection, began_in(item))
                # entries of one ring may come in any order, from several workers: its end may be here already
                self._end(connection, item)
            elif ends_sounding(item.entry):
                self._end(connection, item)

    def concerns(self, post: str, sounding: Sounding | None) -> bool:
        """A status that says that somebody in a village has begun an actual alarm."""
        if sounding is None or sounding.purpose is not Purpose.ACTUAL or sounding.signal not in self._alarms:
            return False
        known = self._roster().post(post)
        return sounding.source.value in FROM_VILLAGE and known is not None and not known.sounder

    def begin(self, connection: Transaction, began: Began) -> str:
        """The incident that this alarm belongs to, begun if there is none; its id."""
        known = incidents.incident_of(connection, began.post, began.activation)
        if known is not None:
            if began.place:
                incidents.name_place(connection, known, began.post, began.activation, began.place)
            return known
        incident = self._ordered(connection, began) or self._unanswered(connection, began)
        if incident is None:
            incident = f"{began.post}-{began.activation}"
            incidents.add(connection, self._new(incident, began))
        sounded = Sounded(
            began.post, began.activation, incident, began.signal, began.source, began.place, began.began_ms
        )
        incidents.sound(connection, sounded)
        return incident

    def _end(self, connection: Transaction, item: Heard) -> None:
        activation = str(item.entry.activation)
        ended = dispatches.end_of(connection, item.post, activation)
        if ended is not None:
            incidents.sound_ended(connection, item.post, activation, ended, item.heard_ms)

    def _ordered(self, connection: Transaction, began: Began) -> str | None:
        """An officer's dispatch has an incident already."""
        return None if began.command_id is None else dispatches.incident_of(connection, began.command_id)

    def _unanswered(self, connection: Transaction, began: Began) -> str | None:
        """Pressed again before anybody took charge."""
        for known in incidents.open_ones(connection):
            young = abs(began.began_ms - known.began_ms) < SAME_ALARM_MS
            if known.post == began.post and known.acknowledged_ms is None and young:
                return known.id
        return None

    def _new(self, incident_id: str, began: Began) -> Incident:
        post = self._roster().post(began.post)
        village = post.villages[0] if post is not None and post.villages else None
        calls = began.recent and began.source in FROM_VILLAGE
        return Incident(
            incident_id, "alarm", began.began_ms, post=began.post, village=village, text=began.place or "",
            call_due_ms=began.heard_ms + self._call_after_ms if calls else None,
        )  # fmt: skip
