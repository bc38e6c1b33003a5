"""Orders to qemu itself, and what it tells of its own accord (QMP, one JSON object a line)."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

Reply = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the machine: RESET, WATCHDOG, SHUTDOWN …; `at_s` time.monotonic() of the host."""

    name: str
    at_s: float


class Monitor:
    """One visit; qemu lets in one visitor at a time. Raises OSError when it is not there or silent for two minutes."""

    def __init__(self, path: Path) -> None:
        self._line = socket.socket(socket.AF_UNIX)
        self._line.settimeout(120)
        self._line.connect(str(path))
        self._heard = b""
        self._next()
        self.order("qmp_capabilities")

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._line.close()

    def order(self, execute: str, **arguments: Any) -> Reply:
        """What it answers: `return` or `error`. Events that come before are forgotten."""
        self._line.sendall(json.dumps({"execute": execute, "arguments": arguments}).encode() + b"\n")
        while not (said := self._next()).keys() & {"return", "error"}:
            pass
        return said

    def wait(self, name: str, patience_s: float) -> list[Event]:
        """Events up to the first one of this name. Raises TimeoutError."""
        end = time.monotonic() + patience_s
        found: list[Event] = []
        while not found or found[-1].name != name:
            self._line.settimeout(max(0.01, end - time.monotonic()))
            found.append(Event(str(self._next().get("event")), time.monotonic()))
        return found

    def _next(self) -> Reply:
        while b"\n" not in self._heard:
            part = self._line.recv(1 << 16)
            if not part:
                raise ConnectionError("qemu hung up")
            self._heard += part
        text, self._heard = self._heard.split(b"\n", 1)
        said: Reply = json.loads(text)
        return said
