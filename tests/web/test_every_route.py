"""Every route of the post's page, whatever it will be: nothing is ordered by reading, and each write asks who and from where."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from kengd.web.api import make_app
from kengd.web.devices import csrf_of
from kengd.web.gate import READS
from kengd.web.house import CSRF
from tests.web.paper_post import PIN_OF, THAI, PaperPost

SIGNED_IN_BY = {"/api/keeper/session": "POST"}
"""The one write that a keeper makes before he is known."""
ENDLESS = "/api/keeper/live"
BODIES = {
    "/api/keeper/session": {"pin": PIN_OF[THAI]},
    "/api/keeper/pin": {"old": PIN_OF[THAI], "new": "730518"},
    "/api/keeper/ring": {"id": "tr-000000001"},
    "/api/keeper/hush": None,
    "/api/keeper/heard": {"ring": "c" * 16, "heard": True},
    "/api/ring": {"signal": "alarm", "by": "x"},
    "/api/hush": {"by": "x"},
    "/sim/press": {"button": "alarm"},
}


@pytest.fixture
def post() -> PaperPost:
    made = PaperPost()
    made.write("ringing", signal="curfew", source="timetable", activation="c" * 16)
    return made


@pytest.fixture
def web(post: PaperPost) -> TestClient:
    """A keeper's browser on this very machine: nothing is kept from it for being a stranger's."""
    made = TestClient(make_app(post), client=("127.0.0.1", 5_000), base_url="http://localhost")
    assert made.post("/api/keeper/session", json={"pin": PIN_OF[THAI]}).status_code == 200
    return made


def routes(web: TestClient) -> Iterator[tuple[str, str]]:
    """(method, path) of each; what stands in a path is filled in."""
    for route in all_of(web.app.routes):  # type: ignore[attr-defined]
        for method in route.methods or ():
            path = route.path.replace("{wanted}", "en").replace("{digest}", "0" * 12).replace("{name}", "x.js")
            assert "{" not in path, path
            yield method, path


def all_of(found: list[object]) -> Iterator[APIRoute]:
    """Also those of routers within."""
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        else:
            yield from all_of(getattr(getattr(route, "original_router", route), "routes", []))


def writes(web: TestClient) -> list[tuple[str, str]]:
    """Each that is no reading."""
    return sorted((method, path) for method, path in routes(web) if method not in READS)


def test_nothing_at_all_is_ordered_by_reading(web: TestClient, post: PaperPost) -> None:
    """A link, a preview, a page that loads ahead (R57): GET and HEAD of every path, also of those that write."""
    kept = dict(post.values)
    paths = {path for _, path in routes(web)} - {ENDLESS}
    assert len(paths) > 20 and set(BODIES) <= paths
    word = {CSRF: csrf_of(next(iter(web.cookies.values())))}  # not for want of it
    for path in paths:
        for query in ("", "?signal=alarm&pin=204865&id=tr-000000001&purpose=actual&button=alarm&by=x"):
            assert web.get(path + query, headers=word, follow_redirects=False).status_code < 500, path
        web.head(path, headers=word)
    assert (post.asked, post.values) == ([], kept)


def test_every_write_is_refused_to_a_foreign_page_to_a_stranger_and_without_the_pages_word(
    web: TestClient, post: PaperPost
) -> None:
    """P12, R53: Origin at every one; the keeper's also the CSRF word and his cookie; the others the token."""
    assert {path for _, path in writes(web)} == set(BODIES)
    kept = dict(post.values)
    stranger = TestClient(web.app, client=("127.0.0.1", 5_001), base_url="http://localhost")
    word = csrf_of(next(iter(web.cookies.values())))
    for method, path in writes(web):
        body = BODIES[path]
        for origin in ("http://evil.example", "https://localhost", "http://localhost:1", "null"):
            answer = web.request(method, path, json=body, headers={CSRF: word, "Origin": origin})
            assert (answer.status_code, answer.json()["error"]) == (403, "forbidden"), (method, path, origin)
        if SIGNED_IN_BY.get(path) == method or path.startswith("/sim/"):
            continue
        refused = [one.request(method, path, json=body).json()["error"] for one in (web, stranger)]
        expected = ["csrf", "not_signed_in"] if path.startswith("/api/keeper/") else ["no_token"] * 2
        assert refused == expected, (method, path)
    assert (post.asked, post.values) == ([], kept)


def test_no_form_can_put_a_secret_into_an_address(web: TestClient) -> None:
    """Where modules do not come a browser sends a form by itself, as `?name=value`: what is secret has no name."""
    change = web.get("/ma-pin").text
    web.cookies.clear()
    secrets = re.findall(r'<input[^>]*type="password"[^>]*>', change + web.get("/vao").text)
    assert len(secrets) == 4
    assert [field for field in secrets if re.search(r"\sname=", field)] == []
