"""What a report is made of: plain facts that the ledger hands over. Pure data; every `_ms` is unix ms UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kengd.bellcode.signal import Kind
from kengd.duty.words import Purpose, Source

Outcome = Literal[
    "ringing", "finished", "cut", "failed", "tested", "refused", "missed", "cancelled", "unanswered", "waiting"
]
"""What became of something that was asked for. ringing: the end is not known (yet); tested: a silent test; cancelled: cut
before its appointed start; unanswered: a command that the post never answered; waiting: received, nothing more (yet)."""

SOUNDED: Final[frozenset[Outcome]] = frozenset({"ringing", "finished", "cut", "failed"})
"""The outcomes of which the post said "ringing" (P9): these and no others are rings."""


@dataclass(frozen=True, slots=True)
class PostFacts:
    """A bell post. `villages`: ids of the villages it serves (none, one, several)."""

    id: str
    name: str
    villages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VillageFacts:
    """A village. `households` None = not known."""

    id: str
    name: str
    households: int | None = None


@dataclass(frozen=True, slots=True)
class DispatchFacts:
    """One act of an officer that asked `posts` for a signal. `command_ids`: the `jti` of every command made for it.

    `asked_ms`: when the officer asked, by the hub's clock. `expires_ms`: after it no post carries it out any more.
    """

    id: str
    command_ids: tuple[str, ...]
    posts: tuple[str, ...]
    asked_ms: int
    expires_ms: int
    signal: str
    purpose: Purpose
    by: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class JoinedFacts:
    """A second cause that joined what was sounding already: no ring of its own (P4)."""

    at_ms: int
    source: Source | None
    place: str | None = None
    by: str | None = None
    command_id: str | None = None


@dataclass(frozen=True, slots=True)
class RingFacts:
    """One activation, or one thing asked for that made no sound (see `Outcome`), at one post.

    `signal_name`: its Vietnamese name where a codebook has it. `kind` None: a signal that no known codebook has, or an order that
    asked for no signal. `at_ms`: when it counts: the ringing, else the due time, else the entry. `asked_ms`: when the sound was
    wanted (officer's act, appointed start, due time); None for a button, the post's page and its shell, where the book knows only
    the ringing. `count`: how many of them this stands for (1, but for refusals and misses that the post wrote as one entry).
    `measured`: it can be told how long it took, from `asked_ms` to `rang_ms`, which is `ringing_ms` by the clock that asked and None
    where that is the same clock. `proved`: sound was proved; None where no
    proof is wired. `hushed_by`: the name or place of who stopped it.
    """

    post: str
    villages: tuple[str, ...]
    at_ms: int
    outcome: Outcome
    signal: str | None
    kind: Kind | None
    purpose: Purpose | None
    source: Source | None
    activation: str | None = None
    command_id: str | None = None
    place: str | None = None
    by: str | None = None
    why: str | None = None
    asked_ms: int | None = None
    ringing_ms: int | None = None
    ended_ms: int | None = None
    reason: str | None = None
    count: int = 1
    measured: bool = False
    rang_ms: int | None = None
    clock_untrusted: bool = False
    proved: bool | None = None
    signal_name: str | None = None
    hushed_by: str | None = None
    joined: tuple[JoinedFacts, ...] = ()

    @property
    def sounded(self) -> bool:
        """The post said "ringing"."""
        return self.outcome in SOUNDED


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """One incident. `kind`: an id of `names.INCIDENTS`, None = not yet given. `outcome`: what was done, in a few words.

    `villages`: all of them; `village` None with several. `from_call`: it began with a call to the officer on duty; `from_officer`: with
    an alarm that an officer rang. Neither waited for anybody to take charge. `text`: free words.
    """

    id: str
    began_ms: int
    village: str | None
    kind: str | None = None
    from_call: bool = False
    acknowledged_ms: int | None = None
    acknowledged_by: str | None = None
    outcome: str | None = None
    text: str = ""
    from_officer: bool = False
    villages: tuple[str, ...] = ()

    @property
    def from_keeper(self) -> bool:
        """Somebody at a post had raised the alarm, and waited for somebody to take charge."""
        return not (self.from_call or self.from_officer)

    @property
    def places(self) -> tuple[str, ...]:
        """Its villages, each once."""
        return self.villages or (() if self.village is None else (self.village,))


@dataclass(frozen=True, slots=True)
class PresenceFacts:
    """When a post was present, as [from_ms, to_ms) intervals in any order (they may overlap).

    Time before `enrolled_ms` and from `until_ms` on (now, or when the post was taken out) does not count.
    """

    post: str
    enrolled_ms: int
    until_ms: int
    present: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """All facts a report may draw on; any order, also of times outside the period.

    Rings from 15 minutes before the period should be among them: an alarm that goes on over midnight is then counted once.
    """

    posts: tuple[PostFacts, ...]
    villages: tuple[VillageFacts, ...]
    rings: tuple[RingFacts, ...] = ()
    incidents: tuple[IncidentFacts, ...] = ()
    presences: tuple[PresenceFacts, ...] = ()
