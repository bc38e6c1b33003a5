"""Each way in which a post can die while it rings, on both kinds of kernel: at rest in time, the book whole (P1, P7, R19).

persist_gpio_outputs 1 is the default of Raspberry Pi OS: a line that is let go keeps its level. 0 is upstream's way, and what
firmware_config/ asks for: it falls back to its pull.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import dropwhile, pairwise

from tests.machine.machine import Machine, Pin
from tests.machine.post import HUSH, RELAY, THERE, Stroke
from tests.machine.table import Table
from tests.machine.unit import Score, Unit

WATCHDOG_S, STOP_S = 15, 10
"""WatchdogSec and TimeoutStopSec of the unit."""
HARDWARE_S, PANIC_S = 14, 10
"""RuntimeWatchdogSec of systemd/watchdog.conf; panic= of firmware_config/cmdline.txt."""
KEPT_S, LET_GO_S = 5.0, 1.0
"""How soon the relay is at rest: where somebody has to start first who puts it to rest, and where the kernel does it."""
OFFICE_S = 60
"""A stopped office is ended after 30 s, and the next one needs its time to start."""
UPTIME = "cut -d' ' -f1 /proc/uptime"
VALUE = f"/sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio{RELAY}/value"
CLOSED = f"line=$(echo {VALUE}); until read level <$line && [ $level = 1 ]; do :; done"
"""Nothing is started in that loop: a stroke may be over before a program is."""
ACTIVE = "systemctl is-active -q kengd"
LOG = "journalctl -u kengd -o short-monotonic --no-pager | tail -15"
PACE = "/opt/kengd/current/bin/python -I -c pass"
MANAGER = "org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager"
OUTCOMES = ("ringing", "finished", "cut", "failed")


@dataclass(slots=True)
class Trial:
    """One post, one kind of kernel. `stories`: what the book should say of each alarm, in their order."""

    post: Unit
    table: Table
    persist: bool
    stories: list[tuple[str, list[str]]] = field(default_factory=list)

    def row(self, tried: str, held: bool | None, seen: object = "") -> None:
        """A row that says which kind of kernel."""
        self.table.row(f"persist {int(self.persist)}: {tried}", held, seen)

    def ring(self, what: str, *story: str) -> None:
        """A new alarm."""
        self.stories.append((what, list(story)))
        self.post.press_alarm()

    def at_closed(self, command: str) -> tuple[float, str]:
        """Run this as soon as the relay is closed; CLOCK_MONOTONIC of then, and what it said. The trace begins anew."""
        self.post.machine.trace()
        command = f"{CLOSED}; read up idle </proc/uptime; {command}; echo; echo $up"
        said, _, at_s = self.post.machine.must(command, 60).rpartition("\n")
        return float(at_s), said

    def since(self, at_s: float) -> list[Pin]:
        """What happened to the relay's line from then on (/proc/uptime counts in hundredths)."""
        return [pin for pin in self.post.machine.traced(RELAY) if pin.at_s > at_s - 0.01]

    def rests(self, pin: Pin) -> bool:
        """Is the relay open from here on?"""
        return (pin.happened == "set" and pin.level == 0) or (pin.happened == "free" and not self.persist)

    def back(self, before: int, at_s: float, what: str) -> None:
        """Wait until systemd has started another one. Asking all the time would take the one slow CPU from it."""
        time.sleep(3)
        self.post.until(lambda: self.post.machine.run(ACTIVE).code == 0 and self.post.belfry != before, what, 90)
        now_s = float(self.post.machine.must(UPTIME))
        self.row(f"{what}: started again by systemd", True, f"armed after {now_s - at_s:.1f} s at most")

    def died(self, what: str, at_s: float, hung_s: float = 0) -> None:
        """The row about the relay; the pace of this machine just now stretches what a soft CPU is slow at."""
        pace_s = min(self.post.machine.run(PACE).took_s for _ in range(2))
        allowed_s = hung_s + (max(KEPT_S, 6 * pace_s) if self.persist else max(LET_GO_S, 3 * pace_s))
        rest_s = next((pin.at_s - at_s for pin in self.since(at_s) if self.rests(pin)), None)
        seen = "never" if rest_s is None else f"{max(0.0, rest_s):.2f} s"
        held = rest_s is not None and rest_s <= allowed_s
        self.row(
            f"{what}: at rest within {allowed_s:.1f} s", held, f"{seen} (an empty Python starts in {pace_s:.2f} s)"
        )
        if rest_s is None or rest_s > hung_s + max(2.0, 3 * pace_s):
            self.row("later than usual: its log", None, self.post.machine.run(LOG).output)


def kept(machine: Machine, table: Table) -> None:
    """As Raspberry Pi OS has it."""
    _deaths(machine, table, True)


def let_go(machine: Machine, table: Table) -> None:
    """As upstream, or with strict_gpiod."""
    _deaths(machine, table, False)


