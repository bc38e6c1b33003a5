"""From power-on to armed, and stop and start after that: no edge on the relay's line at all, in both polarities (P1)."""

from __future__ import annotations

from tests.machine.case_ring import only_rest
from tests.machine.machine import Machine, Pin
from tests.machine.post import RELAY, Post
from tests.machine.table import Table

PULL = f"/sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio{RELAY}/pull"
WAIT = "for i in $(seq 600); do systemctl is-active -q kengd && exit 0; sleep 0.2; done; journalctl -u kengd; exit 1"


def boot(machine: Machine, table: Table) -> None:
    """A real boot each, of a machine whose power was cut."""
    for active_low in (False, True):
        post = Post(machine, active_low=active_low)
        post.settle()
        if active_low:
            _pulled_up(machine)
        machine.must("sync; sleep 1")
        machine.cut()
        _boot(post, table)
        _stop_and_start(post, table)


def _pulled_up(machine: Machine) -> None:
    """The resistor of the wiring sheet for a relay that closes at 0 V: there before any program is."""
    pull = f"[Service]\nExecStartPost=/bin/sh -c 'echo pull-up | tee {PULL}'\n"
    machine.put("/etc/systemd/system/machine-gpio.service.d", {"resistor.conf": pull.encode()})


def _boot(post: Post, table: Table) -> None:
    machine = post.machine
    ready_s = machine.start()
    machine.must(WAIT, 150)
    pins = machine.traced(RELAY)
    what = f"{_polarity(post)}: power-on"
    table.row(f"{what} to armed: an output at rest at once, no edge", _quiet(post, pins), _told(pins))
    shown = machine.must("systemctl show -p ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic kengd")
    at_us = dict(line.split("=") for line in shown.splitlines())
    begun_s, armed_s = (int(at_us[f"{name}TimestampMonotonic"]) / 1e6 for name in ("ExecMainStart", "ActiveEnter"))
    told = f"{armed_s:.1f} s after the kernel began, kengd itself {armed_s - begun_s:.1f} s of it; the agent after {ready_s:.0f} s"
    table.row(f"{what} to armed", None, told)


def _stop_and_start(post: Post, table: Table) -> None:
    for what, command in (("systemctl stop", "stop"), ("systemctl start", "start")):
        post.machine.trace()
        post.machine.must(f"systemctl {command} kengd", 240)
        pins = post.machine.traced(RELAY)
        table.row(f"{_polarity(post)}: {what}: no edge", _quiet(post, pins), _told(pins))


def _quiet(post: Post, pins: list[Pin]) -> bool:
    return bool(pins) and only_rest(pins, post.active_low) and post.resting


def _polarity(post: Post) -> str:
    return "relay closes at 0 V" if post.active_low else "relay closes at 3.3 V"


def _told(pins: list[Pin]) -> str:
    return ", ".join(f"{pin.happened}{'' if pin.level is None else pin.level} at {pin.at_s:.2f} s" for pin in pins)


CASES = {"boot": boot}
