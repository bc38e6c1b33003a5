"""How processes are found and ended: by pid and start time together, since a pid alone may be somebody else's by now."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType


@dataclass(frozen=True, slots=True)
class Seen:
    """A live process: `start` is its start time in clock ticks since boot, which with the pid names it for good."""

    pid: int
    parent: int
    start: int


class StopAsked:
    """Ctrl-C, SIGTERM and a closed terminal, noted as numbers: handlers do nothing else."""

    def __init__(self) -> None:
        self.times = 0
        self._wake, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # only wakes `wait`
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays nohup
                signal.signal(number, self._note)

    def wait(self, seconds: float) -> bool:
        """Wait at most so long, less when a signal or the end of a child comes. True when the end was asked for."""
        if not self.times:
            select.select([self._wake], [], [], seconds)
            try:
                os.read(self._wake, 4096)
            except BlockingIOError:
                pass
        return bool(self.times)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.times += 1


def look_at(pid: int) -> Seen | None:
    """The live process with this pid; None when there is none (a zombie is none)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    return None if fields[0] in "ZX" else Seen(pid, int(fields[1]), int(fields[19]))


def running() -> dict[int, Seen]:
    """All live processes that can be seen."""
    seen = (look_at(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in seen if process}


def with_descendants(pids: set[int], live: dict[int, Seen]) -> set[int]:
    """These and all below them."""
    family = set(pids)
    while more := {pid for pid, process in live.items() if process.parent in family} - family:
        family |= more
    return family


def end(
    processes: list[Seen],
    patience_s: float,
    hurry: Callable[[], bool] = lambda: False,
    reap: Callable[[], object] = lambda: None,
) -> None:
    """SIGTERM, wait (less long when `hurry` says so), SIGKILL for what is left, wait. `reap` takes leave of dead children."""
    for process in processes:
        _send(process, signal.SIGTERM)
        _send(process, signal.SIGCONT)  # a stopped process would not hear it
    _await_end(processes, patience_s, hurry, reap)
    for process in processes:
        _send(process, signal.SIGKILL)
    _await_end(processes, patience_s, lambda: False, reap)


def _await_end(processes: list[Seen], patience_s: float, hurry: Callable[[], bool], reap: Callable[[], object]) -> None:
    deadline = time.monotonic() + patience_s
    while any(still_lives(process) for process in processes):
        if time.monotonic() > deadline or hurry():
            return
        reap()
        time.sleep(0.02)


def still_lives(process: Seen) -> bool:
    """The same process, whoever its parent is by now."""
    seen = look_at(process.pid)
    return seen is not None and seen.start == process.start


def _send(process: Seen, number: signal.Signals) -> None:
    """Signal exactly this process: the handle is taken first, then it is looked at, so the pid cannot change hands between."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return
    try:
        if still_lives(process):
            signal.pidfd_send_signal(handle, number)
    except OSError:
        pass
    finally:
        os.close(handle)
