"""The wizard's side of the API: drafts, keepers, tables, certificates; what the pages of posts say; whether a post has come."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.duty.health import CATALOGUE, condition
from kengd.errors import UsageError
from kengd.hub.desk.pages.arriving import arrival
from kengd.hub.desk.pages.cures import CURES
from kengd.hub.desk.pages.enrol import HEADER, fields
from kengd.hub.post_templates import kept_tables, template_of
from kengd.hub.roster import Seen
from kengd.hub.service import wall_ms
from kengd.pages.trust import fingerprint
from kengd.settings.bell import Siren, Striker
from kengd.settings.model import LimitSettings
from kengd.wire.entry import FIRST_PREV
from kengd.wire.pin import pin_holds, read_pins
from kengd.wire.status import Status
from tests.hub.desk_kit import Station, acts, station

BUTTONS = [{"name": "alarm", "pin": 5, "does": "alarm"}, {"name": "hush", "pin": 6, "does": "hush"}]
TABLES: dict[str, Any] = {
    "bell": {"kind": "siren"}, "codebook": {"use": "coi_hu"},
    "gpio": {"pins": "kengd", "relay": {"pin": 27}, "buttons": BUTTONS},
    "timetable": [{"at": "21:30", "signal": "curfew"}],
}  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path) -> Station:
    """A hub with three posts."""
    return station(tmp_path)


def told(hub: Station, post: str = "moi", **form: Any) -> dict[str, Any]:
    """What the draft says."""
    answer = hub.admin.post(f"/api/posts/{post}/draft", {"name": "Kẻng Mới", **form})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def file(hub: Station, post: str = "moi", **form: Any) -> dict[str, Any]:
    """A file that was given out, as data."""
    answer = hub.admin.post(f"/api/posts/{post}/enrol", {"id": hub.act(), **form})
    assert answer.status_code == 200, answer.text
    return tomllib.loads(answer.text)


def test_a_draft_says_what_the_posts_own_check_would_and_makes_nothing(hub: Station) -> None:
    """Each problem with its field and cure; no certificate, no roster row, no line in the book, no key in the answer."""
    before, book = hub.hub.authority.index, acts(hub)
    good = told(hub, tables=TABLES, villages=["an-lao"], page_names=["10.0.0.31"])
    assert good["problems"] == [] and tomllib.loads(good["settings"])["gpio"]["relay"] == {"pin": 27}
    assert "PRIVATE" not in good["settings"] and "keys" not in tomllib.loads(good["settings"]).keys() - {"hub"}
    relay, hold = {"pin": 5}, {"kind": "striker", "hold_ms": 900}
    bad = told(hub, tables=TABLES | {"gpio": TABLES["gpio"] | {"relay": relay}, "bell": {"kind": "striker"}})
    assert ("clash", "gpio.buttons[1].pin") in [(one["code"], one["where"]) for one in bad["problems"]]
    bad = told(hub, tables=TABLES | {"bell": hold, "codebook": {"use": "cong_lac"}})
    assert [(one["where"], bool(one["cure"])) for one in bad["problems"]] == [("bell.hold_ms", True)]
    for where, form in (
        ("page_names", {"page_names": ["127.0.0.1"]}), ("broker.host", {"broker_host": "10.9.9.9"}), ("post.id", {"post": "hub-1"}),
        ("post.id", {"post": "an-lao", "new": True}), ("template", {"tables": {"bell": [[{}]]}}),
        ("template", {"tables": TABLES, "template": ""}),
    ):  # fmt: skip
        assert [one["where"] for one in told(hub, **form)["problems"]] == [where]
    assert (hub.hub.authority.index, acts(hub)) == (before, book)


def test_a_relay_that_would_ring_by_itself_at_power_on_is_a_problem_before_the_file(hub: Station) -> None:
    """R10: what the installer's check would say later, said once and now; a pin that may be jerked is a warning."""

    def of(**relay: Any) -> dict[str, Any]:
        return told(hub, tables=TABLES | {"gpio": TABLES["gpio"] | {"relay": relay}})

    said = of(pin=20, active_low=True)
    assert ["rơ-le nghỉ ở mức cao" in one["vi"] for one in said["problems"]] == [True] and said["warnings"] == []
    said = of(pin=10)
    assert said["problems"] == [] and [one["where"] for one in said["warnings"]] == ["gpio.relay.pin"]


