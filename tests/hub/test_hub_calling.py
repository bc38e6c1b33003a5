"""Calling people when nobody takes an alarm: who was called is who could be told, and that nobody could be is a condition (H6, P9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from kengd.clock import unix_ms, zone
from kengd.hub import calling
from kengd.hub.calling import NOBODY, Unreached, nobody_reached, of_turn, unreached
from kengd.hub.incidents import Callee, Incident
from kengd.hub.ledger import incidents, notices, people, values
from kengd.hub.ledger.notices import Sent
from kengd.hub.notices.words import Channel, Notice, NoticeFailed
from kengd.hub.people.words import Officer
from kengd.hub.tidings import Tiding
from tests.hub.spine_kit import T0
from tests.hub.town_kit import ALARM, HUNG, ROSTER, Town

PEOPLE = [Callee("o1", "Đ/c Hùng"), Callee("o2", "Đ/c Mai"), Callee("k1", "Bà Lan")]


def of(incident: Incident, *people: Callee) -> list[Tiding]:
    return of_turn(incident, (HUNG,), ROSTER, people, 60, T0 + 1_000)


def test_whose_turn_it_is_goes_round_until_somebody_takes_it() -> None:
    """H6: officers by rank, then the post's keepers, over and over; one person each time; nobody when it is taken or over."""
    found = [of(replace(ALARM, turns=turns), *PEOPLE) for turns in (1, 2, 3, 4)]
    assert [[(one.key, one.to) for one in told] for told in found] == [
        [("told:call:i1:1", "o1")], [("told:call:i1:2", "o2")], [("told:call:i1:3", "k1")], [("told:call:i1:4", "o1")],
    ]  # fmt: skip
    notice = found[1][0].notice
    assert notice is not None and (notice.incident, notice.turn) == ("i1", 2)
    assert "sau 120 giây" in notice.body_vi and "Đ/c Mai" in notice.body_vi
    assert notice.title_vi == "CHƯA AI NHẬN: Kẻng thôn 1" and "CHƯA AI" not in notice.body_vi, "said once"
    assert "nhận xử lý ngay trên máy trực ban" in notice.body_vi
    keeper = found[2][0].notice
    assert keeper is not None and "Bà Lan đến xem ngay, gọi Công an xã hoặc 113" in keeper.body_vi
    assert "máy trực ban" not in keeper.body_vi + keeper.short_vi, "a keeper has no log-in there"
    (known,) = of_turn(replace(ALARM, turns=3), (HUNG,), ROSTER, PEOPLE, 60, T0 + 1_000, phone="0220 3 888 999")
    assert known.notice is not None and "gọi Công an xã (0220 3 888 999) hoặc 113" in known.notice.short_vi
    for over in ({"acknowledged_ms": T0 + 5}, {"closed_ms": T0 + 5}, {"turns": 0}, {"purpose": "drill"}):
        assert of(replace(ALARM, **({"turns": 3} | over)), *PEOPLE) == []


def test_whom_nothing_can_reach_has_no_turn_and_an_officer_sees_it() -> None:
    """P9: the next one is called at once; the one without a number stands in the list of what could not be said, once."""
    mute = replace(PEOPLE[0], reachable=False)
    for turn, who in ((1, "o2"), (2, "k1"), (3, "o2")):
        assert [(one.key, one.to) for one in of(replace(ALARM, turns=turn), mute, *PEOPLE[1:])] == [
            ("told:uncalled:i1:o1", "o1"), (f"told:call:i1:{turn}", who),
        ]  # fmt: skip
    assert [(one.key, one.to) for one in of(replace(ALARM, turns=1), mute)] == [
        ("told:uncalled:i1:o1", "o1"), ("told:call:i1:1", NOBODY),
    ]  # fmt: skip
    assert [one.to for one in of(replace(ALARM, turns=1))] == [NOBODY]


def tried(to: str, ok: bool, errand: str) -> Sent:
    return Sent(T0, "unacknowledged", to, "sms", "", ok, incident="i1", errand=errand)


def test_nobody_is_reached_when_everybody_was_tried_in_vain_since_somebody_last_was() -> None:
    """One after the other; somebody reached begins the count anew; by one of two ways is reached."""
    everybody = {"o1", "k1"}
    vain = [tried("o1", False, "1"), tried("k1", False, "2")]
    assert nobody_reached(vain, everybody) and nobody_reached([], set())
    assert not nobody_reached(vain[:1], everybody)
    assert not nobody_reached([*vain[:1], tried("k1", True, "2")], everybody)
    assert nobody_reached([tried("o1", True, "0"), *vain], everybody)
    assert not nobody_reached([vain[0], tried("o1", True, "1"), vain[1]], everybody)
    assert not nobody_reached([tried("o1", True, "1"), *vain], everybody), "the other of his two ways failed"
    assert not nobody_reached([tried("webhook-1", False, "1"), *vain[:1]], everybody)
    kept = Unreached(T0, "i1", "hết tiền")
    assert unreached(kept.kept()) == kept and unreached(None) is None
    assert "hết tiền" in calling.condition(kept)["vi"] and calling.condition(kept)["cure"]


# ---- the whole way, with services that take it or do not


