"""Who holds the relay's line: never two (P10), and `kengd off` in each situation (R11)."""

from __future__ import annotations

import time

from tests.machine.machine import Machine
from tests.machine.post import ALARM, HOLD_MS, LOG, RELAY, Post
from tests.machine.table import Table

CLAIM = f"""import gpiod, time
from gpiod.line import Direction
held = gpiod.request_lines("/dev/gpiochip0", consumer="stranger", config={{{RELAY}: gpiod.LineSettings(direction=Direction.OUTPUT)}})
time.sleep(600)
"""
"""Through the release's own libgpiod: the tools of bookworm and trixie do not understand each other's arguments."""
PYTHON = "/opt/kengd/current/bin/python -I"
FOREIGN = f"setsid {PYTHON} -c '{CLAIM}' >/dev/null 2>&1 </dev/null & echo $!"


def second_owner(machine: Machine, table: Table) -> None:
    """A stranger on the line; then a second post."""
    post = Post(machine)
    post.settle()
    stranger = int(machine.must(FOREIGN))
    time.sleep(4)
    machine.must("install -d -m 750 /run/kengd /var/lib/kengd")
    code, said = post.kengd("run")
    table.row(
        "run while a stranger holds the line: exit 1 naming it", code == 1 and "stranger" in said, said.splitlines()[:1]
    )
    code, said = post.kengd("off")
    named = code == 1 and "stranger" in said
    table.row("off while a stranger holds the line: exit 1 naming it", named, said.splitlines()[:1])
    machine.must(f"kill {stranger}; sleep 0.5")
    pid = post.start()
    code, said = post.kengd("run")
    table.row("a second post with the same directories: exit 1", code == 1, said.splitlines()[:1])
    other = (
        "mkdir -p /root/b; sed 's,/var/lib/kengd,/root/b/state,; 1i run_dir = \"/root/b/run\"' /etc/kengd/kengd.toml"
    )
    machine.must(other + " >/root/b/kengd.toml")
    ran = machine.run("/opt/kengd/current/bin/kengd --config /root/b/kengd.toml run", 240)
    named = ran.code == 1 and f"kengd {pid}" in ran.output
    table.row("a second post with directories of its own: exit 1 naming the first", named, ran.output.splitlines()[:1])
    ran = machine.run(f"{PYTHON} -c '{CLAIM}'", 60)
    refused = ran.code != 0 and "busy" in ran.output
    table.row("a stranger beside the post is refused by the kernel", refused, ran.output.strip()[-60:])
    post.end(pid)


def off(machine: Machine, table: Table) -> None:
    """With the post alive; after it was killed with the relay closed."""
    post = Post(machine)
    post.settle(alarm_s=120)
    pid = post.start()
    _ring(post)
    machine.trace()
    code, said = post.kengd("off")
    time.sleep(3)
    late = [stroke for stroke in post.strokes() if stroke.on]
    table.row("off while the post rings: it hushes, exit 0", code == 0 and post.resting, said)
    alive = machine.run(f"test -d /proc/{pid}").code == 0
    table.row(
        "and the post goes on", alive and post.status()["sounding"] is None, f"{len(late)} strokes before it was heard"
    )
    kill_closed(post, pid)
    table.row("killed with the relay closed, persist 1: it stays closed", not post.resting)
    ran = machine.run("date +%s.%N; /opt/kengd/current/bin/kengd --config /etc/kengd/kengd.toml off; echo $?")
    table.row(
        "off then: relay at rest, exit 0", post.resting and ran.output.strip().endswith("0"), f"{ran.took_s:.1f} s"
    )
    table.row("nothing broke in its log", "Traceback" not in (log := machine.run(f"cat {LOG}").output), log[-300:])


def _ring(post: Post) -> None:
    post.machine.press_for(ALARM, (HOLD_MS + 200) / 1000)
    post.machine.wait_level(RELAY, int(not post.active_low), 5)


def kill_closed(post: Post, pid: int) -> None:
    """Ring (again), and SIGKILL the belfry while the relay is closed; returns when it and its office are gone."""
    post.machine.press_for(ALARM, (HOLD_MS + 200) / 1000)
    closed = f"/sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio{RELAY}/value"
    on = int(not post.active_low)
    post.machine.must(
        f"until [ $(cat {closed}) = {on} ]; do :; done; kill -KILL {pid}; while [ -d /proc/{pid} ]; do sleep 0.02; done",
        30,
    )
    post.machine.must("while pgrep -f '[k]engd.* office' >/dev/null; do sleep 0.05; done")


CASES = {"owner": second_owner, "off": off}
