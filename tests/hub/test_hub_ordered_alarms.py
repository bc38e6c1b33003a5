"""An alarm that an officer rings is an incident of the villages that hear it: its neighbours, its figures, and who waited for whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kengd.clock import local
from kengd.hub.incident_acts import part_of
from kengd.hub.ledger import dispatches, incidents, rosters
from kengd.hub.ledger.report_facts import ground_of
from kengd.hub.reports.facts import IncidentFacts
from kengd.hub.reports.figures import Spread, figures_of
from kengd.hub.reports.period import Period
from kengd.hub.roster import Neighbour, Village
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Station, station
from tests.hub.spine_kit import claims_of

DAY = 86_400_000
RING = {"signal": "alarm", "purpose": "actual", "why": "có trộm"}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def rung(hub: Station, *posts: str, **more: Any) -> str:
    """An officer rings these posts; the act's id."""
    act = hub.act()
    answer = hub.admin.post("/api/rings", {**RING, "id": act, "posts": list(posts), **more})
    if answer.status_code == 409:
        confirm = answer.json()["token"]
        answer = hub.admin.post("/api/rings", {**RING, "id": act, "posts": list(posts), "confirm": confirm, **more})
    assert answer.status_code == 201, answer.text
    return act


def incident(hub: Station, act: str) -> dict[str, Any]:
    found: dict[str, Any] = hub.admin.get(f"/api/incidents/hub-{act}").json()
    return found


def by_itself(hub: Station) -> None:
    """Bồ Tràng helps An Lão without being asked."""
    with hub.hub.ledger.write() as connection:
        rosters.put_neighbours(connection, "an-lao", [Neighbour("an-lao", "bo-trang", True)])
    hub.hub.forget_roster()


def supports(hub: Station) -> list[tuple[str, str]]:
    """Who was called to help: (act, post)."""
    with hub.hub.ledger.read() as connection:
        acts = [act.id for act in dispatches.recent(connection) if act.signal == "support"]
        return [(target.dispatch, target.post) for target in dispatches.targets_of(connection, acts)]


def sounds(hub: Station, act: str, post: str, activation: str) -> None:
    """The post says so; and what follows from new entries, as the ingest has it done."""
    hub.answers(act, post, "received", "ringing", activation=activation)


def test_an_officers_alarm_is_an_incident_of_the_villages_that_hear_it(hub: Station) -> None:
    """One post, several, a post that serves no village, all: where it is is what was addressed."""
    one = incident(hub, rung(hub, "an-lao"))
    assert (one["origin"], one["post"], one["village"], one["villages"]) == ("order", "an-lao", "an-lao", ["an-lao"])
    two = incident(hub, rung(hub, "cau-ngang", "bo-trang"))
    assert (two["post"], two["village"], two["villages"]) == (None, "bo-trang", ["bo-trang"])
    assert incident(hub, rung(hub, "cau-ngang"))["villages"] == []
    both = incident(hub, rung(hub, "bo-trang", "an-lao"))
    assert (both["village"], both["villages"], both["village_name"]) == (None, ["an-lao", "bo-trang"], None)
    with hub.hub.ledger.write() as connection:
        rosters.put_village(connection, Village("cau-ngang", "Thôn Cầu Ngang"))
    hub.hub.forget_roster()
    assert incident(hub, rung(hub, "bo-trang", "an-lao"))["village_name"] == "Thôn An Lão, Thôn Bồ Tràng"
    everyone = incident(hub, rung(hub, "an-lao", "bo-trang", "cau-ngang"))
    assert everyone["villages"] == ["an-lao", "bo-trang"]
    assert hub.admin.get(f"/api/incidents/hub-{rung(hub, 'an-lao', purpose='drill')}").status_code == 404


def test_its_neighbours_are_proposed_as_for_a_keepers_alarm(hub: Station) -> None:
    """H13: and asked by one act; with all villages rung there is nobody left to ask."""
    act = rung(hub, "an-lao")
    assert incident(hub, act)["helpers"] == ["bo-trang"]
    hub.admin.post(f"/api/incidents/hub-{act}/support", {"id": hub.act()})
    assert [post for _, post in supports(hub)] == ["bo-trang"]
    assert incident(hub, rung(hub, "an-lao", "bo-trang"))["helpers"] == []


