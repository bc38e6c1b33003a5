"""What each post last said of itself, kept in memory: statuses are retained by the broker and come anew with each connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from kengd import clock
from kengd.hub.roster import SKEW_MS, STALE_MS, Seen
from kengd.wire.status import OtherVersion, Status, parse_status

STEP_MS: Final = 2_000


class Watch:
    """Safe from any thread. `on_change(post, before, after)` is called in the thread that brought the news.

    `heard_ms` and `since_ms` tell how long ago it was, also when our clock is put meanwhile: nobody is lost by that (H22).
    """

    def __init__(self, on_change: Callable[[str, Seen, Seen], None]) -> None:
        self._on_change = on_change
        self._lock = threading.Lock()
        self._seen: dict[str, Seen] = {}
        self._epoch_ms = _epoch_ms()

    def seen(self, post: str) -> Seen:
        """What is known of this post."""
        with self._lock:
            self._look_at_clock()
            return self._seen.get(post, Seen())

    def all(self) -> Mapping[str, Seen]:
        """Every post that ever spoke to this process."""
        with self._lock:
            self._look_at_clock()
            return dict(self._seen)

    def remember(self, absent_since: Mapping[str, int]) -> None:
        """What an earlier process had seen: the broker keeps a Last Will, and not since when it is true."""
        with self._lock:
            for post, since_ms in absent_since.items():
                self._seen.setdefault(post, Seen(None, False, since_ms, since_ms))

    def status(self, post: str, raw: bytes, *, retained: bool, now_ms: int, late: bool = False) -> bool:
        """A status came. False: it cannot be read (R49); the post then counts as it was. One of another version says only whether
        the post is there.

        One that the broker had kept says how the post was when it last spoke; how long ago that is only its own clock tells,
        and only where that clock is trusted. So with one that came `late`, having waited there while we were away; but that is
        newer than what we knew.
        """
        try:
            status: Status | str | OtherVersion = parse_status(raw)
        except OtherVersion as other:
            status = other
        except ValueError:
            return False
        with self._lock:
            self._look_at_clock()
            before = self._seen.get(post, Seen())
            after = self._seen[post] = _after(before, status, retained, late, now_ms)
        if after != before:
            self._on_change(post, before, after)
        return True

    def refused(self, post: str, reason: str | None) -> None:
        """It refused our signature (`unknown_key`, `bad_signature`), or took a command again (None)."""
        with self._lock:
            before = self._seen.get(post, Seen())
            after = self._seen[post] = replace(before, refused=reason)
        if after != before:
            self._on_change(post, before, after)

    def spoke(self, post: str, now_ms: int) -> None:
        """An entry of this post came live: it is there."""
        with self._lock:
            before = self._seen.get(post)
            if before is not None and before.present:
                self._seen[post] = replace(before, heard_ms=now_ms, word_ms=now_ms, live=True)

    def _look_at_clock(self) -> None:
        """Our clock was put: what was heard ten seconds ago still was, and how far others are ahead of us has changed."""
        by_ms = _epoch_ms() - self._epoch_ms
        if abs(by_ms) > STEP_MS:
            self._epoch_ms += by_ms
            self._seen = {post: _shifted(seen, by_ms) for post, seen in self._seen.items()}


def _epoch_ms() -> int:
    """The wall clock against one that runs on while we sleep: it only changes when somebody puts our clock."""
    return clock.now().wall_ms - time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def _shifted(seen: Seen, by_ms: int) -> Seen:
    """Until it speaks again its clock is only supposed."""
    heard_ms, since_ms, ahead_ms, word_ms = seen.heard_ms, seen.since_ms, seen.ahead_ms, seen.word_ms
    return replace(
        seen,
        heard_ms=None if heard_ms is None else heard_ms + by_ms,
        since_ms=None if since_ms is None else since_ms + by_ms,
        ahead_ms=None if ahead_ms is None else ahead_ms - by_ms,
        word_ms=None if word_ms is None else word_ms + by_ms,
        live=False,
        odd=True,
    )


def _after(before: Seen, status: Status | str | OtherVersion, retained: bool, late: bool, now_ms: int) -> Seen:
    now = not (retained or late)
    if isinstance(status, OtherVersion):
        since_ms = before.since_ms if status.present is before.present else now_ms
        word_ms = now_ms if status.present else before.word_ms
        return Seen(
            None,
            status.present,
            now_ms,
            since_ms,
            live=now,
            refused=before.refused,
            speaks=status.version,
            word_ms=word_ms,
        )
    before = replace(before, speaks=None)
    if isinstance(status, str):  # absent, by its Last Will or its own word
        known = before.heard_ms is not None and not before.present
        heard_ms = before.heard_ms if known and not now else now_ms
        return replace(
            before, present=False, heard_ms=heard_ms, since_ms=before.since_ms if known else now_ms, live=now
        )
    since_ms = before.since_ms if before.present else now_ms
    if not now:
        own_ms = status.at_ms - (before.ahead_ms or 0)
        said_ms = own_ms if status.clock != "untrusted" and own_ms <= now_ms else now_ms
        if before.present:
            said_ms = max(said_ms, before.heard_ms or 0)
        if retained and before.live and before.present and (before.heard_ms or 0) >= said_ms:
            return before
        odd = status.clock != "untrusted" and not now_ms - STALE_MS < status.at_ms <= now_ms + SKEW_MS
        return replace(
            before,
            status=status,
            present=True,
            heard_ms=said_ms,
            since_ms=since_ms,
            live=False,
            odd=odd,
            word_ms=said_ms,
        )
    ahead_ms = status.at_ms - now_ms
    return replace(
        before,
        status=status,
        present=True,
        heard_ms=now_ms,
        since_ms=since_ms,
        live=True,
        ahead_ms=ahead_ms,
        odd=False,
        word_ms=now_ms,
    )
