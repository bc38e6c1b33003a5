"""What clients may send: every field bounded, nothing more and nothing else."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

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
Phone = Annotated[str, StringConstraints(max_length=40)]
PinText = Annotated[str, StringConstraints(max_length=20)]
"""Whether it is one is asked by whoever keeps it: the refusal says more."""
Page = Annotated[str, StringConstraints(pattern=PAGE)]
Households = Annotated[int, Field(ge=0, le=1_000_000)]
Metres = Annotated[float, Field(ge=-1e7, le=1e7)]
Version = Annotated[int, Field(ge=1, le=2**31)]
SignalId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
Token = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}$")]
"""Of an alarm for all posts that waits to be confirmed."""


class Form(BaseModel):
    """No guessing of types, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Where(Form):
    """Which posts, in exactly one of four ways."""

    posts: Slugs | None = None
    villages: Slugs | None = None
    groups: Slugs | None = None
    all: bool = False


class RingForm(Where):
    """`at`: unix s. `first`, `gap_s`: one after another from this post outwards."""

    id: ActId
    signal: SignalId
    purpose: Literal["actual", "drill", "test"]
    why: Words
    at: Second | None = None
    first: Slug | None = None
    gap_s: Annotated[int, Field(ge=0, le=300)] = 0
    confirm: Token | None = None
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

    confirm: Token | None = None
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
