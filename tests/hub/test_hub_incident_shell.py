"""`kengd hub incidents`: what an officer does when there is no page, by the desk's own acts and into the same books (H6, H16)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kengd import clock
from kengd.__main__ import main
from kengd.hub.founding import Wish, found
from kengd.hub.incidents import Incident
from kengd.hub.ledger import audits, dispatches, incidents, rosters, values
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.store import Ledger
from kengd.hub.people.passwords import argon2
from kengd.hub.roster import Neighbour, Post, Village
from kengd.hub.settings import load_hub
from tests.broker import free_port

ALARM = "an-lao-an-0001"
OLD = "an-lao-an-0000"


class Shell:
    """A hub whose broker is away, one alarm that nobody has taken, one that is over; and an officer at the keyboard."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config, self._capsys = directory / "hub.toml", capsys
        self.now_ms = clock.now().wall_ms
        wish = Wish("cong-lac", "Xã Cộng Lạc", ("127.0.0.1",), directory / "state", broker_port=free_port())
        found(wish, self.config, self.now_ms)
        self.ledger = Ledger(load_hub(str(self.config)).database_url)
        alarm = Incident(ALARM, "alarm", self.now_ms - 60_000, post="an-lao", village="an-lao", text="chòi gác")
        over = replace(alarm, id=OLD, began_ms=self.now_ms - 86_400_000, closed_ms=self.now_ms, closed_by="An")
        with self.ledger.write() as connection:
            for key, name in (("an-lao", "Thôn An Lão"), ("bo-trang", "Thôn Bồ Tràng")):
                rosters.put_village(connection, Village(key, name, 100))
                rosters.put_post(connection, Post(key, f"Điểm {name}", (key,), enrolled_ms=1))
            rosters.put_neighbours(connection, "an-lao", [Neighbour("an-lao", "bo-trang")])
            incidents.add(connection, alarm)
            incidents.add(connection, over)
            incidents.sound(
                connection,
                [Sounded("an-lao", "an-0001", ALARM, "alarm", "button", "chòi gác", self.now_ms - 60_000)],
            )
        self._before = len(self.audit())

    def __call__(self, *words: str) -> tuple[int, str]:
        code = main(["--config", str(self.config), "hub", "incidents", *words, "--timeout", "0.05"])
        said = self._capsys.readouterr()
        return code, said.out + said.err

    def audit(self) -> list[tuple[str, dict[str, object]]]:
        """(act, facts) of the hub's own book since the founding, its chain proved."""
        with self.ledger.read() as connection:
            assert audits.verify(connection) is None
            return [(item.act, dict(item.facts)) for item in audits.read(connection)][getattr(self, "_before", 0) :]

    def one(self, incident: str = ALARM) -> Incident:
        with self.ledger.read() as connection:
            found = incidents.find(connection, incident)
        assert found is not None
        return found

    def ordered(self) -> list[tuple[str, str, str]]:
        """(post, what, state) of all that was ordered, oldest first."""
        with self.ledger.read() as connection:
            acts = sorted(
                dispatches.recent(connection, before_ms=None, limit=50), key=lambda act: (act.made_ms, act.do)
            )
            targets = dispatches.targets_of(connection, [act.id for act in acts])
        do = {act.id: act.do if act.do != "ring" else str(act.signal) for act in acts}
        return [(target.post, do[target.dispatch], target.state.value) for target in targets]


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr("kengd.hub.people.ground.argon2", lambda: argon2(time_cost=1, memory_kib=8))
    return Shell(tmp_path, capsys)


def test_open_incidents_are_listed_and_with_all_those_that_are_over(shell: Shell) -> None:
    """What nobody has taken stands first and is marked; where, since when, what sounds; the same as data."""
    code, said = shell()
    assert code == 0 and said.startswith(f"! {ALARM}") and len(said.splitlines()) == 1
    for piece in ("báo động", "Điểm Thôn An Lão", "CHƯA AI NHẬN", "đang kêu ở an-lao"):
        assert piece in said
    assert [line.split()[-0 if line[0] == " " else 1] for line in shell("list", "--all")[1].splitlines()] == [
        ALARM,
        OLD,
    ]
    rows = [json.loads(line) for line in shell("list", "--all", "--json")[1].splitlines()]
    assert [(row["incident"], row["sounding"]) for row in rows] == [(ALARM, ["an-lao"]), (OLD, [])]
    whole = shell("show", "an-lao-an-0001")[1]
    assert "nút bấm, chòi gác; đang kêu" in whole and shell.audit() == []


