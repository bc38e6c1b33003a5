"""The devices of one post, opened together and closed together: factory, relay, lamps, buttons and inputs.

The relay is claimed first, at rest (P1). Only one belfry may have them (P10).
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kengd.belfry import pins
from kengd.belfry.buttons import Contacts
from kengd.belfry.lamps import Lamps
from kengd.belfry.off import write_pin_file
from kengd.belfry.relay import Relay
from kengd.errors import KengdError
from kengd.settings import load_plan
from kengd.settings.load_plan import Loaded
from kengd.settings.plan import BelfryPlan

log = logging.getLogger("kengd.devices")
LOCK = "belfry.lock"
_WIRING = (
    "commune",
    "post_id",
    "profile",
    "pins",
    "relay",
    "buttons",
    "lamps",
    "inputs",
    "edge_udp",
    "run_dir",
    "state_dir",
)


class Devices:
    """Everything that is wired to this post."""

    def __init__(self, plan: BelfryPlan, post: Callable[[str, bool, int], None]) -> None:
        """Claims all pins. Raises KengdError, with nothing left claimed."""
        self._run_dir = Path(plan.run_dir)
        self._lock_fd = _only_one(self._run_dir)
        self._opened: list[Callable[[], None]] = [lambda: os.close(self._lock_fd)]
        try:
            self.factory: Any = pins.open_factory(plan.pins)
            self._opened.append(self.factory.close)
            _tell_off(plan, pins.chip_label_of(self.factory))
            self.relay = Relay(plan.relay, self.factory, edge_udp=plan.edge_udp, longest_on_ms=longest_on_ms(plan))
            self._opened.append(self.relay.close)
            self.lamps = Lamps(plan.lamps, self.factory)
            self._opened.append(self.lamps.close)
            self.contacts = Contacts(plan.buttons, plan.inputs, self.factory, post)
            self._opened.append(self.contacts.close)
        except BaseException:
            self.close()
            raise

    def threads_alive(self) -> bool:
        """False when edges no longer arrive."""
        return pins.threads_alive(self.factory)

    def hold_lock(self) -> None:
        """Take the lock anew where somebody removed its file."""
        path = self._run_dir / LOCK
        try:
            if os.stat(path).st_ino == os.fstat(self._lock_fd).st_ino:
                return
        except OSError:
            pass
        try:
            fresh = _only_one(self._run_dir)
        except KengdError as another:
            log.error("another belfry has the run directory: %s", another)
            return
        os.close(self._lock_fd)
        self._lock_fd = fresh

    def close(self) -> None:
        """Relay to rest, all pins given back, each step on its own."""
        while self._opened:
            try:
                self._opened.pop()()
            except Exception:
                log.exception("while giving the pins back")


def _tell_off(plan: BelfryPlan, chip: str) -> None:
    """`kengd off` without its file is a lesser evil than a bell that does not start (P3)."""
    try:
        write_pin_file(plan, chip)
    except OSError as wrong:
        log.error("`kengd off` is not told of the relay's pin: %s", wrong)


def open_devices(config: str, post: Callable[[str, bool, int], None]) -> tuple[Loaded, Devices]:
    """The settings in force and the devices they name; else the last settings that started well (P3)."""
    loaded = load_plan.compiled(config)
    try:
        return loaded, Devices(loaded.plan, post)
    except KengdError as wrong:
        if wrong.code == "already_running":
            raise
        instead = load_plan.last_good_instead(config, wrong)
        return instead, Devices(instead.plan, post)


def longest_on_ms(plan: BelfryPlan) -> int:
    """The longest the relay may stay closed at a stretch (P2)."""
    profile = plan.profile
    return profile.longest_stroke_ms if profile.kind == "striker" else profile.longest_continuous_ms


def same_wiring(new: BelfryPlan, old: BelfryPlan) -> bool:
    """True when new settings can be worked with on the devices as they were opened: no other pins, bell or name."""
    return all(getattr(new, name) == getattr(old, name) for name in _WIRING)


def _only_one(run_dir: Path) -> int:
    """P10: one belfry for one run directory; the kernel's claim of the line is the second lock.

    Where the first cannot be had (a full /run), the second must do: a press still rings (P3).
    """
    try:
        run_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        fd = os.open(run_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as wrong:
        log.error("no lock in the run directory: %s", wrong)
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as busy:
        os.close(fd)
        raise KengdError(
            "already_running",
            f"điểm kẻng này đang chạy rồi ({run_dir})",
            cure="dừng tiến trình kia trước (systemctl stop kengd), rồi chạy lại",
            en="another belfry owns this post",
        ) from busy
    return fd
