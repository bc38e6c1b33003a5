"""The desk: incidents from the first word to the outcome, two officers at once, and CAP in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kengd.clock import local
from kengd.hub.bulletins import CAP_DIR, newest
from kengd.hub.ledger import notices, rosters, values
from kengd.hub.notices.cap_reading import parse_cap
from kengd.hub.roster import Neighbour
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import CAP, CAP_TOKEN, WEATHER, Officer, Station, acts, station
from tests.hub.spine_kit import claims_of


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path, cap_from=[WEATHER])
    yield made
    made.hub.ledger.close()


def test_of_two_officers_one_takes_charge_and_both_see_who(hub: Station) -> None:
    """H20: the keeper's lamp is told once; the second hears the first one's name."""
    binh, chi = hub.officer("binh"), hub.officer("chi")
    incident = hub.pressed("an-lao")
    assert binh.post(f"/api/incidents/{incident}/acknowledge").json()["acknowledged_by"] == binh.name
    late = chi.post(f"/api/incidents/{incident}/acknowledge")
    assert (late.status_code, late.json()["error"]) == (409, "already_taken") and binh.name in late.json()["vi"]
    assert binh.post(f"/api/incidents/{incident}/acknowledge").status_code == 200
    assert [claims_of(jws)["cmd"]["do"] for _, jws in hub.line.said] == ["taken"]
    for officer in (binh, chi):
        assert officer.get("/api/desk").json()["incidents"][0]["acknowledged_by"] == binh.name
    assert [item for item in acts(hub) if item[1] == "acknowledge"] == [(binh.name, "acknowledge")]
    assert binh.post("/api/incidents/khong-co/acknowledge").status_code == 404


def test_a_call_is_an_incident_once(hub: Station) -> None:
    """R47: the same act twice is one; the id of another incident is refused."""
    form = {"id": hub.act(), "text": "có người lạ vào thôn", "village": "an-lao"}
    once, twice = hub.admin.post("/api/incidents", form), hub.admin.post("/api/incidents", form)
    assert (once.status_code, twice.status_code) == (201, 201)
    assert (once.json()["origin"], once.json()["acknowledged_by"]) == ("call", hub.admin.name)
    assert hub.admin.post("/api/incidents", {**form, "text": "khác"}).json()["error"] == "id_reused"
    assert hub.admin.post("/api/incidents", {**form, "id": hub.act(), "village": "xa"}).status_code == 404
    alarm = hub.pressed("an-lao")
    assert hub.admin.post("/api/incidents", {**form, "id": alarm}).json()["error"] == "id_reused"
    assert [act for _, act in acts(hub)].count("call_in") == 1


def test_support_is_asked_of_the_neighbours_once(hub: Station) -> None:
    """H13: a support signal at their posts; none where no neighbour is named."""
    incident, act = hub.pressed("an-lao"), {"id": hub.act()}
    for _ in range(2):
        told = hub.admin.post(f"/api/incidents/{incident}/support", act).json()["dispatch"]
    assert [item["post"] for item in told["targets"]] == ["bo-trang"]
    assert [claims_of(jws)["cmd"]["signal"] for _, jws in hub.line.said] == ["support"]
    assert hub.admin.get(f"/api/incidents/{incident}").json()["support_asked"] is True
    alone = hub.pressed("cau-ngang", "an-0009")
    assert hub.admin.post(f"/api/incidents/{alone}/support", {"id": hub.act()}).json() == {"dispatch": None}
    assert hub.admin.post(f"/api/incidents/{alone}/support", act).json()["error"] == "id_reused"
    assert hub.admin.post("/api/incidents/khong-co/support", {"id": hub.act()}).status_code == 404


def test_all_clear_is_one_act(hub: Station) -> None:
    """H16: hush where it sounds, the incident closed by name; sent twice it is one."""
    incident, act = hub.pressed("an-lao"), {"id": hub.act()}
    closed = hub.admin.post(f"/api/incidents/{incident}/all-clear", act).json()
    assert closed["closed_by"] == hub.admin.name
    hub.hears("an-lao", "cut", activation="an-0001", reason="hushed")
    assert hub.admin.post(f"/api/incidents/{incident}/all-clear", act).json()["closed_ms"] == closed["closed_ms"]
    assert [claims_of(jws)["cmd"]["do"] for _, jws in hub.line.said] == ["hush"]
    assert hub.admin.get("/api/desk").json()["incidents"] == []
    other = hub.pressed("bo-trang")
    assert hub.admin.post(f"/api/incidents/{other}/all-clear", act).json()["error"] == "id_reused"
    assert hub.admin.post("/api/incidents/khong-co/all-clear", {"id": hub.act()}).status_code == 404
    assert [act for _, act in acts(hub)].count("all_clear") == 1


def test_an_outcome_is_added_and_never_overwritten(hub: Station) -> None:
    """The newest counts, the earlier stays; the same one twice is one."""
    incident = hub.pressed("an-lao")
    first = {"kind": "theft", "done": "bắt 1 đối tượng", "done_by": "tổ an ninh", "text": "xe đã trả"}
    for _ in range(2):
        hub.admin.post(f"/api/incidents/{incident}/outcomes", first)
    told = hub.admin.post(f"/api/incidents/{incident}/outcomes", {"kind": "false_alarm"}).json()
    assert [item["kind"] for item in told["outcomes"]] == ["theft", "false_alarm"]
    assert (told["outcome"]["kind_vi"], told["outcome"]["by"]) == ("báo nhầm", hub.admin.name)
    assert hub.admin.post(f"/api/incidents/{incident}/outcomes", {"kind": "ufo"}).json()["error"] == "unknown_kind"
    assert hub.admin.post("/api/incidents/khong-co/outcomes", {"kind": "fire"}).status_code == 404


def test_an_outcome_with_an_id_is_written_once_however_often_it_is_sent(hub: Station) -> None:
    """R47: a double click, also one that comes behind somebody else's correction; other words need another id."""
    incident = hub.pressed("an-lao")
    path, first = f"/api/incidents/{incident}/outcomes", {"id": hub.act(), "kind": "theft", "done": "bắt 1 đối tượng"}
    assert hub.admin.post(path, first).status_code == 201
    hub.admin.post(path, {"id": hub.act(), "kind": "false_alarm"})
    again = hub.admin.post(path, first)
    assert again.status_code == 201
    assert [item["kind"] for item in again.json()["outcomes"]] == ["theft", "false_alarm"]
    other = hub.admin.post(path, {**first, "done": "việc khác"})
    assert (other.status_code, other.json()["error"]) == (409, "id_reused")
    assert [act for _, act in acts(hub)].count("outcome") == 2


