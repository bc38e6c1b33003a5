"""SIGKILL of the belfry in the middle of an alarm, and its next start, with both kinds of kernel (P1, R19)."""

from __future__ import annotations

import time

from tests.machine.case_owner import kill_closed
from tests.machine.machine import Machine
from tests.machine.post import RELAY, Post
from tests.machine.table import Table


def kill(machine: Machine, table: Table) -> None:
    """persist_gpio_outputs 0 (as upstream and with strict_gpiod), then 1 (the default of Raspberry Pi OS)."""
    for persist in (False, True):
        post = Post(machine)
        machine.switch("persist_gpio_outputs", persist)
        machine.must("rm -rf /run/kengd /var/lib/kengd")
        post.settle(alarm_s=90)
        pid = post.start()
        machine.trace()
        kill_closed(post, pid)
        time.sleep(0.2)
        what = f"persist {int(persist)}: killed with the relay closed"
        table.row(f"{what}: {'stays closed' if persist else 'falls open'}", post.resting is not persist)
        machine.trace()
        pid = post.start()
        time.sleep(4)
        seen = machine.traced(RELAY)
        claimed = next((pin for pin in seen if pin.happened == "set"), None)
        at_rest = claimed is not None and claimed.level == 0
        table.row(f"persist {int(persist)}: the next start claims the line at rest", at_rest)
        strokes = [stroke for stroke in post.strokes() if stroke.on]
        table.row(
            f"persist {int(persist)}: the alarm goes on", len(strokes) >= 2, f"{len(strokes)} strokes in some 4 s"
        )
        kinds = post.wait_entry("ringing")
        table.row(f"persist {int(persist)}: the book has it ringing, resumed once", kinds.count("ringing") == 2, kinds)
        kill_closed(post, pid)
        pid = post.start()
        machine.trace()
        time.sleep(4)
        kinds = post.wait_entry("cut", reason="crashed")
        again = [stroke for stroke in post.strokes() if stroke.on]
        table.row(
            f"persist {int(persist)}: killed again: cut, not resumed a second time",
            not again and post.resting,
            kinds[-2:],
        )
        code, said = post.kengd("journal verify")
        table.row(f"persist {int(persist)}: the book is whole", code == 0, said)
        post.end(pid)


CASES = {"kill": kill}
