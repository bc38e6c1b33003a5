"""Runs in the guest as root: alarms begun and hushed by the buttons, and between them orders that only write. Without end.

storm.py ALARM_LINE HUSH_LINE
"""

from __future__ import annotations

import contextlib
import glob
import json
import socket
import sys
import time

CONTROL = "/run/kengd/control.sock"


def press(line: int, hold_s: float) -> None:
    """A button to ground."""
    path = glob.glob(f"/sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio{line}/pull")[0]
    for level, for_s in (("pull-down", hold_s), ("pull-up", 0.1)):
        with open(path, "w", encoding="ascii") as file:
            file.write(level)
        time.sleep(for_s)


def silence(seconds: int) -> None:
    """Written to the book, and to what outlives a reboot."""
    until = int(time.time()) + seconds if seconds else 0
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        line.connect(CONTROL)
        line.sendall(json.dumps({"do": "silence", "until": until}).encode() + b"\n")
        line.makefile().readline()


def storm(alarm: int, hush: int) -> None:
    """Some ten entries in three seconds."""
    while True:
        press(alarm, 1.2)
        for seconds in (60, 120, 180, 0):
            with contextlib.suppress(OSError):
                silence(seconds)
            time.sleep(0.15)
        press(hush, 0.3)
        time.sleep(0.3)


if __name__ == "__main__":
    storm(int(sys.argv[1]), int(sys.argv[2]))
