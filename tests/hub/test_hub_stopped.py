"""After "dừng tất cả" nothing sounds: not what came late, not what waited, not what somebody orders past the lock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.errors import KengdError
from kengd.hub.act_ground import Actor
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import Order
from kengd.hub.ledger import dispatches, outbox, rosters, values
from kengd.hub.ledger.merging import Heard, merge
from kengd.hub.ledger.store import Ledger
from kengd.hub.order_rules import LOCK
from kengd.hub.ring_acts import AGAIN_WITHIN_MS, RingWish
from kengd.hub.roster import Neighbour
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Station, acts, station
from tests.hub.spine_kit import COMMUNE, KEY, KID, T0, Clock, Mouth, chained, claims_of, said

RING: dict[str, Any] = {"id": "ring-00001", "signal": "alarm", "purpose": "actual", "why": "trộm"}
HUSH_ALL: dict[str, Any] = {"id": "hush-00001", "all": True}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def told(hub: Station) -> list[tuple[str, str, str | None]]:
    """What was said since the last look: to which post (or all), what is to be done, what it names."""
    found = [(topic.split("/")[-2], claims_of(jws)["cmd"]) for topic, jws in hub.line.said]
    hub.line.said.clear()
    return [(to, cmd["do"], cmd.get("activation")) for to, cmd in found]


def sounding(activation: str) -> Sounding:
    return Sounding(activation, "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms(), None)


def rung(hub: Station, *posts: str, **more: Any) -> None:
    assert hub.admin.post("/api/rings", {**RING, "posts": posts, **more}).status_code == 201


def hushed(hub: Station, **more: Any) -> dict[str, Any]:
    """What was said before is not looked at."""
    told(hub)
    answer = hub.admin.post("/api/hushes", {**HUSH_ALL, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


# ---- what comes late


def test_a_stopped_ring_that_its_post_gets_late_is_ended_there_by_name_and_once(hub: Station) -> None:
    """P13, H14: the post was away, the broker had the ring and the hush for it; a hush without a name does not reach what began
    after it, so the hub names it as soon as the post has it (the command, should it wait for its moment) and when it rings."""
    rung(hub, "an-lao", "bo-trang")
    hub.answers("ring-00001", "an-lao", "received", "ringing")
    hushed(hub)
    told(hub)
    hub.answers("ring-00001", "bo-trang", "received", "ringing", activation="late-1")
    late = told(hub)
    hub.hub.dispatcher.end_late()
    jti = hub.jti("ring-00001", "bo-trang")
    assert (late, told(hub)) == ([("bo-trang", "hush", jti), ("bo-trang", "hush", "late-1")], [])


def test_a_late_ring_that_joined_what_a_village_had_begun_is_ended_and_that_is_not(hub: Station) -> None:
    """P13: only the cause that the late ring is; the keeper's own alarm sounds on."""
    rung(hub, "bo-trang")
    hushed(hub)
    told(hub)
    hub.answers("ring-00001", "bo-trang", "received", "ringing", activation="bt-0001", detail={"cause": "late-1"})
    jti = hub.jti("ring-00001", "bo-trang")
    assert told(hub) == [("bo-trang", "hush", jti), ("bo-trang", "hush", "late-1")]


def test_what_had_ended_by_the_time_that_it_is_told_is_left_alone(hub: Station) -> None:
    """P9: nothing sounds there any more, so nothing is sent."""
    rung(hub, "bo-trang")
    hushed(hub)
    told(hub)
    jti = hub.jti("ring-00001", "bo-trang")
    lines = [
        said(kind, command_id=jti, activation=None if kind == "received" else "late-1")
        for kind in ("received", "ringing", "cut")
    ]
    assert hub.hub.ingest._write([Heard("bo-trang", entry, wall_ms()) for entry in chained(lines, book="c" * 16)])
    assert told(hub) == []


def test_the_hush_of_a_late_ring_survives_the_worker_that_heard_of_it(ledger: Ledger) -> None:
    """R2: it is kept with the answer itself; whichever worker looks next says it, and no other says it again."""
    mouth, clock = Mouth(), Clock()
    first, second = (Dispatcher(ledger, COMMUNE, mouth, lambda: (KID, KEY), dict, clock) for _ in range(2))
    first.dispatch(Order("ring-0001", "ring", ("dong",), "An", None, "alarm", "actual"))
    jti = claims_of(mouth.taken()[0][1])["jti"]
    with ledger.write() as connection:
        outbox.stop(connection, ["dong"], T0)
    for kind, activation in (("received", None), ("ringing", "late-1")):
        [entry] = chained([said(kind, command_id=jti, activation=activation)], book=kind)
        with ledger.write() as connection:
            dispatches.answered(connection, merge(connection, [Heard("dong", entry, T0)], T0).fresh)
    second.tend()
    first.tend()
    assert [claims_of(jws)["cmd"].get("activation") for _, jws in mouth.taken()] == ["late-1"]
    with ledger.read() as connection:
        assert values.under(connection, dispatches.LATE) == {}


# ---- what a hush names


