"""A dispatch followed to its end: per post what that post said, and nothing more (P9). Pure.

Times are unix ms UTC by the hub's clock, unless they are an entry's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from kengd.wire.entry import Entry
from kengd.wire.orders import is_id

REPEAT_MS: Final = 5_000
"""The same bytes again, until the post has answered (DESIGN section 7)."""
GRACE_MS: Final = 3_000
"""An answer given at the last moment may still be on its way when the command has expired."""


class State(StrEnum):
    """What is known of one post's part in a dispatch.

    `waiting`: not yet given to the broker. `sent`: given to it, which says nothing about the post. `no_answer`: the command
    has expired and the post has said nothing. All others are the post's own word.
    """

    WAITING = "waiting"
    SENT = "sent"
    NO_ANSWER = "no_answer"
    RECEIVED = "received"
    RINGING = "ringing"
    FINISHED = "finished"
    CUT = "cut"
    FAILED = "failed"
    TESTED = "tested"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


_RANK: Final = {
    State.WAITING: 0,
    State.SENT: 1,
    State.NO_ANSWER: 1,
    State.CANCELLED: 1,
    State.RECEIVED: 2,
    State.RINGING: 3,
}
_ENDED: Final = 4
_NO_ANSWERS: Final = frozenset({"duplicate", "jti_reused", "retained"})
"""Refusals of a copy, which say nothing about the command itself: its first reply says what was decided."""
UNREAD: Final = ("unknown_key", "bad_signature")
STOPPED: Final = "stopped"
"""Why a ring is not sent any more; it stays with the target when its post says that it has got the ring all the same."""
_ENDS: Final = {"finished": State.FINISHED, "cut": State.CUT, "failed": State.FAILED, "tested": State.TESTED}


@dataclass(frozen=True, slots=True)
class Target:
    """One post of one dispatch. `jti`: of the command it was sent; `exp_ms`: that command's end.

    `proved`: whether the sound was heard (None: no proof of sound is wired). `awaited`: of a hush, activations that the post
    says it is ending and whose end has not been heard.
    """

    dispatch: str
    post: str
    jti: str
    do: str
    exp_ms: int
    state: State = State.WAITING
    reason: str | None = None
    activation: str | None = None
    proved: bool | None = None
    awaited: tuple[str, ...] = ()
    sent_ms: int | None = None
    received_ms: int | None = None
    ringing_ms: int | None = None
    ended_ms: int | None = None


def rank(state: State) -> int:
    """How far a post has come: 0 not sent, 1 sent, 2 received, 3 ringing, 4 ended. A state never goes back."""
    return _RANK.get(state, _ENDED)


def is_open(target: Target) -> bool:
    """True while more is to be expected from this post."""
    return rank(target.state) < _ENDED and target.state not in (State.NO_ANSWER, State.CANCELLED)


def unanswered(target: Target) -> bool:
    """True while the command has to be repeated to this post."""
    return target.state in (State.WAITING, State.SENT)


def sent(target: Target, now_ms: int) -> Target:
    """The broker was given the command."""
    if target.state is not State.WAITING:
        return target
    return replace(target, state=State.SENT, sent_ms=now_ms)


def cancelled(target: Target, now_ms: int) -> Target:
    """It is not repeated any more; what the post may still say of it counts all the same."""
    return replace(target, state=State.CANCELLED, reason=STOPPED, ended_ms=now_ms) if unanswered(target) else target


def lapsed(target: Target, now_ms: int, *, stepped: bool = False) -> Target:
    """The command has expired without a word from the post. One that had never been sent says so too. `stepped`: our clock was
    put back since it was made, and nobody knows how old it is."""
    if not unanswered(target) or (now_ms <= target.exp_ms + GRACE_MS and not stepped):
        return target
    return replace(target, state=State.NO_ANSWER, ended_ms=now_ms)


def advance(target: Target, entry: Entry, heard_ms: int, over: Collection[str] = ()) -> Target:
    """What this entry of the target's post changes; the same target when nothing.

    Entries may come twice and in any order. `over`: activations of this post that are known to have ended since a hush was
    answered, since its answer may come behind the end that it announces. An end from before that answer is of another cause:
    the caller keeps it away.
    """
    if entry.command_id != target.jti:
        return _unread(target, entry, heard_ms) if could_not_read(entry) else _heard_end(target, entry, heard_ms)
    if entry.kind == "received":
        return _received(target, entry, heard_ms, over)
    if entry.kind == "ringing":
        known = replace(target, activation=entry.activation, ringing_ms=target.ringing_ms or heard_ms)
        return _to(known, State.RINGING, None)
    if entry.kind == "refused":
        if entry.reason in _NO_ANSWERS:
            return target
        return _end(target, State.EXPIRED if entry.reason == "expired" else State.REFUSED, entry.reason, heard_ms)
    if entry.kind == "settings_changed":
        return _end(target, State.DONE, entry.reason, heard_ms)
    if entry.kind in _ENDS:
        proved = (entry.detail or {}).get("proved")
        known = replace(target, proved=proved if isinstance(proved, bool) else target.proved)
        known = replace(known, activation=target.activation or entry.activation)
        return _end(known, _ENDS[entry.kind], entry.reason, heard_ms)
    return target


def came_late(before: Target, after: Target, entry: Entry) -> str | None:
    """A ring that was stopped, and its post has it all the same: what a hush has to name so that it ends at that post.

    While it has not begun, the command itself; then what it began, or the cause that joined what sounds there already, and not
    that (P13). None: nothing is to be ended.
    """
    if after.do != "ring" or after.reason != STOPPED or after.state is before.state:
        return None
    if after.state is State.RECEIVED:
        return after.jti
    if after.state is not State.RINGING:
        return None
    cause = (entry.detail or {}).get("cause")
    return cause if isinstance(cause, str) else entry.activation


def could_not_read(entry: Entry) -> bool:
    """A post that cannot check a signature cannot name the command; it names the key that the message claimed."""
    return entry.kind == "refused" and entry.command_id is None and entry.reason in UNREAD


def _unread(target: Target, entry: Entry, heard_ms: int) -> Target:
    """It may be our command that it could not read: so it is shown, and a later answer to the command itself counts more."""
    if not unanswered(target):
        return target
    return replace(target, state=State.REFUSED, reason=entry.reason, ended_ms=heard_ms)


def _rank(target: Target) -> int:
    guessed = target.state is State.REFUSED and target.reason in UNREAD
    return rank(State.SENT) if guessed else rank(target.state)


def _received(target: Target, entry: Entry, heard_ms: int, over: Collection[str]) -> Target:
    known = replace(target, received_ms=target.received_ms or heard_ms)
    if target.do == "taken":
        return _end(known, State.DONE, None, heard_ms)
    if target.do != "hush" or _rank(target) >= rank(State.RECEIVED):
        return _to(known, State.RECEIVED, None)
    ended = (entry.detail or {}).get("ended")
    named = [item for item in ended if is_id(item)] if isinstance(ended, list) else []
    known = replace(known, awaited=tuple(item for item in named if item not in over))
    return _to(known, State.RECEIVED, None) if known.awaited else _end(known, State.DONE, None, heard_ms)


def _heard_end(target: Target, entry: Entry, heard_ms: int) -> Target:
    """A hush has done its work when all that it named has ended."""
    if entry.activation not in target.awaited or entry.kind not in _ENDS:
        return target
    left = tuple(item for item in target.awaited if item != entry.activation)
    known = replace(target, awaited=left)
    return known if left else _end(known, State.DONE, None, heard_ms)


def _to(target: Target, state: State, reason: str | None) -> Target:
    """Further on; what had lapsed or was cancelled is open again."""
    kept = STOPPED if target.reason == STOPPED else reason
    return replace(target, state=state, reason=kept, ended_ms=None) if rank(state) > _rank(target) else target


def _end(target: Target, state: State, reason: str | None, heard_ms: int) -> Target:
    if _rank(target) >= _ENDED:
        return target
    return replace(target, state=state, reason=reason, ended_ms=heard_ms)


def tally(targets: Iterable[Target]) -> dict[str, int]:
    """How many posts are in each state; only states that occur."""
    found: dict[str, int] = {}
    for target in targets:
        found[target.state.value] = found.get(target.state.value, 0) + 1
    return found


# ---- what is ordered


@dataclass(frozen=True, slots=True)
class Order:
    """One act of an officer, before it is made into commands.

    `id` is made by the client: the same id is the same act (R47). `posts` in the order in which they begin when `gap_s` is
    set. `activations`: what a hush or an acknowledgement names, by post. `at_s`: unix s, None = at once. `facts`: what else the
    order's `do` needs (`until`, `button`, `locked`, `version`, …).
    """

    id: str
    do: str
    posts: tuple[str, ...]
    by: str
    why: str | None = None
    signal: str | None = None
    purpose: str | None = None
    at_s: int | None = None
    gap_s: int = 0
    activations: Mapping[str, str] | None = None
    facts: Mapping[str, Any] | None = None


SETTLED: Final = frozenset({"codebook", "timetable"})
"""Orders that name nobody: they carry a version instead."""


def cmd_of(order: Order, post: str, place: int, now_s: int) -> dict[str, Any]:
    """The claim `cmd` for this post; `place`: where it stands in the order of posts. Equal ones can share a publish."""
    if order.do in SETTLED:
        return {"do": order.do, **(order.facts or {})}
    cmd: dict[str, Any] = {"do": order.do, "by": order.by, **(order.facts or {})}
    if order.why is not None and order.do != "taken":
        cmd["why"] = order.why
    if order.do == "ring":
        cmd |= {"signal": order.signal, "purpose": order.purpose}
        at_s = order.at_s if order.at_s is not None or not order.gap_s else now_s
        if at_s is not None and (order.at_s is not None or place):
            cmd["at"] = at_s + place * order.gap_s
    elif order.activations and post in order.activations:
        cmd["activation"] = order.activations[post]
    return cmd


def alike(order: Order, now_s: int) -> list[tuple[dict[str, Any], tuple[str, ...]]]:
    """The orders as posts are told them, those that are told the same together; in the order of the posts."""
    found: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for place, post in enumerate(order.posts):
        cmd = cmd_of(order, post, place, now_s)
        found.setdefault(repr(sorted(cmd.items())), (cmd, []))[1].append(post)
    return [(cmd, tuple(posts)) for cmd, posts in found.values()]


def outwards(first: str, places: Mapping[str, tuple[float, float]], posts: Sequence[str]) -> tuple[str, ...]:
    """The posts from `first` outwards, by distance on the plain of their coordinates (any unit); those without a place last,
    in the order given."""
    if first not in places:
        return (*(post for post in posts if post == first), *(post for post in posts if post != first))
    x, y = places[first]

    def far(post: str) -> float:
        if post not in places:
            return float("inf")
        return (places[post][0] - x) ** 2 + (places[post][1] - y) ** 2

    return tuple(sorted(posts, key=lambda post: (post != first, far(post))))
