"""The silent test of every path, each night: an alarm for the purpose of testing, through the same topic, signature and queue as
a real one, that moves no relay (R31). Per post it passes, fails or is missed; what did not pass is a condition until it does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from kengd import clock
from kengd.errors import KengdError
from kengd.hub.act_ground import HUB, Actor
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import Order, State, Target, is_open
from kengd.hub.ledger import changes, dispatches, trials
from kengd.hub.ledger.store import Ledger, Transaction
from kengd.hub.ledger.trials import Trial
from kengd.hub.roster import Roster, Seen, moment_vi
from kengd.wire.reasons import SENTENCES

log = logging.getLogger("kengd.hub")

SIGNAL: Final = "alarm"
"""Every codebook has it."""
WHY: Final = "kiểm tra thầm"
LATE_H: Final = 3
"""A hub that was off at the hour tests when it is back, for so long; later the village is awake and works on things."""
STEPPED_MS: Final = 60_000
"""A test that began so far in the future: our clock was put back since, and its end would never come."""
WOULD_RING: Final = frozenset({"ring", "interrupt", "join", "wait"})
"""What a post's `tested` says it would have done with the real one; anything else is the reason of a refusal."""
LOOK_MS: Final = 1_000
QUIET_MS: Final = 60_000
"""With nothing on its way we look for tests so rarely: one may have been left by another worker that died."""
FAULTS: Final = frozenset({
    "relay_failed", "sound_without_relay", "isolator_open", "no_proof_of_sound", "pins_dead", "pin_unreadable",
    "button_stuck", "button_held_at_boot", "button_chatter", "spool_failed", "office_down", "book_broken", "disk_full",
    "disk_read_only", "clock_untrusted",
})  # fmt: skip
"""Conditions in the post's status that say relay, sound, button loop, disk or clock would not do their part."""
_HELD_BACK: Final = {
    "busy": "đang báo động việc khác",
    "after_alarm": "vừa có báo động",
    "alarm_sounding": "đang báo động",
    "not_answered": "điểm kẻng không trả lời",
    "cancelled": "lệnh đã bị dừng trước khi điểm kẻng trả lời",
    "unfinished": "đã nhận lệnh nhưng không thử xong",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`result`: passed, failed or missed. `why_vi`: one line, empty when passed. `would`: what the post says it would have done.

    `faults`: codes of conditions. `answer_ms`: how long the answer took, None: there was none.
    """

    result: str
    why_vi: str = ""
    would: str | None = None
    faults: tuple[str, ...] = ()
    answer_ms: int | None = None

    def findings(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "why": self.why_vi, "would": self.would, "faults": list(self.faults), "answer_ms": self.answer_ms,
        }  # fmt: skip


def night_due(now_ms: int, at: str) -> str | None:
    """The night (its local date, "2026-11-22") whose test should have begun by now, or None. `at`: "HH:MM", local."""
    now = clock.local(now_ms)
    hour, _, minute = at.partition(":")
    for day in (now.date(), now.date() - timedelta(days=1)):
        begin = datetime.combine(day, time(int(hour), int(minute)), now.tzinfo)
        if begin <= now < begin + timedelta(hours=LATE_H):
            return day.isoformat()
    return None


def judge(target: Target | None, detail: Mapping[str, Any] | None, seen: Seen, began_ms: int, now_ms: int) -> Verdict:
    """What this post's test has shown. `detail`: of its `tested` entry, None when there is none. Pure."""
    if target is None or target.state in (State.WAITING, State.SENT, State.NO_ANSWER, State.CANCELLED):
        reason = "cancelled" if target is not None and target.state is State.CANCELLED else "not_answered"
        gone = not seen.is_present(now_ms) and seen.since_ms is not None
        why = f"mất liên lạc từ {moment_vi(seen.since_ms or 0, now_ms)}" if gone else _sentence(reason)
        return Verdict("missed", why)
    answered = target.received_ms or target.ended_ms
    answer_ms = None if answered is None else max(0, answered - (target.sent_ms or began_ms))
    if target.state is not State.TESTED:
        return Verdict("failed", _sentence(target.reason or "unfinished"), target.reason, (), answer_ms)
    said = (detail or {}).get("would")
    would = said if isinstance(said, str) else None
    sick = [item for item in (seen.status.conditions if seen.status is not None else ()) if item.code in FAULTS]
    if (
        seen.status is not None
        and seen.status.clock == "untrusted"
        and all(one.code != "clock_untrusted" for one in sick)
    ):
        whys, codes = ["đồng hồ chưa tin được"], ["clock_untrusted"]
    else:
        whys, codes = [], []
    whys += [" ".join(item.vi.split()) for item in sick]
    codes += [item.code for item in sick]
    if would not in WOULD_RING:
        whys.insert(0, f"báo động thật sẽ không kêu: {_sentence(would or 'unfinished')}")
    return Verdict("failed" if whys else "passed", "; ".join(whys), would, tuple(codes), answer_ms)


class SilentTest:
    """`turn` is called about once a second by the hub's clockwork; safe from any thread."""

    def __init__(
        self,
        ledger: Ledger,
        dispatcher: Dispatcher,
        roster: Callable[[], Roster],
        seen: Callable[[], Mapping[str, Seen]],
        *,
        at: str,
        within_s: int,
    ) -> None:
        self._ledger, self._dispatcher, self._roster, self._seen = ledger, dispatcher, roster, seen
        self._at, self._within_ms = at, within_s * 1000
        self._looked_ms = self._quiet_until_ms = 0

    def turn(self, now_ms: int) -> None:
        """Begin the night's test when it is due, and end what is over."""
        if self._looked_ms <= now_ms < self._looked_ms + LOOK_MS:
            return
        self._looked_ms = now_ms
        night = night_due(now_ms, self._at)
        if night is not None:
            self._nightly(night, now_ms)
        if now_ms < self._quiet_until_ms <= now_ms + QUIET_MS:
            return
        with self._ledger.read() as connection:
            if not trials.is_waiting(connection):
                self._quiet_until_ms = now_ms + QUIET_MS
                return
        self._end(now_ms)

    def start(self, posts: Sequence[str], by: Actor, now_ms: int) -> str:
        """Test these posts now. The test's name: for `results`. Raises KengdError `unknown_post`, `no_posts`."""
        known = {post.id for post in self._roster().posts}
        chosen = tuple(dict.fromkeys(posts))
        if not chosen:
            raise KengdError("no_posts", "chưa chọn điểm kẻng nào", cure="chọn ít nhất một điểm", en="no posts chosen")
        if strange := [post for post in chosen if post not in known]:
            raise KengdError(
                "unknown_post", f"không có điểm kẻng “{strange[0][:40]}”", cure="tải lại trang", en="no such post"
            )
        name = f"{clock.local(now_ms):%Y-%m-%d-%H%M%S}{now_ms % 1000:03}"
        self._dispatch(name, chosen, by, now_ms)
        return name

    def _nightly(self, night: str, now_ms: int) -> None:
        """Once, whatever the clock does and however many workers there are: the dispatch's id is the night's."""
        with self._ledger.read() as connection:
            if dispatches.find(connection, f"silent-{night}") is not None:
                return
        posts = tuple(post.id for post in self._roster().posts)
        if not posts:
            return
        try:
            self._dispatch(night, posts, Actor(None, HUB), now_ms)
        except KengdError as wrong:
            if wrong.code != "id_reused":  # another worker, which had just heard of one post more or less
                raise
        log.info("the silent test of %s has begun at %d posts", night, len(posts))

    def _dispatch(self, name: str, posts: tuple[str, ...], by: Actor, now_ms: int) -> None:
        order = Order(f"silent-{name}", "ring", posts, by.name, WHY, SIGNAL, "test")

        def also(connection: Transaction) -> None:
            trials.begin(connection, name, order.id, posts, now_ms)

        self._dispatcher.dispatch(order, officer=by.id, also=also)
        self._quiet_until_ms = 0

    def _end(self, now_ms: int) -> None:
        ended = []
        seen = self._seen()
        with self._ledger.write() as connection:
            waiting = trials.waiting(connection)
            targets = dispatches.targets_of(connection, {trial.dispatch for trial in waiting})
            by_post = {(target.dispatch, target.post): target for target in targets}
            details = trials.tested(connection, {target.jti for target in targets})
            for trial in waiting:
                target = by_post.get((trial.dispatch, trial.post))
                if not self._over(trial, target, now_ms):
                    continue
                detail = None if target is None else details.get((trial.post, target.jti))
                verdict = judge(target, detail, seen.get(trial.post, Seen()), trial.at_ms, now_ms)
                trials.end(connection, trial, verdict.result, verdict.findings())
                ended.append(trial.post)
            if ended:
                changes.note(connection, "trial", posts=ended)

    def _over(self, trial: Trial, target: Target | None, now_ms: int) -> bool:
        if target is not None and not is_open(target) and target.state is not State.NO_ANSWER:
            return True
        return now_ms >= trial.at_ms + self._within_ms or now_ms < trial.at_ms - STEPPED_MS


def results(connection: Transaction, night: str | None = None) -> list[Trial]:
    """Per post the result of this night, or of the last one: what the morning's page shows. Empty: there was none."""
    chosen = night or trials.newest_night(connection)
    return [] if chosen is None else trials.of_night(connection, chosen)


def not_passed(connection: Transaction) -> dict[str, Trial]:
    """Posts whose newest test with a result was missed or failed: a condition of the hub's until the next one passes."""
    return {post: trial for post, trial in trials.last_of_each(connection).items() if trial.result != "passed"}


def why_vi(trial: Trial) -> str:
    """In one line what was wrong."""
    found = trial.findings.get("why")
    return found if isinstance(found, str) and found else "không rõ"


def _sentence(reason: str) -> str:
    return _HELD_BACK.get(reason) or (SENTENCES[reason][0] if reason in SENTENCES else reason[:60])
