"""The machine tests: what only a kernel's GPIO chip and a real systemd can show. For developers, as root:

    python3 -m tests.machine.run [--long] [--suite SUITE] [--jobs N] [--seed N] [--keep DIR] [CASE ...]

Builds a Debian (trixie: Python 3.13, systemd 257) with a simulated bank that the kernel itself serves, installs this
checkout in it once, and starts each case from that very state, on a machine of its own. Prints a table of what was tried
and what was seen; the exit code is 1 when anything broke. Slow (no hardware acceleration): times are those of a slower
machine than any Pi. x86-64 only: what runs on aarch64 is not shown by this.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.machine.image import CACHE, HERE, PYTHONS, Image, build
from tests.machine.installing import SNAPSHOT, installed
from tests.machine.machine import Machine, MachineError
from tests.machine.table import Table

CORES = len(os.sched_getaffinity(0))
JOBS = CORES
"""More only get in each other's way: emulated, a machine wants a processor and its cache for itself."""


@dataclass(frozen=True, slots=True)
class Case:
    """Something to try. `cold`: the machine is handed over switched off, its disk in it; `strict`: so, and see `StrictCard`.

    `punctual`: whole lists of edges are compared to the millisecond: no more such machines at a time than there are processors.
    """

    do: Callable[[Machine, Table], None]
    cold: bool
    strict: bool
    punctual: bool


def cases() -> dict[str, Case]:
    """What each module case_*.py offers: CASES by name; COLD, STRICT and PUNCTUAL are names of those, where it has such."""
    found: dict[str, Case] = {}
    for file in sorted(HERE.glob("case_*.py")):
        module = importlib.import_module(f"tests.machine.{file.stem}")
        strict: Collection[str] = getattr(module, "STRICT", ())
        cold: Collection[str] = {*getattr(module, "COLD", ()), *strict}
        for name, do in module.CASES.items():
            found[name] = Case(do, name in cold, name in strict, name in getattr(module, "PUNCTUAL", ()))
    return found


def main() -> int:
    """Run the named cases, or all."""
    known = cases()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(known))
    parser.add_argument("--long", action="store_true", help="before a release: more repetitions, and each suite")
    parser.add_argument("--suite", choices=PYTHONS, help="only this one (default: trixie; with --long: each)")
    parser.add_argument(
        "--jobs", type=int, default=JOBS, metavar="N", help=f"machines at the same time (default: {JOBS})"
    )
    parser.add_argument("--seed", type=int, help="chance as in the round that printed this")
    parser.add_argument("--keep", type=Path, help="where disks and logs of the machines stay (default: nowhere)")
    args = parser.parse_args()
    if unknown := set(args.cases) - known.keys():
        parser.error(f"no case called {', '.join(sorted(unknown))}")
    chosen = {name: known[name] for name in args.cases or known}
    suites = [args.suite] if args.suite else list(PYTHONS) if args.long else ["trixie"]
    seed = random.SystemRandom().randrange(1_000_000) if args.seed is None else args.seed
    broken = 0
    with tempfile.TemporaryDirectory(prefix="kengd-machine-") as scratch:
        for suite in suites:
            began = time.monotonic()
            tables = _round(suite, chosen, (args.keep or Path(scratch)) / suite, args.jobs, args.long, seed)
            rows = sum(len(table.rows) for table in tables)
            broken += (amiss := sum(table.broken for table in tables))
            print("\n".join(map(str, tables)))
            print(
                f"\n{suite}: {rows} rows, {amiss} broken, {time.monotonic() - began:.0f} s, --seed {seed}\n", flush=True
            )
    return 1 if broken else 0


def _round(suite: str, chosen: dict[str, Case], place: Path, jobs: int, long: bool, seed: int) -> list[Table]:
    """All these cases on this suite; a table of each, in the order asked for."""
    image = build(suite)
    disk = installed(image, place / "install")
    began = time.monotonic()
    tables = {name: Table(name, long, seed, began) for name in chosen}
    record = CACHE / suite / "took.json"
    took_s: dict[str, float] = json.loads(record.read_text()) if record.exists() else {}

    def one(name: str) -> None:
        started = time.monotonic()
        _one(chosen[name], image, disk, place / name, tables[name])
        took_s[name] = round(time.monotonic() - started)
        tables[name].row("this case took", None, f"{took_s[name]:.0f} s")

    # The longest first, so that no single one is left at the end; what was never timed may be long.
    order = sorted(chosen, key=lambda name: -took_s.get(name, 1e6))
    for punctual, at_once in ((False, jobs), (True, min(jobs, CORES))):
        with ThreadPoolExecutor(at_once) as pool:
            for done in [pool.submit(one, name) for name in order if chosen[name].punctual is punctual]:
                done.result()
    if not long:
        record.write_text(json.dumps(took_s))
    return list(tables.values())


def _one(case: Case, image: Image, disk: Path, place: Path, table: Table) -> None:
    """One case on a machine of its own; a machine that fails is a row, and the next case goes on."""
    machine = Machine(image, place, strict=case.strict)
    try:
        if case.cold:
            machine.insert(disk)
        else:
            machine.start(disk=disk, snapshot=SNAPSHOT)
        case.do(machine, table)
    except (MachineError, OSError, ValueError, LookupError) as wrong:
        table.row("the case came to its end", False, f"{type(wrong).__name__}: {wrong}"[-2000:])
    finally:
        machine.cut()


if __name__ == "__main__":
    sys.exit(main())
