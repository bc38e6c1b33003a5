"""The spool: what the belfry must not forget within one boot, on tmpfs, before the first edge (P3, P5, P6, P7).

One append-only file of JSON lines: entries until the office has written them, keys that were accepted, and the record
from which an ACTUAL alarm resumes once after a crash. Each append is one write(2): a crash tears at most the last line.
"""

from __future__ import annotations

import json
import logging
import os
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kengd.duty.standing import Activation, Waiting
from kengd.duty.words import ClockTrust, Draft, EntryKind, Instant, Stamped
from kengd.plain import from_plain, to_json, to_plain

log = logging.getLogger("kengd.spool")
MOST_KEYS = 20_000
MOST_RECORDS = 10_000
COMPACT_BYTES = 262_144
LARGEST_BYTES = 8 << 20
"""While nobody writes the book, the file is made anew at this size: tmpfs is memory."""


class Spool:
    """Entries not yet in the book, accepted keys, and the resume record of one boot.

    `boot` is the kernel's boot id; `fresh_id` names this spool if it must begin anew (its records are told apart by it).
    Raises nothing on a disk that fails: `broken` says so and the bell rings on.
    """

    def __init__(self, directory: Path, boot: str, fresh_id: str) -> None:
        self._path = directory / "spool.jsonl"
        self._boot = boot
        self._id = f"{boot[:8]}-{fresh_id}"
        self._pending: OrderedDict[int, Stamped] = OrderedDict()
        self._keys: OrderedDict[str, None] = OrderedDict()
        self._next = 1
        self._lost = 0
        self.resume: Activation | None = None
        self.waiting: tuple[Waiting, ...] = ()
        self.broken: str | None = None
        self._fd = -1
        self._size = self._compacted = 0
        self._load()

    @property
    def id(self) -> str:
        """The name of this spool: the same as long as its file lives, another after a power cut."""
        return self._id

    def holds(self, key: str | None) -> bool:
        """True when this key was accepted before in this boot."""
        return key is not None and key in self._keys

    @property
    def pending(self) -> Sequence[Stamped]:
        """Records the office has not confirmed, oldest first."""
        return tuple(self._pending.values())

    def put(
        self,
        drafts: Sequence[Draft],
        now: Instant,
        clock: ClockTrust,
        *,
        key: str | None = None,
        resume: Activation | None = None,
    ) -> list[Stamped]:
        """Stamp the drafts and write them, with the key that led to them and an alarm that begins, in one write."""
        lines = [] if key is None else [_line({"key": key})]
        records = []
        for draft in drafts:
            record = Stamped(self._next, self._id, now.mono_ms, now.wall_ms, clock, draft)
            self._next += 1
            self._pending[record.n] = record
            records.append(record)
            lines.append(_tagged("entry", record))
        if key is not None:
            self._hold(key)
        if resume is not None:
            self.resume = resume
            lines.append(_tagged("resume", resume))
        self._shed()
        self._append(lines)
        return records

    def keep_resume(self, activation: Activation | None) -> None:
        """The alarm that resumes once if this process crashes; None strikes the record."""
        if activation is None and self.resume is None:
            return
        self.resume = activation
        self._append([_line({"resume": None}) if activation is None else _tagged("resume", activation)])

    def keep_waiting(self, waiting: tuple[Waiting, ...]) -> None:
        """Commands with `at` that are waited for: a crash drops them, and says so (P7)."""
        self.waiting = waiting
        self._append([_line({"waiting": [to_plain(item) for item in waiting]})])

    def heal(self) -> None:
        """Once a second: a file that could not be written, or that somebody took away, is made anew from what is in memory."""
        if self.broken is not None or not self._is_there():
            try:
                self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            except OSError as error:
                self._break(error)
                return
            self.compact()

    def written(self, upto: int) -> None:
        """The office has all records with n <= `upto` in the book."""
        while self._pending and next(iter(self._pending)) <= upto:
            self._pending.popitem(last=False)
        self._append([_line({"written": upto})])
        if not self._pending and self._size > COMPACT_BYTES + 64 * len(self._keys):
            self.compact()

    def compact(self) -> None:
        """Write the file anew with only what counts."""
        lines = [_line({"spool": self._id, "boot": self._boot, "next": self._next})]
        lines += [_line({"key": key}) for key in self._keys]
        lines += [_tagged("entry", record) for record in self._pending.values()]
        if self.resume is not None:
            lines.append(_tagged("resume", self.resume))
        if self.waiting:
            lines.append(_line({"waiting": [to_plain(item) for item in self.waiting]}))
        data = b"".join(lines)
        fresh = self._path.with_suffix(".new")
        try:
            with open(fresh, "wb", opener=_private) as file:
                file.write(data)
            os.replace(fresh, self._path)
            self._open(len(data))
            self.broken = None
        except OSError as error:
            self._break(error)

    def close(self) -> None:
        """Close the file; it stays for the next belfry of this boot."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _hold(self, key: str) -> None:
        self._keys[key] = None
        if len(self._keys) > MOST_KEYS:
            self._keys.popitem(last=False)

    def _shed(self) -> None:
        """Bounded: when the office is away for long, refusals go first, activations are kept longest."""
        if len(self._pending) <= MOST_RECORDS:
            return
        light = (EntryKind.REFUSED, EntryKind.TESTED, EntryKind.CONDITION_RAISED, EntryKind.CONDITION_CLEARED)
        victim = next((n for n, record in self._pending.items() if record.draft.kind in light), None)
        self._pending.pop(next(iter(self._pending)) if victim is None else victim)
        self._lost += 1
        if self._lost in (1, 10, 100) or self._lost % 1000 == 0:
            log.error("spool full: %d records given up", self._lost)

    def _append(self, lines: Sequence[bytes]) -> None:
        if not lines or self.broken is not None:
            return  # it stays in memory; `heal` writes it when the disk is back
        data = b"".join(lines)
        try:
            done = os.write(self._fd, data)
            if done != len(data):
                raise OSError("short write")
            self._size += done
        except OSError as error:
            self._break(error)
            return
        if self._size > max(LARGEST_BYTES, 2 * self._compacted):
            self.compact()

    def _is_there(self) -> bool:
        try:
            return os.stat(self._path).st_ino == os.fstat(self._fd).st_ino
        except OSError:
            return False

    def _break(self, error: OSError) -> None:
        if self.broken is None:
            log.error("spool cannot be written: %s", error)
        self.broken = str(error)

    def _load(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            raw = self._path.read_bytes() if self._path.exists() else b""
        except OSError as error:
            self._break(error)
            return
        boot = ""
        for line in raw.splitlines():
            try:
                data = json.loads(line)
                boot = data.get("boot", boot)
                self._replay(data)
            except (ValueError, KeyError, TypeError) as error:
                log.warning("spool: a line cannot be read (%s)", error)
        if boot != self._boot:  # another boot: entries still count, keys and the resume record do not (H10)
            self._keys.clear()
            self.resume = None
            self.waiting = ()
        self.compact()

    def _replay(self, data: dict[str, Any]) -> None:
        if "spool" in data:
            self._next = max(self._next, int(data["next"]))
            if data["boot"] == self._boot:
                self._id = data["spool"]
        elif "key" in data:
            self._hold(data["key"])
        elif "entry" in data:
            record = from_plain(Stamped, data["entry"])
            self._pending[record.n] = record
            self._next = max(self._next, record.n + 1)
        elif "resume" in data:
            self.resume = None if data["resume"] is None else from_plain(Activation, data["resume"])
        elif "waiting" in data:
            self.waiting = tuple(from_plain(Waiting, item) for item in data["waiting"])
        elif "written" in data:
            for n in [n for n in self._pending if n <= data["written"]]:
                del self._pending[n]

    def _open(self, size: int) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size = self._compacted = size


def _line(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"


def _tagged(tag: str, value: Stamped | Activation) -> bytes:
    return f'{{"{tag}":{to_json(value)}}}\n'.encode(errors="replace")  # no text keeps a bell from ringing


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
