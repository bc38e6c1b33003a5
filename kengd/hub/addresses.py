"""Who can be told, and by which way: officers, keepers who are not away, hooks and cameras of the settings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from kengd.errors import UsageError
from kengd.hub.incidents import Callee, keepers_at_home
from kengd.hub.notices.apprise_channel import apprise_channel
from kengd.hub.notices.hooks import frigate_channel, webhook_channel
from kengd.hub.notices.sms import sms_channel
from kengd.hub.notices.words import Channel, NoticeKind, Recipient
from kengd.hub.people.words import Officer
from kengd.hub.roster import Keeper, Roster
from kengd.hub.settings import HubSettings

log = logging.getLogger("kengd.hub")

QUIET: Final = (22 * 60, 6 * 60)
"""Minutes after local midnight: what is calm (a silent test, a certificate) is told at breakfast (R26, R45)."""
EVERYTHING: Final = frozenset(NoticeKind)


@dataclass(frozen=True, slots=True)
class Everybody:
    """All that can be told now. `callees`: who is called in turn for an alarm at a post, officers before keepers (H6)."""

    officers: tuple[Recipient, ...] = ()
    keepers: tuple[Recipient, ...] = ()
    hooks: tuple[Recipient, ...] = ()

    def one(self, person_id: str) -> Recipient | None:
        """This officer or keeper."""
        return next((person for person in (*self.officers, *self.keepers) if person.id == person_id), None)

    def callees(self, keepers: Sequence[Keeper], post: str, now_ms: int) -> list[Callee]:
        """Officers by rank, then the post's keepers at home; also those whom nothing can reach."""
        home = {keeper.id for keeper in keepers_at_home(keepers, post, now_ms)}
        people = (*self.officers, *(person for person in self.keepers if person.id in home))
        return [Callee(person.id, person.name, bool(person.channels)) for person in people]

    def is_person(self, person_id: str) -> bool:
        """Somebody, not a hook or a camera."""
        return self.one(person_id) is not None


class Addresses:
    """Turns what stands in the ledger into channels; each text is looked at once, a bad one is said once and left out."""

    def __init__(self, settings: HubSettings) -> None:
        self._sms = settings.sms is not None
        self._settings = settings
        self._known: dict[str, Channel | None] = {}

    def everybody(self, officers: Iterable[Officer], roster: Roster, now_ms: int) -> Everybody:
        """As officers and roster are now."""
        keepers = []
        for post in roster.posts:
            for keeper in keepers_at_home(roster.keepers, post.id, now_ms):
                ways = self._ways(keeper.id, keeper.channels, keeper.phone)
                keepers.append(
                    Recipient(keeper.id, keeper.name, EVERYTHING, ways, frozenset({keeper.post}), quiet=QUIET)
                )
        in_order = sorted(officers, key=lambda officer: (officer.rank, officer.made_ms, officer.id))
        staff = tuple(
            Recipient(one.id, one.name, EVERYTHING, self._ways(one.id, one.channels, one.phone), quiet=QUIET)
            for one in in_order
        )
        return Everybody(staff, tuple(keepers), self._hooks(roster))

    def _hooks(self, roster: Roster) -> tuple[Recipient, ...]:
        found = []
        for number, hook in enumerate(self._settings.webhooks, 1):
            ways = (webhook_channel(hook.url, hook.secret),)
            found.append(Recipient(f"webhook-{number}", f"webhook {number}", frozenset(hook.kinds) or EVERYTHING, ways))
        for number, eye in enumerate(self._settings.cameras, 1):
            posts = {
                *eye.posts,
                *(post.id for post in roster.serving(self._villages(eye.camera, eye.villages, roster))),
            }
            if not posts and (eye.posts or eye.villages):
                continue  # it looks at a village that has no post any more, not at everything
            ways = (frigate_channel(eye.url, eye.camera, eye.label, eye.duration_s, eye.token),)
            name = f"camera {eye.camera}"
            found.append(Recipient(f"camera-{number}", name, frozenset({NoticeKind.ALARM}), ways, frozenset(posts)))
        return tuple(found)

    def _villages(self, camera: str, wanted: Sequence[str], roster: Roster) -> list[str]:
        """Their ids, whether they were named by id or by name; one that is none is said once."""
        ids = {name: village.id for village in roster.villages for name in (village.name, village.id)}
        for name in wanted:
            if name not in ids and f"{camera}\0{name}" not in self._known:
                self._known[f"{camera}\0{name}"] = None
                known = ", ".join(f"{village.name} ({village.id})" for village in roster.villages)
                log.warning("camera %s: no village %r; there are: %s", camera, name, known)
        return [ids[name] for name in wanted if name in ids]

    def _ways(self, person: str, texts: Sequence[str], phone: str) -> tuple[Channel, ...]:
        found = [self._way(person, text, channel_of) for text in texts]
        if self._sms and phone:
            found.append(self._way(person, phone, sms_channel))
        return tuple(dict.fromkeys(way for way in found if way is not None))

    def _way(self, person: str, text: str, read: Callable[[str], Channel]) -> Channel | None:
        if text not in self._known:
            try:
                self._known[text] = read(text)
            except UsageError as wrong:
                log.warning("a notice address of %s cannot be used: %s", person, wrong.code)
                self._known[text] = None
        return self._known[text]


def channel_of(text: str) -> Channel:
    """`https://…` is a webhook, everything else an apprise address (zalo://, tgram://, mailto:// …). Raises UsageError."""
    if text.lower().startswith(("http://", "https://")):
        return webhook_channel(text)
    return apprise_channel(text)
