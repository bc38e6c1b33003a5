"""Orders that change the post, with a book that writes later than it is asked to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from kengd import clock
from kengd.bellcode.profile import StrikerProfile
from kengd.bellcode.score import Score
from kengd.bellcode.signal import Kind
from kengd.duty.words import Instant
from kengd.intercom import SetLock, SetSilence, Taken
from kengd.office.changes import LOCK_S, Changes
from kengd.settings.plan import BelfryPlan, ButtonPlan, LampPlan, Limits, RelayPlan, SignalPlan

NOW_S = 1_800_000_000
EMPTY = Score((), 0)
PLAN = BelfryPlan(
    commune="cong-lac",
    post_id="p1",
    name="Điểm kẻng",
    villages=(),
    state_dir="/nowhere",
    run_dir="/nowhere",
    pins="simulated",
    relay=RelayPlan(17),
    buttons=(ButtonPlan("gate", 5, "alarm"), ButtonPlan("yard", 6, "alarm"), ButtonPlan("stop", 7, "hush")),
    lamps=LampPlan(),
    inputs=(),
    profile=StrikerProfile(),
    limits=Limits(),
    signals=(SignalPlan("alarm", Kind.ALARM, "báo động", EMPTY),),
    drill_prefix=EMPTY,
    slow_roll=EMPTY,
    codebook_version=0,
    timetable_version=0,
)


@dataclass
class SlowBook:
    """Values become readable only when `written`."""

    waiting: list[tuple[str, str | None]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def remember(self, key: str, value: str | None) -> None:
        self.waiting.append((key, value))

    def recall(self, prefix: str) -> dict[str, str]:
        return {key: value for key, value in self.values.items() if key.startswith(prefix)}

    def written(self) -> None:
        for key, value in self.waiting:
            self.values.pop(key, None)
            if value is not None:
                self.values[key] = value


def desk(book: SlowBook, told: list[Any]) -> Changes:
    def tell(message: Any) -> bool:
        told.append(message)
        return True

    nothing: Callable[[int], None] = lambda _: None  # noqa: E731
    return Changes(config="", plan=lambda: PLAN, memory=book, tell=tell, rewind=nothing, book_id=lambda: "b")


@pytest.fixture(autouse=True)
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: Instant(1_000, NOW_S * 1000))


@pytest.mark.parametrize("in_time", [False, True])
def test_the_last_alarm_button_is_never_locked_however_late_the_book_writes(in_time: bool) -> None:
    """R67: two orders within one write, or a full disk, once locked both."""
    book, told = SlowBook(), list[Any]()
    changes = desk(book, told)
    assert changes.lock_input("gate", True) is None
    if in_time:
        book.written()
    refused = changes.lock_input("yard", True)
    assert refused is not None and refused.reason == "cannot_play"
    assert told == [SetLock("gate", NOW_S + LOCK_S)]


def test_an_unlocked_button_counts_again_before_the_book_has_written_it() -> None:
    """R67: gate is unlocked, so yard may be locked; and a new office reads from the book what its predecessor locked."""
    book, told = SlowBook(), list[Any]()
    changes = desk(book, told)
    changes.lock_input("gate", True)
    book.written()
    changes.lock_input("gate", False)
    assert changes.lock_input("yard", True) is None
    assert told == [SetLock("gate", NOW_S + LOCK_S), SetLock("gate", 0), SetLock("yard", NOW_S + LOCK_S)]
    book.written()
    after_restart = desk(book, told).lock_input("gate", True)
    assert after_restart is not None


def test_a_button_nobody_knows_and_a_hush_button() -> None:
    """An unknown name is refused; a hush button, which may be shorted too (H8), can be locked."""
    changes = desk(SlowBook(), [])
    assert changes.lock_input("roof", True) is not None
    assert changes.lock_input("stop", True) is None


def test_what_a_stopped_belfry_had_no_room_for_reaches_it_later_in_order() -> None:
    """R67: an order answered `settings_changed` holds at the bell too, though its socket was full just then."""
    room, told = False, list[Any]()

    def tell(message: Any) -> bool:
        if room:
            told.append(message)
        return room

    nothing: Callable[[int], None] = lambda _: None  # noqa: E731
    changes = Changes(config="", plan=lambda: PLAN, memory=SlowBook(), tell=tell, rewind=nothing, book_id=lambda: "b")
    changes.lock_input("gate", True)
    changes.silence(NOW_S + 60)
    changes.tend()
    room = True
    changes.taken("a1", "Sơn")
    assert told == [SetLock("gate", NOW_S + LOCK_S), SetSilence(NOW_S + 60), Taken("a1", "Sơn")]
    changes.tend()
    assert len(told) == 3
