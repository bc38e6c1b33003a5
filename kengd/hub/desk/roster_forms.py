"""What clients may send about villages, posts, keepers and who helps whom: every field bounded."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kengd.hub.desk.forms import Channels, Form, Households, Metres, Moment, Page, Phone, Rank, Slug, Slugs, Words


class VillageForm(Form):
    """A village."""

    name: Words
    households: Households = 0
    rank: Rank = 0


class PostForm(Form):
    """A post. `x`, `y`: metres on the commune's plan, both or none."""

    name: Words
    villages: list[Slug] = Field(default=[], max_length=50)
    sounder: bool = False
    x: Metres | None = None
    y: Metres | None = None
    page: Page | None = None
    rank: Rank = 0


class KeeperForm(Form):
    """A bell keeper."""

    post: Slug
    name: Words
    phone: Phone = ""
    rank: Rank = 0
    channels: Channels = Field(default=[])


class AwayForm(Form):
    """Not to be called before this moment; None: here."""

    until_ms: Moment | None


class NeighbourForm(Form):
    """One neighbour; `by_itself`: asked without an officer's yes (H13)."""

    village: Slug
    by_itself: bool = False


class NeighboursForm(Form):
    """All neighbours of a village anew."""

    neighbours: Annotated[list[NeighbourForm], Field(max_length=50)]


class GroupForm(Form):
    """Posts that are rung together."""

    name: Words
    posts: Slugs
