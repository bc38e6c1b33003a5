"""The post's JSON API over a fake post: who may do what, and bad input."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from fastapi.testclient import TestClient

from kengd.errors import KengdError
from kengd.web.api import make_app
from kengd.web.gate import LARGEST_BODY
from tests.web.paper_post import PIN_OF, THAI, PaperPost

TOKEN = "mot-ma-rat-dai"
NEAR, HERE = ("127.0.0.1", 50_000), "http://127.0.0.1:8080"


class FakePost(PaperPost):
    """One that a program asks, and nobody signs in at."""

    def __init__(self, *, simulated: bool = True, token: str | None = TOKEN) -> None:
        super().__init__(simulated=simulated, pins=None, post="p1")
        self.token_sha256 = None if token is None else hashlib.sha256(token.encode()).hexdigest()
        self.is_ready = True
        self.verdict = "ring"

    def ready(self) -> bool:
        return self.is_ready

    def status(self) -> Mapping[str, Any]:
        conditions = [{"code": "line_down", "severity": "major", "vi": "mất", "en": "down"}]
        return {"post": "p1", "name": "Kẻng", "conditions": conditions, "sounding": None}

    def signals(self) -> Sequence[Mapping[str, Any]]:
        return [{"id": "alarm", "kind": "alarm", "name_vi": "báo động", "duration_ms": None}]

    def timetable(self) -> Sequence[Mapping[str, Any]]:
        return []

    def entries(self, after_seq: int, limit: int) -> Sequence[str]:
        return [f'{{"seq":{seq}}}' for seq in range(after_seq + 1, after_seq + 1 + min(limit, 3))]

    def tail(self, n: int) -> Sequence[str]:
        return ['{"seq":9}']

    def counters(self) -> Mapping[str, float]:
        return {"kengd_entries_total": 9.0, "kengd_line_up": 0.0}

    def ring(self, signal: str, purpose: str, by: str, why: str | None, key: str | None = None) -> Mapping[str, Any]:
        if self.silent:
            raise KengdError("no_answer", "tháp kẻng không trả lời")
        self.asked.append(("ring", signal, purpose, by, why))
        reason = "alarm_sounding" if self.verdict == "refuse" else None
        return {"verdict": self.verdict, "reason": reason, "activation": "a"}

    def hush(self, activation: str | None, by: str, why: str | None) -> Mapping[str, Any]:
        self.asked.append(("hush", activation, by, why))
        return {"verdict": "hush", "reason": None, "activation": "a"}

    def press(self, button: str, hold_ms: int) -> bool:
        self.asked.append(("press", button, hold_ms))
        return button == "alarm"

    def edges(self, after: int) -> Sequence[tuple[int, int, int]]:
        return [(n, n * 1_000, n % 2) for n in range(after + 1, 4)]


@pytest.fixture
def post() -> FakePost:
    return FakePost()


@pytest.fixture
def client(post: FakePost) -> TestClient:
    return TestClient(make_app(post), client=NEAR, base_url=HERE)


def authorized(token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_readiness_is_red_before_it_is_needed(client: TestClient, post: FakePost) -> None:
    """R26: 200 only when orders can be taken."""
    assert client.get("/healthz").json() == {"ready": True, "post": "p1"}
    post.is_ready = False
    assert client.get("/healthz").status_code == 503


def test_metrics_are_prometheus_text(client: TestClient) -> None:
    """Counters, gauges, and one line for each condition."""
    assert client.get("/metrics").text.splitlines() == [
        "# TYPE kengd_entries_total counter",
        "kengd_entries_total 9",
        "# TYPE kengd_line_up gauge",
        "kengd_line_up 0",
        'kengd_condition{code="line_down",severity="major"} 1',
    ]


def test_state_and_book_name_people_and_are_not_for_everybody(post: FakePost) -> None:
    """On this machine, with the token, on a keeper's device; a villager on the same Wi-Fi has a page of his own."""
    away = TestClient(make_app(post), client=("192.0.2.7", 1))
    keepers = TestClient(make_app(PaperPost()), client=("192.0.2.7", 1))
    keepers.post("/api/keeper/session", json={"pin": PIN_OF[THAI]})
    for path in ("/api/entries", "/api/status"):
        assert away.get(path).json()["error"] == "forbidden"
        assert away.get(path, headers=authorized("x")).status_code == 403
        assert away.get(path, headers=authorized()).status_code == 200
        assert keepers.get(path).status_code == 200
    assert [away.get(path).status_code for path in ("/healthz", "/metrics", "/api/signals")] == [200] * 3


def test_entries_are_given_as_the_book_has_them(client: TestClient) -> None:
    """With `after` onwards from there, without it the newest."""
    assert client.get("/api/entries?after=4&limit=2").json() == [{"seq": 5}, {"seq": 6}]
    assert client.get("/api/entries").json() == [{"seq": 9}]
    assert client.get("/api/entries?limit=100000").status_code == 422


@pytest.mark.parametrize("path", ["/api/ring", "/api/hush"])
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN + "x"}])
def test_nobody_rings_or_hushes_without_the_token(
    client: TestClient, post: FakePost, path: str, header: dict[str, str]
) -> None:
    """R53, R57, P12: every write is authenticated; a refused one never reaches the belfry."""
    answer = client.post(path, json={"signal": "alarm", "by": "x"}, headers=header)
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
    assert post.asked == []


