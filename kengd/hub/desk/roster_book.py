"""Who is in the commune: villages, posts, keepers, neighbours, groups. Each change is one transaction with its audit line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from fastapi import APIRouter

from kengd.errors import KengdError, UsageError
from kengd.hub.desk.desk import At, Awake, Desk, Writing
from kengd.hub.desk.forms import Slug
from kengd.hub.desk.people_forms import KeeperPin
from kengd.hub.desk.refusals import Json
from kengd.hub.desk.roster_forms import AwayForm, GroupForm, KeeperForm, NeighboursForm, PostForm, VillageForm
from kengd.hub.ledger import rosters
from kengd.hub.ledger.rosters import read_roster
from kengd.hub.people.ground import no_such_keeper
from kengd.hub.people.officers import checked_channels, checked_phone
from kengd.hub.people.words import Act, Caller
from kengd.hub.roster import Keeper, Neighbour, Post, Roster, Village

router = APIRouter(prefix="/api")
Change = Callable[[Any, Roster], None]


@router.get("/roster")
def roster(desk: At, caller: Awake) -> Json:
    """All of it, with keepers' phone numbers."""
    with desk.hub.ledger.read() as connection:
        found, ranks, names = read_roster(connection), rosters.ranks(connection), rosters.group_names(connection)
        pins = rosters.with_pin(connection)
    return Json({
        "villages": [
            {"id": item.id, "name": item.name, "households": item.households, "rank": ranks["villages"][item.id]}
            for item in found.villages
        ],
        "posts": [_post(item, ranks["posts"][item.id]) for item in found.posts],
        "keepers": [{**_keeper(item), "has_pin": item.id in pins} for item in found.keepers],
        "neighbours": [
            {"village": item.village, "neighbour": item.neighbour, "by_itself": item.by_itself} for item in found.neighbours
        ],
        "groups": [
            {"id": key, "name": names.get(key, key), "posts": list(posts)} for key, posts in (found.groups or {}).items()
        ],
    })  # fmt: skip


@router.put("/villages/{village}")
def put_village(village: Slug, form: VillageForm, desk: At, caller: Writing) -> Json:
    """New, or changed."""

    def change(connection: Any, _: Roster) -> None:
        rosters.put_village(connection, Village(village, form.name, form.households), form.rank)

    return _changed(desk, caller, "people", "village_put", {"village": village}, change)


@router.delete("/villages/{village}")
def drop_village(village: Slug, desk: At, caller: Writing) -> Json:
    """Out of the roster; what its posts wrote stays."""

    def change(connection: Any, _: Roster) -> None:
        if not rosters.drop_village(connection, village):
            raise _unknown("village", "thôn", village)

    return _changed(desk, caller, "people", "village_dropped", {"village": village}, change)


@router.put("/posts/{post}")
def put_post(post: Slug, form: PostForm, desk: At, caller: Writing) -> Json:
    """New, or changed; a retired one is in service again."""
    if post == "all":
        raise UsageError("reserved_name", "“all” không làm mã điểm kẻng được", cure="chọn mã khác", en="reserved")
    if (form.x is None) != (form.y is None):
        raise UsageError(
            "bad_place", "x và y phải đi với nhau", cure="ghi cả hai, hoặc bỏ cả hai", en="x and y together"
        )

    def change(connection: Any, before: Roster) -> None:
        _all_there("village", "thôn", form.villages, (item.id for item in before.villages))
        old = before.post(post)
        made = Post(
            post, form.name, tuple(dict.fromkeys(form.villages)), form.sounder, form.x, form.y, form.page,
            old.enrolled_ms if old is not None else desk.now_ms(),
        )  # fmt: skip
        rosters.put_post(connection, made, form.rank)

    return _changed(desk, caller, "enrol", "post_put", {"post": post}, change)


@router.delete("/posts/{post}")
def retire_post(post: Slug, desk: At, caller: Writing) -> Json:
    """Out of service; what it wrote stays. Its certificate is revoked by itself (`/revoke`)."""

    def change(connection: Any, _: Roster) -> None:
        if not rosters.retire_post(connection, post, desk.now_ms()):
            raise _unknown("post", "điểm kẻng", post)

    return _changed(desk, caller, "enrol", "post_retired", {"post": post}, change)


@router.put("/keepers/{keeper}")
def put_keeper(keeper: Slug, form: KeeperForm, desk: At, caller: Writing) -> Json:
    """New, or changed; a PIN stays, and so does "đi vắng"."""
    phone, channels = checked_phone(form.phone), checked_channels(form.channels)

    def change(connection: Any, before: Roster) -> None:
        _all_there("post", "điểm kẻng", [form.post], (item.id for item in before.posts))
        away_ms = next((item.away_until_ms for item in before.keepers if item.id == keeper), None)
        rosters.put_keeper(connection, Keeper(keeper, form.post, form.name, phone, form.rank, away_ms, channels))

    return _changed(desk, caller, "people", "keeper_put", {"keeper": keeper, "post": form.post}, change)


