"""What `kengd status` tells of the two lamps and of what sounds: the same that the keeper sees (H10, H20)."""

from __future__ import annotations

import time

from tests.broker import Broker
from tests.post.conftest import NewPost
from tests.post.hub import Hub, until
from tests.post.village import Post


def seen(post: Post, for_s: float) -> list[str]:
    """What the lamp KẺNG says during so many seconds, repetitions left out."""
    codes: list[str] = []
    end_s = time.monotonic() + for_s
    while time.monotonic() < end_s:
        code = post.status()["lamps"]["bell"]["code"]
        if codes[-1:] != [code]:
            codes.append(code)
    return codes


def test_status_tells_what_the_lamp_says_from_press_to_press_again(new_post: NewPost) -> None:
    """H10, H20: heard at the press, ringing, and after its end "bấm lại" instead of "sẵn sàng"; a short press only heard."""
    post = new_post(id="lamps", limits="alarm_s = 1\nhard_limit_s = 30\nafter_alarm_min = 0").start()
    until(lambda: post.status()["lamps"]["bell"]["code"] == "ready", 5, "the lamp test is over")
    post.press(hold_ms=150)
    assert seen(post, 1) in (["heard", "ready"], ["ready", "heard", "ready"])
    assert not post.edges
    post.press()
    codes = seen(post, 3)  # the finger may still be on the button while it begins to ring
    assert [code for code in codes if code != "ready"] == ["heard", "ringing", "press_again"], codes
    assert "đèn KẺNG: kẻng đã dừng: bấm lại để đánh tiếp" in post.kengd("status").stdout


def test_the_lamp_of_the_police_does_not_take_the_broker_for_the_hub(new_post: NewPost, broker: Broker) -> None:
    """H20: a broker that nobody listens to is no police; once the hub listens, the next alarm is told as reached."""
    post = new_post(id="unheard", broker_port=broker.port).start()
    assert lamps_while_it_rings(post, 1.5)[-1] == "line_up"
    hub = Hub(broker.port)
    try:
        assert lamps_while_it_rings(post, 1.5)[-1] == "reached"
    finally:
        hub.close()


def lamps_while_it_rings(post: Post, for_s: float) -> list[str]:
    """What the lamp CÔNG AN says while an alarm sounds."""
    post.shell(do="ring", signal="alarm")
    codes: list[str] = []
    end_s = time.monotonic() + for_s
    while time.monotonic() < end_s and codes[-1:] != ["reached"]:
        codes.append(post.status()["lamps"]["police"]["code"])
    post.shell(do="hush")
    return codes


def test_status_says_in_vietnamese_what_sounds(new_post: NewPost) -> None:
    """DESIGN section 3: pages and messages are Vietnamese first; the id stands beside the name."""
    post = new_post(id="told").start()
    activation = post.shell(do="ring", signal="alarm", purpose="drill")["activation"]
    said = post.kengd("status").stdout
    assert f"ĐANG ĐÁNH: Báo động (alarm), diễn tập, từ dòng lệnh; lần đánh {activation}" in said
    post.shell(do="hush")
