"""What was claimed to be told is told, whoever dies meanwhile: at least once, and again only to whom it is not known to have come."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from kengd.hub import calling
from kengd.hub.errands import Errands, Left
from kengd.hub.herald import TOO_OLD_MS, Herald
from kengd.hub.ledger import copying, errands, incidents, notices, values
from kengd.hub.ledger.errands import LEASE_MS, Errand
from kengd.hub.ledger.notices import Sent
from kengd.hub.ledger.store import Ledger
from kengd.hub.notices import wording
from kengd.hub.notices.folding import Folding
from kengd.hub.notices.telling import Telling
from kengd.hub.notices.words import Notice, NoticeKind
from kengd.hub.tidings import Tiding
from tests.hub.people_database import on_disk
from tests.hub.spine_kit import T0
from tests.hub.test_hub_notices_telling import KEEPER, Pigeon
from tests.hub.town_kit import ALARM, HUNG, Town

BELL, OFFICER, LAN = "BÁO ĐỘNG Kẻng thôn 1", "webhook hung.example", "webhook k1.example"


def lines(ledger: Ledger, wanted: str) -> list[str]:
    """The rows of one table, as the backup has them."""
    found, name = [], ""
    for line in copying.lines(ledger):
        if line.startswith("{"):
            name = json.loads(line).get("table", "")
        elif name == wanted:
            found.append(line)
    return found


def test_a_lease_is_one_workers_until_it_ends(ledger: Ledger) -> None:
    """On both databases: renewed it goes on, unrenewed another takes it, once; a clock that was put back keeps nobody's for ever."""
    with ledger.write() as connection:
        errands.begin(connection, "a", {"x": "{}", "y": "{}"}, T0)
        assert not errands.is_any_left(connection, "b", T0 + LEASE_MS - 1, alone=False)
        assert errands.is_any_left(connection, "b", T0, alone=True)
        errands.renew(connection, "a", ["y"], T0 + 30_000)
        assert errands.take(connection, "b", T0 + LEASE_MS, alone=False) == [Errand("x", T0, "{}")]
        assert errands.take(connection, "c", T0 + LEASE_MS, alone=False) == []
        errands.done(connection, "a", ["x"])
        assert errands.is_any_left(connection, "c", T0 + LEASE_MS - 30_001, alone=False), "our clock was put back"
        errands.done(connection, "b", ["x"])
        errands.leave(connection, "a")
        assert [one.key for one in errands.take(connection, "b", T0, alone=False)] == ["y"]
        for ok in (False, True, True):
            notices.keep(connection, Sent(T0, "alarm", "o1", "sms …123", "", ok, errand="y"))
        assert errands.gone_out(connection, "y") == {("o1", "sms …123"): 2}


def test_workers_whose_clocks_differ_take_it_from_each_other_once_and_no_more(ledger: Ledger) -> None:
    """H22: to the one that is two minutes ahead every lease is over; taken back with each turn it would be told for ever."""
    ours, theirs = Errands(ledger, lambda: T0, alone=False), Errands(ledger, lambda: T0 + 120_000, alone=False)
    tiding = Tiding("alarm:i1", None, Notice(NoticeKind.ALARM, "k", "báo động", "", T0))
    with ledger.write() as connection:
        ours.begin(connection, [tiding], T0)
    ours.taken(tiding, T0)
    took = [len(who.left(at_ms)) for _ in range(5) for who, at_ms in ((ours, T0), (theirs, T0 + 120_000))]
    assert took == [0, 1] + [0] * 8


def test_what_a_killed_worker_had_claimed_is_told_by_its_fellow(town: Town) -> None:
    """H6: nothing before the lease is over; then once, and struck."""
    town.alarm()
    town.herald(dies=True).turn()
    fellow = town.herald()
    town.clock.now_ms += LEASE_MS - 1
    fellow.turn()
    assert (fellow.waiting(), town.spoken.got.qsize(), len(lines(town.ledger, "errand"))) == (0, 0, 1)
    town.clock.now_ms += 1
    fellow.turn()
    assert town.spoken.take(2) == [(OFFICER, BELL), (LAN, BELL)]
    town.arrived(fellow)
    fellow.turn()
    assert (lines(town.ledger, "errand"), town.spoken.got.qsize()) == ([], 0)


def test_a_hub_that_is_alone_tells_it_at_its_next_start(town: Town) -> None:
    """One process on SQLite: what it finds is of one that is dead; nobody waits a minute for an alarm."""
    town.alarm()
    town.herald(dies=True).turn()
    broker = town.settings.broker.model_copy(update={"shared": False})
    town.settings = town.settings.model_copy(update={"broker": broker})
    town.herald().turn()
    assert town.spoken.take(2) == [(OFFICER, BELL), (LAN, BELL)]


def test_who_is_known_to_have_it_is_not_told_again(town: Town) -> None:
    """A repeated SMS is better than none, and none that is not needed is better still."""
    town.alarm()
    town.herald(dies=True).turn()
    (row,) = lines(town.ledger, "errand")
    with town.ledger.write() as connection:
        notices.keep(connection, Sent(T0, "alarm", "o1", OFFICER, "", True, errand=json.loads(row)[0]))
    town.clock.now_ms += LEASE_MS
    town.herald().turn()
    assert town.spoken.take(1) == [(LAN, BELL)]
    town.settle()
    assert town.spoken.got.empty()


