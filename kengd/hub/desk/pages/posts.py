"""Điểm kẻng: every post with what is wrong and its cure, versions, book and certificates, and what can be done with it, live."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from kengd.hub.desk.board import book_view, posts_now
from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.enrol_room import certificate_view, certificates_now
from kengd.hub.desk.forms import Slug
from kengd.hub.desk.pages.arriving import arrival
from kengd.hub.desk.pages.cures import CURES
from kengd.hub.desk.pages.page import Looking, desk_and_caller, fragment, page
from kengd.hub.desk.post_orders import post_of
from kengd.hub.ledger.desk_facts import doubtful_books
from kengd.hub.ledger.rosters import read_roster
from kengd.hub.people.words import Caller
from kengd.hub.post_templates import kept_tables
from kengd.hub.reports.rules_sheet import qr_svg
from kengd.hub.roster import Seen
from kengd.hub.sheet import no_page
from kengd.pages.language import noted

router = APIRouter(include_in_schema=False)
WARN_DAYS: Final = 60
FEW: Final = 12
"""So many posts are read at a glance; more are grouped by village."""
HOLDERS: Final = {
    "server": noted("máy chủ MQTT"), "hub": noted("máy trực ban"), "post": noted("điểm kẻng, đường dây tới xã"),
    "page": noted("điểm kẻng, trang của người giữ"), "reader": noted("máy chỉ xem"), "bridge": noted("cầu nối từ xã"),
}  # fmt: skip
Ids = Annotated[list[Annotated[str, Query(pattern=r"^[a-z0-9-]{1,40}$")]] | None, Query(max_length=400)]


@router.get("/diem-keng")
def posts(request: Request, caller: Looking) -> HTMLResponse:
    """All of them; what an officer may not do is not offered."""
    caller.require_awake()
    facts = facts_of(desk_of(request), caller)
    return page(request, "posts.html", caller, groups=_groups(facts["posts"]), **facts)


@router.get("/phan/diem-keng")
def cards(request: Request, id: Ids = None) -> HTMLResponse:
    """These posts' cards, anew."""
    desk, caller = desk_and_caller(request)
    caller.require_awake()
    return fragment(request, "posts_cards.html", **facts_of(desk, caller, id))


@router.get("/diem-keng/chung-thu")
def certificates(request: Request, caller: Looking) -> HTMLResponse:
    """Every certificate in use with its end, the soonest first."""
    caller.require_awake()
    caller.require("enrol")
    desk = desk_of(request)
    names = {post.id: post.name for post in desk.hub.roster().posts}
    return page(
        request, "certificates.html", caller, certificates=certificates_now(desk), holders=HOLDERS, names=names,
        warn_days=WARN_DAYS, ca_ends=desk.hub.authority.ca_ends_ms(), may_renew=caller.why_not("keys") is None,
    )  # fmt: skip


@router.get("/diem-keng/{post}/xem")
def post_page(post: Slug, request: Request, caller: Looking) -> HTMLResponse:
    """One post: whether it has come, its card, its certificates, its codes to hang up."""
    caller.require_awake()
    desk = desk_of(request)
    post_of(desk, post)
    index, now_ms = desk.hub.authority.index, desk.now_ms()
    found = [*index.valid("post", post), *index.valid("page", post)]
    facts = facts_of(desk, caller, [post])
    return page(
        request, "post.html", caller, post=facts["posts"][0], certificates=[certificate_view(one, now_ms) for one in found],
        holders=HOLDERS, came=arrival_of(desk, post), warn_days=WARN_DAYS, **facts,
    )  # fmt: skip


@router.get("/phan/diem-keng/{post}/cho")
def waiting(post: Slug, request: Request) -> HTMLResponse:
    """Whether the post has come with its newest file, and what is still wrong."""
    desk, caller = desk_and_caller(request)
    caller.require_awake()
    return fragment(request, "posts_wait.html", post_id=post, came=arrival_of(desk, post), cures=CURES)


@router.get("/phan/diem-keng/{post}/nut")
def buttons(post: Slug, request: Request) -> JSONResponse:
    """Its buttons, as its file has them."""
    desk, caller = desk_and_caller(request)
    caller.require("silence")
    with desk.hub.ledger.read() as connection:
        given = kept_tables(connection, post).get("gpio", {}).get("buttons", [])
    status = desk.hub.watch.seen(post).status
    locked = (
        " ".join(item.vi for item in status.conditions if item.code == "button_locked") if status is not None else ""
    )
    return JSONResponse([
        {"name": one.get("name"), "does": one.get("does"), "place": one.get("place"), "locked": f"«{one.get('name')}»" in locked}
        for one in given
    ])  # fmt: skip


