"""Clocks that are wrong or are put (H22), and answers that come before their question is written down: what the hub makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from kengd import clock
from kengd.duty.standing import Sounding
from kengd.duty.words import Instant, Purpose, Source
from kengd.hub import chains
from kengd.hub.absences import EVERYBODY, Line, of_presence
from kengd.hub.chains import Chain, ask_from, asked
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import REPEAT_MS, Order, State
from kengd.hub.following import RECENT_MS, Following, began_in, began_of
from kengd.hub.incidents import Incident
from kengd.hub.ledger import dispatches, incidents, outbox
from kengd.hub.ledger.merging import Heard, merge
from kengd.hub.ledger.outbox import STEPPED_MS
from kengd.hub.ledger.store import Ledger
from kengd.hub.roster import STALE_MS, Post, Roster, Seen, clock_vi, hub_clock_wrong
from kengd.hub.service import ALARMS
from kengd.hub.watch import Watch
from kengd.wire.entry import format_at
from kengd.wire.status import build_status
from kengd.wire.topics import command_topic
from tests.hub.spine_kit import (
    BOOK,
    COMMUNE,
    KEY,
    KID,
    T0,
    Clock,
    Mouth,
    chained,
    claims_of,
    heard,
    said,
    status,
    true_book,
)

HOUR_MS = 3_600_000
YEARS_MS = 5 * 365 * 24 * HOUR_MS
ROSTER = Roster((Post("thon-1", "Điểm 1"), Post("thon-2", "Điểm 2"), Post("thon-3", "Điểm 3")))
RING = Order("act-00000001", "ring", ("thon-1",), "Đ/c Hùng", "có trộm", "alarm", "actual")


@dataclass
class Wall:
    """The hub's clock as `kengd.clock` tells it; the monotonic ones run on as they do."""

    ahead_ms: int = 0

    def __call__(self) -> Instant:
        return Instant(_true().mono_ms, _true().wall_ms + self.ahead_ms)


_true = clock.now


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    put = Wall()
    monkeypatch.setattr(clock, "now", put)
    return put


def now_ms() -> int:
    return clock.now().wall_ms


def speak(watch: Watch, post: str, at_ms: int, *, retained: bool = False, **more: Any) -> Seen:
    """A status of this moment by the post's clock."""
    assert watch.status(post, build_status(status(at_ms=at_ms, **more)), retained=retained, now_ms=now_ms())
    return watch.seen(post)


# ---- who is there


@pytest.mark.parametrize("by_ms", [HOUR_MS, -HOUR_MS, YEARS_MS, -YEARS_MS])
def test_our_clock_is_put_and_nobody_is_lost_or_kept_by_it(wall: Wall, by_ms: int) -> None:
    """P9: how long ago somebody spoke does not change; that the clocks now differ is known before anybody has spoken again."""
    watch = Watch(lambda *_: None)
    for post in ("thon-1", "thon-2"):
        speak(watch, post, now_ms())
    gone = replace(watch.seen("thon-1"), heard_ms=now_ms() - STALE_MS - 1_000)
    watch._seen["thon-3"] = gone
    wall.ahead_ms = by_ms
    found = watch.all()
    assert {post: seen.is_present(now_ms()) for post, seen in found.items()} == {
        "thon-1": True, "thon-2": True, "thon-3": False
    }  # fmt: skip
    assert hub_clock_wrong(found.values(), now_ms())
    assert [seen.needs_nonce() for seen in found.values()] == [True] * 3
    assert of_presence(ROSTER, {**found, "thon-3": Seen()}, Line(True, now_ms() - by_ms - HOUR_MS), {}, now_ms()) == []
    again = speak(watch, "thon-1", now_ms())
    assert (again.live, again.odd, again.needs_nonce(), again.since_ms) == (
        True,
        False,
        False,
        found["thon-1"].since_ms,
    )


