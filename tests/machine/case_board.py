"""The board's own ailments: supply too low, box too hot, as the kernel's files tell them (`kengd.office.boardwatch`)."""

from __future__ import annotations

import itertools
import time

from tests.machine.machine import Machine, Pin
from tests.machine.table import Table
from tests.machine.unit import Unit, kinds

SYSFS = "/run/board"
LAMP = 22
SOON_S = 40
CALM_S = 60
"""The supply must have been good for so long (`kengd.duty.board`)."""
ALARM_S = 2
FAULT_MS = [150, 150, 150]
"""Lit so long, three times, then dark for 1.6 s: "có hỏng hóc: gọi người sửa"."""


def board(machine: Machine, table: Table) -> None:
    """A bad supply on a hot day, and what the keeper, the installer and the book are told."""
    post = Unit(machine)
    post.settle(alarm_s=ALARM_S)
    post.drop_in("board", f"[Service]\nEnvironment=KENGD_SYSFS={SYSFS}\n")
    score = post.score(ALARM_S)
    _says(machine, low=False, milli_c=52_000)
    post.up()
    time.sleep(12)
    shown = _ours(post)
    table.row("good supply, 52 °C: neither condition", not shown, f"lamp KẺNG: {_lamp(post)}")
    _says(machine, low=True, milli_c=84_900)
    took_s = post.until(lambda: _ours(post) == ["too_hot", "undervoltage"], "both conditions", SOON_S)
    table.row("supply too low, 85 °C: undervoltage and too_hot", True, f"after {took_s:.0f} s")
    lit_ms = _blinks(machine)
    held = len(lit_ms) >= 3 and all(abs(ms - want) < 60 for ms, want in zip(lit_ms, FAULT_MS * 3, strict=False))
    table.row("the lamp KẺNG blinks three times and rests", held and _lamp(post) == "fault", f"lit for {lit_ms} ms")
    rang, seen = post.ring(score)
    table.row("the alarm button rings all the same", rang, seen)
    began = time.monotonic()
    _says(machine, low=False, milli_c=70_000)
    post.until(lambda: "too_hot" not in _ours(post), "too_hot is over", SOON_S)
    table.row("70 °C: too_hot is over, the supply is doubted still", _ours(post) == ["undervoltage"], _ours(post))
    post.until(lambda: not _ours(post), "undervoltage is over", CALM_S + SOON_S)
    calm_s = time.monotonic() - began
    table.row("a minute of good supply: undervoltage is over", calm_s > CALM_S - 15, f"after {calm_s:.0f} s")
    written = [kind for kind in kinds(post.book()) if kind.split()[-1] in ("undervoltage", "too_hot")]
    wanted = ["condition_cleared too_hot", "condition_cleared undervoltage"]
    both = (
        sorted(written[:2]) == ["condition_raised too_hot", "condition_raised undervoltage"] and written[2:] == wanted
    )
    table.row("the book has each once, raised and cleared", both, written)


def _says(machine: Machine, *, low: bool, milli_c: int) -> None:
    """What the kernel of a Pi would say."""
    machine.put(f"{SYSFS}/class/hwmon/hwmon1", {"name": b"rpi_volt\n", "in0_lcrit_alarm": b"%d\n" % low})
    machine.put(f"{SYSFS}/class/thermal/thermal_zone0", {"temp": b"%d\n" % milli_c})


def _ours(post: Unit) -> list[str]:
    return sorted({"undervoltage", "too_hot"} & set(post.conditions()))


def _lamp(post: Unit) -> str:
    return str(post.status()["lamps"]["bell"]["code"])


def _blinks(machine: Machine) -> list[int]:
    """For how long the lamp KẺNG was lit, each time, from a long rest on; ms."""
    machine.trace()
    time.sleep(7)
    edges = [pin for pin in machine.traced(LAMP) if pin.happened == "set"]
    spans = list(itertools.pairwise(edges))
    rested = next((n for n, (off, on) in enumerate(spans) if not off.level and _ms(off, on) > 1_000), len(spans))
    return [_ms(on, off) for on, off in spans[rested:] if on.level]


def _ms(first: Pin, then: Pin) -> int:
    return round((then.at_s - first.at_s) * 1000)


CASES = {"board": board}
