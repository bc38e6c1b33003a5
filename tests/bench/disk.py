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
    """Rings of ten seconds' distance each, hushed; then silence. The spool is on tmpfs, the book on ext4."""
    directory.mkdir(parents=True, exist_ok=True)
    with _disk(directory) as (state, written, how), Post(directory / "post", state) as post:
        _settle(2 if quick else 8)
        rounds = 3 if quick else 10
        before, before_io = written(), _io(post)
        for _ in range(rounds):
            post.hub.publish(COMMAND, post.sign(do="ring", signal="alarm", purpose="actual"))
            post.words(0.5)
            post.hub.publish(COMMAND, post.sign(do="hush"))
            post.words(0.5)
        _settle(2 if quick else 8)
        each, each_io = (written() - before) / rounds, (_io(post) - before_io) / rounds
        before, before_io, begun = written(), _io(post), time.monotonic()
        post.words(10 if quick else 60)
        idle, idle_io, idle_s = written() - before, _io(post) - before_io, time.monotonic() - begun
    return [
        Figure("written per activation (/proc/PID/io)", each_io, "bytes", most=MOST_BYTES),
        Figure(f"written per activation ({how})", each, "bytes", note="with the file system's own journal"),
        Figure(f"written in {idle_s:.0f} s idle (/proc/PID/io)", idle_io, "bytes", most=0),
        Figure(f"written in {idle_s:.0f} s idle ({how})", idle, "bytes", most=0 if how == "block device" else None),
    ]


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
