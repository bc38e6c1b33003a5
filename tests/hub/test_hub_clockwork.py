"""What two workers do by themselves on one ledger: each thing once, and none of it by a worker that cannot see or speak."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.act_ground import Actor
from kengd.hub.acts import Acts
from kengd.hub.chains import ASK_FIRST_MS
from kengd.hub.clearings import Clearings
from kengd.hub.clockwork import BOOKS_EVERY_MS, LATE_MS, Clockwork
from kengd.hub.dispatcher import AGAIN_MS, Dispatcher
from kengd.hub.dispatching import REPEAT_MS, Order
from kengd.hub.following import Following
from kengd.hub.incidents import Incident
from kengd.hub.ledger import dispatches, incidents, values
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.merging import merge
from kengd.hub.ledger.store import Ledger, Transaction
from kengd.hub.roster import Post, Roster, Seen
from kengd.hub.service import ALARMS
from kengd.wire.topics import command_topic
from tests.hub.spine_kit import COMMUNE, KEY, KID, T0, Clock, Mouth, chained, claims_of, heard, said, status, true_book

ROSTER = Roster((Post("dong", "Đông"), Post("tay", "Tây"), Post("nam", "Nam"), Post("bac", "Bắc")))
ALARM = Order("act-00000001", "ring", ("dong", "tay"), "Đ/c Hùng", "có trộm", "alarm", "actual")
ABSENT, PRESENT = Seen(None, False, T0, T0, True), Seen(status(), True, T0, T0, True, ahead_ms=0)


class Worker:
    """Its clockwork, turned by hand, on a ledger that it shares. `blind`: its line is down and another's is up."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.ledger, self.mouth, self.blind = Ledger(url), Mouth(), False
        self.dispatcher = Dispatcher(
            self.ledger, COMMUNE, self.mouth, lambda: (KID, KEY), dict, clock, others=lambda: self.blind
        )
        self.acts = Acts(self.ledger, self.dispatcher, lambda: ROSTER, dict, ALARMS, clock)
        self.clearings = Clearings(self.ledger, self.dispatcher, lambda: ROSTER)
        self.clockwork = Clockwork(
            self.ledger, self.dispatcher, self.acts, lambda: ROSTER, dict, lambda: (KID, KEY), clock, call_after_s=60,
            on_call=lambda _: None, following=Following(lambda: ROSTER, ALARMS, 60), on_alarm=lambda _: None,
        )  # fmt: skip

    def said(self) -> list[tuple[str, str]]:
        """To whom, and what, since the last look."""
        told = [(topic.split("/")[-2], claims_of(jws)["cmd"]) for topic, jws in self.mouth.taken()]
        return [(post, cmd.get("signal") or cmd["do"]) for post, cmd in told]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pair(ledger_url: str, clock: Clock) -> Iterator[tuple[Worker, Worker]]:
    workers = Worker(ledger_url, clock), Worker(ledger_url, clock)
    yield workers
    for worker in workers:
        worker.ledger.close()


def test_a_post_that_comes_is_seen_by_both_and_sent_its_command_by_one(
    pair: tuple[Worker, Worker], clock: Clock
) -> None:
    """What it has not answered goes to it at once, and not once more from each worker that sees it come."""
    first, second = pair
    for worker in pair:
        worker.clockwork.news("dong", Seen(), ABSENT, T0)
        worker.clockwork._presence(T0)
    first.dispatcher.dispatch(ALARM)
    assert first.said() == [("all", "alarm")]
    clock.now_ms += 1_000
    for worker in pair:
        worker.clockwork.news("dong", ABSENT, PRESENT, clock())
        worker.clockwork._presence(clock())
        worker.clockwork._outbox(clock())
    assert sorted(first.said() + second.said()) == [("dong", "alarm"), ("tay", "alarm")]
    with first.ledger.read() as connection:
        assert values.presence_between(connection, 0, T0 + 10_000) == {"dong": [(T0, False), (T0 + 1_000, True)]}