class Service:
    """Takes everything, or says why not. `fails`: the code of each refusal."""

    def __init__(self) -> None:
        self.broken = False
        self.got: list[str] = []

    def __call__(self, notice: Notice, channel: Channel) -> str:
        if self.broken:
            raise NoticeFailed("notice_refused", "tài khoản hết tiền", retry=False, cure="nạp tiền")
        self.got.append(notice.kind.value)
        return "đã nhận"


def turn_comes(town: Town) -> Incident:
    """As the clockwork does it a minute later; then the herald looks, and all that it sends comes to its end."""
    herald = town.heralds[0] if town.heralds else town.herald()
    with town.ledger.write() as connection:
        town.clock.now_ms += 60_000
        incidents.turn_came(connection, "i1", town.clock.now_ms + 60_000)
    herald.turn()
    town.arrived(herald)
    with town.ledger.read() as connection:
        found = incidents.find(connection, "i1")
    assert found is not None
    return found


def kept(town: Town) -> Unreached | None:
    with town.ledger.read() as connection:
        return unreached(values.value_of(connection, calling.KEPT))


def test_called_is_who_a_service_has_taken_the_notice_for(town: Town) -> None:
    """P9: one call for each person's turn, however many ways he has; of a failure it says who, when and why, and no address (P12)."""
    town.deliver = service = Service()
    town.alarm()
    assert [(now.turns, now.calls) for now in (turn_comes(town), turn_comes(town))] == [(1, 1), (2, 2)]
    service.broken = True
    found = turn_comes(town)
    assert (found.turns, found.calls) == (3, 2)
    with town.ledger.read() as connection:
        (failed,) = notices.newest(connection, failed=True)
        assert notices.failed_since(connection, T0) == 1
    assert (failed.to, failed.kind, failed.channel) == ("o1", "unacknowledged", "webhook hung.example")
    assert failed.detail == "tài khoản hết tiền; cách sửa: nạp tiền" and (failed.incident, failed.turn) == ("i1", 3)
    assert kept(town) is None, "the keeper was reached a minute ago, and has not been tried since"


def test_that_nobody_could_be_reached_is_a_condition_until_somebody_is(town: Town) -> None:
    """H6: raised when the whole list was tried in vain, once; it stays when the alarm is over, for the next one would be the same;
    and clears by itself with the first notice that gets through to a person."""
    town.deliver = service = Service()
    service.broken = True
    town.alarm()
    assert turn_comes(town).calls == 0
    first = kept(town)
    assert first == Unreached(T0 + 61_000, "i1", "tài khoản hết tiền; cách sửa: nạp tiền")
    assert (turn_comes(town).calls, kept(town)) == (0, first)
    with town.ledger.write() as connection:
        incidents.acknowledge(connection, "i1", "Đ/c Hùng", town.clock.now_ms)
    assert kept(town) == first
    service.broken = False
    town.heralds[0].turn()
    town.arrived(town.heralds[0])
    assert (set(service.got), kept(town)) == ({"taken"}, None)


def test_nobody_has_an_address_and_the_desk_says_so(town: Town) -> None:
    """A person without number or channel is not called; with only such people it is a condition at once, and again after something
    else could be told to somebody else."""
    with town.ledger.write() as connection:
        people.put_officer(connection, Officer("o1", "a", "Đ/c Hùng", "chief"))
        incidents.add(connection, replace(ALARM, post="thon-2"))
        incidents.sound(connection, [replace(HUNG, post="thon-2")])
    assert (turn_comes(town).calls, kept(town)) == (0, Unreached(T0 + 61_000, "i1", calling.NOBODY_VI))
    with town.ledger.write() as connection:
        failed = [(one.to, one.detail) for one in notices.newest(connection, failed=True)]
        assert sorted(failed) == [(NOBODY, calling.NOBODY_VI), ("k3", calling.NO_WAY_VI), ("o1", calling.NO_WAY_VI)]
        values.put_value(connection, calling.KEPT, None)
    town.seen = {}
    assert (turn_comes(town).calls, kept(town)) == (0, Unreached(T0 + 121_000, "i1", calling.NOBODY_VI))


def test_the_morning_says_that_nobody_could_be_reached_and_whom_that_reaches_clears_it(town: Town) -> None:
    """R26: not in the night, once a day while it lasts; the officers' own notices are the proof that they can be reached again."""
    found = Unreached(T0, "i1", "hết tiền")
    six = unix_ms(datetime(2026, 12, 8, 6, tzinfo=zone()))
    assert calling.of_morning(found, six - 1) == calling.of_morning(None, six) == []
    first, later, next_day = (calling.of_morning(found, at_ms)[0] for at_ms in (six, six + 3_600_000, six + 86_400_000))
    assert (first.key, first.groups) == (later.key, ("officers",)) and next_day.key != first.key
    assert first.notice is not None and "hết tiền" in first.notice.body_vi and calling.CURE_VI in first.notice.body_vi
    town.clock.now_ms, town.seen = six, {}
    with town.ledger.write() as connection:
        values.put_value(connection, calling.KEPT, found.kept())
    herald = town.herald()
    herald.turn()
    town.arrived(herald)
    assert town.spoken.take(1) == [("webhook hung.example", "Không gọi được ai khi có báo động")]
    assert kept(town) is None
