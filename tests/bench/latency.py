"""Command → relay edge and command → status "ringing", with the floor measured in turns with them."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.figures import Figure, median, p99
from tests.bench.post import COMMAND, Post, echo_us, word
from tests.bench.raw import Raw

REST_S = 0.004
"""Before each sample, the floor's and the post's alike: a processor that has slept starts with cold caches."""
SLOW_MS = 20.0


def measure(directory: Path, *, quick: bool = False) -> list[Figure]:
    """Each round: one echo, one alarm (first edge, "ringing"), one hush; then everything is let come to rest."""
    with Post(directory) as post:
        asker = post.start_echo()
        rounds = [_round(post, asker) for _ in range(60 if quick else 400)][10:]
    return _figures([row[0] for row in rounds], [row[1] for row in rounds], [row[2] for row in rounds])


def _figures(floor: Sequence[float], edge: Sequence[float], status: Sequence[float]) -> list[Figure]:
    base = median(floor)
    slow = [value for value in status if value > SLOW_MS * 1000]
    return [
        Figure("floor (echo client), median", base, "µs"),
        Figure("floor, p99", p99(floor), "µs"),
        Figure("command → edge, median", median(edge), "µs"),
        Figure("command → edge, p99", p99(edge), "µs"),
        Figure("command → edge ÷ floor", median(edge) / base, "×", most=4.0, note="goal 3"),
        Figure('command → "ringing", median', median(status), "µs"),
        Figure('command → "ringing", p99', p99(status), "µs"),
        Figure('command → "ringing" ÷ floor', median(status) / base, "×", most=4.5),
        Figure('"ringing" later than 20 ms', 100 * len(slow) / len(status), "%", most=1.0, note="a 40 ms mode"),
    ]


def _round(post: Post, asker: Raw) -> tuple[float, float, float]:
    """(floor, edge, status), each µs."""
    ring = post.sign(do="ring", signal="alarm", purpose="actual")
    time.sleep(REST_S)
    floor = echo_us(asker, ring)
    time.sleep(REST_S)
    begun = time.monotonic_ns()
    post.hub.publish(COMMAND, ring)
    edge, status, entries = _answers(post, begun)
    post.hub.publish(COMMAND, post.sign(do="hush"))  # made now: it ends only what began in its second or before
    while entries < 4:  # received, ringing; received, cut
        heard = post.hub.messages(5.0)
        if not heard:
            raise RuntimeError("entries are missing")
        entries += sum(word(one).leaf == "entry" for one in heard)
    _drain(post)
    asker.messages(0)
    return floor, (edge - begun) / 1000, (status - begun) / 1000


def _answers(post: Post, begun: int) -> tuple[int, int, int]:
    """When the first edge and the first "ringing" came, and how many entries were heard by then."""
    edge = status = entries = 0
    edges = post.edge_fd()
    while not (edge and status):
        ready = select.select([post.hub.sock, *([] if edge else [edges])], [], [], 5)[0]
        now = time.monotonic_ns()
        if not ready:
            raise RuntimeError(f"no answer: edge {edge}, status {status}")
        if edges in ready and post.edge(0.1):
            edge = now
        if post.hub.sock in ready:
            for said in map(word, post.hub.messages(0)):
                if said.leaf == "entry":
                    entries += 1
                elif said.data["sounding"] is not None and not status:
                    status = now
    return edge, status, entries


def _drain(post: Post) -> None:
    while post.edge(0.001) is not None:
        pass
