"""One thread that looks about once a second at what has happened and tells people. Nothing ever waits for it (R46, R54)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from kengd.errors import KengdError
from kengd.hub import absences, calling, silent_test, tidings
from kengd.hub.absences import LOST, SICK, Line
from kengd.hub.addresses import Addresses, Everybody
from kengd.hub.alarms_lately import Alarm, alarms_lately
from kengd.hub.authority.own import Expiry
from kengd.hub.bulletins import Bulletins
from kengd.hub.confirmations import forget_confirmations
from kengd.hub.dispatcher import Mouth
from kengd.hub.errands import Errands, Left
from kengd.hub.home import Home
from kengd.hub.ledger import incidents, notices, people, unread, values
from kengd.hub.ledger.notices import TOLD, MissedRing
from kengd.hub.ledger.store import TROUBLE, Ledger, is_away, trouble_in_words
from kengd.hub.notices import wording
from kengd.hub.notices.sending import Deliver, Sender
from kengd.hub.notices.sms import Modem
from kengd.hub.notices.telling import Telling, deliverers
from kengd.hub.notices.words import Channel, ChannelKind, Notice, Recipient
from kengd.hub.roster import Roster, Seen
from kengd.hub.settings import HubSettings
from kengd.hub.tidings import Group, Tiding
from kengd.hub.told import Told

log = logging.getLogger("kengd.hub")

TURN_S: Final = 1.0
PACE_S: Final = 1.0
HOUR_MS: Final = 3_600_000
LAST_RINGS_MS: Final = 30 * 24 * HOUR_MS
TOO_OLD_MS: Final = 12 * HOUR_MS
"""What another worker claimed longer ago, and nobody was here to tell, is no news any more."""


class Herald:
    """`start`, then `stop`; `hurry` from any thread when there may be news. `mouth`: for Home Assistant. `deliver`: how each kind of
    channel is served. `others`: our line is down while another worker's is up, so that posts are judged by that one alone. What is
    to be told is told by whichever worker claims it in the ledger, and by another where that one dies of it (`errands.py`)."""

    def __init__(
        self,
        settings: HubSettings,
        ledger: Ledger,
        roster: Callable[[], Roster],
        seen: Callable[[], Mapping[str, Seen]],
        expiring: Callable[[int], Sequence[Expiry]],
        wall_ms: Callable[[], int],
        *,
        mouth: Mouth | None = None,
        others: Callable[[], bool] = lambda: False,
        deliver: Mapping[ChannelKind, Deliver] | None = None,
    ) -> None:
        self._ledger, self._roster, self._seen, self._wall_ms = ledger, roster, seen, wall_ms
        self._expiring, self._call_after_s = expiring, settings.duty.call_after_s
        self._others, self._police = others, settings.cap.contact
        self._addresses, self._everybody = Addresses(settings), Everybody()
        self._bulletins = Bulletins(settings)
        home = settings.homeassistant
        self._home = Home(settings.commune.id, home.prefix, mouth, self._rings) if mouth and home.enabled else None
        self._told = Told(ledger, lambda: self._everybody, roster, wall_ms)
        modem = Modem(settings.sms.modem) if settings.sms is not None else None
        self._sender = Sender(deliver or deliverers(modem), self._result, wall_ms=wall_ms)
        self._errands = Errands(ledger, wall_ms, alone=not settings.broker.shared)
        count: dict[str, Any] = {"hold": self._errands.hold, "drop": self._errands.drop}
        self._tellings: dict[Group, Telling] = {
            "officers": Telling(self._sender, lambda: self._everybody.officers, **count),
            "keepers": Telling(self._sender, lambda: self._everybody.keepers, **count),
            "hooks": Telling(self._sender, lambda: self._everybody.hooks, **count),
        }
        self._line = Line(False, wall_ms())
        self._missed_n = self._hourly_ms = 0
        self._failing = False
        self._wake, self._ended = threading.Event(), threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="herald", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._sender.start()
        self._thread.start()

    def line(self, up: bool) -> None:
        """Our own line to the broker has come or gone."""
        if up != self._line.up:
            self._line = Line(up, self._wall_ms())
            if self._home is not None:
                self._home.anew()

    def hurry(self) -> None:
        """Something has happened."""
        self._wake.set()

    def stop(self) -> None:
        """End after this turn; what has not gone out is left to another worker, or to the next start."""
        self._stopping = True
        self._ended.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(5.0)
        for telling in self._tellings.values():
            telling.stop()
        try:
            self._errands.turn(self._wall_ms())
            self._errands.leave()
        except TROUBLE as wrong:  # then they are free in a minute
            log.error("notices that have not gone out are still ours: %s", trouble_in_words(wrong))

    def trial(self, person_id: str, by: str) -> int:
        """Tell this officer, by every way there is, that it is a trial; how many messages are on their way."""
        now_ms = self._wall_ms()
        with self._ledger.read() as connection:
            everybody = self._addresses.everybody(people.officers(connection), self._roster(), now_ms)
        person = everybody.one(person_id)
        return 0 if person is None else self._sender.post(wording.trial(at_ms=now_ms, by=by), (person,))

    def waiting(self) -> int:
        """Messages on their way."""
        return self._sender.waiting()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                self.turn()
                self._failing = False
            except Exception:  # said once: a ledger that is away comes back, and then everything is told
                if not self._failing:
                    log.exception("people cannot be told")
                self._failing = True
            # A thousand posts that begin to ring hurry it a thousand times: the first is told at once, the rest together.
            self._ended.wait(PACE_S)
            self._wake.wait(TURN_S)

    def turn(self) -> None:
        """Look once: what is new is claimed in the ledger, then told."""
        now_ms, roster, seen = self._wall_ms(), self._roster(), self._seen()
        curfew = [] if self._others() else tidings.of_curfew(roster, seen, now_ms)
        with self._ledger.read() as connection:
            self._everybody = self._addresses.everybody(people.officers(connection), roster, now_ms)
            alarms = alarms_lately(connection, now_ms)
            found = [tiding for alarm in alarms for tiding in self._of_alarm(alarm, roster, now_ms)]
            missed, newest_n = notices.missed_rings(connection, self._missed_n, now_ms - 2 * tidings.STALE_MS)
            found += [told for one in missed if (told := _of_missed(one, roster, seen, now_ms)) is not None]
            found += [*curfew, *tidings.of_silent_test(silent_test.results(connection), roster, now_ms)]
            found += calling.of_morning(calling.unreached(values.value_of(connection, calling.KEPT)), now_ms)
            if self._hour(now_ms):
                found += self._of_certificates(roster, now_ms)
            lost, sick = values.under(connection, LOST), values.under(connection, SICK)
            known = notices.told(connection, [one.key.removeprefix(TOLD) for one in found])
        found = tidings.not_told(found, known)
        if not self._others():
            found += absences.of_presence(roster, seen, self._line, lost, now_ms)
            found += absences.of_conditions(roster, seen, self._line, sick, now_ms)
        for tiding in self._claimed(found, now_ms):
            self._try(tiding, self._tell, tiding)
        for left in self._errands.left(now_ms):
            self._try(left.tiding, self._tell_on, left, now_ms)
        self._missed_n = newest_n
        for telling in self._tellings.values():
            telling.tick()
        self._errands.turn(now_ms)
        self._bulletins.look(alarms, roster)
        if self._home is not None:
            self._home.turn(roster, seen, now_ms)

    def _of_alarm(self, alarm: Alarm, roster: Roster, now_ms: int) -> list[Tiding]:
        incident, sounded, order = alarm
        said = tidings.of_incident(incident, sounded, roster, now_ms, order)
        callees = self._everybody.callees(roster.keepers, incident.post or "", now_ms)
        return said + calling.of_turn(
            incident, sounded, roster, callees, self._call_after_s, now_ms, phone=self._police
        )

    def _of_certificates(self, roster: Roster, now_ms: int) -> list[Tiding]:
        try:
            return tidings.of_certificates(self._expiring(now_ms), roster, now_ms)
        except KengdError as wrong:
            log.error("certificates cannot be looked at: %s", wrong)
            return []

    def _claimed(self, found: Sequence[Tiding], now_ms: int) -> list[Tiding]:
        """Those that are ours to tell."""
        if not found:
            return []
        first: dict[str, Tiding] = {}
        for tiding in found:
            first.setdefault(tiding.key, tiding)
        ours = self._ours([first[key] for key in sorted(first)], now_ms)
        return [self._errands.taken(tiding, now_ms) for key, tiding in first.items() if key in ours]

    def _ours(self, wanted: Sequence[Tiding], now_ms: int) -> set[str]:
        """Claimed together; and where that cannot be done each by itself, so that one post cannot keep all others' from people."""
        new = {tiding.key: tiding.value for tiding in wanted if tiding.value is not None}
        try:
            with self._ledger.write() as connection:
                ours = notices.claim_all(connection, new)
                ours |= {one.key for one in wanted if one.value is None and notices.release(connection, one.key)}
                self._errands.begin(connection, [tiding for tiding in wanted if tiding.key in ours], now_ms)
                return ours
        except Exception as wrong:
            if is_away(wrong):
                raise
            if len(wanted) == 1:
                log.error("%.120r cannot be claimed: %s", wanted[0].key, trouble_in_words(wrong))
                return set()
        return set().union(*(self._ours([tiding], now_ms) for tiding in wanted))

    def _try(self, tiding: Tiding, tell: Callable[..., None], *what: object) -> None:
        """One that cannot be told keeps none of the others."""
        try:
            tell(*what)
        except Exception:
            log.exception("%.120r cannot be told", tiding.key)
            if tiding.notice is not None:
                self._errands.abandon(tiding.notice.errand)

    def _tell(self, tiding: Tiding, left: Left | None = None) -> None:
        """`left`: another worker has begun it, so that some may have been told already."""
        notice = tiding.notice
        if notice is None:
            return
        but_known = (lambda person: person) if left is None else left.but_known
        if tiding.to is not None:
            self._tell_one(notice, tiding.to, but_known)
        else:
            for group in tiding.groups:
                self._tellings[group].tell(notice, but_known)
        self._errands.drop(notice.errand)

    def _tell_one(self, notice: Notice, person_id: str, but_known: Callable[[Recipient], Recipient]) -> None:
        """Somebody whose turn it is. Who cannot be told has not been, and that is written down."""
        person = self._everybody.one(person_id)
        if person is not None and person.channels:
            person = but_known(person)
            self._errands.hold(notice.errand, len(person.channels))
            self._sender.post(notice, (person,))
            return
        why = calling.NOBODY_VI if person_id == calling.NOBODY else calling.NO_WAY_VI
        self._told.write(notice, person_id, "", False, why)

    def _tell_on(self, left: Left, now_ms: int) -> None:
        """What a worker has left that is no more: unless it is no news by now, or nobody needs to be called any more."""
        notice = left.tiding.notice
        if notice is None:
            return
        over = now_ms - left.made_ms > TOO_OLD_MS
        if notice.turn is not None and notice.incident is not None:
            with self._ledger.read() as connection:
                incident = incidents.find(connection, notice.incident)
            over |= incident is None or incident.acknowledged_ms is not None or incident.closed_ms is not None
        if over:
            log.warning("%s was not told in time and is told no more", left.tiding.key)
            self._errands.drop(notice.errand)
        else:
            self._tell(left.tiding, left)

    def _hour(self, now_ms: int) -> bool:
        """Once an hour there is time for what is slow to change."""
        if now_ms < self._hourly_ms <= now_ms + HOUR_MS:
            return False
        self._hourly_ms = now_ms + HOUR_MS
        with self._ledger.write() as connection:
            notices.forget_told(connection, tidings.forgotten_before_ms(now_ms))
            forget_confirmations(connection, now_ms)
            unread.forget(connection, now_ms - unread.KEPT_MS)
        return True

    def _rings(self) -> Mapping[str, int]:
        with self._ledger.read() as connection:
            return notices.last_rings(connection, self._wall_ms() - LAST_RINGS_MS)

    def _result(self, notice: Notice, recipient: Recipient, channel: Channel, ok: bool, detail: str) -> None:
        """From the sender's own thread: what became of a notice. What we could not send because we end is left to others."""
        if ok or not self._stopping:
            self._told.write(notice, recipient.id, channel.shown, ok, detail)
            self._errands.drop(notice.errand)


def _of_missed(missed: MissedRing, roster: Roster, seen: Mapping[str, Seen], now_ms: int) -> Tiding | None:
    here = seen.get(missed.post, Seen())
    return tidings.of_missed(missed, roster, now_ms, here.ahead_ms if here.live and not here.odd else None)
