"""Every call that changes something, and every word that it takes: asked of the API's own description, so that a new one counts too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.hub.desk_kit import ORIGIN, Station, station

WITHOUT_A_DEVICE = {("post", "/api/session"), ("post", "/cap")}
"""Signing in, and alerts that come with a token of their own."""
FREE = {"CodebookForm.codebook", "DraftForm.tables", "EnrolForm.tables", "TimetableForm.timetable[]"}
"""Objects of any shape: bounded as a whole, by `post_orders.fits`."""
PARSED = {"/api/reports/{period}.html period", "/api/reports/{period}.json period", "/api/reports/{period}.xlsx period"}
"""Read by a parser that takes no more than YYYY-MM."""
_LASTING = re.compile(r"[*+]")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Station:
    return station(tmp_path_factory.mktemp("desk"))


def described(hub: Station) -> dict[str, Any]:
    found: dict[str, Any] = hub.admin.get("/api/openapi.json").json()
    return found


def test_no_page_of_others_changes_anything_with_an_officers_cookie(hub: Station) -> None:
    """P12: each write wants what only our own pages know, whatever else is wrong with it."""
    writes = {
        (method, path) for path, ways in described(hub)["paths"].items() for method in ways if method != "get"
    } - WITHOUT_A_DEVICE
    for method, path in sorted(writes):
        address = re.sub(r"\{[^}]*\}", "abcdefgh", path)
        answer = hub.admin.web.request(method, address, json={}, headers={"Origin": ORIGIN})
        assert (answer.status_code, answer.json()["error"]) == (403, "csrf"), (method, path)
    assert {
        ("post", "/api/notices/trial"),
        ("delete", "/api/plan/picture"),
        ("put", "/api/posts/{post}/place"),
    } <= writes


def test_every_word_list_and_number_that_a_client_may_send_has_its_bound(hub: Station) -> None:
    """Nobody fills the disk, the ledger or a bell's memory with a form."""
    found: set[str] = set()
    told = described(hub)
    for name, form in told["components"]["schemas"].items():
        if name not in ("HTTPValidationError", "ValidationError"):
            found.update(boundless(form, name))
    for path, ways in told["paths"].items():
        for way in ways.values():
            for one in way.get("parameters", []):
                found.update(boundless(one["schema"], f"{path} {one['name']}"))
    assert found == FREE | PARSED


def boundless(schema: Mapping[str, Any], where: str) -> Iterator[str]:
    """Which parts of it may be as long or as large as a client likes."""
    for either in schema.get("anyOf", ()):
        yield from boundless(either, where)
    match schema.get("type"):
        case "string":
            pattern = schema.get("pattern")
            if not schema.keys() & {"maxLength", "enum", "const"} and (pattern is None or _lasting(pattern)):
                yield where
        case "integer" | "number":
            if not schema.keys() & {"maximum", "exclusiveMaximum"} or "minimum" not in schema:
                yield where
        case "array":
            if "maxItems" not in schema:
                yield where
            yield from boundless(schema["items"], f"{where}[]")
        case "object" if "properties" in schema:
            if schema.get("additionalProperties") is not False:
                yield where
            for name, part in schema["properties"].items():
                yield from boundless(part, f"{where}.{name}")
        case "object":
            if "maxProperties" not in schema:
                yield where


def _lasting(pattern: str) -> bool:
    """Whether it repeats something without end."""
    return _LASTING.search(re.sub(r"\[[^\]]*\]|\\.", "c", pattern)) is not None