def test_a_clock_that_drifts_is_not_put(wall: Wall) -> None:
    """A second that NTP takes back says nothing."""
    watch = Watch(lambda *_: None)
    before = speak(watch, "thon-1", now_ms())
    wall.ahead_ms = 1_500
    assert watch.seen("thon-1") == before


@pytest.mark.parametrize("off_ms", [HOUR_MS, -HOUR_MS, YEARS_MS, -YEARS_MS])
def test_what_the_broker_kept_under_another_clock_is_answered_with_care(wall: Wall, off_ms: int) -> None:
    """H22: a hub that has just started knows nothing else; the nonce is right whichever clock is wrong. Not so for what fits."""
    watch = Watch(lambda *_: None)
    assert speak(watch, "thon-1", now_ms() + off_ms, retained=True).needs_nonce()
    assert not speak(watch, "thon-2", now_ms() - 50_000, retained=True).needs_nonce()
    assert not speak(watch, "thon-1", now_ms()).needs_nonce()


def test_nobody_is_told_of_absences_that_may_only_be_another_clock(wall: Wall) -> None:
    """P9, H17: a present post speaks once a minute: until that has passed an old time in what the broker kept proves nothing."""
    watch = Watch(lambda *_: None)
    for post in ("thon-1", "thon-2"):
        speak(watch, post, now_ms() - HOUR_MS, retained=True)
    up_ms = now_ms()
    early, late = up_ms + STALE_MS - 1, up_ms + STALE_MS
    assert of_presence(ROSTER, watch.all(), Line(True, up_ms), {}, early) == []
    assert [tiding.key for tiding in of_presence(ROSTER, watch.all(), Line(True, up_ms), {}, late)] == [EVERYBODY]


def test_a_clock_put_back_silences_no_news_of_absences(wall: Wall) -> None:
    """The line seems to be up since a time that has not come: it is judged all the same."""
    gone = Seen(status(), False, T0 - HOUR_MS, T0 - HOUR_MS)
    line = Line(True, T0 + HOUR_MS)
    assert [tiding.key for tiding in of_presence(ROSTER, {"thon-1": gone}, line, {}, T0)] == ["lost:thon-1"]
    assert [tiding.key for tiding in of_presence(ROSTER, {"thon-1": gone}, replace(line, up=False), {}, T0)] == [
        EVERYBODY
    ]


@pytest.mark.parametrize(
    ("ahead_ms", "more", "vi"),
    [
        (0, {}, None),
        (-10_000, {}, None),
        (15_400, {}, "đồng hồ nhanh 15 giây so với máy trực ban"),
        (-HOUR_MS + 40, {}, "đồng hồ chậm 60 phút so với máy trực ban"),
        (3 * HOUR_MS, {}, "đồng hồ nhanh 3 giờ 0 phút so với máy trực ban"),
        (-YEARS_MS, {}, "đồng hồ chậm 1825 ngày so với máy trực ban"),
        (-YEARS_MS, {"clock": "untrusted"}, "đồng hồ chưa tin được"),
    ],
)
def test_the_officer_reads_what_is_wrong_with_a_clock(ahead_ms: int, more: dict[str, Any], vi: str | None) -> None:
    """H22, in Vietnamese: how far, and what comes of it."""
    seen = Seen(status(**more), True, T0, T0, True, ahead_ms)
    assert (clock_vi(seen) or "").partition(":")[0] == (vi or "")
    assert clock_vi(replace(seen, live=False)) is None, "nobody knows"
    assert (clock_vi(seen, hub_wrong=True) is None) is (seen.status is not None and seen.status.clock == "ntp")


# ---- alarms


def pressed(at_ms: int) -> Heard:
    """A button's alarm, heard at T0."""
    [bare] = true_book(1)
    facts: dict[str, Any] = {
        "activation": "a" * 16,
        "signal": "alarm",
        "purpose": "actual",
        "source": "button",
        "place": "đình",
    }
    entry = replace(bare, kind="ringing", at=format_at(at_ms), reason=None, **facts)
    return heard("thon-1", [entry])[0]


