"""The commune's plan: where each post stands on it, and the picture under it."""

from __future__ import annotations

from dataclasses import asdict, replace
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Request
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from kengd.errors import KengdError, UsageError
from kengd.hub.desk.desk import Asking, At, Writing
from kengd.hub.desk.forms import Form, Metres, Slug
from kengd.hub.desk.refusals import Json
from kengd.hub.ledger import plans, rosters
from kengd.hub.ledger.rosters import read_roster
from kengd.hub.pictures import LARGEST_PX, size_of
from kengd.hub.plan import LONGEST_PLACE, Picture, Plan, Reference, from_plan, laid, origin_of, read_place, to_plan
from kengd.hub.roster import Post, Roster

router = APIRouter()
KEPT: Final = "private, max-age=31536000, immutable"
WIDE_M: Final = 4_000.0
"""Of a picture while no post says how large the commune is."""


class PlaceForm(Form):
    """Where a post stands: metres on the plan, or `at`: latitude and longitude as people write them; neither: nowhere."""

    x: Metres | None = None
    y: Metres | None = None
    at: Annotated[str, StringConstraints(max_length=LONGEST_PLACE)] | None = None


class PointForm(Form):
    """A pixel of the plan's picture, where this post stands."""

    px: Annotated[float, Field(ge=0, le=LARGEST_PX)]
    py: Annotated[float, Field(ge=0, le=LARGEST_PX)]
    post: Slug


class PictureForm(Form):
    """The picture's north-west corner and its width in metres, or two points of it."""

    x: Metres | None = None
    y: Metres | None = None
    width_m: Annotated[float, Field(ge=10, le=1e6)] | None = None
    points: Annotated[list[PointForm], Field(min_length=2, max_length=2)] | None = None


@router.get("/api/plan")
def plan(desk: At, caller: Asking) -> Json:
    """The origin in degrees and the picture's place in metres, each null where there is none."""
    with desk.hub.ledger.read() as connection:
        return Json(asdict(plans.read_plan(connection)))


@router.put("/api/posts/{post}/place")
def put_place(post: Slug, form: PlaceForm, desk: At, caller: Writing) -> Json:
    """Where a post stands: metres, or latitude and longitude as text; with neither it stands nowhere. The first pair of degrees that
    is ever given makes the plan's origin."""
    caller.require("people")
    with desk.hub.ledger.write() as connection:
        plan = plans.held_plan(connection)
        rosters.hold_post(connection, post)
        roster = read_roster(connection)
        known = roster.post(post)
        if known is None:
            raise KengdError("unknown_post", f"không có điểm kẻng “{post}”", cure="tải lại trang", en="no such post")
        x, y, plan_now = _place(form, known, roster, plan)
        rosters.place_post(connection, post, x, y)
        if plan_now != plan:
            plans.put_plan(connection, plan_now)
        desk.audit_in(connection, caller, "post_placed", {"post": post, "x": x, "y": y})
    desk.roster_changed()
    degrees = from_plan(plan_now.origin, x, y) if plan_now.origin and x is not None and y is not None else None
    return Json({"x": x, "y": y, "degrees": degrees})


def _place(form: PlaceForm, known: Post, roster: Roster, plan: Plan) -> tuple[float | None, float | None, Plan]:
    if (form.x is None) != (form.y is None) or (form.at is not None and form.x is not None):
        raise UsageError(
            "bad_place", "ghi x và y, hoặc vĩ độ và kinh độ", cure="ghi đủ một trong hai cách", en="x and y, or at"
        )
    if form.at is None:
        return form.x, form.y, plan
    lat, lon = read_place(form.at)
    if plan.origin is None:
        stays = (known.x, known.y) if known.x is not None and known.y is not None else None
        if stays is None and (
            plan.picture or any(other.x is not None for other in roster.posts if other.id != known.id)
        ):
            raise KengdError(
                "no_origin",
                "bản đồ đang vẽ theo mét, chưa biết vĩ độ kinh độ của nó",
                cure="gõ vĩ độ, kinh độ cho một điểm đã có chỗ trên bản đồ trước",
                en="the plan has no latitude and longitude yet: give those of a post that stands on it first",
            )
        plan = replace(plan, origin=origin_of(lat, lon, *(stays or (0.0, 0.0))))
    assert plan.origin is not None
    return *to_plan(plan.origin, lat, lon), plan


async def uploaded(request: Request) -> bytes:
    """The body, which the gate has bounded."""
    return await request.body()