def test_what_an_absent_post_last_said_of_itself_is_not_named(hub: Station) -> None:
    """P13: its word is old; without a name the hush ends whatever began there since."""
    hub.status("an-lao", sounding=sounding("old-0001"))
    hub.absent("an-lao")
    hushed(hub)
    assert told(hub) == [("all", "hush", None)]


def test_the_newer_alarm_is_named_and_not_an_older_ring(hub: Station) -> None:
    """P13: by the post's own word, and until that has come by the newest that the book tells of."""
    rung(hub, "an-lao")
    hub.answers("ring-00001", "an-lao", "received", "ringing")
    hub.pressed("an-lao", "an-0002")
    hushed(hub, id="hush-00001", posts=["an-lao"], all=False)
    assert told(hub) == [("an-lao", "hush", "an-0002")]
    hub.status("an-lao", sounding=sounding("an-0003"))
    hushed(hub, id="hush-00002", posts=["an-lao"], all=False)
    assert told(hub) == [("an-lao", "hush", "an-0003")]


def test_a_start_that_waits_where_something_else_sounds_is_ended_too(hub: Station) -> None:
    """P13, H14: a hush that names what sounds does not reach it, so it gets one of its own that names the command."""
    rung(hub, "an-lao", at=wall_ms() // 1000 + 300)
    hub.answers("ring-00001", "an-lao", "received")
    hub.status("an-lao", sounding=sounding("an-0001"))
    hushed(hub, posts=["an-lao"], all=False)
    jti = hub.jti("ring-00001", "an-lao")
    assert told(hub) == [("an-lao", "hush", "an-0001"), ("an-lao", "hush", jti)]


def test_a_name_that_no_order_can_carry_is_left_out(hub: Station) -> None:
    """P13: one post's bad word keeps no other post sounding."""
    rung(hub, "an-lao", "bo-trang")
    hub.answers("ring-00001", "an-lao", "received", "ringing", activation="b a d")
    hub.answers("ring-00001", "bo-trang", "received", "ringing", activation="good-1")
    hushed(hub)
    assert {name for _, do, name in told(hub) if do == "hush"} == {None, "good-1"}


def test_the_same_id_for_other_posts_is_another_hush(hub: Station) -> None:
    """H14: a hush is never taken for one that was said; the very same one is (R47)."""
    hushed(hub, posts=["an-lao"], all=False)
    assert (
        hushed(hub, posts=["an-lao"], all=False)["id"] == "hush-00001" and told(hub) == [("an-lao", "hush", None)][1:]
    )
    other = hushed(hub)
    assert told(hub) == [("all", "hush", None)]
    assert {item["post"] for item in other["targets"]} == {"an-lao", "bo-trang", "cau-ngang"}


# ---- the lock


def test_the_lock_holds_where_the_ring_is_kept(ledger: Ledger) -> None:
    """H14: whoever asks, and however long before he had looked. The silent test moves no bell, the duty room's sounder is heard by
    no village, and hết báo động is what has to follow (H16)."""
    dispatcher = Dispatcher(ledger, COMMUNE, Mouth(), lambda: (KID, KEY), dict, Clock())
    with ledger.write() as connection:
        values.put_value(connection, LOCK, '{"by": "Đ/c Lan"}')
    for signal, purpose in (("alarm", "actual"), ("support", "actual"), ("alarm", "drill"), ("meeting", "actual")):
        with pytest.raises(KengdError) as locked:
            dispatcher.dispatch(Order("ring-0001", "ring", ("dong",), "An", None, signal, purpose))
        assert locked.value.code == "locked"
    dispatcher.dispatch(Order("ring-0002", "ring", ("dong",), "An", None, "all_clear", "actual"))
    dispatcher.dispatch(Order("ring-0003", "ring", ("dong",), "An", None, "alarm", "test"))
    dispatcher.dispatch(Order("ring-0004", "ring", ("dong",), "An", None, "alarm", "actual"), although_locked=True)


def test_help_from_neighbours_is_not_called_past_the_lock(hub: Station) -> None:
    """H13, H14: neither by an officer nor by itself."""
    hushed(hub, lock=True)
    told(hub)
    for by_itself in (True, False):
        with hub.hub.ledger.write() as connection:
            rosters.put_neighbours(connection, "an-lao", [Neighbour("an-lao", "bo-trang", by_itself=by_itself)])
        hub.hub.forget_roster()
        incident = hub.pressed("an-lao")
    asked = hub.admin.post(f"/api/incidents/{incident}/support", {"id": "support-01"})
    assert (asked.status_code, asked.json().get("error"), told(hub)) == (409, "locked", [])


def test_a_ring_that_was_kept_while_the_hush_was_being_said_is_not_sent_again(
    hub: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H14: what is cancelled is what there is when the hush is kept, not what there was when it was asked for."""
    publish = hub.line.publish

    def meanwhile(topic: str, payload: bytes, **more: Any) -> int | None:
        monkeypatch.setattr(hub.line, "publish", publish)
        hub.hub.acts.ring(Actor("cb-2", "khác"), RingWish("ring-00001", "alarm", "actual", ("an-lao",), "trộm"))
        return publish(topic, payload, **more)

    monkeypatch.setattr(hub.line, "publish", meanwhile)
    hushed(hub, lock=True)
    with hub.hub.ledger.read() as connection:
        [target] = dispatches.targets_of(connection, ["ring-00001"])
    assert target.state.value == "cancelled"


# ---- phát lại, and the second yes


def test_ringing_all_silent_posts_again_asks_what_ringing_all_asks(hub: Station) -> None:
    """R62, R65: the role, and the second step."""
    duty = hub.officer("binh", "duty")
    form = {**RING, "all": True}
    token = hub.admin.post("/api/rings", form).json()["token"]
    assert hub.admin.post("/api/rings", {**form, "confirm": token}).status_code == 201
    with hub.hub.ledger.write() as connection:
        outbox.lapse(connection, wall_ms() + 86_400_000)
    told(hub)
    assert duty.post("/api/dispatches/ring-00001/again", {"id": "again-0001"}).status_code == 403
    asked = hub.admin.post("/api/dispatches/ring-00001/again", {"id": "again-0001"})
    assert (asked.status_code, asked.json()["error"], asked.json()["posts"], told(hub)) == (
        409,
        "confirm_needed",
        3,
        [],
    )
    act = {"id": "again-0001", "confirm": asked.json()["token"]}
    assert hub.admin.post("/api/dispatches/ring-00001/again", act).status_code == 201
    assert {do for _, do, _ in told(hub)} == {"ring"}


def test_what_is_old_or_over_is_not_rung_again(hub: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """R65: one click on last week's page wakes no village, and nothing rings for an incident that nobody follows any more."""
    rung(hub, "an-lao", "bo-trang")
    hub.answers("ring-00001", "an-lao", "received", "refused", reason="bad_at")
    again = "/api/dispatches/ring-00001/again"
    with monkeypatch.context() as later:
        later.setattr(hub.hub.acts, "_wall_ms", lambda: wall_ms() + AGAIN_WITHIN_MS)
        assert hub.admin.post(again, {"id": "again-0001"}).json()["error"] == "too_old"
    assert hub.admin.post("/api/incidents/hub-ring-00001/all-clear", {"id": "clear-00001"}).status_code == 200
    assert hub.admin.post(again, {"id": "again-0001"}).json()["error"] == "incident_closed"
    other = hub.admin.post(
        "/api/rings", {**RING, "id": "ring-00002", "posts": ["an-lao"], "incident": "hub-ring-00001"}
    )
    assert (other.status_code, other.json()["error"]) == (409, "incident_closed")


def test_the_second_yes_is_to_these_words(tmp_path: Path) -> None:
    """R62: who has agreed to one reason has not agreed to another."""
    made = station(tmp_path, duty={"alarm_all": "second_officer"})
    try:
        chief = made.officer("chi", "chief")
        form = {**RING, "all": True, "why": "diễn tập đã thông báo"}
        token = made.admin.post("/api/rings", form).json()["token"]
        assert chief.post(f"/api/confirmations/{token}").status_code == 200
        changed = made.admin.post("/api/rings", {**form, "why": "giặc đến", "confirm": token})
        assert (changed.status_code, changed.json()["error"]) == (409, "confirm_needed")
        assert re.fullmatch(r"[0-9a-f]{24}", changed.json()["token"]) and changed.json()["token"] != token
        assert made.admin.post("/api/rings", {**form, "confirm": token}).status_code == 201
    finally:
        made.hub.ledger.close()


def test_the_same_stop_with_the_lock_added_locks(hub: Station) -> None:
    """R47, H14: sent again, now with "khóa": nothing is said twice, and from then on nobody rings."""
    hushed(hub)
    assert told(hub) != [] and hub.admin.get("/api/desk").json()["lock"] is None
    for _ in range(2):
        assert hushed(hub, lock=True)["locked"] is True
    assert told(hub) == []
    answer = hub.admin.post("/api/rings", {**RING, "posts": ["an-lao"]})
    assert (answer.status_code, answer.json()["error"]) == (409, "locked")
    assert [act for _, act in acts(hub)].count("lock") == 1


def test_neighbours_whom_the_lock_had_held_back_are_asked_by_an_officer_afterwards(hub: Station) -> None:
    """H13: help that comes by itself was not let out; it is not lost: it stands among those who can be asked, and is, once."""
    with hub.hub.ledger.write() as connection:
        neighbours = [Neighbour("an-lao", "bo-trang", by_itself=True)]
        rosters.put_neighbours(connection, "an-lao", neighbours)
    hub.hub.forget_roster()
    hushed(hub, lock=True)
    told(hub)
    incident = hub.pressed("an-lao")
    hub.hub._told_of([incident])

    def helpers() -> list[str]:
        return list(hub.admin.get("/api/desk").json()["incidents"][0]["helpers"])

    assert helpers() == ["bo-trang"] and told(hub) == []
    hub.admin.post("/api/lock/unlock")
    assert hub.admin.post(f"/api/incidents/{incident}/support", {"id": "support-01"}).status_code == 200
    assert [to for to, do, _ in told(hub) if do == "ring"] == ["bo-trang"]
    assert helpers() == [], "asked"
