"""A button rings the alarm: relay edges by the kernel's stamps against the score; no edge at all at start and stop (P1)."""

from __future__ import annotations

import time

from tests.machine.machine import Machine, Pin
from tests.machine.post import ALARM, HOLD_MS, HUSH, RELAY, Post, Stroke
from tests.machine.table import Table

ALARM_S = 10
TOLERANCE_MS = 60
"""A soft CPU on a shared host; in the program itself edges are within a millisecond (the bench says so)."""


def by_hand(machine: Machine, table: Table) -> None:
    """As root: check, doctor, the alarm to its end, the hush."""
    post = Post(machine)
    post.settle(alarm_s=ALARM_S)
    code, said = post.kengd("check")
    table.row('kengd check with gpio.pins = "kengd": exit 0', code == 0, said.splitlines()[-1])
    pid = _started(post, table)
    code, said = post.kengd("doctor")
    red = [line for line in said.splitlines() if line.startswith("✗")]
    table.row("kengd doctor while it runs: nothing red", code == 0 and not red, red or said.splitlines()[-1])
    _ring(post, table)
    _hush(post, table)
    _stopped(post, pid, table)


def as_pi(machine: Machine, table: Table) -> None:
    """As a user who has nothing but the group gpio."""
    post = Post(machine)
    post.settle(alarm_s=ALARM_S)
    pid = _started(post, table, "pi")
    post.wait_entry("started")  # without real-time priority an office that starts takes the one CPU's time
    _ring(post, table)
    _stopped(post, pid, table)


def active_low(machine: Machine, table: Table) -> None:
    """A relay that closes at 0 V, its line pulled up from outside as the wiring sheet says."""
    post = Post(machine, active_low=True)
    post.settle(alarm_s=ALARM_S)
    pid = _started(post, table)
    _ring(post, table)
    _stopped(post, pid, table)


def only_rest(pins: list[Pin], active_low: bool) -> bool:
    """True when the line was never driven to anything but rest, nor made an input."""
    return all(
        pin.happened in ("out", "free") or (pin.happened == "set" and pin.level == int(active_low)) for pin in pins
    )


def lateness_ms(strokes: list[Stroke], score: list[tuple[int, bool]]) -> list[int]:
    """How late each edge came, in ms, counted from the first one."""
    return [
        round((stroke.at_s - strokes[0].at_s) * 1000) - at_ms for stroke, (at_ms, _) in zip(strokes, score, strict=True)
    ]


def _started(post: Post, table: Table, user: str = "root") -> int:
    level = post.machine.level(RELAY)
    post.machine.trace()
    pid = post.start(user)
    seen = post.machine.traced(RELAY)
    table.row(
        f"start as {user}: the relay's line is an output at rest at once, no edge",
        bool(seen) and only_rest(seen, post.active_low) and level == int(post.active_low),
        [f"{pin.happened}{'' if pin.level is None else pin.level}" for pin in seen],
    )
    return pid


def _ring(post: Post, table: Table) -> None:
    score = post.score(ALARM_S)
    post.machine.trace()
    pressed_s = post.machine.press_for(ALARM, (HOLD_MS + 200) / 1000)
    time.sleep(ALARM_S + 2)
    strokes = post.strokes(stop=True)
    same = [stroke.on for stroke in strokes] == [on for _, on in score]
    table.row("alarm button held: as many edges as the score, in its order", same, f"{len(strokes)} of {len(score)}")
    if not same:
        made = [(round((stroke.at_s - strokes[0].at_s) * 1000), stroke.on) for stroke in strokes]
        table.row("what was made, what was due", None, f"{made} {score}")
        return
    late = lateness_ms(strokes, score)
    table.row(
        f"each edge within {TOLERANCE_MS} ms of the score (kernel's stamps)",
        max(map(abs, late)) <= TOLERANCE_MS,
        f"earliest {min(late):+} ms, latest {max(late):+} ms",
    )
    first_ms = (strokes[0].at_s - pressed_s) * 1000 - HOLD_MS
    table.row("first stroke after the hold time", 0 <= first_ms <= 200, f"{first_ms:.0f} ms later")
    table.row("at rest after the alarm's own end", post.resting)
    table.row("the book says so", True, post.wait_entry("finished"))


def _hush(post: Post, table: Table) -> None:
    post.machine.press_for(ALARM, (HOLD_MS + 200) / 1000)
    rang = post.machine.wait_level(RELAY, int(not post.active_low), 5)
    post.machine.trace()
    pressed_s = post.machine.press_for(HUSH, 0.3)
    time.sleep(4)
    after = [stroke for stroke in post.strokes(stop=True) if stroke.on and stroke.at_s > pressed_s + 0.2]
    held = rang is not None and not after and post.resting
    table.row("hush button: no stroke after it, the relay at rest", held, f"{len(after)} strokes")
    table.row("the book says so", True, post.wait_entry("cut", reason="hushed")[-2:])


def _stopped(post: Post, pid: int, table: Table) -> None:
    post.machine.trace()
    log = post.end(pid)
    seen = post.machine.traced(RELAY)
    given_back = bool(seen) and seen[-1].happened == "free"
    table.row("SIGTERM at rest: no edge, the line given back", given_back and only_rest(seen, post.active_low))
    table.row(
        "nothing broke in its log", "Traceback" not in log and "ERROR" not in log, "" if "Traceback" not in log else log
    )
    table.row("at rest when it is gone", post.resting)


CASES = {"by-hand": by_hand, "as-pi": as_pi, "active-low": active_low}
PUNCTUAL = CASES.keys()
