"""A post on the test machine: installed from this checkout, started by hand or by systemd, looked at from outside."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.machine.machine import Machine, MachineError, Pin

BROUGHT = Path(__file__).parent / "brought"
THERE = "/root/brought"
"""Where `bring` puts those programs in the guest."""
RELAY, ALARM, HUSH, ALL_CLEAR = 17, 5, 6, 13
KENGD = "/opt/kengd/current/bin/kengd"
CONFIG = "/etc/kengd/kengd.toml"
LOG = "/run/post.log"
HOLD_MS = 1000
SETTINGS = """state_dir = "/var/lib/kengd"

[post]
commune = "cong-lac"
id = "thon-1"
name = "Kẻng thôn 1"

[codebook]
use = "cong_lac"

[limits]
alarm_s = {alarm_s}

[gpio]
pins = "kengd"

[gpio.relay]
pin = {relay}
active_low = {active_low}

[[gpio.buttons]]
name = "alarm"
pin = {alarm}
does = "alarm"
hold_ms = {hold_ms}

[[gpio.buttons]]
name = "hush"
pin = {hush}
does = "hush"

[[gpio.buttons]]
name = "all-clear"
pin = {all_clear}
does = "all_clear"

[gpio.lamps]
bell = 22
police = 23

[[timetable]]
at = "22:00"
signal = "curfew"
"""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A change of the relay's electrical level, made logical: `on` closes it; `at_s` CLOCK_MONOTONIC of the guest."""

    at_s: float
    on: bool


class Post:
    """The post on this machine. `active_low`: the relay closes at 0 V; its line is then pulled up from outside."""

    def __init__(self, machine: Machine, *, active_low: bool = False) -> None:
        self.machine = machine
        self.active_low = active_low
        self._brought = False

    def bring(self) -> None:
        """Put our own programs onto the guest, if this has not been done."""
        if not self._brought:
            self.machine.put(THERE, {file.name: file for file in BROUGHT.glob("*.py")})
            self._brought = True

    # ---- settings

    def settle(self, *, alarm_s: int = 10) -> None:
        """Write the settings and wire relay and buttons."""
        text = SETTINGS.format(
            relay=RELAY,
            alarm=ALARM,
            hush=HUSH,
            all_clear=ALL_CLEAR,
            hold_ms=HOLD_MS,
            alarm_s=alarm_s,
            active_low=str(self.active_low).lower(),
        )
        self.machine.put("/etc/kengd", {"kengd.toml": text.encode()})
        self.machine.ask("pull", line=RELAY, up=self.active_low)
        for line in (ALARM, HUSH, ALL_CLEAR):
            self.machine.let_go(line)

    # ---- by hand

    def start(self, user: str = "root", *, wait: bool = True) -> int:
        """`kengd run` as this user, in the background; its pid. Waits until armed."""
        self.machine.must(
            f"install -d -m 750 /run/kengd /var/lib/kengd; chown -R {user}: /run/kengd /var/lib/kengd; rm -f {LOG}"
        )
        become = "" if user == "root" else f"setpriv --reuid {user} --regid {user} --init-groups "
        run = f"setsid {become}{KENGD} --config {CONFIG} run >{LOG} 2>&1 </dev/null & echo $!"
        pid = int(self.machine.must(run))
        if wait:
            self.wait_armed()
        return pid

    def wait_armed(self, timeout_s: float = 240) -> None:
        """Until the log says so. Raises MachineError with the log."""
        wait = f"for i in $(seq {int(timeout_s * 10)}); do grep -qs 'armed: post' {LOG} && exit 0; sleep 0.1; done; cat {LOG}; exit 1"
        self.machine.must(wait, timeout_s + 30)

    def end(self, pid: int, signal: str = "TERM", timeout_s: float = 30) -> str:
        """Send the signal and wait until it is gone; what it logged."""
        wait = f"for i in $(seq {int(timeout_s * 20)}); do [ -d /proc/{pid} ] || exit 0; sleep 0.05; done; exit 1"
        self.machine.must(f"kill -{signal} {pid}; {wait}", timeout_s + 20)
        return self.machine.run(f"cat {LOG}").output

    def kengd(self, arguments: str, timeout_s: float = 240) -> tuple[int, str]:
        """A kengd command as root: exit code, what it said."""
        ran = self.machine.run(f"{KENGD} --config {CONFIG} {arguments}", timeout_s)
        return ran.code, ran.output.strip()

    def status(self) -> dict[str, Any]:
        """As `kengd status --json`. Raises MachineError when nobody answers."""
        self.bring()
        found: dict[str, Any] = json.loads(self.machine.must(f"python3 -I {THERE}/status.py"))
        return found

    def conditions(self) -> list[str]:
        """Codes of what ails it now."""
        return [item["code"] for item in self.status()["conditions"]]

    def wait_condition(self, code: str, timeout_s: float) -> bool:
        """Until it is shown."""
        end = time.monotonic() + timeout_s
        while code not in self.conditions():
            if time.monotonic() > end:
                return False
            time.sleep(0.3)
        return True

    def entries(self) -> list[dict[str, Any]]:
        """The book, oldest first."""
        code, said = self.kengd("journal show --json")
        if code:
            raise MachineError(said)
        return [json.loads(line) for line in said.splitlines()]

    def glance(self) -> list[dict[str, Any]]:
        """The book's entries (`glance.py` says which words of them), cheap enough to look again and again."""
        self.bring()
        return [json.loads(line) for line in self.machine.must(f"python3 -I {THERE}/glance.py").splitlines()]

    def wait_entry(self, kind: str, timeout_s: float = 240, *, reason: str | None = None) -> list[str]:
        """Until the book has an entry like this (the office may still be starting); all kinds with their reasons."""
        end = time.monotonic() + timeout_s
        while True:
            found = self.glance()
            if any(item["kind"] == kind and reason in (None, item["reason"]) for item in found):
                return [" ".join(filter(None, (item["kind"], item["reason"]))) for item in found]
            if time.monotonic() > end:
                raise MachineError(f"no {kind} {reason or ''} in the book: {[item['kind'] for item in found]}")
            time.sleep(0.3)

    def score(self, for_s: int) -> list[tuple[int, bool]]:
        """`kengd score alarm --json`: when the relay should move, in ms from the first stroke."""
        code, said = self.kengd(f"score alarm --json --for {for_s}")
        if code:
            raise MachineError(said)
        return [(at_ms, bool(on)) for at_ms, on in json.loads(said)["edges"]]

    # ---- the relay

    @property
    def resting(self) -> bool:
        """Is it at rest, electrically?"""
        return self.machine.level(RELAY) == int(self.active_low)

    def strokes(self, *, stop: bool = False) -> list[Stroke]:
        """Changes of the relay's level since the trace began, which must have been at rest."""
        return strokes(self.machine.traced(RELAY, stop=stop), active_low=self.active_low)


def strokes(pins: list[Pin], *, active_low: bool) -> list[Stroke]:
    """Changes among what the kernel saw. A line let go, or made an input, is at its pull: at rest."""
    found: list[Stroke] = []
    on = False
    for pin in pins:
        if pin.happened == "out":
            continue
        now_on = pin.happened == "set" and (pin.level == 1) != active_low
        if pin.happened == "free":
            continue  # with persist_gpio_outputs the level stays; without, the test reads it
        if now_on != on:
            found.append(Stroke(pin.at_s, now_on))
            on = now_on
    return found
