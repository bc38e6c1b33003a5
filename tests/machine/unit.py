"""The post as a village has it: kengd.service under systemd; its clock, its book, and what its bell played against the score."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.machine.machine import Machine, MachineError
from tests.machine.post import ALARM, ALL_CLEAR, HUSH, RELAY, SETTINGS, THERE, Post, Stroke

VILLAGE = timezone(timedelta(hours=7))
"""Asia/Ho_Chi_Minh."""
TOLERANCE_MS = 100
"""A soft CPU on a shared host; in the program itself edges are within a millisecond (the bench says so)."""
LEDGER = """
import json, sqlite3
book = sqlite3.connect("file:/var/lib/kengd/book/book.db?mode=ro", uri=True)
print(json.dumps(book.execute("SELECT date, state FROM ledger ORDER BY date").fetchall()))
"""
Score = list[tuple[int, bool]]
Entry = dict[str, Any]


class Unit(Post):
    """The installed service. Times of the day are the village's: "2026-12-01 22:00:00"."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.bring()

    # ---- settings, start, end

    def settle(self, *, alarm_s: int = 10, hold_ms: int = 1_000, limits: str = "", more: str = "") -> None:
        """Write the settings and wire the buttons. `limits`: further lines of [limits]; `more`: at the file's end."""
        text = SETTINGS.format(
            relay=RELAY,
            alarm=ALARM,
            hush=HUSH,
            all_clear=ALL_CLEAR,
            hold_ms=hold_ms,
            alarm_s=alarm_s,
            active_low="false",
        )
        text = text.replace("[limits]\n", f"[limits]\n{limits}\n") + more
        self.machine.put("/etc/kengd", {"kengd.toml": text.encode()})
        for line in (ALARM, HUSH, ALL_CLEAR):
            self.machine.let_go(line)

    def up(self, *, office: bool = True) -> None:
        """systemctl start; waits until the buttons are armed, and then for the office to have the book. Raises MachineError."""
        before = self._starts()
        self.machine.must("systemctl start kengd", 240)
        if office:
            self.until(lambda: self._starts() > before, "the office has the book", 120)

    def down(self) -> None:
        """systemctl stop."""
        self.machine.must("systemctl stop kengd", 60)

    def drop_in(self, name: str, text: str) -> None:
        """A drop-in of the unit."""
        self.machine.put("/etc/systemd/system/kengd.service.d", {f"{name}.conf": text.encode()})
        self.machine.must("systemctl daemon-reload")

    @property
    def belfry(self) -> int:
        """Its pid."""
        return int(self.machine.must("systemctl show -P MainPID kengd"))

    @property
    def office(self) -> int | None:
        """Its pid, None when there is none just now."""
        found = self.machine.run(f"pgrep -P {self.belfry} -f office").output.split()
        return int(found[0]) if found else None

    def until(self, holds: Callable[[], bool], what: str, timeout_s: float) -> float:
        """Wait until it holds; after how many seconds. Raises MachineError with the unit's log."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() > began + timeout_s:
                log = self.machine.run("journalctl -u kengd -o short-monotonic --no-pager | tail -15").output
                raise MachineError(f"not within {timeout_s:.0f} s: {what}\n{log}\n{self.kengd('status')[1]}")
            time.sleep(0.3)
        return time.monotonic() - began

    # ---- the clock

    def put_clock(self, moment: str, *, synced: bool = True) -> None:
        """At once; `synced`: a time service did it and vouches for it."""
        how = "synced" if synced else "free"
        self.machine.must(f"python3 -I {THERE}/clockwork.py put {unix_s(moment)} {how}")

    # ---- the book

    def book(self) -> list[Entry]:
        """All entries, oldest first; nothing while there is no book."""
        code, said = self.kengd("journal export --json")
        return [] if code else [json.loads(line) for line in said.splitlines()]

    def ledger(self) -> dict[str, str]:
        """What became of the one line of the timetable, by date."""
        return dict(json.loads(self.machine.must(f"python3 -I -c '{LEDGER}'")))

    def whole(self) -> tuple[bool, str]:
        """Is the chain whole? What `kengd journal verify` says."""
        code, said = self.kengd("journal verify")
        return code == 0, said

    def _starts(self) -> int:
        return sum(entry["kind"] == "started" for entry in self.glance())

    # ---- the bell

    def press_alarm(self, hold_ms: int = 1_000) -> None:
        """A press that counts."""
        self.machine.press_for(ALARM, (hold_ms + 200) / 1000)

    def ring(self, score: Score, hold_ms: int = 1_000) -> tuple[bool, str]:
        """Press the alarm button and wait for its end: was it the score, and how exactly?"""
        self.machine.trace()
        self.press_alarm(hold_ms)
        time.sleep(score[-1][0] / 1000 + 1)
        return as_written(self.strokes(), score)

    def signal(self, name: str) -> Score:
        """`kengd score NAME --json`, of a signal that ends by itself."""
        code, said = self.kengd(f"score {name} --json")
        if code:
            raise MachineError(said)
        return [(at_ms, bool(on)) for at_ms, on in json.loads(said)["edges"]]


def as_written(strokes: list[Stroke], score: Score) -> tuple[bool, str]:
    """Are these the edges of the score, in its order, none missing and none too many, each in its time?"""
    if [stroke.on for stroke in strokes] != [on for _, on in score]:
        return False, f"{len(strokes)} edges, {len(score)} in the score"
    late = [
        round((stroke.at_s - strokes[0].at_s) * 1000) - at_ms for stroke, (at_ms, _) in zip(strokes, score, strict=True)
    ]
    held = max(map(abs, late)) <= TOLERANCE_MS
    return held, f"{len(strokes)} edges, earliest {min(late):+} ms, latest {max(late):+} ms"


def blows(strokes: list[Stroke]) -> int:
    """How often the relay closed."""
    return sum(stroke.on for stroke in strokes)


def unix_s(moment: str) -> float:
    """A village's time of day as unix seconds."""
    return datetime.fromisoformat(moment).replace(tzinfo=VILLAGE).timestamp()


def kinds(entries: list[Entry], **wanted: str | None) -> list[str]:
    """Kinds (with reasons) of the entries that have these values, in order."""
    return [" ".join(filter(None, (entry["kind"], entry["reason"]))) for entry in entries if matches(entry, wanted)]


def matches(entry: Entry, wanted: Mapping[str, str | None]) -> bool:
    """Has it these values?"""
    return all(entry[key] == value for key, value in wanted.items())
