"""A hush goes out whatever becomes of the book."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kengd.errors import KengdError
from kengd.hub.act_ground import Actor
from kengd.hub.acts import Acts
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.ledger import dispatches, incidents
from kengd.hub.ledger.store import Ledger, Transaction, sqlite_url
from kengd.hub.ring_acts import RingWish
from kengd.hub.roster import Post, Roster
from kengd.hub.service import ALARMS
from tests.hub.spine_kit import Clock, Mouth, claims_of

OFFICER = Actor("cb-1", "đồng chí An")
ROSTER = Roster((Post("dong", "Đông"), Post("tay", "Tây")))


class FullDisk(Ledger):
    """A ledger that nobody can write any more, nor read."""

    broken = False

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        if self.broken:
            raise OSError(28, "No space left on device")
        with super().write() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        if self.broken:
            raise OSError(28, "No space left on device")
        with super().read() as connection:
            yield connection


@pytest.fixture
def hub(tmp_path: Path) -> tuple[Acts, Mouth, FullDisk]:
    """Acts on a ledger whose disk can be filled."""
    ledger, mouth, clock = FullDisk(sqlite_url(tmp_path / "ledger.sqlite")), Mouth(), Clock()
    key = Ed25519PrivateKey.generate()
    dispatcher = Dispatcher(ledger, "cong-lac", mouth, lambda: ("k1", key), dict, clock)
    return Acts(ledger, dispatcher, lambda: ROSTER, dict, ALARMS, clock), mouth, ledger


def fails(_connection: object, *_: object) -> None:
    raise OSError(28, "No space left on device")


def test_an_act_and_its_line_in_the_audit_book_are_written_together(hub: tuple[Acts, Mouth, FullDisk]) -> None:
    """An act without its line is not done and nothing goes out; but a hush has gone out before either is written."""
    acts, mouth, ledger = hub
    with pytest.raises(OSError):
        acts.ring(OFFICER, RingWish("ring-0001", "alarm", "actual", ("dong",), "trộm"), fails)
    with pytest.raises(OSError):
        acts.call_in(OFFICER, "call-0001", "có người lạ", None, fails)
    with ledger.read() as connection:
        assert (dispatches.recent(connection), incidents.open_ones(connection), mouth.taken()) == ([], [], [])
    with pytest.raises(KengdError) as refused:
        acts.hush(OFFICER, "hush-0001", ["dong"], "nhầm", also=fails)
    assert (refused.value.code, len(mouth.taken())) == ("hush_unrecorded", 1)
    lines: list[str] = []
    for _ in range(2):
        acts.hush(OFFICER, "hush-0002", ["dong"], "nhầm", also=lambda _: lines.append("hush-0002"))
    assert lines == ["hush-0002"]


def test_a_hush_goes_out_although_the_disk_is_full_and_says_so(hub: tuple[Acts, Mouth, FullDisk]) -> None:
    """H8, H14: a book that cannot be written never keeps a bell sounding; that nobody can follow it is told."""
    acts, mouth, ledger = hub
    ledger.broken = True
    with pytest.raises(KengdError) as told:
        acts.hush(OFFICER, "hush-0001", ["dong", "tay"], "nhầm")
    assert told.value.code == "hush_unrecorded"
    assert [claims_of(jws)["cmd"]["do"] for _, jws in mouth.taken()] == ["hush"]


def test_the_same_hush_again_is_the_same_act_whatever_sounds_by_then(hub: tuple[Acts, Mouth, FullDisk]) -> None:
    """R47: a double click does not fail because what it named has ended meanwhile."""
    acts, _, ledger = hub
    first = acts.hush(OFFICER, "hush-0001", ["dong", "tay"], "nhầm")
    assert acts.hush(OFFICER, "hush-0001", ["dong", "tay"], "nhầm") == first
    with ledger.read() as connection:
        assert [target.state.value for target in dispatches.targets_of(connection, ["hush-0001"])] == ["sent", "sent"]


def test_a_hush_while_the_line_is_down_waits_in_the_outbox(hub: tuple[Acts, Mouth, FullDisk]) -> None:
    """It is not lost: it goes out as soon as the line is back."""
    acts, mouth, ledger = hub
    mouth.down = True
    acts.hush(OFFICER, "hush-0001", ["dong"], None)
    with ledger.read() as connection:
        [target] = dispatches.targets_of(connection, ["hush-0001"])
    assert (target.state.value, mouth.taken()) == ("waiting", [])
