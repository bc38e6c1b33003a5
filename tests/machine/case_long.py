"""Endurance: a hundred alarms in a row on a bell that is not to be overheated, and an office that eats all memory (P2, P3, H9, H21)."""

from __future__ import annotations

import time

from tests.machine.machine import Machine
from tests.machine.post import ALARM, THERE, Stroke
from tests.machine.table import Table
from tests.machine.unit import Unit, as_written, kinds

ALARMS, MORE = 100, 25
HOLD_MS, ALARM_S, EVERY_S, SOONER_S = 300, 1, 1.6, 1.42
DUTY_ON_MS, WINDOW_MS, STROKE_MS, LONGEST_MS = 14_000, 60_000, 120, 400
BELL = f"""
[bell]
kind = "striker"
hold_ms = {STROKE_MS}
longest_stroke_ms = {LONGEST_MS}
duty_on_ms = {DUTY_ON_MS}
duty_window_ms = {WINDOW_MS}

[codebook.signals.alarm]
pattern = "(1 hồi ngắn dồn dập; nghỉ 20 giây) đến khi dừng"
"""
"""Its code begins dense and then rests. At one alarm each 1.6 s the relay is on for 13.5 s a minute, at one each 1.42 s for 15.2 s."""
PULL = f"$(echo /sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio{ALARM}/pull)"
Spans = list[tuple[float, float]]


def hundred(machine: Machine, table: Table) -> None:
    """Pressed a hundred times, as fast as this bell bears it; then faster, which it does not."""
    post = Unit(machine)
    post.settle(alarm_s=ALARM_S, hold_ms=HOLD_MS, more=BELL)
    score = post.score(ALARM_S)
    post.up()
    _press(post, 5, EVERY_S)
    before_kib, first = _memory_kib(post), len(post.book())
    machine.trace()
    began_s = _press(post, ALARMS, EVERY_S)
    strokes = post.strokes()
    sooner_s = _press(post, MORE, SOONER_S)
    time.sleep(ALARM_S + 1)
    spans = _spans(post.strokes(stop=True))
    grown_kib = _memory_kib(post) - before_kib
    _played(table, _spans(strokes), sum(on for _, on in score), began_s)
    _spent(table, spans, sum(on for _, on in score), sooner_s)
    post.until(lambda: len(kinds(post.glance()[first:], kind="finished")) > ALARMS, "the last alarm is written", 120)
    _written(post, table, first)
    table.row("the belfry has not grown", grown_kib < 1024, f"{before_kib} KiB, {grown_kib:+} KiB")
    whole, said = post.whole()
    table.row("the book is whole", whole, said)


def _played(table: Table, spans: Spans, blows: int, began_s: float) -> None:
    each = [_within(spans, began_s + number * EVERY_S, EVERY_S) for number in range(ALARMS)]
    held = each == [blows] * ALARMS
    odd = {number: count for number, count in enumerate(each) if count != blows}
    table.row(f"{ALARMS} alarms in a row: {blows} strokes each", held, f"{len(spans)} strokes, others: {odd or 'none'}")
    most_ms = _most_ms(spans)
    table.row(
        f"the relay was on for no more than {DUTY_ON_MS} ms in any minute", most_ms <= DUTY_ON_MS, f"{most_ms:.0f} ms"
    )


def _spent(table: Table, spans: Spans, blows: int, sooner_s: float) -> None:
    each = [_within(spans, sooner_s + number * SOONER_S, SOONER_S) for number in range(MORE)]
    table.row(f"{MORE} more, faster: none is refused, some are slow (P3)", 1 <= min(each) < max(each) == blows, each)
    longest_ms = max(off - on for on, off in spans) * 1000
    table.row(f"no stroke longer than {LONGEST_MS} ms (P2)", longest_ms <= LONGEST_MS, f"longest {longest_ms:.0f} ms")
    table.row("the relay was on in the fullest minute", None, f"{_most_ms(spans):.0f} ms")


