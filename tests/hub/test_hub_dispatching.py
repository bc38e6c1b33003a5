"""A dispatch followed: per post what that post said and nothing more, in whatever order and how often it is heard (P9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.hub.dispatching import (
    GRACE_MS,
    STOPPED,
    UNREAD,
    Order,
    State,
    Target,
    advance,
    alike,
    cancelled,
    cmd_of,
    is_open,
    lapsed,
    outwards,
    rank,
    sent,
    tally,
    unanswered,
)
from kengd.wire.entry import Entry
from kengd.wire.orders import read_order
from kengd.wire.reasons import REASONS
from tests.hub.spine_kit import T0, chained, said

A, C, JTI = "a" * 16, "c" * 16, "jti-00000001"
EXP = T0 + 60_000
COPIES = ("duplicate", "jti_reused", "retained")
ANSWERS = [reason for reason in [*REASONS, "busy", "after_alarm"] if reason not in COPIES]


def target(do: str = "ring") -> Target:
    return Target("act-00000001", "thon-1", JTI, do, EXP)


def mine(kind: str, **more: Any) -> dict[str, Any]:
    return said(kind, command_id=JTI, **more)


def history(*lines: dict[str, Any]) -> list[Entry]:
    return chained(lines)


RINGS = [
    history(mine("received"), mine("ringing", activation=A), mine("finished", activation=A, detail={"proved": True})),
    history(mine("received"), mine("ringing", activation=A), mine("finished", activation=A, detail={"proved": False})),
    history(mine("received"), mine("ringing", activation=A), mine("finished", activation=A)),
    history(mine("received"), mine("ringing", activation=A)),
    history(mine("received")),
    *(
        history(mine("received"), mine("ringing", activation=A), mine("cut", activation=A, reason=reason))
        for reason in ("hushed", "preempted", "hard_limit", "shutdown", "power_lost", "crashed")
    ),
    history(mine("received"), mine("ringing", activation=A), mine("failed", activation=A, reason="relay_failed")),
    history(  # a second cause of what sounds already (P4)
        mine("received"),
        mine("ringing", activation=A, detail={"joined": True, "cause": C}),
        mine("cut", activation=A, reason="hushed", detail={"cause": C, "proved": True}),
    ),
    history(  # resumed after a crash (R19)
        mine("received"),
        mine("ringing", activation=A),
        mine("ringing", activation=A, detail={"resumed": True}),
        mine("finished", activation=A),
    ),
    history(mine("received"), mine("cut", activation=A, reason="hushed", detail={"before_start": True})),
    history(mine("received"), mine("tested", detail={"would": "ring"})),
    *(history(mine("refused", reason=reason)) for reason in ANSWERS),
]
OTHERS = [
    ("silence", history(mine("received"), mine("settings_changed"))),
    ("codebook", history(mine("refused", reason="stale_version"))),
    ("taken", history(mine("received", activation=A))),
    ("hush", history(mine("received", detail={"ended": []}))),
    ("hush", history(mine("received", detail={"ended": [A]}), said("cut", activation=A, reason="hushed"))),
    ("hush", history(mine("received", detail={"ended": [A]}), said("finished", activation=A))),
    ("hush", history(mine("received", detail={"ended": [A, C]}), said("cut", activation=A), said("cut", activation=C))),
    ("hush", history(mine("received", detail={"ended": [A, C]}), said("cut", activation=A))),
    ("hush", history(mine("refused", reason="expired"))),
]
HISTORIES = [("ring", book) for book in RINGS] + OTHERS
NOISE = history(
    *(mine("refused", reason=reason) for reason in COPIES),
    said("ringing", command_id="jti-of-another", activation="f" * 16),
    said("finished", command_id="jti-of-another", activation="f" * 16),
    said("ringing", activation="e" * 16, source="button"),
    said("refused", reason="malformed"),
    said("condition_raised", reason="mains_lost"),
    mine("missed"),
)


COULD_NOT_READ = history(*(said("refused", reason=reason) for reason in UNREAD))


def follow(start: Target, heard: Sequence[Entry]) -> Target:
    """As the ledger does: a hush is told which activations it knows to have ended."""
    now, over = start, set[str]()
    for n, entry in enumerate(heard):
        if entry.kind in ("finished", "cut", "failed") and entry.activation is not None:
            over.add(entry.activation)
        before, now = now, advance(now, entry, T0 + n, over)
        guessed = before.reason in UNREAD
        assert guessed or rank(now.state) >= rank(before.state), "a state never goes back"
        if rank(before.state) == 4 and before.reason not in UNREAD:
            assert now.state is before.state, "an end stays"
        if now.state is State.RINGING is not before.state:
            assert (entry.kind, entry.command_id) == ("ringing", JTI), "shown ringing without the post's own word"
    return now


def seen_by_people(found: Target) -> tuple[object, ...]:
    """All that does not say when; nor that the ring had been stopped, which no post can know."""
    return found.state, None if found.reason == STOPPED else found.reason, found.activation, found.proved, found.awaited


def in_order(start: Target, book: Sequence[Entry]) -> Target:
    return follow(start, book)


@pytest.mark.parametrize(("do", "book"), HISTORIES)
def test_the_right_order_ends_where_the_post_ended(do: str, book: list[Entry]) -> None:
    """P9: the state is the post's last word about the command."""
    last = book[-1]
    found = in_order(sent(target(do), T0), book)
    if do == "ring":
        expected = "expired" if last.reason == "expired" and last.kind == "refused" else last.kind
        assert (found.state.value, found.reason) == (expected, last.reason)
    elif last.kind == "refused":
        assert found.state in (State.REFUSED, State.EXPIRED)
    else:
        assert found.state is (State.RECEIVED if found.awaited else State.DONE)


