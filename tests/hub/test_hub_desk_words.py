"""What the API refuses it explains in Vietnamese: no sentence of pydantic's reaches an officer."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kengd import clock
from kengd.hub.settings import HubSettings
from kengd.settings.demands import PATTERNS
from tests.hub.desk_kit import Station, station

RING = {"id": "act-00000001", "all": True, "signal": "alarm", "purpose": "drill", "why": "thử"}
ENGLISH = re.compile(
    r"\b(should|input|valid|field|required|must|least|characters|string|permitted|JSON decode)\b", re.IGNORECASE
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Station:
    return station(tmp_path_factory.mktemp("desk"))


def test_each_usual_mistake_has_a_vietnamese_sentence(desk: Station) -> None:
    """Missing, unknown, of another type, too short, too long, out of range, not one of these, no JSON at all; what was sent is
    not repeated (P12)."""
    for path, body, cure in (
        ("/api/rings", {key: value for key, value in RING.items() if key != "why"}, "why: thiếu mục này"),
        ("/api/rings", {**RING, "loud": True}, "loud: không có mục nào tên như vậy"),
        ("/api/rings", {**RING, "why": 5}, "why: phải là chữ, đặt trong dấu nháy"),
        ("/api/rings", {**RING, "why": ""}, "why: không được để trống"),
        ("/api/rings", {**RING, "why": "a" * 201}, "why: nhiều nhất 200 ký tự"),
        ("/api/rings", {**RING, "why": "a\nb"}, "why: phải có 1–200 ký tự, trên một dòng"),
        ("/api/rings", {**RING, "id": "x"}, "id: phải có 8–60 ký tự"),
        ("/api/rings", {**RING, "at": "soon"}, "at: phải là số nguyên"),
        ("/api/rings", {**RING, "at": -1}, "at: phải từ 0 trở lên"),
        ("/api/rings", {**RING, "gap_s": 301}, "gap_s: nhiều nhất là 300"),
        ("/api/rings", {**RING, "purpose": "fun"}, "purpose: chọn một trong: 'actual', 'drill', 'test'"),
        ("/api/rings", {**RING, "all": "yes"}, "all: phải là true hoặc false"),
        ("/api/rings", {**RING, "all": False, "posts": []}, "posts: ít nhất 1 mục"),
        ("/api/rings", {**RING, "all": False, "posts": ["Ồ"]}, "posts[1]: chỉ chữ thường không dấu"),
        ("/api/rings", [], "nội dung gửi lên: phải là một đối tượng JSON"),
        ("/api/rings", None, "nội dung gửi lên: thiếu mục này"),
    ):
        answer = desk.admin.post(path, body)
        said = answer.json()
        assert answer.status_code == 422 and said["error"] == "invalid" and cure in said["cure"], said
        assert ENGLISH.search(said["vi"] + said["cure"]) is None and ENGLISH.search(said["en"]), said
    broken = desk.admin.web.post(
        "/api/rings", content=b"{", headers={"X-Kengd-Csrf": desk.admin.csrf, "Origin": "http://testserver",
                                             "Content-Type": "application/json"},
    ).json()  # fmt: skip
    assert broken["cure"] == "nội dung gửi lên: không phải JSON"
    query = desk.admin.get("/api/incidents", limit="many").json()
    assert query["cure"] == "limit: phải là số nguyên"
    secret = desk.admin.post("/api/session", {"login": "truong", "password": "s" * 401}).json()
    assert "sss" not in str(secret)


def test_every_pattern_of_the_api_and_the_settings_is_explained(desk: Station) -> None:
    """A regular expression explains nothing to an officer: of a body, a query or a path."""
    found: set[str] = set()
    _patterns(desk.admin.get("/api/openapi.json").json(), found)
    assert r"^before-restore-[0-9]{1,20}$" in found and r"^([a-z0-9-]{1,40})?$" in found
    _patterns(HubSettings.model_json_schema(), found)
    assert found - set(PATTERNS) == set()


def _patterns(schema: Any, found: set[str]) -> None:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            found.add(schema["pattern"])
        for part in schema.values():
            _patterns(part, found)
    elif isinstance(schema, list):
        for part in schema:
            _patterns(part, found)


def test_a_report_of_a_time_to_come_is_refused(desk: Station) -> None:
    """An empty report of next year would be taken for a quiet one; the running month is reported."""
    now = clock.local(clock.now().wall_ms)
    for form in ("json", "xlsx", "html"):
        answer = desk.admin.get(f"/api/reports/{now.year + 1}.{form}")
        assert (
            answer.status_code == 422 and answer.json()["error"] == "bad_period" and "chưa tới" in answer.json()["vi"]
        )
    assert desk.admin.get(f"/api/reports/{now.year}-{now.month:02}.json").status_code == 200
    assert desk.admin.get(f"/api/reports/{now.year}.html").status_code == 200
