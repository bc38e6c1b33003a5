"""The desk: the board, what changes on it, books, health; for 5 posts and for 300."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.sse import ServerSentEvent
from sqlalchemy import event

from kengd.duty.health import Condition
from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.errors import KengdError
from kengd.hub import calling
from kengd.hub.calling import KEPT, Unreached
from kengd.hub.desk import live
from kengd.hub.desk.desk import Places
from kengd.hub.desk.desk_page import board_of
from kengd.hub.ledger import merging, notices, rosters, trials, values
from kengd.hub.notices.words import KINDS_VI, NoticeKind
from kengd.hub.roster import Post
from kengd.hub.service import wall_ms
from kengd.uplink.line import Inbound, Token
from kengd.wire.topics import entry_topic
from tests.hub.desk_kit import Officer, Station, station
from tests.hub.spine_kit import COMMUNE


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def test_the_board_says_of_each_post_what_it_said_and_why_it_would_be_silent(hub: Station) -> None:
    """P9: present and its age, what sounds, conditions, both one-line whys, clock, version, the last ring."""
    since = wall_ms() - 5_000
    sounding = Sounding("an-0001", "alarm", Purpose.ACTUAL, Source.BUTTON, since)
    mains = Condition("mains_lost", "major", "mất điện lưới", "mains lost")
    hub.status("an-lao", sounding=sounding, conditions=(mains,), silenced_until_s=wall_ms() // 1000 + 3600)
    hub.absent("bo-trang")
    hub.pressed("an-lao")
    hub.hears("an-lao", "cut", activation="an-0001", reason="hushed")
    board = hub.admin.get("/api/desk").json()
    first, second, third = board["posts"]
    assert (first["present"], first["heard_age_s"], first["clock"], first["version"]) == (True, 0, "ntp", "0.1.0")
    assert (first["sounding"]["signal"], first["sounding"]["age_s"]) == ("alarm", 5)
    assert first["sounding"]["proved_vi"] == "rơ-le đã đóng, chưa kiểm được tiếng"
    assert [item["code"] for item in first["conditions"]] == ["mains_lost"]
    assert first["why_silent"] is None and first["why_calm_silent"].startswith("đang tạm ngừng kẻng thường lệ đến")
    assert (first["last_ring"]["activation"], first["last_ring"]["outcome"]) == ("an-0001", "cut")
    assert second["why_silent"].startswith("mất liên lạc từ") and second["present"] is False
    assert third["why_silent"] == "chưa bao giờ liên lạc với máy trực ban"
    assert (board["line_up"], board["trouble"], board["lock"]) == (True, None, None)
    hub.line.up = False
    down = hub.admin.get("/api/desk").json()
    assert down["line_up"] is False and [post["present"] for post in down["posts"]] == [False] * 3
    assert Officer(hub.app, "").get("/api/desk").json()["error"] == "not_signed_in"


def test_alarms_that_nobody_has_taken_are_on_top(hub: Station) -> None:
    """With their age by the hub's clock, what sounds, and who could help (H13)."""
    hub.admin.post("/api/incidents", {"id": "call-0001", "text": "nghi có trộm", "village": "bo-trang"})
    first = hub.pressed("bo-trang")
    second = hub.pressed("an-lao")
    hub.admin.post(f"/api/incidents/{second}/acknowledge")
    found = hub.admin.get("/api/desk").json()["incidents"]
    assert [item["id"] for item in found] == [first, second, "call-0001"]
    assert (found[1]["helpers"], found[1]["support_asked"], found[1]["age_s"]) == (["bo-trang"], False, 0)
    assert [item["signal_vi"] for item in found[0]["sounded"]] == ["Báo động"]
    assert found[0]["call_due_ms"] is not None and found[1]["call_due_ms"] is None


def test_what_is_wrong_with_books_is_named_with_its_first_seq(hub: Station) -> None:
    """P8: a gap, and a link that does not hold."""
    hub.hears("an-lao", "started", reason="new")
    hub.hears("an-lao", "stopped")
    with hub.hub.ledger.write() as connection:
        chain = next(iter(merging.all_chains(connection)))
        merging.put_chains(connection, [replace(chain, wrong_seq=2, wrong="broken", gap_ms=wall_ms() - 9_000)], 0)
    books = hub.admin.get("/api/desk").json()["conditions"]["books"]
    assert [(item["post"], item["wrong_seq"], item["wrong_vi"], item["gap_age_s"]) for item in books] == [
        ("an-lao", 2, "mắt xích bị sai", 9)
    ]
    told = hub.admin.get("/api/books").json()
    assert (told["whole"], told["books"]) == (False, books)
    assert hub.admin.get("/api/books/check").json() == {
        "whole": True, "entries": 2, "entries_wrong": 0, "wrong_entries": [], "heads": 0, "wrong_heads": [], "unsigned": [],
        "wrong_keys": [], "audit_wrong_seq": None,
    }  # fmt: skip
    assert hub.officer("binh").get("/api/books/check").json()["error"] == "not_allowed"


