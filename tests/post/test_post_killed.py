"""P1, P7, P8, R19, H10: kill -9 of either process and loss of power at any moment of an alarm."""

from __future__ import annotations

import random
import time

from tests.post.conftest import NewPost
from tests.post.hub import Entry, Hub, until
from tests.post.village import Post


def alarm(post: Post, hub: Hub) -> str:
    """A press; the activation, once its entry is at the hub."""
    post.press()
    post.rings()
    before = {each["activation"] for each in hub.entries(post.id) if each["kind"] in ("cut", "finished")}
    found = hub.wrote(post.id, lambda each: each["kind"] == "ringing" and each["activation"] not in before, 10)
    return str(found["activation"])


def whole(post: Post, hub: Hub) -> list[Entry]:
    """The book, proved: the chain is whole, the hub has each seq, first heard in order, and none that the book has not."""
    verified = post.kengd("journal", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    head = post.head()
    until(lambda: len(hub.entries(post.id)) >= head, 10, "every entry reaches the hub (P8)")
    book = post.entries()[:head]
    assert [each["seq"] for each in book] == list(range(1, head + 1))
    assert hub.entries(post.id)[:head] == book
    first_heard = list(dict.fromkeys(each["seq"] for each in hub.deliveries[post.id]))
    assert first_heard == sorted(first_heard)
    return book


def test_an_alarm_resumes_once_after_a_crash_of_the_belfry_and_not_twice(new_post: NewPost, hub: Hub) -> None:
    """R19: same boot, ACTUAL, time left: it goes on under its name; after the second crash it is `cut crashed`."""
    post = new_post(id="resume", hub=hub).start()
    activation = alarm(post, hub)
    post.kill()
    again_ns = time.monotonic_ns()
    post.start(ready=False)
    post.rings(since_ns=again_ns)
    assert (post.sounding() or {})["activation"] == activation
    until(post.healthy, 20, "healthy")
    resumed = hub.wrote(post.id, lambda each: (each["detail"] or {}).get("resumed") is True)
    assert resumed["activation"] == activation
    post.kill()
    third_ns = time.monotonic_ns()
    post.start()
    cut = hub.wrote(post.id, lambda each: each["kind"] == "cut")
    assert (cut["activation"], cut["reason"]) == (activation, "crashed")
    assert post.strokes(third_ns) == 0 and post.sounding() is None
    ends = [each["kind"] for each in whole(post, hub) if each["activation"] == activation]
    assert ends == ["ringing", "ringing", "cut"]


def test_a_hushed_alarm_does_not_resume(new_post: NewPost, hub: Hub) -> None:
    """P13: a hush strikes the resume record before the relay goes to rest; a crash at once after it rings nothing."""
    post = new_post(id="hushed", hub=hub).start()
    alarm(post, hub)
    post.shell(do="hush")
    post.kill()
    again_ns = time.monotonic_ns()
    post.start()
    post.wrote("cut", "hushed")
    assert post.strokes(again_ns) == 0 and post.sounding() is None


def test_after_loss_of_power_nothing_rings_by_itself_and_the_lamp_asks(new_post: NewPost, hub: Hub) -> None:
    """P7, R19, H10: `cut power_lost`, condition `power_lost_ring` until the next press; what was reported is in the book."""
    post = new_post(id="power", hub=hub).start()
    activation = alarm(post, hub)
    post.lose_power()
    again_ns = time.monotonic_ns()
    post.start()
    cut = hub.wrote(post.id, lambda each: each["kind"] == "cut")
    assert (cut["activation"], cut["reason"], cut["source"]) == (activation, "power_lost", "button")
    until(lambda: "power_lost_ring" in post.conditions(), 3, "the lamp asks")
    assert post.strokes(again_ns) == 0 and post.sounding() is None
    assert alarm(post, hub) != activation
    assert "power_lost_ring" not in post.conditions()
    whole(post, hub)


def test_a_press_while_the_office_starts_is_no_ring_that_was_cut(new_post: NewPost, hub: Hub) -> None:
    """P7: the book must not call an alarm cut that sounds; the office learns of it while it opens the book."""
    post = new_post(id="early", hub=hub, finger=()).start(ready=False)
    post.press()
    post.rings()
    until(post.healthy, 20, "healthy")
    hub.wrote(post.id, lambda each: each["kind"] == "ringing")
    assert post.sounding() is not None
    assert [kind for kind, _ in post.kinds() if kind in ("cut", "failed")] == []
    assert hub.status(post.id)["sounding"] is not None


def test_kills_at_random_moments_lose_no_entry_and_leave_the_chain_whole(new_post: NewPost, hub: Hub) -> None:
    """P1, P7, P8: office and belfry in turn, moments from a seed, commands and presses under way."""
    post = new_post(id="killed", hub=hub).start()
    chance = random.Random(5)
    asked: list[str] = []
    for number in range(4):
        asked.append(hub.ring(post.id, chance.choice(("alarm", "meeting"))))
        if chance.random() < 0.5:
            post.press()
        time.sleep(chance.uniform(0, 0.4))
        if number % 2:
            post.kill()
            post.start()
        else:
            post.renew_office()
        post.shell(do="hush")
        post.rests()
    until(lambda: all(hub.answers(post.id, jti) for jti in asked), 10, "every command is answered")
    book = whole(post, hub)
    begun = [each["activation"] for each in book if each["kind"] == "ringing" and not (each["detail"] or {})]
    assert len(begun) == len(set(begun)), "an activation began twice"
    ended = {each["activation"] for each in book if each["kind"] in ("finished", "cut", "failed")}
    assert set(begun) <= ended
