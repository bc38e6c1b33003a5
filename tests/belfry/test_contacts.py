"""Buttons and inputs post what they see, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from time import monotonic

import pytest

from kengd.belfry.buttons import Contacts
from kengd.belfry.simulated import SimulatedFactory
from kengd.errors import KengdError
from kengd.settings.plan import ButtonPlan, InputPlan

ALARM = ButtonPlan("alarm", 5, "alarm", "nhà văn hóa", 1_000)
HUSH = ButtonPlan("hush", 6, "hush", None, 40)
MAINS = InputPlan("mains", 13, "mains_lost", active_low=True)
SOUND = InputPlan("sound", 19, "proof_of_sound", active_low=False)


@pytest.fixture
def board() -> Iterator[SimulatedFactory]:
    factory = SimulatedFactory()
    yield factory
    factory.close()


def test_every_change_is_posted_with_its_name_level_and_time(board: SimulatedFactory) -> None:
    """R18: nothing is swallowed; buttons close to ground, inputs by their own polarity; times on the monotonic clock."""
    posted: list[tuple[str, bool]] = []
    times: list[int] = []

    def post(name: str, active: bool, mono_ms: int) -> None:
        posted.append((name, active))
        times.append(mono_ms)

    before_ms = int(monotonic() * 1000)
    contacts = Contacts([ALARM, HUSH], [MAINS, SOUND], board, post)
    for pin, level in [(5, False), (6, False), (6, True), (5, True), (13, False), (19, True), (19, False)]:
        board.drive(pin, level)
    assert posted == [
        ("alarm", True),
        ("hush", True),
        ("hush", False),
        ("alarm", False),
        ("mains", True),
        ("sound", True),
        ("sound", False),
    ]
    assert times == sorted(times)
    assert before_ms <= times[0] <= times[-1] <= monotonic() * 1000
    assert contacts.names == ("alarm", "hush", "mains", "sound")
    contacts.close()


def test_the_level_is_read_from_the_pin_itself(board: SimulatedFactory) -> None:
    """R17, R29: `read` tells the level now, also for a button held since before the start."""
    board.press(5, 60_000)
    contacts = Contacts([ALARM], [SOUND], board, lambda *_: None)
    assert (contacts.read("alarm"), contacts.read("sound")) == (True, False)
    board.drive(19, True)
    assert contacts.read("sound")
    contacts.close()


def test_a_failing_inbox_is_logged_and_the_next_change_is_posted(
    board: SimulatedFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """Finding 2: one failing handler never stops the others, nor itself."""
    posted: list[tuple[str, bool]] = []

    def post(name: str, active: bool, mono_ms: int) -> None:
        posted.append((name, active))
        if name == "alarm":
            raise RuntimeError("inbox is broken")

    contacts = Contacts([ALARM, HUSH], [], board, post)
    with caplog.at_level(logging.ERROR, "kengd.buttons"):
        for pin in (5, 6):
            board.drive(pin, False)
        board.drive(5, None)
    assert posted == [("alarm", True), ("hush", True), ("alarm", False)]
    assert [record.message for record in caplog.records] == ["change of alarm could not be posted"] * 2
    assert contacts.threads_alive()
    contacts.close()


def test_a_stamp_from_another_clock_is_not_believed(board: SimulatedFactory) -> None:
    """lgpio stamps with the wall clock; the hold is measured on ours."""
    times: list[int] = []
    contacts = Contacts([ALARM], [], board, lambda name, active, mono_ms: times.append(mono_ms))
    device = contacts._devices["alarm"]
    now_ms = monotonic() * 1000
    for stamp_s in (1.8e9, monotonic() + 30, monotonic() - 30, -1.0):
        device._on_edge(stamp_s, 0)
    device._on_edge(monotonic() - 0.5, 0)
    assert all(now_ms - 1 <= time_ms <= monotonic() * 1000 for time_ms in times[:4])
    assert now_ms - 501 <= times[4] <= monotonic() * 1000 - 499
    contacts.close()


@pytest.mark.parametrize(
    "second", [ButtonPlan("alarm", 7, "alarm", None, 1_000), ButtonPlan("other", 5, "hush", None, 40)]
)
def test_a_pin_or_name_used_twice_is_said_in_vietnamese_and_gives_all_pins_back(
    board: SimulatedFactory, second: ButtonPlan
) -> None:
    """A wrong plan stops with a sentence, not with a trace; a corrected one can start at once."""
    with pytest.raises(KengdError) as caught:
        Contacts([ALARM, second], [], board, lambda *_: None)
    assert caught.value.code == "pin_taken"
    Contacts([ALARM], [], board, lambda *_: None).close()


def test_a_pin_that_cannot_be_read_says_so(board: SimulatedFactory) -> None:
    """The deciding thread gets one kind of error."""
    contacts = Contacts([ALARM], [], board, lambda *_: None)
    contacts._devices["alarm"].close()
    with pytest.raises(KengdError) as caught:
        contacts.read("alarm")
    assert caught.value.code == "pin_unreadable"