def test_a_worker_that_has_no_line_leaves_the_sending_to_the_one_that_has(
    pair: tuple[Worker, Worker], clock: Clock
) -> None:
    """It would take each command that is due and put it off, before the eyes of one that could send it."""
    first, second = pair
    first.mouth.down = first.blind = True
    first.dispatcher.dispatch(ALARM)
    clock.now_ms += AGAIN_MS
    assert first.dispatcher.tend() == ([], clock() + AGAIN_MS)
    assert second.dispatcher.tend() == ([], clock() + REPEAT_MS)
    assert (first.mouth.taken(), [topic for topic, _ in second.mouth.taken()]) == (
        [], [command_topic(COMMUNE, post) for post in ALARM.posts],
    )  # fmt: skip


def test_the_all_clear_goes_to_each_post_once_whoever_looks(pair: tuple[Worker, Worker], clock: Clock) -> None:
    """P4, H16: one worker saw the first post's end, the other both: the second acts upon what is left, not upon what it read."""
    first, second = pair
    alarm = Incident("i1", "alarm", T0, post="dong")
    with first.ledger.write() as connection:
        incidents.add(connection, alarm)
        rung = [Sounded(post, f"a-{post}", alarm.id, "alarm", "hub", None, T0) for post in ("dong", "tay")]
        incidents.sound(connection, rung)
        incidents.sound_ended(connection, {("dong", "a-dong"): "cut"}, T0 + 1)
    first.acts.all_clear(Actor("cb-1", "Đ/c Hùng"), alarm.id, "clear-0001")
    assert first.said() == [("tay", "hush")]
    with second.ledger.read() as connection:
        ((key, read),) = values.under(connection, "clear:").items()
    first.clearings.all_clears(clock())
    assert first.said() == [("dong", "all_clear")]
    second.clearings.give(key, read, alarm.id, ["dong", "tay"])
    assert second.said() == []
    with second.ledger.write() as connection:
        incidents.sound_ended(connection, {("tay", "a-tay"): "cut"}, T0 + 2)
        assert len(dispatches.recent(connection)) == 2
    for worker in (second, first, second):
        worker.clearings.all_clears(clock())
    assert (first.said(), second.said()) == ([], [("tay", "all_clear")])
    with second.ledger.read() as connection:
        assert values.under(connection, "clear:") == {}


@pytest.mark.parametrize("bad", ["x\ud800", "x\0", "".join(map(chr, range(0x4E00, 0x9E00)))])
def test_an_alarm_that_cannot_be_kept_does_not_hold_up_those_of_other_posts(
    pair: tuple[Worker, Worker], bad: str
) -> None:
    """P8, H6: alarms that statuses tell of are written together; one post's must not make the others wait, not even once."""
    worker = pair[0]
    for post, activation in (("dong", bad), ("tay", "a" * 16), ("nam", "b" * 16)):
        sounding = Sounding(activation, "alarm", Purpose.ACTUAL, Source.BUTTON, T0)
        worker.clockwork.news(post, PRESENT, replace(PRESENT, status=status(sounding=sounding)), T0)
    worker.clockwork._alarms(T0)
    with worker.ledger.read() as connection:
        assert {"tay", "nam"} <= {incident.post for incident in incidents.open_ones(connection)}


def test_a_post_that_names_many_books_with_gaps_is_asked_for_them_little_by_little(
    pair: tuple[Worker, Worker], clock: Clock
) -> None:
    """P8, R49: a rotten post may name two thousand books; each turn asks for two of them, so that alarms and repeats go on, and
    what another post is missing is asked for in the same turn."""
    worker = pair[0]
    many = [item for n in range(50) for item in heard("dong", true_book(3, book=f"book-{n}")[2:])]
    with worker.ledger.write() as connection:
        merge(connection, [*many, *heard("tay", true_book(3)[2:])], T0)
    worker.clockwork._seen = lambda: dict.fromkeys(("dong", "tay"), PRESENT)
    clock.now_ms += ASK_FIRST_MS
    for _ in range(2):
        worker.clockwork._books(clock())
        clock.now_ms += BOOKS_EVERY_MS
    asked = [(topic.split("/")[-2], claims_of(jws)["cmd"]["book"]) for topic, jws in worker.mouth.taken()]
    assert sorted(post for post, _ in asked) == ["dong"] * 4 + ["tay"]
    assert len(set(asked)) == 5


