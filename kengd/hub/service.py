"""The hub put together: line, ledger, watch, dispatcher, and the clockwork that follows everything to its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kengd import clock, service
from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin
from kengd.bellcode.signal import Kind
from kengd.hub.acts import Acts
from kengd.hub.authority.authority import Authority
from kengd.hub.clearings import Clearings
from kengd.hub.clockwork import Clockwork
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import STOPPED
from kengd.hub.echo import Echo
from kengd.hub.feed import Feed
from kengd.hub.fellows import Fellows
from kengd.hub.following import RECENT_MS, Following, cause_of
from kengd.hub.founding import write_broker
from kengd.hub.herald import Herald
from kengd.hub.incidents import Incident
from kengd.hub.ingest import Ingest, Stored
from kengd.hub.ledger import incidents, values
from kengd.hub.ledger.changes import Noted
from kengd.hub.ledger.rosters import read_roster
from kengd.hub.ledger.store import TROUBLE, Ledger
from kengd.hub.roster import Roster, Seen
from kengd.hub.settings import HubSettings
from kengd.hub.silent_test import SilentTest
from kengd.hub.watch import Watch
from kengd.uplink.line import HubLineSettings, Inbound
from kengd.uplink.session import Session
from kengd.wire.topics import echo_topic, parse_topic

log = logging.getLogger("kengd.hub")

ALARMS: Final = frozenset(
    signal.id for name in BUILTIN_NAMES for signal in builtin(name).signals.values() if signal.kind is Kind.ALARM
)
"""Signals that are alarms in any shipped codebook; a village's own bear one of these names."""
RENEW_EVERY_MS: Final = 6 * 3_600_000
HANGS_AFTER_S: Final = 60.0
ROSTER_FOR_MS: Final = 10_000
"""Another worker or the shell may have changed it; what this one changes it knows at once."""
KEY_FOR_MS: Final = 2_000


def wall_ms() -> int:
    """Unix ms by the hub's clock."""
    return clock.now().wall_ms


