"""Other processes of the same commune: what they change in the ledger, and whether their lines to the broker are up.

The shell beside a hub on SQLite and a worker on another machine with PostgreSQL are the same to it: new rows are looked for by
number four times a second, which costs one query that finds nothing. PostgreSQL could call (NOTIFY), but SQLite cannot, and then
there would be two ways to be wrong.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from kengd.hub.ledger import changes, values
from kengd.hub.ledger.changes import Change, Noted
from kengd.hub.ledger.store import TROUBLE, Ledger, trouble_in_words

log = logging.getLogger("kengd.hub")

LOOK_S: Final = 0.25
HOLE_S: Final = 5.0
"""A number that is missing belongs to a transaction that is not ended yet, or was rolled back: waited for so long."""
BEAT_MS: Final = 3_000
ALIVE_MS: Final = 10_000
FORGET_EVERY_MS: Final = 60_000
BEAT: Final = "worker:"
"""Key in the ledger's values, with the worker's name behind it: when it last turned, and whether its line is up."""


class Fellows:
    """One thread. `heard(noted)`: changes of others, in about their order; `lost()`: some were missed, look at everything anew.

    `name`: ours at the broker, where there are several workers; None: we are alone, and only the shell writes besides us. `up`:
    whether our own line is.
    """

    def __init__(
        self,
        ledger: Ledger,
        name: str | None,
        up: Callable[[], bool],
        heard: Callable[[Sequence[Noted]], None],
        lost: Callable[[], None],
        wall_ms: Callable[[], int],
    ) -> None:
        self._ledger, self._name, self._up = ledger, name, up
        self._heard, self._lost, self._wall_ms = heard, lost, wall_ms
        self._read: int | None = None
        self._beyond: set[int] = set()
        self._hole_s: float | None = None
        self._beat_ms = self._forget_ms = 0
        self._beaten: bool | None = None
        self._others: dict[str, tuple[bool, int]] = {}
        self._failing = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fellows", daemon=True)

    def start(self) -> None:
        """Begin to look: at what changes from now on."""
        with suppress(*TROUBLE):
            self.turn()
        self._thread.start()

    def stop(self) -> None:
        """End; the others see at once that we are gone."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(5.0)
        if self._name is not None:
            try:
                with self._ledger.write() as connection:
                    values.put_value(connection, BEAT + self._name, None)
            except TROUBLE as wrong:
                log.warning("nobody is told that we end: %s", trouble_in_words(wrong))

    def another_is_up(self) -> bool:
        """Another worker turned lately and has its line to the broker."""
        now_ms = self._wall_ms()
        return any(up and abs(now_ms - at_ms) < ALIVE_MS for up, at_ms in list(self._others.values()))

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            try:
                self.turn()
                self._failing = False
            except Exception:  # said once: a ledger that is away comes back, and then all of it is read
                if not self._failing:
                    log.exception("what others have changed cannot be read")
                self._failing = True

    def turn(self) -> None:
        """Look once."""
        with self._ledger.read() as connection:
            if self._read is None:
                self._read = changes.newest(connection)
            found = changes.after(connection, self._read)
            gone = bool(found) and 0 < self._read < found[0].n - 1 and changes.oldest(connection)[0] == found[0].n
        if gone:  # what we have read is there no more: we slept, or the ledger was away, for longer than they are kept
            self._read, self._hole_s = found[0].n - 1, None
            self._beyond.clear()
            self._lost()
        self._take(found)
        self._beat()
        self._forget()

    def _take(self, found: Sequence[Change]) -> None:
        new = [change for change in found if change.n not in self._beyond]
        self._beyond.update(change.n for change in new)
        self._advance()
        noted = [each for change in new if change.by != self._ledger.name for each in change.noted]
        if noted:
            self._heard(noted)

    def _advance(self) -> None:
        """Up to the first number that is missing, and past it when it has been waited for."""
        assert self._read is not None
        if self._hole_s is not None and time.monotonic() - self._hole_s > HOLE_S and self._beyond:
            self._read, self._hole_s = min(self._beyond) - 1, None
        before = self._read
        while self._read + 1 in self._beyond:
            self._read += 1
            self._beyond.remove(self._read)
        if not self._beyond:
            self._hole_s = None
        elif self._hole_s is None or self._read != before:
            self._hole_s = time.monotonic()

    def _beat(self) -> None:
        """Every few seconds, and at once when our line comes or goes."""
        if self._name is None:
            return
        now_ms, up = self._wall_ms(), self._up()
        if self._beaten == up and now_ms < self._beat_ms <= now_ms + BEAT_MS:
            return
        with self._ledger.write() as connection:
            values.put_value(connection, BEAT + self._name, json.dumps({"up": up, "at_ms": now_ms}))
            beats = values.under(connection, BEAT)
        others = {name.removeprefix(BEAT): json.loads(said) for name, said in beats.items()}
        others.pop(self._name, None)
        self._others = {name: (bool(said["up"]), int(said["at_ms"])) for name, said in others.items()}
        self._beaten, self._beat_ms = up, now_ms + BEAT_MS

    def _forget(self) -> None:
        """What everybody has read; only where there is some, a card is not written for nothing."""
        now_ms = self._wall_ms()
        if now_ms < self._forget_ms <= now_ms + FORGET_EVERY_MS:
            return
        self._forget_ms = now_ms + FORGET_EVERY_MS
        with self._ledger.read() as connection:
            n, at_ms = changes.oldest(connection)
            some = changes.is_old(at_ms, now_ms) and n < changes.newest(connection)
        if some:
            with self._ledger.write() as connection:
                changes.forget(connection, now_ms)
