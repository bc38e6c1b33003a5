"""Start → armed: from the start of the process to READY=1, relay and buttons claimed (H12)."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.bench.figures import Figure, median
from tests.bench.post import Post


def measure(directory: Path, *, quick: bool = False) -> list[Figure]:
    """Warm: settings compiled before. Cold: a post that has never been started, so they are compiled first."""
    post = Post(directory)
    warm, cold = [], []
    try:
        post.broker.start()
        for _ in range(1 if quick else 3):
            shutil.rmtree(post.state, ignore_errors=True)
            cold.append(post.start())
            post.end_post()
        for _ in range(3 if quick else 9):
            warm.append(post.start())
            post.end_post()
        begun = post.start()
        post.await_office()
    finally:
        post.stop()
    return [
        Figure("start → armed, median", median(warm), "s", most=0.25, note=f"{len(warm)} starts, last {begun:.2f}"),
        Figure("start → armed, slowest", max(warm), "s"),
        Figure("first start ever → armed", median(cold), "s", note="compiles the settings"),
    ]
