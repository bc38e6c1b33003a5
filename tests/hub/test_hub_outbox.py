"""From an officer's act to signed bytes on the line, on both databases: kept first, sent until answered, never twice (R2, R47)."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from kengd.errors import KengdError
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import GRACE_MS, REPEAT_MS, Order, State, Target
from kengd.hub.ledger import dispatches, outbox
from kengd.hub.ledger.merging import Heard, merge
from kengd.hub.ledger.store import Ledger
from kengd.hub.roster import Seen
from kengd.wire.entry import Entry
from kengd.wire.orders import Unfit
from kengd.wire.signing import KeyRing, check, public_text
from kengd.wire.topics import all_command_topic, command_topic
from tests.hub.spine_kit import COMMUNE, KEY, KID, T0, Clock, Killed, Mouth, chained, claims_of, said, status

POSTS = ("thon-1", "thon-2", "thon-3")
ALARM = Order("act-00000001", "ring", POSTS, "Đ/c Hùng", "có trộm", "alarm", "actual")
ALL = all_command_topic(COMMUNE)


class Hub:
    """A dispatcher on this ledger; `anew` is the same after a restart."""

    def __init__(self, ledger: Ledger, clock: Clock | None = None, seen: Mapping[str, Seen] | None = None) -> None:
        self.ledger, self.clock, self.mouth = ledger, clock or Clock(), Mouth()
        self.seen = dict(seen or {})
        self.dispatcher = Dispatcher(ledger, COMMUNE, self.mouth, lambda: (KID, KEY), lambda: self.seen, self.clock)

    def anew(self) -> Hub:
        return Hub(self.ledger, self.clock, self.seen)

    def targets(self, act: str = ALARM.id) -> dict[str, Target]:
        with self.ledger.read() as connection:
            return {target.post: target for target in dispatches.targets_of(connection, [act])}

    def states(self, act: str = ALARM.id) -> dict[str, str]:
        return {post: target.state.value for post, target in self.targets(act).items()}

    def tend(self, at_ms: int) -> list[tuple[str, bytes]]:
        """What is said when it is looked after at this moment."""
        self.clock.now_ms = at_ms
        self.dispatcher.tend()
        return self.mouth.taken()

    def hear(self, post: str, *lines: dict[str, Any], book: str = "b") -> None:
        """These lines as a book of the post's own."""
        self.bring([Heard(post, entry, self.clock()) for entry in chained(lines, book=book)])

    def back(self, post: str) -> None:
        """It has just come."""
        with self.ledger.write() as connection:
            self.dispatcher.back(connection, [post])

    def bring(self, batch: Sequence[Heard]) -> None:
        with self.ledger.write() as connection:
            dispatches.answered(connection, merge(connection, batch, self.clock()).fresh)


@pytest.fixture
def hub(ledger: Ledger) -> Hub:
    return Hub(ledger)


def answer(hub: Hub, post: str, kind: str = "received", **more: Any) -> None:
    hub.hear(post, said(kind, command_id=hub.targets()[post].jti, **more), book=f"{post}-{kind}")


