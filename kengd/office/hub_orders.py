"""Orders of the hub, carried out: what the order desk asks for is written, acknowledged, sent again or done."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kengd.duty.words import Draft, Instant
from kengd.intercom import Decided
from kengd.journal.batch import SeenCommand
from kengd.office.desk_words import Ack, Action, Perform, Resend, SettingsDesk, Write
from kengd.office.order import OrderDesk
from kengd.office.scribe import Task
from kengd.office.seen import SeenStore
from kengd.uplink.line import Inbound
from kengd.wire.command import Circumstances
from kengd.wire.entry import Entry

if TYPE_CHECKING:
    from kengd.office.office import Office


class HubOrders:
    """The order desk and its doors. `command` runs in the line's thread, `written` in the scribe's, the rest in the loop."""

    def __init__(self, office: Office, store: SeenStore, settings_desk: SettingsDesk) -> None:
        self._office = office
        self.desk = OrderDesk(
            store=store,
            settings_desk=settings_desk,
            circumstances=self._circumstances,
            belfry_send=office.tell_belfry,
            new_id=lambda: secrets.token_hex(8),
        )

    def command(self, inbound: Inbound) -> None:
        """The hot path from the hub to the bell."""
        self._act(self.desk.heard(inbound.topic, inbound.payload, retained=inbound.retain, token=inbound.token))

    def decided(self, verdict: Decided) -> None:
        """The belfry's verdict on an order."""
        self._act(self.desk.decided(verdict))

    def written(self, command_id: str, entries: Sequence[Entry] | None) -> None:
        """A spool record about this command is on disk (None: it counts as written while the book is broken)."""
        self._act(self.desk.written(command_id, entries[0].seq if entries else None), flush=entries is None)

    def tick(self, now: Instant) -> None:
        """Once a second."""
        self._act(self.desk.tick(now))

    def close(self, now: Instant) -> None:
        """Before an orderly stop."""
        self._act(self.desk.close(now))

    def _circumstances(self) -> Circumstances:
        office = self._office
        wall_s, mono_ms = time.time(), time.monotonic_ns() // 1_000_000
        plan, nonces = office.plan, office.bulletin.nonces
        return Circumstances(plan.commune, plan.post_id, office.keys, wall_s, mono_ms, office.clock, nonces)

    def _act(self, actions: Sequence[Action], *, flush: bool = True) -> None:
        """Any thread. `flush` False: the acknowledgements are sent together when the commit is settled."""
        line = self._office.line
        for action in actions:
            match action:
                case Write(ticket, drafts, seen):
                    self._write(ticket, drafts, seen)
                case Ack(token):
                    if line is not None:
                        line.ack(token, flush=flush)
                case Resend(seq):
                    if line is not None:
                        line.resend(seq)
                case Perform(jti):
                    self._office.post(lambda jti=jti: self._act(self.desk.perform(jti)))  # type: ignore[misc]

    def _write(self, ticket: int, drafts: Sequence[Draft], seen: SeenCommand | None) -> None:
        stamped = tuple(self._office.stamp(draft) for draft in drafts)
        rows = () if seen is None else (seen,)

        def done(entries: Sequence[Entry] | None) -> None:
            self._act(self.desk.wrote(ticket, entries[0].seq if entries else None), flush=entries is None)

        self._office.scribe.put(Task(stamped, rows, done=done))
