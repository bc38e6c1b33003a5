"""The clocks of this machine."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kengd import clock
from kengd.duty.trust import assess


def test_the_sandbox_trap_is_read_as_untrusted() -> None:
    """STACK section 6: ProtectClock= or a system call filter makes adjtimex answer -1 and leave zeros, which look synchronised."""
    reading = clock.read_clock(lambda structure: -1, "/nowhere")
    assert (reading.code, reading.status, reading.maxerror_us) == (-1, 0, 0)
    assert assess(reading, None, clock.now().wall_ms) == "untrusted"


def test_a_libc_without_adjtimex_is_read_as_untrusted() -> None:
    """Reading the clock never raises."""

    def missing(structure: Any) -> int:
        raise AttributeError("adjtimex")

    assert clock.read_clock(missing, "/nowhere").code == -1


def test_the_kernel_answers_everybody_and_nothing_is_changed() -> None:
    """A real answer has a tick of about 10 ms; modes 0 only asks."""
    reading = clock.read_clock()
    assert reading.code == -1 or (0 <= reading.code <= 5 and 9_000 <= reading.tick_us <= 11_000)


def test_a_clock_chip_counts_when_the_kernel_was_set_from_it(tmp_path: Path) -> None:
    """/sys/class/rtc/*/hctosys: 1 for the chip that set the clock at boot."""
    refused = (lambda structure: -1, str(tmp_path))
    assert [clock.read_clock(*refused).rtc, clock.read_clock(*refused).hctosys] == [False, False]
    (tmp_path / "rtc0").mkdir()
    assert [clock.read_clock(*refused).rtc, clock.read_clock(*refused).hctosys] == [True, False]
    (tmp_path / "rtc0" / "hctosys").write_text("0\n")
    (tmp_path / "rtc1").mkdir()
    (tmp_path / "rtc1" / "hctosys").write_text("1\n")
    assert [clock.read_clock(*refused).rtc, clock.read_clock(*refused).hctosys] == [True, True]


def test_times_are_written_as_the_wire_says() -> None:
    """DESIGN section 7: UTC with milliseconds and Z; also before 1970 and far away."""
    assert [clock.iso_utc(ms) for ms in (0, -1, 1_796_169_600_007, 253_402_300_799_999)] == [
        "1970-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "2026-12-02T00:00:00.007Z", "9999-12-31T23:59:59.999Z",
    ]  # fmt: skip


def test_local_time_is_that_of_vietnam_and_comes_back() -> None:
    """Asia/Ho_Chi_Minh, exact to the millisecond, whatever TZ says."""
    moment = clock.local(1_796_137_200_123)
    assert moment.isoformat() == "2026-12-01T22:00:00.123000+07:00"
    assert clock.unix_ms(moment) == 1_796_137_200_123
    assert clock.unix_ms(datetime(1970, 1, 1, tzinfo=UTC)) == 0


def test_both_clocks_run_and_the_boot_has_an_id() -> None:
    """now() reads both at once."""
    first, second = clock.now(), clock.now()
    assert first.mono_ms <= second.mono_ms
    assert len(clock.boot_id()) == 36


def test_the_units_word_for_this_boot_reads_as_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """ProcSubset=pid hides the kernel's file; systemd's %b is the same id without dashes."""
    by_kernel = clock.boot_id()
    monkeypatch.setattr(clock, "_BOOT_ID", "/nonexistent")
    monkeypatch.setenv("KENGD_BOOT_ID", by_kernel.replace("-", ""))
    assert clock.boot_id() == by_kernel
    monkeypatch.setenv("KENGD_BOOT_ID", "")
    with pytest.raises(OSError, match="nonexistent"):
        clock.boot_id()


def test_importing_the_clock_loads_neither_ctypes_nor_zoneinfo() -> None:
    """The belfry imports it and must be armed in a quarter of a second."""
    code = "import sys, kengd.clock; print([m for m in ('ctypes', 'zoneinfo', 'tzdata') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
