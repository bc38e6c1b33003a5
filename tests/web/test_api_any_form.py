"""The post's page as a whole: no form that its own description allows or forbids breaks it (bad input, P12)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings

from kengd import clock
from kengd.duty.words import Draft, EntryKind, Stamped
from kengd.journal.batch import Batch
from kengd.office.shelf import Shelf
from kengd.web.api import make_app
from kengd.wire.entry import to_json
from tests.web.test_api import TOKEN, FakePost

BOOT = "11112222-3333-4444-5555-666677778888"
AT_HOME = ("127.0.0.1", 50_000)


class BookPost(FakePost):
    """A post on paper with a real book, read as the office reads it (`Page.entries`, `Page.tail`)."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__()
        self._shelf = shelf

    def entries(self, after_seq: int, limit: int) -> Sequence[str]:
        return [payload.decode() for _, payload in self._shelf.entries(after_seq, limit)]

    def tail(self, n: int) -> Sequence[str]:
        return [to_json(entry) for entry in self._shelf.tail(n)]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[BookPost]:
    shelf = Shelf(tmp_path, "p1", clock.now, BOOT)
    shelf.write(Batch([Stamped(0, BOOT, 1, 1_790_000_000_000, "ntp", Draft(EntryKind.STARTED, reason="boot"))] * 5))
    yield BookPost(shelf)
    shelf.close()


def test_no_form_that_the_schema_allows_or_forbids_breaks_the_page(post: BookPost) -> None:
    """schemathesis over the OpenAPI, in-process, with the token, from this machine: every answer says what is wrong, none is a 500."""
    app = make_app(post)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    page = TestClient(app, client=AT_HOME, base_url="http://localhost")
    seen: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]

        @settings(
            max_examples=20, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def send(case: Any) -> None:
            answer = case.call(session=page, headers={"Authorization": f"Bearer {TOKEN}"})
            assert answer.status_code < 500, (case.method, case.path, case.query, case.body, answer.text)

        send()
        seen.append(operation.path)
    assert sorted(seen) == [
        "/api/entries", "/api/hush", "/api/keeper/heard", "/api/keeper/hush", "/api/keeper/live", "/api/keeper/pin",
        "/api/keeper/ring", "/api/keeper/session", "/api/keeper/session", "/api/ring", "/api/signals", "/api/status",
        "/api/timetable", "/healthz", "/metrics", "/sim/edges", "/sim/press",
    ]  # fmt: skip


@pytest.mark.parametrize("number", [2**53, 2**63 - 1, 2**63, 10**30, 10**400])
@pytest.mark.parametrize("path", ["/api/entries?after={}", "/sim/edges?after={}", "/api/entries?limit={}"])
def test_a_number_beyond_all_bounds_is_answered(post: BookPost, path: str, number: int) -> None:
    """No integer is too long for the answer: nothing there, or refused with the reason."""
    page = TestClient(make_app(post), client=AT_HOME, base_url="http://localhost")
    assert page.get(path.format(number)).status_code in (200, 422)


@pytest.mark.parametrize(
    "body",
    [
        b'{"signal":"alarm","by":"\\ud83d"}', b'{"signal":"alarm","by":"a\\u0000"}', b'{"signal":"alarm","by":"\xff"}',
        b'{"signal":"alarm","by":1e999}', b'{"signal":"alarm","by":"x","by":{}}', b"[" * 4_000 + b"]" * 4_000, b"\x00", b"",
        b'{"activation":"\\ud83d","by":"x"}', b'{"button":"\\ud83d"}', b'{"button":"alarm","hold_ms":1e400}',
        b'{"button":"alarm","hold_ms":' + b"9" * 6_000 + b"}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/ring", "/api/hush", "/sim/press"])
def test_a_body_that_is_no_form_is_refused(post: BookPost, path: str, body: bytes) -> None:
    """Half characters, NUL, infinity, depth, length: 4xx, and nothing rings."""
    page = TestClient(make_app(post), client=AT_HOME, base_url="http://localhost")
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    answer = page.post(path, content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert [asked for asked in post.asked if asked[0] == "ring"] == []
