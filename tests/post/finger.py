"""`python finger.py CONFIG [no-office]`: a belfry with a finger on its buttons, for what a press must do without the office.

The belfry is the real one. Lines on stdin: `press PIN HOLD_MS` (answered `pressed NS`, CLOCK_MONOTONIC) and `drive PIN 0|1|-`.
With `no-office` the office is a program that ends at once: an office that cannot start.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import Any

from kengd.belfry import belfry as room
from kengd.belfry import pins
from kengd.errors import KengdError

RELEASE_S = 0.12
"""So long nobody touches a contact between two presses: the debounce would take them for one."""


def let_go(contact: Any) -> None:
    """One finger: the press before is over, however late a busy machine ends it."""
    while contact._presses:
        time.sleep(0.002)
    time.sleep(RELEASE_S)


def obey(factory: Any) -> None:
    """Move the simulated pins as stdin says."""
    pressed = set[int]()
    for line in sys.stdin:
        deed, pin, value = line.split()
        if deed == "press":
            if int(pin) in pressed:
                let_go(factory.pin(int(pin)))
            pressed.add(int(pin))
            now_ns = time.monotonic_ns()
            factory.press(int(pin), int(value))
            print(f"pressed {now_ns}", flush=True)
        else:
            factory.drive(int(pin), None if value == "-" else value == "1")


def main() -> int:
    """Serve until a signal."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    opened: list[Any] = []
    open_factory = pins.open_factory

    def watched(asked: Any) -> Any:
        opened.append(open_factory(asked))
        return opened[-1]

    setattr(pins, "open_factory", watched)  # noqa: B010 the type checker would have it otherwise
    if "no-office" in sys.argv[2:]:
        setattr(room, "office_argv", lambda config: ["/bin/false", config])  # noqa: B010
    try:
        belfry = room.Belfry(sys.argv[1])
    except KengdError as wrong:
        print(wrong.for_people(), file=sys.stderr)
        return wrong.exit_code
    threading.Thread(target=obey, args=(opened[-1],), daemon=True).start()
    return belfry.run()


if __name__ == "__main__":
    sys.exit(main())
