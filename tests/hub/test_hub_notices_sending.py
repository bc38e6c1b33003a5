"""A slow or dead notice service never delays a dispatch nor another channel."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from kengd.hub.notices.sending import Deliver, Limits, Sender
from kengd.hub.notices.waiting import Job, Waiting
from kengd.hub.notices.words import Channel, Notice, NoticeFailed, NoticeKind, Recipient

HANGS = Channel("apprise", "zalo://1:SECRET/1")
HOOK = Channel("webhook", "https://h.example/SECRET")
SMS = Channel("sms", "+84912345678", short=True)
FAST = Limits(queue=1_000, attempt_s=0.3, backoff_s=(0.01, 0.02), life_s=30)


def a_notice(n: int = 0, kind: NoticeKind = NoticeKind.ALARM) -> Notice:
    return Notice(kind, f"k{n}", f"tin {n}", "", n, activation=str(n))


def person(*channels: Channel, name: str = "p", quiet: tuple[int, int] | None = None) -> Recipient:
    return Recipient(name, name, frozenset(NoticeKind), channels, quiet=quiet)


class Results:
    """The ledger's end: what the sender reported, in order."""

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[str, str, str, bool, str]] = queue.Queue()

    def __call__(self, notice: Notice, recipient: Recipient, channel: Channel, ok: bool, detail: str) -> None:
        self._queue.put((notice.title_vi, recipient.id, channel.shown, ok, detail))

    def take(self, count: int) -> list[tuple[str, str, str, bool, str]]:
        return [self._queue.get(timeout=10) for _ in range(count)]

    def empty(self) -> bool:
        return self._queue.empty()


class Service:
    """A fake service: answers by a script, remembers what arrived; `None` hangs until the test is over."""

    def __init__(self, *script: NoticeFailed | Exception | str | None) -> None:
        self.script = list(script)
        self.got: list[str] = []
        self.released = threading.Event()
        self._calls = threading.Semaphore(0)
        self._lock = threading.Lock()

    def __call__(self, notice: Notice, channel: Channel) -> str:
        with self._lock:
            self.got.append(notice.title_vi)
            self._calls.release()
            answer = self.script.pop(0) if len(self.script) > 1 else self.script[0] if self.script else "ok"
        if answer is None:
            self.released.wait()
            return "too late"
        if isinstance(answer, Exception):
            raise answer
        return answer

    def await_calls(self, count: int) -> None:
        """Returns when so many attempts have begun."""
        assert all(self._calls.acquire(timeout=10) for _ in range(count))


@contextmanager
def sender(
    results: Results, limits: Limits = FAST, wall_ms: Callable[[], int] | None = None, **services: Deliver
) -> Iterator[Sender]:
    built = Sender(services, results, limits, **({"wall_ms": wall_ms} if wall_ms else {}))  # type: ignore[arg-type]
    built.start()
    try:
        yield built
    finally:
        built.stop()
        for service in services.values():
            if isinstance(service, Service):
                service.released.set()


def test_post_returns_at_once_while_a_service_hangs_for_ever() -> None:
    """R46: push is a courtesy. 200 notices to a service that never answers: the caller is never held."""
    results, hangs = Results(), Service(None)
    with sender(results, replace(FAST, attempt_s=60), apprise=hangs) as notices:
        slowest = 0.0
        for n in range(200):
            began = time.perf_counter()
            notices.post(a_notice(n), [person(HANGS)])
            slowest = max(slowest, time.perf_counter() - began)
        assert slowest < 0.25  # a machine under load; a held caller would wait for the attempt's 60 s
        assert notices.waiting() == 200


def test_a_hanging_service_delays_no_other_channel_of_the_same_person() -> None:
    """Each family for itself: the SMS and the webhook arrive although Zalo hangs."""
    results, hangs, sms, hook = Results(), Service(None), Service("sent"), Service("taken")
    with sender(results, replace(FAST, attempt_s=60), apprise=hangs, sms=sms, webhook=hook) as notices:
        for n in range(20):
            notices.post(a_notice(n), [person(HANGS, SMS, HOOK)])
        assert {(channel, ok) for _, _, channel, ok, _ in results.take(40)} == {
            ("sms …678", True),
            ("webhook h.example", True),
        }
    assert (sms.got, hook.got) == ([f"tin {n}" for n in range(20)],) * 2


