"""Bytes written for one activation, and while idle. Block level where a loop device is to be had, else /proc/PID/io."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.post import COMMAND, Post

MOST_BYTES = 16 * 1024


def measure(directory: Path, *, quick: bool = False) -> list[Figure]:
    """Rings by command that end by themselves; alarms hushed by a second command; then silence.

    The spool is on tmpfs, the book on an ext4 of its own.
    """
    directory.mkdir(parents=True, exist_ok=True)
    rounds, settle_s = (3, 2.0) if quick else (10, 8.0)
    with _disk(directory) as (state, written, how), Post(directory / "post", state) as post:

        def each(act: Callable[[], object]) -> tuple[float, float]:
            """(by /proc/PID/io, by the block device) for one."""
            _settle(settle_s)
            before = _io(post), written()
            for _ in range(rounds):
                act()
            _settle(settle_s)
            return (_io(post) - before[0]) / rounds, (written() - before[1]) / rounds

        ring = each(lambda: (_command(post, do="ring", signal="meeting", purpose="actual"), post.words(2.5)))
        alarm = each(lambda: (_command(post, do="ring", signal="alarm", purpose="actual"), _command(post, do="hush")))
        before, begun = (_io(post), written()), time.monotonic()
        post.words(10 if quick else 60)
        idle, idle_s = (_io(post) - before[0], written() - before[1]), time.monotonic() - begun
    return [
        Figure("one ring, three entries (/proc/PID/io)", ring[0], "bytes", most=MOST_BYTES),
        Figure(f"one ring, three entries ({how})", ring[1], "bytes", note="with the file system's own journal"),
        Figure("alarm and hush by command (/proc/PID/io)", alarm[0], "bytes", note="two commands, four entries"),
        Figure(f"alarm and hush by command ({how})", alarm[1], "bytes"),
        Figure(f"{idle_s:.0f} s idle (/proc/PID/io)", idle[0], "bytes", most=0),
        Figure(f"{idle_s:.0f} s idle ({how})", idle[1], "bytes", most=0 if how == "block device" else None),
    ]


def _command(post: Post, **cmd: str) -> None:
    post.hub.publish(COMMAND, post.sign(**cmd))
    post.words(0.5)


def _settle(seconds: float) -> None:
    """Let the file system write what it still holds."""
    time.sleep(seconds)
    os.sync()
    time.sleep(0.5)


def _io(post: Post) -> int:
    """write_bytes of both processes: pages they made dirty on a real disk (tmpfs does not count)."""
    total = 0
    for pid in (post.belfry, post.office):
        fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
        total += int(fields["write_bytes"])
    return total


@contextmanager
def _disk(directory: Path) -> Iterator[tuple[Path, Callable[[], int], str]]:
    """(state directory, bytes written so far, what counts them): an ext4 of its own, so that nobody else writes there."""
    image, mount = directory / "disk.img", directory / "disk"
    mount.mkdir(exist_ok=True)
    with image.open("wb") as file:
        file.truncate(64 << 20)
    made = subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=False, capture_output=True).returncode == 0
    if (
        not made
        or subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=False, capture_output=True).returncode
    ):
        yield directory / "state", lambda: 0, "no block device"
        return
    device = os.stat(mount).st_dev
    counter = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    try:
        yield mount / "state", lambda: int(counter.read_text().split()[6]) * 512, "block device"
    finally:
        subprocess.run(["umount", str(mount)], check=False)
        image.unlink()
