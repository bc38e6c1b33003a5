"""An exercise stays one to its end, and what was rung for real is never ended as an exercise (R62)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kengd.hub.clearings import CLEAR_AFTER_MS
from kengd.hub.ledger import incidents
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import CAP, CAP_TOKEN, WEATHER, Officer, Station, station
from tests.hub.spine_kit import claims_of


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path, cap_from=[WEATHER])
    yield made
    made.hub.ledger.close()


def cleared(hub: Station, incident: str) -> list[tuple[str, str]]:
    """What rings after hết báo động: signal and purpose."""
    assert hub.admin.post(f"/api/incidents/{incident}/all-clear", {"id": "clear-00001"}).status_code == 200
    hub.line.said.clear()
    hub.hub.clearings.all_clears(wall_ms() + CLEAR_AFTER_MS)
    return purposes(hub)


def exercise(hub: Station, status: str = "Exercise") -> str:
    """A proposed CAP alert of this status: its incident."""
    alert = CAP.format(id="kttv-1", status=status, type="Alert").encode()
    headers = {"Authorization": f"Bearer {CAP_TOKEN}", "Content-Type": "application/cap+xml"}
    answer = Officer(hub.app, "").web.post("/cap", content=alert, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["incident"])


def rung_for(hub: Station, incident: str, dispatch: str, purpose: str) -> None:
    """An officer rings the alarm for it at one post, which sounds."""
    form = {
        "id": dispatch,
        "signal": "alarm",
        "purpose": purpose,
        "why": "diễn tập lũ",
        "posts": ["an-lao"],
        "incident": incident,
    }
    assert hub.admin.post("/api/rings", form).status_code == 201
    hub.line.said.clear()
    sounds = "tested" if purpose == "test" else "ringing"
    hub.answers(dispatch, "an-lao", "received", sounds, purpose=purpose, activation=f"{dispatch}-a")


def purposes(hub: Station) -> list[tuple[str, str]]:
    """What was ordered to ring since the last look: signal and purpose."""
    said = [claims_of(jws)["cmd"] for _, jws in hub.line.said]
    hub.line.said.clear()
    return [(one["signal"], one["purpose"]) for one in said if one["do"] == "ring"]


@pytest.mark.parametrize(
    ("status", "rings", "end"),
    [
        ("Exercise", ["drill"], "drill"),
        ("Actual", ["drill"], "drill"),
        ("Actual", ["drill", "actual"], "actual"),
        ("Exercise", ["actual"], "actual"),
    ],
)
def test_what_was_only_a_drill_ends_as_one(hub: Station, status: str, rings: list[str], end: str) -> None:
    """R62, H19: an all-clear for real would be the end of an alarm that nobody has heard; and what was rung for real is never ended
    as an exercise."""
    incident = exercise(hub, status)
    for number, purpose in enumerate(rings):
        rung_for(hub, incident, f"ring-1000{number}", purpose)
    assert cleared(hub, incident) == [("all_clear", end)]


def test_neighbours_are_asked_to_an_exercise_as_a_drill_until_it_is_rung_for_real(hub: Station) -> None:
    """R62, H13: nobody runs to a neighbour's exercise with a stick."""
    incident = exercise(hub)
    with hub.hub.ledger.write() as connection:
        incidents.locate(connection, incident, ["an-lao"])
    assert hub.admin.post(f"/api/incidents/{incident}/support", {"id": "help-00001"}).status_code == 200
    before = purposes(hub)
    rung_for(hub, incident, "ring-10001", "actual")
    hub.admin.post(f"/api/incidents/{incident}/support", {"id": "help-00002"})
    assert (before, purposes(hub)) == ([("support", "drill")], [("support", "actual")])


def test_the_silent_test_of_a_post_is_no_alarm_that_ends(hub: Station) -> None:
    """R62: what moved no bell is followed by no all-clear."""
    incident = exercise(hub, "Actual")
    rung_for(hub, incident, "ring-10000", "test")
    assert cleared(hub, incident) == []


def test_the_pages_call_an_exercise_so_before_anybody_holds(hub: Station) -> None:
    """R62: hết báo động of what was only a drill says that it is one."""
    incident = exercise(hub, "Actual")
    rung_for(hub, incident, "ring-10000", "drill")
    assert "diễn tập" in hub.admin.get(f"/phan/het/{incident}").text
    rung_for(hub, incident, "ring-10001", "actual")
    assert "diễn tập" not in hub.admin.get(f"/phan/het/{incident}").text