@given(st.data())
def test_any_order_and_any_repetition_end_like_the_right_order(data: st.DataObject) -> None:
    """P8, P9: entries come at least once and from several workers; what is shown in the end does not depend on it, nor on copies
    that the post refused, nor on what other commands do, nor on when we gave up waiting."""
    do, book = data.draw(st.sampled_from(HISTORIES))
    start = data.draw(st.sampled_from([target(do), sent(target(do), T0)]))
    expected = in_order(start, book)
    come = [*book, *data.draw(st.lists(st.sampled_from([*book, *NOISE, *COULD_NOT_READ]), max_size=8))]
    come = data.draw(st.permutations(come))
    assert seen_by_people(follow(start, come)) == seen_by_people(expected)
    gave_up = data.draw(st.sampled_from([lambda t: lapsed(t, EXP + GRACE_MS + 1), lambda t: cancelled(t, T0)]))
    at = data.draw(st.integers(0, len(come)))
    found = follow(gave_up(follow(start, come[:at])), come)
    assert seen_by_people(found) == seen_by_people(expected)
    assert (found.ended_ms is None) is (rank(found.state) < 4), "what is heard of again is open again"


@given(st.lists(st.sampled_from(NOISE), max_size=12))
def test_what_is_not_the_answer_moves_nothing(heard: list[Entry]) -> None:
    """P9, DESIGN 7: never `duplicate` (nor another refusal of a copy) in place of a state; never another's ring."""
    for start in (target(), sent(target(), T0), replace(target(), state=State.RINGING, activation=A)):
        assert follow(start, heard) == start


@pytest.mark.parametrize("refusal", COULD_NOT_READ)
def test_a_post_that_could_not_read_a_command_is_shown_so_until_it_answers(refusal: Entry) -> None:
    """P9: without our key it cannot say which command it was; those that wait for an answer are shown refused, and its own word
    about the command, before or after, counts more."""
    received, ringing, _ = RINGS[0]
    guessed = advance(sent(target(), T0), refusal, T0)
    assert (guessed.state, guessed.reason) == (State.REFUSED, refusal.reason)
    assert (advance(guessed, received, T0).state, advance(guessed, ringing, T0).state) == (
        State.RECEIVED,
        State.RINGING,
    )
    assert advance(guessed, received, T0).reason is None
    known = advance(sent(target(), T0), received, T0)
    assert advance(known, refusal, T0) == known


def test_a_hush_is_done_only_when_all_it_named_has_ended() -> None:
    """P9, P13: a post that has received a hush may still sound."""
    received, cut_a, cut_c = OTHERS[6][1]
    found = advance(sent(target("hush"), T0), received, T0)
    assert (found.state, found.awaited) == (State.RECEIVED, (A, C))
    found = advance(found, cut_c, T0 + 1)
    assert (found.state, found.awaited) == (State.RECEIVED, (A,))
    found = advance(found, cut_c, T0 + 2)
    assert found.state is State.RECEIVED
    found = advance(found, cut_a, T0 + 3)
    assert (found.state, found.ended_ms) == (State.DONE, T0 + 3)


def test_a_hush_whose_answer_comes_behind_the_end_is_done() -> None:
    """The `cut` may overtake the `received` that announces it."""
    received, cut = OTHERS[4][1]
    before = advance(sent(target("hush"), T0), cut, T0)
    assert before == sent(target("hush"), T0)
    assert advance(before, received, T0 + 1, {A}).state is State.DONE


@pytest.mark.parametrize("ended", [None, "a", {"a": 1}, [1, None, {"x": 2}]])
def test_a_hush_answered_in_strange_words_waits_for_nothing(ended: object) -> None:
    """R49: a post of another release; nothing named is nothing awaited."""
    (received,) = history(mine("received", detail={"ended": ended}))
    assert advance(target("hush"), received, T0).state is State.DONE


def test_silence_of_a_post_is_said_only_after_its_command_and_a_grace() -> None:
    """P9: an answer given at the last moment may still be on its way."""
    start = sent(target(), T0)
    assert lapsed(start, EXP + GRACE_MS) == start
    late = lapsed(start, EXP + GRACE_MS + 1)
    assert (late.state, late.sent_ms, is_open(late), unanswered(late)) == (State.NO_ANSWER, T0, False, False)
    never = lapsed(target(), EXP + GRACE_MS + 1)
    assert (never.state, never.sent_ms) == (State.NO_ANSWER, None)
    (received,) = history(mine("received"))
    ringing = replace(start, state=State.RINGING)
    assert (lapsed(ringing, EXP * 2), advance(late, received, T0).state) == (ringing, State.RECEIVED)


