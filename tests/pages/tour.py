"""Every page there is, with an evening's worth on it: for the eye, for the scales and for whoever cannot see.

The pages are found among the application's routes: a new one cannot be forgotten, it is looked at or a test fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from fastapi.routing import APIRoute

from kengd.bellcode.codebooks import builtin
from kengd.duty.health import Condition
from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.codebook_drafts import of_codebook
from kengd.hub.ledger import rosters
from kengd.hub.roster import Post
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Station

NO_PAGES: Final = ("/phan/", "/static/", "/ngon-ngu/", "/ca.pem")
"""Parts that a page fetches, files, and the switch of the language."""
DRILL: Final = "tour-drill-01"


@dataclass(frozen=True, slots=True)
class Stop:
    """One page. `name`: for a file."""

    name: str
    path: str


def evening(station: Station) -> dict[str, str]:
    """One alarm nobody has taken, one that is over with its outcome, a drill on its way, a post that is gone; what is in paths."""
    over = station.pressed("bo-trang", "an-0009")
    station.hears(
        "bo-trang", "cut", activation="an-0009", signal="alarm", purpose="actual", source="button", reason="hushed"
    )
    assert station.admin.post(f"/api/incidents/{over}/acknowledge").status_code == 200
    outcome = {"kind": "theft", "done": "bắt được một người", "done_by": "tổ an ninh", "text": "lấy trộm chó"}
    assert station.admin.post(f"/api/incidents/{over}/outcomes", outcome).status_code == 201
    station.absent("cau-ngang")
    drill = {
        "id": DRILL,
        "signal": "alarm",
        "purpose": "drill",
        "posts": ["bo-trang", "cau-ngang"],
        "why": "diễn tập tháng",
    }
    assert station.admin.post("/api/rings", drill).status_code == 201
    told = {"command_id": station.jti(DRILL, "bo-trang"), "signal": "alarm", "purpose": "drill", "source": "hub"}
    station.hears("bo-trang", "received", **told)
    station.hears("bo-trang", "ringing", activation="dt-0001", **told)
    now = station.pressed("an-lao", "a" * 16)
    still_there(station)
    _placed(station)
    draft = {"rev": "", **of_codebook(builtin("ea_o"))}
    assert station.admin.put("/api/codes/codebook/draft", draft).status_code == 200
    me = station.admin.get("/api/me").json()
    return {
        "incident": now,
        "dispatch": DRILL,
        "post": "an-lao",
        "village": "an-lao",
        "keeper": "ba-tu",
        "group": "ven-song",
        "officer": str(me["officer"]["id"]),
        "what": "codebook",
    }


def still_there(station: Station) -> None:
    """Two posts speak, as they do each minute: one sounds, one does not trust its clock."""
    unsure = Condition("clock_untrusted", "major", "Chưa tin được đồng hồ", "The clock is not trusted")
    station.status("bo-trang", conditions=(unsure,))
    sounding = Sounding("a" * 16, "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms())
    station.status("an-lao", sounding=sounding)


def _placed(station: Station) -> None:
    """Two of three posts stand on the commune's plan."""
    with station.hub.ledger.write() as connection:
        for rank, post in enumerate(rosters.read_roster(connection).posts[:2]):
            rosters.put_post(connection, replace(post, x=400.0 + 900 * rank, y=300.0 + 500 * rank), rank)
    station.hub.forget_roster()


def stops(rooms: Iterable[Any], known: Mapping[str, str]) -> Iterator[Stop]:
    """Each page of these modules with a `router`. Raises KeyError for one whose path holds something that nobody told."""
    for room in rooms:
        for route in room.router.routes:
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and not route.path.startswith(NO_PAGES):
                path = route.path.format_map(known)
                yield Stop(path.strip("/").replace("/", "-") or "bang", path)


def many(station: Station, count: int) -> None:
    """So many posts more, as in a district."""
    with station.hub.ledger.write() as connection:
        for number in range(count):
            rosters.put_post(connection, Post(f"diem-{number:03}", f"Điểm kẻng số {number}", ("an-lao",)), 10 + number)
    station.hub.forget_roster()
    for number in range(count):
        station.status(f"diem-{number:03}")