def test_neighbours_who_were_called_to_help_are_hushed_and_told_that_it_is_over(
    pair: tuple[Worker, Worker], clock: Clock
) -> None:
    """H13, H16: who rang support for this alarm is silenced by name and hears the all-clear; who has not answered is asked no
    more; whose support was cut by an alarm of his own goes on."""
    worker = pair[0]
    helpers = ("nam", "tay", "bac")
    with worker.ledger.write() as connection:
        incidents.add(connection, Incident("i1", "alarm", T0, post="dong"))
        incidents.sound(connection, [Sounded("dong", "a-dong", "i1", "alarm", "button", None, T0)])
        incidents.sound_ended(connection, {("dong", "a-dong"): "finished"}, T0 + 1)
    order = Order("help-0001", "ring", helpers, "Đ/c Hùng", "chi viện", "support", "actual")
    worker.dispatcher.dispatch(order, incident="i1")
    worker.mouth.taken()
    with worker.ledger.read() as connection:
        jtis = {target.post: target.jti for target in dispatches.targets_of(connection, ["help-0001"])}
    ring = {"signal": "support", "source": "hub"}
    answer(worker, "tay", said("ringing", activation="s-tay", command_id=jtis["tay"], **ring))
    answer(
        worker, "bac", said("ringing", activation="s-bac", command_id=jtis["bac"], **ring),
        said("cut", activation="s-bac", command_id=jtis["bac"], reason="overtaken", **ring),
    )  # fmt: skip
    worker.acts.all_clear(Actor("cb-1", "Đ/c Hùng"), "i1", "clear-0001")
    told = [(topic, claims_of(jws)["cmd"]) for topic, jws in worker.mouth.taken()]
    assert [(topic, cmd["do"], cmd["activation"]) for topic, cmd in told] == [
        (command_topic(COMMUNE, "tay"), "hush", "s-tay")
    ]
    worker.clearings.all_clears(clock())
    assert worker.said() == [("all", "all_clear")]
    answer(worker, "tay", said("cut", activation="s-tay", command_id=jtis["tay"], reason="hushed", **ring), known=1)
    worker.clearings.all_clears(clock())
    assert worker.said() == [("tay", "all_clear")]
    with worker.ledger.read() as connection:
        states = {target.post: target.state.value for target in dispatches.targets_of(connection, ["help-0001"])}
    assert states == {"nam": "cancelled", "tay": "cut", "bac": "cut"}


def answer(worker: Worker, post: str, *lines: dict[str, Any], known: int = 0) -> None:
    """The post writes this behind the entries that are known, and it is stored."""
    with worker.ledger.write() as connection:
        before = [
            said("ringing", activation="s-tay", signal="support", source="hub", command_id=jti_of(connection, post))
        ]
        book = chained([*before[:known], *lines], book=f"b-{post}")[known:]
        dispatches.answered(connection, merge(connection, heard(post, book), T0).fresh)


def jti_of(connection: Transaction, post: str) -> str:
    """Of the support that this post was asked for."""
    return next(target.jti for target in dispatches.targets_of(connection, ["help-0001"]) if target.post == post)


def test_a_status_that_lay_about_on_its_way_proves_no_book_shortened(pair: tuple[Worker, Worker]) -> None:
    """P8: a worker that stood still reads old heads when it goes on, while another has stored what came since."""
    clockwork = pair[0].clockwork
    told = []
    aheads = [0, 200, -LATE_MS - 5_000, -LATE_MS - 1_000, -100, 0]
    for n, ahead_ms in enumerate(aheads):
        clockwork.news("dong", PRESENT, replace(PRESENT, status=status(seq=n), ahead_ms=ahead_ms), T0)
        told.append(clockwork._heads["dong"].live)
    assert told == [True, True, False, False, True, True]
