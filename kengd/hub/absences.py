"""Who has been gone for long and who is back, the whole commune at once as one thing, and critical conditions. Pure (H17).

What has been told stays in the ledger until its end is told: keys "lost:POST", "lost:*" and "sick:POST:CODE:SUBJECT".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from kengd.hub.notices import wording
from kengd.hub.roster import STALE_MS, Roster, Seen
from kengd.hub.tidings import Tiding

LOST: Final = "lost:"
SICK: Final = "sick:"
EVERYBODY: Final = "lost:*"
LONG_MS: Final = 120_000
TOGETHER_MS: Final = 60_000
"""Posts that went within this time of each other went at once: a broker notices each by its own keepalive."""
SETTLE_MS: Final = 15_000
"""Behind a new connection the broker's kept statuses come first; then posts may be judged."""


@dataclass(frozen=True, slots=True)
class Line:
    """Our own line to the broker. `since_ms`: up or down since, unix ms by the hub's clock."""

    up: bool
    since_ms: int


def of_presence(
    roster: Roster, seen: Mapping[str, Seen], line: Line, told: Mapping[str, str], now_ms: int
) -> list[Tiding]:
    """Lost for more than two minutes, or back. `told`: what stands in the ledger under "lost:"."""
    posts = [post.id for post in roster.posts if seen.get(post.id, Seen()).heard_ms is not None]
    if not line.up:
        long = not 0 <= now_ms - line.since_ms < LONG_MS  # and where our clock was put back meanwhile
        return [_all_lost(posts, line.since_ms, now_ms)] if long and posts and EVERYBODY not in told else []
    up_ms = now_ms - line.since_ms
    if 0 <= up_ms < SETTLE_MS:
        return []
    early = 0 <= up_ms < STALE_MS
    gone = {
        post: since
        for post in posts
        if (since := gone_since(seen[post], now_ms)) is not None and not (early and seen[post].odd)
    }
    whole = json.loads(told[EVERYBODY]) if EVERYBODY in told else None
    if whole is not None:
        named = [post for post in whole["posts"] if roster.post(post) is not None]
        if named and sum(seen.get(post, Seen()).is_present(now_ms) for post in named) * 2 <= len(named):
            return []
        said = wording.all_back(at_ms=now_ms, posts=named, since_ms=whole["since_ms"])
        return [Tiding(EVERYBODY, None, said)]
    found = [
        _back(roster, key.removeprefix(LOST), value, now_ms)
        for key, value in told.items()
        if seen.get(post := key.removeprefix(LOST), Seen()).is_present(now_ms) or roster.post(post) is None
    ]
    new = {post: since for post, since in gone.items() if LOST + post not in told}
    long_gone = {post: since for post, since in new.items() if now_ms - since >= LONG_MS}
    if not long_gone:
        return found
    first = min(long_gone.values())
    at_once = [post for post, since in new.items() if abs(since - first) <= TOGETHER_MS]
    if len(at_once) >= 2 and len(at_once) * 2 > len(posts):
        return [*found, _all_lost(at_once, first, now_ms)]
    return found + [_lost(roster, post, since, now_ms) for post, since in long_gone.items()]


def gone_since(seen: Seen, now_ms: int) -> int | None:
    """Since when nobody hears it, unix ms; None while it is there or was never heard."""
    if seen.heard_ms is None or seen.is_present(now_ms):
        return None
    return seen.heard_ms if seen.present else (seen.since_ms or seen.heard_ms)


def _lost(roster: Roster, post: str, since_ms: int, now_ms: int) -> Tiding:
    said = wording.absent(at_ms=now_ms, post=post, post_name=_name(roster, post), since_ms=since_ms)
    return Tiding(LOST + post, json.dumps({"since_ms": since_ms}), said)


def _all_lost(posts: list[str], since_ms: int, now_ms: int) -> Tiding:
    said = wording.all_absent(at_ms=now_ms, posts=posts, since_ms=since_ms)
    return Tiding(EVERYBODY, json.dumps({"since_ms": since_ms, "posts": posts}), said)


def _back(roster: Roster, post: str, value: str, now_ms: int) -> Tiding:
    if roster.post(post) is None:  # retired meanwhile: nobody waits for it
        return Tiding(LOST + post, None, None)
    since_ms = json.loads(value)["since_ms"]
    said = wording.back(at_ms=now_ms, post=post, post_name=_name(roster, post), since_ms=since_ms)
    return Tiding(LOST + post, None, said)


def of_conditions(
    roster: Roster, seen: Mapping[str, Seen], line: Line, told: Mapping[str, str], now_ms: int
) -> list[Tiding]:
    """Critical conditions that present posts have; each told once while it lasts. `told`: what stands under "sick:"."""
    if not line.up or 0 <= now_ms - line.since_ms < SETTLE_MS:
        return []
    found, sick, heard = [], set(), set()
    for post in roster.posts:
        here = seen.get(post.id, Seen())
        if here.status is None or not here.is_present(now_ms):
            continue
        heard.add(post.id)
        for item in here.status.conditions:
            key = f"{SICK}{post.id}:{item.code}:{item.subject or ''}"
            if item.severity != "critical" or key in sick:
                continue
            sick.add(key)
            if key not in told:
                plain = replace(item, vi=" ".join(item.vi.split()))
                said = wording.condition(at_ms=now_ms, post=post.id, post_name=post.name, sick=plain)
                found.append(Tiding(key, str(now_ms), said))
    in_service = {post.id for post in roster.posts}
    for key in told:
        post_id = key.removeprefix(SICK).partition(":")[0]
        if key not in sick and (post_id in heard or post_id not in in_service):
            found.append(Tiding(key, None, None))
    return found


def _name(roster: Roster, post_id: str) -> str:
    post = roster.post(post_id)
    return post.name if post is not None else post_id
