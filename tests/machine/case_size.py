"""How big the post is and how soon it is armed, on one CPU and 512 MiB (a Zero 2 W has four slow ones)."""

from __future__ import annotations

import time

from tests.machine.machine import Machine
from tests.machine.post import RELAY, THERE
from tests.machine.table import Table
from tests.machine.unit import Unit

MEMORY = "awk '/^(Rss|Pss|Private_Dirty):/ {print $2}' /proc/{pid}/smaps_rollup"


def size(machine: Machine, table: Table) -> None:
    """First start (settings are compiled), second start, memory after a minute; beside them the machine's own pace."""
    post = Unit(machine)
    post.settle(alarm_s=5)
    pace_s = min(machine.run("/opt/kengd/current/bin/python -I -c pass").took_s for _ in range(2))
    table.row("Python itself, empty program", None, f"{pace_s:.2f} s (to scale the next rows by)")
    for what in ("first start, settings compiled", "second start"):
        machine.must("systemctl start kengd", 240)
        _armed_before_office(post, table, what)
        if what == "second start":
            time.sleep(60)
            _memory(post, table)
        post.down()


def _armed_before_office(post: Unit, table: Table, what: str) -> None:
    """A press as soon as systemd says that it is started. An office that is up says that it knows of no broker."""
    began = time.monotonic()
    post.press_alarm()
    rang = post.machine.wait_level(RELAY, 1, 5) is not None
    ask = f"python3 -I {THERE}/status.py"
    early = "no_broker" not in post.machine.must(ask)
    shown = post.machine.must("systemctl show -p ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic kengd")
    at_us = dict(line.split("=") for line in shown.splitlines())
    armed_us = int(at_us["ActiveEnterTimestampMonotonic"]) - int(at_us["ExecMainStartTimestampMonotonic"])
    table.row(f"{what}: from exec to armed", None, f"{armed_us / 1e6:.2f} s")
    post.until(lambda: "no_broker" in post.machine.must(ask), "the office is up", 120)
    up_s = time.monotonic() - began
    table.row(
        f"{what}: armed, and rings, before the office is up", rang and early, f"the office: {up_s:.0f} s after armed"
    )


def _memory(post: Unit, table: Table) -> None:
    machine, belfry, office = post.machine, post.belfry, post.office
    total = {"Rss": 0, "Pss": 0}
    for name, pid in (("belfry", belfry), ("office", office)):
        rss, pss, private = (int(kib) for kib in machine.must(MEMORY.replace("{pid}", str(pid))).split())
        total["Rss"] += rss
        total["Pss"] += pss
        table.row(
            f"{name}: RSS, PSS, private dirty", None, f"{rss / 1024:.1f}, {pss / 1024:.1f}, {private / 1024:.1f} MiB"
        )
    table.row("whole post: RSS, PSS", None, f"{total['Rss'] / 1024:.1f}, {total['Pss'] / 1024:.1f} MiB")
    table.row("memory left on a machine of 512 MiB", None, machine.must("free -m | awk '/Mem/ {print $7 \" MiB\"}'"))


CASES = {"size": size}
