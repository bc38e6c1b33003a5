"""May the wall clock be believed? (R33–R36). Pure: readings come from `kengd.clock`.

ntp        kept right by a time service now
rtc        running free from a source that was right: a clock chip read at boot, or a time service up to a week ago
untrusted  anything else; no ring of the timetable then, buttons still ring
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kengd.duty.words import ClockTrust, Draft, EntryKind, Instant

STEP_MS = 2_000
"""A wall clock that leaves the monotonic one by more than this was put, not steered (a service steers 0.5 ms each second)."""

HOLDOVER_MS = 7 * 86_400_000
"""A crystal of 50 ppm is wrong by 30 s after a week, a tenth of a ring's grace. The kernel gives up after 9 hours without
network (maxerror grows 500 ppm until 16 s), and a village whose line is down that long must still hear its bell."""

BORN_MS = 1_767_225_600_000
"""2026-01-01: kengd did not exist before. A clock chip with a flat cell says 1970 or 2000."""

_STA_UNSYNC = 0x0040
_STA_CLOCKERR = 0x1000
_TIME_ERROR = 5
_LARGEST_ERROR_US = 16_000_000


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What the kernel says of its clock: adjtimex(2)'s return code, status bits, maxerror and tick; the clock chips.

    `rtc`: there is a clock chip; `hctosys`: the kernel set its clock from it at boot. A sandbox may answer -1 and leave zeros.
    """

    code: int
    status: int
    maxerror_us: int
    tick_us: int
    rtc: bool
    hctosys: bool


def synchronised(reading: ClockReading) -> bool:
    """True when a time service keeps the clock right. A refused or empty answer (-1, or all zero) is none."""
    return (
        0 <= reading.code < _TIME_ERROR
        and reading.tick_us > 0
        and not reading.status & (_STA_UNSYNC | _STA_CLOCKERR)
        and 0 <= reading.maxerror_us < _LARGEST_ERROR_US
    )


def assess(reading: ClockReading, believed_ms: int | None, now_ms: int, *, held_over: bool = False) -> ClockTrust:
    """How far to believe the clock. `believed_ms`: what it said when it was last believed, `now_ms`: what it says (unix ms).

    `held_over`: it was synchronised and then left alone. A synchronised clock wins over everything; one that runs free must
    not be earlier than when it was last believed.
    """
    if synchronised(reading):
        return "ntp"
    free = held_over or (reading.rtc and reading.hctosys)
    if free and now_ms >= max(BORN_MS, believed_ms or 0):
        return "rtc"
    return "untrusted"


def stepped(previous: tuple[int, int], current: tuple[int, int]) -> int | None:
    """By how many ms the wall clock was put between two readings of (monotonic ms, wall ms); None when by 2 s or less."""
    by = (current[1] - previous[1]) - (current[0] - previous[0])
    return by if abs(by) > STEP_MS else None


def step_draft(by_ms: int) -> Draft:
    """The entry that says so; `by_ms` > 0: put forward."""
    return Draft(EntryKind.CLOCK_STEPPED, detail={"by_ms": by_ms})


@dataclass(frozen=True, slots=True)
class ClockWatch:
    """What is remembered of the clock from one turn to the next. `synced_mono_ms`: when last seen synchronised, if not put since.

    `believed_ms`: what it said when it was last believed, here or by the book. An entry written under a clock that nobody
    believes does not count: else the very entry about a step back would make the wrong date the newest, and so a right one.
    """

    last: tuple[int, int] | None = None
    synced_mono_ms: int | None = None
    believed_ms: int = 0

    def with_book(self, believed_ms: int) -> ClockWatch:
        """The newest entry that was written under a believed clock is of this unix ms."""
        return replace(self, believed_ms=max(self.believed_ms, believed_ms))

    def turn(self, reading: ClockReading, now: Instant) -> tuple[ClockWatch, ClockTrust, int | None]:
        """The watch after this turn, the trust, and by how many ms the clock was put since the last turn (None: was not)."""
        current = (now.mono_ms, now.wall_ms)
        by = stepped(self.last, current) if self.last is not None else None
        synced = self.synced_mono_ms if by is None else None
        if synchronised(reading):
            synced = now.mono_ms
        held_over = synced is not None and now.mono_ms - synced <= HOLDOVER_MS
        trust = assess(reading, self.believed_ms - STEP_MS, now.wall_ms, held_over=held_over)
        believed_ms = self.believed_ms if trust == "untrusted" else now.wall_ms
        return ClockWatch(current, synced, believed_ms), trust, by
