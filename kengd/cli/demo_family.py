"""The processes of `kengd demo`: started in sessions of their own, remembered on disk, ended to the last grandchild.

Nothing may be left behind, also after a SIGKILL of the demo itself: each process asks the kernel for a SIGTERM when the
demo dies (PR_SET_PDEATHSIG), is named in `processes.json` by pid and start time, and carries the demo's directory in its
environment, which its own children inherit.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kengd.cli.demo_ending import Seen, end, look_at, running, with_descendants

MARK = "KENGD_DEMO_DIR"
PATIENCE_S = 10.0
"""How long a process may take to end after SIGTERM."""
STRAY_PATIENCE_S = 3.0
"""The same for what a killed demo left: the kernel sent it a SIGTERM long ago."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_NOT_FOR_CHILDREN = ("KENGD_CONFIG", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(slots=True)
class Child:
    """A process that the demo keeps running. `code` is its exit code (negative: the signal) once it has ended."""

    name: str
    argv: Sequence[str]
    log: Path
    cwd: Path
    pid: int = 0
    start: int = 0
    started_s: float = 0.0
    code: int | None = None

    def last_lines(self, count: int = 8) -> str:
        """The end of its log, for people."""
        try:
            lines = self.log.read_text("utf-8", "replace").splitlines()[-count:]
        except OSError:
            return ""
        return "\n".join(f"    {line}" for line in lines)


@dataclass(slots=True)
class Family:
    """All processes of one demo directory."""

    directory: Path
    children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # orphaned grandchildren become ours, so that we can end them

    @property
    def ledger(self) -> Path:
        return self.directory / "processes.json"

    def end_strays(self) -> int:
        """End what a killed demo left behind in this directory; how many processes that were."""
        live = running()
        strays = {pid for pid, start in self._remembered() if pid in live and live[pid].start == start}
        strays |= self._marked(live)
        found = [live[pid] for pid in with_descendants(strays, live)]
        end(found, STRAY_PATIENCE_S)
        self.ledger.unlink(missing_ok=True)
        return len(found)

    def start(self, child: Child) -> None:
        """Start it (again) in a session of its own. Raises OSError when the program cannot be started."""
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_CHILDREN}
        environment |= {MARK: str(self.directory), "PYTHONUNBUFFERED": "1"}
        parent = os.getpid()
        with open(child.log, "ab") as log:
            process = subprocess.Popen(
                child.argv,
                cwd=child.cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: _die_with(parent),
            )
        child.pid, child.code, child.started_s = process.pid, None, time.monotonic()
        seen = look_at(process.pid)
        child.start = seen.start if seen else 0
        process.returncode = 0  # `reap` waits for it, not Popen
        if child not in self.children:
            self.children.append(child)
        self._remember()

    def reap(self) -> list[Child]:
        """Take leave of the dead, ours and adopted; the children that ended since the last call."""
        ended = []
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            for child in self.children:
                if child.pid == pid and child.code is None:
                    child.code = os.waitstatus_to_exitcode(status)
                    ended.append(child)
        return ended

    def end(self, children: Iterable[Child], hurry: Callable[[], bool] = lambda: False) -> None:
        """SIGTERM, then SIGKILL, for these alone: each ends its own children."""
        live = running()
        end(
            [live[child.pid] for child in children if child.code is None and child.pid in live],
            PATIENCE_S,
            hurry,
            self.reap,
        )

    def end_everything(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """End all that is ours, whatever its parent or session; nothing is left when this returns."""
        for _ in range(20):
            self.reap()
            live = running()
            ours = with_descendants({os.getpid()} | self._marked(live), live) - {os.getpid()}
            if not ours:
                break
            end([live[pid] for pid in ours], PATIENCE_S, hurry, self.reap)
        self.ledger.unlink(missing_ok=True)

    def _marked(self, live: dict[int, Seen]) -> set[int]:
        mark = os.fsencode(f"{MARK}={self.directory}")
        return {pid for pid in live if pid != os.getpid() and mark in _environment(pid)}

    def _remember(self) -> None:
        rows = [
            {"name": child.name, "pid": child.pid, "start": child.start}
            for child in self.children
            if child.code is None
        ]
        new = self.ledger.with_suffix(".new")
        new.write_text(json.dumps({"boot": _boot_id(), "processes": rows}))
        new.replace(self.ledger)

    def _remembered(self) -> list[tuple[int, int]]:
        try:
            data = json.loads(self.ledger.read_text())
            if data["boot"] != _boot_id():
                return []
            return [(int(row["pid"]), int(row["start"])) for row in data["processes"]]
        except (OSError, ValueError, KeyError, TypeError):
            return []


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _die_with(parent: int) -> None:
    """In the new process, before its program: a SIGTERM when the demo dies, at once if it is dead already."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
