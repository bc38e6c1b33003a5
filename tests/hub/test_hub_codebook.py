"""The commune's codebook and timetable: kept as a draft, tried against every bell, sent under one number, refused with the reason."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kengd.bellcode.codebooks import builtin
from kengd.hub.codebook_drafts import of_codebook
from kengd.hub.founding import SETTINGS_OF
from kengd.hub.ledger import values
from kengd.settings.find import EXAMPLE
from kengd.settings.problems import SettingsError
from kengd.settings.versions import apply_codebook_overlay
from tests.hub.desk_kit import Officer, Station, acts, station, text

SIREN = """
[post]
commune = "cong-lac"
id = "bo-trang"
name = "Điểm Bồ Tràng"
[codebook]
use = "coi_hu"
[bell]
kind = "siren"
[gpio]
pins = "simulated"
[gpio.relay]
pin = 17
[[gpio.buttons]]
name = "alarm"
pin = 22
does = "alarm"
"""
LINE = {"at": "22:00", "days": "daily", "signal": "curfew", "grace_s": 300, "except": []}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    """An Lão has the example's bell, Bồ Tràng a siren; of Cầu Ngang the hub knows nothing."""
    made = station(tmp_path)
    with made.hub.ledger.write() as connection:
        values.put_value(connection, f"{SETTINGS_OF}an-lao", EXAMPLE.read_text())
        values.put_value(connection, f"{SETTINGS_OF}bo-trang", SIREN)
    yield made
    made.hub.ledger.close()


def book(**patterns: str) -> dict[str, Any]:
    """Cộng Lạc's, with these patterns instead."""
    signals = [
        {
            "id": one.id, "kind": one.kind.value, "name": one.name_vi, "name_en": one.name_en,
            "meaning": one.meaning_vi, "pattern": patterns.get(one.id, one.notation),
        }
        for one in builtin("cong_lac").signals.values()
    ]  # fmt: skip
    return {"use": "cong_lac", "signals": signals}


def kept(officer: Officer, rev: str = "", what: str = "codebook", **content: Any) -> dict[str, Any]:
    """A draft is saved; the answer."""
    answer = officer.put(f"/api/codes/{what}/draft", {"rev": rev, **content})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def sent(hub: Station, where: dict[str, Any], what: str = "codebook", **source: Any) -> Any:
    """What is kept goes out, under the next number."""
    number = hub.admin.get(f"/api/codes/{what}").json()["next"]
    act = hub.act()
    answer = hub.admin.post(f"/api/codes/{what}/sends", {"id": act, "number": number, **where, **source})
    assert answer.status_code == 201, answer.text
    return answer.json()


def said(hub: Station) -> list[dict[str, Any]]:
    """What went out on the line, in order."""
    parts = [jws.split(b".")[1] for _, jws in hub.line.said]
    return [json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))["cmd"] for part in parts]


def of_post(tmp_path: Path) -> str:
    """An Lão's own settings file, on its own machine."""
    state = tmp_path / "state"
    state.mkdir()
    file = re.sub(r"(?m)^state_dir = .*$", "", EXAMPLE.read_text())
    config = tmp_path / "kengd.toml"
    config.write_text(file.replace("[post]", f'state_dir = "{state}"\n[post]', 1))
    return str(config)


def test_two_officers_never_overwrite_each_others_draft_unseen(hub: Station) -> None:
    """Who saves names the draft that he read; the second is told, and what the first has kept stays."""
    chi = hub.officer("chi", "chief")
    first = kept(hub.admin, **book(curfew="2 hồi dài, cách 3 giây"))
    refused = chi.put("/api/codes/codebook/draft", {"rev": "", **book(curfew="7 tiếng")})
    assert (refused.status_code, refused.json()["error"]) == (409, "draft_changed")
    second = kept(chi, first["rev"], **book(curfew="7 tiếng"))
    assert second["by"] == "Đồng chí chi" and second["rev"] != first["rev"]
    for path, body in (("put", {"rev": first["rev"], **book()}), ("strike", {"rev": first["rev"]})):
        answer = (
            hub.admin.put("/api/codes/codebook/draft", body)
            if path == "put"
            else hub.admin.post("/api/codes/codebook/draft/strike", body)
        )
        assert answer.json()["error"] == "draft_changed", path
    assert hub.admin.get("/api/codes/codebook/draft").json()["content"] == book(curfew="7 tiếng")
    assert hub.admin.post("/api/codes/codebook/draft/strike", {"rev": second["rev"]}).json()["content"] is None
    assert acts(hub)[-3:] == [
        ("Trưởng công an xã", "draft_kept"), ("Đồng chí chi", "draft_kept"), ("Trưởng công an xã", "draft_struck"),
    ]  # fmt: skip


