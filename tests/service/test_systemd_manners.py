"""What the service says to systemd and asks of the kernel."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kengd import service

ROOT = Path(__file__).resolve().parents[2]


def run(code: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    """Run Python code in a child."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, **kwargs
    )


@contextlib.contextmanager
def systemd(address: str) -> Iterator[socket.socket]:
    """A socket as systemd would listen on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + address[1:] if address.startswith("@") else address)
        listener.setblocking(False)
        yield listener


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_ready_status_watchdog_and_stopping(
    abstract: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sd_notify(3): one datagram a call, on a path or an abstract socket; a status is one line."""
    address = f"@kengd-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with systemd(address) as listener:
        answers = [service.ready("sẵn sàng"), service.status("a\nREADY=0"), service.feed_watchdog(), service.stopping()]
        heard = [listener.recv(1000).decode() for _ in range(4)]
    assert answers == [True] * 4
    assert heard == ["READY=1\nSTATUS=sẵn sàng", "STATUS=a READY=0", "WATCHDOG=1", "STOPPING=1\nSTATUS="]


@pytest.mark.parametrize("address", [None, "", "relative", "/nowhere/at/all"])
def test_without_systemd_nothing_is_said_and_nothing_raised(
    address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bell rings without systemd too."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert service.ready("x") is False


def test_a_systemd_that_does_not_read_never_holds_up_the_deciding_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog is fed by the thread that decides: a full socket must cost nothing."""
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with systemd(address):
        answers = [service.feed_watchdog() for _ in range(2000)]
    assert answers[0] is True
    assert answers[-1] is False


@pytest.mark.parametrize(
    ("limit", "pid", "expected"),
    [("15000000", None, 7.5), ("15000000", "1", None), (None, None, None), ("0", None, None), ("abc", None, None)],
)
def test_the_watchdog_is_fed_at_half_its_limit_and_only_by_the_watched_process(
    limit: str | None, pid: str | None, expected: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sd_watchdog_enabled(3): WATCHDOG_USEC in µs, WATCHDOG_PID names the process."""
    for name, value in (("WATCHDOG_USEC", limit), ("WATCHDOG_PID", pid)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert service.watchdog_interval_s() == expected


PARENT = """
import subprocess, sys, os, time
child = subprocess.Popen([sys.executable, "-c",
    "import sys, time; from kengd import service;"
    "print(service.die_with_parent(int(sys.argv[1])), flush=True); time.sleep(60)", str(os.getpid())],
    stdout=subprocess.PIPE, text=True)
print(child.stdout.readline().strip(), child.pid, flush=True)
time.sleep(60)
"""


def test_the_child_is_gone_as_soon_as_its_parent_was_killed() -> None:
    """DESIGN section 4: the office dies with the belfry, also by SIGKILL, so that two never run."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worked, pid = parent.stdout.readline().split()
    parent.kill()
    parent.wait()
    assert worked == "True"
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _runs(int(pid)):
        time.sleep(0.01)
    assert not _runs(int(pid))
    parent.stdout.close()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_child_whose_parent_died_before_the_call_ends_itself() -> None:
    """No signal comes for a death that has already happened."""
    done = run("from kengd import service; service.die_with_parent(1); print('alive')")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")


FILL = """
import sys
from kengd import service
print(service.limit_memory(96 << 20), flush=True)
held = []
try:
    while True:
        held.append(b"x" * (1 << 20))
except MemoryError:
    count = len(held)
    held.clear()
    print("MemoryError", count, flush=True)
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
"""


def test_an_office_that_fills_its_memory_gets_an_error_and_harms_nobody() -> None:
    """H21: the limit stops the office itself (MemoryError) long before the kernel looks for a victim; it can go on after."""
    done = run(FILL)
    lines = done.stdout.split("\n")
    assert lines[0] == "True", done.stderr
    assert lines[1].startswith("MemoryError "), done.stderr
    assert 60 <= int(lines[1].split()[1]) <= 96
    assert int(lines[2]) < 130 * 1024


def test_the_memory_limit_cannot_be_raised_again_by_a_child_without_the_right() -> None:
    """H21: the hard limit is lowered too."""
    done = run(
        "import resource; from kengd import service;"
        "print(service.limit_memory(200 << 20), resource.getrlimit(resource.RLIMIT_DATA) == (200 << 20, 200 << 20));"
        "print(service.limit_memory(300 << 20), resource.getrlimit(resource.RLIMIT_DATA)[0] >> 20)"
    )
    assert done.stdout == "True True\nTrue 200\n", done.stderr


def test_the_kernel_would_take_the_office_first() -> None:
    """H21: the office's OOM score is raised, which needs no right."""
    done = run(
        "from kengd import service; print(service.offer_to_oom_killer(), open('/proc/self/oom_score_adj').read())"
    )
    assert done.stdout.split() == ["True", "800"], done.stderr


def test_real_time_holds_for_the_calling_thread_alone_or_says_that_it_does_not() -> None:
    """SCHED_FIFO where the system allows it; other threads keep their time share, and a bad priority is only a False."""
    before, seen = os.sched_getscheduler(0), []

    def player() -> None:
        worked = service.real_time(10)
        policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
        seen.append(policy == (os.SCHED_FIFO if worked else before))

    thread = threading.Thread(target=player)
    thread.start()
    thread.join()
    assert seen == [True]
    assert os.sched_getscheduler(0) == before
    assert service.real_time(1000) is False


def test_memory_is_locked_only_where_no_limit_can_bite_later() -> None:
    """A locked process under a finite limit would fail at its next allocation: rather not locked."""
    done = run(
        "import resource; from kengd import service; worked = service.lock_memory();"
        "print(not worked or resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY); b'x' * (32 << 20)"
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_the_file_is_cheap_to_import() -> None:
    """The belfry is ready in a quarter of a second: no ctypes, no subprocess, no asyncio for a few lines to systemd."""
    done = run(
        "import sys; import kengd.service; print({'ctypes','subprocess','asyncio','logging'} & set(sys.modules))"
    )
    assert done.stdout == "set()\n", done.stderr


def test_limits_are_left_alone_in_this_process() -> None:
    """The tests above work in children."""
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY
