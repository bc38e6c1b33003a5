"""Taking up the book at start: a whole one goes on, a broken one is set aside (kept) and a new one begun (R40, R52)."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kengd.duty.words import Draft, EntryKind, Stamped
from kengd.journal import schema
from kengd.journal.archive import sync_folder
from kengd.journal.batch import Head, KeptMark, SeenCommand
from kengd.journal.faults import Malformed
from kengd.journal.pen import Pen
from kengd.journal.reading import (
    ENDS,
    Anchor,
    BadRow,
    anchor_of,
    connect,
    entries_after,
    head_of,
    value_of,
    visit,
    walk,
)
from kengd.journal.stamping import stamp
from kengd.wire.entry import FIRST_PREV, Entry


@dataclass(slots=True)
class Known:
    """What the writer keeps in memory about the book: all of it is in the file as well."""

    head: Head
    boot: str = ""
    marks: dict[str, int] = field(default_factory=dict)
    ringing: dict[tuple[str, str], Entry] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    proved_seq: int = 0

    def learn(self, entry: Entry) -> None:
        """Keep the causes that have begun to ring and not ended; joined ones end one by one (P13)."""
        if entry.activation is None:
            return
        cause = (entry.activation, str((entry.detail or {}).get("cause", entry.activation)))
        if entry.kind == "ringing":
            self.ringing.setdefault(cause, entry)
        elif entry.kind in ENDS:
            self.ringing.pop(cause, None)


def take_up(pen: Pen, post: str) -> Known | None:
    """What the book holds, proved: pages by SQLite, the chain since the last proved entry by its hashes. None = empty file.

    Raises Malformed when it must be set aside; BookBroken's causes (DBAPIError, sqlite3.Error) pass through.
    """
    with pen.connection.begin():
        version = schema.version_of(pen.connection)
        if version == 0:
            return None
        found = pen.connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise Malformed(str(found))
        if version < schema.NEWEST:
            schema.migrate(pen.connection, version)
        schema.check_shape(pen.connection)
        owner = pen.connection.exec_driver_sql("SELECT post FROM head WHERE id = 1").scalar()
        if owner is not None and owner != post:
            raise OtherPost(f"the book of {owner}")
    return _recall(pen.path)


class OtherPost(Malformed):
    """A whole book, but of another post: the card was moved."""


def _recall(path: Path) -> Known:
    reader = connect(path)
    try:
        reader.execute("BEGIN")
        known = Known(head_of(reader))
        known.boot, spool_n = reader.execute("SELECT boot, spool_n FROM head WHERE id = 1").fetchone()
        known.marks = dict(reader.execute("SELECT boot, n FROM spool").fetchall())
        if known.boot:
            known.marks[known.boot] = spool_n
        known.unanswered = {jti for (jti,) in reader.execute("SELECT jti FROM seen WHERE first_reply IS NULL")}
        start, open_seqs = _proved_so_far(value_of(reader, "_proved")) or (anchor_of(reader), [])
        for seq in open_seqs:
            for entry in entries_after(reader, seq - 1, 1):
                known.learn(entry)
        end = start
        for facts, own_hash in walk(reader, known.head.book, start):
            end = Anchor(facts.seq, own_hash)
            if facts.kind == "ringing" or facts.kind in ENDS:
                for entry in entries_after(reader, facts.seq - 1, 1):
                    known.learn(entry)
        if end != (known.head.seq, known.head.hash):
            raise BadRow(min(end.seq, known.head.seq) + 1, "the end is missing")
        known.proved_seq = start.seq
        return known
    except (BadRow, ValueError, TypeError) as bad:
        raise Malformed(str(bad)) from bad
    finally:
        reader.close()


def proved_note(known: Known) -> str:
    """The note that lets the next start check only what came after (and still know what was sounding)."""
    return f"{known.head.seq}:{known.head.hash}:{','.join(str(entry.seq) for entry in known.ringing.values())}"


def _proved_so_far(note: str | None) -> tuple[Anchor, list[int]] | None:
    if note is None:
        return None
    seq, own_hash, still_open = note.split(":")
    return Anchor(int(seq), own_hash), [int(part) for part in still_open.split(",") if part]


def begin_book(pen: Pen, post: str, first: Stamped, aside: Path | None) -> Known:
    """A new book whose first entry is `first`; what a broken one remembered of commands and the timetable goes over."""
    head = Head(os.urandom(8).hex(), 0, FIRST_PREV)
    facts, entry = stamp(first, 1, head.hash, head.book)
    known = Known(Head(head.book, 1, entry.hash), boot=first.boot, marks={first.boot: 0})
    seen, ledger, values = ([], [], {}) if aside is None else _salvage(aside)
    with pen.connection.begin():
        schema.create(pen.connection)
        pen.add([(facts, entry.hash)])
        pen.put_head(post, known.head, first.boot, 0)
        pen.put_seen(seen)
        pen.put_ledger(ledger)
        pen.put_values(values)
    known.unanswered = {command.jti for command in seen}
    sync_folder(pen.path.parent)
    return known


def _salvage(aside: Path) -> tuple[list[SeenCommand], list[KeptMark], dict[str, str | None]]:
    """What can still be read of a broken book: without it a command or a 22:00 ring could be rung twice (P5, P6)."""
    seen: list[SeenCommand] = []
    ledger: list[KeptMark] = []
    values: dict[str, str | None] = {}

    def rows(query: str, *kinds: type) -> list[tuple[Any, ...]]:
        with visit(aside) as connection:
            return [row for row in connection.execute(query) if all(map(isinstance, row, kinds)) and _sayable(row)]

    with suppress(Exception):  # whatever the damage is, the new book must begin
        seen += [SeenCommand(*row) for row in rows("SELECT jti, sha256, until_s FROM seen", str, bytes, int)]
    with suppress(Exception):
        ledger += [KeptMark(*row) for row in rows("SELECT line, date, state FROM ledger", str, str, str)]
    with suppress(Exception):
        values |= {key: text for key, text in rows("SELECT key, value FROM value", str, str) if key[:1] != "_"}
    return seen, ledger, values


def _sayable(row: tuple[Any, ...]) -> bool:
    return all(not isinstance(part, str) or part.encode("utf-8", "ignore").decode() == part for part in row)


def first_entry(reason: str, boot: str, mono_ms: int, wall_ms: int, clock: Any, aside: Path | None) -> Stamped:
    """The `started` entry a new book begins with."""
    detail: dict[str, object] | None = None if aside is None else {"set_aside": aside.name}
    return Stamped(0, boot, mono_ms, wall_ms, clock, Draft(EntryKind.STARTED, reason=reason, detail=detail))
