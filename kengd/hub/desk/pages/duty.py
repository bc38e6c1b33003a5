"""Bảng trực ban: alarms first, what is wrong, and every post as it is now; parts of it anew when something changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

from kengd.hub.absences import TOGETHER_MS
from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.desk_page import board_of
from kengd.hub.desk.pages.page import Looking, desk_and_caller, fragment, page
from kengd.hub.desk.shift_book import names_of, shift_view
from kengd.hub.incidents import KINDS, keepers_at_home
from kengd.hub.ledger import incidents, rosters, shifts
from kengd.hub.roster import Seen
from kengd.pages.language import noted
from kengd.wire.said import KINDS as KINDS_VI
from kengd.wire.said import SOURCES, reason_text

router = APIRouter(include_in_schema=False)
MOST_ASKED: Final = 400
Ids = Annotated[list[Annotated[str, Query(pattern=r"^[a-z0-9-]{1,40}$")]] | None, Query(max_length=MOST_ASKED)]


@router.get("/")
def desk_page(
    request: Request, caller: Looking, wall: Annotated[bool, Query(alias="man-hinh")] = False
) -> HTMLResponse:
    """The whole board. `wall`: for a screen that nobody touches, read from across the room."""
    desk = desk_of(request)
    facts = facts_of(desk, phones=not caller.locked)
    counts = {state: sum(state in post["states"] for post in facts["posts"]) for state in STATES}
    roster = desk.hub.roster()
    with desk.hub.ledger.read() as connection:
        groups = [(key, name) for key, name in rosters.group_names(connection).items() if key in (roster.groups or {})]
    return page(
        request, "duty.html", caller, **facts, wall=wall, counts=counts, state_names=STATES, group_list=groups,
        village_list=roster.villages,
    )  # fmt: skip


@router.get("/phan/tren")
def upper(request: Request) -> HTMLResponse:
    """Incidents and what is wrong with the hub itself."""
    desk, caller = desk_and_caller(request)
    return fragment(request, "duty_upper.html", caller=caller, **facts_of(desk, phones=not caller.locked))


@router.get("/phan/bao")
def alarms(request: Request) -> JSONResponse:
    """For pages that do not show the board: how many alarms nobody has taken; `mine`: who asks is on duty."""
    desk, caller = desk_and_caller(request)
    with desk.hub.ledger.read() as connection:
        found = incidents.open_ones(connection)
        on_duty = shifts.newest(connection)
    untaken = sum(1 for one in found if one.origin == "alarm" and one.acknowledged_ms is None)
    mine = on_duty is not None and on_duty.officer == caller.officer.id
    return JSONResponse({"untaken": untaken, "n": untaken, "mine": mine, "now_ms": desk.now_ms()})


@router.get("/phan/diem")
def posts(request: Request, id: Ids = None) -> HTMLResponse:
    """These posts, or all."""
    desk, caller = desk_and_caller(request)
    only = None if id is None else set(id)
    return fragment(request, "duty_posts.html", **facts_of(desk, phones=not caller.locked, only=only))


def facts_of(desk: Desk, *, phones: bool, only: set[str] | None = None) -> dict[str, Any]:
    """The board's own facts, and what only a page shows: blows, whom to phone, a whole commune that is gone as one line.

    `only`: these posts, the others count without being shown.
    """
    facts = board_of(desk)
    roster, seen = desk.hub.roster(), desk.hub.watch.all()
    outage = together_gone(facts["posts"], facts["line_up"])
    names = {post.id: post.name for post in roster.posts}
    villages = {village.id: village.name for village in roster.villages}
    enrolled = {post.id: post.enrolled_ms for post in roster.posts}
    groups = roster.groups or {}
    now_ms = facts["now_ms"]
    for at, post in enumerate(facts["posts"]):
        post["at"] = at
    every = {post["id"]: post for post in facts["posts"]}
    if only is not None:
        facts["posts"] = [post for post in facts["posts"] if post["id"] in only]
    for post in facts["posts"]:
        post["village_names"] = [villages.get(village, village) for village in post["villages"]]
        post["group_ids"] = [group for group, members in groups.items() if post["id"] in members]
        post["states"] = states(post, silenced=_silenced(seen.get(post["id"]), now_ms))
        post["looks"] = looks(post, outage)
        post["place"] = ORDER.index(post["looks"].split()[0]) * MOST_POSTS + post["at"]
        post["last"] = last_words(post["last_ring"])
        needed = phones and (post["silence"] is not None or post["sounding"] is not None)
        post["keepers"] = keepers_at_home(roster.keepers, post["id"], now_ms) if needed else ()
        post["score"] = None
        if post["sounding"] is not None and (known := seen.get(post["id"])) is not None:
            scores = desk.scores.of(post["id"], enrolled[post["id"]], known).scores
            post["score"] = scores.get(post["sounding"]["signal"])
    for incident in facts["incidents"]:
        incident["post_name"] = names.get(incident["post"] or "")
        for item in incident["sounded"]:
            item["post_name"] = names.get(item["post"], item["post"])
            item["says"], item["proof"] = sounds_now(item, every.get(item["post"]))
        at_home = keepers_at_home(roster.keepers, incident["post"], now_ms) if incident["post"] else ()
        incident["helper_names"] = [villages.get(one, names.get(one, one)) for one in incident["helpers"]]
        incident["keepers"] = at_home if phones else ()
        incident["calm"] = is_calm(incident)
    with desk.hub.ledger.read() as connection:
        on_duty = shifts.last(connection, 2)
    shift = shift_view(on_duty[0], names_of(desk)) if on_duty else None
    left = on_duty[1].note if phones and len(on_duty) > 1 else ""
    untaken = [one for one in facts["incidents"] if one["origin"] == "alarm" and one["acknowledged_ms"] is None]
    facts["posts"].sort(key=lambda post: post["place"])
    return facts | {
        "outage": outage,
        "untaken": len(untaken),
        "kinds": KINDS,
        "names": names,
        "shift": shift,
        "left": left,
    }


def is_calm(incident: Mapping[str, Any]) -> bool:
    """Somebody has it and nothing sounds for it any more: it stands below what cannot wait."""
    over = all(item["ended_ms"] is not None for item in incident["sounded"])
    return (
        incident["acknowledged_ms"] is not None and over and bool(incident["sounded"] or incident["origin"] == "call")
    )


PROVED: Final = noted("đang kêu (đã nghe thấy tiếng)")
UNPROVED: Final = noted("đang đánh, %(proof)s")
LOST: Final = noted("lần cuối nghe là đang đánh, từ đó mất liên lạc")
BEGUN: Final = noted("đã bắt đầu đánh, chưa có tin là dứt")


def sounds_now(item: Mapping[str, Any], post: Mapping[str, Any] | None) -> tuple[str, str]:
    """Of what has begun and has not ended by its book: the words (to be translated), and what the post itself says of the sound
    (P9)."""
    if post is None or not post["present"]:
        return LOST, ""
    sounding = post["sounding"]
    if sounding is None or sounding["activation"] != item["activation"]:
        return BEGUN, ""
    return (PROVED, "") if sounding["proved"] else (UNPROVED, sounding["proved_vi"])


def together_gone(posts: list[dict[str, Any]], line_up: bool) -> dict[str, Any] | None:
    """Most posts gone at one time are one thing, not ten: the network, or the power of the whole commune."""
    gone = sorted(
        (post["since_ms"], post["id"])
        for post in posts
        if line_up and not post["present"] and post["since_ms"] is not None and not post["sounder"]
    )
    if len(gone) < 2 or len(gone) * 2 <= len(posts):
        return None
    best: list[tuple[int, str]] = []
    for at, (since_ms, _) in enumerate(gone):
        at_once = [one for one in gone[at:] if one[0] - since_ms <= TOGETHER_MS]
        best = max(best, at_once, key=len)
    if len(best) < 2 or len(best) * 2 <= len(posts):
        return None
    return {"since_ms": best[0][0], "posts": [post for _, post in best]}


ORDER: Final = ("rings", "cannot", "away", "unsure", "ready")
"""What is seen first: what sounds, then what is not as it should be."""
MOST_POSTS: Final = 100_000
STATES: Final = {
    "rings": noted("đang đánh"), "cannot": noted("không kêu được"), "absent": noted("mất liên lạc"),
    "silenced": noted("tạm ngừng thường lệ"), "unsure": noted("cần xem"), "ready": noted("sẵn sàng"),
}  # fmt: skip
"""What posts are counted and found by."""


def states(post: dict[str, Any], *, silenced: bool) -> list[str]:
    """All that it is, the one that tells most first."""
    found = ["rings"] if post["sounding"] is not None else []
    if not post["present"]:
        found.append("absent")
    if post["silence"] is not None and post["silence"]["mute"]:
        found.append("cannot")
    elif post["silence"] is not None and post["present"]:
        found.append("unsure")
    if silenced:
        found.append("silenced")
    if (post["conditions"] or post["clock_vi"]) and "unsure" not in found:
        found.append("unsure")
    return found or ["ready"]


def last_words(ring: Mapping[str, Any] | None) -> str:
    """Why it rang and how it ended: "nút bấm, chòi gác, trộm đột nhập: bị ngắt, có người dừng"."""
    if ring is None:
        return ""
    began = (SOURCES.get(ring["source"] or "", ""), ring["place"], ring["by"], ring["why"])
    ended = (KINDS_VI.get(ring["outcome"] or "", ""), reason_text(ring["outcome"] or "", ring["reason"], {}))
    parts = (", ".join(part for part in each if part) for each in (began, ended))
    return ": ".join(part for part in parts if part)


def _silenced(seen: Seen | None, now_ms: int) -> bool:
    return seen is not None and seen.status is not None and seen.status.silenced_until_s * 1000 > now_ms


def looks(post: dict[str, Any], outage: dict[str, Any] | None) -> str:
    """The card's class: what is to be seen first of it."""
    if post["sounding"] is not None:
        return f"rings {post['sounding']['purpose']}"
    if outage is not None and post["id"] in outage["posts"]:
        return "away"
    if post["why_silent"] is not None:
        return "cannot"
    return "unsure" if post["conditions"] or post["clock_vi"] or post["why_calm_silent"] else "ready"