def test_without_a_token_in_the_settings_the_page_only_shows() -> None:
    """P12: no token, no writes, not even with an empty one."""
    post = FakePost(token=None)
    client = TestClient(make_app(post), client=NEAR, base_url=HERE)
    answer = client.post("/api/ring", json={"signal": "alarm", "by": "x"}, headers=authorized(""))
    assert (answer.status_code, answer.json()["error"], post.asked) == (403, "no_token", [])


def test_whoever_has_the_token_rings_and_hushes(client: TestClient, post: FakePost) -> None:
    """Distinct verbs for ring and hush (R24, R56); the belfry's verdict is the answer."""
    ring = client.post("/api/ring", json={"signal": "alarm", "by": "Anh Ba"}, headers=authorized())
    hush = client.post("/api/hush", json={"by": "Anh Ba", "why": "nhầm"}, headers=authorized())
    assert (ring.status_code, ring.json()["verdict"], hush.status_code) == (200, "ring", 200)
    assert post.asked == [("ring", "alarm", "actual", "Anh Ba", None), ("hush", None, "Anh Ba", "nhầm")]


def test_a_refusal_and_a_belfry_that_does_not_answer_are_told_apart(client: TestClient, post: FakePost) -> None:
    """409 with the reason; 503 when nobody knows. Accepted is not sounded (P9)."""
    order = {"signal": "curfew", "by": "x"}
    post.verdict = "refuse"
    refused = client.post("/api/ring", json=order, headers=authorized())
    assert (refused.status_code, refused.json()["reason"]) == (409, "alarm_sounding")
    post.silent = True
    assert client.post("/api/ring", json=order, headers=authorized()).status_code == 503


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"signal": "alarm"},
        {"signal": "alarm", "by": ""},
        {"signal": "alarm", "by": "x" * 201},
        {"signal": "alarm", "by": "a\nb"},
        {"signal": "ALARM!", "by": "x"},
        {"signal": "alarm", "by": "x", "purpose": "toggle"},
        {"signal": "alarm", "by": "x", "duration": 999_999_999},
        {"signal": ["alarm"], "by": "x"},
        [],
        None,
    ],
)
def test_bad_orders_are_refused_with_a_reason_and_ring_nothing(
    client: TestClient, post: FakePost, order: object
) -> None:
    """R27, P12: unknown fields, wrong types, control characters, unbounded text."""
    answer = client.post("/api/ring", json=order, headers=authorized())
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid")
    assert post.asked == []


def test_a_page_elsewhere_cannot_write(client: TestClient, post: FakePost) -> None:
    """CSRF: an Origin that is not this post is refused, on /sim too."""
    for path in ("/sim/press", "/api/ring"):
        answer = client.post(path, json={"button": "alarm"}, headers={"Origin": "http://evil.example", **authorized()})
        assert answer.status_code == 403
    assert post.asked == []


def test_large_and_unmeasured_bodies_are_not_read(client: TestClient, post: FakePost) -> None:
    """Bounded: 8 KiB and a Content-Length."""
    large = client.post("/sim/press", content=b"x" * (LARGEST_BODY + 1))
    chunked = client.post("/sim/press", content=iter([b"{}"]))
    assert (large.status_code, chunked.status_code, post.asked) == (413, 413, [])


def test_simulated_pins_are_pressed_and_read(client: TestClient, post: FakePost) -> None:
    """DESIGN section 8: 202 at the press; edges as 1 and 0 with the next number to ask for."""
    answer = client.post("/sim/press", json={"button": "alarm", "hold_ms": 1_500})
    assert answer.status_code == 202
    assert client.get("/sim/edges?after=1").json() == {
        "edges": [{"n": 2, "t_ns": 2_000, "on": 0}, {"n": 3, "t_ns": 3_000, "on": 1}],
        "next": 3,
    }
    assert client.get("/sim/edges?after=7").json() == {"edges": [], "next": 7}
    assert client.post("/sim/press", json={"button": "nobody"}).status_code == 404
    assert client.post("/sim/press", json={"button": "alarm", "hold_ms": 10**9}).status_code == 422
    assert post.asked == [("press", "alarm", 1_500), ("press", "nobody", 1_500)]


def test_sim_is_for_this_machine_only_and_never_on_real_pins(post: FakePost) -> None:
    """P11, P12: from another host it is refused; with real pins it does not exist."""
    away = TestClient(make_app(post), client=("192.0.2.7", 1))
    assert away.post("/sim/press", json={"button": "alarm"}).status_code == 403
    real = TestClient(make_app(FakePost(simulated=False)), client=NEAR, base_url=HERE)
    assert real.post("/sim/press", json={"button": "alarm"}).status_code == 404
    assert real.get("/sim/edges").status_code == 404
    assert post.asked == []


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("localhost", True),
        ("evil.example:8080", False),
        ("127.0.0.1.evil.example", False),
        ("kengd.local", False),
        ("[", False),
        ("", False),
    ],
)
def test_a_strangers_page_that_bends_its_name_to_this_machine_is_not_near(
    post: FakePost, client: TestClient, host: str, near: bool
) -> None:
    """DNS rebinding: a browser on this very machine asks under a foreign name. It presses nothing and reads no names."""
    there = {"Host": host, "Origin": f"http://{host}"}
    codes = [
        client.post("/sim/press", json={"button": "alarm"}, headers=there).status_code,
        *(
            client.get(path, headers=there).status_code
            for path in ("/sim/edges", "/api/status", "/api/entries", "/tap-luyen")
        ),
    ]
    assert codes == ([202, 200, 200, 200, 200] if near else [403] * 5)
    assert bool(post.asked) is near
