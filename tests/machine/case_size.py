"""How big the post is and how soon it is armed, on one CPU and 512 MiB (a Zero 2 W has four slow ones)."""

from __future__ import annotations

import time

from tests.machine.machine import Machine
from tests.machine.post import CONFIG, KENGD, LOG, Post
from tests.machine.table import Table

MEMORY = "awk '/^(Rss|Pss|Private_Dirty):/ {print $2}' /proc/{pid}/smaps_rollup"


def size(machine: Machine, table: Table) -> None:
    """First start (settings are compiled), second start, memory after a minute; beside them the machine's own pace."""
    post = Post(machine)
    post.settle()
    bare = machine.run("/opt/kengd/bin/python -I -c pass").took_s
    bare = min(bare, machine.run("/opt/kengd/bin/python -I -c pass").took_s)
    table.row("Python itself, empty program", None, f"{bare:.2f} s (to scale the next rows by)")
    for what in ("first start, settings compiled", "second start"):
        armed_s = _armed_s(machine)
        pid = int(machine.must("pgrep -of '[k]engd.* run$'"))
        table.row(f"exec to armed, {what}", None, f"{armed_s:.2f} s")
        began = time.monotonic()
        office = post.wait_entry("started")
        table.row("and the office has begun to write", bool(office), f"some {time.monotonic() - began:.0f} s later")
        if what == "second start":
            time.sleep(20)
            _memory(machine, pid, table)
        post.end(pid)


def _armed_s(machine: Machine) -> float:
    machine.must(f"install -d -m 750 /run/kengd /var/lib/kengd; rm -f {LOG}")
    script = (
        f"read a b </proc/uptime; setsid {KENGD} --config {CONFIG} run >{LOG} 2>&1 </dev/null & "
        f"until grep -qs 'armed: post' {LOG}; do sleep 0.05; done; read c d </proc/uptime; read a b </run/began; echo $a $c"
    )
    began, armed = machine.must("cut -d' ' -f1 /proc/uptime >/run/began; " + script, 120).split()
    return float(armed) - float(began)


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