def test_the_hubs_own_wrong_clock_is_a_condition(hub: Station) -> None:
    """H22: two trusted posts disagree with it."""
    assert hub.admin.get("/api/desk").json()["conditions"]["hub_clock_wrong"] is False
    for post in ("an-lao", "bo-trang"):
        hub.status(post, at_ms=wall_ms() + 60_000)
    assert hub.admin.get("/api/desk").json()["conditions"]["hub_clock_wrong"] is True
    assert "kengd_hub_clock_wrong 1" in hub.admin.get("/metrics").text


def test_a_silent_test_that_was_missed_is_a_condition_until_one_passes(hub: Station) -> None:
    """R31: what did not answer in the night is shown to the officer in the morning, with why."""

    def shown() -> list[dict[str, object]]:
        found: list[dict[str, object]] = hub.admin.get("/api/desk").json()["conditions"]["silent_test"]
        return found

    def end(night: str, result: str, findings: dict[str, str]) -> None:
        with hub.hub.ledger.write() as connection:
            trials.begin(connection, night, f"silent-{night}", ["an-lao"], wall_ms())
            [trial] = trials.of_night(connection, night)
            trials.end(connection, trial, result, findings)

    assert shown() == []
    end("2026-11-20", "missed", {"why": "không trả lời"})
    assert shown() == [{"post": "an-lao", "night": "2026-11-20", "result": "missed", "why": "không trả lời"}]
    end("2026-11-21", "passed", {})
    assert shown() == []