def test_incidents_are_listed_by_period(hub: Station) -> None:
    """Month, quarter or year; or from and to."""
    incident = hub.pressed("an-lao")
    began = hub.admin.get(f"/api/incidents/{incident}").json()["began_ms"]

    def ids(**query: object) -> list[str]:
        return [item["id"] for item in hub.admin.get("/api/incidents", **query).json()["incidents"]]

    assert ids() == ids(from_ms=began, to_ms=began + 1) == [incident]
    assert ids(period="2001-01") == ids(to_ms=began) == []
    assert hub.admin.get("/api/incidents", period="mai").json()["error"] == "bad_period"
    assert hub.admin.get("/api/incidents/khong-co").json()["error"] == "unknown_incident"


def test_our_alarms_are_cap_messages_alert_update_cancel(hub: Station) -> None:
    """CAP 1.2: each message names the ones before it; read back by the strict reader."""
    incident = hub.pressed("an-lao")

    def read() -> object:
        answer = hub.admin.get(f"/cap/{incident}.xml")
        assert answer.headers["content-type"] == "application/cap+xml"
        return parse_cap(answer.content)

    first = read()
    with hub.hub.ledger.write() as connection:  # a second goes by: CAP knows no shorter time
        connection.exec_driver_sql("UPDATE incident SET began_ms = began_ms - 2000")
    hub.admin.post(f"/api/incidents/{incident}/acknowledge")
    second = read()
    hub.admin.post(f"/api/incidents/{incident}/all-clear", {"id": hub.act()})
    third = read()
    assert [item.msg_type for item in (first, second, third)] == ["Alert", "Update", "Cancel"]  # type: ignore[attr-defined]
    assert [len(item.references) for item in (first, second, third)] == [0, 1, 2]  # type: ignore[attr-defined]
    index = hub.admin.get("/cap").json()["alerts"]
    assert [(item["url"], item["msg_type"]) for item in index] == [(f"/cap/{incident}.xml", "Cancel")]
    assert hub.admin.get("/cap/khong-co.xml").json()["error"] == "unknown_incident"
    assert Officer(hub.app, "").get("/cap").status_code == 401


