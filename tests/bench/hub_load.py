"""The hub under load: one act to many posts, and how fast entries are taken in.

    python -m tests.bench.hub_load [--posts N ...] [--database URL] [--shared]

The ingest on SQLite and on a PostgreSQL that is started for it, both as durable as an installed hub's. Then, for each number of
posts: one mosquitto, one hub, simulated posts in one process, all on this machine's processors. "Done" is what an officer sees:
`received` and `ringing` of 99 % of the posts are stored in the ledger and read back from it. Also prints the hub's memory.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

from kengd.hub.act_ground import Actor
from kengd.hub.confirmations import NeedsConfirming
from kengd.hub.following import Following
from kengd.hub.ingest import Ingest
from kengd.hub.ledger import desk_facts, dispatches, rosters
from kengd.hub.ledger.merging import Heard
from kengd.hub.ledger.store import Ledger, sqlite_url
from kengd.hub.ring_acts import RingWish
from kengd.hub.roster import Post, Roster, Village
from kengd.hub.service import Hub
from kengd.hub.settings import HubSettings, load_hub
from kengd.uplink.line import Inbound, Token
from kengd.wire.entry import FIRST_PREV, Entry, chain_hash, format_at, to_json
from kengd.wire.topics import entry_topic
from tests.bench.figures import Figure, median, p99
from tests.bench.postgres import postgres
from tests.broker import Broker

COMMUNE = "bench"
OFFICER = Actor("cb-bench", "bench")
ROUNDS = 3
WITHIN_S = 60.0


def settings(directory: Path, port: int, database: str | None) -> HubSettings:
    """A hub without TLS: what the broker spends on it is not the hub's. Founded by another process, as in a commune: what that
    loads the service never does."""
    wish = ["--commune", COMMUNE, "--name", "Bench", "--address", "127.0.0.1", "--port", str(port)]
    wish += ["--state", str(directory / "state"), *(["--database", database] if database else [])]
    config = str(directory / "hub.toml")
    command = [sys.executable, "-m", "kengd", "--config", config, "hub", "begin", *wish]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    made = load_hub(config)
    return made.model_copy(update={"broker": made.broker.model_copy(update={"tls": False})})


def dispatch_to(count: int, directory: Path, database: str | None = None) -> list[Figure]:
    """Seconds from the officer's act until 99 % and all have received, and ring, as the ledger says."""
    directory.mkdir(parents=True)
    with Broker(directory / "broker") as broker:
        hub = Hub(settings(directory, broker.port, database))
        posts = tuple(f"post-{n:04}" for n in range(count))
        with hub.ledger.write() as connection:
            rosters.put_village(connection, Village("thon", "Thôn", 1000))
            for post in posts:
                rosters.put_post(connection, Post(post, post, ("thon",), enrolled_ms=1))
        hub.start()
        command = [sys.executable, "-m", "tests.bench.hub_posts", str(broker.port), COMMUNE, str(count)]
        village = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert village.stdout is not None and village.stdout.readline() == b"ready\n"
            _until(lambda: len(hub.watch.all()) == count and hub.ingest.waiting() == 0)
            time.sleep(1.0)
            rounds = [_round(hub, posts, number) for number in range(ROUNDS)]
        finally:
            village.communicate(b"")
            hub.stop()
    most, all_of, each = (median([row[at] for row in rounds]) for at in (0, 1, 2))
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        Figure(f"{count} posts: 99 % received and ringing", most, "s", most=2.0 if count == 1000 else None),
        Figure(f"{count} posts: all of them", all_of, "s"),
        Figure(f"{count} posts: per post", each * 1000, "ms", note="p50 of the times until `ringing`"),
        Figure(f"{count} posts: hub, largest RSS", rss, "MiB", most=150.0 if count == 1000 else None),
    ]


