"""One test machine in qemu: power, the wires of its GPIO bank, programs in it. A cut is a cut: qemu is killed.

No hardware acceleration is needed (and none is used: figures are then comparable); without a network of any kind.
"""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import json
import os
import random
import socket
import subprocess
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.machine.card import Card, Cut, Slot, StrictCard
from tests.machine.hardware import extra, qemu
from tests.machine.image import Image
from tests.machine.monitor import Monitor, Reply

READY_S = 240.0


class MachineError(Exception):
    """The machine or a command in it failed."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command's end: exit code (124: too slow), stdout and stderr together."""

    code: int
    output: str
    took_s: float


@dataclass(frozen=True, slots=True)
class Pin:
    """What the kernel saw of a line: `happened` set (to `level`), in, out or free; `at_s` CLOCK_MONOTONIC of the guest."""

    line: int
    happened: str
    level: int | None
    at_s: float
    pid: int


@dataclass(frozen=True, slots=True)
class Crash:
    """A kernel that panicked: seconds until the machine was reset, and whether the hardware watchdog did it."""

    reset_s: float
    by_watchdog: bool


class Machine:
    """A Raspberry Pi's like. `place`: its directory (disk, sockets, console.log). `strict`: see `StrictCard`; no snapshots then."""

    def __init__(self, image: Image, place: Path, *, strict: bool = False) -> None:
        self._image = image
        self._place = place
        self._card: Slot = StrictCard(place) if strict else Card(place)
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._heard = b""
        self._numbers = itertools.count(1)
        place.mkdir(parents=True, exist_ok=True)

    @property
    def suite(self) -> str:
        """Which Debian it runs."""
        return self._image.suite

    @property
    def disk(self) -> Path:
        """Its SD card as a file (not with `strict`)."""
        return self._place / "disk.qcow2"

    @property
    def console(self) -> str:
        """Everything that was said on the serial line, in all boots."""
        said = self._place / "console.log"
        return said.read_text(errors="replace") if said.exists() else ""

    # ---- power

    def insert(self, disk: Path) -> None:
        """Put in a copy of this disk (qcow2); the machine is off."""
        self._card.insert(disk)

    def copy_card(self, target: Path) -> None:
        """What is on it now, for `insert`; the machine is off."""
        self._card.copy(target)

    def start(
        self,
        *,
        disk: Path | None = None,
        snapshot: str | None = None,
        persist: bool = True,
        rtc: str | None = None,
        append: str = "",
        extra_disk: Path | None = None,
        wait: bool = True,
    ) -> float:
        """Power on; seconds until the agent answers. `disk`: begin with a copy of this one; None: with the disk of before.

        `snapshot`: go on from this saved state instead of booting, with the date of now; everything below is then as it
        was when saved, and ValueError is raised when something else is asked for.
        `persist`: persist_gpio_outputs of the bank. `rtc`: what the clock chip says at power-on ("2024-01-01T00:00:00"),
        counted on in the machine's own time; None: the host's time. `append`: further words for the kernel.
        `extra_disk`: a raw file, the guest's /dev/vdb. `wait`: False returns at once; `wait_ready` then waits.
        """
        if snapshot is not None and (rtc is not None or append or extra_disk is not None):
            raise ValueError("a saved state has its own clock, kernel and disks")
        if disk is not None:
            self._card.insert(disk)
        for name in ("agent", "monitor"):
            (self._place / name).unlink(missing_ok=True)
        self._card.power_on()
        command = qemu(self._image, self._place, self._card.options, f"machine.persist={int(persist)} {append}", rtc)
        command += [] if extra_disk is None else extra(extra_disk)
        command += [] if snapshot is None else ["-loadvm", snapshot]
        began = time.monotonic()
        with open(self._place / "qemu.log", "ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            self.wait_ready()
        if snapshot is not None:
            self.run(f"date -s @{time.time():.3f}")
        return time.monotonic() - began

    def blank_disk(self) -> None:
        """A new disk with the image on it."""
        command = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(self._image.disk), "-F", "raw", str(self.disk)]
        self.disk.unlink(missing_ok=True)
        subprocess.run(command, check=True)

    def save(self, name: str) -> None:
        """Keep the running state in the disk under this name, for `start(snapshot=name)`."""
        self.hang_up()
        with self._monitor() as monitor:
            said = monitor.order("human-monitor-command", **{"command-line": f"savevm {name}"})
        if said.get("return"):
            raise MachineError(f"savevm: {said['return']}")

    def cut(self, luck: random.Random | None = None) -> Cut:
        """Power cut. What the guest had not written to its disk is gone; `strict`: also what was not flushed (`StrictCard`)."""
        self.hang_up()
        process, self._process = self._process, None
        if process is None:
            return Cut(0, 0, 0)
        process.kill()
        process.wait()
        return self._card.power_cut(luck)

    def reset(self) -> None:
        """The reset button, as a hardware watchdog presses it."""
        with self._monitor() as monitor:
            monitor.order("system_reset")
        self.hang_up()
        self.wait_ready()

    def crash(self, command: str, patience_s: float = 60) -> Crash:
        """Run this shell command, which brings the kernel down; returns when something has reset the machine.

        Raises MachineError when it does not panic, TimeoutError when nothing resets it.
        """
        said = len(self.console)
        with self._monitor() as monitor:
            with contextlib.suppress(MachineError):
                self.ask("run", patience_s=0.01, command=command, timeout_s=patience_s)
            end = time.monotonic() + patience_s
            while "Kernel panic" not in self.console[said:]:
                if time.monotonic() > end:
                    raise MachineError(f"the kernel did not panic: {command}")
                time.sleep(0.02)
            panicked_s = time.monotonic()
            events = monitor.wait("RESET", patience_s)
        self.hang_up()
        return Crash(events[-1].at_s - panicked_s, any(event.name == "WATCHDOG" for event in events))

    def wait_ready(self) -> None:
        """Until the agent answers. Raises MachineError with the last words of the console."""
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                raise MachineError("qemu ended: " + (self._place / "qemu.log").read_text()[-800:])
            try:
                self.ask("ping", patience_s=2)
            except (OSError, MachineError):
                self.hang_up()
                time.sleep(0.05)
            else:
                return
        raise MachineError("not ready:\n" + self.console[-2000:])

    def _monitor(self) -> Monitor:
        return Monitor(self._place / "monitor")

    # ---- the agent

    def ask(self, do: str, patience_s: float = 60, **order: Any) -> Reply:
        """Let the agent do this. Raises MachineError with its words, or when it is silent; OSError when it is not there."""
        if self._line is None:
            self._line = socket.socket(socket.AF_UNIX)
            self._line.settimeout(patience_s)
            self._line.connect(str(self._place / "agent"))
            self._line.sendall(b"\n")
        number = f"{os.getpid()}-{next(self._numbers)}-{time.monotonic_ns()}"
        self._line.sendall(json.dumps({**order, "do": do, "n": number}).encode() + b"\n")
        end = time.monotonic() + patience_s
        while (left := end - time.monotonic()) > 0:
            while b"\n" in self._heard:
                text, self._heard = self._heard.split(b"\n", 1)
                with contextlib.suppress(ValueError):
                    said: Reply = json.loads(text)
                    if said.get("n") == number:
                        if "wrong" in said:
                            raise MachineError(f"{do}: {said['wrong']}")
                        return said
            self._line.settimeout(left)
            with contextlib.suppress(TimeoutError):
                part = self._line.recv(1 << 20)
                if not part:
                    break
                self._heard += part
        self.hang_up()
        raise MachineError(f"no answer to {do}")

    def hang_up(self) -> None:
        """Forget the line to the agent; the next question opens a new one."""
        if self._line is not None:
            self._line.close()
        self._line, self._heard = None, b""

    def run(self, command: str, timeout_s: float = 60) -> Ran:
        """Run a shell command as root."""
        said = self.ask("run", patience_s=timeout_s + 30, command=command, timeout_s=timeout_s)
        return Ran(said["code"], said["output"], said["took_s"])

    def must(self, command: str, timeout_s: float = 60) -> str:
        """Run it; its output. Raises MachineError unless it ends with 0."""
        ran = self.run(command, timeout_s)
        if ran.code:
            raise MachineError(f"{command}\nended with {ran.code}:\n{ran.output}")
        return ran.output.strip()

    def put(self, directory: str, files: Mapping[str, bytes | Path]) -> None:
        """Put files (name → content) into a directory of the guest, owned by root."""
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w:") as tar:
            for name, content in files.items():
                body = content if isinstance(content, bytes) else content.read_bytes()
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode, entry.mtime = len(body), 0o644, int(time.time())
                tar.addfile(entry, io.BytesIO(body))
        self.ask("put", patience_s=120, directory=directory, tar=base64.b64encode(raw.getvalue()).decode())

    # ---- the wires: a button to ground, pulled up, reads 0 while pressed

    def press(self, line: int) -> float:
        """Close the button on this line; CLOCK_MONOTONIC s of the guest."""
        return float(self.ask("pull", line=line, up=False)["at_s"])

    def let_go(self, line: int) -> float:
        """Open it."""
        return float(self.ask("pull", line=line, up=True)["at_s"])

    def press_for(self, line: int, hold_s: float) -> float:
        """A press of this length, timed in the guest; when it began."""
        return float(self.ask("press_for", patience_s=hold_s + 30, line=line, hold_s=hold_s)["at_s"])

    def chatter(self, line: int, changes: int, gap_s: float) -> float:
        """A contact that changes so often, so far apart, and ends open; how long it took."""
        return float(self.ask("chatter", line=line, changes=changes, gap_s=gap_s)["took_s"])

    def level(self, line: int) -> int:
        """Electrical level now."""
        return int(self.ask("level", line=line)["level"])

    def wait_level(self, line: int, level: int, timeout_s: float = 10) -> float | None:
        """When it had this level, or None."""
        said = self.ask("wait_level", patience_s=timeout_s + 20, line=line, level=level, timeout_s=timeout_s)
        return None if said["at_s"] is None else float(said["at_s"])

    def switch(self, name: str, on: bool) -> None:
        """A switch of the simulated bank: persist_gpio_outputs, hold_pull."""
        self.must(f"echo {int(on)} > /sys/module/gpio_sim/parameters/{name}")

    def trace(self) -> None:
        """Begin a new trace of all lines."""
        self.ask("trace_on")

    def traced(self, line: int, *, stop: bool = False) -> list[Pin]:
        """What happened to this line since `trace`."""
        events = self.ask("trace_read", stop=stop)["events"]
        return [Pin(**event) for event in events if event["line"] == line]