def test_expired_is_told_from_other_refusals() -> None:
    """The post was there, but too late: that is not a refusal that anybody decided."""
    (late,) = history(mine("refused", reason="expired"))
    (no,) = history(mine("refused", reason="duty"))
    assert [(found.state, found.reason) for found in (advance(target(), item, T0) for item in (late, no))] == [
        (State.EXPIRED, "expired"),
        (State.REFUSED, "duty"),
    ]


def test_sending_and_cancelling_touch_only_those_that_were_silent() -> None:
    """P9: giving it to the broker proves nothing and takes nothing back."""
    for state in State:
        start = replace(target(), state=state)
        assert sent(start, T0).state is (State.SENT if state is State.WAITING else state)
        silent = state in (State.WAITING, State.SENT)
        assert cancelled(start, T0).state is (State.CANCELLED if silent else state)
        assert unanswered(start) is silent
    assert [state.value for state in State if is_open(replace(target(), state=state))] == [
        "waiting", "sent", "received", "ringing"
    ]  # fmt: skip


def test_the_tally_counts_what_occurs() -> None:
    """Only states that occur."""
    states = (State.RINGING, State.SENT, State.RINGING)
    assert tally(replace(target(), state=state) for state in states) == {"ringing": 2, "sent": 1}


# ---- what is ordered

RING = Order("act-00000001", "ring", ("thon-1", "thon-2", "thon-3"), "Đ/c Hùng", "có trộm", "alarm", "actual")
NOW_S = T0 // 1000


def test_posts_that_are_told_the_same_are_told_together() -> None:
    """One publish for all, where the words are the same."""
    words = {"do": "ring", "by": "Đ/c Hùng", "why": "có trộm", "signal": "alarm", "purpose": "actual"}
    assert alike(RING, NOW_S) == [(words, RING.posts)]
    assert alike(replace(RING, at_s=NOW_S + 30), NOW_S) == [({**words, "at": NOW_S + 30}, RING.posts)]


def test_with_a_gap_each_post_has_its_own_moment() -> None:
    """The first at once (or at its time), each following one so much later."""
    assert [(cmd.get("at"), posts) for cmd, posts in alike(replace(RING, gap_s=4), NOW_S)] == [
        (None, ("thon-1",)),
        (NOW_S + 4, ("thon-2",)),
        (NOW_S + 8, ("thon-3",)),
    ]
    assert [cmd["at"] for cmd, _ in alike(replace(RING, gap_s=4, at_s=NOW_S + 60), NOW_S)] == [
        NOW_S + 60, NOW_S + 64, NOW_S + 68
    ]  # fmt: skip


def test_a_hush_names_what_each_post_is_to_end() -> None:
    """P13: those with an activation are told theirs; the others end what has begun."""
    hush = Order("act-00000002", "hush", ("thon-1", "thon-2"), "Đ/c Hùng", activations={"thon-2": A})
    assert alike(hush, NOW_S) == [
        ({"do": "hush", "by": "Đ/c Hùng"}, ("thon-1",)),
        ({"do": "hush", "by": "Đ/c Hùng", "activation": A}, ("thon-2",)),
    ]


@pytest.mark.parametrize(
    "order",
    [
        RING,
        replace(RING, at_s=NOW_S + 5, gap_s=1, why=None),
        Order("i", "hush", ("p",), "Đ/c Hùng", "nhầm", activations={"p": A}),
        Order("i", "taken", ("p",), "Đ/c Hùng", "tôi ra ngay", activations={"p": A}),
        Order("i", "silence", ("p",), "Đ/c Hùng", "đám tang", facts={"until": NOW_S + 60}),
        Order("i", "lock_input", ("p",), "Đ/c Hùng", facts={"button": "cửa", "locked": True}),
        Order("i", "codebook", ("p",), "Đ/c Hùng", "bản mới", facts={"version": 3, "codebook": {}}),
        Order("i", "timetable", ("p",), "Đ/c Hùng", facts={"version": 3, "timetable": []}),
    ],
)
def test_every_order_is_one_that_a_post_understands(order: Order) -> None:
    """DESIGN 7: exactly the fields of its `do`."""
    for place, post in enumerate(order.posts):
        read_order(cmd_of(order, post, place, NOW_S))


def test_posts_are_ordered_outwards_from_where_it_happened() -> None:
    """The nearest first; those whose place nobody entered last, in their order."""
    places = {"a": (0.0, 0.0), "b": (10.0, 0.0), "c": (3.0, 4.0), "d": (-1.0, 0.0)}
    posts = ("x", "b", "a", "c", "y", "d")
    assert outwards("a", places, posts) == ("a", "d", "c", "b", "x", "y")
    assert outwards("y", places, posts) == ("y", "x", "b", "a", "c", "d")
    assert outwards("b", places, ("a", "b")) == ("b", "a")
