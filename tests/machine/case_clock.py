"""The clock: a machine that does not know the date, and one whose date is put to and fro around 22:00 (P6, R33–R37)."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from tests.machine.machine import Machine
from tests.machine.post import THERE
from tests.machine.table import Table
from tests.machine.unit import Entry, Unit, blows, kinds, unix_s

GRACE_S = 12
NIGHT = f"""grace_s = {GRACE_S}

[codebook.signals.curfew]
pattern = "2 tiếng"
"""
"""Follows the one line of the timetable. Short, so that a night takes no longer than it must."""
CALM = "after_alarm_min = 0\ncalm_per_hour = 120"
ALARM_S = 4


def no_clock_chip(machine: Machine, table: Table) -> None:
    """Begins in 2024, without a clock chip: as a Pi whose village has no network just now."""
    machine.start(rtc="2024-03-01T12:00:00", append="initcall_blacklist=cmos_init")
    chips = machine.run("ls /sys/class/rtc").output.split()
    table.row("a machine without a clock chip begins", not chips, machine.must("date -u '+%F %T'"))
    post = Unit(machine)
    post.settle(alarm_s=ALARM_S, limits=CALM, more=NIGHT)
    score = post.score(ALARM_S)
    post.put_clock("2024-03-01 21:30:00", synced=False)
    post.up()
    raised = post.wait_condition("clock_untrusted", 10)
    table.row("2024: the condition clock_untrusted is raised", raised, f"clock {post.status()['clock']}")
    machine.trace()
    post.put_clock("2024-03-01 21:59:57", synced=False)
    time.sleep(GRACE_S + 8)
    table.row("22:00 passes, and its grace: nothing rings", not post.strokes(), f"{machine.must('date -u +%T')} UTC")
    missed = kinds(post.book(), kind="missed")
    table.row("it is written missed, clock_untrusted", missed == ["missed clock_untrusted"], missed)
    held, seen = post.ring(score)
    table.row("the alarm button rings, edges as in the score", held, seen)
    clocks = {entry["clock"] for entry in post.book()}
    table.row("all entries say that the clock was not to be trusted", clocks == {"untrusted"}, sorted(clocks))
    machine.trace()
    post.put_clock("2026-12-04 21:59:56")
    cleared = post.until(lambda: "clock_untrusted" not in post.conditions(), "clock_untrusted is over", 20)
    time.sleep(GRACE_S)
    table.row("a time service comes, in 2026: trusted", True, f"after {cleared:.0f} s, {post.status()['clock']}")
    table.row("22:00 rings, once", blows(post.strokes()) == 2, f"{blows(post.strokes())} blows")
    missed = kinds(post.book(), kind="missed")
    table.row("and nothing is made up for the two years between", len(missed) == 1, missed)
    held, said = post.whole()
    table.row("the book is whole", held, said)


@dataclass(frozen=True, slots=True)
class Turn:
    """The clock is put to each of these moments, with 2 s between them; then it runs for `for_s`. `rings`: how often it may."""

    what: str
    moments: tuple[str, ...]
    for_s: float
    rings: int
    missed: int = 0
    synced: bool = True


D = "2026-12-0"
TURNS = (
    Turn("22:00 passes", (f"{D}1 21:59:57",), 7, 1),
    Turn("an hour back, and 22:00 again", (f"{D}1 21:00:30", f"{D}1 21:59:57"), 7, 0),
    Turn("half an hour forward over 22:00, within its grace", (f"{D}2 21:30:00", f"{D}2 22:00:06"), 5, 1),
    Turn("an hour forward over 22:00", (f"{D}3 21:30:00", f"{D}3 22:30:00"), 4, 0, missed=1),
    Turn("and back before it: it may still ring", (f"{D}3 21:59:57",), 7, 1),
    Turn(
        "back by an hour while it rings, and 22:00 again", (f"{D}4 21:59:58", f"{D}4 20:59:59", f"{D}4 21:59:57"), 7, 1
    ),
    Turn("a year forward", ("2027-12-05 12:00:00",), 4, 0, missed=1),
    Turn("three more, to 21:59", ("2030-12-05 21:59:57",), 7, 1, missed=1),
    # what was written of the days between is written once more: those after the newest mark before today are not settled
    Turn("four years back, to a day that was jumped over", ("2026-12-10 21:59:57",), 7, 1, missed=1),
    Turn("that evening again", ("2026-12-10 21:00:00", "2026-12-10 21:59:57"), 7, 0),
    Turn("a day back by hand: not trusted", ("2026-12-09 21:59:57",), 7, 0, synced=False),
    Turn("the time service takes it up again", ("2026-12-11 21:59:57",), 7, 1),
)


def steps(machine: Machine, table: Table) -> None:
    """Trusted, and put by hours and years around 22:00: each date rings once or is written missed, never twice."""
    post = Unit(machine)
    post.settle(limits=CALM, more=NIGHT)
    curfew = sum(on for _, on in post.signal("curfew"))
    post.put_clock(f"{D}1 21:20:00")
    post.up()
    post.until(lambda: post.status()["clock"] == "ntp", "clock ntp", 20)
    before: list[Entry] = post.book()
    for turn in TURNS:
        machine.trace()
        for moment in turn.moments:
            post.put_clock(moment, synced=turn.synced)
            time.sleep(2)
        time.sleep(turn.for_s - 2)
        struck = blows(post.strokes())
        book = post.book()
        fresh, before = book[len(before) :], book
        rang, missed = kinds(fresh, kind="ringing"), kinds(fresh, kind="missed")
        held = struck == turn.rings * curfew and len(rang) == turn.rings and len(missed) == turn.missed
        seen = f"{struck} blows, {len(rang)} in the book, missed: {', '.join(map(_missed, _only(fresh, 'missed'))) or 'none'}"
        table.row(turn.what, held, seen)
    _swinging(post, table, curfew)
    _started_anew(post, table)
    _each_date(post, table)


def _swinging(post: Unit, table: Table, curfew: int) -> None:
    """As a time service and somebody who fight about it."""
    post.machine.trace()
    moment = unix_s("2026-12-12 21:59:54")
    post.machine.must(f"python3 -I {THERE}/clockwork.py swing {moment} 3600 8 0.7", 60)
    time.sleep(4)
    struck = blows(post.strokes())
    table.row("to and fro by an hour, 16 times in 12 s: rings once", struck == curfew, f"{struck} blows")


def _started_anew(post: Unit, table: Table) -> None:
    """The ledger is on disk before the first blow: neither a stop nor a kill makes it ring again."""
    for how in ("restart", "kill -s KILL"):
        post.put_clock("2026-12-12 21:30:00")
        starts = len(kinds(post.glance(), kind="started"))
        post.machine.must(f"systemctl {how} kengd", 120)
        post.until(lambda: len(kinds(post.glance(), kind="started")) > starts, "the office has the book", 90)  # noqa: B023
        post.machine.trace()
        post.put_clock("2026-12-12 21:59:57")
        time.sleep(8)
        table.row(f"systemctl {how}, and 22:00 again: nothing rings", not post.strokes(), post.ledger()["2026-12-12"])


def _each_date(post: Unit, table: Table) -> None:
    """Ledger and book against each other."""
    book = post.book()
    rang = Counter(str((entry["detail"] or {}).get("due", entry["at"]))[:10] for entry in _only(book, "ringing"))
    table.row("no date rang twice", max(rang.values()) == 1, dict(rang))
    ledger = post.ledger()
    table.row("the ledger has each date that rang", set(rang) <= set(ledger), ledger)
    held, said = post.whole()
    table.row("the book is whole", held, said)


def _only(entries: list[Entry], kind: str) -> list[Entry]:
    return [entry for entry in entries if entry["kind"] == kind]


def _missed(entry: Entry) -> str:
    detail = entry["detail"]
    return f"{entry['reason']} {detail['due'][:10]}" + (
        f" and {detail['count'] - 1} before" if "count" in detail else ""
    )


CASES = {"no-clock-chip": no_clock_chip, "clock-steps": steps}
COLD = ("no-clock-chip",)
