"""P1, P2, P10, P11: the relay is at rest whenever nothing is performed, whatever ends or stops the belfry."""

from __future__ import annotations

import signal
import time
from itertools import pairwise
from pathlib import Path

from tests.post.conftest import NewPost
from tests.post.hub import Hub, until
from tests.post.village import SHORT_CODES, Post, freeze

LONGEST_STROKE_MS = 400


def off_after(post: Post, since_ns: int) -> list[tuple[int, bool]]:
    """The edges since then."""
    return [edge for edge in list(post.edges) if edge[0] >= since_ns]


def test_sigterm_during_a_ring_puts_the_relay_to_rest_and_says_so(new_post: NewPost, hub: Hub) -> None:
    """P1: an orderly end, exit code 0; the book says `cut shutdown`, then `stopped`; the hub sees `absent`."""
    post = new_post(id="term", hub=hub).start()
    post.press()
    post.rings()
    asked_ns = time.monotonic_ns()
    post.signal(signal.SIGTERM)
    until(lambda: not post.relay_on, 1, "rest")
    assert post.stop() == 0
    assert post.strokes(asked_ns + 300_000_000) == 0
    ends = [(each["kind"], each["reason"]) for each in hub.entries(post.id)][-2:]
    assert ends == [("cut", "shutdown"), ("stopped", None)]
    until(lambda: hub.status(post.id) == {"v": 1, "presence": "absent"}, 3, "absent")


def test_a_belfry_killed_during_a_drill_begins_again_at_rest(new_post: NewPost, hub: Hub) -> None:
    """P1: SIGKILL of the belfry; only an ACTUAL alarm may resume, a drill is written as cut."""
    post = new_post(id="drill", hub=hub).start()
    assert post.shell(do="ring", signal="alarm", purpose="drill")["ok"]
    post.rings()
    hub.wrote(post.id, lambda each: each["kind"] == "ringing")
    post.kill()
    again_ns = time.monotonic_ns()
    post.start()
    cut = hub.wrote(post.id, lambda each: each["kind"] == "cut")
    assert cut["reason"] == "crashed"
    assert post.sounding() is None
    assert off_after(post, again_ns) == []


def test_a_belfry_stopped_for_seconds_makes_no_burst_when_it_goes_on(new_post: NewPost) -> None:
    """P2, R34: after SIGSTOP and SIGCONT strokes come at their pace, late ones are left out, none outlives the bell's limit."""
    post = new_post(id="stopped").start()
    post.press()
    post.rings()
    until(lambda: not post.relay_on, 1, "between strokes")
    freeze(post.pid)
    time.sleep(2)  # the time that is lost is what is tested
    on_ns = time.monotonic_ns()
    post.signal(signal.SIGCONT)
    until(lambda: post.strokes(on_ns) >= 4, 5, "it goes on")
    strokes = [t_ns for t_ns, on in off_after(post, on_ns) if on]
    gaps_ms = [(b - a) / 1e6 for a, b in pairwise(strokes)]
    assert min(gaps_ms) > 130, gaps_ms


def test_a_belfry_stopped_beyond_the_hard_limit_strikes_no_more(new_post: NewPost) -> None:
    """P2: the end is an absolute moment; a process that slept through it ends the ring at once."""
    post = new_post(id="limit", limits="alarm_s = 2\nhard_limit_s = 3\ndrill_s = 2", extra=SHORT_CODES).start()
    post.press()
    post.rings()
    freeze(post.pid)
    time.sleep(3.2)
    on_ns = time.monotonic_ns()
    post.signal(signal.SIGCONT)
    post.rests()
    assert post.strokes(on_ns) == 0


def test_presses_extend_an_alarm_to_the_hard_limit_and_a_new_press_begins_a_new_one(new_post: NewPost) -> None:
    """P2, P3: no order of presses makes an activation longer than the hard limit, no stroke longer than the bell's."""
    post = new_post(id="presses", limits="alarm_s = 2\nhard_limit_s = 3\ndrill_s = 2", extra=SHORT_CODES).start()
    post.press(hold_ms=350)
    post.rings()
    first_ns = post.edges[0][0]
    first = post.sounding()
    while time.monotonic_ns() < first_ns + 2_300_000_000:
        post.press(hold_ms=350)
        time.sleep(0.5)
    until(lambda: post.sounding() is None, 3, "its end")
    assert post.edges[-1][1] is False
    assert post.edges[-1][0] - first_ns < 3_150_000_000
    assert post.edges[-1][0] - first_ns > 2_500_000_000
    on_ms = [(b[0] - a[0]) / 1e6 for a, b in pairwise(post.edges) if a[1]]
    assert max(on_ms) < LONGEST_STROKE_MS
    post.wrote("cut", "hard_limit")
    again_ns = post.press()
    post.rings(since_ns=again_ns)
    again = post.sounding()
    assert first is not None and again is not None and first["activation"] != again["activation"]


def test_a_second_belfry_on_the_same_post_refuses(post: Post) -> None:
    """P10: exit code 1 and `already_running`; the first one goes on undisturbed."""
    second = post.kengd("run")
    assert second.returncode == 1
    assert "already_running" in second.stderr
    assert post.healthy()
    post.press()
    post.rings()


def test_the_office_holds_neither_pin_nor_lock_nor_spool(post: Post) -> None:
    """P10: it was started by exec with every other descriptor closed."""
    office = post.office_pid()
    held = {str(link.readlink()) for link in Path(f"/proc/{office}/fd").iterdir()}
    mine = {str(link.readlink()) for link in Path(f"/proc/{post.pid}/fd").iterdir()}
    assert any("belfry.lock" in name for name in mine)
    wrong = [name for name in held if any(word in name for word in ("gpio", "belfry.lock", "spool", "control.sock"))]
    assert wrong == []
    shared_sockets = {name for name in held & mine if name.startswith("socket:")}
    assert shared_sockets == set()


def test_the_environment_cannot_choose_the_pins(new_post: NewPost) -> None:
    """P11: GPIOZERO_PIN_FACTORY is ignored."""
    post = new_post(id="env", env={"GPIOZERO_PIN_FACTORY": "lgpio"}, finger=()).start(ready=False)
    post.press()
    post.rings()


def test_real_pins_without_a_chip_fail_aloud_and_are_never_simulated(new_post: NewPost) -> None:
    """P11, R15: a clear sentence and an exit code, with GPIOZERO_PIN_FACTORY=mock too; nothing is armed."""
    post = new_post(id="real", pins="kengd", clock="", env={"GPIOZERO_PIN_FACTORY": "mock"})
    process = post.process = post.spawn()
    assert process.wait(20) not in (0, 2, -signal.SIGKILL)
    until(lambda: any("lỗi" in line for line in post.log), 2, "a sentence")
    said = "".join(post.log)
    assert "armed" not in said and "Traceback" not in said, said
    assert "cách sửa" in said


def test_an_orderly_end_removes_only_its_own_files_from_the_run_directory(new_post: NewPost, hub: Hub) -> None:
    """P10, P12: `run_dir` is the user's word; what else lies there stays."""
    post = new_post(id="don", hub=hub).start()
    stranger = post.run_dir / "cua-nguoi-khac"
    stranger.write_text("giữ lại")
    assert post.stop() == 0
    assert [path.name for path in post.run_dir.iterdir()] == [stranger.name]
