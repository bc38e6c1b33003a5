"""Lines of the merged book as people read them: asked for by post, village, kind, signal, name, day and incident; with what came of
them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Query

from kengd.clock import unix_ms, zone
from kengd.hub.desk.board import signal_vi
from kengd.hub.desk.desk import Desk
from kengd.hub.incidents import KINDS as CASES
from kengd.hub.ledger import desk_facts, dispatches, incidents
from kengd.hub.ledger.desk_facts import Wanted
from kengd.hub.ledger.store import Transaction
from kengd.hub.reports.book_file import Cell
from kengd.hub.reports.tables import Moment
from kengd.wire.said import KINDS, PURPOSES, SOURCES, reason_text

STEP: Final = 1_000
"""Entries that are read at a time for a file."""
CLOCKS: Final = {"ntp": "mạng", "rtc": "pin đồng hồ", "untrusted": "chưa tin được"}
Slug = Annotated[str, Query(pattern=r"^([a-z0-9-]{1,40})?$")]
Kind = Annotated[str, Query(pattern=r"^([a-z_]{1,40})?$")]
Signal = Annotated[str, Query(pattern=r"^([a-z0-9_-]{1,40})?$")]
Name = Annotated[str, Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Day = Annotated[str | None, Query(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
Case = Annotated[str, Query(pattern=r"^([A-Za-z0-9_.~-]{1,130})?$")]


@dataclass(frozen=True, slots=True)
class Asked:
    """As it stands in the address; "": any. `first`, `last`: days of the village's calendar, both with all of it."""

    post: str = ""
    village: str = ""
    kind: str = ""
    signal: str = ""
    by: str = ""
    first: str = ""
    last: str = ""
    incident: str = ""

    def query(self, **more: object) -> str:
        """The same as an address has it."""
        names = {"post": self.post, "village": self.village, "kind": self.kind, "signal": self.signal, "by": self.by}
        names |= {"from": self.first, "to": self.last, "incident": self.incident}
        return urlencode({key: value for key, value in {**names, **more}.items() if value != ""})


def asked(
    post: Slug = "",
    village: Slug = "",
    kind: Kind = "",
    signal: Signal = "",
    by: Name = "",
    first: Annotated[Day, Query(alias="from")] = "",
    last: Annotated[Day, Query(alias="to")] = "",
    incident: Case = "",
) -> Asked:
    """From a form's fields, of which most are empty. `by`: a part of a name or of a button's place, as it stands in the book."""
    return Asked(post, village, kind, signal, by.strip(), first or "", last or "", incident)


Asking = Annotated[Asked, Depends(asked)]


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in words. `incident`: to which it belongs; `outcome`, `corrected`: what that turned out to be, and how often it was
    said anew."""

    n: int
    at_ms: int
    heard_ms: int
    post: str
    post_name: str
    villages: tuple[str, ...]
    kind: str
    signal: str
    purpose: str
    source: str
    place: str
    by: str
    why: str
    clock: str
    book: str
    seq: int
    activation: str
    incident: str
    outcome: str
    corrected: int

    def cells(self) -> tuple[Cell, ...]:
        """In the order of `book_file.HEADS`."""
        return (
            Moment(self.at_ms), Moment(self.heard_ms), self.post_name, ", ".join(self.villages), self.kind, self.signal, self.purpose,
            self.source, self.place, self.by, self.why, self.clock, self.incident, self.outcome, self.corrected or None, self.seq,
            self.book, self.activation,
        )  # fmt: skip


def wanted_of(desk: Desk, connection: Transaction, asked: Asked) -> Wanted:
    """Which entries these are."""
    posts: tuple[str, ...] | None = (asked.post,) if asked.post else None
    if asked.village:
        serving = {one.id for one in desk.hub.roster().posts if asked.village in one.villages}
        posts = tuple(sorted(serving if posts is None else serving & set(posts)))
    from_ms, _ = day_of(asked.first)
    _, to_ms = day_of(asked.last)
    rung = None
    if asked.incident:
        sounded = incidents.sounded_of(connection, [asked.incident])
        acts = [act["id"] for act in desk_facts.dispatches_of(connection, [asked.incident])]
        commands = {target.jti for target in dispatches.targets_of(connection, acts)} if acts else set()
        rung = (frozenset(item.activation for item in sounded), frozenset(jti for jti in commands if jti))
    return Wanted(
        posts, (asked.kind,) if asked.kind else None, from_ms, to_ms, signal=asked.signal or None, by=asked.by or None, rung=rung
    )  # fmt: skip


def day_of(text: str | None) -> tuple[int | None, int | None]:
    """[from, to) of this day of the village's calendar; one that there is not is no filter."""
    try:
        first = date.fromisoformat(text) if text else None
    except ValueError:
        first = None
    if first is None or first == date.max:
        return None, None
    begins = [datetime(one.year, one.month, one.day, tzinfo=zone()) for one in (first, first + timedelta(days=1))]
    return unix_ms(begins[0]), unix_ms(begins[1])


def some(desk: Desk, connection: Transaction, wanted: Wanted, limit: int) -> list[Line]:
    """Newest first."""
    found = desk_facts.page_of_entries(connection, wanted, limit)
    pairs = {(row["post"], row["activation"]) for row in found if row["activation"]}
    cases = incidents.incidents_of(connection, pairs) if pairs else {}
    outcomes: dict[str, list[Any]] = {}
    for item in incidents.outcomes_of(connection, set(cases.values())) if cases else ():
        outcomes.setdefault(item.incident, []).append(item)
    roster = desk.hub.roster()
    names = {one.id: (one.name, one.villages) for one in roster.posts}
    villages = {one.id: one.name for one in roster.villages}
    lines = []
    for row in found:
        name, serves = names.get(row["post"], (row["post"], ()))
        incident = cases.get((row["post"], row["activation"] or ""), "")
        told = outcomes.get(incident, [])
        lines.append(Line(
            row["n"], row["at_ms"], row["heard_ms"], row["post"], name, tuple(villages.get(one, one) for one in serves),
            KINDS.get(row["kind"], row["kind"]), signal_vi(row["signal"]) or "", PURPOSES.get(row["purpose"] or "", ""),
            SOURCES.get(row["source"] or "", row["source"] or ""), row["place"] or "", row["by"] or "",
            reason_text(row["kind"], row["reason"], row["detail"] or {}), CLOCKS.get(row["clock"], row["clock"]), row["book"],
            row["seq"], row["activation"] or "", incident, CASES.get(told[-1].kind, told[-1].kind) if told else "",
            max(0, len(told) - 1),
        ))  # fmt: skip
    return lines


def every(desk: Desk, asked: Asked, most: int) -> Iterator[tuple[Cell, ...]]:
    """Cells of up to `most` of them, newest first, a step at a time: nothing is held while somebody's line is slow. Then, where there
    are more, a line that says so."""
    with desk.hub.ledger.read() as connection:
        wanted = wanted_of(desk, connection, asked)
    left = most
    while left > 0:
        with desk.hub.ledger.read() as connection:
            found = some(desk, connection, wanted, min(STEP, left))
        yield from (line.cells() for line in found)
        left -= len(found)
        if len(found) < STEP and left > 0:
            return
        wanted = replace(wanted, before_n=found[-1].n)
    with desk.hub.ledger.read() as connection:
        more = desk_facts.page_of_entries(connection, wanted, 1)
    if more:
        yield (f"CHƯA HẾT: chỉ có {most} mục mới nhất. Thu hẹp ngày hoặc điểm kẻng rồi tải lại để lấy phần cũ hơn.",)
