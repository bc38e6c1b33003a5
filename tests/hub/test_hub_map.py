"""The commune's plan: degrees and metres, a picture under it, where posts and their names stand on the drawing."""

from __future__ import annotations

import math
import re
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.errors import KengdError
from kengd.hub.desk.pages.map_drawing import MARK_PX, WIDTHS, Box, _name_box, frame_of, lines_of, spots_of, step_of
from kengd.hub.desk.plan_room import PictureForm, PlaceForm, place_picture, put_picture, put_place
from kengd.hub.ledger import copying, plans, rosters
from kengd.hub.ledger.store import Ledger
from kengd.hub.pictures import LARGEST, Size, size_of
from kengd.hub.plan import Origin, Picture, Plan, Reference, from_plan, laid, origin_of, read_place, to_plan
from kengd.hub.roster import Post
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Officer, Station, acts, station

HANOI = Origin(21.03, 105.85)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


# ---- degrees and metres


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("21.03, 105.85", (21.03, 105.85)),
        (" 21.0312 105.8498 ", (21.0312, 105.8498)),
        ("21,03; 105,85", (21.03, 105.85)),
        ("(-8.5;115.25)", (-8.5, 115.25)),
        ("105.85, 21.03", (21.03, 105.85)),
        ("21°01'48\"N 105°51'00\"E", (21.03, 105.85)),
        ("105°51′0″Đ, 21°1′48,0″B", (21.03, 105.85)),
        ("geo:21.03,105.85?z=17", (21.03, 105.85)),
        ("https://maps.example/place/An+Lao/@21.03,105.85,15z/data=!3m1", (21.03, 105.85)),
    ],
)
def test_a_place_is_read_as_people_write_and_paste_it(text: str, place: tuple[float, float]) -> None:
    """A keyboard with commas, a phone's map, a link, the other way round where only one reading can be."""
    assert read_place(text) == pytest.approx(place, abs=1e-9)


