"""Stroke lateness over a minute of alarm: the edges the belfry made against the score, absolute, under three loads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, median, p99
from tests.bench.post import COMMAND, ROOT, Post

P99_MS = 0.5
DRIFT_US_PER_MIN = 200.0
"""What counts as none. A player that slept from stroke to stroke would add its lateness each time: 0.15 ms times 190
edges, 30,000 µs in the minute. The blows grow slower within the ring, and a processor that slept longer wakes a little later."""


def measure(directory: Path, *, quick: bool = False) -> list[Figure]:
    """A ring of 60 s idle, beside two busy processes, and while the post's own API is asked as fast as it answers."""
    seconds = 10 if quick else 60
    figures = []
    with Post(directory) as post:
        real_time = any(
            os.sched_getscheduler(int(tid)) & 3 == os.SCHED_FIFO for tid in os.listdir(f"/proc/{post.belfry}/task")
        )
        score = _score(post, seconds)
        for name, load in (("idle", _idle), ("two busy processes", _busy), ("own API loaded", _asked)):
            with load(post) as told:
                late_ms, slope = _lateness(post, score, seconds)
            figures += [
                Figure(f"lateness, {name}: median", median(late_ms), "ms", note=f"{len(late_ms)} edges"),
                Figure(f"lateness, {name}: p99", p99(late_ms), "ms", most=P99_MS if real_time else None, note=told()),
                Figure(f"lateness, {name}: worst", max(late_ms), "ms"),
                Figure(f"drift, {name}", abs(slope), "µs/min", most=DRIFT_US_PER_MIN if seconds >= 60 else None),
            ]
    if not real_time:
        print("  (no real-time priority here: the target for lateness does not apply)")
    return figures


def _score(post: Post, seconds: int) -> list[int]:
    told = subprocess.run(
        [sys.executable, "-m", "kengd", "--config", str(post.config), "score", "alarm", "--json", "--for", str(seconds)],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    return [at_ms for at_ms, _ in json.loads(told.stdout)["edges"]]


def _lateness(post: Post, score: Sequence[int], seconds: int) -> tuple[list[float], float]:
    """(ms late of each edge but the first, slope in µs a minute).

    The moment the score counts from is a whole millisecond and no edge is ever early, so it is the latest whole
    millisecond that makes none early. The first edge is left out: it is `command → edge`.
    """
    after = 0
    while (more := _edges(post, after))["edges"]:
        after = more["next"]
    post.hub.publish(COMMAND, post.sign(do="ring", signal="alarm", purpose="actual"))
    post.words(seconds + 0.5)
    made: list[float] = []
    while (page := _edges(post, after))["edges"]:
        made += [edge["t_ns"] / 1e6 for edge in page["edges"]]
        after = page["next"]
    post.hub.publish(COMMAND, post.sign(do="hush"))
    post.words(1.0)
    pairs = [(at, made[n] - at) for n, at in enumerate(score) if n < len(made)][1:]
    begin = float(int(min(offset for _, offset in pairs)))
    late = [(at / 60_000, offset - begin) for at, offset in pairs]
    return [ms for _, ms in late], 1000 * _slope(late)


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil-Sen, since a single late edge must not look like a drift: the median slope of pairs far apart."""
    half = len(points) // 2
    return median([(b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(points[:half], points[half:], strict=False)])


def _edges(post: Post, after: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{post.web_port}/sim/edges?after={after}", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


@contextmanager
def _idle(_post: Post) -> Iterator[Any]:
    yield lambda: ""


@contextmanager
def _busy(_post: Post) -> Iterator[Any]:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        yield lambda: ""
    finally:
        for process in busy:
            process.kill()
            process.wait()


@contextmanager
def _asked(post: Post) -> Iterator[Any]:
    """wrk where it is installed, else a small loader that counts less but loads the same."""
    url = f"http://127.0.0.1:{post.web_port}/healthz"
    wrk = shutil.which("wrk")
    argv = [wrk, "-t1", "-c8", "-d3600", url] if wrk else [sys.executable, "-c", _LOADER, url]
    loader = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    before, begun = _cpu_s(post.office), time.monotonic()

    def told() -> str:
        return f"office at {100 * (_cpu_s(post.office) - before) / (time.monotonic() - begun):.0f} % of a core"

    try:
        yield told
    finally:
        loader.kill()
        loader.wait()


_LOADER = """
import sys, threading, urllib.request
def ask():
    while True:
        try: urllib.request.urlopen(sys.argv[1]).read()
        except OSError: pass
for _ in range(4): threading.Thread(target=ask).start()
"""


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
