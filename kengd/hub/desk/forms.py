"""What clients may send: every field bounded, nothing more and nothing else."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from kengd.hub.people.words import Role
from kengd.hub.roster import PAGE
from kengd.settings.field import Wrong
from kengd.wire.orders import LATEST_S, LONGEST_TEXT, is_text

LATEST_MS: Final = LATEST_S * 1000
MOST_POSTS: Final = 1_000


def _printable(text: str) -> str:
    if not is_text(text):
        raise Wrong(
            f"phải có 1–{LONGEST_TEXT} ký tự, trên một dòng",
            "viết gọn lại, không xuống dòng",
            f"1 to {LONGEST_TEXT} characters on one line, none of control",
        )
    return text


def _sound(text: str) -> str:
    """Longer text, or none."""
    if not all(is_text("." + text[at : at + 100]) for at in range(0, len(text), 100)):
        raise Wrong(
            "có ký tự không viết được trong sổ",
            "viết trên một dòng, không có ký tự điều khiển",
            "text on one line, no control characters",
        )
    return text


HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
ActId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.~-]{8,60}$")]
"""Made by the client when the dialog opens: the same id is the same act (R47)."""
AnyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.~-]{1,130}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_printable)]
Note = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_sound)]
Short = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), AfterValidator(_sound)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Slugs = Annotated[list[Slug], Field(min_length=1, max_length=MOST_POSTS)]
Moment = Annotated[int, Field(ge=0, le=LATEST_MS)]
Second = Annotated[int, Field(ge=0, le=LATEST_S)]
Rank = Annotated[int, Field(ge=0, le=1_000_000)]
Channels = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=500)]], Field(max_length=20)]


class Form(BaseModel):
    """No guessing of types, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class SignIn(Form):
    """Who, and on which device."""

    login: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    password: Secret
    device: Annotated[str, StringConstraints(max_length=200)] = ""


class Pin(Form):
    """A PIN, or the password where there is none."""

    pin: Secret


class NewPassword(Form):
    """One's own."""

    old: Secret
    new: Secret


class OwnPin(Form):
    """One's own; None: the password is asked for instead."""

    password: Secret
    pin: Annotated[str, StringConstraints(max_length=20)] | None = None


class NewToken(Form):
    """For a machine. `until_ms` None: until it is revoked."""

    name: Words
    role: Role = "duty"
    until_ms: Moment | None = None


class Where(Form):
    """Which posts, in exactly one of four ways."""

    posts: Slugs | None = None
    villages: Slugs | None = None
    groups: Slugs | None = None
    all: bool = False


class RingForm(Where):
    """`at`: unix s. `first`, `gap_s`: one after another from this post outwards."""

    id: ActId
    signal: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
    purpose: Literal["actual", "drill", "test"]
    why: Words
    at: Second | None = None
    first: Slug | None = None
    gap_s: Annotated[int, Field(ge=0, le=300)] = 0
    confirm: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}$")] | None = None
    alone_why: Words | None = None
    incident: AnyId | None = None


class HushForm(Where):
    """`lock`: no new ring until it is unlocked."""

    id: ActId
    why: Words | None = None
    lock: bool = False


class ActForm(Form):
    """Nothing but the act."""

    id: ActId


class AgainForm(ActForm):
    """`confirm`, `alone_why`: as with a ring, where it is for all bells again."""

    confirm: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}$")] | None = None
    alone_why: Words | None = None


class CallForm(Form):
    """Tin báo."""

    id: ActId
    text: Words
    village: Slug | None = None


class OutcomeForm(Form):
    """What it turned out to be; `kind`: an id of `incidents.KINDS`. `id`: the same id is the same outcome; a program may do without."""

    id: ActId | None = None
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    done: Short = ""
    done_by: Short = ""
    text: Note = ""


class VillageForm(Form):
    """A village."""

    name: Words
    households: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    rank: Rank = 0


class PostForm(Form):
    """A post. `x`, `y`: metres on the commune's plan, both or none."""

    name: Words
    villages: Annotated[list[Slug], Field(max_length=50)] = []
    sounder: bool = False
    x: Annotated[float, Field(ge=-1e7, le=1e7)] | None = None
    y: Annotated[float, Field(ge=-1e7, le=1e7)] | None = None
    page: Annotated[str, StringConstraints(pattern=PAGE)] | None = None
    rank: Rank = 0


class KeeperForm(Form):
    """A bell keeper."""

    post: Slug
    name: Words
    phone: Annotated[str, StringConstraints(max_length=40)] = ""
    rank: Rank = 0
    channels: Channels = []


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
    version: Annotated[int, Field(ge=1, le=2**31)]
    codebook: dict[str, Any]


class TimetableForm(Form):
    """A timetable with its version."""

    id: ActId
    version: Annotated[int, Field(ge=1, le=2**31)]
    timetable: Annotated[list[dict[str, Any]], Field(max_length=200)]


class NewKeeper(Form):
    """A keeper of a post that gets a file. `id`: one who is there; `pin`: six digits, None: stays."""

    id: Slug | None = None
    name: Words
    phone: Annotated[str, StringConstraints(max_length=40)] = ""
    pin: Annotated[str, StringConstraints(max_length=20)] | None = None


class DraftForm(Form):
    """`broker_host`: as the post calls it, None: the first name of the server's certificate. A post that is not in the roster needs a
    `name`; `villages` are names or ids, and new ones come into the roster with it, with their `households` (by name). `page_names`:
    names and addresses of the post's page. Bell, pins and hours: `template` (TOML) or `tables` (the same as JSON), or as its last
    file had them. `new`: refused where there is such a post already."""

    new: bool = False
    name: Words | None = None
    villages: Annotated[list[Words], Field(max_length=50)] | None = None
    households: Annotated[dict[Words, Annotated[int, Field(ge=0, le=1_000_000)]], Field(max_length=50)] = {}
    sounder: bool = False
    page: Annotated[str, StringConstraints(pattern=PAGE)] | None = None
    page_names: Annotated[list[HostName], Field(max_length=10)] | None = None
    broker_host: HostName | None = None
    broker_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    template: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    tables: dict[str, Any] | None = None


class EnrolForm(DraftForm):
    """`keep_old`: a renewal, what the post has stays good. `keepers`: new or changed ones; the others stay."""

    id: ActId
    keep_old: bool = False
    keepers: Annotated[list[NewKeeper], Field(max_length=50)] = []


class RenewForm(Form):
    """`all`: also what does not end soon."""

    all: bool = False


class RevokeForm(Form):
    """Why."""

    why: Words


class OfficerForm(Form):
    """A new officer."""

    login: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    name: Words
    role: Role
    phone: Annotated[str, StringConstraints(max_length=40)] = ""
    channels: Channels = []


class OfficerChange(Form):
    """What is not None changes."""

    name: Words | None = None
    role: Role | None = None
    phone: Annotated[str, StringConstraints(max_length=40)] | None = None
    rank: Rank | None = None
    channels: Channels | None = None


class KeeperPin(Form):
    """Six digits; None takes it away."""

    pin: Annotated[str, StringConstraints(max_length=20)] | None
