"""Enrolment and revocation: one act, whether an officer does it at the desk or the installer at the shell."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kengd.errors import KengdError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.brokerfiles import BrokerFiles
from kengd.hub.enrolling import Enrolled, Enrolling, EnrolWish
from kengd.hub.founding import SETTINGS_OF, village_ids, write_broker
from kengd.hub.ledger import audits, rosters, values
from kengd.hub.ledger.store import Ledger, Transaction, sqlite_url
from kengd.hub.people.passwords import argon2
from kengd.hub.roster import Keeper, Post, Roster, Village
from kengd.hub.settings import HubBroker
from kengd.settings.find import EXAMPLE
from tests.hub.authority_kit import NOW_MS, begin
from tests.hub.shell_kit import Shell

BROKER = HubBroker(names=["hub.lan", "127.0.0.1"])


class Room:
    """The room on one database; what it told the broker, and whom it told that the roster has changed."""

    def __init__(self, directory: Path, ledger: Ledger) -> None:
        self.ledger, self.authority = ledger, begin(directory / "authority")
        self.told: list[str] = []
        self.room = Enrolling(
            ledger, self.authority, BROKER, write_broker=self._broker, roster_changed=lambda: self.told.append("roster")
        )

    def enrol(self, post: str, **wish: Any) -> Enrolled:
        return self.room.enrol(EnrolWish(post, **wish), self.audit, NOW_MS)

    def audit(self, connection: Transaction, act: str, facts: Mapping[str, Any]) -> None:
        audits.write(connection, "cb-1", act, facts, NOW_MS)

    def roster(self) -> Roster:
        with self.ledger.read() as connection:
            return rosters.read_roster(connection)

    def book(self) -> list[tuple[str, dict[str, Any]]]:
        with self.ledger.read() as connection:
            return [(line.act, line.facts) for line in audits.read(connection)]

    def valid(self, post: str) -> list[str]:
        return [one.serial for one in self.authority.index.valid("post", post)]

    def _broker(self) -> BrokerFiles:
        self.told.append("broker")
        return BrokerFiles(Path("mosquitto.conf"), ("crl.pem",), False)


@contextmanager
def refused(code: str) -> Iterator[None]:
    """What is done inside is refused for this reason."""
    with pytest.raises(KengdError) as wrong:
        yield
    assert wrong.value.code == code


@pytest.fixture(params=["sqlite", "postgresql"])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    postgres = request.param == "postgresql"
    ledger = Ledger(request.getfixturevalue("postgres_url") if postgres else sqlite_url(tmp_path / "ledger.sqlite"))
    yield Room(tmp_path, ledger)
    ledger.close()


def test_a_new_post_gets_file_roster_settings_and_audit_line_in_one_act(room: Room) -> None:
    """R42. The certificate, the row, what its rules sheet is printed from, the line in the book; a swap tells the broker."""
    first = room.enrol("ha", name="Kẻng Hạ", villages=("Thôn Hạ", "Thôn Hà", "Thôn Hạ"))
    settings = tomllib.loads(first.file.text)
    assert (settings["post"]["villages"], settings["broker"]["host"]) == (["Thôn Hạ", "Thôn Hà"], "hub.lan")
    assert room.roster().posts == (Post("ha", "Kẻng Hạ", ("thon-ha", "thon-ha-2"), enrolled_ms=NOW_MS),)
    assert room.roster().villages == (Village("thon-ha", "Thôn Hạ"), Village("thon-ha-2", "Thôn Hà"))
    with room.ledger.read() as connection:
        assert values.value_of(connection, f"{SETTINGS_OF}ha") == first.file.settings
    assert (first.broker, room.told) == (None, ["roster"])
    second = room.enrol("ha")
    assert (second.file.revoked, room.valid("ha")) == ((first.file.serial,), [second.file.serial])
    assert second.broker is not None and room.told == ["roster", "roster", "broker"]
    kids, marks = list(first.file.kids), [made.file.page_fingerprint[:16] for made in (first, second)]
    assert room.book() == [
        ("enrol", {"post": "ha", "serial": first.file.serial, "revoked": [], "kids": kids, "page": marks[0]}),
        (
            "enrol",
            {
                "post": "ha",
                "serial": second.file.serial,
                "revoked": [first.file.serial],
                "kids": kids,
                "page": marks[1],
            },
        ),
    ]
    renewed = room.enrol("ha", keep_old=True)
    assert (renewed.broker, room.valid("ha")) == (None, [second.file.serial, renewed.file.serial])


def test_what_the_roster_knows_of_a_post_stays_when_it_gets_another_file(room: Room) -> None:
    """A swapped Pi serves the villages that the desk named, under their ids, at its place in all lists."""
    known = Post("an-lao", "Điểm An Lão", ("al",), x=1.0, y=2.0, page="http://10.0.0.5/", enrolled_ms=7)
    with room.ledger.write() as connection:
        rosters.put_village(connection, Village("al", "Thôn An Lão", 120), 3)
        rosters.put_post(connection, known, 0)
        rosters.put_post(connection, Post("dau", "Điểm Đầu"), 1)
        rosters.put_keeper(connection, Keeper("ba-tu", "an-lao", "Bà Tư"))
    made = room.enrol("an-lao")
    assert tomllib.loads(made.file.text)["post"]["villages"] == ["Thôn An Lão"]
    room.enrol("an-lao", villages=("Thôn An Lão",), name="Điểm Mới")
    room.enrol("an-lao", villages=("al",))
    roster = room.roster()
    assert [post.id for post in roster.posts] == ["an-lao", "dau"]
    assert roster.post("an-lao") == Post("an-lao", "Điểm Mới", ("al",), False, 1.0, 2.0, "http://10.0.0.5/", 7)
    assert (roster.villages, len(roster.keepers)) == ((Village("al", "Thôn An Lão", 120),), 1)


def test_one_request_gets_one_file_at_whichever_worker_it_is_asked(room: Room) -> None:
    """A double click, or the same request at two workers, does not revoke what was just given; a refused one may come again."""
    made = room.enrol("ha", name="Kẻng", act="act-00000001")
    other = Enrolling(room.ledger, Authority.open(room.authority.ca_file.parent), BROKER, write_broker=room._broker)
    with refused("already_given"):
        other.enrol(EnrolWish("ha", act="act-00000001"), room.audit, NOW_MS)
    assert room.valid("ha") == [made.file.serial]
    with refused("host_not_in_certificate"):
        room.enrol("ha", act="act-00000002", host="10.9.9.9")
    assert room.valid("ha") == [made.file.serial] and len(room.book()) == 1
    with refused("already_given"):
        room.enrol("ha", act="act-00000001")
    assert room.enrol("ha", act="act-00000002").file.revoked == (made.file.serial,)


def test_a_wrong_wish_changes_nothing(room: Room) -> None:
    """No roster row, no village, no certificate, no audit line, nobody is told."""
    for wish, code in (
        ({"villages": ("Thôn Mới",)}, "usage"),
        ({"name": "Kẻng", "villages": ("Thôn\nMới",)}, "bad_name"),
        ({"name": "Kẻng", "villages": ("Thôn Mới",), "template": "x = = 1"}, "settings_invalid"),
        ({"name": "Kẻng", "port": 99_999}, "bad_port"),
    ):
        with refused(code):
            room.enrol("moi", **wish)
    assert (room.roster().posts, room.roster().villages) == ((), ())
    assert (room.valid("moi"), room.book(), room.told) == ([], [], [])


def test_a_revoked_post_is_shut_out_even_where_the_ledger_is_away(room: Room) -> None:
    """R42: the broker is told first of all; retired means out of service with its book kept."""
    made = room.enrol("ha", name="Kẻng Hạ", villages=("Thôn Hạ",))
    room.told.clear()
    assert room.room.revoke("ha", "mất máy", room.audit, NOW_MS, retire=False) == (made.file.serial,)
    assert (room.told, len(room.roster().posts)) == (["broker"], 1)
    last = room.enrol("ha")
    room.told.clear()

    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        room.room.revoke("ha", "mất trộm", broken, NOW_MS, retire=True)
    assert (room.told, room.valid("ha"), len(room.roster().posts)) == (["broker"], [], 1)
    with refused("not_enrolled"):
        room.room.revoke("ha", "mất trộm", room.audit, NOW_MS, retire=False)
    again = room.enrol("ha")
    room.told.clear()
    assert room.room.revoke("ha", "thôi dùng", room.audit, NOW_MS, retire=True) == (again.file.serial,)
    assert (room.told, room.roster().posts) == (["broker", "roster"], ())
    revoked = [facts for act, facts in room.book() if act == "revoke"]
    assert revoked == [
        {"post": "ha", "why": "mất máy", "serials": [made.file.serial]},
        {"post": "ha", "why": "thôi dùng", "serials": [again.file.serial], "retired": True},
    ]
    assert last.file.serial not in str(revoked)


def test_a_post_comes_back_into_service_with_what_was_known_of_it(room: Room) -> None:
    """Name, villages, page and plan need not be said again; a post whose certificates are gone already can be taken out too."""
    room.enrol("ha", name="Kẻng Hạ", villages=("Thôn Hạ",), page="http://10.0.0.11/")
    before = room.roster().post("ha")
    room.room.revoke("ha", "mất máy", room.audit, NOW_MS, retire=False)
    assert room.roster().post("ha") == before
    assert room.room.revoke("ha", "thôi dùng", room.audit, NOW_MS, retire=True) == ()
    with refused("not_enrolled"):
        room.room.revoke("ha", "thôi dùng", room.audit, NOW_MS, retire=True)
    assert (room.roster().post("ha"), room.room.knows("ha"), room.room.knows("ho")) == (None, True, False)
    made = room.enrol("ha")
    assert room.roster().post("ha") == made.post == before
    assert (made.villages, tomllib.loads(made.file.text)["post"]["villages"]) == (("Thôn Hạ",), ["Thôn Hạ"])


def test_village_ids_are_plain_and_short() -> None:
    """From names with diacritics; the longest still takes a number behind it."""
    assert village_ids(["Thôn Đông Hạ", "???", "x" * 60]) == {
        "Thôn Đông Hạ": "thon-dong-ha",
        "???": "thon",
        "x" * 60: "x" * 40,
    }


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr("kengd.hub.people.ground.argon2", lambda: argon2(time_cost=1, memory_kib=8))
    return Shell(tmp_path, capsys)


def test_the_shell_writes_one_private_file_and_keeps_the_one_before_when_it_cannot(shell: Shell) -> None:
    """Whether the file can be written is known before a certificate is issued; a refused wish leaves the old file alone."""
    file = shell.directory / "ha.toml"
    code, said = shell("enrol", "ha", "--name", "Kẻng Hạ", "--villages", "Thôn Hạ, Thôn Trung", "--out", str(file))
    assert (code, oct(file.stat().st_mode & 0o777)) == (0, "0o600") and "MQTT" not in said
    first = file.read_text()
    assert tomllib.loads(first)["post"]["villages"] == ["Thôn Hạ", "Thôn Trung"]
    for words, wanted in (
        (("enrol", "ha", "--broker", "10.9.9.9", "--out", str(file)), "host_not_in_certificate"),
        (("enrol", "ha", "--out", str(shell.directory)), "cannot_write"),
        (("enrol", "ha", "--out", str(shell.directory / "none" / "ha.toml")), "cannot_write"),
        (("enrol", "moi", "--out", str(file)), "usage"),
    ):
        code, said = shell(*words)
        assert code in (1, 2) and f"[{wanted}]" in said, said
    authority = Authority.open(shell.settings.authority)
    assert file.read_text() == first and len(authority.index.valid("post", "ha")) == 1
    assert [path.name for path in shell.directory.iterdir() if ".new" in path.name] == []
    code, said = shell("enrol", "ha", "--out", str(file))
    assert code == 0 and "CHƯA XONG: máy chủ MQTT chưa biết" in said and file.read_text() != first
    code, said = shell("revoke", "ha", "--why", "mất máy")
    assert code == 0 and "Đã thu hồi 1 chứng thư của ha" in said and "sudo systemctl restart mosquitto" in said
    assert "Điểm vẫn trong danh sách" in said and "kengd hub revoke ha --retire" in said
    assert write_broker(authority, shell.settings).changed == (), "the broker's list is as it has to be"
    ledger = Ledger(shell.settings.database_url)
    with ledger.read() as connection:
        assert [post.id for post in rosters.read_roster(connection).posts] == ["ha"]
    code, said = shell("revoke", "ha", "--why", "thôi dùng", "--retire")
    assert code == 0 and "Đã thu hồi 0 chứng thư" in said and "ha thôi dùng hẳn" in said
    with ledger.read() as connection:
        assert rosters.read_roster(connection).posts == ()
    code, said = shell("enrol", "ha", "--out", str(file))
    assert code == 0 and "Kẻng Hạ: các thôn nghe kẻng này: Thôn Hạ, Thôn Trung." in said
    code, said = shell("enrol", "moi", "--name", "Kẻng Mới", "--out", str(file))
    assert code == 0 and "chưa thôn nào nghe Kẻng Mới" in said
    with ledger.read() as connection:
        acts = [line.act for line in audits.read(connection)]
    ledger.close()
    assert acts[-6:] == ["enrol", "enrol", "revoke", "revoke", "enrol", "enrol"]


def test_the_shell_names_the_page_and_begins_with_another_posts_settings(shell: Shell) -> None:
    """As at the desk: names of the page, pins like those of a post that is there; one that has no file is said."""
    template = shell.directory / "mau.toml"
    template.write_text(EXAMPLE.read_text("utf-8").replace("pin = 17", "pin = 27"))
    file = shell.directory / "ha.toml"
    code, said = shell("enrol", "ha", "--name", "Kẻng Hạ", "--template", str(template), "--out", str(file))
    assert code == 0 and "https://ha.local:8443/" in said and "chưa người giữ kẻng nào có mã PIN" in said
    words = ("--name", "Kẻng Hà", "--like", "ha", "--page-names", "10.0.0.31, ha2.lan", "--out", str(file))
    assert shell("enrol", "ha2", *words)[0] == 0
    assert tomllib.loads(file.read_text())["gpio"]["relay"]["pin"] == 27
    (page,) = Authority.open(shell.settings.authority).index.valid("page", "ha2")
    assert page.names == ("10.0.0.31", "ha2.lan")
    for more, wanted in (
        (("--like", "khong-co"), "unknown_post"),
        (("--like", "ha", "--template", str(template)), "usage"),
    ):
        code, said = shell("enrol", "ha3", "--name", "Kẻng", *more, "--out", str(file))
        assert code in (1, 2) and f"[{wanted}]" in said
    assert shell("enrol", "ha2", "--out", str(file))[0] == 0
    assert tomllib.loads(file.read_text())["gpio"]["relay"]["pin"] == 27
