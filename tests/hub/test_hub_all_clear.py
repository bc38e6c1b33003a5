"""Hết báo động ends whatever was begun for the incident, everywhere, and nothing else; taking charge quiets the duty room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kengd.hub.clearings import CLEAR_AFTER_MS
from kengd.hub.incident_acts import part_of
from kengd.hub.incidents import Incident
from kengd.hub.ledger import dispatches, outbox, rosters, values
from kengd.hub.roster import Post
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Station, acts, station
from tests.hub.spine_kit import claims_of

BOTH = ["an-lao", "bo-trang"]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def rung(hub: Station, **more: object) -> None:
    """An officer rings the alarm at two posts."""
    form = {"id": "ring-00001", "signal": "alarm", "purpose": "actual", "why": "có trộm", "posts": BOTH, **more}
    assert hub.admin.post("/api/rings", form).status_code == 201
    hub.line.said.clear()


def cleared(hub: Station, incident: str = "hub-ring-00001", act: str = "clear-00001") -> str:
    """Hết báo động; the error, or nothing."""
    return str(hub.admin.post(f"/api/incidents/{incident}/all-clear", {"id": act}).json().get("error", ""))


def told(hub: Station) -> list[tuple[str, str, str | None]]:
    """Which posts were told what by name, since the last look; sorted."""
    said = [claims_of(jws) for _, jws in hub.line.said]
    hub.line.said.clear()
    told = [
        (post, one["cmd"].get("signal") or one["cmd"]["do"], one["cmd"].get("activation"))
        for one in said
        for post in (one["aud"] if isinstance(one["aud"], list) else [one["aud"]])
    ]
    return sorted((post.rpartition("/")[2], *rest) for post, *rest in told)


def states(hub: Station, dispatch: str = "ring-00001") -> dict[str, str]:
    with hub.hub.ledger.read() as connection:
        return {item.post: item.state.value for item in dispatches.targets_of(connection, [dispatch])}


def test_the_alarm_is_not_repeated_to_silent_posts_after_the_all_clear(hub: Station) -> None:
    """H16: one rings and is hushed; the other never answered and is not asked again."""
    rung(hub)
    hub.answers("ring-00001", "an-lao", "received", "ringing")
    assert cleared(hub) == ""
    assert told(hub) == [("an-lao", "hush", "hd-0001")]
    assert states(hub) == {"an-lao": "ringing", "bo-trang": "cancelled"}
    with hub.hub.ledger.write() as connection:
        again = [command.dispatch for command, _ in outbox.due(connection, wall_ms() + 30_000)]
    assert "ring-00001" not in again


def test_a_start_that_waits_for_its_moment_is_called_back_by_the_all_clear(hub: Station) -> None:
    """H16: a post that has accepted a ring for later begins nothing when all is over; an alarm of its own goes on (H13)."""
    rung(hub, at=wall_ms() // 1000 + 300)
    for post in BOTH:
        hub.answers("ring-00001", post, "received")
    own = hub.pressed("bo-trang", "own-0001")
    assert cleared(hub) == ""
    assert told(hub) == [(post, "hush", hub.jti("ring-00001", post)) for post in BOTH]
    assert hub.admin.get(f"/api/incidents/{own}").json()["closed_ms"] is None


def test_what_a_ring_has_joined_is_not_ended_with_it(hub: Station) -> None:
    """H13: the ring of the hub came to a post whose own alarm sounds; that one is another incident, and goes on."""
    own = hub.pressed("bo-trang", "own-0001")
    rung(hub)
    hub.answers("ring-00001", "an-lao", "received", "ringing")
    hub.answers(
        "ring-00001", "bo-trang", "received", "ringing", activation="own-0001", detail={"joined": True, "cause": "c-0001"}
    )  # fmt: skip
    assert cleared(hub) == ""
    assert told(hub) == [("an-lao", "hush", "hd-0001")]
    assert hub.admin.get(f"/api/incidents/{own}").json()["closed_ms"] is None


def test_one_act_ends_one_incident_and_stops_no_other_all_clear(hub: Station) -> None:
    """R47, H16: an id that a page uses twice is refused the second time, also when nothing had to be hushed; and an all-clear that
    cannot be given keeps no other village under its alarm."""
    ids = {post: hub.pressed(post, f"{post}-0001") for post in (*BOTH, "cau-ngang")}
    for post in ids:
        hub.hears(post, "finished", activation=f"{post}-0001", signal="alarm", purpose="actual", source="button")
    assert [cleared(hub, ids["an-lao"]), cleared(hub, ids["an-lao"])] == ["", ""]
    assert cleared(hub, ids["bo-trang"]) == "id_reused"
    assert hub.admin.get(f"/api/incidents/{ids['bo-trang']}").json()["closed_ms"] is None
    assert [cleared(hub, ids["bo-trang"], "clear-00002"), cleared(hub, ids["cau-ngang"], "clear-00003")] == ["", ""]
    assert [act for _, act in acts(hub)].count("all_clear") == 3
    with hub.hub.ledger.write() as connection:
        key = f"clear:{ids['an-lao']}"
        said = values.value_of(connection, key) or ""
        assert values.swap(connection, key, said, said.replace(hub.admin.name, "\\u0007"))  # no post would read that
    hub.line.said.clear()
    for _ in range(2):
        hub.hub.clearings.all_clears(wall_ms() + CLEAR_AFTER_MS)
    assert told(hub) == [(post, "all_clear", None) for post in ("bo-trang", "cau-ngang")]


@pytest.mark.parametrize("way", ["acknowledge", "all-clear"])
@pytest.mark.parametrize("heard", [True, False])
def test_the_duty_rooms_own_bell_is_quiet_when_somebody_has_taken_charge(hub: Station, way: str, heard: bool) -> None:
    """H6: it sounds until somebody does, and not for three minutes more; one that has not begun begins no more."""
    with hub.hub.ledger.write() as connection:
        rosters.put_post(connection, Post("truc", "Phòng trực", (), True))
    hub.hub.forget_roster()
    incident = hub.pressed("an-lao")
    hub.hears("an-lao", "finished", activation="an-0001", signal="alarm", purpose="actual", source="button")
    assert ("truc", "alarm", None) in told(hub)
    sounder = part_of("sounder", incident, 0)
    if heard:
        hub.answers(sounder, "truc", "received", "ringing", activation="truc-0001")
    body = {"id": hub.act()} if way == "all-clear" else None
    assert hub.admin.post(f"/api/incidents/{incident}/{way}", body).status_code == 200
    assert [one for one in told(hub) if one[0] == "truc"] == ([("truc", "hush", "truc-0001")] if heard else [])
    assert states(hub, sounder) == {"truc": "ringing" if heard else "cancelled"}
    hub.hub.clearings.all_clears(wall_ms() + CLEAR_AFTER_MS)
    assert [one for one in told(hub) if one[0] == "truc"] == []
    with hub.hub.ledger.read() as connection:
        found = next(item for item in hub.admin.get("/api/incidents").json()["incidents"] if item["id"] == incident)
        before = len(dispatches.recent(connection))
    hub.hub.clockwork.sounder(Incident(incident, "alarm", found["began_ms"], post="an-lao", turns=1))
    with hub.hub.ledger.read() as connection:
        assert len(dispatches.recent(connection)) == before


def test_an_alarm_whose_post_gives_it_an_unfit_name_is_taken_and_ended_all_the_same(hub: Station) -> None:
    """H6, H16: whatever a post that went wrong calls it, the incident has an address, and the hush then names nothing."""
    hub.pressed("an-lao", "x/../y z")
    (incident,) = [item["id"] for item in hub.admin.get("/api/incidents").json()["incidents"]]
    assert hub.admin.post(f"/api/incidents/{incident}/acknowledge").status_code == 200
    hub.line.said.clear()
    assert cleared(hub, incident) == ""
    assert told(hub) == [("an-lao", "hush", None)]
