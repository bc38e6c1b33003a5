"""The roster, kept: read whole (a commune has tens of posts, a district hundreds), changed row by row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from kengd.hub.ledger import changes
from kengd.hub.ledger.roster_rows import GroupRow, KeeperRow, MemberRow, NeighbourRow, PostRow, ServesRow, VillageRow
from kengd.hub.ledger.rows import table
from kengd.hub.roster import Keeper, Neighbour, Post, Roster, Village

POST, VILLAGE, SERVES = table(PostRow), table(VillageRow), table(ServesRow)
KEEPER, NEIGHBOUR, GROUP, MEMBER = table(KeeperRow), table(NeighbourRow), table(GroupRow), table(MemberRow)


def read_roster(connection: Connection) -> Roster:
    """All that is in service."""
    serves: dict[str, list[str]] = {}
    for post, village in connection.execute(select(SERVES.c.post, SERVES.c.village).order_by(SERVES.c.village)):
        serves.setdefault(post, []).append(village)
    posts = [
        Post(row.id, row.name, tuple(serves.get(row.id, ())), row.sounder, row.x, row.y, row.page, row.enrolled_ms)
        for row in connection.execute(select(POST).where(POST.c.retired_ms.is_(None)).order_by(POST.c.rank, POST.c.id))
    ]
    villages = connection.execute(select(VILLAGE).order_by(VILLAGE.c.rank, VILLAGE.c.id))
    keepers = connection.execute(select(KEEPER).order_by(KEEPER.c.post, KEEPER.c.rank, KEEPER.c.id))
    neighbours = connection.execute(select(NEIGHBOUR).order_by(NEIGHBOUR.c.village, NEIGHBOUR.c.neighbour))
    groups: dict[str, list[str]] = {}
    for group, post in connection.execute(select(MEMBER.c.group_id, MEMBER.c.post).order_by(MEMBER.c.post)):
        groups.setdefault(group, []).append(post)
    return Roster(
        tuple(posts),
        tuple(Village(row.id, row.name, row.households) for row in villages),
        tuple(_keeper(row) for row in keepers),
        tuple(Neighbour(row.village, row.neighbour, row.by_itself) for row in neighbours),
        {group: tuple(members) for group, members in groups.items()},
    )


def any_post(connection: Connection, post_id: str) -> Post | None:
    """As it is, or as it was when it went out of service: with its villages and its page."""
    row = connection.execute(select(POST).where(POST.c.id == post_id)).first()
    if row is None:
        return None
    query = select(SERVES.c.village).where(SERVES.c.post == post_id).order_by(SERVES.c.village)
    serves = tuple(str(village) for village in connection.execute(query).scalars())
    return Post(row.id, row.name, serves, row.sounder, row.x, row.y, row.page, row.enrolled_ms)


def put_village(connection: Connection, village: Village, rank: int = 0) -> None:
    """New, or changed."""
    _put(connection, VILLAGE, {"id": village.id, "name": village.name, "households": village.households, "rank": rank})


def put_post(connection: Connection, post: Post, rank: int = 0) -> None:
    """New, or changed; a retired one is in service again. The villages it serves must be there."""
    row = {
        "id": post.id, "name": post.name, "rank": rank, "sounder": post.sounder, "x": post.x, "y": post.y, "page": post.page,
        "enrolled_ms": post.enrolled_ms, "retired_ms": None,
    }  # fmt: skip
    _put(connection, POST, row)
    connection.execute(delete(SERVES).where(SERVES.c.post == post.id))
    if post.villages:
        connection.execute(SERVES.insert(), [{"post": post.id, "village": village} for village in post.villages])


def hold_post(connection: Connection, post_id: str) -> None:
    """Nobody else changes this post until the transaction ends: for whoever reads it to write it back."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(POST.c.id).where(POST.c.id == post_id).with_for_update())


def place_post(connection: Connection, post_id: str, x: float | None, y: float | None) -> None:
    """Where it stands, and nothing else of it."""
    _noted(connection)
    connection.execute(update(POST).where(POST.c.id == post_id).values(x=x, y=y))