def test_an_attempt_ends_at_its_hard_limit_and_is_tried_a_bounded_number_of_times() -> None:
    """No library's time-out is believed."""
    results, hangs = Results(), Service(None)
    with sender(results, replace(FAST, attempt_s=0.05, family=9), apprise=hangs) as notices:
        notices.post(a_notice(), [person(HANGS)])
        assert results.take(1) == [
            ("tin 0", "p", "zalo", False, "dịch vụ không trả lời trong 0.05 giây (đã thử 3 lần)")
        ]
        assert len(hangs.got) == 3


def test_abandoned_attempts_are_bounded_and_an_urgent_notice_has_a_place_left() -> None:
    """A dead service holds three threads of its family and no more; calm ones never take the urgent one's place."""
    results, hangs = Results(), Service(None)
    limits = replace(FAST, attempt_s=0.02, backoff_s=(), family=2, life_s=0.5)
    with sender(results, limits, apprise=hangs) as notices:
        for n in range(8):
            notices.post(a_notice(n, NoticeKind.ABSENT), [person(HANGS, name=f"p{n}")])
        assert [ok for *_, ok, _ in results.take(2)] == [False, False]
        notices.post(a_notice(99), [person(HANGS, name="urgent")])
        rest = results.take(7)
    assert hangs.got[2] == "tin 99" and len(hangs.got) == 3
    assert [detail for *_, detail in rest[1:]] == ["quá hạn: dịch vụ không nhận kịp"] * 6


def test_what_can_help_is_tried_again_and_what_cannot_is_not() -> None:
    """Backoff a bounded number of times; a refusal is final and says its cure."""
    results = Results()
    down, no = NoticeFailed("down", "máy bận", retry=True), NoticeFailed("no", "sai mã", retry=False, cure="xem lại mã")
    apprise, sms = Service(down, down, "ok"), Service(no)
    with sender(results, apprise=apprise, sms=sms) as notices:
        notices.post(a_notice(), [person(HANGS, SMS)])
        assert sorted(results.take(2)) == [
            ("tin 0", "p", "sms …678", False, "sai mã; cách sửa: xem lại mã"),
            ("tin 0", "p", "zalo", True, "ok"),
        ]
    assert (len(apprise.got), len(sms.got)) == (3, 1)


def test_order_is_kept_per_person_through_retries_and_urgent_ones_wait_for_nothing() -> None:
    """absent before back, always; an alarm overtakes what is being tried again."""
    results = Results()
    down = NoticeFailed("down", "máy bận", retry=True)
    service = Service(down, "ok")
    limits = replace(FAST, backoff_s=(0.2,))
    with sender(results, limits, apprise=service) as notices:
        notices.post(a_notice(1, NoticeKind.ABSENT), [person(HANGS)])
        notices.post(a_notice(2, NoticeKind.BACK), [person(HANGS)])
        service.await_calls(1)  # the first attempt has begun, and fails at once
        notices.post(a_notice(3), [person(HANGS)])
        assert [title for title, *_ in results.take(3)] == ["tin 3", "tin 1", "tin 2"]