def _written(post: Unit, table: Table, first: int) -> None:
    rings = [entry for entry in post.book()[first:] if entry["kind"] == "ringing"]
    held = len({entry["activation"] for entry in rings}) == len(rings) == ALARMS + MORE
    table.row(f"{ALARMS} and {MORE} activations in the book", held, len(rings))
    spent = sum(bool((entry["detail"] or {}).get("duty_exhausted")) for entry in rings[ALARMS:])
    raised = kinds(post.book()[first:]).count("condition_raised duty_exhausted")
    table.row("then the book says duty_exhausted", min(spent, raised) > 0, f"{spent} of {len(rings) - ALARMS} rings")


def _press(post: Unit, times: int, every_s: float) -> float:
    """When the first one began, CLOCK_MONOTONIC s of the guest."""
    command = f"python3 -I {THERE}/presses.py {PULL} {times} {(HOLD_MS + 50) / 1000} {every_s}"
    return float(post.machine.must(command, times * every_s + 60))


def _memory_kib(post: Unit) -> int:
    return int(post.machine.must(f"awk '/^VmRSS/ {{print $2}}' /proc/{post.belfry}/status"))


def _spans(strokes: list[Stroke]) -> Spans:
    """From when until when the relay was on."""
    return [(on.at_s, off.at_s) for on, off in zip(strokes[::2], strokes[1::2], strict=True)]


def _within(spans: Spans, from_s: float, for_s: float) -> int:
    """How many strokes began in this time after the button had been held long enough."""
    return sum(0 <= on - from_s - HOLD_MS / 1000 < for_s for on, _ in spans)


def _most_ms(spans: Spans) -> float:
    """The longest time on within any window; the fullest ends with a stroke."""
    most = 0.0
    for _, end in spans:
        start = end - WINDOW_MS / 1000
        most = max(most, sum(max(0.0, min(off, end) - max(on, start)) for on, off in spans))
    return most * 1000


FEAST_S = 30
FEAST = """
import os, sys, threading, time

def feast():
    while not os.path.exists("/run/feast/now"):
        time.sleep(0.2)
    eaten = []
    while True:
        try:
            eaten.append(bytearray(b"x" * (1 << 20)))
        except MemoryError:
            time.sleep(0.05)

if "office" in sys.orig_argv:
    threading.Thread(target=feast, daemon=True).start()
"""
"""Loaded with each Python of the release (`feast.pth`): the office itself eats, not somebody beside it."""
HOOK = "cp /run/feast/feast.p* $(ls -d /opt/kengd/current/lib/python3*/site-packages)"


def feast(machine: Machine, table: Table) -> None:
    """The office eats all it can get during an alarm, until the kernel strikes (H21)."""
    post = Unit(machine)
    post.settle(alarm_s=FEAST_S)
    machine.put("/run/feast", {"feast.py": FEAST.encode(), "feast.pth": b"import feast\n"})
    machine.must(HOOK)
    score = post.score(FEAST_S)
    post.up()
    belfry, eater = post.belfry, post.office
    machine.trace()
    post.press_alarm()
    machine.must("touch /run/feast/now; sleep 1; rm /run/feast/now")
    gone_s = post.until(lambda: post.office != eater, "the office is killed", 120)
    killed = machine.run("dmesg | grep -o 'Killed process.*' | tail -1").output.strip()
    table.row("the office eats until it is killed", True, f"after {gone_s:.0f} s: {killed}")
    time.sleep(max(0.0, FEAST_S + 2 - gone_s))
    held, seen = as_written(post.strokes(), score)
    table.row("the belfry keeps the alarm, its score unbroken", held and post.belfry == belfry, seen)
    post.until(lambda: bool(kinds(post.glance(), kind="finished")), "the office comes back and writes the end", 240)
    rang = [kind for kind in kinds(post.book()) if kind in ("ringing", "finished", "cut crashed")]
    table.row("the office comes back; the book has the alarm, once and whole", rang == ["ringing", "finished"], rang)
    went = kinds(post.book())
    table.row("and says that the office was down", "condition_raised office_down" in went, went)
    whole, said = post.whole()
    table.row("the book is whole", whole, said)


CASES = {"hundred": hundred, "feast": feast}
PUNCTUAL = ("hundred",)
