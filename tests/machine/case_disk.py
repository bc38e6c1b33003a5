"""The card: full, read-only, returning errors. The bell rings on, and nothing that was to be written is lost (P3, P7, R40, R41)."""

from __future__ import annotations

import time

from tests.machine.hub import Hub
from tests.machine.machine import Machine
from tests.machine.table import Table
from tests.machine.unit import Score, Unit, as_written, kinds

ALARM_S = 2
PATIENCE_S = 240
STATE = "/var/lib/kengd"
SECTORS = 32 * 2048
ORDER = "ring alarm --by 'Trực ban' --why 'thẻ nhớ'"
MAKE = f"""set -e
modprobe -a loop dm-flakey
truncate -s {SECTORS * 512} /root/card.img
loop=$(losetup --show -f /root/card.img)
mke2fs -q -t ext4 -m 0 $loop
echo "0 {SECTORS} linear $loop 0" | dmsetup create card
mount /dev/mapper/card {STATE}
chown kengd: {STATE}
chmod 750 {STATE}
"""


class Card:
    """A small partition of its own for the post's state."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        machine.must(MAKE)

    def fill(self) -> None:
        """To the last block."""
        more = f"dd if=/dev/zero bs=1k oflag=append conv=notrunc of={STATE}/ballast 2>&1; sync"
        self._machine.must(f"{more}; {more}; {more}; test $(df --output=avail {STATE} | tail -1) -lt 4")

    def empty(self) -> None:
        """Room again."""
        self._machine.must(f"rm {STATE}/ballast")

    def read_only(self, on: bool) -> None:
        """The kernel takes away the right to write, whoever has files open (sysrq u); by hand it is given back."""
        self._machine.must(
            "echo u >/proc/sysrq-trigger; sleep 1" if on else f"mount -o remount,rw /; mount -o remount,rw {STATE}"
        )

    def errors(self, on: bool) -> None:
        """Every read and write ends with an error."""
        loop = self._machine.must("losetup -n -O NAME -j /root/card.img")
        kind = f"flakey {loop} 0 0 3600" if on else f"linear {loop} 0"
        reload = "dmsetup load card && dmsetup suspend --nolockfs --noflush card && dmsetup resume card"
        self._machine.must(f"echo '0 {SECTORS} {kind}' | {reload}; echo 3 >/proc/sys/vm/drop_caches")

    def start_anew(self) -> None:
        """As a boot does it with a card that answers again: repaired, and mounted read-only at first."""
        self._machine.must(
            f"umount {STATE}; e2fsck -fy /dev/mapper/card; test $? -lt 4 && mount -o ro /dev/mapper/card {STATE}"
        )


def disk(machine: Machine, table: Table) -> None:
    """One life of a post with one ailment after the other."""
    post = Unit(machine)
    hub = Hub(machine)
    card = Card(machine)
    post.settle(alarm_s=ALARM_S, more=hub.post_settings)
    score = post.score(ALARM_S)
    hub.start_broker()
    hub.lay_wire()
    hub.listen()
    hub.lay_keys()
    post.up()
    post.until(lambda: bool(post.status()["line_up"]), "the line is up", PATIENCE_S)
    card.fill()
    _ails(post, hub, table, score, "card full", "disk_full")
    card.empty()
    _recovers(post, hub, table, "room again", "disk_full", rings=3)
    card.read_only(True)
    _ails(post, hub, table, score, "card read-only", "disk_read_only")
    card.read_only(False)
    _recovers(post, hub, table, "writable again", "disk_read_only", rings=6)
    card.errors(True)
    _ails(post, hub, table, score, "card returns errors", "book_broken")
    machine.must("systemctl restart kengd", 240)
    held, seen = post.ring(score)
    table.row("started anew while the card returns errors: the alarm button rings", held, seen)
    card.errors(False)
    post.down()
    card.start_anew()
    machine.must("systemctl start kengd", 240)
    held, seen = post.ring(score)
    table.row("started anew on a card that is read-only: the alarm button rings", held, seen)
    post.until(lambda: "disk_read_only" in post.conditions(), "disk_read_only", PATIENCE_S)
    card.read_only(False)
    machine.must("systemctl restart kengd", 240)  # its sandbox keeps a mount as it was at the start
    _recovers(post, hub, table, "the card is well again", "disk_read_only", rings=11)


def _ails(post: Unit, hub: Hub, table: Table, score: Score, what: str, code: str) -> None:
    """The button rings, the condition is raised, an order of the hub rings."""
    held, seen = post.ring(score)
    table.row(f"{what}: the alarm button rings", held, seen)
    post.until(lambda: code in post.conditions(), code, PATIENCE_S)
    held, seen = post.ring(score)
    table.row(f"{what}: it rings while {code} holds", held, seen)
    post.machine.trace()
    _, said = hub.order(ORDER, timeout_s=6)
    time.sleep(ALARM_S + 1)
    held, seen = as_written(post.strokes(), score)
    table.row(f"{what}: an order of the hub rings", held, f"{seen}; answered by {kinds(said) or 'nothing yet'}")
    newest = hub.heard("status")[-1]
    told = [item["code"] for item in newest["conditions"]]
    table.row(f"{what}: the line goes on, and the hub is told why nothing is written", code in told, told)


def _recovers(post: Unit, hub: Hub, table: Table, what: str, code: str, rings: int) -> None:
    """By itself; everything that happened meanwhile is in the book, the chain is whole, and the hub has it all, in order."""
    took_s = post.until(lambda: code not in post.conditions(), f"{code} is over", PATIENCE_S)
    post.until(lambda: len(kinds(post.glance(), kind="finished")) >= rings, f"{rings} rings in the book", PATIENCE_S)
    book = post.book()
    found = kinds(book, kind="ringing")
    held = len(found) == len(kinds(book, kind="finished")) == rings
    table.row(
        f"{what}: {code} is over, and the book has all {rings} rings",
        held,
        f"{len(found)}, after {took_s:.0f} s",
    )
    held, said = post.whole()
    table.row(f"{what}: the chain is whole", held, said)
    post.until(lambda: book[-1] in hub.heard(), "the hub has the newest entry", PATIENCE_S)
    first = {entry["seq"]: entry for entry in reversed(hub.heard())}
    held = [first.get(entry["seq"]) for entry in book] == book
    table.row(f"{what}: the hub has all {len(book)} entries", held)


CASES = {"disk": disk}
