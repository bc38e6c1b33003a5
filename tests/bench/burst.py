"""1,000 different signed tests in one burst: how fast they are decided and how fast their entries are at the hub."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from tests.bench.figures import Figure, median
from tests.bench.post import COMMAND, Post, word
from tests.bench.raw import Raw, publish_packet

COUNT = 1_000
LEAST_PER_S = 3_000


def measure(directory: Path, *, quick: bool = False) -> list[Figure]:
    """Every command must give `received` and `tested`, in the order of sending."""
    decided, delivered, lost, disordered = [], [], 0, 0
    with Post(directory) as post:
        for _ in range(1 if quick else 5):
            first, last, missing, swapped = _burst(post)
            decided.append(COUNT / first)
            delivered.append(COUNT / last)
            lost, disordered = lost + missing, disordered + swapped
            post.words(2.0)
    rates = " ".join(f"{rate:.0f}" for rate in decided)
    return [
        Figure("burst: decided", median(decided), "/s", least=LEAST_PER_S, note=f"key in the belfry's spool; {rates}"),
        Figure("burst: both entries at the hub", median(delivered), "/s", note=" ".join(f"{r:.0f}" for r in delivered)),
        Figure("burst: entries lost", lost, "", most=0),
        Figure("burst: out of order", disordered, "", most=0),
    ]


def _burst(post: Post) -> tuple[float, float, int, int]:
    """(s until all were decided, s until all entries came, entries missing, entries out of order)."""
    commands = [post.sign(do="ring", signal="alarm", purpose="test") for _ in range(COUNT)]
    ids = post.newest_ids(COUNT)
    bytes_ = b"".join(publish_packet(COMMAND, command, 1 + n) for n, command in enumerate(commands))
    sender = Raw(post.broker.port, b"bench-burst")
    watch = _SpoolWatch(post, set(ids))
    begun = time.monotonic()
    threading.Thread(target=sender.sock.sendall, args=(bytes_,)).start()
    watch.start()
    entries: list[tuple[str, str]] = []
    last = begun
    while len(entries) < 2 * COUNT:
        heard = post.hub.messages(5.0)
        if not heard:
            break
        fresh = [w.data for w in map(word, heard) if w.leaf == "entry" and w.data["command_id"] is not None]
        entries += [(entry["command_id"], entry["kind"]) for entry in fresh]
        last = time.monotonic()
    watch.join(5.0)
    sender.close()
    wanted = [(command, kind) for command in ids for kind in ("received", "tested")]
    return (
        watch.done_s - begun,
        last - begun,
        2 * COUNT - len(set(entries)),
        sum(a != b for a, b in zip(entries, wanted, strict=False)),
    )


class _SpoolWatch(threading.Thread):
    """Looks each 2 ms which keys the belfry's spool holds: a key there is a command decided and remembered."""

    def __init__(self, post: Post, ids: set[str]) -> None:
        super().__init__(daemon=True)
        links = (link.resolve() for link in Path(f"/proc/{post.belfry}/fd").iterdir())
        self._path = next(path for path in links if path.name == "spool.jsonl")
        self._ids = ids
        self.done_s = 0.0

    def run(self) -> None:
        """Until all are there or ten seconds have passed. The file is written anew when it grows: then from its start."""
        deadline, file, rest, held = time.monotonic() + 10, self._path.open("rb"), b"", 0
        while held < len(self._ids) and time.monotonic() < deadline:
            if os.fstat(file.fileno()).st_nlink == 0:
                file.close()
                file, rest, held = self._path.open("rb"), b"", 0
            *lines, rest = (rest + file.read()).split(b"\n")
            held += sum(line.startswith(b'{"key":"') and line[8:-2].decode() in self._ids for line in lines)
            time.sleep(0.002)
        file.close()
        self.done_s = time.monotonic()