class Hub:
    """One worker. `start`, then `stop`; everything between is safe from any thread."""

    def __init__(self, settings: HubSettings, *, session: Callable[..., Session] = Session) -> None:
        """Open ledger and authority. Raises KengdError where either cannot be had. `session`: what makes the line."""
        self.settings = settings
        self.authority = Authority.open(settings.authority)
        shared = settings.broker.shared
        self.feed = Feed()
        self.ledger = Ledger(settings.database_url, tells=shared, on_noted=self._noted)
        self.watch = Watch(self._post_changed)
        self.trouble: str | None = None
        self._roster: tuple[int, Roster] = (0, Roster())
        self._ids: tuple[Roster | None, frozenset[str]] = (None, frozenset())
        self._signing: tuple[int, tuple[str, Ed25519PrivateKey]] | None = None
        self._lock = threading.Lock()
        self._renew_ms = 0
        self.on_renewed: Callable[[], None] = lambda: None
        self._echo_topic = echo_topic(settings.commune.id, settings.broker.client)
        self._echo = Echo(lambda word: self.line.publish(self._echo_topic, word))
        self.line = session(self._line_settings(), self._arrived, self._line_changed, on_published=None)
        self.fellows = Fellows(
            self.ledger, settings.broker.client if shared else None, lambda: self.line.up, self._others_noted, self.feed.lose,
            wall_ms,
        )  # fmt: skip
        self.dispatcher = Dispatcher(
            self.ledger, settings.commune.id, self.line, self.signing, self.watch.all, wall_ms, others=self._others_must
        )
        duty = settings.duty
        self.acts = Acts(
            self.ledger, self.dispatcher, self.roster, self.watch.all, ALARMS, wall_ms,
            second_officer=duty.alarm_all == "second_officer", alone_after_s=duty.alone_after_s,
        )  # fmt: skip
        self._following = Following(self.roster, ALARMS, duty.call_after_s, self._ahead)
        self.ingest = Ingest(
            self.ledger, settings.commune.id, known=self._known,
            ack=lambda token: self.line.ack(token, flush=False), acked=self.line.flush, within=self._following.within,
            on_stored=self._stored, on_trouble=self._troubled, wall_ms=wall_ms,
        )  # fmt: skip
        self.silent_test = SilentTest(
            self.ledger,
            self.dispatcher,
            self.roster,
            self.watch.all,
            at=duty.silent_test_at,
            within_s=duty.test_within_s,
        )
        self.herald = Herald(
            settings, self.ledger, self.roster, self.watch.all, self.authority.expiring, wall_ms, mouth=self.line,
            others=self._others_must,
        )  # fmt: skip
        self.clearings = Clearings(self.ledger, self.dispatcher, self.roster)
        self.clockwork = Clockwork(
            self.ledger, self.dispatcher, self.acts, self.roster, self.watch.all, self.signing, wall_ms,
            call_after_s=duty.call_after_s, on_call=self._call,
            following=self._following, on_alarm=self._told_of,
            also=(self.clearings.all_clears, self._test, self._renew, self._alive),
        )  # fmt: skip

    def start(self) -> None:
        """Begin to listen; returns at once."""
        with suppress(*TROUBLE), self.ledger.read() as connection:  # no reason not to hear the posts
            self.watch.remember(values.absent_since(connection))
        self.fellows.start()
        self.ingest.start()
        self.line.set_clock_trust("ntp")
        self.line.start()
        self.clockwork.start()
        self.herald.start()

    def stop(self) -> None:
        """Hang up, write what has come, end. Commands that are not answered go on at the next start."""
        self.clockwork.stop()
        self.line.stop()
        self.ingest.stop()
        self.herald.stop()
        self.fellows.stop()
        self.ledger.close()

    def _test(self, now_ms: int) -> None:
        """By a worker that sees the posts."""
        if not self._others_must():
            self.silent_test.turn(now_ms)

    def _renew(self, now_ms: int) -> None:
        """Certificates of server and hub renew themselves before they end; connections made from then on use the new ones."""
        if (
            not (self.settings.broker.tls or self.settings.web.own_cert)
            or now_ms < self._renew_ms <= now_ms + RENEW_EVERY_MS
        ):
            return
        self._renew_ms = now_ms + RENEW_EVERY_MS
        if renewed := self.authority.renew(now_ms):
            log.warning("new certificates for %s", ", ".join(renewed))
            self.write_broker()
            self.on_renewed()

    def write_broker(self) -> None:
        """The broker's files as they have to be now; systemd then has it take them (kengd-broker.path)."""
        write_broker(self.authority, self.settings)

    def _alive(self, _now_ms: int) -> None:
        """Told to systemd by the clockwork's finished turns: a ledger that hangs, or a line that does, ends in a restart."""
        if self.line.silent_s() < HANGS_AFTER_S:
            service.feed_watchdog()

    # ---- what is known

    def roster(self) -> Roster:
        """As it is in the ledger, at most ten seconds old; the last one known while the ledger cannot be read (a hush needs it)."""
        now_ms = clock.now().mono_ms
        read_ms, roster = self._roster
        if not read_ms or now_ms - read_ms > ROSTER_FOR_MS:
            try:
                with self.ledger.read() as connection:
                    roster = read_roster(connection)
            except TROUBLE:
                if not roster.posts:
                    raise
            self._roster = (now_ms, roster)
        return roster

    def forget_roster(self) -> None:
        """It was changed: read it anew."""
        self._roster = (0, self._roster[1])

    def signing(self) -> tuple[str, Ed25519PrivateKey]:
        """The key that signs now, at most two seconds old."""
        with self._lock:
            now_ms = clock.now().mono_ms
            if self._signing is None or now_ms - self._signing[0] > KEY_FOR_MS:
                self._signing = (now_ms, self.authority.signing())
            return self._signing[1]

    # ---- what comes

    def _arrived(self, inbound: Inbound) -> None:
        if inbound.topic == self._echo_topic:
            self._echo.came(inbound.payload)
            self.line.ack(inbound.token)
            return
        where = parse_topic(inbound.topic)
        if where is not None and where.leaf == "status" and where.commune == self.settings.commune.id:
            if self._known(where.post):
                late = not inbound.retain and self._echo.waiting()
                self.watch.status(where.post, inbound.payload, retained=inbound.retain, late=late, now_ms=wall_ms())
            self.line.ack(inbound.token, flush=False)  # with the thread's next turn: a thousand may come at once
            return
        self.ingest.put(inbound)

    def _ahead(self, post: str) -> int | None:
        """A post's clock against ours, as it last said itself."""
        seen = self.watch.seen(post)
        return seen.ahead_ms if seen.live and not seen.odd else None

    def _known(self, post: str) -> bool:
        roster = self.roster()
        if self._ids[0] is not roster:
            self._ids = (roster, frozenset(known.id for known in roster.posts))
        return post in self._ids[1]

    def _line_changed(self, up: bool) -> None:
        log.warning("the line to the broker is %s", "up" if up else "down")
        self._echo.line(up)
        self.feed.post("hub", {"line_up": up})
        self.herald.line(up)
        if up:
            self.clockwork.hurry()

    def _post_changed(self, post: str, before: Seen, after: Seen) -> None:
        """A status, in the line's thread: only noted, a thousand may come at once."""
        self.clockwork.news(post, before, after, wall_ms())
        self.feed.post("post", {"post": post})

    # ---- what was written, here or by others

    def _noted(self, noted: Sequence[Noted]) -> None:
        """A transaction has changed this: what we keep in mind, and everybody who watches."""
        for each in noted:
            data = each.data
            if each.topic == "entry":
                for post in data["posts"]:
                    self.watch.spoke(post, data["heard_ms"])
                for post, reason in data["trust"].items():
                    self.watch.refused(post, reason)
                data = {"posts": data["posts"]}
            elif each.topic == "hub" and "roster" in data:
                self.forget_roster()
            self.feed.post(each.topic, data)

    def _others_noted(self, noted: Sequence[Noted]) -> None:
        """Another worker or the shell: perhaps it dies before it has done what follows, so we look as well."""
        self._noted(noted)
        topics = {each.topic for each in noted}
        if "dispatch" in topics:
            self.clockwork.hurry()
        if "incident" in topics:
            self.herald.hurry()

    def _others_must(self) -> bool:
        """Our line is down and another worker's is not: it sees the posts, it sends."""
        return self.fellows.another_is_up() and not self.line.up

    def _stored(self, stored: Stored) -> None:
        """New alarms among these entries, and rings that came to their posts although they had been stopped."""
        if any(target.reason == STOPPED for target in stored.targets):
            self.dispatcher.end_late()
        began = [item for item in stored.fresh if item.entry.kind == "ringing" and item.entry.signal in ALARMS]
        if not began:
            return
        with self.ledger.read() as connection:
            names = [(item.post, name) for item in began for name in (item.entry.activation, cause_of(item.entry))]
            pairs = {(post, name) for post, name in names if name is not None}
            begun = set(incidents.incidents_of(connection, pairs).values())
        self._told_of(sorted(begun))

    def _told_of(self, begun: list[str]) -> None:
        """Neighbours that help by themselves, and the duty room's sounder: each once, and not for what is history."""
        with self.ledger.read() as connection:
            found = [incidents.find(connection, one) for one in begun]
        for incident in found:
            if incident is None:
                continue
            self.herald.hurry()
            if incident.closed_ms is not None or wall_ms() - incident.began_ms > RECENT_MS:
                continue
            by_a_source = incident.origin == "call" and incident.acknowledged_ms is None
            if incident.purpose == "actual" and not by_a_source:
                self.clockwork.neighbours(incident)
            if incident.acknowledged_ms is None:
                self.clockwork.sounder(incident)

    def _call(self, incident: Incident) -> None:
        log.warning("nobody has taken charge of %s: the next one's turn (%d)", incident.id, incident.turns + 1)
        self.clockwork.sounder(replace(incident, turns=incident.turns + 1))  # it has rung for the alarm itself
        self.herald.hurry()

    def _troubled(self, what: str | None) -> None:
        if what != self.trouble:
            self.trouble = what
            self.feed.post("hub", {"trouble": what})

    def _line_settings(self) -> HubLineSettings:
        broker = self.settings.broker
        line: dict[str, Any] = {
            "host": broker.host, "port": broker.port, "client_id": broker.client, "commune": self.settings.commune.id,
            "share": self.authority.share_name() if broker.shared else None, "keepalive_s": broker.keepalive_s,
        }  # fmt: skip
        if broker.tls:
            files = self.authority.client_files(broker.client, wall_ms())
            line |= {"ca": str(files.ca), "cert": str(files.cert), "key": str(files.key)}
        return HubLineSettings(**line)