def test_keepers_villages_and_households_come_in_with_the_file(hub: Station) -> None:
    """One act: who is new, who has changed, whose PIN stays; each with its line; the hash goes with the file, the PIN nowhere."""
    keepers = [{"name": "Ông Bảy", "phone": "0987 654 321", "pin": "270615"}, {"name": "Bà Tư"}]
    made = file(
        hub, name="Kẻng Mới", villages=["Thôn Mới", "an-lao"], households={"Thôn Mới": 75, "Thôn An Lão": 9}, keepers=keepers
    )  # fmt: skip
    pins = read_pins(made["keys"]["web.pins"]).by_name
    assert list(pins) == ["Ông Bảy"] and pin_holds(pins["Ông Bảy"], "270615")
    roster = hub.admin.get("/api/roster").json()
    assert [one["households"] for one in roster["villages"]] == [120, 80, 75], "what is known of a village stays"
    there = [(one["id"], one["name"], one["phone"]) for one in roster["keepers"] if one["post"] == "moi"]
    assert there == [("ong-bay", "Ông Bảy", "0987 654 321"), ("ba-tu-2", "Bà Tư", "")]
    assert [act for _, act in acts(hub)][-4:] == ["keeper_put", "keeper_pin", "keeper_put", "enrol"]
    again = file(
        hub,
        "moi",
        keepers=[{"id": "ong-bay", "name": "Ông Bảy"}, {"id": "ba-tu-2", "name": "Ông Bảy", "pin": "591730"}],
    )
    twins = read_pins(again["keys"]["web.pins"]).by_name
    assert list(twins) == ["Ông Bảy", "Ông Bảy (2)"] and pin_holds(twins["Ông Bảy"], "270615")
    for keeper, code in (
        ({"name": "X", "pin": "123456"}, "pin_guessable"),
        ({"id": "ba-tu", "name": "X"}, "no_such_keeper"),
    ):
        before = hub.hub.authority.index
        answer = hub.admin.post("/api/posts/moi/enrol", {"id": hub.act(), "keepers": [keeper]})
        assert (answer.json()["error"], hub.hub.authority.index) == (code, before)
    assert "270615" not in hub.admin.get("/api/audit", limit=500).text


def test_a_post_keeps_its_own_settings_when_it_gets_another_file(hub: Station) -> None:
    """A swapped unit has the pins of the one before; a new post may begin with another's; a first one with the example's."""
    file(hub, name="Kẻng Mới", tables=TABLES, page_names=["10.0.0.31"])
    again = file(hub)
    assert (again["gpio"]["relay"], again["timetable"]) == ({"pin": 27}, [{"at": "21:30", "signal": "curfew"}])
    (page,) = hub.hub.authority.index.valid("page", "moi")
    assert page.names == ("10.0.0.31",)
    with hub.hub.ledger.read() as connection:
        tables, example = kept_tables(connection, "moi"), kept_tables(connection, "an-lao")
    assert tables == TABLES | {"web": {"host": "0.0.0.0", "port": 8480, "tls_port": 8443}}
    assert example["bell"] == {"kind": "striker", "hold_ms": 120} and "web" not in example
    assert file(hub, "khac", name="Kẻng Khác", tables=tables)["gpio"] == TABLES["gpio"]


def test_a_new_unit_begins_with_the_codebook_that_the_village_knows(hub: Station) -> None:
    """What the post was sent since its file, and has carried out, is in the next one."""
    file(hub, name="Kẻng Mới", tables=TABLES)
    hub.status("moi")
    order: dict[str, Any] = {"id": hub.act(), "version": 3, "timetable": [{"at": "20:15", "signal": "curfew"}]}
    assert hub.admin.post("/api/posts/moi/timetable", order).status_code == 201
    hub.hears("moi", "received", command_id=hub.jti(order["id"], "moi"))
    hub.hears("moi", "settings_changed", command_id=hub.jti(order["id"], "moi"))
    assert file(hub)["timetable"] == [{"at": "20:15", "signal": "curfew"}]


