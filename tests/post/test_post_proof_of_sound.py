"""P9, H2, R20: "ringing" is said only while it rings, and whether it sounds is said where a sensor is wired."""

from __future__ import annotations

import threading
import time

from tests.post.conftest import NewPost
from tests.post.hub import Hub, until
from tests.post.village import PROOF_PIN, Post

SENSOR = f'[[gpio.inputs]]\nname = "rung"\npin = {PROOF_PIN}\nmeans = "proof_of_sound"'


def test_the_status_says_ringing_from_the_first_stroke_to_the_end(post: Post, hub: Hub) -> None:
    """P9, R25: no status says so before the relay closed, none a second after it came to rest; no sensor: proved is null."""
    heard = len(hub.statuses[post.id])
    began_ns = post.press()
    post.rings(since_ns=began_ns)
    first_s = next(t_ns for t_ns, on in list(post.edges) if on and t_ns >= began_ns) / 1e9
    sounding = until(lambda: hub.status(post.id)["sounding"], 2, "ringing")
    assert (sounding["signal"], sounding["source"], sounding["proved"]) == ("alarm", "button", None)
    post.shell(do="hush")
    rest_s = time.monotonic()
    until(lambda: hub.status(post.id)["sounding"] is None, 1, "quiet")
    time.sleep(1.2)  # nobody says it again
    said = [mono_s for mono_s, status in hub.statuses[post.id][heard:] if status["sounding"] is not None]
    assert min(said) >= first_s
    assert max(said) <= rest_s + 1


def test_a_ring_that_nobody_hears_is_a_condition_within_a_second(new_post: NewPost, hub: Hub) -> None:
    """P9, H2: relay on and no proof of sound; the entry says so; a sensor that feels the blows proves the next ring."""
    post = new_post(id="cam", hub=hub, inputs=SENSOR, finger=()).start()
    began_ns = post.press()
    post.rings(since_ns=began_ns)
    began_s = time.monotonic()
    until(lambda: "no_proof_of_sound" in {c["code"] for c in hub.status(post.id)["conditions"]}, 3, "silent")
    assert 0.8 <= time.monotonic() - began_s <= 2.0
    assert hub.status(post.id)["sounding"]["proved"] is False
    post.shell(do="hush")
    assert post.wrote("cut", "hushed")["detail"]["proved"] is False
    until(lambda: "no_proof_of_sound" not in post.conditions(), 2, "over")

    before = post.head()
    began_ns = post.press()
    post.rings(since_ns=began_ns)
    stop = threading.Event()
    for level in (0, 1, 0, 1):
        post.tell_finger(f"drive {PROOF_PIN} {level}")
        stop.wait(0.02)
    until(lambda: (hub.status(post.id)["sounding"] or {}).get("proved") is True, 2, "proved")
    time.sleep(1.2)
    assert "no_proof_of_sound" not in post.conditions()
    post.shell(do="hush")
    assert post.wrote("cut", "hushed", before)["detail"]["proved"] is True