def test_a_cap_alert_of_a_known_source_is_proposed_and_rings_nothing(hub: Station) -> None:
    """Once, whoever repeats it; drills are called so; an Ack proposes nothing."""
    nobody = Officer(hub.app, "")

    def send(text: str, token: str = CAP_TOKEN) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cap+xml"}
        answer = nobody.web.post("/cap", content=text.encode(), headers=headers)
        return {"status": answer.status_code, **answer.json()}

    actual = CAP.format(id="vn-1", status="Actual", type="Alert")
    assert send(actual)["status"] == 202 and send(actual)["proposed"] is True
    (found,) = hub.admin.get("/api/desk").json()["incidents"]
    assert found["text"] == "CAP Đài khí tượng: Nguy cơ lũ quét (Huyện Tứ Kỳ)"
    assert (found["origin"], found["acknowledged_by"], found["call_due_ms"]) == ("call", None, None)
    send(CAP.format(id="vn-2", status="Exercise", type="Alert"))
    assert hub.admin.get("/api/desk").json()["incidents"][0]["purpose"] == "drill"
    assert hub.line.said == []
    assert (send(actual, "khac")["status"], send("<alert/>")["error"]) == (401, "bad_cap")
    assert nobody.web.post("/cap", content=actual).json()["error"] == "bad_token"
    assert nobody.web.post("/cap", content=b"x" * 300_000).status_code == 413
    assert nobody.web.post("/cap", content=actual, headers={"Origin": "http://evil.example"}).status_code == 403
    assert [act for who, act in acts(hub) if who == "cap:Đài khí tượng"] == ["cap_proposed"] * 2


def _sent(station: Station, document: str) -> dict[str, Any]:
    """By the source, which has a token and nothing else."""
    headers = {"Authorization": f"Bearer {CAP_TOKEN}", "Content-Type": "application/cap+xml"}
    answer = Officer(station.app, "").web.post("/cap", content=document.encode(), headers=headers)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


EARLIER = "<references>kttv.gov.vn,vn-1,2026-11-22T01:00:00+07:00</references>"


def _cap(number: int, *, sent_ms: int | None = None, **changes: str) -> str:
    sent = local(wall_ms() if sent_ms is None else sent_ms).replace(microsecond=0).isoformat()
    document = CAP.format(id=f"vn-{number}", status="Actual", type="Alert").replace("2026-11-22T01:00:00+07:00", sent)
    for element, value in changes.items():
        document = re.sub(rf"<{element}>[^<]*<", f"<{element}>{value}<", document)
    return document


@pytest.fixture
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A commune that lets the weather service ring the alarm in one village."""
    source = {**WEATHER, "rings": "alarm", "villages": ["bo-trang"], "areas": ["Tứ Kỳ"]}
    made = station(tmp_path_factory.mktemp("trusting"), cap_from=[source])
    yield made
    made.hub.ledger.close()


def test_a_cap_alert_rings_by_itself_only_where_the_settings_say_so_and_once(trusting: Station, hub: Station) -> None:
    """By default never: a false ring brings people out. Where it may: once however often it comes, in those villages only, and somebody is
    called to take charge of it."""
    urgent = _cap(1)
    assert _sent(hub, urgent)["rung"] is False and hub.line.said == []
    assert [_sent(trusting, urgent)["rung"] for _ in range(3)] == [True] * 3
    ((topic, jws),) = trusting.line.said
    assert topic.endswith("/bo-trang/command") and claims_of(jws)["cmd"]["signal"] == "alarm"
    (found,) = trusting.admin.get("/api/desk").json()["incidents"]
    assert found["call_due_ms"] is not None and found["villages"] == ["bo-trang"] and found["acknowledged_by"] is None
    assert [act for who, act in acts(trusting) if who == "cap:Đài khí tượng"] == ["cap_rung"]


def test_what_is_not_urgent_actual_and_fresh_is_only_proposed(trusting: Station) -> None:
    """An exercise, an update, one that was sent an hour ago or is over, one for later, a possible one, an all-clear, one for another
    province: an officer decides."""
    documents = [
        _cap(2, status="Exercise"),
        _cap(3, msgType="Update").replace("</scope>", f"</scope>{EARLIER}"),
        _cap(4, sent_ms=wall_ms() - 3_600_000),
        _cap(5, urgency="Future"),
        _cap(6, severity="Moderate"),
        _cap(7, certainty="Possible"),
        _cap(8, scope="Private").replace("</scope>", "</scope><addresses>xa</addresses>"),
        _cap(9, sent_ms=wall_ms() + 3_600_000),
        _cap(10).replace("</certainty>", "</certainty><expires>2020-01-01T00:00:00+07:00</expires>"),
        _cap(11).replace("</certainty>", "</certainty><effective>2099-01-01T00:00:00+07:00</effective>"),
        _cap(12).replace("</certainty>", "</certainty><onset>2099-01-01T00:00:00+07:00</onset>"),
        _cap(13).replace("<urgency>", "<responseType>AllClear</responseType><urgency>"),
        _cap(14, areaDesc="Tỉnh Cà Mau"),
    ]
    assert [_sent(trusting, document)["rung"] for document in documents] == [False] * len(documents)
    assert trusting.line.said == [] and len(trusting.admin.get("/api/desk").json()["incidents"]) == len(documents)


def test_a_cap_alert_rings_nothing_while_the_desk_is_locked(trusting: Station) -> None:
    """H14: "dừng tất cả, khóa" holds for everybody; the alert is a proposal then."""
    trusting.admin.post("/api/hushes", {"id": trusting.act(), "all": True, "lock": True})
    trusting.line.said.clear()
    alert = _cap(20)
    assert _sent(trusting, alert)["rung"] is False and trusting.line.said == []
    assert len(trusting.admin.get("/api/desk").json()["incidents"]) == 1
    trusting.admin.post("/api/lock/unlock")
    assert _sent(trusting, alert)["rung"] is True, "unlocked, and nobody has decided about it"
    assert len(trusting.admin.get("/api/desk").json()["incidents"]) == 1


def test_one_event_with_many_bulletins_rings_once(trusting: Station) -> None:
    """A source that goes mad rings no village all night: the rest are proposals while the first is open."""
    assert [_sent(trusting, _cap(number))["rung"] for number in range(30, 36)] == [True] + [False] * 5
    assert len(trusting.line.said) == 1 and len(trusting.admin.get("/api/desk").json()["incidents"]) == 6


def test_an_alert_that_was_proposed_rings_when_the_trusted_source_brings_it_but_not_over_an_officer(
    trusting: Station,
) -> None:
    """A source that may only propose and is quicker must not silence the other; what an officer has taken is the officer's."""
    alerts = [_cap(40), _cap(41)]
    source = trusting.hub.settings.cap_from[0]
    trusting.hub.settings.cap_from[0] = source.model_copy(update={"rings": None})
    proposed = [_sent(trusting, alert) for alert in alerts]
    assert [one["rung"] for one in proposed] == [False, False]
    trusting.admin.post(f"/api/incidents/{proposed[1]['incident']}/acknowledge")
    trusting.hub.settings.cap_from[0] = source
    trusting.line.said.clear()
    assert [_sent(trusting, alert)["rung"] for alert in reversed(alerts)] == [False, True]
    assert len(trusting.line.said) == 1


