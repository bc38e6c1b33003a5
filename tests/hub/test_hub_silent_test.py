"""The silent test: the real path without a sound, once a night, and per post what it has shown (R31, R26)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from kengd.clock import unix_ms, zone
from kengd.duty.health import condition
from kengd.errors import KengdError
from kengd.hub.act_ground import HUB, Actor
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import State, Target
from kengd.hub.ledger import dispatches, outbox
from kengd.hub.ledger.merging import Heard, merge
from kengd.hub.ledger.store import Ledger
from kengd.hub.roster import Post, Roster, Seen
from kengd.hub.silent_test import SilentTest, judge, night_due, not_passed, results, why_vi
from kengd.wire.topics import all_command_topic
from tests.hub.people_database import on_disk
from tests.hub.spine_kit import COMMUNE, KEY, KID, Clock, Mouth, chained, claims_of, said, status

ROSTER = Roster(
    (Post("thon-1", "Kẻng thôn 1"), Post("thon-2", "Kẻng thôn 2"), Post("truc", "Chuông trực", sounder=True))
)
POSTS = ["thon-1", "thon-2", "truc"]


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> int:
    """A moment of December 2026, local, as unix ms."""
    return unix_ms(datetime(2026, 12, day, hour, minute, second, tzinfo=zone()))


NIGHT = at(8, 3, 30)


class Worker:
    """A hub's silent test on this ledger."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.ledger, self.clock, self.mouth = ledger, clock, Mouth()
        self.seen: dict[str, Seen] = {}
        dispatcher = Dispatcher(ledger, COMMUNE, self.mouth, lambda: (KID, KEY), lambda: self.seen, clock)
        self.dispatcher = dispatcher
        self.test = SilentTest(ledger, dispatcher, lambda: ROSTER, lambda: self.seen, at="03:30", within_s=120)

    def turn(self, now_ms: int) -> list[str]:
        """One turn at this moment; the topics on which something was said."""
        self.clock.now_ms = now_ms
        self.test.turn(now_ms)
        return [topic for topic, _ in self.mouth.taken()]

    def answer(self, post: str, kind: str = "tested", act: str = "silent-2026-12-08", **more: object) -> None:
        """The post's own word on the test."""
        with self.ledger.write() as connection:
            targets = {one.post: one for one in dispatches.targets_of(connection, [act])}
            line = said(kind, command_id=targets[post].jti, **more)
            (entry,) = chained([line], book=f"{post}{kind}{act}")
            fresh = merge(connection, [Heard(post, entry, self.clock())], self.clock()).fresh
            dispatches.answered(connection, fresh)

    def results(self, night: str | None = None) -> dict[str, str]:
        with self.ledger.read() as connection:
            return {trial.post: trial.result for trial in results(connection, night)}

    def conditions(self) -> dict[str, str]:
        with self.ledger.read() as connection:
            return {post: why_vi(trial) for post, trial in not_passed(connection).items()}


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    ledger = on_disk(tmp_path)
    yield Worker(ledger, Clock(NIGHT))
    ledger.close()


def test_it_goes_the_way_of_a_real_alarm_to_every_post(worker: Worker) -> None:
    """R31: same topic, same signature, same queue, only the purpose differs; the duty room's sounder is tested too."""
    worker.test.turn(NIGHT)
    ((topic, jws),) = worker.mouth.taken()
    cmd = claims_of(jws)["cmd"]
    assert topic == all_command_topic(COMMUNE)
    assert (cmd["do"], cmd["signal"], cmd["purpose"]) == ("ring", "alarm", "test")
    assert claims_of(jws)["aud"] == [f"{COMMUNE}/{post}" for post in POSTS]
    with worker.ledger.read() as connection:
        assert outbox.next_due_ms(connection) == NIGHT + 5_000, "it is repeated like any command"


def test_it_is_done_once_a_night_whatever_the_clock_does(worker: Worker) -> None:
    """At 3:29 not yet; put back after it, or restarted, not again; the next night again; a hub that was off tests later."""
    assert worker.turn(NIGHT - 1_000) == []
    assert len(worker.turn(NIGHT)) == 1
    assert worker.turn(NIGHT + 5_000) == []
    assert worker.turn(NIGHT - 600_000) == []
    assert worker.turn(NIGHT + 1_000) == []
    assert Worker(worker.ledger, worker.clock).turn(NIGHT + 60_000) == []
    assert worker.turn(at(8, 12)) == []
    assert len(worker.turn(at(9, 5, 15))) == 1
    assert worker.turn(at(10, 6, 31)) == [], "three hours late the village is awake"


def test_of_two_workers_only_one_tests(worker: Worker) -> None:
    """The night's dispatch has one id: whoever comes second finds it."""
    other = Worker(worker.ledger, worker.clock)
    assert (len(worker.turn(NIGHT)), other.turn(NIGHT)) == (1, [])
    other.test._dispatch("2026-12-08", tuple(POSTS), Actor(None, HUB), NIGHT)  # both had looked before either began
    assert other.mouth.taken() == []
    assert worker.results() == dict.fromkeys(POSTS, "waiting")