def test_a_pattern_is_understood_by_the_bell_that_is_to_play_it(hub: Station) -> None:
    """Drawn, told in words, or refused with the place and lines that can be read; a bell does not howl."""
    found = hub.admin.get("/api/codes/pattern", text="3 tiếng", bell="striker").json()
    assert found["words"] == ["3 tiếng, cách nhau 900 ms"] and found["total"] == "tất cả 3 tiếng, 1,9 giây"
    assert found["score"]["lead"] == [[0, 120], [900, 1020], [1800, 1920]] and found["bell"] == "striker"
    wrong = hub.admin.get("/api/codes/pattern", text="3 hồi dài")
    assert (wrong.status_code, wrong.json()["error"], wrong.json()["column"]) == (422, "notation", 10)
    assert wrong.json()["suggestions"] == ["3 hồi dài, cách 3 giây"]
    codes = {
        bell: hub.admin.get("/api/codes/pattern", text="hú 4 giây", bell=bell).json().get("error")
        for bell in ("striker", "siren", "post:an-lao", "post:bo-trang", "post:khong-co")
    }
    assert codes == {
        "striker": "cannot_play", "siren": None, "post:an-lao": "cannot_play", "post:bo-trang": None,
        "post:khong-co": "unknown_post",
    }  # fmt: skip
    warned = hub.admin.get("/api/codes/pattern", text="3 tiếng", kind="alarm").json()["warnings"]
    assert warned == ["báo động kêu chưa tới 10 giây: không ai kịp nghe ra"]
    alarm = builtin("cong_lac").signals["alarm"].notation
    pairs = (
        ("3 hồi dài, cách 3 giây", "curfew", alarm),
        (alarm, "alarm", "3 hồi dài, cách 3 giây"),
        (alarm, "support", alarm),
    )
    found = [
        hub.admin.get("/api/codes/pattern", text=one, kind=kind, beside=[other, "5 tiếng thong thả", "?"]).json()
        for one, kind, other in pairs
    ]
    assert [one["warnings"] for one in found] == [
        [f"8 giây đầu nghe giống “{alarm}”: điểm kẻng sẽ từ chối"],
        ["8 giây đầu nghe giống “3 hồi dài, cách 3 giây”: điểm kẻng sẽ từ chối"],
        [],
    ]


def test_a_tapped_rhythm_comes_back_as_a_code_with_what_was_rounded(hub: Station) -> None:
    """Nothing is kept by it."""
    taps = [[n * 380, n * 380 + 60] for n in range(3)]
    found = hub.admin.post("/api/codes/taps", {"taps": taps}).json()
    assert (found["pattern"], found["endless"]) == ("3 tiếng dồn dập", "(3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng")
    assert found["rounded"] == ["gõ 380 ms một tiếng, ghi là dồn dập, 350 ms một tiếng"] and found["score"]["lead"]
    assert hub.admin.post("/api/codes/taps", {"taps": [[5, 5]]}).json()["error"] == "bad_taps"
    assert hub.admin.post("/api/codes/taps", {"taps": [[1, 2, 3]]}).json()["error"] == "invalid"