def test_where_the_setting_says_so_its_neighbours_are_called_by_themselves_once_it_sounds(hub: Station) -> None:
    """H13: not when it is ordered but when a post says that it rings; once; and support never starts support."""
    by_itself(hub)
    act = rung(hub, "an-lao")
    assert supports(hub) == []
    sounds(hub, act, "an-lao", "hd-0001")
    assert supports(hub) == [(part_of("support", f"hub-{act}"), "bo-trang")]
    with hub.hub.ledger.write() as connection:
        rosters.put_neighbours(connection, "bo-trang", [Neighbour("bo-trang", "an-lao", True)])
    hub.hub.forget_roster()
    jti = hub.jti(part_of("support", f"hub-{act}"), "bo-trang")
    for kind in ("received", "ringing"):
        hub.hears(
            "bo-trang", kind, command_id=jti, activation=None if kind == "received" else "hd-0002", signal="support",
            purpose="actual", source="hub",
        )  # fmt: skip
    assert [post for _, post in supports(hub)] == ["bo-trang"]
    asked = [claims_of(jws)["cmd"]["signal"] for _, jws in hub.line.said if claims_of(jws)["cmd"]["do"] == "ring"]
    assert asked == ["alarm", "support"]


def test_an_alarm_rung_for_a_call_says_where_that_is_unless_somebody_has(hub: Station) -> None:
    """Tin báo without a village: the village that is rung for it; one that was named stays."""
    named, bare = hub.act(), hub.act()
    hub.admin.post("/api/incidents", {"id": named, "text": "thấy kẻ lạ", "village": "bo-trang"})
    hub.admin.post("/api/incidents", {"id": bare, "text": "thấy kẻ lạ"})
    for call in (named, bare):
        rung(hub, "an-lao", incident=call)
    found = {call: hub.admin.get(f"/api/incidents/{call}").json() for call in (named, bare)}
    assert (found[named]["villages"], found[bare]["villages"]) == (["bo-trang"], ["an-lao"])
    assert found[bare]["helpers"] == ["bo-trang"]


def figures(hub: Station, *villages: str) -> tuple[int, int, int, int, Spread]:
    """All, from officers, from calls, not acknowledged, time to acknowledge."""
    now_ms = wall_ms()
    period = Period("x", "x", now_ms - DAY, now_ms + DAY)
    with hub.hub.ledger.read() as connection:
        ground = ground_of(connection, hub.hub.roster(), period.from_ms, period.to_ms, now_ms)
    made = figures_of(ground, period, villages or None)
    return made.incidents, made.from_officers, made.from_calls, made.unacknowledged, made.time_to_acknowledge


def test_only_keepers_alarms_count_in_the_time_to_acknowledge(hub: Station) -> None:
    """An officer who rings has answered nobody: his alarms are told apart, or each would make the duty room look quicker."""
    pressed = hub.pressed("an-lao")
    with hub.hub.ledger.write() as connection:
        found = incidents.find(connection, pressed)
        assert found is not None
        incidents.acknowledge(connection, pressed, "Đ/c Hùng", found.began_ms + 42_000)
    act = rung(hub, "an-lao", "bo-trang")
    sounds(hub, act, "bo-trang", "hd-0001")
    rung(hub, "cau-ngang")
    hub.admin.post("/api/incidents", {"id": hub.act(), "text": "thấy kẻ lạ", "village": "bo-trang"})
    hub.pressed("bo-trang", "bt-0001")
    once = Spread(1, 42_000, 42_000, 42_000)
    assert figures(hub) == (5, 2, 1, 1, once)
    assert figures(hub, "an-lao") == (2, 1, 0, 0, once)
    assert figures(hub, "bo-trang") == (3, 1, 1, 1, Spread(0))


def test_an_alarm_that_was_ordered_at_the_post_without_us_is_no_keepers(hub: Station) -> None:
    """`kengd command` with the hub's key, while the hub was away: nobody at the post waited for an answer."""
    hub.hears("an-lao", "ringing", activation="hd-0007", signal="alarm", purpose="actual", source="hub", by="Đ/c Hùng")
    assert figures(hub) == (1, 1, 0, 0, Spread(0))


def test_a_report_names_all_villages_of_an_incident(hub: Station) -> None:
    """One row with both names, in the table of each."""
    rung(hub, "bo-trang", "an-lao")
    hub.pressed("an-lao", "an-0002")
    page = hub.admin.get(f"/api/reports/{_month()}.html").text
    assert (
        "Thôn An Lão, Thôn Bồ Tràng" in page and "1 vụ do điểm kẻng báo động, 1 vụ do cán bộ phát lệnh báo động" in page
    )
    facts = IncidentFacts("i", 0, "v1")
    assert (facts.places, replace(facts, villages=("v1", "v2")).places, facts.from_keeper) == (
        ("v1",),
        ("v1", "v2"),
        True,
    )


def _month() -> str:

    return f"{local(wall_ms()):%Y-%m}"