def _deaths(machine: Machine, table: Table, persist: bool) -> None:
    machine.switch("persist_gpio_outputs", persist)
    post = Unit(machine)
    post.settle(alarm_s=300)
    trial = Trial(post, table, persist)
    ran = machine.run("systemctl start kengd", 240)
    state = machine.must("systemctl show -p ActiveState,SubState,StatusText --value kengd").split("\n")
    armed = ran.code == 0 and {"active", "running"} < set(state) and "armed" in str(state)
    trial.row("systemctl start returns when it is armed, and systemd says so", armed, f"{ran.took_s:.1f} s, {state}")
    for death in (_killed, _stopped, _ended, _office, _both, _kernel):
        death(trial)
    _book(trial)


def _killed(trial: Trial) -> None:
    """SIGKILL twice within one alarm, the second time with nobody who puts the relay to rest but the next start."""
    post = trial.post
    trial.ring("SIGKILL twice", "ringing", "ringing", "cut crashed")
    before = post.belfry
    at_s, _ = trial.at_closed(f"kill -KILL {before}")
    trial.back(before, at_s, "SIGKILL")
    trial.died("SIGKILL", at_s)
    trial.row("SIGKILL: the alarm goes on", post.machine.wait_level(RELAY, 1, 20) is not None)
    _office_up(
        trial
    )  # systemd reading its units anew beside an office that starts: too much for this CPU and its watchdog
    post.drop_in("bare", "[Service]\nExecStopPost=\n")
    before = post.belfry
    at_s, level = trial.at_closed(f"{_surely_closed(before)}; kill -KILL {before}; sleep 0.5; cat {VALUE}")
    trial.row(
        f"SIGKILL, no ExecStopPost: {'stays closed' if trial.persist else 'falls open'}", int(level) == trial.persist
    )
    trial.back(before, at_s, "SIGKILL, no ExecStopPost")
    time.sleep(4)
    pins = list(dropwhile(lambda pin: pin.happened != "free", trial.since(at_s)))
    sets = [pin for pin in pins if pin.happened == "set"]
    told = [f"{pin.level} after {pin.at_s - at_s:.1f} s" for pin in sets]
    trial.row(
        "the next start claims it at rest, and does not go on a second time", {pin.level for pin in sets} == {0}, told
    )
    post.machine.must("rm /etc/systemd/system/kengd.service.d/bare.conf && systemctl daemon-reload")


def _surely_closed(belfry: int | None) -> str:
    """The stroke may be over before the kill comes, on a CPU that is shared: stopped, the belfry cannot end it meanwhile."""
    return f"until kill -STOP {belfry}; read level <$line; [ $level = 1 ]; do kill -CONT {belfry}; {CLOSED}; done"


def _stopped(trial: Trial) -> None:
    """SIGSTOP: only systemd's watchdog notices."""
    trial.ring("SIGSTOP", "ringing", "ringing", "cut hushed")
    before = trial.post.belfry
    at_s, _ = trial.at_closed(f"kill -STOP {before}")
    time.sleep(WATCHDOG_S)
    trial.back(before, at_s, "SIGSTOP")
    trial.died("SIGSTOP", at_s, WATCHDOG_S)
    trial.row("SIGSTOP: the alarm goes on", trial.post.machine.wait_level(RELAY, 1, 20) is not None)
    code, said = trial.post.kengd("hush")
    trial.row("`kengd hush` as root ends it", code == 0 and trial.post.resting, said)


def _ended(trial: Trial) -> None:
    """SIGTERM, which nobody but systemd sends: an orderly end, and a new start."""
    trial.ring("SIGTERM", "ringing", "cut shutdown")
    before = trial.post.belfry
    at_s, _ = trial.at_closed(f"kill -TERM {before}")
    trial.back(before, at_s, "SIGTERM")
    trial.died("SIGTERM", at_s)
    trial.row("SIGTERM: it is silent then", trial.post.resting)


def _office(trial: Trial) -> None:
    """SIGTERM, SIGKILL and SIGSTOP of the office, one after the other in one alarm, which goes on as if nothing were."""
    post = trial.post
    _office_up(trial)
    post.machine.trace()
    trial.ring("the office ends and hangs", "ringing", "cut hushed")
    first = post.office
    post.machine.must(f"kill -TERM {first}; sleep 2")
    trial.row("SIGTERM of the office: it stays, the belfry decides", first is not None and post.office == first)
    post.machine.must(f"kill -KILL {first}")
    took_s = post.until(lambda: post.office not in (None, first), "another office", OFFICE_S)
    trial.row("SIGKILL of the office: another one", True, f"after {took_s:.0f} s")
    _office_up(trial)
    second = post.office
    post.machine.must(f"kill -STOP {second}")
    time.sleep(25)
    took_s = 25 + post.until(lambda: post.office not in (None, second), "another office", OFFICE_S)
    trial.row("SIGSTOP of the office: ended, and another one", took_s <= OFFICE_S, f"after {took_s:.0f} s")
    trial.row("the bell took no notice", *_unbroken(post.strokes(), post.score(180)))
    _hush(trial)
    _office_up(trial)


