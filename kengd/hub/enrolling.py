"""Letting a post in and shutting it out: one act each, the same from the desk, from the shell and in the demo."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kengd.errors import KengdError, UsageError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.brokerfiles import BrokerFiles
from kengd.hub.authority.certificates import OWN_DAYS
from kengd.hub.authority.enrolment import Enrolment, PostWish
from kengd.hub.authority.own import EXPIRY_DAYS
from kengd.hub.enrol_roster import Audit, EnrolWish, KeeperWish, pins_of, put_keepers, put_post
from kengd.hub.founding import SETTINGS_OF
from kengd.hub.ledger import rosters, successions, values
from kengd.hub.ledger.store import Ledger
from kengd.hub.post_templates import kept_template
from kengd.hub.roster import PAGE, Post, Roster
from kengd.hub.settings import HubBroker

__all__ = ["Audit", "EnrolWish", "Enrolled", "Enrolling", "KeeperWish", "check_page"]

GIVEN: Final = "enrolled:"
"""Key in the ledger's values, with the post behind it: the request that its newest file was given out for."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """`file`: the only copy of the post's key. `broker`: what was written for the broker, None where it need not know. `post`: as it
    is in the roster now; `villages`: names of those that hear it."""

    file: Enrolment
    broker: BrokerFiles | None
    post: Post
    villages: tuple[str, ...]


class Enrolling:
    """Safe from any thread and in several processes. `write_broker`: called when certificates were revoked."""

    def __init__(
        self,
        ledger: Ledger,
        authority: Authority,
        broker: HubBroker,
        *,
        write_broker: Callable[[], BrokerFiles | None],
        roster_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger, self._authority, self._broker = ledger, authority, broker
        self._write_broker, self._roster_changed = write_broker, roster_changed

    def enrol(self, wish: EnrolWish, audit: Audit, now_ms: int) -> Enrolled:
        """File, roster, keepers, settings for the rules sheet, audit lines, broker.

        Raises KengdError `already_given`, UsageError `bad_page`, `usage` (a new post without a name), and what `Authority.enrol` raises:
        nothing has changed then, and no certificate was revoked.
        """
        if wish.page is not None:
            check_page(wish.page)
        with self._given_once(wish):
            asked = self.asked(wish)
            made = self._authority.enrol(asked, now_ms, keep_old=wish.keep_old)
            with self._ledger.write() as connection:
                post = put_post(connection, wish, asked, now_ms)
                put_keepers(connection, wish, audit)
                values.put_value(connection, f"{SETTINGS_OF}{wish.post}", made.settings)
                if not wish.keep_old:
                    successions.unit_swapped(connection, wish.post, now_ms)
                facts = {
                    "post": wish.post, "serial": made.serial, "revoked": list(made.revoked), "kids": list(made.kids),
                    "page": made.page_fingerprint[:16],
                }  # fmt: skip
                audit(connection, "enrol", facts)
        self._roster_changed()
        return Enrolled(made, self._write_broker() if made.revoked else None, post, asked.villages)

    def asked(self, wish: EnrolWish) -> PostWish:
        """What the authority would be asked. Raises UsageError `usage`, `no_such_keeper`."""
        with self._ledger.read() as connection:
            roster, known = rosters.read_roster(connection), rosters.any_post(connection, wish.post)
            template = wish.template if wish.template is not None else kept_template(connection, wish.post)
            pins = pins_of(connection, wish)
        return self._post_wish(wish, roster, known, template, pins)

    def knows(self, post: str) -> bool:
        """In service, or out of it: what is known of it need not be said again."""
        with self._ledger.read() as connection:
            return rosters.any_post(connection, post) is not None

    def revoke(self, post: str, why: str, audit: Audit, now_ms: int, *, retire: bool) -> tuple[str, ...]:
        """All certificates of this post end now; their serials. `retire`: the post goes out of service too, what it wrote stays;
        also where it has no certificate any more.

        Raises UsageError `not_enrolled`, `bad_name` (why).
        """
        nothing: UsageError | None = None
        try:
            serials = self._authority.revoke(post, why, now_ms)
        except UsageError as wrong:
            if not retire or wrong.code != "not_enrolled":
                raise
            nothing, serials = wrong, ()
        facts: dict[str, Any] = {"post": post, "why": why, "serials": list(serials)}
        try:
            with self._ledger.write() as connection:
                if retire:
                    if not rosters.retire_post(connection, post, now_ms) and nothing is not None:
                        raise nothing
                    facts["retired"] = True
                audit(connection, "revoke", facts)
        finally:  # a stolen unit is shut out even where the ledger is away
            self._write_broker()
        if retire:
            self._roster_changed()
        return serials

    def renew_own(self, audit: Audit, now_ms: int, *, all: bool) -> tuple[str, ...]:
        """New certificates for the broker and the hub itself, where they end soon, or all of them; whose they are.

        Raises UsageError `clock_wrong`.
        """
        renewed = self._authority.renew(now_ms, OWN_DAYS if all else EXPIRY_DAYS)
        if renewed:
            with self._ledger.write() as connection:
                audit(connection, "certificates_renewed", {"subjects": list(renewed)})
            self._write_broker()
        return renewed

    @contextmanager
    def _given_once(self, wish: EnrolWish) -> Iterator[None]:
        """Whoever asks twice, at whichever worker, would revoke with the second file the one that was just given out."""
        if wish.act is None:
            yield
            return
        key = f"{GIVEN}{wish.post}"
        with self._ledger.write() as connection:
            before = values.value_of(connection, key)
            if not values.put_new(connection, key, wish.act):
                raise KengdError(
                    "already_given",
                    "tệp này đã được cấp một lần và không được giữ lại",
                    cure="tìm tệp vừa tải về; nếu mất, cấp tệp mới (tệp cũ sẽ bị thu hồi)",
                    en="this file was given out already",
                )
        try:
            yield
        except BaseException:
            with self._ledger.write() as connection:
                values.put_value(connection, key, before)
            raise

    def _post_wish(
        self, wish: EnrolWish, roster: Roster, known: Post | None, template: str | None, pins: str
    ) -> PostWish:
        name = wish.name or (known.name if known is not None else None)
        if name is None:
            raise UsageError(
                "usage", "điểm kẻng mới phải có tên", cure='thêm --name "Điểm kẻng thôn …"', en="--name is missing"
            )
        if wish.villages is not None:
            ids = {village.id: village.name for village in roster.villages}
            villages = tuple(dict.fromkeys(ids.get(village, village) for village in wish.villages))
        else:
            serves = known.villages if known is not None else ()
            villages = tuple(village.name for village in roster.villages if village.id in serves)
        host, port = wish.host or self._broker.names[0], wish.port or self._broker.port
        names = wish.page_names
        if names is None:
            pages = self._authority.index.of("page", wish.post)
            names = pages[-1].names if pages else ()
        return PostWish(wish.post, name, villages, host, port, template, names, pins)


def check_page(page: str) -> str:
    """The address of a post's public page, as it goes into a QR code. Raises UsageError `bad_page`."""
    if re.fullmatch(PAGE, page) is None:
        raise UsageError(
            "bad_page",
            f"“{page[:60]}” không phải địa chỉ trang của điểm kẻng",
            cure="viết đủ http://MÁY:CỔNG/…, không dấu cách, không chữ có dấu; ví dụ http://10.0.0.11:8080/vi-sao",
            en="the address of a page begins with http:// or https:// and has no spaces",
        )
    return page
