"""The first days of a hub: what has to be there before a commune can rely on it, judged by facts. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from kengd.hub.people.words import Officer
from kengd.hub.roster import Village

Step = Literal["own", "villages", "officers", "post_file", "green", "silent_test", "codebook", "backup", "notices"]
STEPS: Final[tuple[Step, ...]] = get_args(Step)
"""In the order in which they are best done."""
PUT_AWAY: Final = "begin.put_away"
SEEN: Final = "begin.seen"
"""Keys of the ledger's values: an admin wants to see the steps no more; the codebook and the hours were read by somebody."""
ADMINS: Final = 2
"""One who forgets the password, or is away, must not be the only one."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`own`: who looks. `letting_in`: posts with a valid certificate; `ready`: those that would ring. `tested`: passed a silent test.
    `seen`, `backed_up`: so. `reached`: a notice has reached somebody."""

    own: Officer
    officers: Sequence[Officer]
    villages: Sequence[Village]
    letting_in: Collection[str]
    ready: Collection[str]
    tested: Collection[str]
    seen: bool
    backed_up: bool
    reached: bool


def done(facts: Facts) -> Mapping[Step, bool]:
    """Each step, in order."""
    return {
        "own": facts.own.has_pin and not facts.own.must_change,
        "villages": bool(facts.villages) and all(village.households > 0 for village in facts.villages),
        "officers": sum(1 for one in facts.officers if one.role == "admin") >= ADMINS
        and all(one.phone or one.channels for one in facts.officers),
        "post_file": bool(facts.letting_in),
        "green": bool(facts.ready),
        "silent_test": bool(facts.tested),
        "codebook": facts.seen,
        "backup": facts.backed_up,
        "notices": facts.reached,
    }
