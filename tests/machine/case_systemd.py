"""The unit under a real systemd: ready, killed, hung, stopped, and what its sandbox denies."""

from __future__ import annotations

import time

from tests.machine.machine import Machine
from tests.machine.post import ALARM, HOLD_MS, RELAY, Post
from tests.machine.table import Table

WATCHDOG_S = 15
MAIN = "systemctl show -P MainPID kengd"


def systemd(machine: Machine, table: Table) -> None:
    """Start, SIGKILL, SIGSTOP, stop, each while the alarm rings; persist_gpio_outputs 1, the harder case."""
    post = Post(machine)
    post.settle(alarm_s=120)
    machine.trace()
    ran = machine.run("systemctl start kengd", 240)
    table.row("systemctl start returns when READY", ran.code == 0, f"{ran.took_s:.1f} s {ran.output.strip()}")
    if ran.code:
        table.row("its log", False, machine.run("journalctl -u kengd -o cat --no-pager | tail -30").output)
        return
    state = machine.must("systemctl show -p ActiveState,SubState,StatusText --value kengd").split("\n")
    table.row("active, running, says armed", {"active", "running"} < set(state) and "armed" in str(state), state)
    _ended(post, table, "KILL", 60)
    _ended(post, table, "STOP", 60)
    _ring(post)
    ran = machine.run("systemctl stop kengd", 60)
    table.row("systemctl stop while it rings: relay at rest", post.resting, f"{ran.took_s:.1f} s")
    machine.must("systemctl start kengd", 240)
    kinds = post.wait_entry("stopped")
    cut, stopped = kinds.index("cut shutdown"), kinds.index("stopped")
    table.row("the book says cut shutdown, then stopped", cut < stopped, kinds)
    code, said = post.kengd("journal verify")
    table.row("the book is whole", code == 0, said)
    machine.must("systemctl stop kengd", 60)
    result = machine.must("systemctl show -p Result --value kengd").split()
    table.row("stopped cleanly", result[0] == "success", result)


def sandbox(machine: Machine, table: Table) -> None:
    """What the unit leaves open, by systemd's own measure and by trying."""
    Post(machine).settle()
    said = machine.run("systemd-analyze security --no-pager kengd", 60).output
    total = float(said.split("level for kengd.service:")[1].split()[0])
    table.row("systemd-analyze security at most 2.0", total <= 2.0, total)
    unit = machine.must("systemctl cat kengd")
    tried = "import sys; sys.path.insert(0, '/run/try'); import attempts"
    probe = "\n".join(
        f'ExecStart=/opt/kengd/current/bin/python -c "{tried}"' if line.startswith("ExecStart=") else line
        for line in unit.splitlines()
        if not line.startswith(("ExecStopPost=", "Type=", "WatchdogS", "Restart", "#"))
    )
    machine.put(
        "/etc/systemd/system", {"attempts.service": probe.replace("[Service]", "[Service]\nType=oneshot").encode()}
    )
    machine.put("/run/try", {"attempts.py": ATTEMPTS.encode()})
    machine.must("systemctl daemon-reload")
    ran = machine.run("systemctl start attempts; journalctl -u attempts -o cat --no-pager -q", 60)
    seen = dict(line.split(": ", 1) for line in ran.output.splitlines() if line.startswith("try "))
    for what, allowed in ALLOWED.items():
        found = seen.get(f"try {what}", "did not run")
        table.row(f"sandbox: {what} is {'allowed' if allowed else 'denied'}", (found == "yes") is allowed, found)


ALLOWED = {
    "gpiochip": True,
    "adjtimex": True,
    "real-time": True,
    "state": True,
    "/dev/mem": False,
    "/dev/vda": False,
    "/dev/ttyS0": False,
    "/dev/watchdog0": False,
    "/etc": False,
    "set clock": False,
    "kernel log": False,
    "raw socket": False,
}
ATTEMPTS = """
import ctypes, os, socket, time
def attempt(name, do):
    try:
        do()
    except Exception as wrong:
        print(f"try {name}: {type(wrong).__name__} {getattr(wrong, 'strerror', wrong)}", flush=True)
    else:
        print(f"try {name}: yes", flush=True)
def opened(path, flags=os.O_RDWR):
    os.close(os.open(path, flags))
def adjtimex():
    if ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)) < 0:
        raise OSError("refused")
attempt("gpiochip", lambda: opened("/dev/gpiochip0"))
attempt("adjtimex", adjtimex)
attempt("real-time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20)))
attempt("state", lambda: opened("/var/lib/kengd/attempt", os.O_RDWR | os.O_CREAT))
for device in ("/dev/mem", "/dev/vda", "/dev/ttyS0", "/dev/watchdog0"):
    attempt(device, lambda: opened(device))
attempt("/etc", lambda: opened("/etc/kengd/attempt", os.O_RDWR | os.O_CREAT))
attempt("set clock", lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()))
attempt("kernel log", lambda: opened("/dev/kmsg", os.O_RDONLY))
attempt("raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close())
"""


def _ring(post: Post) -> None:
    post.machine.press_for(ALARM, (HOLD_MS + 200) / 1000)
    post.machine.wait_level(RELAY, 1, 5)


def _ended(post: Post, table: Table, signal: str, patience_s: float) -> None:
    """SIGKILL or SIGSTOP of the main process with the relay closed: at rest how soon, back how soon, the alarm goes on."""
    machine = post.machine
    _ring(post)
    before = machine.must(MAIN)
    value = f"/sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio{RELAY}/value"
    machine.trace()
    ran = machine.must(
        f"until [ $(cat {value}) = 1 ]; do :; done; kill -{signal} {before}; cut -d' ' -f1 /proc/uptime", 30
    )
    signalled_s = float(ran)
    time.sleep(WATCHDOG_S + 5 if signal == "STOP" else 5)  # asking all the time would take the one slow CPU from it
    end = time.monotonic() + patience_s
    while (
        back := machine.run(f"systemctl is-active -q kengd && [ $({MAIN}) != {before} ]").code
    ) and time.monotonic() < end:
        time.sleep(2)
    uptime_s = float(machine.must("cut -d' ' -f1 /proc/uptime"))
    rests = [
        pin.at_s
        for pin in machine.traced(RELAY)
        if pin.happened == "set" and pin.level == 0 and pin.at_s > signalled_s - 0.01
    ]
    pace_s = min(machine.run("/opt/kengd/current/bin/python -I -c pass").took_s for _ in range(3))
    limit_s = max(1.0, 3 * pace_s) + (0 if signal == "KILL" else WATCHDOG_S)
    rest_s = rests[0] - signalled_s if rests else None
    if back:
        table.row("its log", False, machine.run("journalctl -u kengd -o short-monotonic --no-pager | tail -30").output)
    told = "never" if rest_s is None else f"{rest_s:.2f} s (starting an empty Python takes {pace_s:.2f} s here)"
    table.row(
        f"SIG{signal} with the relay closed: at rest within {limit_s:.1f} s",
        rest_s is not None and rest_s <= limit_s,
        told,
    )
    table.row(f"SIG{signal}: restarted", back == 0, f"active again after {uptime_s - signalled_s:.1f} s at most")
    time.sleep(3)
    kinds = post.wait_entry("ringing")
    table.row(f"SIG{signal}: the alarm went on, once", post.status()["sounding"] is not None, kinds[-3:])
    code, said = post.kengd("hush")
    table.row("kengd hush as root", code == 0, said)


CASES = {"systemd": systemd, "sandbox": sandbox}