def test_a_worker_that_lives_keeps_what_it_has_not_sent_yet(town: Town) -> None:
    """A calm notice waits for the morning, a service is slow: the lease is renewed, and nobody else tells it."""
    town.alarm()
    slow, fellow, town.seen = town.herald(dies=True), town.herald(), {}
    for _ in range(6):
        slow.turn()
        fellow.turn()
        town.clock.now_ms += LEASE_MS // 4
    assert (slow.waiting(), fellow.waiting(), town.spoken.got.qsize()) == (2, 0, 0)


def test_what_an_orderly_stop_cannot_send_is_for_the_next(town: Town) -> None:
    """It is not written down as failed, and nobody waits until the lease is over."""
    town.alarm()
    hangs = threading.Event()
    town.deliver = lambda _notice, _channel: str(hangs.wait(30))
    stopped = town.herald()
    stopped.turn()
    stopped.stop()
    with town.ledger.read() as connection:
        assert notices.newest(connection) == []
    town.deliver = town.spoken
    town.herald().turn()
    assert town.spoken.take(2) == [(OFFICER, BELL), (LAN, BELL)]
    hangs.set()


@pytest.mark.parametrize("why", ["taken", "old"])
def test_what_is_no_news_any_more_is_not_told(town: Town, why: str) -> None:
    """Nobody is called for an alarm that somebody has taken, nor woken for last night's."""
    town.alarm()
    with town.ledger.write() as connection:
        incidents.turn_came(connection, "i1", T0 + 120_000)
    town.herald(dies=True).turn()
    town.clock.now_ms += LEASE_MS
    told = [(OFFICER, BELL), (LAN, BELL)]
    if why == "taken":
        with town.ledger.write() as connection:
            incidents.acknowledge(connection, "i1", "Đ/c Hùng", T0)
        told += [(OFFICER, "Công an xã đã nhận: Kẻng thôn 1"), (LAN, "Công an xã đã nhận: Kẻng thôn 1")]
    else:
        town.clock.now_ms += TOO_OLD_MS
        told = []
    herald = town.herald()
    town.seen = {}
    herald.turn()
    assert town.spoken.take(len(told)) == sorted(told)
    town.settle()
    assert (town.spoken.got.qsize(), lines(town.ledger, "errand")) == (0, [])


def test_one_that_cannot_be_told_keeps_no_other_and_is_left_to_a_fellow(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours with one notice: the others go out, and the lease of that one is not renewed."""
    with town.ledger.write() as connection:
        incidents.add(connection, replace(ALARM, id="i0", began_ms=T0 - 1, post="thon-2"))
        incidents.sound(connection, [replace(HUNG, post="thon-2", activation="a0", incident="i0")])
    town.alarm()
    ours, tell = town.herald(), Herald._tell

    def stumble(self: Herald, tiding: Tiding, *more: Left) -> None:
        if self is ours and tiding.key == "told:alarm:i0":
            raise KeyError
        tell(self, tiding, *more)

    monkeypatch.setattr(Herald, "_tell", stumble)
    ours.turn()
    assert town.spoken.take(2) == [(OFFICER, BELL), (LAN, BELL)]
    town.arrived(ours)
    town.clock.now_ms += LEASE_MS
    town.seen = {}
    ours.turn()
    town.herald().turn()
    assert town.spoken.take(1) == [(OFFICER, "BÁO ĐỘNG Kẻng thôn 2")]


def test_a_restored_hub_tells_nothing_that_was_on_its_way(tmp_path: Path, town: Town) -> None:
    """Old notices are history; that nobody could be reached is not."""
    town.alarm()
    town.herald(dies=True).turn()
    with town.ledger.write() as connection:
        values.put_value(connection, calling.KEPT, calling.Unreached(T0, "i1", "x").kept())
    other = tmp_path / "other"
    other.mkdir()
    restored = on_disk(other)
    copying.fill(restored, copying.lines(town.ledger), T0)
    assert lines(restored, "errand") == []
    with restored.read() as connection:
        assert calling.unreached(values.value_of(connection, calling.KEPT)) is not None
    restored.close()


def test_what_is_folded_is_not_done_before_its_summary_is_sent() -> None:
    """The last word of a line that flaps must not be lost with a worker: what it stands in for is done, it itself is not."""
    now, count = [0], {"a": 1, "b": 1, "c": 1, "d": 1}

    def hold(errand: str, many: int) -> None:
        count[errand] += many

    def drop(errand: str) -> None:
        count[errand] -= 1

    telling = Telling(Pigeon(), lambda: [KEEPER], Folding(1_000), mono_ms=lambda: now[0], hold=hold, drop=drop)

    def told(errand: str, notice: Notice) -> None:
        telling.tell(replace(notice, errand=errand))
        drop(errand)

    gone = wording.absent(at_ms=0, post="a", post_name="A", since_ms=0)
    told("a", gone)
    assert count["a"] == 1, "one message is on its way"
    told("b", wording.back(at_ms=0, post="a", post_name="A", since_ms=0))
    told("c", gone)
    assert (count["b"], count["c"]) == (0, 1)
    now[0] = 1_000
    telling.tick()
    assert count["c"] == 1, "now its summary is"
    told("d", wording.absent(at_ms=0, post="b", post_name="B", since_ms=0))
    assert count["d"] == 0, "nobody wants it"
