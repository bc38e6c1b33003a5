"""The unit's sandbox under a real systemd: what it denies, and what it must leave open."""

from __future__ import annotations

from tests.machine.machine import Machine
from tests.machine.post import Post
from tests.machine.table import Table


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


CASES = {"sandbox": sandbox}
