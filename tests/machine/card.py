"""The SD card of a test machine, and what a power cut leaves on it.

A killed qemu loses what the guest had not yet written to its disk (`Card`). A real card loses more: what it had taken but
was never asked to flush, in any order. `StrictCard` does that too: qemu logs every write (driver blklogwrites, the format
of the kernel's dm-log-writes), and after a cut only what was flushed is put on the medium, with a random part of the rest
where the test asks for it. No torn sectors, and no card that lies about a flush.
"""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

LOG_BYTES = 8 << 30
"""A sparse file: as long as the log may become."""
_MAGIC = 0x6A736677736872
_SUPER, _ENTRY = struct.Struct("<QQQI"), struct.Struct("<QQQQ")
_FLUSH, _FUA, _DISCARD = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Cut:
    """What a power cut did to the card: writes in qemu's log since it was switched on, and those that are gone."""

    writes: int
    lost: int
    lost_bytes: int


class Slot(Protocol):
    """What a machine needs of its card."""

    @property
    def options(self) -> list[str]:
        """Of qemu; the block node is called d0."""

    def insert(self, disk: Path) -> None:
        """Begin with a copy of this disk (qcow2)."""

    def copy(self, target: Path) -> None:
        """What is on it, for `insert`; the machine is off."""

    def power_on(self) -> None:
        """Just before qemu starts."""

    def power_cut(self, luck: random.Random | None) -> Cut:
        """Just after qemu was killed. `luck`: decides about each write that was not flushed; None: all of them are lost."""


class Card:
    """One qcow2 file, which can also hold the state of the running machine (`savevm`)."""

    def __init__(self, place: Path) -> None:
        self.file = place / "disk.qcow2"

    @property
    def options(self) -> list[str]:
        """As `Slot`."""
        return ["-drive", f"file={self.file},if=none,id=d0,format=qcow2,cache=writeback,discard=unmap"]

    def insert(self, disk: Path) -> None:
        """As `Slot`."""
        shutil.copyfile(disk, self.file)

    def copy(self, target: Path) -> None:
        """As `Slot`."""
        shutil.copyfile(self.file, target)

    def power_on(self) -> None:
        """Nothing to be done."""

    def power_cut(self, luck: random.Random | None) -> Cut:
        """What qemu was given stays."""
        return Cut(0, 0, 0)


class StrictCard:
    """The medium (what was flushed), and while there is power an overlay with everything and the log of all writes."""

    def __init__(self, place: Path) -> None:
        self._medium, self._live, self._log = place / "medium.raw", place / "live.qcow2", place / "writes.log"

    @property
    def options(self) -> list[str]:
        """As `Slot`. The host need not flush anything: it is never cut, and the log knows what the guest asked for."""
        nodes = [
            f"driver=file,node-name=f0,filename={self._live},cache.no-flush=on",
            "driver=qcow2,node-name=q0,file=f0",
            f"driver=file,node-name=l0,filename={self._log},cache.no-flush=on",
            "driver=blklogwrites,node-name=d0,file=q0,log=l0,log-super-update-interval=1",
        ]
        return [option for node in nodes for option in ("-blockdev", node)]

    def insert(self, disk: Path) -> None:
        """As `Slot`."""
        subprocess.run(["qemu-img", "convert", "-O", "raw", str(disk), str(self._medium)], check=True)

    def copy(self, target: Path) -> None:
        """As `Slot`."""
        command = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(self._medium), str(target)]
        subprocess.run(command, check=True)

    def power_on(self) -> None:
        """As `Slot`."""
        self._live.unlink(missing_ok=True)
        create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(self._medium), str(self._live)]
        subprocess.run(create, check=True)
        with open(self._log, "wb") as log:
            log.truncate(LOG_BYTES)

    def power_cut(self, luck: random.Random | None) -> Cut:
        """As `Slot`: the log is replayed onto the medium, in its order, without what is lost."""
        with open(self._log, "rb") as log, open(self._medium, "r+b") as medium:
            written = _read(log)
            flushed = max((number for number, one in enumerate(written) if one.flags & _FLUSH), default=-1)
            lost = 0, 0
            for number, one in enumerate(written):
                lucky = luck is not None and luck.random() < 0.5
                if number < flushed or one.flags & _FUA or lucky or not one.length:
                    one.copy(log, medium)
                else:
                    lost = lost[0] + 1, lost[1] + one.length
        self._live.unlink()
        self._log.unlink()
        return Cut(len(written), *lost)


@dataclass(frozen=True, slots=True)
class _Write:
    """An entry of the log; `source`: where in the log its bytes are. A flush alone has no length."""

    flags: int
    offset: int
    length: int
    source: int

    def copy(self, log: BinaryIO, medium: BinaryIO) -> None:
        if self.length and not self.flags & _DISCARD:
            log.seek(self.source)
            medium.seek(self.offset)
            medium.write(log.read(self.length))


def _read(log: BinaryIO) -> list[_Write]:
    """All entries. Raises ValueError when it is no such log."""
    magic, _, entries, sector = _SUPER.unpack(log.read(_SUPER.size))
    if magic != _MAGIC:
        raise ValueError("not a log of writes")
    found = []
    position = sector
    for _ in range(entries):
        log.seek(position)
        first, count, flags, _ = _ENTRY.unpack(log.read(_ENTRY.size))
        position += sector
        found.append(_Write(flags, first * sector, count * sector, position))
        if not flags & _DISCARD:
            position += count * sector
    return found
