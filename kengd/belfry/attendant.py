"""The attendant: starts the office, watches it, restarts it with back-off, and never waits for it (H21).

The office is started by exec with every other descriptor closed, so it can never hold a GPIO line (P10), and dies with
this process (it sets its own parent-death signal).
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from kengd.intercom import Intercom, Ping

log = logging.getLogger("kengd.attendant")
PING_EVERY_MS = 5_000
PATIENCE_MS = 30_000
"""An office that has not answered for this long is ended and started anew."""
STARTING_PATIENCE_MS = 90_000
"""Importing ORM and web takes 7–14 s on a Pi Zero 2 W; an office that starts is given longer."""
SLOWEST_RESTART_MS = 60_000
PROVEN_MS = 60_000
LAST_WORDS_MS = 2_000


class Child(Protocol):
    """A started process, as `subprocess.Popen` is one."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float | None = None) -> int: ...


def office_argv(config: str) -> list[str]:
    """The command line of the office for this configuration."""
    return [sys.executable, "-m", "kengd", "--config", config, "office"]


class Attendant:
    """One office at a time. `intercom` is None while there is none. All `_ms` monotonic."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        spawn: Callable[..., Child] = subprocess.Popen,
    ) -> None:
        self._argv = list(argv)
        self._spawn = spawn
        self._child: Child | None = None
        self._started_ms = 0
        self._heard_ms = 0
        self._pinged_ms = 0
        self._ping = 0
        self._back_off_ms = 0
        self._next_start_ms = 0
        self._dying: list[tuple[Child, int]] = []
        self.answered = False
        self.intercom: Intercom | None = None

    @property
    def pid(self) -> int | None:
        """The office's pid, or None."""
        return None if self._child is None else self._child.pid

    @property
    def down(self) -> bool:
        """True while no office answers although one should."""
        return self.intercom is None

    def heard(self, now_ms: int) -> None:
        """The office said something."""
        self._heard_ms = now_ms
        self.answered = True

    def turn(self, now_ms: int) -> bool:
        """Start, ping or end the office as it is due. True when a new office was started just now."""
        self._reap(now_ms)
        if self._child is None:
            if now_ms < self._next_start_ms or self._dying:
                return False
            return self._start(now_ms)
        if self._child.poll() is not None:
            self.gone(now_ms)
            return False
        patience_ms = PATIENCE_MS if self.answered else STARTING_PATIENCE_MS
        if now_ms > self._heard_ms + patience_ms:
            log.error("office does not answer: ended")
            self._child.kill()
            self.gone(now_ms)
            return False
        if now_ms > self._pinged_ms + PING_EVERY_MS and self.intercom is not None:
            self._pinged_ms = now_ms
            self._ping += 1
            try:
                self.intercom.send(Ping(self._ping))
            except OSError:
                self.gone(now_ms)
        return False

    def gone(self, now_ms: int) -> None:
        """The office ended or hung: clear up and plan the next start."""
        child, self._child = self._child, None
        if self.intercom is not None:
            self.intercom.close()
            self.intercom = None
        if child is not None:
            if child.poll() is None:
                self._dying.append((child, now_ms + LAST_WORDS_MS))  # this thread does not wait for anybody
            log.warning("office ended (status %s)", child.returncode)
        proven = now_ms > self._started_ms + PROVEN_MS
        self._back_off_ms = 500 if proven else min(SLOWEST_RESTART_MS, max(500, 2 * self._back_off_ms))
        self._next_start_ms = now_ms + self._back_off_ms

    def stop(self, patience_s: float) -> None:
        """Orderly end: hang up, which the office takes as its end; SIGKILL if it does not."""
        child, self._child = self._child, None
        if self.intercom is not None:
            self.intercom.close()
            self.intercom = None
        if child is None:
            return
        try:
            child.wait(patience_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _reap(self, now_ms: int) -> None:
        """An office that hung up may finish its last words; then it is ended, so that two never write one book."""
        dying = []
        for child, until_ms in self._dying:
            if child.poll() is None:
                if now_ms > until_ms:
                    child.kill()
                dying.append((child, until_ms))
        self._dying = dying

    def _start(self, now_ms: int) -> bool:
        ours, theirs = Intercom.pair()
        try:
            fd = theirs.fileno()
            environment = {
                **os.environ,
                "KENGD_INTERCOM_FD": str(fd),
                "KENGD_BELFRY_PID": str(os.getpid()),
                # two arenas instead of eight per core: several MiB less on a Zero 2 W
                "MALLOC_ARENA_MAX": "2",
            }
            environment.pop("NOTIFY_SOCKET", None)
            self._child = self._spawn(self._argv, pass_fds=(fd,), close_fds=True, env=environment)
        except OSError as error:
            log.error("office cannot be started: %s", error)
            ours.close()
            self.gone(now_ms)
            return False
        finally:
            theirs.close()
        self.intercom = Intercom(ours)
        self._started_ms = self._heard_ms = self._pinged_ms = now_ms
        self.answered = False
        return True
