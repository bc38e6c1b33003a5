"""The sender of notices: a courtesy that never delays the bell, nor one channel because of another (R46).

`post` only puts jobs into a bounded queue. One thread decides what goes next; each attempt has a thread of its own, which
is abandoned when its time is up: no library's time-out has to be believed. A family (the services that hang together)
has few attempts at once, abandoned ones included, so a dead service holds up itself only. One more place in each family
is kept for urgent notices. An abandoned attempt may still succeed later: a notice can arrive twice, never not at all
because of that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from kengd.clock import local
from kengd.hub.notices.waiting import Job, Waiting
from kengd.hub.notices.words import Channel, ChannelKind, Notice, NoticeFailed, Recipient, Weight, quiet_left_ms

log = logging.getLogger(__name__)

Deliver = Callable[[Notice, Channel], str]
"""Sends one notice by one channel and answers with what the service said. Raises NoticeFailed."""
OnResult = Callable[[Notice, Recipient, Channel, bool, str], None]
"""Told once about each (notice, recipient, channel): got through or not, and a detail in Vietnamese without secrets."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`queue`: jobs that may wait. `attempt_s`: hard limit of one attempt. `backoff_s`: pauses between attempts, one fewer
    than attempts. `family`, `total`: attempts at once, abandoned ones included; a quarter of `total` is for urgent ones.
    `life_s`: a notice that has waited longer than this is given up.
    """

    queue: int = 2_000
    attempt_s: float = 30.0
    backoff_s: tuple[float, ...] = (3.0, 15.0, 60.0)
    family: int = 2
    total: int = 64
    life_s: float = 1_800.0


@dataclass(slots=True, eq=False)
class _Attempt:
    job: Job
    deadline_s: float
    abandoned: bool = False


class Sender:
    """Threads start with `start` and end with `stop`. All methods may be called from any thread."""

    def __init__(
        self,
        deliverers: Mapping[ChannelKind, Deliver],
        on_result: OnResult,
        limits: Limits | None = None,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._deliverers, self._on_result = deliverers, on_result
        self._limits = limits or Limits()
        self._clock_s, self._wall_ms = clock_s, wall_ms
        self._changed = threading.Condition()
        self._told = threading.Condition()
        self._waiting = Waiting(self._limits.queue)
        self._attempts: set[_Attempt] = set()
        self._results: deque[tuple[Job, bool, str]] = deque(maxlen=4 * self._limits.queue)
        self._serial = 0
        self._stopping = self._reported = False
        self._threads = [
            threading.Thread(target=self._decide, name="notices", daemon=True),
            threading.Thread(target=self._report, name="notice-results", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def post(self, notice: Notice, recipients: Iterable[Recipient]) -> int:
        """Takes the notice for these people and returns at once, always. How many messages were taken; 0 after `stop`."""
        wall = local(self._wall_ms())
        taken = 0
        with self._changed:
            for recipient in () if self._stopping else recipients:
                due = self._clock_s() + quiet_left_ms(recipient, notice, wall.hour * 60 + wall.minute) / 1_000
                for channel in recipient.channels:
                    self._serial += 1
                    job = Job(self._serial, notice, recipient, channel, due, due + self._limits.life_s)
                    victim = self._waiting.add(job)
                    taken += victim is not job
                    if victim is not None:
                        log.warning("notice queue full: dropped %s to %s", victim.notice.kind, victim.recipient.id)
                        self._result(victim, False, "hàng đợi đầy: tin này phải nhường chỗ")
            self._changed.notify_all()
        return taken

    def waiting(self) -> int:
        """Messages that wait or are being sent now."""
        with self._changed:
            return len(self._waiting)

    def stop(self, within_s: float = 2.0) -> None:
        """Ends within the time. What has not gone out yet is reported as not sent; attempts under way are abandoned."""
        end = time.monotonic() + within_s
        with self._changed:
            if self._stopping:
                return
            self._stopping = True
            for job in list(self._waiting):
                self._waiting.remove(job)
                self._result(job, False, "máy trực ban dừng trước khi gửi xong")
            self._changed.notify_all()
        with self._told:
            self._reported = True
            self._told.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, end - time.monotonic()))

    # ---- the deciding thread

    def _decide(self) -> None:
        with self._changed:
            while not self._stopping:
                now = self._clock_s()
                self._give_up(now)
                self._changed.wait(self._begin_due(now))

    def _give_up(self, now: float) -> None:
        for attempt in self._attempts:
            if not attempt.abandoned and attempt.deadline_s <= now:
                attempt.abandoned = True
                late = NoticeFailed(
                    "notice_timeout", f"dịch vụ không trả lời trong {self._limits.attempt_s:g} giây", retry=True
                )
                self._failed(attempt.job, late, now)
        for job in [job for job in self._waiting if job.expires_s <= now and not job.running]:
            self._finish(job, False, "quá hạn: dịch vụ không nhận kịp")

    def _begin_due(self, now: float) -> float | None:
        """Starts what may start; seconds until there is something to do again, None = until something changes."""
        families = Counter(attempt.job.channel.family for attempt in self._attempts)
        wakes = [attempt.deadline_s for attempt in self._attempts if not attempt.abandoned]
        for job in self._waiting.heads():
            wakes.append(job.expires_s)
            if job.due_s > now:
                wakes.append(job.due_s)
                continue
            urgent = job.notice.weight is Weight.URGENT
            family = job.channel.family
            in_all = self._limits.total if urgent else self._limits.total * 3 // 4
            if len(self._attempts) < in_all and families[family] < self._limits.family + urgent:
                families[family] += 1
                wakes.append(self._begin(job, now))
        return max(0.0, min(wakes) - now) if wakes else None

    def _begin(self, job: Job, now: float) -> float:
        job.running = True
        job.attempts += 1
        attempt = _Attempt(job, now + self._limits.attempt_s)
        self._attempts.add(attempt)
        try:
            threading.Thread(target=self._attempt, args=(attempt,), name="notice-attempt", daemon=True).start()
        except RuntimeError:  # no thread to be had: as if the service had failed
            self._attempts.discard(attempt)
            self._failed(job, NoticeFailed("notice_no_thread", "máy trực ban quá tải", retry=True), now)
        return attempt.deadline_s

    # ---- an attempt's own thread

    def _attempt(self, attempt: _Attempt) -> None:
        job = attempt.job
        said, failure = "", None
        try:
            said = self._deliverers[job.channel.kind](job.notice, job.channel)
        except NoticeFailed as failed:
            failure = failed
        except Exception as broken:  # noqa: BLE001  a library's surprise; its text may hold a URL (P12), so only its name
            failure = NoticeFailed("notice_broken", f"lỗi chương trình {type(broken).__name__}", retry=True)
        with self._changed:
            self._attempts.discard(attempt)
            if not attempt.abandoned and not self._stopping and not job.gone:
                if failure is None:
                    self._finish(job, True, said)
                else:
                    self._failed(job, failure, self._clock_s())
            self._changed.notify_all()

    def _failed(self, job: Job, failure: NoticeFailed, now: float) -> None:
        pauses = self._limits.backoff_s
        if failure.retry and job.attempts <= len(pauses):
            job.running = False
            job.due_s = now + pauses[job.attempts - 1]
            log.info("notice %s by %s failed (%s), tried again", job.notice.kind, job.channel.shown, failure.code)
            return
        tries = f" (đã thử {job.attempts} lần)" if job.attempts > 1 else ""
        self._finish(job, False, f"{failure.vi}{tries}" + (f"; cách sửa: {failure.cure}" if failure.cure else ""))

    def _finish(self, job: Job, ok: bool, detail: str) -> None:
        self._waiting.remove(job)
        self._result(job, ok, detail)

    # ---- the reporting thread: a slow ledger holds up no notice

    def _result(self, job: Job, ok: bool, detail: str) -> None:
        with self._told:
            if len(self._results) == self._results.maxlen:
                log.error("results of notices are not being written: the oldest is lost")
            self._results.append((job, ok, detail))
            self._told.notify_all()

    def _report(self) -> None:
        while True:
            with self._told:
                while not self._results and not self._reported:
                    self._told.wait()
                if not self._results:
                    return
                job, ok, detail = self._results.popleft()
            try:
                self._on_result(job.notice, job.recipient, job.channel, ok, detail)
            except Exception as broken:  # noqa: BLE001  the ledger's trouble must not end the notices
                log.error("the result of a notice could not be written: %s", type(broken).__name__)
