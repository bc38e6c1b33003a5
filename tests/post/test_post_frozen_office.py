"""P5: an office that stands still for a while (SIGSTOP) lets nothing ring late; each command that waited is answered."""

from __future__ import annotations

import os
import signal
import time

from tests.post.conftest import Frozen
from tests.post.hub import Hub, until
from tests.post.village import Post, freeze

PATIENCE_S = 30


def test_commands_that_expire_while_the_office_stands_still_never_ring(post: Post, hub: Hub) -> None:
    """P5: three seconds to live, five seconds of stillness; each is answered `refused expired`."""
    office = post.freeze_office()
    began_ns = time.monotonic_ns()
    now = int(time.time())
    asked = [hub.ring(post.id, signal, exp=now + 3) for signal in ("alarm", "meeting", "alarm", "all_clear")]
    time.sleep(5)  # they wait and expire
    os.kill(office, signal.SIGCONT)
    assert [hub.refused(post.id, jti) for jti in asked] == ["expired"] * 4
    assert post.strokes(began_ns) == 0
    assert [hub.answers(post.id, jti) for jti in asked] == [[("refused", "expired")]] * 4


def test_the_belfry_obeys_buttons_and_shell_while_the_office_stands_still(post: Post, hub: Hub) -> None:
    """P3, P7: ring and hush as ever; what happened is in the book afterwards, in order."""
    before = post.head()
    office = post.freeze_office()
    try:
        assert post.shell(do="ring", signal="alarm")["ok"]
        post.rings()
        post.shell(do="hush")
        post.rests()
    finally:
        os.kill(office, signal.SIGCONT)
    post.wrote("cut", "hushed", before)
    assert post.kinds(before) == [("ringing", None), ("cut", "hushed")]


def test_a_command_still_good_when_the_office_goes_on_rings_once(post: Post, hub: Hub) -> None:
    """P5: stillness shorter than its life."""
    began_ns = time.monotonic_ns()
    office = post.freeze_office()
    jti = hub.ring(post.id, "meeting")
    time.sleep(0.5)
    os.kill(office, signal.SIGCONT)
    hub.answered(post.id, jti, "finished", 8)
    assert post.strokes(began_ns) == 3


def test_a_belfry_that_stood_still_rings_nothing_late(post: Post, hub: Hub) -> None:
    """P5: the trigger carries a monotonic deadline; a belfry stopped beyond it answers `expired`, the office too, once."""
    began_ns = time.monotonic_ns()
    freeze(post.pid)
    now = int(time.time())
    jti = hub.ring(post.id, exp=now + 2)
    time.sleep(3)
    post.signal(signal.SIGCONT)
    assert hub.refused(post.id, jti) == "expired"
    until(lambda: post.sounding() is None, 1, "nothing sounds")
    assert post.strokes(began_ns) == 0
    assert hub.answers(post.id, jti) == [("refused", "expired")]


def test_an_office_that_never_goes_on_is_replaced_and_its_commands_are_refused(frozen: Frozen) -> None:
    """P5, H21: after 30 s the belfry ends it; the new one reads the waiting commands, none of them rings."""
    post, hub = frozen.post, frozen.hub
    left_s = frozen.since_s + PATIENCE_S + 15 - time.monotonic()
    until(lambda: post.office_pid() not in (None, frozen.office), max(5.0, left_s), "a new office")
    until(post.healthy, 20, "healthy")
    assert [hub.refused(post.id, jti, 10) for jti in frozen.asked] == ["expired"] * 3
    assert post.strokes() == 0
    assert any("office does not answer" in line for line in post.log)


def test_an_office_does_not_vouch_for_a_belfry_that_does_not_answer(post: Post, hub: Hub) -> None:
    """P9: where no systemd ends it, the hub is told within a quarter of a minute that this post would not ring; and when it would again."""

    def told() -> bool:
        return "belfry_silent" in [item["code"] for item in hub.status(post.id)["conditions"]]

    freeze(post.pid)
    try:
        until(told, 15 + 5, "the hub is told")
    finally:
        os.kill(post.pid, signal.SIGCONT)
    until(lambda: not told(), 10, "it is taken back")
