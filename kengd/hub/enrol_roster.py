"""What a post's enrolment says of people and places: the wish, and its rows in the roster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final

from kengd.hub.authority.enrolment import PostWish
from kengd.hub.founding import village_ids
from kengd.hub.ledger import people, rosters
from kengd.hub.ledger.store import Transaction
from kengd.hub.people.ground import no_such_keeper
from kengd.hub.roster import Keeper, Post, Village
from kengd.wire.pin import write_pins

LONGEST_SLUG: Final = 40
LONGEST_NAME: Final = 90
"""Of a keeper, in the file of PINs."""

Audit = Callable[[Transaction, str, Mapping[str, Any]], object]
"""Writes one act with its facts into the hub's own book, under the name of whoever does it."""


@dataclass(frozen=True, slots=True)
class KeeperWish:
    """A keeper of the post's. `id` None: a new one. `phone` was checked; `pin`: the hash of a new one, None: as it is."""

    name: str
    phone: str = ""
    id: str | None = None
    pin: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class EnrolWish:
    """What is said of a post that gets a file. None: as the roster, its last file, or the settings have it, also of a post that had
    gone out of service; a new post needs a name, and has bell, pins and hours of the example.

    `villages`: names or ids; new ones come into the roster. `households`: by village name. `template`: TOML with bell, pins, hours.
    `keep_old`: the certificates that it has stay good (a renewal). `act`: id of the request; a file is given out once for each.
    `page`: address of the post's public page. `page_names`: names and addresses of its page beside POST.local. `keepers`: new or
    changed; the others stay.
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
    page_names: tuple[str, ...] | None = None
    households: Mapping[str, int] = field(default_factory=dict)
    keepers: tuple[KeeperWish, ...] = ()


def put_post(connection: Transaction, wish: EnrolWish, asked: PostWish, now_ms: int) -> Post:
    """The post as it is in its file; its place in lists, its plan, its page and its keepers stay."""
    rosters.hold_post(connection, wish.post)
    roster, ranks = rosters.read_roster(connection), rosters.ranks(connection)
    post = rosters.any_post(connection, wish.post) or Post(wish.post, asked.name)
    serves = post.villages
    if wish.villages is not None:
        serves = _put_villages(connection, roster.villages, asked.villages, wish.households)
    changed = replace(
        post, name=asked.name, villages=serves, sounder=wish.sounder or post.sounder,
        page=post.page if wish.page is None else wish.page, enrolled_ms=post.enrolled_ms or now_ms,
    )  # fmt: skip
    rosters.put_post(connection, changed, ranks["posts"].get(wish.post, len(ranks["posts"])))
    return changed


def pins_of(connection: Transaction, wish: EnrolWish) -> str:
    """The file of PINs: of the keepers that are there, as they will be."""
    found: dict[str, tuple[str, str | None]] = {
        keeper.id: (keeper.name, people.keeper_pin(connection, keeper.id))
        for keeper in rosters.read_roster(connection).keepers
        if keeper.post == wish.post
    }
    for n, keeper in enumerate(wish.keepers):
        if keeper.id is not None and keeper.id not in found:
            raise no_such_keeper()
        before = found.get(keeper.id or "", ("", None))[1]
        found[keeper.id or f"/{n}"] = (keeper.name, keeper.pin or before)
    by_name: dict[str, str] = {}
    for name, stored in found.values():
        if stored is not None:
            said = " ".join(name.split())[:LONGEST_NAME]
            by_name[next(one for one in _twins(said) if one not in by_name)] = stored
    return write_pins(by_name)


def _twins(name: str) -> Iterator[str]:
    """ "Bà Tư", "Bà Tư (2)", …: a PIN has to say whose it is."""
    yield name
    for number in count(2):
        yield f"{name} ({number})"


def put_keepers(connection: Transaction, wish: EnrolWish, audit: Audit) -> None:
    """New ones behind those that are there; each with its lines in the book. Whose PIN is not said keeps it."""
    known = {keeper.id: keeper for keeper in rosters.read_roster(connection).keepers}
    for wanted in wish.keepers:
        if wanted.id is not None:
            keeper = replace(known[wanted.id], name=wanted.name, phone=wanted.phone)
        else:
            slug = village_ids([wanted.name])[wanted.name]
            made = next(one for one in _numbered(slug) if one not in known)
            rank = max((one.rank for one in known.values() if one.post == wish.post), default=-1) + 1
            keeper = Keeper(made, wish.post, wanted.name, wanted.phone, rank)
        known[keeper.id] = keeper
        rosters.put_keeper(connection, keeper)
        audit(connection, "keeper_put", {"keeper": keeper.id, "post": wish.post})
        if wanted.pin is not None:
            people.put_keeper_pin(connection, keeper.id, wanted.pin)
            audit(connection, "keeper_pin", {"keeper": keeper.id, "set": True})


def _put_villages(
    connection: Transaction, known: Sequence[Village], names: Sequence[str], households: Mapping[str, int]
) -> tuple[str, ...]:
    """Their ids; new ones behind those that are known, each under an id of its own."""
    ids = {village.name: village.id for village in known}
    for name in names:
        if name not in ids:
            wanted = village_ids([name])[name]
            ids[name] = next(one for one in _numbered(wanted) if one not in ids.values())
            rosters.put_village(connection, Village(ids[name], name, households.get(name, 0)), len(ids) - 1)
    return tuple(ids[name] for name in names)


def _numbered(slug: str) -> Iterator[str]:
    """ "thon-ha", "thon-ha-2", …: "Thôn Hà" and "Thôn Hạ" are two villages."""
    yield slug
    for number in count(2):
        yield f"{slug[: LONGEST_SLUG - 1 - len(str(number))]}-{number}"