@router.get("/phan/diem-keng/{post}/{of}.svg")
def code(post: Slug, of: Literal["dan", "giu"], request: Request) -> Response:
    """A QR code: of the public page (`dan`), or of the keepers' page (`giu`). Raises KengdError `unknown_post`, `no_page`."""
    desk, caller = desk_and_caller(request)
    caller.require_awake()
    with desk.hub.ledger.read() as connection:
        known = read_roster(connection).post(post) or post_of(desk, post)
        web = kept_tables(connection, post).get("web", {})
    keepers = f"https://{post}.local:{web.get('tls_port', 8443)}/"
    url = keepers if of == "giu" else known.page
    if url is None:
        raise no_page(post)
    return Response(str(qr_svg(url)), media_type="image/svg+xml", headers={"Cache-Control": "no-store"})


def arrival_of(desk: Desk, post: str) -> dict[str, Any]:
    """See `arriving.arrival`; for its newest file."""
    issued = desk.hub.authority.index.valid("post", post)
    given_ms = issued[-1].issued_ms if issued else None
    return arrival(desk.hub.watch.seen(post), given_ms, desk.now_ms(), line_up=bool(desk.hub.line.up))


def facts_of(desk: Desk, caller: Caller, only: Iterable[str] | None = None) -> dict[str, Any]:
    """What the cards show. `only`: of these posts."""
    now_ms, roster, seen = desk.now_ms(), desk.hub.roster(), desk.hub.watch.all()
    wanted = None if only is None else set(only)
    ends = {one.subject: one.not_after_ms for one in desk.hub.authority.index.current() if one.purpose == "post"}
    villages = {village.id: village.name for village in roster.villages}
    with desk.hub.ledger.read() as connection:
        doubts = {chain.post: book_view(chain, now_ms) for chain in doubtful_books(connection)}
    views = posts_now(roster, seen, {}, now_ms, bool(desk.hub.line.up))
    views = [view for view in views if wanted is None or view["id"] in wanted]
    for view in views:
        status = seen.get(view["id"], Seen()).status
        view["village_names"] = [villages.get(one, one) for one in view["villages"]]
        view["ends_ms"] = ends.get(view["id"])
        view["ends_soon"] = view["ends_ms"] is not None and view["ends_ms"] - now_ms < WARN_DAYS * 86_400_000
        view["keepers"] = [keeper for keeper in roster.keepers if keeper.post == view["id"]]
        view["book"] = doubts.get(view["id"])
        view["seq"] = status.seq if status is not None else None
        known = roster.post(view["id"])
        view["page"] = known.page if known is not None else None
        view["more"] = _more(view)
        fine = not (
            view["conditions"] or view["why_calm_silent"] or view["clock_vi"] or view["ends_soon"] or view["book"]
        )
        view["looks"] = "cannot" if view["why_silent"] else "ready" if fine else "unsure"
    return {
        "posts": views, "cures": CURES, "may_enrol": caller.why_not("enrol") is None,
        "may_silence": caller.why_not("silence") is None, "now_ms": now_ms,
    }  # fmt: skip


def _more(view: dict[str, Any]) -> list[str]:
    """What is neither the reason for its silence nor said by one of its conditions."""
    if view["why_silent"] is not None or any(
        item["code"] in ("clock_untrusted", "silenced") for item in view["conditions"]
    ):
        return []
    untrusted = view["clock"] == "untrusted"
    lines = (view["clock_vi"], None if untrusted and view["clock_vi"] is not None else view["why_calm_silent"])
    return [line for line in lines if line is not None]


def _groups(views: list[dict[str, Any]]) -> list[tuple[str | None, list[dict[str, Any]]]]:
    """By their first village, in the order of the posts; a few are one group without a name."""
    if len(views) <= FEW:
        return [(None, views)]
    found: dict[str, list[dict[str, Any]]] = {}
    for view in views:
        found.setdefault(view["village_names"][0] if view["village_names"] else "", []).append(view)
    return list(found.items())
