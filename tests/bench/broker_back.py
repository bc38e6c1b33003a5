"""Back after a broker restart: from the moment the new broker accepts connections to the post's fresh status."""

from __future__ import annotations

import time
from pathlib import Path

from tests.bench.figures import Figure, median
from tests.bench.post import STATUS, Post, word
from tests.bench.raw import Raw


def measure(directory: Path, *, quick: bool = False) -> list[Figure]:
    """Killed and started again at once, and after two seconds. The retained status of before does not count."""
    at_once, later = [], []
    with Post(directory) as post:
        for _ in range(2 if quick else 6):
            at_once.append(_back_s(post, 0.0))
        for _ in range(1 if quick else 3):
            later.append(_back_s(post, 2.0))
    return [
        Figure("back after a broker restart, median", median(at_once), "s", note=" ".join(f"{s:.2f}" for s in at_once)),
        Figure("back after a broker restart, slowest", max(at_once), "s", most=1.0),
        Figure("back after 2 s without broker, slowest", max(later), "s", note=" ".join(f"{s:.2f}" for s in later)),
    ]


def _back_s(post: Post, down_s: float) -> float:
    time.sleep(6.0)  # a line that was up for five seconds counts as steady
    post.hub.close()
    post.broker.kill()
    time.sleep(down_s)
    killed_s = time.time()
    post.broker.start()
    accepting = time.monotonic()
    post.hub = Raw(post.broker.port, b"bench-hub")
    post.hub.subscribe(STATUS)
    while True:
        for said in map(word, post.hub.messages(30.0)):
            if said.data["presence"] == "present" and _unix_s(said.data["at"]) >= killed_s:
                return said.at_ns / 1e9 - accepting
        if time.monotonic() - accepting > 30:
            raise RuntimeError("the post did not come back")


def _unix_s(at: str) -> float:
    from kengd.wire.entry import parse_at

    return parse_at(at) / 1000