@pytest.mark.parametrize(
    "patterns",
    [
        {"curfew": "9 tiếng mỗi tiếng 50 ms"},
        {"alarm": "3 tiếng"},
        {"curfew": "1 hồi dài nhanh dần"},
        {"meeting": "hú 4 giây"},
        {"curfew": "(2 tiếng) đến khi dừng"},
        {"curfew": "3 hồi dài"},
    ],
)
def test_what_the_hub_foretells_is_what_the_post_says(hub: Station, tmp_path: Path, patterns: dict[str, str]) -> None:
    """One set of rules: the reasons stand on the page before anything is sent, and in the post's answer."""
    rev = kept(hub.admin, **book(**patterns))["rev"]
    foretold = {one["post"]: one for one in hub.admin.get("/api/codes/codebook/trial").json()["posts"]}
    config = of_post(tmp_path)
    sent(hub, {"posts": ["an-lao"]}, rev=rev)
    with pytest.raises(SettingsError) as refused:
        apply_codebook_overlay(config, 1, said(hub)[-1]["codebook"])
    reasons = [problem.vi.replace(" (trong bản do xã gửi)", "") for problem in refused.value.problems]
    assert len(foretold["an-lao"]["problems"]) == len(reasons) > 0
    for reason, told in zip(reasons, foretold["an-lao"]["problems"], strict=True):
        assert re.sub(r'^hiệu lệnh "\w+": ', "", reason) in told


@pytest.mark.parametrize("name", ["nam_ngan", "ea_o", "ta_gia_khau"])
def test_what_is_taken_is_rung_as_it_was_written(hub: Station, tmp_path: Path, name: str) -> None:
    """Whatever the post rang by before: the same signals, no more and no fewer."""
    rev = kept(hub.admin, **of_codebook(builtin(name)))["rev"]
    assert hub.admin.get("/api/codes/codebook/trial").json()["posts"][0]["problems"] == []
    sent(hub, {"posts": ["an-lao"]}, rev=rev)
    loaded = apply_codebook_overlay(of_post(tmp_path), 1, said(hub)[-1]["codebook"])
    assert {**loaded.codebook.signals} == {**builtin(name).signals}


def test_each_post_answers_for_its_own_bell_before_anything_is_sent(hub: Station) -> None:
    """A code for a hammer may be one that a siren cannot tell from an alarm; what is not known is said too."""
    kept(hub.admin, **book(curfew="5 tiếng mỗi tiếng 400 ms"))
    found = {one["post"]: one for one in hub.admin.get("/api/codes/codebook/trial").json()["posts"]}
    assert found["an-lao"] == {"post": "an-lao", "problems": [], "notes": []}
    assert found["bo-trang"]["problems"][0].startswith(
        "“Báo yên (kẻng đêm 22h)”: “5 tiếng mỗi tiếng 400 ms”: mỗi tiếng 400 ms là nhanh"
    )
    assert found["cau-ngang"]["notes"] == [
        "máy trực ban không giữ tệp cài đặt của điểm này: chỉ xem được theo kẻng mẫu"
    ]
    page = text(hub.admin.get("/hieu-lenh/gui/codebook").text)
    assert "Điểm An Lão chưa nói đang dùng bản nào ✓ kẻng ở đây đánh được" in page and "✗ sẽ từ chối:" in page