def _unbroken(strokes: list[Stroke], score: Score) -> tuple[bool, str]:
    """Did it strike all along as the score says? A soft CPU may lose a blow or two here and there."""
    closed = [stroke.at_s for stroke in strokes if stroke.on]
    due = [at_ms / 1000 for at_ms, on in score if on and at_ms / 1000 <= closed[-1] - closed[0]]
    pauses = [max(after - before for before, after in pairwise(times)) for times in (closed, due)]
    held = len(closed) >= 0.9 * len(due) > 20 and pauses[0] <= pauses[1] + 1
    return held, f"{len(closed)} blows of {len(due)}, longest pause {pauses[0]:.2f} s, in the score {pauses[1]:.2f} s"


def _both(trial: Trial) -> None:
    """`systemctl stop` while it rings and the office hangs: nobody waits for the office, and the book gets all of it later."""
    machine = trial.post.machine
    trial.ring("systemctl stop, the office hanging", "ringing", "cut shutdown")
    machine.must(f"kill -STOP {trial.post.office}")
    at_s, _ = trial.at_closed("systemctl stop kengd")
    took_s = float(machine.must(UPTIME)) - at_s
    trial.died("systemctl stop while the office hangs", at_s)
    result = machine.must("systemctl show -P Result kengd")
    held = result == "success" and took_s <= STOP_S
    trial.row("systemctl stop while the office hangs: orderly, no SIGKILL", held, f"{took_s:.1f} s, {result}")
    trial.post.up()


def _kernel(trial: Trial) -> None:
    """A kernel that panics and stands still, which only the hardware watchdog notices; with panic=, the kernel itself."""
    _crash(trial, "kernel crash", HARDWARE_S)
    if trial.persist:  # the same for both, and each takes a boot
        machine = trial.post.machine
        machine.must(f"busctl set-property {MANAGER} RuntimeWatchdogUSec t 0; echo {PANIC_S} >/proc/sys/kernel/panic")
        _crash(trial, f"kernel crash, panic={PANIC_S}, no hardware watchdog", HARDWARE_S)


def _crash(trial: Trial, what: str, limit_s: int) -> None:
    machine, post = trial.post.machine, trial.post
    trial.ring(what, "ringing", "cut power_lost")
    machine.must("sleep 4; sync")
    crash = machine.crash(f"{CLOSED}; echo c >/proc/sysrq-trigger")
    by = "the hardware watchdog" if crash.by_watchdog else "the kernel itself"
    held = crash.reset_s <= limit_s + 1
    trial.row(f"{what}: reset within {limit_s} s (+ 1), and the relay with it", held, f"{crash.reset_s:.1f} s, {by}")
    machine.wait_ready()
    machine.switch("persist_gpio_outputs", trial.persist)
    post.until(lambda: machine.run(ACTIVE).code == 0, "armed after the crash", 120)
    _office_up(trial)
    raised = post.wait_condition("power_lost_ring", 30)
    pins = machine.traced(RELAY)
    quiet = bool(pins) and not any(pin.happened == "in" or pin.level == 1 for pin in pins)
    trial.row(f"{what}: boots, and nothing rings by itself", quiet and post.resting, f"{len(pins)} events of the line")
    trial.row(f"{what}: the condition power_lost_ring is raised", raised, post.conditions())


def _book(trial: Trial) -> None:
    entries = trial.post.book()
    told: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry["activation"] is not None and entry["kind"] in OUTCOMES:
            told[entry["activation"]].append(" ".join(filter(None, (entry["kind"], entry["reason"]))))
    stories = list(told.values())
    for number, (what, story) in enumerate(trial.stories):
        seen = stories[number] if number < len(stories) else "nothing"
        trial.row(f"{what}: the book says {', '.join(story)}", seen == story, seen)
    kinds = [" ".join(filter(None, (entry["kind"], entry["reason"]))) for entry in entries]
    after = [kinds[number + 1] for number, kind in enumerate(kinds) if kind == "cut shutdown"]
    trial.row("an orderly end in the book: cut shutdown, then stopped", after == ["stopped", "stopped"], after)
    held, said = trial.post.whole()
    one = len({entry["book"] for entry in entries}) == 1 and len(told) == len(trial.stories)
    trial.row("one book, whole, with these alarms and no others", held and one, said)


def _hush(trial: Trial) -> None:
    pressed_s = trial.post.machine.press_for(HUSH, 0.3)
    time.sleep(2)
    late = [pin for pin in trial.since(pressed_s + 0.3) if pin.level == 1]
    trial.row("the hush button ends it", not late and trial.post.resting, f"{len(late)} strokes")


def _office_up(trial: Trial) -> None:
    """Until an office has answered: only then does the belfry's short patience count. One without a broker says so."""
    ask = f"python3 -I {THERE}/status.py"
    trial.post.until(lambda: '"no_broker"' in trial.post.machine.run(ask).output, "the office answers", 120)


CASES = {"die-persist1": kept, "die-persist0": let_go}
