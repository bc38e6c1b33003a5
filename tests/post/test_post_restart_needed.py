"""SIGHUP with another bell, or with an alarm under another name: nothing of it counts before the restart that it needs (P2, P3)."""

from __future__ import annotations

import signal
from itertools import pairwise

from tests.post.conftest import NewPost
from tests.post.hub import Hub, until
from tests.post.village import Post

SIREN = 'kind = "siren"'


def edit(post: Post, *changes: tuple[str, str]) -> None:
    """Change the settings file and have it read."""
    text = post.config.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    before = sum("settings read again" in line for line in post.log)
    post.config.write_text(text)
    post.signal(signal.SIGHUP)
    until(lambda: sum("settings read again" in line for line in post.log) > before, 15, "read again")


def test_another_bell_waits_for_a_restart_and_the_old_one_rings_as_before(new_post: NewPost) -> None:
    """P2, P3: codes laid out for a siren were cut at 400 ms, the longest stroke of the striker, and no condition said so."""
    post = new_post(id="doi-chuong", alarm="(1 tiếng; nghỉ 2 giây) đến khi dừng").start()
    edit(post, ('kind = "striker"\nhold_ms = 60', SIREN))
    assert "restart_needed" in post.conditions()
    began_ns = post.press()
    until(lambda: post.strokes(began_ns) >= 2, 6, "the striker's alarm")
    edges = [(t_ns, on) for t_ns, on in list(post.edges) if t_ns >= began_ns]
    held = [(b - a) / 1e6 for (a, on), (b, _) in pairwise(edges) if on]
    assert all(40 < ms < 120 for ms in held), held


def test_an_alarm_under_another_name_rings_before_and_after_the_restart(new_post: NewPost) -> None:
    """P3: the button went on asking for a name that the new codebook no longer had, and stayed silent."""
    thief = (
        "[codebook.signals.thief]\nkind = 'alarm'\nname = 'Báo trộm'\npattern = '(2 tiếng; nghỉ 1 giây) đến khi dừng'\n"
    )
    post = new_post(id="doi-ten", extra=thief)
    post.write_settings()
    post.config.write_text(post.config.read_text().replace('does = "alarm"', 'does = "thief"'))
    post.start()
    edit(post, ('does = "thief"', 'does = "alarm"'), (thief, ""))
    assert "restart_needed" in post.conditions()
    post.press()
    post.rings()
    assert (post.sounding() or {})["signal"] == "thief"


def test_settings_that_need_a_restart_are_not_the_last_good_ones(new_post: NewPost) -> None:
    """P3: a pin that cannot be had after an edit is found out at the restart, which must have something to fall back to."""
    post = new_post(id="chua-tot").start()
    good = next(post.state.rglob("last-good")).read_bytes()
    edit(post, ("pin = 17", "pin = 27"))
    assert next(post.state.rglob("last-good")).read_bytes() == good


def test_a_locked_hush_button_stops_nothing(new_post: NewPost, hub: Hub) -> None:
    """H8: a hush button that is shorted can be locked as an alarm button can; the alarm goes on and the press is written."""
    post = new_post(id="khoa-dung", hub=hub).start()
    hub.say(
        post.id, hub.seal(hub.claims(post.id, {"do": "lock_input", "button": "hush", "locked": True, "by": "Đ/c Hùng"}))
    )
    until(lambda: "button_locked" in post.conditions(), 5, "locked")
    post.press()
    post.rings()
    before = post.head()
    post.press("hush")
    post.wrote("refused", "locked", before)
    assert post.sounding() is not None