def test_one_order_goes_to_many_posts_under_a_number_above_all_that_are_in_use(hub: Station) -> None:
    """Numbers are the hub's own and only grow; the same act again is the same; the draft is gone when a post has it."""
    hub.status("an-lao", codebook_version=6)
    assert hub.admin.get("/api/codes/codebook").json()["next"] == 7
    rev = kept(hub.admin, **{**book(), "signals": book()["signals"][:5]})["rev"]
    act = {"id": hub.act(), "number": 7, "posts": ["an-lao", "cau-ngang"], "rev": rev}
    for _ in range(2):
        done = hub.admin.post("/api/codes/codebook/sends", act)
        assert done.status_code == 201, done.text
        assert [target["post"] for target in done.json()["targets"]] == ["an-lao", "cau-ngang"]
    orders = said(hub)
    assert {(order["do"], order["version"]) for order in orders} == {("codebook", 7)}
    assert orders[0]["codebook"]["signals"]["meeting"] == {"remove": True}, (
        "said whole: what is not wanted is taken out"
    )
    assert orders[0]["codebook"]["signals"]["curfew"]["pattern"] == "5 tiếng thong thả"
    assert hub.admin.get("/api/codes/codebook/draft").json()["sent"] == 7
    hub.answers(str(act["id"]), "an-lao", "received", "settings_changed")
    assert hub.admin.get("/api/codes/codebook/draft").json() == {"rev": "", "content": None}
    assert hub.admin.get("/api/codes/codebook").json()["next"] == 8
    rev = kept(hub.admin, **book())["rev"]
    late = {"id": hub.act(), "number": 7, "all": True, "rev": rev}
    assert hub.admin.post("/api/codes/codebook/sends", late).json()["error"] == "version_taken"
    gone = {"id": hub.act(), "number": 8, "all": True, "rev": "0" * 16}
    assert hub.admin.post("/api/codes/codebook/sends", gone).json()["error"] == "draft_changed"
    assert len(said(hub)) == len(orders), "neither was sent"
    assert acts(hub)[-2:] == [("Trưởng công an xã", "codebook"), ("Trưởng công an xã", "draft_kept")]


def test_what_every_post_refuses_is_not_lost(hub: Station) -> None:
    """The draft stays, says that it was sent, and is edited on; a post that takes it when it is sent again ends it."""
    rev = kept(hub.admin, **book(curfew="7 tiếng"))["rev"]
    act = {"id": hub.act(), "number": 1, "posts": ["an-lao"], "rev": rev}
    assert hub.admin.post("/api/codes/codebook/sends", act).status_code == 201
    hub.answers(str(act["id"]), "an-lao", "refused", reason="bad_settings")
    told = hub.admin.get("/api/codes/codebook/draft").json()
    assert (told["rev"], told["sent"], told["content"]) == (rev, 1, book(curfew="7 tiếng"))
    html = hub.admin.get("/hieu-lenh/sua").text
    assert ">7 tiếng</textarea>" in html and "Đã gửi thành bản số 1, chưa điểm nào nhận" in html
    assert "đã gửi thành bản số 1, chưa điểm nào nhận" in hub.admin.get("/hieu-lenh").text
    changed = hub.admin.put("/api/codes/codebook/draft", {"rev": rev, **book(curfew="6 tiếng")}).json()
    assert changed["sent"] is None and "Đã gửi thành bản số" not in hub.admin.get("/hieu-lenh/sua").text
    second = {"id": hub.act(), "number": 2, "posts": ["an-lao"], "rev": changed["rev"]}
    assert hub.admin.post("/api/codes/codebook/sends", second).status_code == 201
    hub.answers(str(second["id"]), "an-lao", "refused", reason="bad_settings")
    again = {"id": hub.act()}
    assert hub.admin.post(f"/api/codes/sends/{second['id']}/again", again).status_code == 201
    assert hub.admin.get("/api/codes/codebook/draft").json()["sent"] == 2
    hub.answers(str(again["id"]), "an-lao", "received", "settings_changed")
    assert hub.admin.get("/api/codes/codebook/draft").json() == {"rev": "", "content": None}
    assert kept(hub.admin, **book())["sent"] is None


def test_every_version_that_was_sent_can_be_begun_from(hub: Station) -> None:
    """Also one that all have refused; a number that was never sent is none."""
    for what, content, one in (
        ("codebook", book(curfew="7 tiếng"), "sua"),
        (
            "timetable",
            {"lines": [{"at": "21:07", "days": "daily", "signal": "curfew", "grace_s": 300, "except": []}]},
            "gio",
        ),
    ):
        rev = kept(hub.admin, what=what, **content)["rev"]
        act = {"id": hub.act(), "number": 1, "posts": ["an-lao"], "rev": rev}
        assert hub.admin.post(f"/api/codes/{what}/sends", act).status_code == 201
        hub.answers(str(act["id"]), "an-lao", "refused", reason="bad_settings")
        draft = hub.admin.get(f"/api/codes/{what}/draft").json()
        assert hub.admin.post(f"/api/codes/{what}/draft/strike", {"rev": draft["rev"]}).status_code == 200
        html = hub.admin.get(f"/hieu-lenh/{one}").text
        assert '<option value="ban:1">bản số 1, gửi ' in html and ">7 tiếng</textarea>" not in html
        begun = hub.admin.get(f"/hieu-lenh/{one}", tu="ban:1").text
        assert (
            ">7 tiếng</textarea>" if what == "codebook" else 'name="minute" type="number" min="0" max="59" value="7"'
        ) in begun
        assert hub.admin.get(f"/hieu-lenh/{one}", tu="ban:9").json()["error"] == "unknown_version"


