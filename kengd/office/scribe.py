"""The scribe: the one writer of the duty book, in a thread of its own. Everything that waits is written in one commit.

A book that cannot be written stops nobody (P3, R40, R41): records stay with the belfry's spool and here, count as
written for the line, and are written when the disk is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kengd.duty.ledger import LedgerMark
from kengd.duty.words import Stamped
from kengd.journal.batch import Batch, SeenCommand
from kengd.journal.faults import BookBroken
from kengd.wire.entry import Entry

log = logging.getLogger("kengd.scribe")
MOST_AT_ONCE = 500
RETRY_S = 5.0
MOST_KEPT = 10_000
"""While the book is broken; the belfry's spool holds as many, so nothing of an activation is lost here first."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something for the book. `done(entries)` is called when it is on disk, `done(None)` when it only counts as written."""

    drafts: tuple[Stamped, ...] = ()
    seen: tuple[SeenCommand, ...] = ()
    ledger: tuple[LedgerMark, ...] = ()
    values: tuple[tuple[str, str | None], ...] = ()
    done: Callable[[Sequence[Entry] | None], None] | None = field(default=None, compare=False)


class Pages(Protocol):
    """What is written in: the book."""

    def write(self, batch: Batch) -> list[Entry]: ...


class Scribe:
    """`put` from any thread. `wrote(entries)` is called after each commit, before the tasks' own `done`."""

    def __init__(
        self,
        book: Pages,
        *,
        wrote: Callable[[list[Entry]], None],
        settled: Callable[[], None],
        ailing: Callable[[BookBroken | None], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._wrote = wrote
        self._settled = settled
        self._ailing = ailing
        self._monotonic = monotonic
        self._tasks: deque[Task] = deque()
        self._kept: deque[Task] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._sick = False
        self._retry_s = 0.0
        self._thread = threading.Thread(target=self._run, name="scribe", daemon=True)

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """False when the thread died."""
        return self._thread.is_alive()

    def put(self, *tasks: Task) -> None:
        """Write these, in the order of the calls; tasks of one call go into one commit."""
        with self._wake:
            self._tasks.extend(tasks)
            self._wake.notify()

    def close(self, patience_s: float) -> None:
        """Write what is there and end."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(patience_s)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._tasks and not self._closing and not self._retry_due():
                    self._wake.wait(1.0 if self._kept else None)
                tasks = [self._tasks.popleft() for _ in range(min(len(self._tasks), MOST_AT_ONCE))]
                if not tasks and self._closing:
                    break
            try:
                self._write(tasks)
            except Exception:
                log.exception("the scribe stumbled")
        if self._kept:
            self._write([])

    def _retry_due(self) -> bool:
        return bool(self._kept) and self._monotonic() >= self._retry_s

    def _write(self, tasks: list[Task]) -> None:
        if self._sick and not self._retry_due():
            self._keep(tasks)
            return
        together = [*self._kept, *tasks]
        try:
            written = self._commit(together)
        except BookBroken as broken:
            self._retry_s = self._monotonic() + RETRY_S
            self._sick = True
            self._ailing(broken)
            self._keep(tasks)
            return
        fresh = list(self._kept)
        told = {id(task) for task in fresh}
        self._kept.clear()
        if self._sick:
            self._sick = False
            self._ailing(None)
        self._wrote(written)
        for task, entries in _shared_out([*fresh, *tasks], written):
            if id(task) not in told:
                self._tell(task, entries)
        if fresh:
            log.info("the book is back: %d waiting tasks written", len(fresh))
        self._settled()

    def _commit(self, tasks: list[Task]) -> list[Entry]:
        values: dict[str, str | None] = {}
        for task in tasks:
            values.update(task.values)
        return self._book.write(
            Batch(
                drafts=[draft for task in tasks for draft in task.drafts],
                seen=[seen for task in tasks for seen in task.seen],
                ledger=[mark for task in tasks for mark in task.ledger],
                values=values,
            )
        )

    def _keep(self, tasks: list[Task]) -> None:
        """Not on disk, but nobody waits for it: the line is answered, the bell rings on."""
        for task in tasks:
            self._kept.append(task)
            self._tell(task, None)
        while len(self._kept) > MOST_KEPT:
            self._kept.popleft()

    @staticmethod
    def _tell(task: Task, entries: Sequence[Entry] | None) -> None:
        if task.done is not None:
            task.done(entries)


def _shared_out(tasks: list[Task], written: list[Entry]) -> list[tuple[Task, list[Entry]]]:
    """Which entries are whose: they come in the order of the drafts, those already in the book are left out."""
    rest = deque(written)
    shares = []
    for task in tasks:
        own: list[Entry] = []
        for stamped in task.drafts:
            draft = stamped.draft
            first = rest[0] if rest else None
            if first is not None and (first.kind, first.command_id, first.activation, first.reason) == (
                draft.kind.value,
                draft.command_id,
                draft.activation,
                draft.reason,
            ):
                own.append(rest.popleft())
        shares.append((task, own))
    return shares
