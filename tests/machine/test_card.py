"""What a power cut leaves on a strict card: the log of writes is replayed as a real card would have kept it."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.machine.card import Cut, StrictCard

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4
Write = tuple[int, int, bytes]
"""First sector, flags, one letter for each sector written."""


def cut(place: Path, writes: Sequence[Write], luck: random.Random | None = None) -> tuple[str, Cut]:
    """The medium after the cut (a letter a sector, "." for what it was before), and what the card says of it."""
    card = StrictCard(place)
    (place / "medium.raw").write_bytes(b"." * 8 * SECTOR)
    (place / "live.qcow2").touch()
    log = bytearray(struct.pack("<QQQI", 0x6A736677736872, 1, len(writes), SECTOR).ljust(SECTOR, b"\0"))
    for first, flags, letters in writes:
        log += struct.pack("<QQQQ", first, len(letters), flags, 0).ljust(SECTOR, b"\0")
        if not flags & DISCARD:
            log += b"".join(bytes([letter]) * SECTOR for letter in letters)
    (place / "writes.log").write_bytes(log)
    told = card.power_cut(luck)
    return (place / "medium.raw").read_bytes()[::SECTOR].decode(), told


def test_what_was_flushed_stays_and_what_came_after_the_last_flush_is_lost(tmp_path: Path) -> None:
    """The last flush decides about everything before it, in the order of the writes."""
    writes = [(0, 0, b"ab"), (1, 0, b"c"), (0, FLUSH, b""), (2, 0, b"dd"), (0, 0, b"e")]
    assert cut(tmp_path, writes) == ("ac......", Cut(5, 2, 3 * SECTOR))


def test_nothing_is_kept_of_a_card_that_was_never_asked_to_flush(tmp_path: Path) -> None:
    """A write alone is a promise of nobody."""
    assert cut(tmp_path, [(0, 0, b"ab"), (4, 0, b"c")]) == ("........", Cut(2, 2, 3 * SECTOR))


def test_a_write_that_forces_itself_to_the_medium_is_kept_by_itself(tmp_path: Path) -> None:
    """FUA says nothing about the writes beside it, and an older write of the same sector never comes back over it."""
    writes = [(0, 0, b"a"), (3, 0, b"b"), (0, FUA, b"c"), (5, 0, b"d")]
    assert cut(tmp_path, writes) == ("c.......", Cut(4, 3, 3 * SECTOR))
    assert cut(tmp_path, [*writes, (0, FLUSH, b"")])[0] == "c..b.d.."


def test_a_flush_that_carries_a_write_says_nothing_of_that_write(tmp_path: Path) -> None:
    """The block layer's PREFLUSH: what came before is on the medium when this write begins."""
    assert cut(tmp_path, [(0, 0, b"a"), (1, FLUSH, b"b"), (2, 0, b"c")])[0] == "a......."


def test_a_discard_has_no_bytes_in_the_log(tmp_path: Path) -> None:
    """What follows it is read from the right place."""
    assert cut(tmp_path, [(0, DISCARD, b"xxxx"), (1, 0, b"a"), (0, FLUSH, b"")])[0] == ".a......"


def test_luck_keeps_any_part_of_what_was_not_flushed_and_never_less_than_what_was(tmp_path: Path) -> None:
    """A card writes in an order of its own: of three unflushed writes each may be there without the others."""
    writes = [(0, 0, b"a"), (0, FLUSH, b""), (1, 0, b"b"), (2, 0, b"c"), (3, 0, b"d")]
    seen = {cut(tmp_path, writes, random.Random(seed))[0] for seed in range(64)}
    assert seen == {f"a{b}{c}{d}...." for b in "b." for c in "c." for d in "d."}


def test_a_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    """Better no round than one that proves nothing."""
    card = StrictCard(tmp_path)
    for name in ("medium.raw", "live.qcow2"):
        (tmp_path / name).touch()
    (tmp_path / "writes.log").write_bytes(b"\0" * SECTOR)
    with pytest.raises(ValueError, match="not a log"):
        card.power_cut(None)
