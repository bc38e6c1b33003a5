"""The bench: medians, 99th percentiles and ratios of the whole post, beside the floor of the same run.

    python -m tests.bench [--quick] [--only NAME …] [--json FILE]

Not part of the tests: figures belong to a machine. Exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import broker_back, burst, disk, latency, lateness, memory, pages, starting
from tests.bench.figures import Figure

MEASURES: dict[str, Callable[..., list[Figure]]] = {
    "latency": latency.measure,
    "burst": burst.measure,
    "starting": starting.measure,
    "memory": memory.measure,
    "disk": disk.measure,
    "broker": broker_back.measure,
    "lateness": lateness.measure,
    "pages": pages.measure,
}


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, shorter rings: about a minute")
    parser.add_argument("--only", action="append", choices=[*MEASURES], help="may be given several times")
    parser.add_argument("--json", metavar="FILE", help="write the figures here too")
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}, Python {sys.version.split()[0]}")
    figures: dict[str, list[Figure]] = {}
    with tempfile.TemporaryDirectory(prefix="kengd-bench-") as directory:
        for name in args.only or MEASURES:
            print(f"{name}", flush=True)
            figures[name] = MEASURES[name](Path(directory) / name, quick=args.quick)
            for figure in figures[name]:
                print(figure.line(), flush=True)
    if args.json:
        plain = {name: [dataclasses.asdict(figure) for figure in rows] for name, rows in figures.items()}
        Path(args.json).write_text(json.dumps(plain, ensure_ascii=False, indent=1))
    missed = [figure for rows in figures.values() for figure in rows if figure.met is False]
    print(f"{len(missed)} missed" if missed else "all met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
