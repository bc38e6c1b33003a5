"""Repeats are told once, then counted; nothing is lost and nothing storms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kengd.hub.notices import wording
from kengd.hub.notices.folding import Folding
from kengd.hub.notices.words import Notice, NoticeKind

MINUTE = 60_000


def absent(at_ms: int = 0, post: str = "a") -> Notice:
    return wording.absent(at_ms=at_ms, post=post, post_name=post.upper(), since_ms=at_ms)


def back(at_ms: int = 0, post: str = "a") -> Notice:
    return wording.back(at_ms=at_ms, post=post, post_name=post.upper(), since_ms=at_ms)


def alarm(activation: str, post: str = "a") -> Notice:
    return wording.alarm(at_ms=0, post=post, post_name=post, villages=(), signal_vi="Báo động", activation=activation)


def told(notices: tuple[Notice, ...]) -> list[tuple[str, int]]:
    return [(notice.kind.value, notice.repeats) for notice in notices]


def test_the_first_is_told_at_once_and_repeats_once_with_their_number() -> None:
    """ "…và N lần nữa" when the window closes."""
    folding = Folding(10 * MINUTE)
    at_once = [told(folding.offer(absent(at), at)) for at in (0, MINUTE, 2 * MINUTE, 3 * MINUTE)]
    assert at_once == [[("absent", 0)], [], [], []]
    assert told(folding.due(10 * MINUTE - 1)) == []
    assert told(folding.due(10 * MINUTE)) == [("absent", 3)]


def test_a_post_that_flaps_all_night_sends_a_handful_of_messages() -> None:
    """absent/back every 30 s for 8 hours: windows of 10, 20, 40 … minutes, not 960 SMS; the last word is the true one."""
    folding = Folding()
    sent: list[Notice] = []
    for n in range(960):
        at = n * 30_000
        sent += folding.offer(back(at) if n % 2 else absent(at), at)
    sent += folding.due(48 * 3_600_000)
    assert len(sent) <= 8
    assert sent[-1].kind is NoticeKind.BACK


def test_one_short_loss_ends_with_the_news_that_the_post_is_back() -> None:
    """Folded back is told when the window closes, without a count that says nothing."""
    folding = Folding(10 * MINUTE)
    assert told(folding.offer(absent(), 0)) == [("absent", 0)]
    assert told(folding.offer(back(MINUTE), MINUTE)) == []
    assert told(folding.due(10 * MINUTE)) == [("back", 0)]


def test_alarms_of_different_activations_are_each_told_at_once() -> None:
    """R32: by id only, never by the same village within some seconds; calls for the next person are each for themselves."""
    folding = Folding()
    calls = [
        wording.unacknowledged(at_ms=0, post="a", post_name="A", activation="x", waited_s=60, attempt=n, to="P")
        for n in (1, 2)
    ]
    notices = [alarm("x"), alarm("y"), alarm("z", "b"), alarm("x"), *calls]
    assert [told(folding.offer(notice, 0)) for notice in notices] == [
        [("alarm", 0)], [("alarm", 0)], [("alarm", 0)], [], [("unacknowledged", 0)], [("unacknowledged", 0)],
    ]  # fmt: skip


def test_a_quiet_window_is_forgotten_and_the_next_time_is_told_at_once() -> None:
    """Two losses a day are two messages."""
    folding = Folding(10 * MINUTE)
    folding.offer(absent(), 0)
    assert told(folding.offer(absent(), 10 * MINUTE)) == [("absent", 0)]


def test_too_many_keys_close_the_oldest_window_and_say_what_it_held() -> None:
    """Bounded memory; a summary comes early rather than never."""
    folding = Folding(10 * MINUTE, most_keys=2)
    folding.offer(absent(post="a"), 0)
    folding.offer(absent(post="a"), 1)
    folding.offer(absent(post="b"), 2)
    assert [(n.posts, n.repeats) for n in folding.offer(absent(post="c"), 3)] == [(("a",), 1), (("c",), 0)]
    assert len(folding) == 2


def test_an_orderly_stop_hands_out_what_waits() -> None:
    """Nothing folded is lost by a restart of the hub."""
    folding = Folding()
    folding.offer(absent(), 0)
    folding.offer(back(5), 5)
    assert (told(folding.rest()), len(folding), folding.next_ms()) == ([("back", 0)], 0, None)


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["absent", "back", "alarm", "test"]),
        st.sampled_from(["a", "b", "c"]),
        st.integers(-5 * MINUTE, 40 * MINUTE),
    ),
    max_size=60,
)


@given(_EVENTS)
def test_whatever_comes_in_whatever_order_everything_is_told_or_counted_once(
    events: list[tuple[str, str, int]],
) -> None:
    """Conservation, bounded memory, true last word; the clock may even step back."""
    folding = Folding(10 * MINUTE, 60 * MINUTE, most_keys=3)
    now, out, last = 0, list[Notice](), dict[str, NoticeKind]()
    counted = 0
    for kind, post, step in events:
        now += step
        notice = (
            {"absent": absent, "back": back}[kind](now, post) if kind in ("absent", "back") else alarm(f"{post}{kind}")
        )
        last[notice.key] = notice.kind
        out += folding.offer(notice, now)
        assert len(folding) <= 3
    out += folding.rest()
    final: dict[str, NoticeKind] = {}
    for notice in out:
        # the first telling of a window, and news of the other kind, count themselves; a same-kind summary does not
        counted += notice.repeats if notice.repeats and final.get(notice.key) is notice.kind else notice.repeats + 1
        final[notice.key] = notice.kind
    assert counted == len(events)
    assert final == last
