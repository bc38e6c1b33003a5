"""`kengd time-source`: the hub as a source of time, for whichever of chrony and systemd-timesyncd keeps the clock. Root.

A village may have a line to its hub and none to the Internet. Called by install.sh, and by the intake when the hub's address
changes. The hub is added to the servers of the distribution, never put in their place: a hub that does not serve time must not
cost the post its clock.
"""

from __future__ import annotations

import argparse
import ipaddress
from pathlib import Path
from typing import Any

from kengd.settings.plan import BrokerPlan

CHRONY = Path("/etc/chrony/sources.d/kengd.sources")
TIMESYNCD = Path("/etc/systemd/timesyncd.conf.d/kengd.conf")
POOLS = " ".join(f"{number}.debian.pool.ntp.org" for number in range(4))


def add_parser(subparsers: Any) -> None:
    """`kengd time-source`."""
    subparsers.add_parser("time-source", help="lấy giờ từ máy trực ban xã (do install.sh gọi)")


def run(args: argparse.Namespace) -> int:
    """Raises SettingsError; OSError is told, and is no reason to stop an installation."""
    from kengd.settings.find import load

    host = follow(load(args.config, allow_example=False).broker)
    print(f"nguồn giờ thêm: {host}" if host else "không có máy trực ban để lấy giờ")
    return 0


def follow(broker: BrokerPlan | None, chrony: Path = CHRONY, timesyncd: Path = TIMESYNCD) -> str | None:
    """Write (or remove) both files; the host that is followed now. A file that cannot be written is left as it was."""
    host = None if broker is None or _is_here(broker.host) else broker.host
    _put(chrony, f"server {host} iburst\n" if host else None)
    _put(timesyncd, f"[Time]\nNTP={host} {POOLS}\n" if host else None)
    return host


def _is_here(host: str) -> bool:
    """This machine itself is nobody to ask."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _put(path: Path, text: str | None) -> None:
    try:
        if text is None:
            path.unlink(missing_ok=True)
        elif path.parent.is_dir():
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
            path.chmod(0o644)  # both daemons read it as users of their own; the intake's umask lets nobody in
    except OSError as wrong:
        print(f"không ghi được {path}: {wrong.strerror}")
