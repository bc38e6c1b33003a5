"""The hardware watchdog: switched on in config.txt, fed by systemd, and never asked for more than the chip can count.

Sources: drivers/watchdog/bcm2835_wdt.c (20 bits of 1/65536 s: just under 16 s); systemd#27427 (a longer time was refused and
the watchdog silently stayed off); raspberrypi/documentation#4144 (`kernel_watchdog_timeout`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kengd.firmware.config import CONFIG, Reading
from kengd.firmware.finding import Finding
from kengd.firmware.pins import REWRITE
from kengd.firmware.tree import Tree

LONGEST_S = 15
_UNITS = {
    "": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 0.001, "msec": 0.001, "us": 1e-6, "usec": 1e-6,
    "m": 60.0, "min": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "hours": 3600.0,
}  # fmt: skip
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)\s*")
DROP_IN = "/etc/systemd/system.conf.d/60-kengd.conf"


def watchdog_findings(reading: Reading, tree: Tree, system_conf: Sequence[str] | None) -> Iterator[Finding]:
    """`system_conf`: the texts of systemd's system.conf and its drop-ins in the order they are read; None = not looked at."""
    handed = reading.last("kernel_watchdog_timeout")
    seconds = int(handed.value) if handed is not None and handed.value.isdecimal() and len(handed.value) < 6 else 0
    if not tree.switched_on("watchdog") and not seconds:
        yield Finding(
            "yellow", "no_watchdog", CONFIG, None, 'chưa bật đồng hồ canh máy (dòng "dtparam=watchdog=on")', REWRITE,
            "the hardware watchdog is not switched on (dtparam=watchdog=on)",
        )  # fmt: skip
    if handed is not None and seconds > LONGEST_S:
        yield handed.finding(
            "yellow", "watchdog_too_long", f"đồng hồ canh của máy chỉ đếm được tới {LONGEST_S} giây, ở đây ghi {seconds}",
            f"ghi kernel_watchdog_timeout={LONGEST_S}, hoặc bỏ dòng này",
            f"the hardware counts {LONGEST_S} s at most, {seconds} s asked for",
        )  # fmt: skip
    if system_conf is not None:
        yield from _systemd(system_conf)


def runtime_watchdog_s(system_conf: Sequence[str]) -> float | None:
    """What systemd will ask of the hardware: seconds, 0 = off, None = nothing said or not understood."""
    said: str | None = None
    for text in system_conf:
        for line in text.splitlines():
            key, given, value = line.partition("=")
            if given and key.strip() == "RuntimeWatchdogSec":
                said = value.strip().lower()
    return None if said is None else _seconds(said)


def _seconds(said: str) -> float | None:
    if said in ("", "off", "infinity", "default"):
        return 0.0
    total, at = 0.0, 0
    while at < len(said):
        part = _SPAN.match(said, at)
        if part is None or part[2] not in _UNITS:
            return None
        total += float(part[1]) * _UNITS[part[2]]
        at = part.end()
    return total


def _systemd(system_conf: Sequence[str]) -> Iterator[Finding]:
    seconds = runtime_watchdog_s(system_conf)
    if not seconds:
        yield Finding(
            "yellow", "no_runtime_watchdog", "systemd", None, "máy treo cứng thì không tự khởi động lại",
            f"cài {DROP_IN} với RuntimeWatchdogSec=10s", "RuntimeWatchdogSec is off: a hung machine stays hung",
        )  # fmt: skip
    elif seconds > LONGEST_S:
        yield Finding(
            "red", "watchdog_too_long", "systemd", None,
            f"RuntimeWatchdogSec={seconds:g} giây: quá {LONGEST_S} giây thì đồng hồ canh có thể không chạy mà không báo gì",
            f"ghi RuntimeWatchdogSec=10s trong {DROP_IN}",
            f"RuntimeWatchdogSec={seconds:g} s: beyond {LONGEST_S} s the watchdog may silently stay off",
        )  # fmt: skip
