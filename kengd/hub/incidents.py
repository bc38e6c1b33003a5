"""Incidents: what an alarm begins, who has taken charge, whom to call next, and what it turned out to be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kengd.hub.roster import Keeper, Roster
from kengd.wire.entry import Entry

KINDS: Final[Mapping[str, str]] = {
    "theft": "trộm cắp",
    "robbery": "cướp giật",
    "assault": "cố ý gây thương tích",
    "drugs": "ma túy",
    "gambling": "đánh bạc",
    "disorder": "gây rối",
    "fireworks": "pháo nổ",
    "quarrel": "mâu thuẫn",
    "fire": "hỏa hoạn",
    "disaster": "thiên tai",
    "false_alarm": "báo nhầm",
    "drill": "diễn tập",
    "other": "khác",
}
ALARM: Final = "alarm"
"""Every codebook has this signal; what else is an alarm a post's codebook says."""
_ENDS: Final = ("finished", "cut", "failed")
_ENDS_ALL: Final = frozenset({"crashed", "power_lost", "shutdown"})
FROM_VILLAGE: Final = frozenset({"button", "page", "shell"})


@dataclass(frozen=True, slots=True)
class Incident:
    """`origin`: alarm (somebody at a post), order (an officer rang it) or call (tin báo). `villages`: where it is; `village`: the one
    that stands for them. `acknowledged_by`: who has taken charge; `closed_by`: who said hết báo động.

    `turns`: how often it was somebody's turn to be called; `calls`: how many of those have been, which is that a service has taken
    what was to be told to them.
    """

    id: str
    origin: str
    began_ms: int
    purpose: str = "actual"
    post: str | None = None
    village: str | None = None
    text: str = ""
    acknowledged_ms: int | None = None
    acknowledged_by: str | None = None
    closed_ms: int | None = None
    closed_by: str | None = None
    calls: int = 0
    call_due_ms: int | None = None
    turns: int = 0
    villages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What it turned out to be. A correction is a further one; the newest counts."""

    incident: str
    at_ms: int
    by: str
    kind: str
    done: str = ""
    done_by: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Callee:
    """A person on the list of those to be called. `reachable`: there is a way to."""

    id: str
    name: str
    reachable: bool = True


def begins_incident(entry: Entry, alarms: frozenset[str]) -> bool:
    """An ACTUAL alarm has begun to sound in a village. Joined causes belong to the activation they joined.

    `alarms`: the signals that are alarms.
    """
    return (
        entry.kind == "ringing"
        and entry.purpose == "actual"
        and entry.activation is not None
        and entry.signal in alarms
    )


def ends_sounding(entry: Entry) -> bool:
    """A cause of an activation has ended, perhaps the last: `sounding_end` tells."""
    return entry.kind in _ENDS and entry.activation is not None


def sounding_end(entries: Sequence[Entry]) -> Entry | None:
    """The end of an activation whose entries these are (in any order), or None while it sounds.

    Pressed again it goes on until the last cause has ended, which need not be the first one's end; what takes the post itself
    away ends all of them at once.
    """
    ends = [entry for entry in entries if entry.kind in _ENDS]
    for entry in ends:
        if entry.kind == "failed" or entry.reason in _ENDS_ALL:
            return entry
    begun = {_cause(entry) for entry in entries if entry.kind == "ringing"}
    if not ends or not begun <= {_cause(entry) for entry in ends}:
        return None
    return max(ends, key=lambda entry: (entry.at, entry.seq))


def _cause(entry: Entry) -> str:
    return str((entry.detail or {}).get("cause") or entry.activation)


def hushed_at_post(entry: Entry) -> bool:
    """Bị dừng tại chỗ: the sound was ended at the post, the alarm stays open (P13)."""
    hushed = (entry.detail or {}).get("hushed_by")
    return (
        entry.kind == "cut" and entry.reason == "hushed" and isinstance(hushed, dict) and hushed.get("source") != "hub"
    )


def how_ended(entry: Entry) -> str:
    """Of an end: finished, failed, the reason of the cut, or "at_post"."""
    return "at_post" if hushed_at_post(entry) else entry.reason or entry.kind


def villages_of(roster: Roster, incident: Incident) -> tuple[str, ...]:
    """Where it is: where an officer has rung for it, and in all villages that its post serves, for whoever presses there may be
    from any of them."""
    known = roster.post(incident.post) if incident.post is not None else None
    named = () if incident.village is None else (incident.village,)
    return tuple(dict.fromkeys((*named, *incident.villages, *(() if known is None else known.villages))))


def villages_at(roster: Roster, posts: Collection[str]) -> tuple[str, ...]:
    """The villages that hear these posts; in the roster's order."""
    heard = {village for post in roster.bells() if post.id in posts for village in post.villages}
    return tuple(village.id for village in roster.villages if village.id in heard)


def helpers_of(roster: Roster, villages: Collection[str], *, by_itself: bool) -> tuple[str, ...]:
    """Posts of the neighbours that are to be asked (or, `by_itself`, told) to help: people surround a thief from several
    sides. A support signal is no alarm and begins none (H13): the caller asks only for an alarm's own villages."""
    chosen = [item.neighbour for item in roster.neighbours if item.village in villages and item.by_itself is by_itself]
    own = {post.id for post in roster.serving(villages)}
    return tuple(post.id for post in roster.serving(chosen) if post.id not in own)


def next_callee(people: Sequence[Callee], turn: int) -> Callee | None:
    """Whose turn this is, from 0 on: of those who can be reached, over and over (H6)."""
    reachable = [person for person in people if person.reachable]
    return reachable[turn % len(reachable)] if reachable else None


def keepers_at_home(keepers: Sequence[Keeper], post: str, now_ms: int) -> tuple[Keeper, ...]:
    """The keepers of this post who are not away, in their order."""
    return tuple(
        keeper
        for keeper in sorted(keepers, key=lambda item: (item.rank, item.id))
        if keeper.post == post and (keeper.away_until_ms is None or keeper.away_until_ms <= now_ms)
    )
