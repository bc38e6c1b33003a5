"""Memory of a post that has worked a little: resident (shared pages count twice) and proportional (each counts once)."""

from __future__ import annotations

from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.post import COMMAND, Post


def measure(directory: Path, *, quick: bool = False) -> list[Figure]:
    """After ten rings and a rest."""
    with Post(directory) as post:
        for _ in range(10):
            post.hub.publish(COMMAND, post.sign(do="ring", signal="alarm", purpose="actual"))
            post.words(0.2)
            post.hub.publish(COMMAND, post.sign(do="hush"))
            post.words(0.2)
        post.words(2 if quick else 5)
        belfry, office = _rollup(post.belfry), _rollup(post.office)
    return [
        Figure("belfry, resident", belfry["Rss"], "MiB", most=32),
        Figure("office, resident", office["Rss"], "MiB"),
        Figure("post, resident (sum)", belfry["Rss"] + office["Rss"], "MiB", note="shared pages counted twice"),
        Figure("post, proportional (sum)", belfry["Pss"] + office["Pss"], "MiB", most=90),
        Figure("post, private dirty", sum(m["Private_Dirty"] for m in (belfry, office)), "MiB"),
    ]


def _rollup(pid: int) -> dict[str, float]:
    """MiB by name from /proc/PID/smaps_rollup."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
