"""Runs in the guest as root: presses a button so often, at an even pace. Standard library only.

    presses.py PULL_FILE TIMES HOLD_S EVERY_S

Prints when the first one began (CLOCK_MONOTONIC, s).
"""

from __future__ import annotations

import sys
import time


def wire_to(path: str, level: str) -> None:
    """What the button's line is pulled to."""
    with open(path, "w", encoding="ascii") as file:
        file.write(level)


def press(path: str, times: int, hold_s: float, every_s: float) -> float:
    """Each press begins `every_s` after the one before; when the first one began."""
    began = due = time.monotonic()
    for _ in range(times):
        wire_to(path, "pull-down")
        time.sleep(hold_s)  # from now on: a press that begins late is held no shorter for it
        wire_to(path, "pull-up")
        due += every_s
        time.sleep(max(0.0, due - time.monotonic()))
    return began


if __name__ == "__main__":
    print(press(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
