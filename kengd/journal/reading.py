"""Reading the book, with the standard library alone: starts in milliseconds on a Pi and shares nothing with the writer but
the wire format, so that what the writer did is checked by other code. Every connection here is read-only."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from kengd.journal.batch import Head, KeptMark, SeenCommand
from kengd.journal.faults import SQLITE_FAULTS, broken, is_corrupt
from kengd.wire.entry import FIRST_PREV, Entry, Facts, entry_of, facts_hash

ENTRY_COLUMNS: Final = (
    'seq, at_ms, kind, activation, command_id, signal, purpose, source, place, "by", reason, clock, detail, hash'
)
ENDS: Final = ("finished", "cut", "failed")
_NEAR: Final = 20_000  # how far back a search without an index goes


class Anchor(NamedTuple):
    """The newest entry that was archived and deleted: the chain goes on from its hash."""

    seq: int
    hash: str


class AlarmEnd(NamedTuple):
    """When the last ACTUAL alarm ended (unix ms UTC) and how: `finished`, or the reason it was cut or failed."""

    activation: str | None
    ended_wall_ms: int
    reason: str


class BadRow(Exception):
    """The chain does not hold; `seq` is the first wrong one."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"entry {seq}: {why}")
        self.seq = seq
        self.why = why


def connect(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    """A read-only connection; text that is no UTF-8 comes back with surrogates instead of an error. Raises sqlite3.Error."""
    mode = "immutable=1" if immutable else "mode=ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=5
    )
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    connection.execute("PRAGMA cache_size=-256")
    return connection


@contextmanager
def visit(path: Path) -> Iterator[sqlite3.Connection]:
    """A look at a book, whether its daemon runs or not; creates no file beside it. Raises OSError or sqlite3.Error."""
    path.open("rb").close()  # a clear OSError when missing or forbidden
    wal, shm = (path.with_name(path.name + tail) for tail in ("-wal", "-shm"))
    with TemporaryDirectory(prefix="kengd-") as aside:
        if wal.exists() and wal.stat().st_size and not shm.exists():
            # left by a power cut or copied by hand: SQLite would have to create the index beside it
            for source in (path, wal):
                shutil.copyfile(source, Path(aside, source.name))
            path = Path(aside, path.name)
        live = path.with_name(path.name + "-wal").exists()
        connection = connect(path, immutable=not live)
        try:
            yield connection
        finally:
            connection.close()


def head_of(connection: sqlite3.Connection) -> Head:
    """The newest entry by the book's own note. Raises BadRow when there is no such note."""
    row = connection.execute("SELECT book, seq, hash FROM head WHERE id = 1").fetchone()
    if row is None or not isinstance(row[1], int) or not isinstance(row[2], bytes) or not isinstance(row[0], str):
        raise BadRow(1, "the book does not say where it ends")
    return Head(row[0], row[1], row[2].hex())