def test_a_board_of_300_posts_costs_little_and_asks_each_table_once(hub: Station) -> None:
    """≤ 50 ms of processor time and as many queries as for three posts."""
    with hub.hub.ledger.write() as connection:
        for n in range(300):
            rosters.put_post(connection, Post(f"p{n}", f"Điểm {n}", ("an-lao",)))
    hub.hub.forget_roster()
    sounding = Sounding("an-0001", "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms())
    mains = Condition("mains_lost", "major", "mất điện lưới", "mains lost")
    for n in range(300):
        hub.status(f"p{n}", conditions=(mains,), sounding=sounding)
    for n in range(20):
        hub.pressed(f"p{n}", f"an-{n:04}")
    desk = hub.app.state.desk
    board_of(desk)
    asked: list[str] = []
    event.listen(hub.hub.ledger.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    took_ms = []
    for _ in range(5):
        asked.clear()
        began = time.thread_time()
        board = board_of(desk)
        took_ms.append((time.thread_time() - began) * 1000)
    assert len(board["posts"]) == 303 and len(board["incidents"]) == 20
    tables = [statement.split("FROM ")[1].split()[0] for statement in asked if "FROM " in statement]
    assert len(tables) <= 10, asked
    print(f"board of 300 posts: {min(took_ms):.1f} ms")
    assert min(took_ms) <= 50


def test_last_rings_are_followed_without_reading_the_book_again(hub: Station) -> None:
    """A later ring replaces an earlier one; an end belongs to its own activation; a late worker's entry is not lost."""
    rings = hub.app.state.desk.last_rings
    hub.pressed("an-lao", "an-0001")
    with hub.hub.ledger.read() as connection:
        assert rings.now(connection)["an-lao"]["outcome"] is None
    hub.hears("an-lao", "finished", activation="an-0001")
    hub.pressed("an-lao", "an-0002")
    hub.hears("an-lao", "cut", activation="an-0001", reason="hushed")
    with hub.hub.ledger.read() as connection:
        found = rings.now(connection)["an-lao"]
        again = rings.now(connection)["an-lao"]
    assert (found["activation"], found["outcome"]) == ("an-0002", None) and again == found


def test_a_long_poll_brings_what_changed_and_says_when_something_was_lost(hub: Station) -> None:
    """Bounded waiting; a number of another run of the hub is a reset, not a silence."""
    start = hub.admin.get("/api/changes").json()
    hub.hub.feed.post("post", {"post": "an-lao"})
    told = hub.admin.get("/api/changes", after=start["n"], wait_s=5).json()
    assert [(item["topic"], item["data"]) for item in told["changes"]] == [("post", {"post": "an-lao"})]
    assert (told["n"], told["reset"]) == (start["n"] + 1, False)
    assert hub.admin.get("/api/changes", after=f"{start['epoch']}.{told['n']}").json()["changes"] == []
    assert hub.admin.get("/api/changes", after=f"00000000.{start['n']}").json()["reset"] is True
    for _ in range(3_000):
        hub.hub.feed.post("post", {"post": "an-lao"})
    assert hub.admin.get("/api/changes", after=start["n"]).json()["reset"] is True
    assert hub.admin.get("/api/changes", after="x").status_code == 422
    assert hub.admin.get("/api/changes", wait_s=31).status_code == 422
    assert Officer(hub.app, "").get("/api/changes").status_code == 401


class Request:
    """A browser that listens until it is told otherwise."""

    def __init__(self, officer: Officer) -> None:
        self.headers, self.cookies = officer.web.headers, officer.web.cookies
        self.scope: dict[str, Any] = {"client": ("10.0.0.1", 1)}
        self.gone = False

    async def is_disconnected(self) -> bool:
        return self.gone


def listen(hub: Station, request: Request, after: str | None, until: int) -> list[ServerSentEvent]:
    """The first so many events."""

    async def some() -> list[ServerSentEvent]:
        found = []
        async for item in live.events(hub.app.state.desk, request, after):  # type: ignore[arg-type]
            found.append(item)
            if len(found) == until:
                request.gone = True
        return found

    return asyncio.run(asyncio.wait_for(some(), 20))


def test_live_events_name_themselves_and_beat_with_the_hubs_time(hub: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids to go on from, a heartbeat, `reset` when changes were lost, `signed_out` at the end of the device."""
    monkeypatch.setattr(live, "LOOK_S", 0.001)
    monkeypatch.setattr(live, "BEAT_S", 0.002)
    desk, n = hub.app.state.desk, hub.hub.feed.n
    hub.hub.feed.post("post", {"post": "an-lao"})
    hub.hub.feed.post("entry", {"posts": ["an-lao"]})
    found = listen(hub, Request(hub.admin), str(n), 4)
    assert [(item.event, item.id) for item in found] == [
        ("heartbeat", None), ("post", f"{desk.epoch}.{n + 1}"), ("entry", f"{desk.epoch}.{n + 2}"), ("heartbeat", None),
    ]  # fmt: skip
    assert abs(found[0].data["now_ms"] - wall_ms()) < 5_000 and found[3].data["n"] == n + 2
    lost = listen(hub, Request(hub.admin), "00000000.1", 2)
    assert [item.event for item in lost] == ["heartbeat", "reset"]
    duty, gone = hub.officer("binh"), Request(hub.admin)
    gone = Request(duty)
    gone.cookies = dict(duty.web.cookies)
    duty.delete("/api/session")
    monkeypatch.setattr(live, "STILL_S", 0.0)
    assert [item.event for item in listen(hub, gone, None, 99)][-1] == "signed_out"
    desk.stopping = lambda: True
    assert [item.event for item in listen(hub, Request(hub.admin), None, 99)] == ["heartbeat"]


def test_listeners_are_bounded_for_each_officer_and_leave_their_places(hub: Station) -> None:
    """The 13th of one officer is told so, with whatever device or token; nobody else is kept from anything."""
    desk, binh = hub.app.state.desk, hub.officer("binh")
    own = next(one.id for one in hub.people.officers() if one.login == "truong")
    desk.stopping = lambda: True
    for places, path in ((desk.listeners, "/api/live"), (desk.waiters, "/api/changes")):
        for _ in range(12):
            places.take(own)
        for device in (hub.admin, hub.machine(hub.admin)):
            refused = device.get(path)
            assert (refused.status_code, refused.json()["error"]) == (503, "too_many_listeners")
        assert binh.get(path).status_code == 200, "another officer has places of their own"
        places.leave(own)
        answer = hub.admin.get(path)
        assert answer.status_code == 200 and "now_ms" in answer.text
        assert Officer(hub.app, "").get(path).status_code == 401
        assert places.taken == 11
    assert "event: heartbeat" in hub.admin.get("/api/live").text
    few = Places(most=3, each=2)
    for officer in ("a", "a", "b"):
        few.take(officer)
    with pytest.raises(KengdError, match="too many listeners"):
        few.take("c")
    for officer in ("a", "b", "a"):
        few.leave(officer)
    assert few.taken == 0 and not few._of, "nobody is remembered who has gone"


def test_the_merged_book_is_read_in_pages_and_by_post_village_kind_and_time(hub: Station) -> None:
    """Newest first, each entry once."""
    hub.hears("an-lao", "started", reason="new")
    hub.pressed("an-lao")
    hub.hears("an-lao", "finished", activation="an-0001", detail={"proved": None})
    hub.hears("bo-trang", "started", reason="new")
    read = hub.admin.get

    def seqs(**query: Any) -> list[tuple[str, int]]:
        return [(item["post"], item["seq"]) for item in read("/api/entries", **query).json()["entries"]]

    assert seqs() == [("bo-trang", 1), ("an-lao", 3), ("an-lao", 2), ("an-lao", 1)]
    first = read("/api/entries", limit=3).json()
    assert seqs(limit=3, before_n=first["next"]) == [("an-lao", 1)]
    assert read("/api/entries", limit=3, before_n=first["next"]).json()["next"] is None
    assert seqs(kind="started") == [("bo-trang", 1), ("an-lao", 1)]
    assert seqs(kind=["ringing", "finished"]) == [("an-lao", 3), ("an-lao", 2)]
    assert seqs(village="bo-trang") == seqs(post="bo-trang") == [("bo-trang", 1)]
    assert seqs(village="khong-co") == seqs(to_ms=1) == seqs(village="an-lao", post="bo-trang") == []
    assert seqs(activation="an-0001") == [("an-lao", 3), ("an-lao", 2)]
    assert seqs(from_ms=1, to_ms=wall_ms() + 1000) == seqs()
    assert first["entries"][1]["detail"] == {"proved": None}
    for wrong in ({"limit": 501}, {"before_n": 2**60}, {"kind": "KIND"}, {"post": "../x"}, {"from_ms": -1}):
        assert read("/api/entries", **wrong).status_code == 422, wrong


def test_the_audit_book_is_for_those_who_may_read_it(hub: Station) -> None:
    """Newest first, in pages; a name beside each id."""
    duty = hub.officer("binh")
    hub.admin.put("/api/villages/moi", {"name": "Thôn Mới"})
    page = hub.admin.get("/api/audit", limit=2).json()
    assert page["audit"][0]["act"] == "village_put" and page["audit"][0]["by_name"] == "Trưởng công an xã"
    assert page["next"] == page["audit"][1]["seq"]
    older = hub.admin.get("/api/audit", limit=2, before_seq=page["next"]).json()["audit"]
    assert older[0]["seq"] == page["next"] - 1
    assert duty.get("/api/audit").json()["error"] == "not_allowed"


def test_that_nobody_could_be_called_shows_wherever_the_hub_is_looked_at(hub: Station) -> None:
    """H6: on the board with its cure, and where machines look without a name or an incident; until a notice gets through."""
    nobody = Officer(hub.app, "")
    kept = Unreached(wall_ms() - 5_000, "an-lao-an-0001", "tài khoản hết tiền")
    with hub.hub.ledger.write() as connection:
        values.put_value(connection, KEPT, kept.kept())
    found = hub.admin.get("/api/desk").json()["conditions"]["calling"]
    assert (found["code"], found["incident"], found["since_ms"]) == ("nobody_reached", kept.incident, kept.since_ms)
    assert "không gọi, nhắn được ai: tài khoản hết tiền" in found["vi"] and "[sms]" in found["cure"]
    health = nobody.get("/healthz")
    assert (health.status_code, health.json()["conditions"][0]["code"]) == (200, "nobody_reached")
    assert "an-lao" not in health.text and "kengd_hub_nobody_reached 1\n" in nobody.get("/metrics").text
    with hub.hub.ledger.write() as connection:
        values.put_value(connection, KEPT, None)
    assert hub.admin.get("/api/desk").json()["conditions"]["calling"] is None
    assert "kengd_hub_nobody_reached 0\n" in nobody.get("/metrics").text


def test_notices_that_did_not_get_through_are_listed_with_who_when_and_why(hub: Station) -> None:
    """P12: newest first, in pages; the name, the service, the reason; no address, and nothing without signing in."""
    now_ms, duty = wall_ms(), hub.officer("binh")
    with hub.hub.ledger.write() as connection:
        for n, ok in enumerate((True, False, False)):
            to, detail = (
                ("ba-tu", "nhận") if ok else (calling.NOBODY, calling.NOBODY_VI) if n == 1 else ("la", "quá giờ")
            )
            sent = notices.Sent(now_ms + n, "unacknowledged", to, "sms …678", "Chưa ai nhận", ok, detail, "i1", n)
            notices.keep(connection, sent)
    every = duty.get("/api/notices", limit=2).json()
    assert [(item["to_name"], item["ok"]) for item in every["notices"]] == [("la", False), ("không ai", False)]
    older = duty.get("/api/notices", before_n=every["next"]).json()
    assert [(item["to_name"], item["why"], item["turn"]) for item in older["notices"]] == [("Bà Tư", None, 0)]
    (first, second) = duty.get("/api/notices", failed=True, incident="i1").json()["notices"]
    assert (first["why"], second["why"], first["at_ms"]) == ("quá giờ", calling.NOBODY_VI, now_ms + 2)
    assert (first["kind_vi"], first["channel"]) == ("gọi người vì chưa ai nhận", "sms …678")
    assert duty.get("/api/notices", incident="i2").json()["notices"] == []
    assert duty.get("/api/desk").json()["conditions"]["notices_failed_today"] == 2
    assert Officer(hub.app, "").get("/api/notices").json()["error"] == "not_signed_in"
    assert set(KINDS_VI) == set(NoticeKind)


def test_lines_that_could_not_be_kept_are_a_condition_of_their_post(hub: Station) -> None:
    """R49: with the count, beside what the post says of itself, on the board and for machines."""
    hub.status("an-lao", conditions=(Condition("mains_lost", "major", "mất điện lưới", "mains lost"),))
    for raw in (b"{", b"[]"):
        hub.hub.ingest._refuse(Inbound(entry_topic(COMMUNE, "an-lao"), raw, False, Token(1, 1)), wall_ms(), "no entry")
    hub.hub.ingest._own_up()
    first, second, _ = hub.admin.get("/api/desk").json()["posts"]
    assert [(item["code"], item["vi"]) for item in first["conditions"]] == [
        ("mains_lost", "mất điện lưới"), ("book_lines_unread", "2 dòng sổ không đọc được"),
    ]  # fmt: skip
    assert second["conditions"] == []
    text = Officer(hub.app, "").get("/metrics").text
    assert 'kengd_hub_post_lines_unread{post="an-lao"} 2\n' in text


def test_health_says_what_is_missing(hub: Station) -> None:
    """200, or 503 with what is missing; the ledger too. No sign-in, no names."""
    nobody = Officer(hub.app, "")
    assert nobody.get("/healthz").json() == {"ready": True, "missing": [], "conditions": []}
    hub.line.up, hub.hub.trouble = False, "disk full"
    answer = nobody.get("/healthz")
    assert (answer.status_code, [item["what"] for item in answer.json()["missing"]]) == (503, ["line", "ingest"])
    hub.line.up, hub.hub.trouble = True, None
    hub.hub.ledger.close()
    for path in hub.hub.settings.state.glob("ledger.sqlite*"):
        path.unlink()
    (hub.hub.settings.state / "ledger.sqlite").mkdir()
    gone = nobody.get("/healthz")
    assert [item["what"] for item in gone.json()["missing"]] == ["ledger"]
    lost = hub.admin.get("/api/desk")
    assert (lost.status_code, lost.json()["error"]) == (503, "ledger_trouble") and "sqlite" not in lost.text


def test_metrics_are_numbers_without_people(hub: Station) -> None:
    """Prometheus text; nothing that came over the network ends a label."""
    hub.status("an-lao", conditions=(Condition('x"} 1\nevil', "minor", "a", "b"),))
    hub.pressed("an-lao")
    text = Officer(hub.app, "").get("/metrics").text
    assert "kengd_hub_posts 3\n" in text and "kengd_hub_posts_present 1\n" in text
    assert "kengd_hub_alarms_untaken 1\n" in text
    assert 'kengd_hub_post_condition{post="an-lao",code="x1evil",severity="minor"} 1\n' in text
    assert "\nevil" not in text and "Bà Tư" not in text
