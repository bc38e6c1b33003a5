"""The machine tests: what only a kernel's GPIO chip and a real systemd can show. For developers, as root:

    python3 -m tests.machine.run [--keep DIR] [CASE ...]

Builds a Debian trixie (Python 3.13, systemd 257) with a simulated bank that the kernel itself serves, installs this
checkout in it once, and starts each case from that very state. Prints a table of what was tried and what was seen; the
exit code is 1 when anything broke. Slow (no hardware acceleration): times are those of a slower machine than any Pi.
x86-64 only: what runs on aarch64 is not shown by this.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.machine import case_contact, case_kill, case_owner, case_ring, case_size, case_systemd
from tests.machine.image import Image, build
from tests.machine.installing import SNAPSHOT, installed
from tests.machine.machine import Machine, MachineError
from tests.machine.table import Table

CASES: dict[str, Callable[[Machine, Table], None]] = {
    "by-hand": case_ring.by_hand,
    "as-pi": case_ring.as_pi,
    "active-low": case_ring.active_low,
    "contacts": case_contact.contacts,
    "at-boot": case_contact.held_at_boot,
    "owner": case_owner.second_owner,
    "off": case_owner.off,
    "kill": case_kill.kill,
    "size": case_size.size,
    "systemd": case_systemd.systemd,
    "sandbox": case_systemd.sandbox,
}


def main() -> int:
    """Run the named cases, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--keep", type=Path, help="where disk and logs of the machine stay (default: nowhere)")
    args = parser.parse_args()
    if unknown := set(args.cases) - CASES.keys():
        parser.error(f"no case called {', '.join(sorted(unknown))}")
    table = Table()
    with tempfile.TemporaryDirectory(prefix="kengd-machine-") as scratch:
        place = args.keep or Path(scratch)
        image = build()
        disk = installed(image, place / "install")
        for name in args.cases or CASES:
            table.case = name
            _one(CASES[name], image, disk, place / name, table)
    print(table)
    print(f"\n{len(table.rows)} rows, {table.broken} broken, {time.monotonic() - table.began:.0f} s")
    return 1 if table.broken else 0


def _one(case: Callable[[Machine, Table], None], image: Image, disk: Path, place: Path, table: Table) -> None:
    """One case on a machine of its own; a machine that fails is a row, and the next case goes on."""
    machine = Machine(image, place)
    try:
        machine.start(disk=disk, snapshot=SNAPSHOT)
        case(machine, table)
    except (MachineError, OSError) as wrong:
        table.row("the case came to its end", False, str(wrong)[-2000:])
    finally:
        machine.cut()


if __name__ == "__main__":
    sys.exit(main())