@router.put("/api/plan/picture")
def put_picture(data: Annotated[bytes, Depends(uploaded)], desk: At, caller: Writing) -> Json:
    """PNG, JPEG or WebP as the body, up to 2 MiB: what it is is read from its bytes. It is laid under the posts that stand on the
    plan; where exactly says `/api/plan/picture/place`."""
    caller.require("people")
    size = size_of(data)
    with desk.hub.ledger.write() as connection:
        before = plans.held_plan(connection)
        x, y, width_m = _under(read_roster(connection), size.height / size.width)
        digest = sha256(data).hexdigest()[:12]
        picture = Picture(size.kind, size.width, size.height, digest, x, y, width_m)
        if (old := before.picture) is not None and (old.width, old.height) == (size.width, size.height):
            picture = replace(old, kind=size.kind, digest=digest)
        plans.put_picture(connection, data)
        plans.put_plan(connection, replace(before, picture=picture))
        facts = {"bytes": len(data), "width": size.width, "height": size.height}
        desk.audit_in(connection, caller, "plan_picture_put", facts)
    return Json(asdict(picture))


def _under(roster: Roster, shape: float) -> tuple[float, float, float]:
    """x, y of the north-west corner and the width in metres: all posts with room around them. `shape`: height by width."""
    placed = [(post.x, post.y) for post in roster.posts if post.x is not None and post.y is not None]
    xs, ys = [x for x, _ in placed] or [0.0], [y for _, y in placed] or [0.0]
    wide = max((max(xs) - min(xs)) * 1.3, (max(ys) - min(ys)) * 1.3 / shape)
    width_m = round(wide, 1) if wide >= 100 else WIDE_M
    x, y = (min(xs) + max(xs)) / 2 - width_m / 2, (min(ys) + max(ys)) / 2 + width_m * shape / 2
    return round(x, 1), round(y, 1), width_m


@router.put("/api/plan/picture/place")
def place_picture(form: PictureForm, desk: At, caller: Writing) -> Json:
    """By its north-west corner and width in metres, or by two pixels of it where two posts stand."""
    caller.require("people")
    corner = [part for part in (form.x, form.y, form.width_m) if part is not None]
    if len(corner) != (3 if form.points is None else 0):
        raise UsageError(
            "one_way", "căn ảnh theo đúng một cách", cure="ghi x, y, width_m; hoặc points", en="corner, or points"
        )
    with desk.hub.ledger.write() as connection:
        plan, roster = plans.held_plan(connection), read_roster(connection)
        if plan.picture is None:
            raise _no_picture()
        if form.points is not None:
            one, other = (Reference(item.px, item.py, *_stands(roster, item.post)) for item in form.points)
            picture = laid(plan.picture, one, other)
        else:
            assert form.x is not None and form.y is not None and form.width_m is not None
            picture = replace(plan.picture, x=form.x, y=form.y, width_m=form.width_m)
        plans.put_plan(connection, replace(plan, picture=picture))
        facts = {"x": picture.x, "y": picture.y, "width_m": picture.width_m}
        desk.audit_in(connection, caller, "plan_picture_placed", facts)
    return Json(asdict(picture))


def _stands(roster: Roster, post: str) -> tuple[float, float]:
    known = roster.post(post)
    if known is None or known.x is None or known.y is None:
        raise KengdError(
            "unknown_post", f"điểm “{post}” chưa có chỗ trên bản đồ", cure="đặt điểm đó trước", en="not on the plan"
        )
    return known.x, known.y


@router.delete("/api/plan/picture")
def drop_picture(desk: At, caller: Writing) -> Json:
    """The plan is blank again; posts stay where they are."""
    caller.require("people")
    with desk.hub.ledger.write() as connection:
        plan = plans.held_plan(connection)
        if plan.picture is None:
            raise _no_picture()
        plans.put_picture(connection, None)
        plans.put_plan(connection, replace(plan, picture=None))
        desk.audit_in(connection, caller, "plan_picture_dropped", {})
    return Json({"done": True})


@router.get("/api/plan/picture/{digest}")
def picture(
    digest: Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")],
    desk: At,
    caller: Asking,
    if_none_match: Annotated[str, Header(max_length=500)] = "",
) -> Response:
    """Its bytes, under a name that is theirs: a browser keeps them for good."""
    tag: dict[str, Any] = {"ETag": f'"{digest}"', "Cache-Control": KEPT}
    with desk.hub.ledger.read() as connection:
        shown = plans.read_plan(connection).picture
        if shown is not None and shown.digest == digest and tag["ETag"] in if_none_match:
            return Response(status_code=304, headers=tag)
        found = plans.picture_of(connection, digest)
    if found is None:
        raise KengdError("no_such_thing", "bản đồ không còn ảnh này", cure="tải lại trang", en="no such picture")
    kind, data = found
    return Response(data, media_type=kind, headers=tag)


def _no_picture() -> KengdError:
    return KengdError(
        "no_such_thing", "bản đồ chưa có ảnh nền", cure="muốn có thì tải ảnh lên trước", en="the plan has no picture"
    )