def retire_post(connection: Connection, post_id: str, now_ms: int) -> bool:
    """Out of service; what it wrote stays. False: no such post."""
    done = connection.execute(
        update(POST).where(POST.c.id == post_id, POST.c.retired_ms.is_(None)).values(retired_ms=now_ms)
    )
    _noted(connection)
    return done.rowcount > 0


def put_keeper(connection: Connection, keeper: Keeper) -> None:
    """New, or changed; a PIN stays."""
    row = {
        "id": keeper.id, "post": keeper.post, "name": keeper.name, "phone": keeper.phone, "rank": keeper.rank,
        "away_until_ms": keeper.away_until_ms, "channels": json.dumps(keeper.channels),
    }  # fmt: skip
    _put(connection, KEEPER, row)


def drop_keeper(connection: Connection, keeper_id: str) -> bool:
    """Erased, with the phone number (personal data). False: no such keeper."""
    _noted(connection)
    return connection.execute(delete(KEEPER).where(KEEPER.c.id == keeper_id)).rowcount > 0


def put_neighbours(connection: Connection, village: str, neighbours: Iterable[Neighbour]) -> None:
    """All neighbours of this village anew."""
    _noted(connection)
    connection.execute(delete(NEIGHBOUR).where(NEIGHBOUR.c.village == village))
    for item in neighbours:
        row = {"village": item.village, "neighbour": item.neighbour, "by_itself": item.by_itself}
        connection.execute(NEIGHBOUR.insert().values(**row))


def put_group(connection: Connection, group_id: str, name: str, posts: Iterable[str]) -> None:
    """New, or changed; with no posts it is gone."""
    _noted(connection)
    members = list(dict.fromkeys(posts))
    connection.execute(delete(MEMBER).where(MEMBER.c.group_id == group_id))
    if not members:
        connection.execute(delete(GROUP).where(GROUP.c.id == group_id))
        return
    _put(connection, GROUP, {"id": group_id, "name": name})
    connection.execute(MEMBER.insert(), [{"group_id": group_id, "post": post} for post in members])


def drop_village(connection: Connection, village_id: str) -> bool:
    """The village is gone from the roster: no post serves it any more, nobody is its neighbour. False: no such village."""
    _noted(connection)
    connection.execute(delete(SERVES).where(SERVES.c.village == village_id))
    where = (NEIGHBOUR.c.village == village_id) | (NEIGHBOUR.c.neighbour == village_id)
    connection.execute(delete(NEIGHBOUR).where(where))
    return connection.execute(delete(VILLAGE).where(VILLAGE.c.id == village_id)).rowcount > 0


def ranks(connection: Connection) -> dict[str, dict[str, int]]:
    """Places in lists: {"villages": {id: rank}, "posts": {id: rank}}."""
    villages = connection.execute(select(VILLAGE.c.id, VILLAGE.c.rank))
    posts = connection.execute(select(POST.c.id, POST.c.rank))
    return {
        "villages": {str(key): int(rank) for key, rank in villages},
        "posts": {str(key): int(rank) for key, rank in posts},
    }


def group_names(connection: Connection) -> dict[str, str]:
    """Group id → its name."""
    return {
        str(key): str(name) for key, name in connection.execute(select(GROUP.c.id, GROUP.c.name).order_by(GROUP.c.id))
    }


def with_pin(connection: Connection) -> frozenset[str]:
    """Keepers who have a PIN for their post's page."""
    return frozenset(connection.execute(select(KEEPER.c.id).where(KEEPER.c.pin.is_not(None))).scalars())


def _noted(connection: Connection) -> None:
    """Everybody reads it anew."""
    changes.note(connection, "hub", roster=True)


def _put(connection: Connection, into: Table, row: dict[str, Any]) -> None:
    _noted(connection)
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(into).values(**row)
    news = {name: value for name, value in row.items() if name != "id"}
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=news))


def _keeper(row: Any) -> Keeper:
    return Keeper(row.id, row.post, row.name, row.phone, row.rank, row.away_until_ms, tuple(json.loads(row.channels)))