def test_certificates_are_listed_with_their_ends_and_the_hubs_own_renewed(hub: Station) -> None:
    """The soonest end first; one line per holder; whoever has no say in it sees none of it."""
    file(hub, name="Kẻng Mới", page_names=["10.0.0.31"])
    of_post = hub.admin.get("/api/posts/moi/certificates").json()["valid"]
    assert [(one["purpose"], one["names"], one["days_left"]) for one in of_post] == [
        ("post", [], 3649), ("page", ["10.0.0.31"], 3649),
    ]  # fmt: skip
    found = hub.admin.get("/api/certificates").json()["certificates"]
    assert [(one["purpose"], one["renews_itself"]) for one in found] == [
        ("server", True),
        ("post", False),
        ("page", False),
    ]
    assert hub.admin.post("/api/certificates/renew", {}).json() == {"renewed": []}
    renewed = hub.admin.post("/api/certificates/renew", {"all": True}).json()
    assert renewed["renewed"] == ["127.0.0.1"] and renewed["broker_vi"] and hub.revoked == [True]
    assert hub.admin.get("/api/certificates").json()["certificates"][0]["serial"] != found[0]["serial"]
    assert acts(hub)[-1][1] == "certificates_renewed"
    chief = hub.officer("binh", "chief")
    for answer in (
        chief.get("/api/certificates"),
        chief.post("/api/certificates/renew", {}),
        chief.post("/api/posts/x/draft", {}),
    ):
        assert answer.json()["error"] == "not_allowed"
    assert hub.admin.get("/diem-keng/moi", thay="khong-co").json()["error"] == "unknown_post"
    for path in ("/diem-keng/chung-thu", "/diem-keng/moi"):
        assert chief.get(path).json()["error"] == "not_allowed"


def test_the_codes_of_a_post_are_its_public_page_and_its_keepers_page(hub: Station) -> None:
    """To hang beside the bell; and for whoever keeps it. A post without a public page has only the second."""
    public, keepers = (hub.admin.get(f"/phan/diem-keng/an-lao/{of}.svg") for of in ("dan", "giu"))
    assert public.headers["content-type"] == "image/svg+xml" and public.text != keepers.text
    assert hub.admin.get("/phan/diem-keng/bo-trang/dan.svg").json()["error"] == "no_page"
    assert hub.admin.get("/phan/diem-keng/bo-trang/giu.svg").status_code == 200
    assert hub.admin.get("/phan/diem-keng/chua-co/dan.svg").json()["error"] == "unknown_post"
    assert hub.admin.get("/phan/diem-keng/an-lao/x.svg").status_code == 422


def test_every_condition_of_a_post_has_a_cure(hub: Station) -> None:
    """In words, beside it, on the card; and a condition of a newer post is shown without."""
    assert CATALOGUE.keys() <= CURES.keys()
    hub.status("an-lao", conditions=(condition("button_stuck", "alarm"),))
    html = hub.admin.get("/phan/diem-keng", id=["an-lao"]).text
    assert "Nút bị kẹt «alarm»" in html and "gọi người giữ kẻng gỡ nút" in html and "bo-trang" not in html
    locked = (condition("button_locked", "hush"),)
    hub.status("an-lao", conditions=locked)
    found = hub.admin.get("/phan/diem-keng/an-lao/nut").json()
    assert [(one["name"], one["locked"]) for one in found] == [("alarm", False), ("hush", True), ("all-clear", False)]


def status(**more: Any) -> Status:
    """A good one."""
    usual: dict[str, Any] = {
        "at_ms": 9_000, "clock": "ntp", "nonce": "ab" * 16, "book": "b" * 16, "seq": 0, "hash": FIRST_PREV, "version": "0.1.0",
        "codebook_version": 0, "timetable_version": 0,
    }  # fmt: skip
    return Status(**(usual | more))


HERE = Seen(status(), True, 9_000, 8_000, live=True, ahead_ms=0)


@pytest.mark.parametrize(
    ("seen", "given_ms", "line_up", "step", "wrong"),
    [
        (HERE, 7_000, True, "green", 0),
        (HERE, 7_000, False, "line", 0),
        (HERE, None, True, "away", 0),
        (Seen(), 7_000, True, "away", 0),
        (Seen(status(), True, 9_000, 8_000, live=False), 7_000, True, "away", 0),
        (Seen(status(), True, 9_000, 8_000, live=True, refused="unknown_key", ahead_ms=0), 7_000, True, "starting", 1),
        (Seen(status(conditions=(condition("lid_open"),)), True, 9_000, 8_000, live=True, ahead_ms=0), 7_000, True, "starting", 1),
        (Seen(status(clock="untrusted", conditions=(condition("clock_untrusted"),)), True, 9_000, 8_000, live=True), 7_000, True,
         "starting", 1),
        (Seen(status(clock="untrusted"), True, 9_000, 8_000, live=True), 7_000, True, "starting", 1),
        (Seen(status(), True, 9_000, 8_000, live=True, ahead_ms=60_000), 7_000, True, "starting", 1),
    ],
)  # fmt: skip
def test_a_post_has_come_when_it_speaks_after_its_file_was_made(
    seen: Seen, given_ms: int | None, line_up: bool, step: str, wrong: int
) -> None:
    """Not before, not by what the broker kept, and green only with nothing wrong; each thing wrong is said once."""
    found = arrival(seen, given_ms, 9_500, line_up=line_up)
    assert (found["step"], len(found["wrong"])) == (step, wrong)