@pytest.mark.parametrize(
    "text", ["", "21.03", "thôn An Lão", "21.03, 205.85", "89.9, 10", "nan, nan", "9" * 400, "1e3 2", "21°75'0\"N 105°51'0\"E",
             "21°1'60\"N 105°51'0\"E"],
)  # fmt: skip
def test_what_is_no_place_is_refused_with_an_example(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(KengdError) as wrong:
        read_place(text)
    assert wrong.value.code == "bad_place" and "21.03, 105.85" in wrong.value.cure


def test_a_degree_is_as_many_metres_as_the_earth_has_there() -> None:
    """0.01° at 21° north: 1112 m to the north, 1037.9 m to the east."""
    assert to_plan(HANOI, 21.04, 105.85) == (0.0, 1112.0)
    assert to_plan(HANOI, 21.03, 105.86) == (1037.9, 0.0)
    with pytest.raises(KengdError) as far:
        to_plan(HANOI, 10.77, 106.7)
    assert far.value.code == "far_place" and "1144 km" in far.value.vi


@given(st.floats(8, 24), st.floats(102, 110), st.floats(-50_000, 50_000), st.floats(-50_000, 50_000))
def test_metres_become_degrees_and_the_same_metres_again(lat: float, lon: float, x: float, y: float) -> None:
    """To a quarter of a metre, anywhere in the country and anywhere in a commune; the first place given may be anywhere on it."""
    there = from_plan(Origin(lat, lon), x, y)
    assert to_plan(Origin(lat, lon), *there) == pytest.approx((x, y), abs=0.25)
    made = origin_of(lat, lon, x, y)
    assert to_plan(made, lat, lon) == pytest.approx((x, y), abs=0.25)


PICTURE = Picture("image/png", 1_000, 500, "0" * 12, 0, 0, 1_000)


def test_two_touched_points_lay_the_picture() -> None:
    """Two metres a pixel, its corner 100 m west and 300 m north; a finger's slip of some pixels is shared by both."""
    one, other = Reference(100, 50, 100, 200), Reference(900, 450, 1_700, -600)
    assert laid(PICTURE, one, other) == replace(PICTURE, x=-100.0, y=300.0, width_m=2_000.0)
    slipped = laid(PICTURE, replace(one, px=104, py=46), other)
    assert slipped.width_m == pytest.approx(2_000, rel=0.02) and slipped.x == pytest.approx(-100, abs=15)


@pytest.mark.parametrize(
    ("other", "code"),
    [
        (Reference(110, 55, 1_700, -600), "points_too_close"),
        (Reference(900, 450, 105, 205), "points_too_close"),
        (Reference(900, 450, -1_500, 1_000), "picture_turned"),
        (Reference(500, 450, 900, 1_000), "picture_turned"),
    ],
)
def test_points_that_cannot_be_are_refused(other: Reference, code: str) -> None:
    """A picture is never stretched over a slip."""
    with pytest.raises(KengdError) as wrong:
        laid(PICTURE, Reference(100, 50, 100, 200), other)
    assert wrong.value.code == code


# ---- the picture's bytes


def png(width: int, height: int) -> bytes:
    """As much of one as is read."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII5s4s", 13, b"IHDR", width, height, b"\x08\x02\0\0\0", b"crc!")


def jpeg(width: int, height: int) -> bytes:
    """With EXIF and a Huffman table before its frame."""
    exif = b"\xff\xe1" + struct.pack(">H", 10) + b"Exif\0\0\xff\xc0"
    table = b"\xff\xc4" + struct.pack(">H", 4) + b"\0\0"
    return b"\xff\xd8" + exif + table + b"\xff\xff\xc2" + struct.pack(">HBHHB", 8, 8, height, width, 0) + b"\0" * 8


def webp(width: int, height: int) -> bytes:
    """The extended kind."""
    said = struct.pack("<I", 10) + b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + said + b"\0" * 8


def lossless(width: int, height: int) -> bytes:
    """Another kind of WebP."""
    bits = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8L" + struct.pack("<I", 5) + b"\x2f" + bits + b"\0" * 8


def lossy(width: int, height: int) -> bytes:
    """And the first one."""
    return (
        b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8 " + b"\0" * 7 + b"\x9d\x01\x2a" + struct.pack("<HH", width, height)
    )


@pytest.mark.parametrize("make", [png, jpeg, webp, lossless, lossy])
def test_a_picture_is_known_by_its_own_bytes(make: Any) -> None:
    """Kind and size, whatever its name or its sender says."""
    found = size_of(make(640, 480))
    assert (found.width, found.height) == (640, 480) and found.kind in ("image/png", "image/jpeg", "image/webp")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_a_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "not_a_picture"),
        (b"GIF89a" + b"\0" * 40, "not_a_picture"),
        (png(4, 4_000), "not_a_picture"),
        (png(9_000, 100), "not_a_picture"),
        (jpeg(7_000, 7_000), "not_a_picture"),
        (b"\xff\xd8\xff\xe0\0\0" + b"\0" * 40, "not_a_picture"),
        (png(100, 100) + b"\0" * LARGEST, "too_large"),
    ],
)
def test_what_is_no_picture_for_a_phone_is_refused(data: bytes, code: str) -> None:
    """No drawing that runs, nothing that fills a phone's memory."""
    with pytest.raises(KengdError) as wrong:
        size_of(data)
    assert wrong.value.code == code


@given(st.binary(max_size=200), st.sampled_from([png, jpeg, webp, lossless, lossy]), st.integers(0, 60))
def test_no_bytes_break_the_reader(noise: bytes, make: Any, at: int) -> None:
    """Cut anywhere, followed by anything: a size or a refusal."""
    try:
        found: Size | None = size_of(make(640, 480)[:at] + noise)
    except KengdError:
        found = None
    assert found is None or found.width >= 16


# ---- the drawing


def test_the_frame_holds_everything_and_is_neither_flat_nor_tall() -> None:
    """A phone held upright and a desk's screen show the same."""
    assert frame_of([], None) == Box(-2_000, 2_000, 4_000, 4_000)
    row = frame_of([(0, 0), (10_000, 0)], None)
    assert (row.x, row.width, round(row.height)) == (-1_200, 12_400, 7_440)
    assert frame_of([(5, 5)], None).width == 400
    pictured = frame_of([(5_000, 0)], Picture("image/png", 100, 100, "", 0, 1_000, 2_000))
    assert pictured.x < 0 < 5_000 < pictured.x + pictured.width


def test_the_grid_is_round_metres_and_inside() -> None:
    """Its squares are the scale."""
    box = Box(-150, 900, 3_000, 2_000)
    assert step_of(box) == 500
    assert lines_of(box) == (
        [round((n * 500 + 150) / 30, 3) for n in range(6)], [round((900 - n * 500) / 20, 3) for n in range(-2, 2)],
    )  # fmt: skip


POINTS = st.lists(st.tuples(st.floats(0, 3_000), st.floats(0, 3_000)), min_size=1, max_size=40)


@settings(max_examples=30, deadline=None)
@given(POINTS)
def test_names_cover_no_other_name_or_mark_at_any_width(points: list[tuple[float, float]]) -> None:
    """Readable at 360 pixels; a name without room waits for a wider drawing."""
    posts = [Post(f"p{n}", f"Điểm số {n}", x=x, y=y) for n, (x, y) in enumerate(points)]
    box = frame_of(points, None)
    spots = spots_of(posts, box)
    assert [spot.post for spot in spots] == [post.id for post in posts]
    names = {post.id: len(post.name) * 8.0 for post in posts}
    for at, width in enumerate(WIDTHS):
        marks = {
            spot.post: (spot.left / 100 * width, spot.top / 100 * width * box.height / box.width) for spot in spots
        }
        shown = [spot for spot in spots if spot.width <= at]
        boxes = [(spot.post, _name_box(*marks[spot.post], names[spot.post], spot.side)) for spot in shown]
        for n, (post, name) in enumerate(boxes):
            others = [other for _, other in boxes[n + 1 :]]
            others += [
                (x - MARK_PX, y - MARK_PX, x + MARK_PX, y + MARK_PX) for one, (x, y) in marks.items() if one != post
            ]
            for other in others:
                overlap = (
                    min(name[2], other[2]) - max(name[0], other[0]),
                    min(name[3], other[3]) - max(name[1], other[1]),
                )
                assert min(overlap) < 1e-3 * width, (post, width)


# ---- over the API


def test_posts_are_placed_by_metres_or_degrees_by_whoever_may(hub: Station) -> None:
    """The first degrees make the origin, where that post already stood; nothing else of the post changes."""
    before = next(one for one in hub.admin.get("/api/roster").json()["posts"] if one["id"] == "an-lao")
    assert hub.admin.put("/api/posts/an-lao/place", {"x": 100, "y": 200}).json() == {
        "x": 100,
        "y": 200,
        "degrees": None,
    }
    refused = hub.admin.put("/api/posts/bo-trang/place", {"at": "21.03, 105.85"})
    assert refused.json()["error"] == "no_origin", "nobody knows where the metres are"
    told = hub.admin.put("/api/posts/an-lao/place", {"at": "21.03, 105.85"}).json()
    assert told == {"x": 100, "y": 200, "degrees": [21.03, 105.85]}
    assert hub.admin.put("/api/posts/bo-trang/place", {"at": "21.04, 105.85"}).json()["y"] == pytest.approx(1_312.0)
    assert hub.admin.put("/api/posts/bo-trang/place", {"at": "10.0, 105.85"}).json()["error"] == "far_place"
    after = next(one for one in hub.admin.get("/api/roster").json()["posts"] if one["id"] == "an-lao")
    assert after == before | {"x": 100.0, "y": 200.0}
    assert hub.admin.put("/api/posts/an-lao/place", {}).json()["x"] is None
    for wrong in ({"x": 1}, {"x": 1, "y": 2, "at": "21.03, 105.85"}):
        assert hub.admin.put("/api/posts/an-lao/place", wrong).json()["error"] == "bad_place"
    assert hub.admin.put("/api/posts/khong-co/place", {"x": 1, "y": 2}).json()["error"] == "unknown_post"
    assert hub.officer("binh").put("/api/posts/an-lao/place", {"x": 1, "y": 2}).json()["error"] == "not_allowed"
    assert [act for _, act in acts(hub)].count("post_placed") == 4


def upload(hub: Station, data: bytes) -> Any:
    headers = {"Origin": "http://testserver", "X-Kengd-Csrf": hub.admin.csrf, "Content-Type": "image/png"}
    return hub.admin.web.put("/api/plan/picture", content=data, headers=headers)


def test_the_picture_is_kept_served_under_its_name_laid_and_dropped(hub: Station) -> None:
    """With its own kind, whatever was said; for the signed in only; in the ledger, so it is in every backup."""
    assert upload(hub, b"<svg/>").json()["error"] == "not_a_picture"
    assert upload(hub, png(100, 100) + b"\0" * LARGEST).status_code == 413
    told = upload(hub, jpeg(800, 400)).json()
    assert (told["kind"], told["x"], told["y"], told["width_m"]) == ("image/jpeg", -2_000, 1_000, 4_000)
    address = f"/api/plan/picture/{told['digest']}"
    shown = hub.admin.get(address)
    assert shown.content == jpeg(800, 400) and shown.headers["content-type"] == "image/jpeg"
    assert (
        shown.headers["x-content-type-options"] == "nosniff"
        and "default-src 'self'" in shown.headers["content-security-policy"]
    )
    again = hub.admin.web.get(address, headers={"If-None-Match": shown.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert Officer(hub.app, "").get(address).status_code == 401
    assert address in hub.admin.get("/ban-do").text
    for post, x, y in (("an-lao", 0, 0), ("bo-trang", 1_000, -500)):
        hub.admin.put(f"/api/posts/{post}/place", {"x": x, "y": y})
    points = [{"px": 100, "py": 100, "post": "an-lao"}, {"px": 500, "py": 300, "post": "bo-trang"}]
    laid_now = hub.admin.put("/api/plan/picture/place", {"points": points}).json()
    assert (laid_now["x"], laid_now["y"], laid_now["width_m"]) == (-250, 250, 2_000)
    moved = hub.admin.put("/api/plan/picture/place", {"x": 1, "y": 2, "width_m": 3_000}).json()
    assert (moved["x"], moved["y"], moved["width_m"]) == (1, 2, 3_000)
    for wrong in (
        {},
        {"x": 1},
        {"x": 0, "y": 0, "points": points},
        {"x": 1, "y": 2, "width_m": 3_000, "points": points},
    ):
        assert hub.admin.put("/api/plan/picture/place", wrong).json()["error"] == "one_way"
    newer = upload(hub, png(800, 400)).json()
    assert (newer["x"], newer["width_m"]) == (1, 3_000), "a better picture of the same size lies where the old one lay"
    assert hub.admin.get(address).status_code == 404
    assert any(line.startswith('["plan.picture"') for line in copying.lines(hub.hub.ledger))
    assert hub.admin.delete("/api/plan/picture").status_code == 200
    for refused in (
        hub.admin.delete("/api/plan/picture"),
        hub.admin.put("/api/plan/picture/place", {"points": points}),
    ):
        assert refused.status_code == 404 and "tải ảnh lên" in refused.json()["cure"]
    assert hub.admin.get("/api/plan").json() == {"origin": None, "picture": None}


def test_the_map_shows_each_post_by_shape_and_word_and_lists_it_too(hub: Station) -> None:
    """Not by colour alone; those without a place are named beside it; nobody but who may is offered to change it."""
    hub.admin.put("/api/posts/an-lao/place", {"x": 0, "y": 0})
    hub.admin.put("/api/posts/bo-trang/place", {"x": 900, "y": 300})
    hub.status("an-lao")
    hub.status("bo-trang")
    hub.absent("bo-trang")
    html = hub.admin.get("/ban-do", post=["an-lao"]).text
    assert 'aria-label="Điểm An Lão sẵn sàng"' in html and 'aria-label="Điểm Bồ Tràng mất liên lạc"' in html
    marks = re.findall(r'<circle r="20"/><path d="([^"]+)"', html)
    assert len(set(marks)) == 2, "two states, two shapes"
    assert "Chưa có chỗ trên bản đồ:</p>" not in html and "Điểm Cầu Ngang.</p>" in re.sub(r"\s*<a.*?</a>", "", html)
    assert re.search(r'value="an-lao" checked', html) and 'href="tel:0912345678"' in html
    part = hub.admin.get("/phan/ban-do", id=["bo-trang"]).text
    assert 'id="cho-bo-trang"' in part and 'id="dong-bo-trang"' in part and "an-lao" not in part
    assert 'id="place"' in hub.admin.get("/ban-do", sua=True).text
    assert 'id="place"' not in hub.officer("binh").get("/ban-do", sua=True).text


def test_places_on_the_page_are_where_the_plan_says(hub: Station) -> None:
    """East is right and north is up."""
    for post, x, y in (("an-lao", 0, 0), ("bo-trang", 1_000, 0), ("cau-ngang", 0, 1_000)):
        hub.admin.put(f"/api/posts/{post}/place", {"x": x, "y": y})
    html = hub.admin.get("/ban-do").text
    places = {
        post: (float(left), float(top))
        for post, left, top in re.findall(r'id="cho-([a-z-]+)" x="([\d.]+)%" y="([\d.]+)%"', html)
    }
    an_lao, bo_trang, cau_ngang = (places[post] for post in ("an-lao", "bo-trang", "cau-ngang"))
    assert bo_trang[0] > an_lao[0] and bo_trang[1] == an_lao[1]
    assert cau_ngang[1] < an_lao[1] and cau_ngang[0] == an_lao[0]
    assert math.isclose(bo_trang[0] - an_lao[0], an_lao[1] - cau_ngang[1], rel_tol=1e-3), "as far as it is"


def test_what_rings_lies_on_top_and_is_always_named(hub: Station) -> None:
    """Among three hundred points the one that matters is not covered by its neighbours."""
    for post in ("an-lao", "bo-trang", "cau-ngang"):
        hub.admin.put(f"/api/posts/{post}/place", {"x": 0, "y": 0})
        hub.status(post)
    hub.absent("cau-ngang")
    sounding = Sounding("a" * 16, "alarm", Purpose.DRILL, Source.HUB, wall_ms())
    hub.status("an-lao", sounding=sounding)
    html = hub.admin.get("/ban-do").text
    assert re.findall(r'id="cho-([a-z-]+)"', html) == ["bo-trang", "cau-ngang", "an-lao"]
    assert 'class="spot drill"' in html and 'aria-label="Điểm An Lão diễn tập"' in html
    assert html.count("<tspan>Điểm") == 3, "named in the drawing, though there is room for none of them"


class OneWorker:
    """A worker's desk, as far as the plan's room needs it. `open`: what it has written is not committed before this is set."""

    def __init__(self, url: str) -> None:
        self.ledger = Ledger(url)
        self.hub = self
        self.wrote, self.open = threading.Event(), threading.Event()
        self.wrong: list[BaseException] = []

    def audit_in(self, *_: Any) -> None:
        self.wrote.set()
        assert self.open.wait(20)

    def roster_changed(self) -> None:
        """Nobody else has read it."""

    def does(self, act: Callable[..., Any], *args: Any) -> threading.Thread:
        """In a thread of its own."""

        def run() -> None:
            try:
                act(*args, self, SimpleNamespace(require=lambda right: None))
            except BaseException as error:
                self.wrong.append(error)
                raise

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread


def renamed(desk: Any, _: Any) -> None:
    """As any other room changes a post."""
    with desk.ledger.write() as connection:
        rosters.put_post(connection, Post("an-lao", "Điểm Mới", ()))
        desk.audit_in()


MOVED = PictureForm(x=1, y=2, width_m=3_000)


@pytest.mark.parametrize(
    ("first", "second", "post", "plan"),
    [
        ((renamed,), (put_place, "an-lao", PlaceForm(x=5, y=6)), ("Điểm Mới", 5, 6), (None, 0, False)),
        ((place_picture, MOVED), (put_place, "an-lao", PlaceForm(at="21.03, 105.85")), ("Điểm An Lão", 7, 8), ("+", 1, False)),
        ((place_picture, MOVED), (put_picture, png(1_000, 500)), ("Điểm An Lão", 7, 8), (None, 1, True)),
    ],
    ids=["place", "origin", "picture"],
)  # fmt: skip
def test_two_workers_that_change_the_map_together_lose_nothing(
    ledger_url: str, first: Any, second: Any, post: tuple[Any, ...], plan: tuple[Any, ...]
) -> None:
    """The second waits for the first, on both databases: what each has changed is there, and bytes fit their name."""
    one, other = OneWorker(ledger_url), OneWorker(ledger_url)
    with one.ledger.write() as connection:
        rosters.put_post(connection, Post("an-lao", "Điểm An Lão", (), x=7, y=8))
        plans.put_plan(connection, Plan(None, PICTURE))
        plans.put_picture(connection, b"old")
    begun = one.does(*first)
    assert one.wrote.wait(20)
    other.open.set()
    waits = other.does(*second)
    waits.join(0.3)
    assert waits.is_alive(), "it has not gone past the first"
    one.open.set()
    for thread in (begun, waits):
        thread.join(20)
    assert (one.wrong, other.wrong) == ([], [])
    with one.ledger.read() as connection:
        known, found = rosters.read_roster(connection).post("an-lao"), plans.read_plan(connection)
        assert known is not None and found.picture is not None
        assert (known.name, known.x, known.y) == post
        new = found.picture.digest != PICTURE.digest
        assert (found.origin and "+", found.picture.x, new) == plan
        data = plans.picture_of(connection, found.picture.digest)
        assert data is not None and data[1] == (png(1_000, 500) if new else b"old")
    for worker in (one, other):
        worker.ledger.close()


def test_a_picture_that_is_changed_while_it_is_read_never_comes_under_the_old_name(ledger_url: str) -> None:
    """A browser keeps it for good."""
    one, other = Ledger(ledger_url), Ledger(ledger_url)
    for content, digest in ((b"old", "0" * 12), (b"new", "1" * 12)):
        with one.read() as connection:
            before = plans.read_plan(connection).picture
            with other.write() as writing:
                plans.put_picture(writing, content)
                plans.put_plan(writing, Plan(None, replace(PICTURE, digest=digest)))
            assert before is None or plans.picture_of(connection, before.digest) in (None, ("image/png", b"old"))
    for ledger in (one, other):
        ledger.close()


def test_both_databases_keep_the_plan_and_its_picture(ledger: Ledger) -> None:
    """Every byte of it, and nothing where there is nothing."""
    with ledger.read() as connection:
        assert plans.read_plan(connection) == Plan() and plans.picture_of(connection, PICTURE.digest) is None
    data = bytes(range(256)) * 4_000
    for plan in (Plan(HANOI, PICTURE), Plan(HANOI)):
        with ledger.write() as connection:
            plans.put_plan(connection, plan)
            plans.put_picture(connection, data if plan.picture else None)
        with ledger.read() as connection:
            assert plans.read_plan(connection) == plan
            assert plans.picture_of(connection, PICTURE.digest) == (("image/png", data) if plan.picture else None)
