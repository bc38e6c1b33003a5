"""What follows from what posts write: incidents begin and end, neighbours and the duty room's sounder are called, all of it at
most once however often an entry comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose
from kengd.hub.incidents import FROM_VILLAGE, Incident, begins_incident, ends_sounding, how_ended
from kengd.hub.ledger import dispatches, incidents
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.merging import Heard
from kengd.hub.ledger.store import Transaction
from kengd.hub.roster import Roster
from kengd.wire.entry import Entry, parse_at
from kengd.wire.orders import is_id

SAME_ALARM_MS: Final = 30 * 60_000
"""A second press at the same post while nobody has taken charge belongs to the first, for so long."""


RECENT_MS: Final = 15 * 60_000
"""What began longer ago than this is history that was caught up with: nobody is woken for it."""


@dataclass(frozen=True, slots=True)
class Began:
    """An alarm began to sound, as an entry or a status says. `began_ms`: by the post's clock where that is trusted. `sounds`:
    and sounds now. `cause`: a further press that has joined the activation, by its own id."""

    post: str
    activation: str
    signal: str
    source: str | None
    place: str | None
    command_id: str | None
    began_ms: int
    heard_ms: int
    sounds: bool = False
    cause: str | None = None

    @property
    def recent(self) -> bool:
        """Somebody may still need help."""
        return self.heard_ms - self.began_ms < RECENT_MS


def began_in(item: Heard, ahead_ms: int | None = None) -> Began:
    """Of a `ringing` entry. `ahead_ms`: by how much the post's clock is known to be ahead of ours; whichever of the two is
    wrong, an alarm of this minute must not be taken for history (H22)."""
    entry = item.entry
    by_ms = ahead_ms if ahead_ms is not None and abs(ahead_ms) >= RECENT_MS else 0  # less may be a word that came late
    at_ms = item.heard_ms if entry.clock == "untrusted" else min(parse_at(entry.at) - by_ms, item.heard_ms)
    return Began(
        item.post, str(entry.activation), str(entry.signal), entry.source, entry.place, entry.command_id, at_ms,
        item.heard_ms, cause=cause_of(entry),
    )  # fmt: skip


def cause_of(entry: Entry) -> str | None:
    """Of a further press, or its end, the id that it has beside the activation which it joined."""
    cause = (entry.detail or {}).get("cause")
    return cause if is_id(cause) and cause != entry.activation else None


def began_of(post: str, sounding: Sounding, heard_ms: int) -> Began:
    """Of what a post says that it is doing now: it comes at once, however many older entries wait before the alarm's own."""
    return Began(
        post, sounding.activation, sounding.signal, sounding.source.value, None, None, heard_ms, heard_ms, True
    )


