"""The clocks of this machine: monotonic and wall, the village's local time, and what the kernel thinks of its clock.

Cheap to import (the belfry does): ctypes and zoneinfo are only loaded where they are used.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from kengd.duty.words import Instant

if TYPE_CHECKING:
    from kengd.duty.trust import ClockReading

ZONE = "Asia/Ho_Chi_Minh"
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_RTC_DIR = "/sys/class/rtc"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def now() -> Instant:
    """CLOCK_MONOTONIC ms (the same in all processes of one boot) and unix ms."""
    return Instant(time.monotonic_ns() // 1_000_000, time.time_ns() // 1_000_000)


@lru_cache(maxsize=1)
def zone() -> tzinfo:
    """The village's time zone. No daylight saving since 1975."""
    from zoneinfo import ZoneInfo

    return ZoneInfo(ZONE)


def local(wall_ms: int) -> datetime:
    """Unix ms as an aware datetime in Asia/Ho_Chi_Minh."""
    return (_UNIX + timedelta(milliseconds=wall_ms)).astimezone(zone())


def unix_ms(moment: datetime) -> int:
    """An aware datetime as unix ms."""
    return (moment - _UNIX) // timedelta(milliseconds=1)


def iso_utc(wall_ms: int) -> str:
    """Unix ms as "YYYY-MM-DDTHH:MM:SS.mmmZ" (DESIGN section 7)."""
    seconds, ms = divmod(wall_ms, 1_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{ms:03}Z"


def boot_id() -> str:
    """The kernel's random id of this boot, 36 characters. Raises OSError where /proc is missing.

    The unit hides that part of /proc (ProcSubset=pid) and hands the id over instead (KENGD_BOOT_ID=%b, 32 hex digits).
    """
    given = os.environ.get("KENGD_BOOT_ID", "")
    if len(given) == 32:
        return "-".join((given[:8], given[8:12], given[12:16], given[16:20], given[20:]))
    with open(_BOOT_ID, encoding="ascii") as file:
        return file.read().strip()


def read_clock(adjtimex: Callable[[Any], int] | None = None, rtc_dir: str = _RTC_DIR) -> ClockReading:
    """What adjtimex(2) and the clock chips say. Never raises: what cannot be asked reads as -1 and zeros, which nobody trusts.

    The kernel answers everybody, without privileges; under systemd's ProtectClock= or a system call filter without adjtimex
    it answers -1 and leaves the structure zero. `adjtimex`: for tests, a function of a pointer to the structure.
    """
    from kengd.duty.trust import ClockReading

    chips = _clock_chips(rtc_dir)
    code, status, maxerror_us, tick_us = _ask_kernel(adjtimex)
    return ClockReading(code, status, maxerror_us, tick_us, bool(chips), any(chips))


def _ask_kernel(adjtimex: Callable[[Any], int] | None) -> tuple[int, int, int, int]:
    """(return code, status, maxerror in µs, tick in µs) of adjtimex(2), asked with modes 0: nothing is changed."""
    try:
        import ctypes

        structure = _timex_type()()
        call = adjtimex or ctypes.CDLL(None, use_errno=True).adjtimex
        code = int(call(ctypes.byref(structure)))
    except (ImportError, OSError, AttributeError):
        return -1, 0, 0, 0
    return code, structure.status, structure.maxerror, structure.tick


@lru_cache(maxsize=1)
def _timex_type() -> Any:
    """`struct timex` of <sys/timex.h> as far as it is read, and room for the rest (208 bytes on 64 bit, 128 on 32)."""
    from ctypes import Structure, c_byte, c_int, c_long, c_uint

    class Timex(Structure):
        _fields_ = (
            ("modes", c_uint), ("offset", c_long), ("freq", c_long), ("maxerror", c_long), ("esterror", c_long),
            ("status", c_int), ("constant", c_long), ("precision", c_long), ("tolerance", c_long),
            ("seconds", c_long), ("fraction", c_long), ("tick", c_long), ("rest", c_byte * 256),
        )  # fmt: skip

    return Timex


def _clock_chips(rtc_dir: str) -> list[bool]:
    """For each clock chip: was the kernel's clock set from it at boot?"""
    try:
        names = sorted(os.listdir(rtc_dir))
    except OSError:
        return []
    return [_says_one(os.path.join(rtc_dir, name, "hctosys")) for name in names]


def _says_one(path: str) -> bool:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip() == "1"
    except (OSError, UnicodeDecodeError):
        return False