def _round(hub: Hub, posts: tuple[str, ...], number: int) -> tuple[float, float, float]:
    act = f"bench-{number:04}"
    began = time.monotonic()
    wish = RingWish(act, "alarm", "actual", posts, "bench")
    try:
        hub.acts.ring(OFFICER, wish)
    except NeedsConfirming as asked:
        began = time.monotonic()
        hub.acts.ring(OFFICER, RingWish(act, "alarm", "actual", posts, "bench", confirm=asked.token))
    wanted = max(1, int(len(posts) * 0.99))
    most_s = 0.0
    while True:
        with (
            hub.ledger.read() as connection
        ):  # counted by the database: reading thousands of rows would be most of the work
            done = desk_facts.tallies(connection, [act])[act].get("ringing", 0)
        took_s = time.monotonic() - began
        if done >= wanted and not most_s:
            most_s = took_s
        if done == len(posts):
            break
        assert took_s < WITHIN_S, f"{done} of {len(posts)} after {WITHIN_S} s"
        time.sleep(0.05)
    with hub.ledger.read() as connection:
        targets = dispatches.targets_of(connection, [act])
    assert all(target.received_ms is not None and target.ringing_ms is not None for target in targets)
    first_ms = min(target.sent_ms or 0 for target in targets)
    times = [(target.ringing_ms or 0) - first_ms for target in targets]
    print(
        f"  {len(posts)} posts: 99 % {most_s:.2f} s, all {took_s:.2f} s, p50 {median(times)} ms, p99 {p99(times)} ms",
        flush=True,
    )
    return most_s, took_s, median(times) / 1000


def _until(true: object) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ingest(directory: Path, database: str | None = None, count: int = 30_000) -> list[Figure]:
    """Entries a second, from the bytes that the line brings until their acknowledgement: read, proved, followed, committed."""
    directory.mkdir(parents=True)
    ledger = Ledger(database or sqlite_url(directory / "ledger.sqlite"))
    entries = [item for post in range(10) for item in _book(f"post-{post}", count // 10)]
    entries.sort(key=lambda item: (item.entry.seq, item.post))
    acked = itertools.count(1)
    done = threading.Event()

    def ack(_token: Token) -> None:
        if next(acked) == len(entries):
            done.set()

    following = Following(lambda: Roster(), frozenset({"alarm"}), 60)
    taking = Ingest(
        ledger, COMMUNE, known=lambda _: True, ack=ack, within=following.within, on_stored=lambda _: None,
        on_trouble=lambda _: None, wall_ms=lambda: 1_795_000_000_000,
    )  # fmt: skip
    for item in entries:
        topic, payload = entry_topic(COMMUNE, item.post), to_json(item.entry).encode()
        taking.put(Inbound(topic, payload, False, Token(1, 1)))
    began = time.monotonic()
    taking.start()
    assert done.wait(WITHIN_S)
    rate = len(entries) / (time.monotonic() - began)
    taking.stop()
    ledger.close()
    return [Figure(f"ingest into {'PostgreSQL' if database else 'SQLite'}", rate, "entries/s", least=3_000)]


def _book(post: str, count: int) -> list[Heard]:
    found, prev = [], FIRST_PREV
    for seq in range(1, count + 1):
        bare = Entry(
            f"{post:0<16}", seq, format_at(1_795_000_000_000 + seq), "received", None, f"jti-{seq}", "alarm", "actual", "hub", None,
            "đồng chí An", None, "ntp", {"do": "ring"}, prev, "",
        )  # fmt: skip
        prev = chain_hash(prev, bare)
        found.append(Heard(post, Entry(**{**{f: getattr(bare, f) for f in bare.__slots__}, "hash": prev}), 1))
    return found


def _apart(measure: Callable[..., list[Figure]], *arguments: object) -> list[Figure]:
    """Each measure in a process of its own, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


def main() -> int:
    """Print the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hub_load")
    parser.add_argument(
        "--posts", type=int, nargs="*", default=[10, 100, 300, 1000, 3000], help="none: only the ingest"
    )
    parser.add_argument("--database", metavar="URL", help="an empty PostgreSQL; without it one is started")
    parser.add_argument("--shared", action="store_true", help="the dispatches on PostgreSQL too")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(65_536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}, Python {sys.version.split()[0]}")
    figures: list[Figure] = []
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kengd-hub-bench-", dir="/var/tmp")))
        database = args.database or stack.enter_context(postgres())
        figures += _apart(ingest, scratch / "sqlite", None)
        figures += _apart(ingest, scratch / "postgresql", database)
        for count in args.posts:
            figures += _apart(dispatch_to, count, scratch / str(count), database if args.shared else None)
    figures += _growth(figures)
    for figure in figures:
        print(figure.line())
    return 1 if any(figure.met is False for figure in figures) else 0


def _growth(figures: list[Figure]) -> list[Figure]:
    """From a thousand posts to the most: no worse than linear."""
    times = {int(one.name.split()[0]): one.value for one in figures if one.name.endswith("received and ringing")}
    if 1000 not in times or max(times) == 1000:
        return []
    name = f"{max(times)} posts against 1000: 99 %"
    return [Figure(name, times[max(times)] / times[1000], "times", most=max(times) / 1000)]


if __name__ == "__main__":
    sys.exit(main())
