"""systemd's manners and the kernel's: ready, watchdog, parent, memory, priority. Standard library only, cheap to import.

Every call answers whether it worked and none of them raises for want of a right: a bell must ring without systemd,
without real-time priority and in a container. `ctypes` is loaded only when needed (it costs more than this whole file).
"""

from __future__ import annotations

import os
import resource
import signal
import socket

PR_SET_PDEATHSIG = 1  # linux/prctl.h
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4  # asm-generic/mman.h
OOM_SCORE_OFFICE = 800  # the kernel's first choice when memory is short (H21); the belfry has -900 by its unit


def notify(*lines: str) -> bool:
    """Tell systemd (sd_notify(3)): "READY=1", "STATUS=…". False without NOTIFY_SOCKET or when nobody reads it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        ) as to_systemd:
            to_systemd.sendto("\n".join(lines).encode(), address)
    except OSError:
        return False
    return True


def ready(status: str) -> bool:
    """Relay and buttons are armed."""
    return notify("READY=1", _status(status))


def status(text: str) -> bool:
    """One line for `systemctl status`."""
    return notify(_status(text))


def feed_watchdog() -> bool:
    """Call after finished work, never from a timer of its own."""
    return notify("WATCHDOG=1")


def stopping(why: str = "") -> bool:
    """An orderly end has begun."""
    return notify("STOPPING=1", _status(why))


def _status(text: str) -> str:
    return "STATUS=" + text.replace("\n", " ")


def watchdog_interval_s() -> float | None:
    """How often to feed the watchdog: half of systemd's limit. None when it does not watch this process."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    limit_us = os.environ.get("WATCHDOG_USEC", "")
    return int(limit_us) / 2e6 if limit_us.isascii() and limit_us.isdigit() and int(limit_us) > 0 else None


def die_with_parent(parent_pid: int) -> bool:
    """SIGKILL for this process when the *thread* that started it ends; dies at once if `parent_pid` is no longer its parent.

    prctl(2): the signal follows the thread, so start this process from a thread that lives as long as the parent.
    """
    worked = _libc_call("prctl", PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the call: no signal will ever come
        os.kill(os.getpid(), signal.SIGKILL)
    return worked


def offer_to_oom_killer(score: int = OOM_SCORE_OFFICE) -> bool:
    """Set this process' OOM score, -1000…1000. Raising it needs no right, lowering it does (proc_pid_oom_score_adj(5))."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score_file:
            score_file.write(str(score))
    except OSError:
        return False
    return True


def limit_memory(bytes_: int) -> bool:
    """Above this much private writable memory an allocation fails (MemoryError) here, and nobody else is killed (H21).

    RLIMIT_DATA counts since Linux 4.7 heap and private anonymous mappings, thread stacks too (8 MiB each unless
    `threading.stack_size` was set), but neither the program nor shared files, as RLIMIT_AS would; it needs no right and
    no cgroup of one's own. Lowers the hard limit too, so that children cannot raise it. False when it is not allowed.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        bytes_ = min(bytes_, hard)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (bytes_, bytes_))
    except (OSError, ValueError):
        return False
    return True


def real_time(priority: int) -> bool:
    """SCHED_FIFO for the calling thread, 1…99 (LimitRTPRIO=20 in the unit). Threads it starts do not inherit it."""
    try:
        policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except (OSError, ValueError):
        return False
    return True


def lock_memory() -> bool:
    """Keep this process out of swap, page by page as touched. False where a limit could make a later allocation fail."""
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError):  # LimitMEMLOCK=infinity in the unit allows it
        return False
    return _libc_call("mlockall", MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)


def _libc_call(name: str, *arguments: int) -> bool:
    try:
        import ctypes

        call = getattr(ctypes.CDLL(None), name)
        return bool(call(*map(ctypes.c_ulong, arguments)) == 0)
    except (ImportError, OSError, AttributeError):
        return False