def test_what_a_source_rings_calls_no_neighbours(trusting: Station) -> None:
    """H13: people come to help where a person has asked for it; an officer who takes it may."""
    with trusting.hub.ledger.write() as connection:
        rosters.put_neighbours(connection, "bo-trang", [Neighbour("bo-trang", "an-lao", by_itself=True)])
    trusting.hub.forget_roster()
    incident = _sent(trusting, _cap(50))["incident"]
    trusting.line.said.clear()
    trusting.answers(incident, "bo-trang", "received", "ringing", activation="cap-0001")
    trusting.hub._told_of([incident])
    assert trusting.line.said == []


def test_an_alarm_that_was_rung_because_somebody_called_is_told_like_any_other(hub: Station) -> None:
    """H6: keepers, officers, other systems and CAP hear of it as soon as it sounds; what the caller said stays on the desk (P12)."""
    call = {"id": "call-00001", "text": "bà Tư ở ngõ 3 báo có trộm", "village": "an-lao"}
    assert hub.admin.post("/api/incidents", call).status_code == 201

    def told() -> tuple[set[str], list[str], list[str]]:
        hub.hub.herald.turn()
        with hub.hub.ledger.read() as connection:
            keys = set(values.under(connection, notices.TOLD))
        files = [path.read_text() for path in newest(hub.hub.settings.state / CAP_DIR)]
        return keys, [item["incident"] for item in hub.admin.get("/cap").json()["alerts"]], files

    assert told() == (set(), [], [])
    ring = {"id": "ring-00001", "signal": "alarm", "purpose": "actual", "why": "trộm", "incident": "call-00001"}
    assert hub.admin.post("/api/rings", {**ring, "posts": ["an-lao", "bo-trang"]}).status_code == 201
    for post in ("an-lao", "bo-trang"):
        hub.answers("ring-00001", post, "received", "ringing", activation=f"hd-{post}")
    keys, index, files = told()
    assert keys == {f"{notices.TOLD}alarm:call-00001", f"{notices.TOLD}alarm:call-00001:bo-trang"}
    assert (index, len(files)) == (["call-00001"], 1)
    files.append(hub.admin.get("/cap/call-00001.xml").text)
    assert not any("bà Tư" in said for said in files)
