"""Start → armed: from the start of the process to READY=1, relay and buttons claimed (H12)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.figures import Figure, median
from tests.bench.post import Post


def measure(directory: Path, *, quick: bool = False) -> list[Figure]:
    """Warm: settings compiled before. Cold: a post that has never been started, so they are compiled first."""
    post = Post(directory)
    warm, cold, bare = [], [], []
    try:
        post.broker.start()
        for _ in range(1 if quick else 3):
            shutil.rmtree(post.state, ignore_errors=True)
            cold.append(post.start())
            post.end_post()
        for _ in range(3 if quick else 9):
            bare.append(_bare_s())
            warm.append(post.start())
            post.end_post()
        begun = post.start()
        post.await_office()
    finally:
        post.stop()
    return [
        Figure("start → armed, median", median(warm), "s", most=0.25, note=f"{len(warm)} starts, last {begun:.2f}"),
        Figure("start → armed, fastest", min(warm), "s"),
        Figure("start → armed, slowest", max(warm), "s"),
        Figure("an interpreter that does nothing", median(bare), "s", note="the floor"),
        Figure("first start ever → armed", median(cold), "s", note="compiles the settings"),
    ]


def _bare_s() -> float:
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.monotonic() - begun