def test_one_act_to_many_posts_is_one_publish_of_signed_bytes(hub: Hub) -> None:
    """DESIGN 7: one publish to the commune's topic, signed, for these posts; each post then counts as sent, not more (P9)."""
    hub.dispatcher.dispatch(ALARM)
    ((topic, jws),) = hub.mouth.taken()
    claims = claims_of(jws)
    assert topic == ALL
    assert check(jws, KeyRing({KID: public_text(KEY)})).kid == KID
    assert claims["aud"] == [f"{COMMUNE}/{post}" for post in POSTS]
    assert claims["cmd"] == {"do": "ring", "by": "Đ/c Hùng", "why": "có trộm", "signal": "alarm", "purpose": "actual"}
    assert (claims["iat"], claims["exp"]) == (T0 // 1000, T0 // 1000 + 60)
    assert hub.states() == dict.fromkeys(POSTS, "sent")
    assert {target.jti for target in hub.targets().values()} == {claims["jti"]}


def test_what_was_kept_is_sent_after_a_crash_before_the_first_publish(hub: Hub) -> None:
    """R2: from the commit on it will be sent: a new process finds it and sends it to each post, once."""
    hub.mouth.dies = True
    with pytest.raises(Killed):
        hub.dispatcher.dispatch(ALARM)
    assert hub.states() == dict.fromkeys(POSTS, "waiting")
    with hub.ledger.read() as connection:
        ((command, posts),) = outbox.due(connection, T0 + REPEAT_MS)
    risen = hub.anew()
    assert posts == POSTS
    assert risen.tend(T0 + REPEAT_MS) == [(command_topic(COMMUNE, post), command.jws) for post in POSTS]
    assert risen.states() == dict.fromkeys(POSTS, "sent")


def test_a_crash_before_the_commit_sends_nothing_and_keeps_nothing(hub: Hub) -> None:
    """The other side of it: what was not kept is not sent either; the client asks again."""

    def dies(_connection: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        hub.dispatcher.dispatch(ALARM, also=dies)
    assert (hub.mouth.taken(), hub.states()) == ([], {})
    assert hub.anew().tend(T0 + 60_000) == []


def test_while_the_line_is_down_it_waits_and_goes_out_when_the_line_is_back(hub: Hub) -> None:
    """Nothing is shown as sent that the broker was not given (P9)."""
    hub.mouth.down = True
    hub.dispatcher.dispatch(ALARM)
    assert hub.tend(T0 + 500) == []
    assert hub.states() == dict.fromkeys(POSTS, "waiting")
    hub.mouth.down = False
    assert [topic for topic, _ in hub.tend(T0 + 1_000)] == [command_topic(COMMUNE, post) for post in POSTS]
    assert hub.states() == dict.fromkeys(POSTS, "sent")


def test_only_those_that_have_not_answered_are_sent_the_same_bytes_again(hub: Hub) -> None:
    """DESIGN 7, repeats: every 5 s, the same bytes, to single topics; answered by all it is closed."""
    hub.dispatcher.dispatch(ALARM)
    ((_, jws),) = hub.mouth.taken()
    answer(hub, "thon-2")
    assert hub.tend(T0 + REPEAT_MS - 1) == []
    assert hub.tend(T0 + REPEAT_MS) == [(command_topic(COMMUNE, post), jws) for post in ("thon-1", "thon-3")]
    assert hub.tend(T0 + REPEAT_MS + 1) == []
    answer(hub, "thon-1", "refused", reason="duty")
    assert hub.tend(T0 + 2 * REPEAT_MS) == [(command_topic(COMMUNE, "thon-3"), jws)]
    answer(hub, "thon-3")
    assert hub.tend(T0 + 3 * REPEAT_MS) == []
    with hub.ledger.read() as connection:
        assert outbox.next_due_ms(connection) is None
    assert hub.states() == {"thon-1": "refused", "thon-2": "received", "thon-3": "received"}


def test_without_an_answer_it_ends_with_the_command_and_is_told_once(hub: Hub) -> None:
    """P9: never repeated after its expiry; then `no_answer`, told once; a late answer still counts."""
    hub.dispatcher.dispatch(ALARM)
    hub.mouth.taken()
    exp_ms = hub.targets()["thon-1"].exp_ms
    answer(hub, "thon-2")
    assert len(hub.tend(exp_ms - 1)) == 2
    assert hub.tend(exp_ms + GRACE_MS) == []
    assert hub.states() == {"thon-1": "sent", "thon-2": "received", "thon-3": "sent"}
    hub.clock.now_ms = exp_ms + GRACE_MS + 1
    lapsed, _ = hub.dispatcher.tend()
    assert [(target.post, target.state) for target in lapsed] == [
        ("thon-1", State.NO_ANSWER),
        ("thon-3", State.NO_ANSWER),
    ]
    assert hub.dispatcher.tend()[0] == []
    assert hub.mouth.taken() == []
    answer(hub, "thon-3", "ringing", activation="a" * 16)
    assert hub.states() == {"thon-1": "no_answer", "thon-2": "received", "thon-3": "ringing"}
    assert hub.targets()["thon-3"].ended_ms is None


def test_a_post_that_could_not_read_it_is_sent_it_again_until_it_expires(hub: Hub) -> None:
    """P9: what it could not read was perhaps another's; the repeat is answered, or says the same again."""
    hub.dispatcher.dispatch(replace(ALARM, posts=("thon-1",)))
    hub.mouth.taken()
    hub.hear("thon-1", said("refused", reason="unknown_key"), book="u")
    assert (hub.states(), hub.targets()["thon-1"].reason) == ({"thon-1": "refused"}, "unknown_key")
    assert len(hub.tend(T0 + REPEAT_MS)) == 1
    answer(hub, "thon-1", "ringing", activation="a" * 16)
    assert (hub.states(), hub.tend(T0 + 2 * REPEAT_MS)) == ({"thon-1": "ringing"}, [])


def test_the_worker_is_told_when_to_look_again(hub: Hub) -> None:
    """Neither busy nor late: the next due moment, or a while when there is nothing."""
    assert hub.dispatcher.tend() == ([], T0 + REPEAT_MS)
    hub.dispatcher.dispatch(ALARM)
    assert hub.dispatcher.tend() == ([], T0 + REPEAT_MS)
    hub.mouth.down = True
    hub.clock.now_ms = T0 + REPEAT_MS
    assert hub.dispatcher.tend() == ([], T0 + REPEAT_MS + 500)


def test_a_cancelled_command_is_not_repeated_and_what_the_post_says_counts(hub: Hub) -> None:
    """P9: cancelling sends nothing more to those that were silent; it takes nothing back from those that ring."""
    hub.dispatcher.dispatch(ALARM)
    hub.mouth.taken()
    answer(hub, "thon-1", "ringing", activation="a" * 16)
    with hub.ledger.write() as connection:
        outbox.stop(connection, ["thon-1", "thon-2", "thon-3"], T0, ["another-act"])
        outbox.stop(connection, ["thon-1", "thon-2"], T0, [ALARM.id])
    assert hub.states() == {"thon-1": "ringing", "thon-2": "cancelled", "thon-3": "sent"}
    assert [topic for topic, _ in hub.tend(T0 + REPEAT_MS)] == [command_topic(COMMUNE, "thon-3")]
    answer(hub, "thon-2", "ringing", activation="b" * 16)
    assert hub.states()["thon-2"] == "ringing"


def test_a_post_that_comes_back_is_sent_its_command_at_once(hub: Hub) -> None:
    """Not after up to 5 s: those that have just come are waited for by a village."""
    hub.dispatcher.dispatch(ALARM)
    hub.mouth.taken()
    answer(hub, "thon-1")
    hub.back("thon-1")
    assert hub.tend(T0 + 1) == []
    hub.back("thon-2")
    assert (command_topic(COMMUNE, "thon-2") in [topic for topic, _ in hub.tend(T0 + 2)]) is True
    hub.clock.now_ms = hub.targets()["thon-2"].exp_ms
    hub.back("thon-2")
    assert hub.tend(hub.clock.now_ms) == []


def test_the_same_id_is_the_same_act_and_rings_once(hub: Hub) -> None:
    """R47: one press that sends many, a page that sends again after a restart: one dispatch, one publish."""
    first = hub.dispatcher.dispatch(ALARM)
    assert hub.dispatcher.dispatch(replace(ALARM, posts=POSTS[::-1])) == first
    risen = hub.anew()
    assert risen.dispatcher.dispatch(ALARM) == first
    assert (len(hub.mouth.taken()), risen.mouth.taken()) == (1, [])


OTHERS: list[dict[str, Any]] = [
    {"posts": POSTS[:2]}, {"signal": "all_clear"}, {"purpose": "drill"}, {"why": None}, {"by": "Đ/c Lan"},
    {"at_s": T0 // 1000 + 30}, {"gap_s": 5},
]  # fmt: skip


def test_the_same_id_for_another_act_is_refused(hub: Hub) -> None:
    """R47: an id is used for one act only; the other one is not sent."""
    hub.dispatcher.dispatch(ALARM)
    hub.mouth.taken()
    for other in OTHERS:
        with pytest.raises(KengdError) as refused:
            hub.dispatcher.dispatch(replace(ALARM, **other))
        assert (refused.value.code, hub.mouth.taken()) == ("id_reused", [])
        assert hub.states() == dict.fromkeys(POSTS, "sent")


def test_a_hush_whose_id_was_used_is_said_and_followed_under_its_own(hub: Hub) -> None:
    """H14, R47: a hush is never swallowed; said twice it is still one act."""
    hub.dispatcher.dispatch(ALARM)
    hub.mouth.taken()
    hush = replace(ALARM, do="hush", signal=None, purpose=None, activations={"thon-1": "a" * 16})
    once, twice = hub.dispatcher.dispatch(hush), hub.dispatcher.dispatch(hush)
    assert {claims_of(jws)["cmd"]["do"] for _, jws in hub.mouth.taken()} == {"hush"}
    assert (once.id == ALARM.id, once) == (False, twice)
    with hub.ledger.read() as connection:
        followed = {target.post: target.state.value for target in dispatches.targets_of(connection, [once.id])}
    assert (followed, hub.states()) == (dict.fromkeys(POSTS, "sent"), dict.fromkeys(POSTS, "sent"))


def test_two_orders_that_differ_only_in_what_they_set_are_two_acts(hub: Hub) -> None:
    """R47: silence until eight and silence until nine are not the same."""
    silence = Order("act-00000002", "silence", ("thon-1",), "Đ/c Hùng", facts={"until": T0 // 1000 + 3600})
    hub.dispatcher.dispatch(silence)
    with pytest.raises(KengdError) as refused:
        hub.dispatcher.dispatch(replace(silence, facts={"until": T0 // 1000 + 7200}))
    assert refused.value.code == "id_reused"


def test_an_order_that_no_post_would_understand_is_refused_whole(hub: Hub) -> None:
    """Nothing is kept and nothing is sent of it."""
    with pytest.raises(Unfit):
        hub.dispatcher.dispatch(replace(ALARM, signal="ALARM!"))
    assert (hub.mouth.taken(), hub.states()) == ([], {})


def test_two_workers_given_the_same_act_at_once_make_it_once(postgres_url: str) -> None:
    """R47 with several workers: the client's second try meets another worker; both say that it is done."""
    hubs = [Hub(Ledger(postgres_url)) for _ in range(2)]
    for n in range(8):
        order = replace(ALARM, id=f"act-{n:08}")
        together = threading.Barrier(2)
        made: list[object] = []

        def press(hub: Hub, order: Order = order, together: threading.Barrier = together) -> None:
            together.wait(20)
            made.append(hub.dispatcher.dispatch(order))  # noqa: B023

        threads = [threading.Thread(target=press, args=(hub,)) for hub in hubs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(made) == 2 and made[0] == made[1]
        assert len(hubs[0].mouth.taken() + hubs[1].mouth.taken()) == 1
    for hub in hubs:
        hub.ledger.close()


def test_two_workers_never_both_send_the_same_command(postgres_url: str) -> None:
    """STACK 7: a command that one worker is sending is passed over by the other, not waited for, not sent twice."""
    hubs = [Hub(Ledger(postgres_url)) for _ in range(2)]
    hubs[0].mouth.down = True
    for n in range(40):
        hubs[0].dispatcher.dispatch(replace(ALARM, id=f"act-{n:08}", posts=(f"thon-{n}",)))
    hubs[0].mouth.down = False
    together = threading.Barrier(2)

    def work(hub: Hub) -> None:
        hub.clock.now_ms = T0 + 1_000
        together.wait(20)
        hub.dispatcher.tend()

    threads = [threading.Thread(target=work, args=(hub,)) for hub in hubs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(topic for hub in hubs for topic, _ in hub.mouth.taken()) == sorted(
        command_topic(COMMUNE, f"thon-{n}") for n in range(40)
    )
    with hubs[0].ledger.write() as first, hubs[1].ledger.write() as second:
        mine = outbox.due(first, T0 + 10_000, limit=25)
        others = outbox.due(second, T0 + 10_000)
        assert (len(mine), len(others)) == (25, 15)
        assert {command.jti for command, _ in mine}.isdisjoint(command.jti for command, _ in others)
    for hub in hubs:
        hub.ledger.close()


def test_a_post_whose_clock_is_not_trusted_is_addressed_alone_with_its_nonce(ledger: Ledger) -> None:
    """H22: it gets its own publish with its nonce; the others share one, and nobody says `*`."""
    seen = {"thon-2": Seen(status(clock="untrusted", nonce="cd" * 16), True, T0, T0, True)}
    hub = Hub(ledger, seen=seen)
    hub.dispatcher.dispatch(ALARM, everyone=True)
    found = {topic: claims_of(jws) for topic, jws in hub.mouth.taken()}
    assert {topic: (claims["aud"], claims.get("nonce")) for topic, claims in found.items()} == {
        command_topic(COMMUNE, "thon-2"): (f"{COMMUNE}/thon-2", "cd" * 16),
        ALL: ([f"{COMMUNE}/thon-1", f"{COMMUNE}/thon-3"], None),
    }


def test_when_our_own_clock_is_wrong_everybody_is_addressed_with_a_nonce(ledger: Ledger) -> None:
    """H22: most trusted clocks disagree with ours: then each post is told with its nonce, whatever its clock."""
    seen = {
        post: Seen(status(nonce=f"{n:032x}"), True, T0, T0, True, ahead_ms=ahead)
        for n, (post, ahead) in enumerate(zip(POSTS, (60_000, 60_000, 0), strict=True))
    }
    hub = Hub(ledger, seen=seen)
    hub.dispatcher.dispatch(ALARM, everyone=True)
    assert {topic: claims_of(jws)["nonce"] for topic, jws in hub.mouth.taken()} == {
        command_topic(COMMUNE, post): f"{n:032x}" for n, post in enumerate(POSTS)
    }


def test_a_replay_is_asked_for_once_and_kept_nowhere(hub: Hub) -> None:
    """It is answered by the entries themselves; the next gap asks again."""
    hub.dispatcher.ask({"do": "replay", "book": "b" * 16, "after_seq": 4}, "thon-1")
    ((topic, jws),) = hub.mouth.taken()
    assert (topic, claims_of(jws)["cmd"]) == (
        command_topic(COMMUNE, "thon-1"),
        {"do": "replay", "book": "b" * 16, "after_seq": 4},
    )
    assert hub.tend(T0 + 60_000) == []


HUSH = Order("act-00000009", "hush", ("thon-1",), "Đ/c Hùng")
A = "a" * 16


def hush_book(jti: str) -> list[Entry]:
    """Pressed twice; the first press ends by itself while the alarm goes on; then a hush ends it (what the post writes)."""
    return chained([
        said("ringing", activation=A, signal="alarm", purpose="actual", source="button"),
        said("ringing", activation=A, signal="alarm", purpose="actual", source="button", detail={"joined": True, "cause": "c2"}),
        said("finished", activation=A, signal="alarm", purpose="actual"),
        said("received", command_id=jti, source="hub", detail={"ended": [A]}),
        said("cut", activation=A, reason="hushed", detail={"cause": "c2", "hushed_by": {"source": "hub"}}),
    ])  # fmt: skip


def test_a_hush_is_done_when_what_it_named_has_ended_in_whatever_order_that_is_heard(hub: Hub) -> None:
    """P9, P13: an earlier end of one of several causes is not the end of the sound, in whatever order and batches it comes."""
    for seed in range(8):
        act, post = f"act-hush-{seed}", f"thon-{seed}"
        hub.dispatcher.dispatch(replace(HUSH, id=act, posts=(post,)))
        book = hush_book(hub.targets(act)[post].jti)
        received, cut = book[3], book[4]
        chance = random.Random(seed)
        come = [*book, chance.choice(book)]
        chance.shuffle(come)
        known: set[int] = set()
        for entry in come:
            hub.bring([Heard(post, entry, T0)])
            known.add(entry.seq)
            expected = "sent" if received.seq not in known else "done" if cut.seq in known else "received"
            assert hub.states(act) == {post: expected}


def test_an_answer_that_is_stored_before_the_hush_itself_counts(hub: Hub) -> None:
    """A hush is said before it is written down, and another worker may store the post's answer in between."""
    others = Ledger(hub.ledger.engine.url.render_as_string(hide_password=False))

    def answers(topic: str, jws: bytes, **_: Any) -> int:
        book = hush_book(claims_of(jws)["jti"])
        with others.write() as connection:
            dispatches.answered(connection, merge(connection, [Heard("thon-1", one, T0) for one in book], T0).fresh)
        return 1

    hub.mouth.publish = answers  # type: ignore[assignment, method-assign]
    hub.dispatcher.dispatch(HUSH)
    others.close()
    assert hub.states(HUSH.id) == {"thon-1": "done"}


def test_an_answer_that_is_being_stored_while_the_hush_is_written_counts(postgres_url: str) -> None:
    """The same with two transactions side by side, neither of which sees the other's rows."""
    hub, others = Hub(Ledger(postgres_url)), Ledger(postgres_url)
    storing, written = threading.Event(), threading.Event()

    def store(jti: str) -> None:
        with others.write() as connection:
            fresh = merge(connection, [Heard("thon-1", one, T0) for one in hush_book(jti)], T0).fresh
            dispatches.answered(connection, fresh)
            storing.set()
            written.wait(0.5)

    def answers(topic: str, jws: bytes, **_: Any) -> int:
        threading.Thread(target=store, args=(claims_of(jws)["jti"],)).start()
        assert storing.wait(10)
        return 1

    hub.mouth.publish = answers  # type: ignore[assignment, method-assign]
    hub.dispatcher.dispatch(HUSH)
    written.set()
    assert hub.states(HUSH.id) == {"thon-1": "done"}
    for ledger in (hub.ledger, others):
        ledger.close()


def test_a_hush_of_several_things_is_done_with_the_last_of_them(hub: Hub) -> None:
    """A sounding and a waiting start are ended by one hush."""
    hub.dispatcher.dispatch(HUSH)
    jti = hub.targets(HUSH.id)["thon-1"].jti
    book = chained([
        said("received", command_id=jti, detail={"ended": [A, "w"]}),
        said("cut", activation=A, reason="hushed"),
        said("cut", activation="w", reason="hushed", detail={"before_start": True}),
    ])  # fmt: skip
    for entry, expected in zip(book, ("received", "received", "done"), strict=True):
        hub.bring([Heard("thon-1", entry, T0)])
        assert hub.states(HUSH.id) == {"thon-1": expected}


def test_an_answer_of_another_post_changes_nothing(hub: Hub) -> None:
    """P9: several posts share a command's id; each speaks for itself."""
    hub.dispatcher.dispatch(ALARM)
    answer(hub, "thon-1", "ringing", activation=A)
    hub.hear("thon-9", said("ringing", command_id=hub.targets()["thon-2"].jti, activation=A))
    assert hub.states() == {"thon-1": "ringing", "thon-2": "sent", "thon-3": "sent"}
