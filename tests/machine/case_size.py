"""How big the post is and how soon it is armed, on one CPU and 512 MiB (a Zero 2 W has four slow ones)."""

from __future__ import annotations

import time

from tests.machine.machine import Machine
from tests.machine.post import Post
from tests.machine.table import Table

MEMORY = "awk '/^(Rss|Pss|Private_Dirty):/ {print $2}' /proc/{pid}/smaps_rollup"


def size(machine: Machine, table: Table) -> None:
    """First start (settings are compiled), second start, memory after a minute; beside them the machine's own pace."""
    post = Post(machine)
    post.settle()
    bare = machine.run("/opt/kengd/current/bin/python -I -c pass").took_s
    bare = min(bare, machine.run("/opt/kengd/current/bin/python -I -c pass").took_s)
    table.row("Python itself, empty program", None, f"{bare:.2f} s (to scale the next rows by)")
    for what in ("first start, settings compiled", "second start"):
        machine.must("systemctl start kengd", 240)
        shown = machine.must("systemctl show -p ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic kengd")
        at_us = dict(line.split("=") for line in shown.splitlines())
        armed_us = int(at_us["ActiveEnterTimestampMonotonic"]) - int(at_us["ExecMainStartTimestampMonotonic"])
        table.row(f"exec to armed, {what}", None, f"{armed_us / 1e6:.2f} s")
        if what == "second start":
            time.sleep(60)
            _memory(machine, int(machine.must("systemctl show -p MainPID --value kengd")), table)
        else:
            began = time.monotonic()
            office = post.wait_entry("started")
            table.row(
                "armed before the office is up; the book's first word",
                bool(office),
                f"{time.monotonic() - began:.0f} s later",
            )
        machine.must("systemctl stop kengd", 60)


def _memory(machine: Machine, belfry: int, table: Table) -> None:
    office = int(machine.must(f"pgrep -P {belfry}"))
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
