"""What clients may send about one post: what it is told beside rings, and the file that lets it in. Every field bounded."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from kengd.hub.desk.forms import ActId, Form, Households, Page, Phone, PinText, Second, Slug, Version, Words

HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]


class SilenceForm(Form):
    """Hold back routine rings until then (unix s); 0 ends it."""

    id: ActId
    until: Second
    why: Words | None = None


class LockInputForm(Form):
    """Lock or unlock a button."""

    id: ActId
    button: Words
    locked: bool
    why: Words | None = None


class CodebookForm(Form):
    """A codebook with its version."""

    id: ActId
    version: Version
    codebook: dict[str, Any]


class TimetableForm(Form):
    """A timetable with its version."""

    id: ActId
    version: Version
    timetable: Annotated[list[dict[str, Any]], Field(max_length=200)]


class NewKeeper(Form):
    """A keeper of a post that gets a file. `id`: one who is there; `pin`: six digits, None: stays."""

    id: Slug | None = None
    name: Words
    phone: Phone = ""
    pin: PinText | None = None


class DraftForm(Form):
    """`broker_host`: as the post calls it, None: the first name of the server's certificate. A post that is not in the roster needs a
    `name`; `villages` are names or ids, and new ones come into the roster with it, with their `households` (by name). `page_names`:
    names and addresses of the post's page. Bell, pins and hours: `template` (TOML) or `tables` (the same as JSON), or as its last
    file had them. `new`: refused where there is such a post already."""

    new: bool = False
    name: Words | None = None
    villages: Annotated[list[Words], Field(max_length=50)] | None = None
    households: dict[Words, Households] = Field(default={}, max_length=50)
    sounder: bool = False
    page: Page | None = None
    page_names: Annotated[list[HostName], Field(max_length=10)] | None = None
    broker_host: HostName | None = None
    broker_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    template: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    tables: dict[str, Any] | None = None


class EnrolForm(DraftForm):
    """`keep_old`: a renewal, what the post has stays good. `keepers`: new or changed ones; the others stay."""

    id: ActId
    keep_old: bool = False
    keepers: list[NewKeeper] = Field(default=[], max_length=50)


class RenewForm(Form):
    """`all`: also what does not end soon."""

    all: bool = False


class RevokeForm(Form):
    """Why."""

    why: Words
