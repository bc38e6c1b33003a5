"""The timekeeper on a real book: what an earlier process believed of the clock limits what this one believes (P6, R36)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from kengd import clock
from kengd.duty.health import Condition
from kengd.duty.trust import ClockReading
from kengd.duty.words import ClockTrust, Draft, EntryKind, Instant, Stamped
from kengd.journal.batch import Batch
from kengd.office.office import Office
from kengd.office.shelf import Shelf
from kengd.office.timekeeper import Timekeeper
from kengd.settings.plan import OfficePlan, RetentionPlan, WebPlan

NOON = 1_796_137_200_000
DAY_MS = 86_400_000
CHIP = ClockReading(code=5, status=0x40, maxerror_us=16_000_000, tick_us=10_000, rtc=True, hctosys=True)
PLAN = OfficePlan((), WebPlan("127.0.0.1", 8480), (), RetentionPlan(365, 10_000))


class FakeOffice:
    """An office that writes at once; the machine's clocks are its own."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, wall_ms: int) -> None:
        self.mono_ms, self.wall_ms = 1_000, wall_ms
        monkeypatch.setattr(clock, "now", lambda: Instant(self.mono_ms, self.wall_ms))
        monkeypatch.setattr(clock, "read_clock", lambda: CHIP)
        self.shelf = Shelf(directory, "thon-1", clock.now, "boot")
        self.ails: set[str] = set()
        self.time = Timekeeper(cast(Office, self), PLAN)
        self.shelf.clock = self.time.trust

    def tick(self, step_ms: int = 0) -> ClockTrust:
        """A second later; `step_ms`: and somebody put the clock by so much."""
        self.mono_ms += 1_000
        self.wall_ms += 1_000 + step_ms
        self.time.tick(clock.now())
        return self.time.trust

    def write(self, draft: Draft, _mark: object = None) -> None:
        at = clock.now()
        self.shelf.write(Batch(drafts=[Stamped(0, "boot", at.mono_ms, at.wall_ms, self.time.trust, draft)]))

    def ail(self, item: Condition) -> None:
        if item.code not in self.ails:
            self.ails.add(item.code)
            self.write(Draft(EntryKind.CONDITION_RAISED, reason=item.code))

    def recover(self, code: str) -> None:
        self.ails.discard(code)

    def trust_changed(self) -> None:
        self.shelf.clock = self.time.trust

    def entries(self) -> list[tuple[str, str]]:
        return [(entry.kind, entry.clock) for entry in self.shelf.tail(100)]


Begin = Callable[..., FakeOffice]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """begin(wall_ms): a fresh process at this time, on the same book, or on one in another directory."""
    offices: list[FakeOffice] = []

    def start(wall_ms: int, directory: Path = tmp_path) -> FakeOffice:
        for earlier in offices:
            earlier.shelf.close()
        offices.append(FakeOffice(directory, monkeypatch, wall_ms))
        offices[-1].time.ask_book()
        return offices[-1]

    yield start
    for office in offices:
        office.shelf.close()


def test_a_chip_with_a_flat_cell_is_behind_the_book_and_stays_so_whatever_is_written_meanwhile(begin: Begin) -> None:
    """R36: no ring by timetable at a wrong hour; what is written under that clock does not make it right."""
    assert begin(NOON).tick() == "rtc"
    later = begin(NOON - 300 * DAY_MS)
    assert later.time.trust == "untrusted"
    assert [later.tick() for _ in range(3)] == ["untrusted"] * 3
    assert later.entries()[-1] == ("condition_raised", "untrusted")
    assert begin(NOON - 300 * DAY_MS).tick() == "untrusted"
    assert begin(NOON + DAY_MS).tick() == "rtc"


def test_a_clock_put_back_by_hand_is_not_believed_and_the_entry_about_it_says_so(begin: Begin) -> None:
    """The entry is the newest of the book and bears the earlier date."""
    post = begin(NOON)
    assert [post.tick(), post.tick(step_ms=-DAY_MS), post.tick(), post.tick()] == ["rtc"] + ["untrusted"] * 3
    assert ("clock_stepped", "untrusted") in post.entries()
    assert post.tick(step_ms=DAY_MS) == "rtc"


def test_a_book_that_cannot_be_read_keeps_no_clock_from_being_believed(begin: Begin, tmp_path: Path) -> None:
    """R40: the 22:00 ring needs no book. When the book can be read again, it is asked."""
    begin(NOON).tick()
    card = tmp_path / "card"
    card.write_text("a file where a directory should be")
    office = begin(NOON - DAY_MS, card)
    assert office.time.trust == "rtc"
    assert office.tick() == "rtc"
    card.unlink()
    (tmp_path / "book").rename(tmp_path / "kept")
    card.mkdir()
    (tmp_path / "kept").rename(card / "book")
    assert office.tick() == "untrusted"
