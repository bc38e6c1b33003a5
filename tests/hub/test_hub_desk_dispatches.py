"""The desk: rings and hushes, once each, followed to every post."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.act_ground import CONFIRM_WITHIN_MS
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import POSTS, Station, acts, station
from tests.hub.spine_kit import claims_of


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def ring(hub: Station, **more: object) -> dict[str, object]:
    return {"id": hub.act(), "signal": "alarm", "purpose": "actual", "why": "trộm xe máy", "posts": ["an-lao"], **more}


def test_a_ring_goes_out_once_and_each_post_is_followed_with_its_own_words(hub: Station) -> None:
    """P9, R47: sent is not rung; a repeat of the same act sends nothing again."""
    duty = hub.officer("binh")
    hub.status("an-lao"), hub.absent("bo-trang")
    form = ring(hub, posts=["an-lao", "bo-trang"])
    first, second = duty.post("/api/rings", form), duty.post("/api/rings", form)
    assert (first.status_code, second.status_code) == (201, 201)
    assert [topic.split("/")[-2] for topic, _ in hub.line.said] == ["all"]
    hub.answers(str(form["id"]), "an-lao", "received", "ringing")
    told = duty.get(f"/api/dispatches/{form['id']}").json()
    one, other = told["targets"]
    assert (one["state"], one["sentence"]) == ("ringing", "đang đánh (rơ-le đã đóng, chưa kiểm được tiếng)")
    assert other["state"] == "sent"
    assert other["sentence"].startswith("đã gửi, điểm kẻng chưa trả lời: mất liên lạc từ ")
    assert other["keepers"] == [{"name": "Bà Tư", "phone": "0912 345 678"}]
    assert one["keepers"] == []
    hub.answers(str(form["id"]), "an-lao", "finished", detail={"proved": True})
    ended = duty.get(f"/api/dispatches/{form['id']}").json()["targets"][0]
    assert ended["sentence"] == "đánh xong (đã kiểm được tiếng)"
    assert [act for _, act in acts(hub) if act == "ring"] == ["ring"]


def test_the_same_id_for_another_act_is_refused(hub: Station) -> None:
    """R47."""
    form = ring(hub)
    assert hub.admin.post("/api/rings", form).status_code == 201
    other = hub.admin.post("/api/rings", {**form, "why": "cháy nhà"})
    assert (other.status_code, other.json()["error"]) == (409, "id_reused")


def test_an_alarm_for_all_posts_needs_a_second_step_and_says_what_it_would_do(hub: Station) -> None:
    """R62: nothing is sent before it; drills need none."""
    form = ring(hub, posts=None, all=True)
    form.pop("posts")
    asked = hub.admin.post("/api/rings", form)
    assert asked.status_code == 409 and hub.line.said == []
    body = asked.json()
    assert (body["error"], body["posts"], body["households"], body["by_second"]) == ("confirm_needed", 3, 200, False)
    assert body["sentence"] == "sắp báo động THẬT ở tất cả 3 điểm kẻng, 200 hộ sẽ nghe thấy"
    done = hub.admin.post("/api/rings", {**form, "confirm": body["token"]})
    assert done.status_code == 201 and len(hub.line.said) == 1
    assert claims_of(hub.line.said[0][1])["aud"] == "cong-lac/*"
    drill = hub.admin.post("/api/rings", {**form, "id": hub.act(), "purpose": "drill"})
    assert drill.status_code == 201


def test_all_posts_are_for_chiefs_however_they_are_named(hub: Station) -> None:
    """Trực ban rings posts, villages and groups; all of them together is ring_all."""
    duty, chief = hub.officer("binh"), hub.officer("chi", "chief")
    named = duty.post("/api/rings", ring(hub, posts=list(POSTS), purpose="drill"))
    assert (named.status_code, named.json()["error"]) == (403, "not_allowed")
    assert duty.post("/api/rings", ring(hub, posts=list(POSTS[:2]))).status_code == 201
    assert chief.post("/api/rings", ring(hub, posts=list(POSTS), purpose="drill")).status_code == 201


def test_a_second_officer_confirms_where_the_commune_wants_two(tmp_path: Path) -> None:
    """R62, H14: one alone cannot, nor confirm for himself; another can, in person."""
    hub = station(tmp_path, duty={"alarm_all": "second_officer"})
    binh, machine = hub.officer("binh"), hub.machine(hub.admin, "admin")
    form = ring(hub, all=True)
    form.pop("posts")
    token = hub.admin.post("/api/rings", form).json()["token"]
    assert hub.admin.post("/api/rings", {**form, "confirm": token}).json()["by_second"] is True
    assert [item["token"] for item in binh.get("/api/confirmations").json()["confirmations"]] == [token]
    assert [item["name"] for item in binh.get("/api/desk").json()["confirmations"]] == ["Trưởng công an xã"]
    assert hub.admin.post(f"/api/confirmations/{token}").json()["error"] == "same_officer"
    assert machine.post(f"/api/confirmations/{token}").json()["error"] == "officers_only"
    assert hub.line.said == []
    assert binh.post(f"/api/confirmations/{token}").status_code == 200
    assert hub.admin.post("/api/rings", {**form, "confirm": token}).status_code == 201
    assert len(hub.line.said) == 1
    assert binh.post("/api/confirmations/" + "0" * 24).status_code == 404


def two_officers(tmp_path: Path) -> tuple[Station, dict[str, object], str]:
    """A commune that wants two; an alarm for all that was asked for, and its token."""
    hub = station(tmp_path, duty={"alarm_all": "second_officer"})
    form = ring(hub, all=True)
    form.pop("posts")
    return hub, form, str(hub.admin.post("/api/rings", form).json()["token"])


def said_of_it(hub: Station) -> list[str]:
    return [act for _, act in acts(hub) if act.startswith("alarm_") or act == "ring"]


def test_what_one_confirms_himself_asks_nobody_else(hub: Station) -> None:
    """H14: with the default setting no banner says to others that their yes counts."""
    chief = hub.officer("chi", "chief")
    form = ring(hub, all=True)
    form.pop("posts")
    assert hub.admin.post("/api/rings", form).json()["by_second"] is False
    assert chief.get("/api/confirmations").json() == {"confirmations": [], "agreed": []}
    assert "đồng ý" not in chief.get("/").text and "đồng ý" not in chief.get("/phan/tren").text


def test_a_second_officer_reads_what_is_asked_and_the_one_who_asks_does_not(tmp_path: Path) -> None:
    """R62: real, signal, posts, households, why, since when; for each whose yes counts, as long as it waits."""
    hub, form, token = two_officers(tmp_path)
    chief, duty = hub.officer("chi", "chief"), hub.officer("binh")
    for path in ("/", "/phan/tren"):
        html = chief.get(path).text
        words = " ".join(re.sub(r"<[^>]+>", " ", html).split())
        assert "Trưởng công an xã xin báo động THẬT ở TẤT CẢ 3 điểm kẻng (200 hộ): Báo động" in words, path
        assert f"“{form['why']}”" in words and "Đã đồng ý; lệnh do Trưởng công an xã phát." in html
        assert token in html
        assert token not in hub.admin.get(path).text and token in duty.get(path).text
    assert chief.post(f"/api/confirmations/{token}").status_code == 200
    assert token not in chief.get("/phan/tren").text
    assert hub.admin.get("/api/confirmations").json()["agreed"] == [token]
    assert hub.admin.post("/api/rings", {**form, "confirm": token}).status_code == 201
    assert hub.admin.get("/api/confirmations").json() == {"confirmations": [], "agreed": []}
    assert said_of_it(hub) == ["alarm_asked", "alarm_confirmed", "ring"]
    hub.hub.ledger.close()


def test_who_thinks_better_of_it_leaves_nothing_to_agree_to(tmp_path: Path) -> None:
    """H14: withdrawn by the one who asked alone, once, in the hub's book; agreeing then rings nothing."""
    hub, form, token = two_officers(tmp_path)
    chief = hub.officer("chi", "chief")
    other = chief.delete(f"/api/confirmations/{token}")
    assert (other.status_code, other.json()["error"]) == (409, "not_yours")
    for _ in range(2):
        assert hub.admin.delete(f"/api/confirmations/{token}").status_code == 200
    assert token not in chief.get("/phan/tren").text
    assert chief.post(f"/api/confirmations/{token}").json()["error"] == "no_such_confirmation"
    late = hub.admin.post("/api/rings", {**form, "confirm": token})
    assert (late.status_code, late.json()["error"], hub.line.said) == (409, "confirm_lapsed", [])
    assert said_of_it(hub) == ["alarm_asked", "alarm_withdrawn"]
    hub.hub.ledger.close()


