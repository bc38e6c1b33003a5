"""Put on the path of a post's processes: its wall clock is shifted, and its kernel says that the clock is not synchronised.

$KENGD_TEST_SHIFT names a file with the shift in ms, read at every look, so that a test puts the clock while all runs.
"""

from __future__ import annotations

import os
from pathlib import Path

path = os.environ.get("KENGD_TEST_SHIFT", "")
if path:
    from kengd import clock
    from kengd.duty.trust import ClockReading
    from kengd.duty.words import Instant

    _now = clock.now

    def now() -> Instant:
        """The true moment, its wall clock shifted."""
        true = _now()
        return Instant(true.mono_ms, true.wall_ms + int(Path(path).read_text() or 0))

    clock.now = now
    clock.read_clock = lambda *_: ClockReading(-1, 0, 0, 0, False, False)
