"""What became of each notice, written down, with what follows: somebody was called, nobody can be, or somebody can be again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from kengd.errors import KengdError
from kengd.hub import calling
from kengd.hub.addresses import Everybody
from kengd.hub.ledger import changes, incidents, notices, values
from kengd.hub.ledger.notices import Sent
from kengd.hub.ledger.store import TROUBLE, Ledger, Transaction, trouble_in_words
from kengd.hub.notices.words import Notice
from kengd.hub.roster import Roster

log = logging.getLogger("kengd.hub")

LONGEST_TEXT: Final = 500


class Told:
    """Safe from any thread."""

    def __init__(
        self,
        ledger: Ledger,
        everybody: Callable[[], Everybody],
        roster: Callable[[], Roster],
        wall_ms: Callable[[], int],
    ) -> None:
        self._ledger, self._everybody, self._roster, self._wall_ms = ledger, everybody, roster, wall_ms

    def write(self, notice: Notice, to: str, channel: str, ok: bool, detail: str) -> None:
        """`to`: whom it was for, by id. `channel`: as shown. `ok`: a service has taken it. `detail`: in Vietnamese, without secrets."""
        text = f"{notice.title_vi}: {notice.body_vi}"[:LONGEST_TEXT]
        sent = Sent(
            self._wall_ms(), notice.kind.value, to, channel, text, ok, detail, notice.incident, notice.turn,
            notice.errand or None,
        )  # fmt: skip
        try:
            with self._ledger.write() as connection:
                notices.keep(connection, sent)
                if ok:
                    self._reached(connection, sent)
                elif sent.incident is not None:
                    self._missed(connection, sent.incident, sent)
        except (*TROUBLE, KengdError) as wrong:
            log.error("a notice to %s (%s) is not in the ledger: %s", to, detail, trouble_in_words(wrong))

    def _reached(self, connection: Transaction, sent: Sent) -> None:
        """A person can be reached again; and where it was his turn he has been called."""
        if not self._everybody().is_person(sent.to):
            return
        kept = values.value_of(connection, calling.KEPT)
        if kept is not None and values.swap(connection, calling.KEPT, kept, None):
            changes.note(connection, "hub", nobody_reached=False)
        if sent.incident is not None and sent.turn is not None:
            same = [one for one in notices.tries(connection, sent.incident) if one.ok and one.turn == sent.turn]
            if len(same) == 1:  # this one: told in two ways a person is called once
                incidents.called(connection, sent.incident)

    def _missed(self, connection: Transaction, incident_id: str, sent: Sent) -> None:
        """Nobody has taken the alarm, and everybody on the list was tried in vain: a condition, until somebody is reached."""
        incident = incidents.find(connection, incident_id)
        if incident is None or not incident.turns or incident.acknowledged_ms is not None:
            return
        callees = self._everybody().callees(self._roster().keepers, incident.post or "", sent.at_ms)
        people = {one.id for one in callees if one.reachable}
        if sent.to not in (people or {calling.NOBODY}):
            return
        if calling.nobody_reached(notices.tries(connection, incident_id), people):
            found = calling.Unreached(sent.at_ms, incident_id, sent.detail)
            if notices.claim(connection, calling.KEPT, found.kept()):
                changes.note(connection, "hub", nobody_reached=True)