@pytest.mark.parametrize("off_ms", [HOUR_MS, -HOUR_MS, YEARS_MS, -YEARS_MS])
def test_an_alarm_under_a_wrong_clock_is_no_history(ledger: Ledger, off_ms: int) -> None:
    """H22: the post's clock or ours, years back or an hour ahead: somebody is called."""
    following = Following(lambda: ROSTER, ALARMS, 60, lambda _: off_ms)
    with ledger.write() as connection:
        following.within(connection, [pressed(T0 + off_ms)])
        [incident] = incidents.open_ones(connection)
    assert (incident.began_ms, incident.call_due_ms) == (T0, T0 + 60_000)


def test_history_under_a_wrong_clock_stays_history() -> None:
    """A week that is caught up with, by a post whose clock is an hour slow."""
    week_ms = 7 * 24 * HOUR_MS
    began = began_in(pressed(T0 - week_ms - HOUR_MS), -HOUR_MS)
    assert (began.began_ms, began.recent) == (T0 - week_ms, False)


def test_a_word_that_came_late_does_not_move_the_time_of_an_alarm() -> None:
    """P9: the hub was away for 45 s and takes what lay at the broker for a slow clock; the alarm began when its post says."""
    began = began_in(pressed(T0 - 45_000), -44_600)
    assert (began.began_ms, began.recent) == (T0 - 45_000, True)


def test_what_sounds_now_is_no_history_whatever_its_entry_said(ledger: Ledger) -> None:
    """The entry came first and seemed old; the post says that it sounds: then somebody is called, once, and only if nobody has it."""
    following = Following(lambda: ROSTER, ALARMS, 60)
    now = began_of("thon-1", Sounding("a" * 16, "alarm", Purpose.ACTUAL, Source.BUTTON, T0, None), T0 + 700)
    with ledger.write() as connection:
        following.within(connection, [pressed(T0 - RECENT_MS)])
        assert [one.call_due_ms for one in incidents.open_ones(connection)] == [None]
        for again in (now, replace(now, heard_ms=T0 + 9_000)):
            following.begin(connection, [again])
            [incident] = incidents.open_ones(connection)
            assert (incident.began_ms, incident.call_due_ms) == (T0 + 700, T0 + 60_700)
        incidents.acknowledge(connection, incident.id, "Hùng", T0)
        following.begin(connection, [replace(now, heard_ms=T0 + 99_000)])
        assert [one.call_due_ms for one in incidents.open_ones(connection)] == [None]


def test_a_clock_put_back_stops_no_calls(ledger: Ledger) -> None:
    """H6: the next person was to be called at a moment that is now an hour away."""
    with ledger.write() as connection:
        incidents.add(connection, Incident("i", "alarm", T0, call_due_ms=T0 + 60_000))
        assert incidents.calls_due(connection, T0, 60_000) == []
        assert [one.id for one in incidents.calls_due(connection, T0 - HOUR_MS, 60_000)] == ["i"]


# ---- commands


class Desk:
    """A dispatcher with a clock that a test puts."""

    def __init__(self, ledger: Ledger, mouth: Mouth | None = None) -> None:
        self.ledger, self.clock, self.mouth = ledger, Clock(), mouth or Mouth()
        self.seen: dict[str, Seen] = {}
        self.dispatcher = Dispatcher(ledger, COMMUNE, self.mouth, lambda: (KID, KEY), lambda: self.seen, self.clock)

    def states(self, act: str = RING.id) -> list[State]:
        with self.ledger.read() as connection:
            return [target.state for target in dispatches.targets_of(connection, [act])]