def test_each_post_passes_fails_or_is_missed(ledger: Ledger) -> None:
    """On both databases: what the post said: it would ring, it would refuse and why, nothing at all; it stays until one passes."""
    worker = Worker(ledger, Clock(NIGHT))
    worker.turn(NIGHT)
    worker.answer("thon-1", detail={"would": "ring"})
    worker.answer("thon-2", kind="refused", reason="unknown_key")
    worker.turn(NIGHT + 3_000)
    assert worker.results() == {"thon-1": "passed", "thon-2": "failed", "truc": "waiting"}
    worker.clock.now_ms = NIGHT + 70_000
    worker.dispatcher.tend()
    worker.turn(NIGHT + 119_000)
    assert worker.results()["truc"] == "waiting"
    worker.turn(NIGHT + 120_000)
    assert worker.results() == {"thon-1": "passed", "thon-2": "failed", "truc": "missed"}
    assert sorted(worker.conditions()) == ["thon-2", "truc"]
    assert worker.conditions()["truc"] == "điểm kẻng không trả lời"
    name = worker.test.start(["truc"], Actor("cb-1", "Đ/c Hùng"), NIGHT + 7_200_000)
    worker.answer("truc", act=f"silent-{name}", detail={"would": "ring"})
    worker.turn(NIGHT + 7_202_000)
    assert worker.results(name) == {"truc": "passed"}
    assert sorted(worker.conditions()) == ["thon-2"]
    assert worker.results() == {"thon-1": "passed", "thon-2": "failed", "truc": "missed"}, "the night's stays as it was"


def test_a_test_of_no_post_or_a_strange_one_is_refused(worker: Worker) -> None:
    """A clear error, nothing sent."""
    codes = []
    for posts in ([], ["thon-9"]):
        with pytest.raises(KengdError) as wrong:
            worker.test.start(posts, Actor(None, "x"), NIGHT)
        codes.append(wrong.value.code)
    assert (codes, worker.mouth.taken()) == (["no_posts", "unknown_post"], [])


def test_a_clock_that_is_put_back_does_not_leave_a_test_waiting_for_years(worker: Worker) -> None:
    """A test that began in the future is over."""
    worker.turn(NIGHT)
    worker.turn(NIGHT - 86_400_000)
    assert worker.results("2026-12-08") == dict.fromkeys(POSTS, "missed")


@pytest.mark.parametrize(
    ("hour", "minute", "night"),
    [(3, 29, None), (3, 30, "2026-12-08"), (6, 29, "2026-12-08"), (6, 30, None), (22, 0, None)],
)
def test_a_night_is_due_for_three_hours(hour: int, minute: int, night: str | None) -> None:
    """Later in the morning people are about."""
    assert night_due(at(8, hour, minute), "03:30") == night


def test_a_night_that_begins_before_midnight_bears_that_day() -> None:
    """At 23:30 the night of the 8th begins, and at 1:00 on the 9th it is still that one."""
    assert [night_due(at(8, 23, 30), "23:30"), night_due(at(9, 1), "23:30")] == ["2026-12-08"] * 2


TESTED = Target(
    "d", "thon-1", "j", "ring", NIGHT, State.TESTED, sent_ms=NIGHT, received_ms=NIGHT + 40, ended_ms=NIGHT + 50
)
HERE = Seen(status(at_ms=NIGHT), True, NIGHT, NIGHT - 1, True)


def test_a_post_that_would_ring_but_is_sick_has_failed() -> None:
    """Relay, button loop, disk and clock are part of the path, as the post's own status says; what is minor is not."""
    found = {}
    for code in ("relay_failed", "button_stuck", "disk_full", "clock_untrusted", "lid_open", "silenced"):
        sick = replace(HERE, status=status(conditions=(condition(code),)))
        found[code] = judge(TESTED, {"would": "ring"}, sick, NIGHT, NIGHT + 60).result
    assert found == {
        "relay_failed": "failed", "button_stuck": "failed", "disk_full": "failed", "clock_untrusted": "failed",
        "lid_open": "passed", "silenced": "passed",
    }  # fmt: skip
    untrusted = replace(HERE, status=status(clock="untrusted"))
    assert judge(TESTED, {"would": "ring"}, untrusted, NIGHT, NIGHT).faults == ("clock_untrusted",)


def test_what_the_post_would_have_done_decides() -> None:
    """`would` is the arbiter's verdict on the same alarm for real; a reason of refusal fails the test."""
    found = {
        would: judge(TESTED, {"would": would}, HERE, NIGHT, NIGHT) for would in ("ring", "join", "interrupt", "busy")
    }
    assert [one.result for one in found.values()] == ["passed", "passed", "passed", "failed"]
    assert found["busy"].why_vi == "báo động thật sẽ không kêu: đang báo động việc khác"
    assert judge(TESTED, None, HERE, NIGHT, NIGHT).result == "failed", (
        "a post that says nothing of it has proved nothing"
    )
    assert (found["ring"].answer_ms, found["ring"].findings()["would"]) == (40, "ring")


def test_silence_says_since_when() -> None:
    """Missed, with the hour the post was lost."""
    target = replace(TESTED, state=State.NO_ANSWER, received_ms=None)
    gone = replace(HERE, present=False, since_ms=at(8, 1, 12))
    assert judge(target, None, gone, NIGHT, NIGHT).why_vi == "mất liên lạc từ 01:12"
    assert judge(replace(target, state=State.RECEIVED), None, HERE, NIGHT, NIGHT).result == "failed"