def test_an_alarm_is_taken_helped_ended_and_told_from_the_shell(shell: Shell) -> None:
    """Each act once, by name, with the desk's line in the audit book; what was ordered waits for the service where the broker is
    away."""
    code, said = shell("take", ALARM, "--by", "Đại úy An")
    assert code == 1 and "Việc này vẫn được ghi" in said and "Đại úy An đã nhận xử lý" in said
    assert shell.one().acknowledged_by == "Đại úy An"
    shell("take", ALARM, "--by", "Đại úy An")
    code, said = shell("take", ALARM, "--by", "Bình")
    assert code == 1 and "[already_taken]" in said and "kengd hub incidents" in said
    assert shell.ordered() == [("an-lao", "taken", "waiting")]

    assert shell("support", ALARM)[0] == 1
    assert ("bo-trang", "support", "waiting") in shell.ordered()

    code, said = shell("all-clear", ALARM, "--by", "Đại úy An")
    assert f"Hết báo động {ALARM}, do Đại úy An." in said and "sẽ đánh hiệu hết báo động ở: an-lao" in said
    assert shell.one().closed_by == "Đại úy An" and ("an-lao", "hush", "waiting") in shell.ordered()
    with shell.ledger.read() as connection:
        assert values.value_of(connection, f"clear:{ALARM}") is not None, "the service rings the all-clear"

    acts = shell.audit()
    assert [(act, facts["incident"]) for act, facts in acts] == [
        ("acknowledge", ALARM), ("support", ALARM), ("all_clear", ALARM),
    ]  # fmt: skip
    assert shell("list")[1].startswith("Không có vụ việc nào đang mở")


def test_an_outcome_is_added_and_corrected_never_overwritten(shell: Shell) -> None:
    """By the kind's id or its Vietnamese name; a correction keeps what it does not say anew; the same one twice is one."""
    code, said = shell("outcome", ALARM)
    assert code == 2 and "phải ghi loại" in said and "theft (trộm cắp)" in said
    assert "[usage]" in shell("correct", ALARM, "--kind", "theft")[1], "there is none yet"
    words = ("--kind", "Trộm cắp", "--done", "bắt được", "--done-by", "tổ 3", "--by", "Đại úy An")
    code, said = shell("outcome", ALARM, *words)
    assert code == 0 and "kết quả" in said and "trộm cắp, bắt được (tổ 3)" in said
    code, said = shell("outcome", ALARM, "--kind", "theft")
    assert code == 2 and "đã có kết quả" in said and f"kengd hub incidents correct {ALARM}" in said
    shell("correct", ALARM, "--kind", "quarrel", "--by", "Đại úy An")
    shell("correct", ALARM, "--kind", "quarrel", "--by", "Đại úy An")
    assert "sửa lại" in shell("show", ALARM)[1]
    with shell.ledger.read() as connection:
        told = [(item.kind, item.done, item.done_by, item.by) for item in incidents.outcomes_of(connection, [ALARM])]
    assert told == [("theft", "bắt được", "tổ 3", "Đại úy An"), ("quarrel", "bắt được", "tổ 3", "Đại úy An")]
    assert shell.audit() == [
        ("outcome", {"incident": ALARM, "kind": "theft"}), ("outcome", {"incident": ALARM, "kind": "quarrel"}),
    ]  # fmt: skip


def test_a_call_is_written_down_and_taken_by_who_wrote_it(shell: Shell) -> None:
    """Tin báo, with its village by name; it is open until somebody ends it."""
    code, said = shell("call", "--village", "Thôn Bồ Tràng", "--text", "có người lạ cạy cửa", "--by", "Bình")
    made = said.split()[4].rstrip(",")
    assert code == 0 and shell.one(made).text == "có người lạ cạy cửa" and shell.one(made).village == "bo-trang"
    assert (shell.one(made).origin, shell.one(made).acknowledged_by) == ("call", "Bình")
    assert shell.audit() == [("call_in", {"incident": made, "village": "bo-trang"})]
    assert made in shell()[1]


def test_what_cannot_be_done_is_said_and_changes_nothing(shell: Shell) -> None:
    """A code, a Vietnamese sentence and a cure that can be typed."""
    for words, code, vi in (
        (("take",), "usage", "phải ghi mã vụ việc"),
        (("take", "khong-co"), "unknown_incident", "kengd hub incidents --all"),
        (("take", "an-lao"), "usage", f"{ALARM}"),
        (("outcome", ALARM, "--kind", "murder"), "unknown_kind", "theft (trộm cắp)"),
        (("outcome", ALARM, "--kind", "theft", "--done", "a" * 201), "usage", "--done: nhiều nhất 200 ký tự"),
        (("outcome", ALARM, "--kind", "theft", "--text", "a\nb"), "usage", "--text: có ký tự không viết được"),
        (("call",), "usage", "tin báo phải có nội dung"),
        (("call", "--text", ""), "usage", "--text: không được để trống"),
        (("call", "--text", "a", "--village", "Xa"), "unknown_village", "Thôn An Lão, Thôn Bồ Tràng"),
        (("take", ALARM, "--by", "a\nb"), "bad_text", "(--by)"),
        (("burn",), "usage", "không có lựa chọn"),
    ):
        done, said = shell(*words)
        assert done in (1, 2) and f"[{code}]" in said and vi in said, (words, said)
    assert shell.audit() == [] and shell.ordered() == [] and shell.one().acknowledged_by is None