def test_only_a_chief_changes_what_villages_hear(hub: Station) -> None:
    """P12; everybody on duty may look and listen."""
    duty = hub.officer("binh")
    form = {"id": hub.act(), "number": 1, "all": True, "rev": ""}
    refused = [
        duty.put("/api/codes/codebook/draft", {"rev": "", **book()}),
        duty.put("/api/codes/timetable/draft", {"rev": "", "lines": []}),
        duty.post("/api/codes/codebook/draft/strike", {"rev": ""}),
        duty.post("/api/codes/codebook/sends", form),
        duty.post("/api/codes/sends/act-00000001/again", {"id": hub.act()}),
        *(duty.get(path) for path in ("/hieu-lenh/sua", "/hieu-lenh/gio", "/hieu-lenh/gui/codebook")),
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    page = text(duty.get("/hieu-lenh").text)
    assert "Báo yên (kẻng đêm 22h)" in page and "Sửa bảng hiệu lệnh" not in page


def test_a_refusal_is_shown_in_the_posts_own_words_and_others_can_be_sent_it_again(hub: Station) -> None:
    """P9: refused with the reason; again only to those that would not say the same, under the same number."""
    rev = kept(hub.admin, **book())["rev"]
    order = sent(hub, {"all": True}, rev=rev)["id"]
    hub.answers(order, "an-lao", "received", "settings_changed")
    nasty = {
        "vi": "tệp cài đặt /etc/kengd/kengd.toml có 1 chỗ sai:\n  1. hiệu lệnh “Họp”: kẻng không hú được <b>\n  → dùng tiếng",
        "why": "x",
    }
    hub.answers(order, "bo-trang", "refused", reason="cannot_play", detail=nasty)
    hub.answers(order, "cau-ngang", "refused", reason="bad_nonce")
    view = hub.admin.get(f"/api/dispatches/{order}").json()
    assert [(one["state"], one["why"]) for one in view["targets"]] == [
        ("done", None), ("refused", "1. hiệu lệnh “Họp”: kẻng không hú được <b> → dùng tiếng"), ("refused", None),
    ]  # fmt: skip
    assert (view["version"], view["again"]) == (1, ["cau-ngang"])
    html = hub.admin.get(f"/lenh/{order}").text
    assert "kẻng không hú được &lt;b&gt; → dùng tiếng" in html and "Giữ để gửi lại cho 1 điểm chưa nhận" in html
    assert "kẻng không hú được &lt;b&gt;" in hub.admin.get("/hieu-lenh").text
    more = {"id": hub.act()}
    for _ in range(2):
        again = hub.admin.post(f"/api/codes/sends/{order}/again", more).json()
        assert [target["post"] for target in again["targets"]] == ["cau-ngang"]
    assert said(hub)[-1] == said(hub)[0], "the same version, word by word"
    rest = hub.admin.post(f"/api/codes/sends/{order}/again", {"id": hub.act()})
    assert rest.json()["error"] == "all_answered", "it is on its way once more"
    assert hub.admin.post("/api/codes/sends/khong-co/again", {"id": hub.act()}).json()["error"] == "unknown_dispatch"


def test_the_way_back_is_the_earlier_content_under_a_new_number(hub: Station) -> None:
    """Versions never go back; what was sent, when and by whom stays to be seen."""
    for curfew in ("5 tiếng thong thả", "2 hồi dài, cách 3 giây"):
        sent(hub, {"posts": ["an-lao"]}, rev=kept(hub.admin, **book(curfew=curfew))["rev"])
    back = sent(hub, {"posts": ["an-lao"]}, version=1)
    first, _, third = said(hub)
    assert (third["version"], third["codebook"]) == (3, first["codebook"])
    hub.answers(back["id"], "an-lao", "received", "settings_changed")
    listed = hub.admin.get("/api/codes/codebook").json()["sent"]
    assert [(one["version"], one["by"]) for one in listed] == [(n, "Trưởng công an xã") for n in (3, 2, 1)]
    page = text(hub.admin.get("/hieu-lenh").text)
    assert "Bảng hiệu lệnh đã gửi" in page and "5 tiếng thong thả" in page
    assert "gửi lại thành bản số 4" in text(hub.admin.get("/hieu-lenh/gui/codebook", ban=2).text)
    assert hub.admin.get("/hieu-lenh/gui/codebook", ban=9).json()["error"] == "unknown_version"


def test_the_next_days_of_a_timetable_are_shown_with_what_exceptions_hold_back(hub: Station) -> None:
    """P6, R33: by the rooms that ring for real; the lunar date stands beside each day, and what is wrong beside its line."""
    today = hub.admin.post("/api/codes/days", {"lines": [LINE]}).json()["days"][3]
    lunar = today["lunar"]
    lines = [
        {**LINE, "except": [lunar]},
        {**LINE, "at": "25:00"},
        {**LINE, "signal": "alarm"},
        {**LINE, "at": "05:00", "signal": "meeting"},
    ]
    found = hub.admin.post("/api/codes/days", {"lines": lines}).json()
    assert [one["line"] for one in found["problems"]] == [1, 2]
    fourth = found["days"][3]
    assert (fourth["day"], fourth["lunar"]) == (today["day"], lunar)
    assert [(ring["at"], ring["name"], ring["held"]) for ring in fourth["rings"]] == [
        ("05:00", "Họp thôn", None), ("22:00", "Báo yên (kẻng đêm 22h)", lunar),
    ]  # fmt: skip
    assert len(found["days"]) == 14


def test_a_timetable_is_tried_and_sent_as_a_codebook_is(hub: Station) -> None:
    """A post without that signal would refuse it, and says so before."""
    lines = [LINE, {**LINE, "at": "05:00", "signal": "wake"}]
    rev = kept(hub.admin, what="timetable", lines=lines)["rev"]
    found = {one["post"]: one["problems"] for one in hub.admin.get("/api/codes/timetable/trial").json()["posts"]}
    assert ["bảng hiệu lệnh không có" in one[0] for one in found.values()] == [True] * 3
    rev = kept(hub.admin, rev, "timetable", lines=[LINE])["rev"]
    order = sent(hub, {"groups": ["ven-song"]}, "timetable", rev=rev)
    assert [target["post"] for target in order["targets"]] == ["bo-trang", "cau-ngang"]
    assert said(hub)[-1] == {"do": "timetable", "version": 1, "timetable": [LINE]}
    hub.answers(order["id"], "bo-trang", "received", "settings_changed")
    page = text(hub.admin.get("/hieu-lenh").text)
    assert "Giờ kẻng đã gửi" in page and "22:00 hằng ngày" in page
    assert "Giờ kẻng bản số 1" in text(hub.admin.get(f"/lenh/{order['id']}").text)


def test_words_of_strangers_stay_words_in_the_editor(hub: Station) -> None:
    """R53: a name of a signal is written by one officer and read by another."""
    nasty = "<img src=x onerror=alert(1)>\"'"
    content = book()
    content["signals"][0]["name"] = content["signals"][0]["meaning"] = nasty
    kept(hub.admin, **content)
    kept(hub.admin, what="timetable", lines=[{**LINE, "at": "<b>", "except": [nasty[:40]]}])
    for path in (
        "/hieu-lenh",
        "/hieu-lenh/sua",
        "/hieu-lenh/gio",
        "/hieu-lenh/gui/codebook",
        "/hieu-lenh/gui/timetable",
    ):
        answer = hub.admin.get(path)
        assert answer.status_code == 200 and "<img" not in answer.text, path
