"""R3, R4, P8: the broker killed and started again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.post.conftest import NewPost
from tests.post.hub import Hub, until


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """One that a test may kill."""
    with Broker(tmp_path / "own") as broker:
        yield broker


def test_a_broker_that_comes_back_makes_no_edge_and_commands_work_again(new_post: NewPost, own_broker: Broker) -> None:
    """R3, R4: subscriptions are made again; what happened meanwhile arrives; times are printed."""
    hub = Hub(own_broker.port)
    try:
        post = new_post(id="back", hub=hub).start()
        jti = hub.ring(post.id, "meeting")
        hub.answered(post.id, jti, "finished", 8)
        struck = post.strokes()
        for stop in (own_broker.kill, own_broker.stop):
            stop()
            until(lambda: not post.status()["line_up"], 15, "the line is down")
            assert post.shell(do="ring", signal="alarm", purpose="test")["ok"]
            own_broker.start()
            began_s = time.monotonic()
            until(lambda: post.status()["line_up"], 15, "the line is up")
            up_s = time.monotonic() - began_s
            hub.line.wait_up()
            jti = hub.ring(post.id, purpose="test")
            hub.answered(post.id, jti, "tested")
            print(f"line up {up_s:.2f} s after the broker, a command answered after {time.monotonic() - began_s:.2f} s")
            assert up_s < 3
        assert post.strokes() == struck
        head = post.head()
        until(lambda: len(hub.entries(post.id)) >= head, 5, "all entries")
        assert [each["seq"] for each in hub.entries(post.id)][:head] == list(range(1, head + 1))
    finally:
        hub.close()


def test_commands_sent_while_the_post_is_away_ring_only_within_their_life(
    new_post: NewPost, own_broker: Broker
) -> None:
    """P5, R2, R7: the broker keeps them for the post (clean_start false); what expired is refused, what did not rings."""
    hub = Hub(own_broker.port)
    try:
        post = new_post(id="away", hub=hub).start()
        assert post.stop() == 0
        now = int(time.time())
        late = hub.ring(post.id, exp=now + 1)
        good = hub.ring(post.id, "meeting", exp=now + 120)
        until(lambda: time.time() > now + 1, 3, "expired")
        post.start()
        assert hub.refused(post.id, late) == "expired"
        hub.answered(post.id, good, "finished", 8)
        assert post.strokes() == 3
    finally:
        hub.close()