def test_a_post_that_would_ring_is_not_said_to_be_starting(hub: Station) -> None:
    """One page, one word: its card says ready, so what is still to be done is no start; a bell that was not heard is not plainly ready."""
    file(hub, "an-lao")
    hub.status("an-lao", at_ms=wall_ms(), conditions=(condition("lid_open"),))
    html = hub.admin.get("/diem-keng/an-lao/xem").text
    assert "✓ sẵn sàng" in html and "đang khởi động" not in html and "Điểm kẻng đã lên." in html
    hub.status("an-lao", at_ms=wall_ms(), conditions=(condition("isolator_open"),))
    html = hub.admin.get("/diem-keng/an-lao/xem").text
    assert "✓ sẵn sàng" not in html and "đang khởi động" in html
    hub.status("an-lao", at_ms=wall_ms(), conditions=(condition("not_heard"),))
    html = hub.admin.get("/phan/diem-keng?id=an-lao").text
    assert "✓" not in html and "báo không nghe thấy kẻng kêu" in html and "đang khởi động" not in html


def test_there_is_one_mark_to_compare_and_a_new_file_is_among_the_deeds(hub: Station) -> None:
    """The wizard's last page shows the commune's own, as /chung-thu does; the page's own certificate stands in details."""
    mark = fingerprint(hub.hub.authority.ca_file.read_text("ascii"))
    wizard = hub.admin.get("/diem-keng/moi").text
    assert mark in wizard and mark in hub.admin.get("/chung-thu").text
    assert "/chung-thu" in wizard and re.search(r'<details>(?:(?!</details>).)*id="fingerprint"', wizard, re.DOTALL)
    assert 'href="/diem-keng/moi?thay=an-lao&amp;giu=1"' in hub.admin.get("/phan/diem-keng?id=an-lao").text


def test_the_unit_of_before_is_not_taken_for_the_new_one() -> None:
    """It was there when the file was made, and is there still."""
    found = arrival(HERE, 8_500, 9_500, line_up=True)
    assert (found["step"], found["old"]) == ("away", True)


def test_the_swapped_units_page_says_that_it_waits(hub: Station) -> None:
    """On the page of the post too, not only where the file was made."""
    hub.status("an-lao")
    file(hub, "an-lao")
    assert "Máy cũ vẫn đang kết nối" in hub.admin.get("/diem-keng/an-lao/xem").text
    hub.absent("an-lao")
    assert "Chưa thấy điểm kẻng" in hub.admin.get("/phan/diem-keng/an-lao/cho").text
    hub.status("an-lao", at_ms=wall_ms())
    assert "mọi thứ tốt" in hub.admin.get("/phan/diem-keng/an-lao/cho").text


def test_every_field_of_the_bell_has_words_and_the_readers_own_bounds() -> None:
    """What the page allows is what the post takes; and the header has each GPIO once."""
    for section in (Striker, Siren, LimitSettings):
        for field in fields(section):
            assert (
                field["low"] <= field["default"] <= field["high"]
                and field["vi"]
                and field["en"]
                and "H4" not in field["vi"]
            )
    assert len(fields(Striker)) == 12 and fields(Striker)[0]["high"] == 400
    assert sorted(pin for pin in HEADER if isinstance(pin, int)) == list(range(28)) and len(HEADER) == 40


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN = st.one_of(TEXT, st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False))
TREE = st.recursive(
    st.dictionaries(TEXT, st.one_of(PLAIN, st.lists(PLAIN, max_size=3)), max_size=4),
    lambda inner: st.dictionaries(TEXT, st.one_of(PLAIN, inner, st.lists(inner, min_size=1, max_size=2)), max_size=4),
    max_leaves=8,
)


@given(TREE)
def test_tables_come_through_toml_unchanged_or_not_at_all(tables: dict[str, Any]) -> None:
    """Whatever somebody types into a field stays in its field."""
    try:
        text = template_of(tables)
    except UsageError as wrong:
        assert wrong.code == "bad_template"
        return
    assert tomllib.loads(text) == tables


@pytest.mark.parametrize("value", [float("nan"), [[1]], [{}, 1], {"a": [float("inf")]}])
def test_what_toml_cannot_say_is_refused_by_its_place(value: Any) -> None:
    """Not written wrongly."""
    with pytest.raises(UsageError) as wrong:
        template_of({"gpio": {"x": value}})
    assert "gpio" in wrong.value.vi and tomllib.loads(template_of({"gpio": {"x": None}})) == {"gpio": {}}