def test_our_clock_put_forward_or_back_sends_nothing_after_its_time(ledger: Ledger) -> None:
    """P5: a command whose age nobody knows any more is not repeated; it shows as not answered, which it was not."""
    for number, by_ms in enumerate((HOUR_MS, -HOUR_MS)):
        desk = Desk(ledger)
        act = f"act-put-{number:04}"
        desk.dispatcher.dispatch(replace(RING, id=act))
        desk.mouth.taken()
        desk.clock.now_ms += by_ms
        lapsed, _ = desk.dispatcher.tend()
        assert ([target.state for target in lapsed], desk.mouth.taken()) == ([State.NO_ANSWER], [])
        assert desk.states(act) == [State.NO_ANSWER]


def test_our_clock_put_back_a_little_leaves_no_repeat_waiting(ledger: Ledger) -> None:
    """R2: what is due in five seconds is not due in an hour."""
    desk = Desk(ledger)
    desk.dispatcher.dispatch(RING)
    [(_, jws)] = desk.mouth.taken()
    with ledger.write() as connection:
        outbox.put_off(connection, claims_of(jws)["jti"], T0 + STEPPED_MS + 10_000)
    desk.clock.now_ms += 100
    _, next_ms = desk.dispatcher.tend()
    assert desk.mouth.taken() == [(command_topic(COMMUNE, "thon-1"), jws)]
    assert next_ms == desk.clock.now_ms + REPEAT_MS


class Quick(Mouth):
    """A post that has obeyed, and been heard, before the hub goes on to its next line."""

    ledger: Ledger

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, flush: bool = True) -> int | None:
        jti, activation = claims_of(payload)["jti"], "a" * 16
        lines = [
            said("received", command_id=jti, activation=activation, detail={"ended": [activation]}),
            said("cut", activation=activation, reason="hushed"),
        ]
        with self.ledger.write() as connection:
            fresh = merge(connection, heard("thon-1", chained(lines, book=BOOK)), T0).fresh
            dispatches.answered(connection, fresh)
        return super().publish(topic, payload, retain=retain, flush=flush)


def test_a_hush_that_is_obeyed_before_it_is_written_down_is_done(ledger: Ledger) -> None:
    """P9: a hush goes out before it is kept; the answer of a quick post lies in the book by then and is looked for."""
    quick = Quick()
    quick.ledger = ledger
    desk = Desk(ledger, quick)
    desk.dispatcher.dispatch(Order("hush-00000001", "hush", ("thon-1",), "Đ/c Hùng"))
    assert desk.states("hush-00000001") == [State.DONE]
    desk.clock.now_ms += REPEAT_MS
    quick.said.clear()
    desk.dispatcher.tend()
    assert quick.said == []


# ---- books


def test_a_gap_is_asked_for_whatever_our_clock_does() -> None:
    """P8: a question that seems to have been asked in an hour's time, and one that was asked in vain too often."""
    gap = Chain("thon-1", BOOK, seq=3, known_seq=9, gap_ms=T0)
    assert ask_from(gap, T0 - HOUR_MS) == 3
    again = asked(gap, T0)
    assert (ask_from(again, T0 + 59_999), ask_from(again, T0 - HOUR_MS)) == (None, 3)
    tired = replace(gap, asked_ms=T0, asks=chains.MOST_ASKS + 1)
    assert [ask_from(tired, T0 + ms) for ms in (chains.ASK_AGAIN_MS, chains.ASK_RARELY_MS)] == [None, 3]


def test_a_whole_book_is_asked_for_at_once_and_then_at_most_once_a_minute() -> None:
    """A post whose every link is wrong does not send its book all day."""
    doubt = replace(Chain("thon-1", BOOK, seq=9, known_seq=9, wrong_seq=9, wrong="broken"), asks=chains.WHOLE)
    assert ask_from(doubt, T0) == 0
    done = asked(doubt, T0)
    assert (done.asks, ask_from(done, T0 + HOUR_MS)) == (0, None)
    more = replace(done, asks=chains.WHOLE)
    assert [ask_from(more, T0 + ms) for ms in (59_999, 60_000)] == [None, 0]