@pytest.mark.parametrize("setting", ["confirm", "second_officer"])
def test_what_has_lapsed_is_asked_for_again_by_nobody_but_a_hand(
    tmp_path: Path, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R62: a second hold after two minutes rings nothing, says so, and begins nothing."""
    hub = station(tmp_path, duty={"alarm_all": setting})
    form = ring(hub, all=True)
    form.pop("posts")
    token = hub.admin.post("/api/rings", form).json()["token"]
    with monkeypatch.context() as later:
        later.setattr(hub.hub.acts, "_wall_ms", lambda: wall_ms() + CONFIRM_WITHIN_MS)
        late = hub.admin.post("/api/rings", {**form, "confirm": token, "alone_why": "không có ai"})
        assert (late.status_code, late.json()["error"], hub.line.said) == (409, "confirm_lapsed", [])
        assert "giữ lại từ đầu" in late.json()["cure"]
        assert said_of_it(hub) == ["alarm_asked"]
        assert hub.admin.post("/api/rings", form).json()["error"] == "confirm_needed"
    hub.hub.ledger.close()


def test_villages_and_groups_become_their_posts(hub: Station) -> None:
    """Exactly one way to choose."""
    by_village = hub.admin.post("/api/rings", ring(hub, posts=None, villages=["an-lao"]))
    assert [item["post"] for item in by_village.json()["targets"]] == ["an-lao"]
    by_group = hub.admin.post("/api/rings", ring(hub, posts=None, groups=["ven-song"]))
    assert [item["post"] for item in by_group.json()["targets"]] == ["bo-trang", "cau-ngang"]
    both = hub.admin.post("/api/rings", ring(hub, villages=["an-lao"]))
    assert (both.status_code, both.json()["error"]) == (422, "one_way")
    for field in ("posts", "villages", "groups"):
        form = ring(hub, posts=None)
        nowhere = hub.admin.post("/api/rings", {**form, field: ["khong-co"]})
        assert (nowhere.status_code, nowhere.json()["error"]) == (404, f"unknown_{field[:-1]}")


def test_posts_ring_one_after_another_within_what_a_post_takes(hub: Station) -> None:
    """From a first post outwards with a gap; a start beyond nine minutes is refused here, not at the post."""
    done = hub.admin.post("/api/rings", ring(hub, posts=list(POSTS[:2]), first="bo-trang", gap_s=10))
    assert done.status_code == 201
    starts = [claims_of(jws)["cmd"].get("at") for _, jws in hub.line.said]
    assert starts[0] is None and starts[1] is not None
    far = hub.admin.post("/api/rings", ring(hub, posts=list(POSTS), purpose="drill", first="an-lao", gap_s=300))
    assert (far.status_code, far.json()["error"]) == (422, "bad_at")
    assert hub.admin.post("/api/rings", ring(hub, at=1_000)).json()["error"] == "bad_at"
    assert hub.admin.post("/api/rings", ring(hub, first="bo-trang", gap_s=5)).json()["error"] == "bad_first"
    assert hub.admin.post("/api/rings", ring(hub, incident="khong-co")).status_code == 404


def test_a_hush_is_refused_to_nobody_who_is_signed_in(hub: Station) -> None:
    """On a device idle for hours, with a first password, beside a post that is no more: the sound stops all the same."""
    duty = hub.officer("binh")
    assert duty.post("/api/rings", ring(hub)).status_code == 201
    hub.idle()
    assert duty.post("/api/rings", ring(hub)).json()["error"] == "session_locked"
    hushed = duty.post("/api/hushes", {"id": hub.act(), "posts": ["an-lao", "da-bo"], "lock": True})
    assert hushed.status_code == 201
    assert [item["post"] for item in hushed.json()["targets"]] == ["an-lao"]
    assert hushed.json()["locked"] is False, "a device left lying about locks nobody out"
    assert hushed.json()["targets"][0]["keepers"] == [], "nor does it show phone numbers"
    assert claims_of(hub.line.said[-1][1])["cmd"]["do"] == "hush"
    for _ in range(80):  # no pace stands before it
        again = duty.post("/api/hushes", {"id": hub.act(), "all": True})
    assert again.status_code == 201
    assert duty.web.post("/api/hushes", json={"id": hub.act(), "all": True}).json()["error"] == "csrf"


def test_a_hush_sent_twice_is_one_even_when_something_else_sounds_by_then(hub: Station) -> None:
    """R47, P13."""
    form = {"id": hub.act(), "posts": ["an-lao"]}
    assert hub.admin.post("/api/hushes", form).status_code == 201
    rung = ring(hub)
    hub.admin.post("/api/rings", rung)
    hub.answers(str(rung["id"]), "an-lao", "received", "ringing", activation="moi-0001")
    said = len(hub.line.said)
    assert hub.admin.post("/api/hushes", form).status_code == 201
    assert len(hub.line.said) == said
    assert [act for _, act in acts(hub)].count("hush") == 1


def test_a_stop_that_was_carried_out_is_not_called_silence_where_the_bell_still_sounds(hub: Station) -> None:
    """P9: somebody has pressed again meanwhile, or another order keeps it going; the officer reads it where he looks."""
    hub.status("an-lao")
    form = {"id": hub.act(), "posts": ["an-lao"]}
    hub.admin.post("/api/hushes", form)
    jti = hub.jti(str(form["id"]), "an-lao")
    hub.hears("an-lao", "received", command_id=jti, detail={"ended": []})

    def said() -> str:
        return str(hub.admin.get(f"/api/dispatches/{form['id']}").json()["targets"][0]["sentence"])

    assert said() == "đã làm xong"
    hub.status("an-lao", sounding=Sounding("b" * 16, "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms()))
    assert said().startswith("đã làm xong, nhưng điểm kẻng vẫn đang kêu")


def test_hush_all_with_a_lock_stops_new_rings_until_it_is_opened(hub: Station) -> None:
    """One act; the lock is seen by everybody and opened by an officer."""
    duty = hub.officer("binh")
    hushed = duty.post("/api/hushes", {"id": hub.act(), "all": True, "why": "báo nhầm", "lock": True})
    assert hushed.json()["locked"] is True and len(hushed.json()["targets"]) == 3
    assert duty.get("/api/desk").json()["lock"]["by"] == duty.name
    locked = hub.admin.post("/api/rings", ring(hub))
    assert (locked.status_code, locked.json()["error"]) == (409, "locked")
    assert duty.post("/api/lock/unlock").status_code == 200
    assert hub.admin.post("/api/rings", ring(hub)).status_code == 201
    assert [act for who, act in acts(hub) if who == duty.name][-2:] == ["hush", "unlock"]


def test_what_did_not_ring_is_rung_again_in_one_act(hub: Station) -> None:
    """R65: refused and unanswered posts, no others; the reason stands in Vietnamese."""
    form = ring(hub, posts=["an-lao", "bo-trang"])
    hub.admin.post("/api/rings", form)
    hub.answers(str(form["id"]), "an-lao", "received", "ringing")
    hub.answers(str(form["id"]), "bo-trang", "refused", reason="unknown_key")
    told = hub.admin.get(f"/api/dispatches/{form['id']}").json()
    assert told["again"] == ["bo-trang"]
    assert told["targets"][1]["sentence"] == ("từ chối: khóa ký lệnh không có trong danh sách khóa của điểm kẻng")
    act = {"id": hub.act()}
    once, twice = (hub.admin.post(f"/api/dispatches/{form['id']}/again", act) for _ in range(2))
    assert once.json()["repeats"] == form["id"] and twice.json()["id"] == once.json()["id"]
    assert [item["post"] for item in once.json()["targets"]] == ["bo-trang"]
    assert hub.admin.post("/api/dispatches/khong-co/again", {"id": hub.act()}).status_code == 404
    assert hub.admin.post(f"/api/dispatches/{act['id']}/again", {"id": form["id"]}).json()["error"] == "id_reused"


def test_the_list_of_dispatches_counts_states(hub: Station) -> None:
    """Newest first, in pages."""
    one, other = ring(hub), ring(hub, posts=["bo-trang"], purpose="drill")
    hub.admin.post("/api/rings", one), hub.admin.post("/api/rings", other)
    listed = hub.admin.get("/api/dispatches").json()["dispatches"]
    assert {(item["id"], tuple(item["tally"].items())) for item in listed} == {
        (one["id"], (("sent", 1),)), (other["id"], (("sent", 1),)),
    }  # fmt: skip
    assert hub.admin.get("/api/dispatches", before_ms=1).json()["dispatches"] == []
    assert hub.admin.get("/api/dispatches", limit=0).status_code == 422
    assert hub.admin.get("/api/dispatches/khong-co").json()["error"] == "unknown_dispatch"


def test_while_the_line_is_down_nothing_is_called_sent(hub: Station) -> None:
    """P9."""
    hub.line.up = False
    form = ring(hub)
    told = hub.admin.post("/api/rings", form).json()["targets"][0]
    assert (told["state"], told["sent_ms"]) == ("waiting", None)
    assert "mất liên lạc với máy chủ MQTT" in told["sentence"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "short"}, {"id": "có dấu tiếng việt"}, {"signal": "Alarm!"}, {"purpose": "fun"}, {"why": ""},
        {"why": "hai\ndòng"}, {"gap_s": -1}, {"gap_s": "5"}, {"extra": 1}, {"posts": []}, {"at": 1e12}, {"posts": "an-lao"},
    ],
)  # fmt: skip
def test_a_wrong_form_is_refused_with_what_is_wrong(hub: Station, wrong: dict[str, object]) -> None:
    """P12: bounded and validated, in the manners of all errors."""
    answer = hub.admin.post("/api/rings", ring(hub, **wrong))
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "vi", "cure", "en"} and hub.line.said == []
