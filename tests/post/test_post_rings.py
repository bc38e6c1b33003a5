"""The whole post: a press, a command and a hush, end to end."""

from __future__ import annotations

import time

from tests.post.hub import Hub
from tests.post.village import HOLD_MS, Post


def test_a_press_rings_is_written_and_reaches_the_hub(post: Post, hub: Hub) -> None:
    """hear → decide → ring → write → report; P7, P8, P9."""
    before = post.head()
    pressed_ns = post.press()
    post.rings(since_ns=pressed_ns)
    entry = post.wrote("ringing", after_seq=before)
    hub.wrote(post.id, lambda each: each["seq"] == entry["seq"])
    assert (entry["source"], entry["place"], entry["signal"], entry["purpose"]) == (
        "button",
        "nhà văn hóa",
        "alarm",
        "actual",
    )
    assert hub.status(post.id)["sounding"]["activation"] == entry["activation"]


def test_a_command_rings_and_is_answered_received_then_ringing(post: Post, hub: Hub) -> None:
    """DESIGN section 7: a ring command gives `received`, `ringing`, then its end."""
    began_ns = time.monotonic_ns()
    jti = hub.ring(post.id)
    post.rings(since_ns=began_ns)
    hub.answered(post.id, jti, "ringing")
    hub.hush(post.id)
    hub.answered(post.id, jti, "cut")
    assert hub.answers(post.id, jti) == [("received", None), ("ringing", None), ("cut", "hushed")]
    assert HOLD_MS
