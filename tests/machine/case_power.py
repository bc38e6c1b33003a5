"""Power cuts at random moments, on a card that loses what was not flushed: while it rings, while it writes, in the very first
start, and in the middle of an upgrade. Ten cuts in a short round, 50 on each Debian in a long one."""

from __future__ import annotations

import time

from tests.machine.case_install import ONCE, Maker
from tests.machine.changed import numbered
from tests.machine.installing import PATIENCE_S
from tests.machine.machine import Machine
from tests.machine.post import ALARM, CONFIG, HUSH, RELAY, THERE
from tests.machine.survivor import Survivor
from tests.machine.table import Table

STORM = f"systemd-run -q --unit=storm python3 -I {THERE}/storm.py {ALARM} {HUSH}"
BOOT = "/boot/firmware"
INSTALLED = "readlink /opt/kengd/current"
FIRST_S = 60.0
"""From power-on to a post that has taken in its settings and begun its book, and a little more."""
STAGES = {
    "build": ("grep -qs 'Đang dựng' {log}", 60.0),
    "change over": ("[ $(readlink /opt/kengd/current) != {before} ]", 25.0),
    "try it": ("grep -qs 'Đang thử' {log}", 40.0),
}
"""Of install.sh: how it is seen that this has begun, and how long it takes at most, or a little more."""
ARMED = "for i in $(seq 600); do systemctl is-active -q kengd && exit 0; sleep 0.2; done; exit 1"


def rings(machine: Machine, table: Table) -> None:
    """In an alarm, from the press on; and in a storm of alarms, hushes and orders that write."""
    post = Survivor(machine, table)
    post.prepare().settle(alarm_s=60)
    machine.must("systemctl start kengd", 240)
    post.wait_up()
    for number in range(table.times(6, 30)):
        if number % 2:
            machine.must(STORM)
            what, after_s = "while it writes", post.luck.uniform(2.0, 12.0)
        else:
            machine.press(ALARM)
            what, after_s = "in an alarm", post.luck.uniform(0.2, 8.0)
        time.sleep(after_s)
        post.power_cut(f"{what}, after {after_s:.1f} s")
        post.power_on()
        post.examine()
    post.summary()
    table.row(
        "some of these cuts met a ring, and each was written as power_lost",
        post.rang > 0,
        f"{post.rang} of {post.cuts}",
    )
    machine.press_for(ALARM, 1.2)
    table.row("after all that: a press rings", machine.wait_level(RELAY, 1, 5) is not None)


def first_start(machine: Machine, table: Table) -> None:
    """The settings lie on the boot partition; each time the same card, and another moment."""
    post = Survivor(machine, table)
    unit = post.prepare()
    unit.settle()
    machine.must(f"mkdir -p {BOOT} && mv {CONFIG} {BOOT}/kengd.toml && sync; sleep 1")
    machine.cut()
    card = machine.disk.with_name("dropped.qcow2")
    machine.copy_card(card)
    for _ in range(table.times(2, 8)):
        machine.insert(card)
        post.book = []
        after_s = post.luck.uniform(8.0, FIRST_S)
        post.power_on(wait=False)
        time.sleep(after_s)
        post.power_cut(f"first start, {after_s:.0f} s after power-on")
        post.power_on()
        post.wait_up()
        left = machine.run(f"ls {BOOT}").output.split()
        post.examine(
            {
                "settings taken in": machine.run(f"grep -q '^hold_ms' {CONFIG}").code == 0,
                "the plain copy is gone": left == ["kengd-da-nhan.txt"],
            }
        )
        machine.press_for(ALARM, 1.2)
        table.row("and a press rings", machine.wait_level(RELAY, 1, 5) is not None, f"on the boot partition: {left}")
        machine.cut()
    post.summary()


def upgrade(machine: Machine, table: Table) -> None:
    """Two releases in turns: each is installed until it is in force, however often the power goes meanwhile."""
    post = Survivor(machine, table)
    post.prepare().settle(alarm_s=60)
    machine.must("systemctl start kengd", 240)
    make = Maker(machine)
    versions = {version: make.bring(version, numbered(version)) for version in ("0.9.1", "0.9.2")}
    machine.must("sync; sleep 1")
    post.wait_up()
    target = "0.9.1"
    for number in range(table.times(2, 12)):
        before = machine.must(INSTALLED)
        if f"/{target}-" in before:
            target = next(version for version in versions if version != target)
        stage = list(STAGES)[number % len(STAGES)]
        reached, most_s = STAGES[stage]
        machine.must(f"rm -f {ONCE}")
        make.begin(versions[target])
        machine.must(
            f"until {reached.format(before=before, log=ONCE)} || ! systemctl is-active -q job; do sleep 0.1; done",
            PATIENCE_S,
        )
        after_s = post.luck.uniform(0.0, most_s)
        time.sleep(after_s)
        post.power_cut(f"upgrade, {after_s:.0f} s after it began to {stage}")
        post.power_on()
        machine.must(ARMED, 150)
        now = machine.must(INSTALLED)
        runs = machine.must("readlink /proc/$(systemctl show -P MainPID kengd)/exe; kengd --version", 60)
        post.examine({"the old release runs, or the new one": now == before or f"/{target}-" in now})
        table.row(
            "in force then", None, f"{now.rpartition('/')[2]} ({runs.split()[-1]}), before: {before.rpartition('/')[2]}"
        )
    post.summary()
    ran = make.install(versions[target])
    held = ran.code == 0 and f"/{target}-" in machine.must(INSTALLED)
    table.row("install.sh run again succeeds", held, f"{ran.took_s:.0f} s; {ran.output.strip().splitlines()[-2:]}")
    post.wait_up()
    code = machine.run("kengd journal verify", 120).code
    machine.press_for(ALARM, 1.2)
    table.row("and it rings, in the same book", code == 0 and machine.wait_level(RELAY, 1, 5) is not None)


CASES = {"cut-rings": rings, "cut-first": first_start, "cut-upgrade": upgrade}
STRICT = CASES.keys()