def test_a_full_queue_drops_the_oldest_unimportant_one_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Alarms give way to nothing but alarms."""
    results, hangs = Results(), Service(None)
    with (
        sender(results, replace(FAST, queue=4, attempt_s=60), apprise=hangs) as notices,
        caplog.at_level(logging.WARNING),
    ):
        kinds = [NoticeKind.ABSENT, NoticeKind.CERTIFICATE_EXPIRING, NoticeKind.ABSENT]
        everybody = [person(Channel("apprise", f"zalo://1:SECRET/{n}"), name=f"p{n}") for n in range(9)]
        notices.post(a_notice(0), everybody[:2])
        hangs.await_calls(2)
        for n, kind in enumerate([*kinds, NoticeKind.ALARM, NoticeKind.CERTIFICATE_EXPIRING], 1):
            notices.post(a_notice(n, kind), [everybody[n + 1]])
        full = "hàng đợi đầy: tin này phải nhường chỗ"
        assert results.take(3) == [
            ("tin 2", "p3", "zalo", False, full),
            ("tin 1", "p2", "zalo", False, full),
            ("tin 5", "p6", "zalo", False, full),
        ]
    assert "dropped certificate_expiring to p3" in caplog.text and "SECRET" not in caplog.text


def test_stopping_takes_less_than_two_seconds_and_reports_what_was_not_sent() -> None:
    """Clean stop, a hanging service or not."""
    results, hangs = Results(), Service(None)
    with sender(results, replace(FAST, attempt_s=60), apprise=hangs) as notices:
        for n in range(3):
            notices.post(a_notice(n), [person(HANGS)])
        hangs.await_calls(1)
        began = time.perf_counter()
        notices.stop()
        assert time.perf_counter() - began < 2
        assert [(title, ok, detail) for title, _, _, ok, detail in results.take(3)] == [
            (f"tin {n}", False, "máy trực ban dừng trước khi gửi xong") for n in range(3)
        ]
        assert notices.post(a_notice(9), [person(HANGS)]) == 0
    assert results.empty()


def test_a_slow_or_broken_ledger_holds_up_no_notice(caplog: pytest.LogCaptureFixture) -> None:
    """Results are reported by a thread of their own."""
    release, all_sent = threading.Event(), threading.Event()
    sent: list[str] = []

    def deliver(notice: Notice, channel: Channel) -> str:
        sent.append(notice.title_vi)
        if len(sent) == 5:
            all_sent.set()
        return "ok"

    def ledger(*_: object) -> None:
        release.wait()
        raise OSError("SECRET disk")

    notices = Sender({"sms": deliver}, ledger, FAST)
    notices.start()
    for n in range(5):
        notices.post(a_notice(n), [person(SMS)])
    assert all_sent.wait(10)
    release.set()
    notices.stop()
    assert caplog.text.count("could not be written: OSError") == 5 and "SECRET" not in caplog.text


def test_a_surprise_of_a_library_is_a_failure_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """P12: requests puts the URL with the token into its exceptions."""
    results = Results()
    with (
        sender(results, apprise=Service(RuntimeError("https://x/botSECRET"))) as notices,
        caplog.at_level(logging.DEBUG),
    ):
        notices.post(a_notice(), [person(HANGS)])
        assert results.take(1) == [("tin 0", "p", "zalo", False, "lỗi chương trình RuntimeError (đã thử 3 lần)")]
    assert "SECRET" not in caplog.text and "123456" not in caplog.text


def test_a_calm_notice_waits_for_the_end_of_quiet_hours_and_an_alarm_does_not() -> None:
    """R45. The wall clock says 23:00 in Asia/Ho_Chi_Minh."""
    results, service = Results(), Service("ok")
    sleeper = person(HANGS, quiet=(22 * 60, 6 * 60))
    with sender(results, wall_ms=lambda: 1_796_227_200_000, apprise=service) as notices:
        notices.post(a_notice(1, NoticeKind.CERTIFICATE_EXPIRING), [sleeper])
        notices.post(a_notice(2), [sleeper])
        assert [title for title, *_ in results.take(1)] == ["tin 2"]
        assert (service.got, notices.waiting()) == (["tin 2"], 1)


def test_the_queue_stays_bounded_behind_a_head_that_is_being_sent() -> None:
    """10,000 notices behind a hanging one: as many are kept as are allowed, and no trace of the others."""
    waiting = Waiting(10)
    everybody = person(HANGS)
    for n in range(10_000):
        job = Job(n, a_notice(n, NoticeKind.ABSENT), everybody, HANGS, 0, 9)
        job.running = n == 0
        waiting.add(job)
    assert [job.n for job in waiting] == [0, *range(9_991, 10_000)]
    assert waiting.heads() == []
    for job in list(waiting):
        waiting.remove(job)
    assert (len(waiting), waiting._lanes) == (0, {})