class Following:
    """`within` is called in the ledger's transaction that stores the entries. `alarms`: the signals that are alarms.

    `ahead(post)`: its clock against ours in ms, as far as it has been heard live.
    """

    def __init__(
        self,
        roster: Callable[[], Roster],
        alarms: frozenset[str],
        call_after_s: int,
        ahead: Callable[[str], int | None] = lambda _post: None,
    ) -> None:
        self._roster, self._alarms, self._call_after_ms = roster, alarms, call_after_s * 1000
        self._ahead = ahead

    def within(self, connection: Transaction, fresh: Sequence[Heard]) -> None:
        """Incidents of these new entries: a few statements, however many posts were rung together."""
        sounders = {post.id for post in self._roster().posts if post.sounder}
        ours = [item for item in fresh if item.post not in sounders]
        began = [began_in(item, self._ahead(item.post)) for item in ours if begins_incident(item.entry, self._alarms)]
        if began:
            self.begin(connection, began)
        # entries of one ring may come in any order, from several workers: its end may be here already
        touched = {(one.post, one.activation) for one in began}
        ends = [item for item in ours if ends_sounding(item.entry)]
        touched |= {(item.post, str(item.entry.activation)) for item in ends}
        if touched:
            over = {(item.post, cause): how_ended(item.entry) for item in ends if (cause := cause_of(item.entry))}
            incidents.sound_ended(connection, over | dispatches.ends_of(connection, touched), fresh[-1].heard_ms)

    def concerns(self, post: str, sounding: Sounding | None) -> bool:
        """A status that says that somebody in a village has begun an actual alarm."""
        if sounding is None or sounding.purpose is not Purpose.ACTUAL or sounding.signal not in self._alarms:
            return False
        known = self._roster().post(post)
        return sounding.source.value in FROM_VILLAGE and known is not None and not known.sounder

    def begin(self, connection: Transaction, began: Sequence[Began]) -> list[str]:
        """The incidents that these alarms belong to, begun where there are none; their ids, each once."""
        known = incidents.incidents_of(connection, {(one.post, one.activation) for one in began})
        ordered = dispatches.incidents_of(connection, {one.command_id for one in began if one.command_id is not None})
        sounded: list[Sounded] = []
        for one in sorted(began, key=lambda one: one.post):  # two workers never wait for each other
            pair = (one.post, one.activation)
            if pair in known and self._is_anew(connection, known[pair], one):
                pair = (one.post, str(one.cause))
                incident = self._of_village(connection, one)
                known[pair] = incident
                sounded.append(Sounded(*pair, incident, one.signal, one.source, one.place, one.began_ms))
                continue
            if pair in known:
                if one.place:
                    incidents.name_place(connection, *pair, one.place)
                if one.sounds:  # its entry had come first, under a clock that made it history
                    incidents.wake(connection, known[pair], one.heard_ms, one.heard_ms + self._call_after_ms)
                continue
            # an officer's dispatch has an incident already
            incident = ordered.get(one.command_id or "") or self._of_village(connection, one)
            known[pair] = incident
            sounded.append(Sounded(*pair, incident, one.signal, one.source, one.place, one.began_ms))
        incidents.sound(connection, sounded)
        return sorted(set(known.values()))

    def _of_village(self, connection: Transaction, began: Began) -> str:
        """The alarm that nobody has answered yet at this post, or a new one."""
        known = self._unanswered(connection, began)
        if known is None:
            name = began.cause or began.activation
            if not is_id(name):  # it would fit into no address, so that nobody could take charge of it
                name = sha256(name.encode("utf-8", "replace")).hexdigest()[:16]
            known = f"{began.post}-{name}"
            incidents.add(connection, self._new(known, began))
        return known

    def _unanswered(self, connection: Transaction, began: Began) -> str | None:
        """Pressed again before anybody took charge. What somebody has to be called for is not hidden in an alarm that nobody is
        called for: one that was caught up with as history."""
        for known in incidents.open_ones(connection):
            young = abs(began.began_ms - known.began_ms) < SAME_ALARM_MS
            called = known.call_due_ms is not None or not self._calls(began)
            if known.post == began.post and known.acknowledged_ms is None and young and called:
                return known.id
        return None

    def _is_anew(self, connection: Transaction, incident_id: str, began: Began) -> bool:
        """Somebody pressed again, and it was hết báo động before we heard of it: nobody follows that incident any more."""
        if began.cause is None or not self._calls(began):
            return False
        incident = incidents.find(connection, incident_id)
        return incident is not None and incident.closed_ms is not None

    def _calls(self, began: Began) -> bool:
        """Whether somebody in a village has to be answered now."""
        return began.recent and began.source in FROM_VILLAGE

    def _new(self, incident_id: str, began: Began) -> Incident:
        post = self._roster().post(began.post)
        villages = post.villages if post is not None else ()
        return Incident(
            incident_id, "alarm", began.began_ms, post=began.post, village=villages[0] if villages else None,
            villages=villages,
            call_due_ms=began.heard_ms + self._call_after_ms if self._calls(began) else None,
        )  # fmt: skip