@router.put("/keepers/{keeper}/away")
def keeper_away(keeper: Slug, form: AwayForm, desk: At, caller: Writing) -> Json:
    """Đi vắng đến ngày: not called before."""

    def change(connection: Any, before: Roster) -> None:
        known = next((item for item in before.keepers if item.id == keeper), None)
        if known is None:
            raise no_such_keeper()
        rosters.put_keeper(connection, replace(known, away_until_ms=form.until_ms))

    return _changed(desk, caller, "people", "keeper_away", {"keeper": keeper, "until_ms": form.until_ms}, change)


@router.put("/keepers/{keeper}/pin")
def keeper_pin(keeper: Slug, form: KeeperPin, desk: At, caller: Writing) -> Json:
    """Give, change or take it."""
    desk.people.set_keeper_pin(caller, keeper, form.pin)
    return Json({"has_pin": form.pin is not None})


@router.delete("/keepers/{keeper}")
def drop_keeper(keeper: Slug, desk: At, caller: Writing) -> Json:
    """Erased, with the phone number."""
    caller.require("people")
    desk.people.erase_keeper(caller, keeper)
    desk.roster_changed()
    return Json({"done": True})


@router.get("/keepers/{keeper}/data")
def keeper_data(keeper: Slug, desk: At, caller: Awake) -> Json:
    """All that is kept of this person."""
    return Json(desk.people.keeper_data(caller, keeper))


@router.put("/villages/{village}/neighbours")
def put_neighbours(village: Slug, form: NeighboursForm, desk: At, caller: Writing) -> Json:
    """All neighbours of this village anew (H13)."""
    wanted = {item.village: Neighbour(village, item.village, item.by_itself) for item in form.neighbours}
    if village in wanted:
        raise UsageError("bad_neighbour", "thôn không là láng giềng của chính mình", cure="bỏ dòng đó", en="itself")

    def change(connection: Any, before: Roster) -> None:
        _all_there("village", "thôn", [village, *wanted], (item.id for item in before.villages))
        rosters.put_neighbours(connection, village, wanted.values())

    facts = {"village": village, "neighbours": sorted(wanted)}
    return _changed(desk, caller, "people", "neighbours_put", facts, change)


@router.put("/groups/{group}")
def put_group(group: Slug, form: GroupForm, desk: At, caller: Writing) -> Json:
    """New, or changed."""

    def change(connection: Any, before: Roster) -> None:
        _all_there("post", "điểm kẻng", form.posts, (item.id for item in before.posts))
        rosters.put_group(connection, group, form.name, form.posts)

    return _changed(desk, caller, "people", "group_put", {"group": group, "posts": len(form.posts)}, change)


@router.delete("/groups/{group}")
def drop_group(group: Slug, desk: At, caller: Writing) -> Json:
    """It is gone; its posts stay."""

    def change(connection: Any, before: Roster) -> None:
        _all_there("group", "nhóm", [group], before.groups or {})
        rosters.put_group(connection, group, "", ())

    return _changed(desk, caller, "people", "group_dropped", {"group": group}, change)


def _changed(desk: Desk, caller: Caller, needs: Act, act: str, facts: dict[str, Any], change: Change) -> Json:
    """The change and its audit line in one transaction, if the caller may."""
    caller.require(needs)
    with desk.hub.ledger.write() as connection:
        change(connection, read_roster(connection))
        desk.audit_in(connection, caller, act, facts)
    desk.roster_changed()
    return Json({"done": True})


def _all_there(named: str, vi: str, wanted: Iterable[str], have: Iterable[str]) -> None:
    known = set(have)
    for one in wanted:
        if one not in known:
            raise _unknown(named, vi, one)


def _unknown(named: str, vi: str, one: str) -> KengdError:
    return KengdError(f"unknown_{named}", f"không có {vi} “{one}”", cure="tải lại trang", en=f"no such {named}")


def _post(post: Post, rank: int) -> dict[str, Any]:
    return {
        "id": post.id, "name": post.name, "villages": list(post.villages), "sounder": post.sounder, "x": post.x,
        "y": post.y, "page": post.page, "enrolled_ms": post.enrolled_ms, "rank": rank,
    }  # fmt: skip


def _keeper(keeper: Keeper) -> dict[str, Any]:
    return {
        "id": keeper.id, "post": keeper.post, "name": keeper.name, "phone": keeper.phone, "rank": keeper.rank,
        "away_until_ms": keeper.away_until_ms, "channels": list(keeper.channels),
    }  # fmt: skip
