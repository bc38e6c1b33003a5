"""A post whose power is cut again and again, and what must be true after each boot (P1, P5, P7, H10)."""

from __future__ import annotations

import json
import random
import re
import time
from dataclasses import dataclass
from typing import Any

from tests.machine.card import Cut
from tests.machine.machine import Machine, MachineError
from tests.machine.post import RELAY, THERE
from tests.machine.table import Table
from tests.machine.unit import Unit

WITNESS = f"""[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/python3 -I {THERE}/witness.py
Restart=always
[Install]
WantedBy=multi-user.target
"""
SEEN = re.compile(r"^kengd-book (\d+) ([0-9a-f]{64}) (\S+) (\S+) (\S+) \.\r?$", re.MULTILINE)
ASK_EVERY_S = 4.0
ENDS = ("finished", "cut", "failed")


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry as the witness in the guest saw it: by then it was committed."""

    seq: int
    digest: str
    kind: str
    reason: str
    activation: str


class Survivor:
    """`book`: the longest that was seen of it before a cut."""

    def __init__(self, machine: Machine, table: Table) -> None:
        self.machine, self.table, self.luck = machine, table, table.luck()
        self.book: list[Seen] = []
        self.cuts = self.rang = 0
        self._said = 0
        self._what = self.looked_at = ""
        self._cut = Cut(0, 0, 0)

    def prepare(self) -> Unit:
        """The first boot of the installed disk: no settings yet; somebody will watch the book from now on."""
        self.power_on()
        unit = Unit(self.machine)
        self.machine.put("/etc/systemd/system", {"witness.service": WITNESS.encode()})
        self.machine.must("systemctl daemon-reload; systemctl enable -q --now witness", 60)
        return unit

    def power_on(self, *, wait: bool = True) -> None:
        """Boot what is on the card."""
        self._said = len(self.machine.console)
        self.machine.start(wait=wait)

    def power_cut(self, what: str) -> None:
        """Now. Each third card keeps a random part of what was not flushed, the others nothing of it."""
        self.cuts += 1
        self._what = f"cut {self.cuts}: {what}"
        self._cut = self.machine.cut(random.Random(self.luck.random()) if self.cuts % 3 == 0 else None)
        self.book = self.seen() or self.book

    def seen(self) -> list[Seen]:
        """What the witness told in this boot."""
        found = SEEN.findall(self.machine.console[self._said :])
        return [Seen(int(seq), *words) for seq, *words in found]

    def wait_up(self, patience_s: float = 150) -> list[str]:
        """Until the office has looked into the book; what ails the post. Without a broker it says so, last of all."""
        end = time.monotonic() + patience_s
        self._wait_told(ASK_EVERY_S)
        while "no_broker" not in (ailing := self._ailing()):
            if time.monotonic() > end:
                log = self.machine.run(
                    "journalctl -b -u kengd -u kengd-intake -o short-monotonic --no-pager | tail -30"
                )
                raise MachineError(f"{self._what}: the post is not up\n{log.output}")
            self._wait_told(ASK_EVERY_S)
        return ailing

    def _wait_told(self, at_most_s: float) -> None:
        """Until the witness tells that an office of this boot knows of no broker: costs the guest nothing, asking does."""
        end = time.monotonic() + at_most_s
        before = sum(entry.kind == "started" for entry in self.book)
        while time.monotonic() < end:
            said = self.seen()
            starts = [number for number, entry in enumerate(said) if entry.kind == "started"]
            if len(starts) > before and any(entry.reason == "no_broker" for entry in said[starts[-1] :]):
                return
            time.sleep(0.2)

    def examine(self, more: dict[str, bool] | None = None) -> None:
        """The row about the last cut, of the boot that followed it; `more` must hold too."""
        ailing = self.wait_up()
        time.sleep(1)
        pins, book = self.machine.traced(RELAY), self.seen()
        verified = self.machine.run("kengd journal verify", 120)
        open_then = _open(self.book)
        lost = [entry for entry in book if (entry.kind, entry.reason) == ("cut", "power_lost")]
        asks = "power_lost_ring" in ailing
        holds = {
            "no ring by itself": bool(pins) and not any(pin.happened == "in" or pin.level == 1 for pin in pins),
            "nothing lost": book[: len(self.book)] == self.book,
            "chain provable": verified.code == 0,
            "every ring has an end": not _open(book),
            "a new press is asked for": asks == (_last_end(book) == "power_lost"),
            "no book set aside": book[0].reason == "new",
            **(more or {}),
        }
        broken = [name for name, held in holds.items() if not held]
        self.looked_at = ", ".join(holds)
        sounding = ""
        if open_then:
            self.rang += any(entry.activation in open_then for entry in lost)
            sounding = f"; was ringing: {'cut by power loss' if lost else 'its end was written'}"
        seen = f"{len(self.book)} entries seen before, {self._cut.lost} of {self._cut.writes} writes lost{sounding}"
        self.table.row(self._what, not broken, f"NOT {broken} {ailing}; {seen}" if broken else seen)
        if broken:
            self.table.row("before, after, what verify says", None, f"{self.book[-6:]} {book[-12:]} {verified.output}")

    def summary(self) -> None:
        """The row that says what was looked at after each cut."""
        self.table.row(f"after each of these {self.cuts} cuts it booted and was armed", None, self.looked_at)

    def _ailing(self) -> list[str]:
        ran = self.machine.run(f"python3 -I {THERE}/status.py")
        said: dict[str, Any] = json.loads(ran.output) if ran.code == 0 and ran.output.strip() else {}
        return [item["code"] for item in said.get("conditions", [])]


def _open(book: list[Seen]) -> set[str]:
    """Activations that have begun to ring and not ended."""
    began = {entry.activation for entry in book if entry.kind == "ringing"}
    return began - {entry.activation for entry in book if entry.kind in ENDS}


def _last_end(book: list[Seen]) -> str:
    """How the last ring ended: every ring of these tests is an alarm."""
    return next((entry.reason for entry in reversed(book) if entry.kind in ENDS), "")
