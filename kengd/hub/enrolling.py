"""Letting a post in and shutting it out: one act each, the same from the desk, from the shell and in the demo."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

from kengd.errors import KengdError, UsageError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.brokerfiles import BrokerFiles
from kengd.hub.authority.enrolment import Enrolment, PostWish
from kengd.hub.founding import SETTINGS_OF, village_ids
from kengd.hub.ledger import rosters, successions, values
from kengd.hub.ledger.store import Ledger, Transaction
from kengd.hub.roster import PAGE, Post, Roster, Village
from kengd.hub.settings import HubBroker

GIVEN: Final = "enrolled:"
"""Key in the ledger's values, with the post behind it: the request that its newest file was given out for."""
LONGEST_SLUG: Final = 40

Audit = Callable[[Transaction, str, Mapping[str, Any]], object]
"""Writes one act with its facts into the hub's own book, under the name of whoever does it."""


@dataclass(frozen=True, slots=True)
class EnrolWish:
    """What is said of a post that gets a file. None: as the roster, or the settings, have it, also of a post that had gone out of
    service; a new post needs a name.

    `villages`: names or ids; new ones come into the roster. `template`: TOML with bell, pins, hours. `keep_old`: the
    certificates that it has stay good (a renewal). `act`: id of the request; a file is given out once for each. `page`: address
    of the post's public page.
    """

    post: str
    name: str | None = None
    villages: tuple[str, ...] | None = None
    sounder: bool = False
    host: str | None = None
    port: int | None = None
    template: str | None = None
    keep_old: bool = False
    act: str | None = None
    page: str | None = None


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
        """File, roster, settings for the rules sheet, audit line, broker.

        Raises KengdError `already_given`, UsageError `bad_page`, `usage` (a new post without a name), and what `Authority.enrol` raises:
        nothing has changed then, and no certificate was revoked.
        """
        if wish.page is not None:
            check_page(wish.page)
        with self._given_once(wish):
            with self._ledger.read() as connection:
                roster, known = rosters.read_roster(connection), rosters.any_post(connection, wish.post)
            asked = self._post_wish(wish, roster, known)
            made = self._authority.enrol(asked, now_ms, keep_old=wish.keep_old)
            with self._ledger.write() as connection:
                post = _put(connection, wish, asked, now_ms)
                values.put_value(connection, f"{SETTINGS_OF}{wish.post}", made.settings)
                if not wish.keep_old:
                    successions.unit_swapped(connection, wish.post, now_ms)
                facts = {
                    "post": wish.post, "serial": made.serial, "revoked": list(made.revoked), "kids": list(made.kids),
                }  # fmt: skip
                audit(connection, "enrol", facts)
        self._roster_changed()
        return Enrolled(made, self._write_broker() if made.revoked else None, post, asked.villages)

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

    def _post_wish(self, wish: EnrolWish, roster: Roster, known: Post | None) -> PostWish:
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
        return PostWish(wish.post, name, villages, host, port, wish.template)


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


def _put(connection: Transaction, wish: EnrolWish, asked: PostWish, now_ms: int) -> Post:
    """The post as it is in its file; its place in lists, its plan, its page and its keepers stay."""
    roster, ranks = rosters.read_roster(connection), rosters.ranks(connection)
    post = rosters.any_post(connection, wish.post) or Post(wish.post, asked.name)
    serves = post.villages
    if wish.villages is not None:
        serves = _put_villages(connection, roster.villages, asked.villages)
    changed = replace(
        post, name=asked.name, villages=serves, sounder=wish.sounder or post.sounder,
        page=post.page if wish.page is None else wish.page, enrolled_ms=post.enrolled_ms or now_ms,
    )  # fmt: skip
    rosters.put_post(connection, changed, ranks["posts"].get(wish.post, len(ranks["posts"])))
    return changed


def _put_villages(connection: Transaction, known: Sequence[Village], names: Sequence[str]) -> tuple[str, ...]:
    """Their ids; new ones behind those that are known, each under an id of its own."""
    ids = {village.name: village.id for village in known}
    for name in names:
        if name not in ids:
            wanted = village_ids([name])[name]
            ids[name] = next(one for one in _numbered(wanted) if one not in ids.values())
            rosters.put_village(connection, Village(ids[name], name), len(ids) - 1)
    return tuple(ids[name] for name in names)


def _numbered(slug: str) -> Iterator[str]:
    """ "thon-ha", "thon-ha-2", …: "Thôn Hà" and "Thôn Hạ" are two villages."""
    yield slug
    for number in count(2):
        yield f"{slug[: LONGEST_SLUG - 1 - len(str(number))]}-{number}"