def value_of(connection: sqlite3.Connection, key: str) -> str | None:
    """A stored value, or None."""
    row = connection.execute("SELECT value FROM value WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def anchor_of(connection: sqlite3.Connection) -> Anchor:
    """Where the kept part of the chain begins; (0, 64 zeros) when nothing was archived. Raises BadRow."""
    text = value_of(connection, "_anchor")
    if text is None:
        return Anchor(0, FIRST_PREV)
    seq, _, anchor_hash = text.partition(":")
    if not seq.isdecimal() or len(anchor_hash) != 64:
        raise BadRow(1, "the anchor cannot be read")
    return Anchor(int(seq), anchor_hash)


def walk(connection: sqlite3.Connection, book: str, after: Anchor) -> Iterator[tuple[Facts, str]]:
    """Each row after `after` with its hash, once its link was proved. Raises BadRow at the first that does not hold."""
    seq, prev = after
    try:
        for row in connection.execute(f"SELECT {ENTRY_COLUMNS} FROM entry WHERE seq > ? ORDER BY seq", (seq,)):
            facts = Facts(*row[:13])
            if facts.seq != seq + 1:
                raise BadRow(seq + 1, "missing")
            try:
                own_hash = facts_hash(prev, book, facts)
            except (ValueError, TypeError) as unsayable:
                raise BadRow(facts.seq, "holds what no entry can hold") from unsayable
            if not isinstance(row[13], bytes) or row[13].hex() != own_hash:
                raise BadRow(facts.seq, "its hash does not fit")
            yield facts, own_hash
            seq, prev = facts.seq, own_hash
    except SQLITE_FAULTS as error:
        if not is_corrupt(error):
            raise
        raise BadRow(seq + 1, str(error)) from error


def entries_after(connection: sqlite3.Connection, after_seq: int, limit: int) -> list[Entry]:
    """Up to `limit` entries with seq > `after_seq`, oldest first. Raises BadRow."""
    anchor = anchor_of(connection)
    first = max(after_seq, anchor.seq) + 1
    before = connection.execute("SELECT hash FROM entry WHERE seq = ?", (first - 1,)).fetchone()
    rows = connection.execute(
        f"SELECT {ENTRY_COLUMNS} FROM entry WHERE seq >= ? ORDER BY seq LIMIT ?", (first, limit)
    ).fetchall()
    book = head_of(connection).book
    found: list[Entry] = []
    try:
        prev = before[0].hex() if before else anchor.hash
        for row in rows:
            found.append(entry_of(Facts(*row[:13]), book, prev, row[13].hex()))
            prev = found[-1].hash
    except (ValueError, TypeError, AttributeError) as unsayable:
        raise BadRow(first + len(found), "holds what no entry can hold") from unsayable
    return found


class Reader:
    """One read connection, usable from any thread; each call sees one moment of the book. Raises BookBroken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.found_damage = False
        try:
            self._connection = connect(path)
        except SQLITE_FAULTS as error:
            raise broken(error, path.parent) from error

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def moment(self) -> Iterator[sqlite3.Connection]:
        """The connection inside one read transaction."""
        with self._lock:
            try:
                self._connection.execute("BEGIN")
                try:
                    yield self._connection
                finally:
                    self._connection.execute("ROLLBACK")
            except (*SQLITE_FAULTS, BadRow) as error:
                self.found_damage |= isinstance(error, BadRow) or is_corrupt(error)
                raise broken(error, self._path.parent) from error

    def entries(self, after_seq: int, limit: int) -> list[Entry]:
        """Up to `limit` entries with seq > `after_seq`, oldest first (archived ones are left out)."""
        with self.moment() as connection:
            return entries_after(connection, after_seq, limit)

    def tail(self, n: int) -> list[Entry]:
        """The newest `n`, oldest first."""
        with self.moment() as connection:
            return entries_after(connection, head_of(connection).seq - n, n)

    def believed_ms(self) -> int:
        """What the clock said (unix ms) in the newest entry that was written under a believed one; 0 = there is none."""
        with self.moment() as connection:
            row = connection.execute(
                "SELECT at_ms FROM entry WHERE clock <> 'untrusted' ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        return 0 if row is None else int(row[0])

    def first_reply(self, command_id: str) -> Entry | None:
        """The first entry that answered this command: sent again when the command is repeated."""
        with self.moment() as connection:
            row = connection.execute("SELECT first_reply FROM seen WHERE jti = ?", (command_id,)).fetchone()
            if row is None or row[0] is None:
                row = connection.execute(
                    "SELECT min(seq) FROM entry WHERE seq > ? AND command_id = ?",
                    (head_of(connection).seq - _NEAR, command_id),
                ).fetchone()
            if row is None or row[0] is None:
                return None
            found = entries_after(connection, row[0] - 1, 1)
            return found[0] if found and found[0].seq == row[0] else None

    def seen(self) -> list[SeenCommand]:
        """All commands that are still remembered."""
        with self.moment() as connection:
            return [
                SeenCommand(jti, sha256, until_s, repeats, first_reply)
                for jti, sha256, until_s, repeats, first_reply in connection.execute(
                    "SELECT jti, sha256, until_s, repeats, first_reply FROM seen ORDER BY jti"
                )
            ]

    def ledger(self, since_date: str = "") -> list[KeptMark]:
        """Timetable marks of local dates ≥ `since_date` ("YYYY-MM-DD"), by date and line."""
        with self.moment() as connection:
            return [
                KeptMark(*row)
                for row in connection.execute(
                    "SELECT line, date, state, key FROM ledger WHERE date >= ? ORDER BY date, line", (since_date,)
                )
            ]

    def value(self, key: str) -> str | None:
        """A stored value, or None."""
        with self.moment() as connection:
            return value_of(connection, key)

    def values(self, prefix: str = "") -> dict[str, str]:
        """All values whose key begins with `prefix`; the book's own ("_…") only when asked for."""
        with self.moment() as connection:
            rows: list[tuple[str, str]] = connection.execute("SELECT key, value FROM value ORDER BY key").fetchall()
        return {key: text for key, text in rows if key.startswith(prefix) and (prefix or not key.startswith("_"))}

    def last_alarm_end(self, alarm_signals: Collection[str] = ("alarm",)) -> AlarmEnd | None:
        """The newest end of an ACTUAL sounding of one of these signals, as far back as 20,000 entries."""
        marks = ",".join("?" * len(alarm_signals))
        with self.moment() as connection:
            floor = head_of(connection).seq - _NEAR
            row = connection.execute(
                f"SELECT activation, at_ms, kind, reason FROM entry WHERE seq > ? AND kind IN {ENDS} AND activation IN"
                " (SELECT activation FROM entry WHERE seq > ? AND kind = 'ringing' AND purpose = 'actual'"
                f" AND signal IN ({marks})) ORDER BY seq DESC LIMIT 1",
                (floor, floor, *alarm_signals),
            ).fetchone()
        return None if row is None else AlarmEnd(row[0], row[1], row[3] or row[2])
