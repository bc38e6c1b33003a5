"""Clock trust: adjtimex, clock chip, newest entry (STACK section 6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kengd.duty.trust import BORN_MS, ClockReading, ClockWatch, assess, step_draft, stepped
from kengd.duty.words import EntryKind, Instant

NOW = 1_796_000_000_000
SYNCED = ClockReading(code=0, status=0x2001, maxerror_us=30_000, tick_us=10_000, rtc=False, hctosys=False)
FREE = replace(SYNCED, code=5, status=0x40, maxerror_us=16_000_000)
CHIP = replace(FREE, rtc=True, hctosys=True)
SANDBOX = ClockReading(code=-1, status=0, maxerror_us=0, tick_us=0, rtc=False, hctosys=False)


@pytest.mark.parametrize(
    ("reading", "newest", "trust"),
    [
        (SYNCED, None, "ntp"),
        (SYNCED, NOW + 1, "ntp"),
        (replace(SYNCED, code=5), None, "untrusted"),
        (replace(SYNCED, status=0x40), None, "untrusted"),
        (replace(SYNCED, status=0x1000), None, "untrusted"),
        (replace(SYNCED, maxerror_us=16_000_000), None, "untrusted"),
        (FREE, None, "untrusted"),
        (CHIP, None, "rtc"),
        (CHIP, NOW, "rtc"),
        (CHIP, NOW + 1, "untrusted"),
        (replace(CHIP, hctosys=False), None, "untrusted"),
        (SANDBOX, None, "untrusted"),
        (replace(SANDBOX, code=0), None, "untrusted"),
        (replace(SANDBOX, rtc=True, hctosys=True), None, "rtc"),
    ],
)
def test_trust_follows_the_kernel_then_the_clock_chip_then_the_newest_entry(
    reading: ClockReading, newest: int | None, trust: str
) -> None:
    """The newest entry limits only `rtc`, a synchronised clock wins; -1 with zeros (ProtectClock) is no synchronisation."""
    assert assess(reading, newest, NOW) == trust


def test_a_chip_with_a_flat_cell_is_not_believed() -> None:
    """An empty book has no newest entry, but kengd did not exist in 1970 or 2000."""
    assert [assess(CHIP, None, moment) for moment in (0, 946_684_800_000, BORN_MS - 1, BORN_MS)] == [
        "untrusted"
    ] * 3 + ["rtc"]


@pytest.mark.parametrize(
    ("current", "by"),
    [((11_000, 501_000), None), ((11_000, 503_000), None), ((11_000, 503_001), 2_001), ((11_000, 499_000), None),
     ((11_000, 498_999), -2_001),
     ((3_611_000, 4_101_000), None), ((11_000, 31_536_501_000), 31_536_000_000)],
)  # fmt: skip
def test_a_step_is_a_wall_clock_that_leaves_the_monotonic_one(current: tuple[int, int], by: int | None) -> None:
    """R35: more than two seconds, either way; waiting an hour is none."""
    assert stepped((10_000, 500_000), current) == by


def turns(*readings: tuple[ClockReading, int, int], book_s: int = 0) -> list[tuple[str, int | None]]:
    """What a watch says to (reading, mono s, wall s) one after the other; the book was believed at `book_s`."""
    watch = ClockWatch().with_book(NOW + book_s * 1000)
    said: list[tuple[str, int | None]] = []
    for reading, mono_s, wall_s in readings:
        watch, trust, by = watch.turn(reading, Instant(mono_s * 1000, NOW + wall_s * 1000))
        said.append((trust, by))
    return said


def test_a_clock_that_was_synchronised_is_believed_for_a_week_without_network() -> None:
    """The kernel gives up after 9 hours; a curfew must not fall silent because the line is down."""
    week = 7 * 86_400
    assert turns((FREE, 0, 0), (SYNCED, 10, 10), (FREE, 40_000, 40_000), (FREE, week + 10, week + 10), (FREE, week + 11, week + 11)) == [
        ("untrusted", None), ("ntp", None), ("rtc", None), ("rtc", None), ("untrusted", None),
    ]  # fmt: skip


def test_a_clock_that_somebody_put_is_no_longer_believed() -> None:
    """Held over only while it is left alone; a time service that steps it wins at once."""
    assert turns((SYNCED, 0, 0), (FREE, 10, 10), (FREE, 20, 3_620), (FREE, 30, 3_630), (SYNCED, 40, 40)) == [
        ("ntp", None), ("rtc", None), ("untrusted", 3_600_000), ("untrusted", None), ("ntp", -3_600_000),
    ]  # fmt: skip


def test_a_chip_that_somebody_put_back_stays_unbelieved_until_the_time_is_reached_again() -> None:
    """R36: nothing that happens meanwhile, not even the entry about the step, makes the earlier date a right one."""
    assert turns((CHIP, 0, 0), (CHIP, 10, 10), (CHIP, 11, -3_600), (CHIP, 12, -3_599), (CHIP, 3_621, 9), (CHIP, 3_622, 10)) == [
        ("rtc", None), ("rtc", None), ("untrusted", -3_611_000), ("untrusted", None), ("rtc", None), ("rtc", None),
    ]  # fmt: skip


def test_a_chip_that_is_behind_the_book_is_not_believed() -> None:
    """Its cell is flat: it says some day of last spring, and the book knows better."""
    assert turns((CHIP, 0, 0), (CHIP, 1, 1), (CHIP, 99_999, 99_999), book_s=99_999) == [
        ("untrusted", None), ("untrusted", None), ("rtc", None),
    ]  # fmt: skip


def test_a_time_service_that_puts_the_clock_back_is_believed_and_so_is_the_chip_after_it() -> None:
    """The date from which it was put back was wrong, and nobody holds on to it."""
    assert turns((CHIP, 0, 0), (SYNCED, 10, -86_400), (CHIP, 800_000, 713_590)) == [
        ("rtc", None), ("ntp", -86_410_000), ("rtc", None),
    ]  # fmt: skip


def test_a_step_is_written() -> None:
    """A synchronised clock wins over the newest entry, and the step stands in the book."""
    draft = step_draft(-3_600_000)
    assert (draft.kind, draft.detail) == (EntryKind.CLOCK_STEPPED, {"by_ms": -3_600_000})
