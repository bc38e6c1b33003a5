"""Endurance: a hundred alarms in a row on a bell that is not to be overheated, and an office that eats all memory (P2, P3, H9, H21)."""

from __future__ import annotations

import time

from tests.machine.machine import Machine
from tests.machine.post import ALARM
from tests.machine.table import Table
from tests.machine.unit import THERE, Unit, as_written, blows, kinds

ALARMS = 100
HOLD_MS, ALARM_S, EVERY_S = 300, 1, 1.8
DUTY_ON_MS, WINDOW_MS, STROKE_MS = 6_500, 60_000, 120
WORN = f"""
[bell]
kind = "striker"
hold_ms = {STROKE_MS}
longest_stroke_ms = 400
duty_on_ms = {DUTY_ON_MS}
duty_window_ms = {WINDOW_MS}

[codebook.signals]
alarm = {{ pattern = "(1 hồi ngắn dồn dập; nghỉ 20 giây) đến khi dừng" }}
curfew = {{ pattern = "2 tiếng" }}
all_clear = {{ pattern = "2 tiếng thong thả" }}
support = {{ remove = true }}
evacuation = {{ remove = true }}
meeting = {{ remove = true }}
"""
"""A code that begins dense and then rests: this bell bears one alarm of any length, but not one after the other."""
PULL = f"$(echo /sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio{ALARM}/pull)"


def hundred(machine: Machine, table: Table) -> None:
    """Pressed a hundred times, as fast as one alarm follows another."""
    post = Unit(machine)
    post.settle(alarm_s=ALARM_S, hold_ms=HOLD_MS, more=WORN)
    post.up()
    _press(post, 5)
    before_kib = _memory_kib(post)
    first = len(post.book())
    machine.trace()
    began_s = _press(post, ALARMS)
    spent = "duty_exhausted" in post.conditions()
    strokes = post.strokes(stop=True)
    post.until(lambda: len(kinds(post.book()[first:], kind="finished")) >= ALARMS, "the last alarm is written", 120)
    alarms = [entry for entry in post.book()[first:] if entry["kind"] == "ringing"]
    held = len({entry["activation"] for entry in alarms}) == len(alarms) == ALARMS
    table.row(f"{ALARMS} presses: {ALARMS} activations in the book", held, len(alarms))
    on_s = [stroke.at_s for stroke in strokes if stroke.on]
    silent = [
        number for number in range(ALARMS) if not any(0 <= at_s - began_s - number * EVERY_S < EVERY_S for at_s in on_s)
    ]
    table.row("each of them moved the relay (P3)", not silent, f"{blows(strokes)} blows; silent: {silent or 'none'}")
    spans = [(on.at_s, off.at_s) for on, off in zip(strokes[::2], strokes[1::2], strict=True)]
    longest_ms = max(off - on for on, off in spans) * 1000
    table.row(
        "no stroke longer than the bell's limit of 400 ms (P2)", longest_ms <= 400, f"longest {longest_ms:.0f} ms"
    )
    most_ms = _most_ms(spans)
    held = most_ms <= DUTY_ON_MS + 2 * STROKE_MS
    table.row(f"relay on for at most {DUTY_ON_MS} ms (and a stroke) in any minute", held, f"{most_ms:.0f} ms")
    written = kinds(post.book()[first:])
    held = spent and written.count("condition_raised duty_exhausted") >= 1
    table.row("the bell is spent: duty_exhausted, and it plays on slowly", held, post.conditions())
    grown_kib = _memory_kib(post) - before_kib
    table.row("the belfry has not grown", grown_kib < 1024, f"{before_kib} KiB, {grown_kib:+} KiB")
    whole, said = post.whole()
    table.row("the book is whole", whole, said)


def _press(post: Unit, times: int) -> float:
    """When the first one began, CLOCK_MONOTONIC s of the guest."""
    command = f"python3 -I {THERE}/presses.py {PULL} {times} {(HOLD_MS + 50) / 1000} {EVERY_S}"
    return float(post.machine.must(command, times * EVERY_S + 60))


def _memory_kib(post: Unit) -> int:
    return int(post.machine.must(f"awk '/^VmRSS/ {{print $2}}' /proc/{post.belfry}/status"))


def _most_ms(spans: list[tuple[float, float]]) -> float:
    """The longest time on within any window; one ends at each stroke's end."""
    most = 0.0
    for _, end in spans:
        start = end - WINDOW_MS / 1000
        most = max(most, sum(max(0.0, min(off, end) - max(on, start)) for on, off in spans))
    return most * 1000


FEAST_S = 30
FEAST = """
import os, sys, threading, time

def feast():
    while not os.path.exists("/run/kengd/feast"):
        time.sleep(0.2)
    os.unlink("/run/kengd/feast")
    eaten = []
    while True:
        try:
            eaten.append(bytearray(b"x" * (1 << 20)))
        except MemoryError:
            time.sleep(0.05)

if "office" in sys.orig_argv:
    threading.Thread(target=feast, daemon=True).start()
"""
"""A sitecustomize of the release: the office itself eats, not somebody beside it."""


def feast(machine: Machine, table: Table) -> None:
    """The office eats all it can get during an alarm, until the kernel strikes; then it is given nothing any more."""
    post = Unit(machine)
    post.settle(alarm_s=FEAST_S)
    machine.put("/run/feast", {"sitecustomize.py": FEAST.encode()})
    machine.must("cp /run/feast/sitecustomize.py /opt/kengd/current/lib/python3*/site-packages/")
    score = post.score(FEAST_S)
    post.up()
    belfry, eater = post.belfry, post.office
    machine.trace()
    post.press_alarm()
    machine.must("touch /run/kengd/feast; chown kengd: /run/kengd/feast")
    gone_s = post.until(lambda: post.office != eater, "the office is killed", 120)
    killed = machine.run("dmesg | grep -E 'Killed process|oom-kill' | tail -2").output.strip()
    table.row("the office eats until it is killed", True, f"after {gone_s:.0f} s: {killed[-120:]}")
    time.sleep(max(0.0, FEAST_S + 1 - gone_s))
    held, seen = as_written(post.strokes(), score)
    table.row("the belfry keeps the alarm, its score unbroken", held and post.belfry == belfry, seen)
    post.until(lambda: bool(kinds(post.book(), kind="finished")), "the office comes back and writes the end", 240)
    rings = kinds(post.book(), activation=post.book()[-1]["activation"])
    table.row("the office comes back; the book has the alarm, whole", True, kinds(post.book())[-5:])
    whole, said = post.whole()
    table.row("the book is whole", whole and rings is not None, said)


CASES = {"hundred": hundred, "feast": feast}
