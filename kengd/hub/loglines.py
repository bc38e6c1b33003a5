"""The last lines of this process's log, kept in memory for the page that shows them. Secrets are struck out on the way in (P12)."""

from __future__ import annotations

import logging
import re
import threading
import traceback
from collections import deque
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

KEPT: Final = 2_000
LONGEST: Final = 2_000
DEEPEST: Final = 20
LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_SECRET: Final = (
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|\Z)", re.DOTALL), "…"),
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^\s/@]*@"), r"\1…@"),
    (re.compile(r"\bkengd_[A-Za-z0-9_-]{8,}"), "kengd_…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), r"\1 …"),
    (
        re.compile(r"(?i)\b(password|passwd|passphrase|secret|token|pin|cookie)([\"']?\s*[=:]\s*[\"']?)[^\s,;\"']+"),
        r"\1\2…",
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?"), "…"),
)
"""Keys, URLs with a password, our tokens, headers, `password=…`, signed commands."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """`n` counts up from the start of the process. `level`: of `logging`. `text` has no secret and at most 2,000 characters a part."""

    n: int
    at_ms: int
    level: int
    name: str
    text: str


class Recent(logging.Handler):
    """A handler that keeps the newest lines. Safe from any thread; it never raises and never blocks on anything but memory."""

    def __init__(self, kept: int = KEPT) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=kept)
        self._n = 0
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """One record, without what an exception says of itself: a database's words hold what was being written."""
        try:
            text = without_secrets(record.getMessage()[: LONGEST * 2])[:LONGEST]
            if record.exc_info and record.exc_info[0] is not None:
                text += "\n" + frames(record.exc_info[0], record.exc_info[2])
        except Exception:  # noqa: BLE001  # a record that cannot be read must not take the program with it
            text = f"({record.msg!r:.200})"
        with self._guard:
            self._n += 1
            self._lines.append(LogLine(self._n, int(record.created * 1000), record.levelno, record.name[:100], text))

    def lines(self, level: int = logging.NOTSET, after: int = 0) -> list[LogLine]:
        """Of this level and above, newest first, behind the number `after`."""
        with self._guard:
            found = list(self._lines)
        return [line for line in reversed(found) if line.level >= level and line.n > after]


def without_secrets(text: str) -> str:
    """The same with whatever looks like a secret struck out."""
    for pattern, instead in _SECRET:
        text = pattern.sub(instead, text)
    return text


def frames(kind: type[BaseException], trace: object) -> str:
    """The kind of an exception and where it came from, without its words."""
    found = traceback.extract_tb(trace)[-DEEPEST:]  # type: ignore[arg-type]
    places = [f"  {PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in found]
    return "\n".join([kind.__name__, *places])
