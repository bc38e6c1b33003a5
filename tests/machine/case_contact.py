"""Contacts that are no press: too short, chattering, held when the post starts, held for ever (R17, R18, R29)."""

from __future__ import annotations

import time

from tests.machine.machine import Machine
from tests.machine.post import ALARM, HOLD_MS, RELAY, Post
from tests.machine.table import Table

STUCK_S = 30


def contacts(machine: Machine, table: Table) -> None:
    """Short, chatter, stuck; and after each of them an honest press still rings."""
    post = Post(machine)
    post.settle(alarm_s=5)
    pid = post.start()
    machine.trace()
    for hold_ms in (50, 300, HOLD_MS - 150):
        machine.press_for(ALARM, hold_ms / 1000)
        time.sleep(0.4)
    time.sleep(1)
    table.row("50, 300 and 850 ms of the alarm button: nothing", not post.strokes())
    took_s = machine.chatter(ALARM, 400, 0.005)
    table.row("chatter, 400 changes 5 ms apart, timed in the guest", not post.strokes(), f"took {took_s:.1f} s")
    took_s = machine.chatter(ALARM, 120, 0.02)
    table.row("chatter, 120 changes 20 ms apart: nothing rings", not post.strokes(), f"took {took_s:.1f} s")
    shown = post.conditions()
    table.row("the condition button_chatter is raised", "button_chatter" in shown, shown)
    time.sleep(6)
    table.row("it clears after calm", "button_chatter" not in (shown := post.conditions()), shown)
    _stuck(post, table)
    post.end(pid)


def held_at_boot(machine: Machine, table: Table) -> None:
    """Held down while the post starts: a condition, no ring; let go and pressed again: a ring."""
    post = Post(machine)
    post.settle(alarm_s=5)
    machine.switch("hold_pull", True)
    machine.press(ALARM)
    machine.trace()
    pid = post.start()
    time.sleep(2)
    raised = post.wait_condition("button_held_at_boot", 5)
    table.row("alarm button held while it starts: nothing rings", not post.strokes())
    table.row("the condition button_held_at_boot is raised", raised, post.conditions())
    machine.let_go(ALARM)
    time.sleep(6)
    table.row("it clears after calm", "button_held_at_boot" not in (shown := post.conditions()), shown)
    table.row("let go: nothing rings", not post.strokes())
    machine.press_for(ALARM, (HOLD_MS + 200) / 1000)
    table.row("pressed again: it rings", machine.wait_level(RELAY, 1, 5) is not None or bool(post.strokes()))
    post.end(pid)


def _stuck(post: Post, table: Table) -> None:
    post.machine.trace()
    post.machine.press(ALARM)
    rang = post.machine.wait_level(RELAY, 1, 5)
    table.row("held for ever: rings once", rang is not None)
    raised = post.wait_condition("button_stuck", STUCK_S + 15)
    strokes = post.strokes()
    over_s = strokes[-1].at_s - strokes[0].at_s
    table.row("the condition button_stuck is raised", raised, post.conditions())
    table.row(
        "and it did not ring a second time (one alarm of 5 s)", over_s < 6, f"{len(strokes)} edges in {over_s:.1f} s"
    )
    post.machine.let_go(ALARM)


CASES = {"contacts": contacts, "at-boot": held_at_boot}
PUNCTUAL = CASES.keys()
