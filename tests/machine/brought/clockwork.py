"""Runs in the guest as root: puts the clock, as a time service puts it, or as somebody does by hand. Standard library only.

    clockwork.py put UNIX_S synced|free
    clockwork.py swing UNIX_S BY_S TIMES REST_S     to and fro, synced, and in the end where it would be without it all

`synced`: at once afterwards the kernel is told that the clock is right (adjtimex(2): STA_UNSYNC cleared, small errors), as
chronyd does. A clock that was put is not synchronised until somebody says so.
"""

from __future__ import annotations

import ctypes
import sys
import time

ADJ_MAXERROR, ADJ_ESTERROR, ADJ_STATUS = 0x0004, 0x0008, 0x0010  # linux/timex.h
STA_PLL = 0x0001


class Timex(ctypes.Structure):
    """The part of `struct timex` that is written."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_byte * 320),
    )  # fmt: skip


def say_synchronised() -> None:
    """As a time service does."""
    timex = Timex(modes=ADJ_MAXERROR | ADJ_ESTERROR | ADJ_STATUS, maxerror=1_000, esterror=500, status=STA_PLL)
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")


def put(unix_s: float, *, synced: bool) -> None:
    """Put the clock."""
    time.clock_settime(time.CLOCK_REALTIME, unix_s)
    if synced:
        say_synchronised()


def swing(unix_s: float, by_s: float, times: int, rest_s: float) -> None:
    """Begin at `unix_s`; `times` often away by `by_s` (forward, then back, in turn) and again to where it was."""
    began = time.monotonic()
    for number in range(times):
        put(unix_s + time.monotonic() - began, synced=True)
        time.sleep(rest_s)
        put(unix_s + time.monotonic() - began + (by_s if number % 2 else -by_s), synced=True)
        time.sleep(rest_s)
    put(unix_s + time.monotonic() - began, synced=True)


if __name__ == "__main__":
    if sys.argv[1] == "put":
        put(float(sys.argv[2]), synced=sys.argv[3] == "synced")
    else:
        swing(float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
