"""Precedence as one table over what sounds, what is asked and its purpose (P4). Pure."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from kengd.bellcode.signal import Kind
from kengd.duty.words import Purpose


class Rank(IntEnum):
    """Who outranks whom: alarm over support over all-clear over drill over curfew and routine."""

    QUIET = 0
    CALM = 1
    DRILL = 2
    ALL_CLEAR = 3
    SUPPORT = 4
    ALARM = 5


class Verdict(StrEnum):
    """What the arbiter says to a trigger or a hush."""

    RING = "ring"
    INTERRUPT = "interrupt"
    JOIN = "join"
    WAIT = "wait"
    TEST = "test"
    HUSH = "hush"
    REFUSE = "refuse"


_ACTUAL_RANKS = {
    Kind.ALARM: Rank.ALARM,
    Kind.SUPPORT: Rank.SUPPORT,
    Kind.ALL_CLEAR: Rank.ALL_CLEAR,
    Kind.CURFEW: Rank.CALM,
    Kind.ROUTINE: Rank.CALM,
}


def rank(kind: Kind, purpose: Purpose) -> Rank:
    """The rank of a signal asked for with this purpose; a drill of anything ranks as a drill."""
    return Rank.DRILL if purpose is Purpose.DRILL else _ACTUAL_RANKS[kind]


_RING, _CUT, _JOIN = (Verdict.RING, None), (Verdict.INTERRUPT, None), (Verdict.JOIN, None)
_BUSY, _ALARM = (Verdict.REFUSE, "busy"), (Verdict.REFUSE, "alarm_sounding")

# One row for each thing that sounds, one column for each thing that is asked.
# An ACTUAL alarm joins an alarm and extends it; it never restarts or shortens what sounds.
_ROWS: dict[Rank, tuple[tuple[Verdict, str | None], ...]] = {
    #                CALM    DRILL   ALL_CLEAR SUPPORT ALARM
    Rank.QUIET: (_RING, _RING, _RING, _RING, _RING),
    Rank.CALM: (_BUSY, _CUT, _CUT, _CUT, _CUT),
    Rank.DRILL: (_BUSY, _BUSY, _CUT, _CUT, _CUT),
    Rank.ALL_CLEAR: (_BUSY, _BUSY, _JOIN, _CUT, _CUT),
    Rank.SUPPORT: (_ALARM, _ALARM, _ALARM, _JOIN, _CUT),
    Rank.ALARM: (_ALARM, _ALARM, _ALARM, _ALARM, _JOIN),
}

PRECEDENCE: dict[tuple[Rank, Rank], tuple[Verdict, str | None]] = {
    (sounds, asked): row[asked - 1] for sounds, row in _ROWS.items() for asked in list(Rank)[1:]
}
"""(what sounds, what is asked) → (verdict, reason of a refusal). A TEST never comes here: it moves no relay."""
