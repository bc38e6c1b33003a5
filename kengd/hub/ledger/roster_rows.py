"""Who is in the commune: villages, posts, keepers, groups, neighbours."""

from __future__ import annotations

from sqlalchemy import Column, Text
from sqlmodel import Field

from kengd.hub.ledger.rows import WHOLE, Row


class VillageRow(Row, table=True):
    """A village (thôn, tổ dân phố). `rank`: its place in lists."""

    __tablename__ = "village"

    id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    households: int = 0
    rank: int = 0


class PostRow(Row, table=True):
    """A bell post. `sounder`: the duty room's own. `x`, `y`: metres on the commune's plan, east and north, or both None.

    `retired_ms`: taken out of service; its entries stay. `page`: address of its public page.
    """

    __tablename__ = "post"

    id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    rank: int = 0
    sounder: bool = False
    x: float | None = None
    y: float | None = None
    page: str | None = Field(default=None, sa_type=Text)
    enrolled_ms: int = Field(sa_type=WHOLE)
    retired_ms: int | None = Field(default=None, sa_type=WHOLE)


class ServesRow(Row, table=True):
    """A post serves a village: none, one or several; a village may have several posts."""

    __tablename__ = "serves"

    post: str = Field(primary_key=True, foreign_key="post.id", sa_type=Text)
    village: str = Field(primary_key=True, foreign_key="village.id", sa_type=Text)


class NeighbourRow(Row, table=True):
    """When `village` is in alarm, `neighbour` is to be asked for help (H13). `by_itself`: without an officer's yes."""

    __tablename__ = "neighbour"

    village: str = Field(primary_key=True, foreign_key="village.id", sa_type=Text)
    neighbour: str = Field(primary_key=True, foreign_key="village.id", sa_type=Text)
    by_itself: bool = False


class GroupRow(Row, table=True):
    """Posts that are rung together."""

    __tablename__ = "post_group"

    id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)


class MemberRow(Row, table=True):
    """A post belongs to a group."""

    __tablename__ = "member"

    group: str = Field(sa_column=Column("group_id", Text, primary_key=True))
    post: str = Field(primary_key=True, foreign_key="post.id", sa_type=Text)


class KeeperRow(Row, table=True):
    """A bell keeper. `rank`: who is called first. `away_until_ms`: đi vắng đến ngày. `channels`: JSON list of notice addresses."""

    __tablename__ = "keeper"

    id: str = Field(primary_key=True, sa_type=Text)
    post: str = Field(foreign_key="post.id", sa_type=Text, index=True)
    name: str = Field(sa_type=Text)
    phone: str = Field(default="", sa_type=Text)
    rank: int = 0
    away_until_ms: int | None = Field(default=None, sa_type=WHOLE)
    channels: str = Field(default="[]", sa_type=Text)
    pin: str | None = Field(default=None, sa_type=Text)
