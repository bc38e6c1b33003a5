"""Bounds and sentences of the hub's shell: what cannot be is refused before anything changes, in Vietnamese, with a way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kengd import clock
from kengd.__main__ import main
from kengd.hub.authority.authority import Authority
from kengd.hub.founding import SETTINGS_OF
from kengd.hub.keeping import backup
from kengd.hub.ledger import audits, rosters, values
from kengd.hub.ledger.store import Ledger
from kengd.hub.people.passwords import argon2
from kengd.hub.roster import Post, Village
from kengd.hub.settings import load_hub
from tests.broker import free_port
from tests.hub.shell_kit import Shell

PAGE = "http://10.0.0.11:8080/vi-sao"
PASS = "bốn con vịt qua cầu"
NO_TEMPLATE = """\
[bell]
kind = "striker"

[gpio]
pins = "simulated"

[gpio.relay]
pin = 170
"""


class Keyboard(Shell):
    """Of a hub whose broker is away."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(directory, capsys, clock.now().wall_ms, broker_port=free_port())
        self.ledger = Ledger(self.settings.database_url)
        self._before = len(self.audit())

    def settle(self) -> None:
        """Two villages, a post each."""
        with self.ledger.write() as connection:
            for rank, key in enumerate(("an-lao", "bo-trang")):
                rosters.put_village(connection, Village(key, f"Thôn {key}", 100), rank)
                rosters.put_post(connection, Post(key, f"Điểm {key}", (key,), enrolled_ms=1), rank)

    def audit(self) -> list[tuple[str, dict[str, object]]]:
        """(act, facts) since the founding."""
        with self.ledger.read() as connection:
            return [(item.act, dict(item.facts)) for item in audits.read(connection)][getattr(self, "_before", 0) :]


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Keyboard:
    monkeypatch.setattr("kengd.hub.people.ground.argon2", lambda: argon2(time_cost=1, memory_kib=8))
    monkeypatch.chdir(tmp_path)
    return Keyboard(tmp_path, capsys)


def test_what_cannot_be_ordered_is_refused_at_the_keyboard(shell: Keyboard) -> None:
    """A word that is no number, a past moment, a first post that is not among them; nothing is sent and nothing written down."""
    shell.settle()
    ring = ("dispatch", "alarm", "--why", "thử")
    for words, code, vi in (
        ((*ring, "--all", "--timeout", "abc"), "usage", "tham số --timeout: phải là một số, không phải 'abc'"),
        ((*ring, "--all", "--timeout", "-5"), "usage", "--timeout phải lớn hơn 0"),
        ((*ring, "--all", "--timeout", "nan"), "usage", "--timeout phải lớn hơn 0"),
        (("hush", "--all", "--timeout", "0"), "usage", "--timeout phải lớn hơn 0"),
        (("incidents", "take", "x", "--timeout", "inf"), "usage", "--timeout phải lớn hơn 0"),
        ((*ring, "--all", "--at", "soon"), "usage", "tham số --at: phải là số nguyên, không phải 'soon'"),
        ((*ring, "--all", "--at", "1"), "bad_at", "giờ bắt đầu phải từ bây giờ"),
        ((*ring, "--all", "--first", "an-lao", "--gap", "-5"), "bad_first", "1–300"),
        ((*ring, "--all", "--first", "an-lao", "--gap", "301"), "bad_first", "1–300"),
        ((*ring, "--all", "--gap", "5"), "bad_first", "ghi cả --first và --gap"),
        ((*ring, "--all", "--first", "xa", "--gap", "5"), "bad_first", "một trong các điểm đã chọn"),
        ((*ring, "--post", "bo-trang", "--first", "an-lao", "--gap", "5"), "bad_first", "một trong các điểm đã chọn"),
        ((*ring, "--post", "xa"), "unknown_post", "kengd hub posts"),
        ((*ring, "--village", "Xa"), "unknown_village", "Thôn an-lao, Thôn bo-trang"),
        ((*ring, "--group", "xa"), "unknown_group", "chưa có nhóm nào"),
        (("village", "Thôn an-lao", "--households", "-1"), "usage", "--households phải từ 0"),
        (("village", "Thôn an-lao", "--households", "1000001"), "usage", "--households phải từ 0"),
        (("village", "Thôn an-lao", "--households", "x"), "usage", "phải là số nguyên, không phải 'x'"),
        (("village", "Xa", "--households", "5"), "unknown_village", "Thôn an-lao, Thôn bo-trang"),
        (("page", "an-lao", "10.0.0.11"), "bad_page", "http://10.0.0.11:8080/vi-sao"),
        (("page", "xa", PAGE), "unknown_post", "kengd hub posts"),
        (("enrol", "moi", "--name", "Kẻng", "--page", "http://máy mới/"), "bad_page", "không dấu cách"),
        (("users", "end", "quantri"), "last_admin", "kengd hub users add"),
        (("keys", "retire", "xa"), "unknown_kid", "kengd hub keys list"),
        (("keys", "reader", "home", "--end"), "not_enrolled", "kengd hub keys list"),
        (("revoke", "xa"), "not_enrolled", "kengd hub posts"),
    ):
        done, said = shell(*words)
        assert done in (1, 2) and f"[{code}]" in said and vi in said, (words, said)
        assert "invalid" not in said.split("\n  (")[0], (words, said)
    assert shell.audit() == [] and not (shell.directory / "moi.toml").exists()


def test_the_page_of_a_post_is_set_when_it_is_enrolled_or_later(shell: Keyboard) -> None:
    """The rules sheet's cure is the very command that sets it; no certificate is made anew for that."""
    assert shell("enrol", "thon-1", "--name", "Kẻng thôn 1", "--villages", "Thôn 1", "--page", PAGE)[0] == 0
    assert shell("enrol", "thon-2", "--name", "Kẻng thôn 2", "--villages", "Thôn 2")[0] == 0
    assert shell("report", "--rules", "thon-1")[0] == 0
    code, said = shell("report", "--rules", "thon-2")
    assert code == 1 and "[no_page]" in said
    command = said.split("kengd hub ")[1].split("\n")[0]
    assert command == "page thon-2 http://ĐỊA_CHỈ_ĐIỂM_KẺNG:8080/vi-sao"
    serial = [
        one.serial for one in Authority.open(shell.directory / "state" / "authority").index.valid("post", "thon-2")
    ]
    assert shell(*command.replace("ĐỊA_CHỈ_ĐIỂM_KẺNG", "10.0.0.12").split()) == (
        0, "Kẻng thôn 2: http://10.0.0.12:8080/vi-sao\n",
    )  # fmt: skip
    assert shell("report", "--rules", "thon-2")[0] == 0
    now = [one.serial for one in Authority.open(shell.directory / "state" / "authority").index.valid("post", "thon-2")]
    assert now == serial
    shell("enrol", "thon-1", "--renew")
    with shell.ledger.read() as connection:
        pages = {post.id: post.page for post in rosters.read_roster(connection).posts}
    assert pages == {"thon-1": PAGE, "thon-2": "http://10.0.0.12:8080/vi-sao"}, "a renewal keeps it"
    assert [act for act, _ in shell.audit()] == ["enrol", "enrol", "post_put", "enrol"]
    with shell.ledger.write() as connection:
        values.put_value(connection, f"{SETTINGS_OF}thon-1", "[bell]\n")
    code, said = shell("report", "--rules", "thon-1")
    assert code == 2 and "đã cấp cho thon-1" in said and "kengd hub enrol thon-1 --renew --template TỆP" in said


def test_a_village_that_is_changed_keeps_its_place_and_is_written_down(shell: Keyboard) -> None:
    """As at the desk."""
    shell.settle()
    assert shell("village", "Thôn bo-trang", "--households", "0") == (0, "Thôn bo-trang: 0 hộ\n")
    with shell.ledger.read() as connection:
        assert rosters.ranks(connection)["villages"] == {"an-lao": 0, "bo-trang": 1}
    assert shell.audit() == [("village_put", {"village": "bo-trang"})]


def test_no_post_is_said_and_how_to_enrol_one(shell: Keyboard) -> None:
    """An empty answer would look like a fault; as data it is empty. The broker is not needed for it."""
    code, said = shell("posts")
    assert code == 0 and "Chưa có điểm kẻng nào" in said and "kengd hub enrol MÃ --name" in said
    assert shell("posts", "--json") == (0, "")


def test_arguments_of_begin_are_not_explained_as_lines_of_a_file(shell: Keyboard) -> None:
    """Nobody has written hub.toml yet: each complaint names its option."""
    for words, options in (
        (("--commune", "cong-lac", "--name", "X", "--address", "a b"), ["--address"]),
        (("--commune", "cong-lac", "--name", "X", "--address", "a", "--port", "70000"), ["--port"]),
        (("--commune", "cong-lac", "--name", "a\nb", "--address", "a", "--web", "x y:80"), ["--name", "--web"]),
    ):
        config = shell.directory / "new" / "hub.toml"
        code = main(
            ["--config", str(config), "hub", "begin", *words, "--state", str(shell.directory / "new" / "state")]
        )
        said = shell._capsys.readouterr().err
        assert code == 2 and "[usage]" in said and all(f"{option}: " in said for option in options), said
        assert "dòng 1" not in said and "kengd check" not in said and not config.exists()


def test_a_desk_for_other_machines_is_begun_with_https_unless_somebody_sees_to_it(shell: Keyboard) -> None:
    """A password never goes over a village's network in the clear by default."""
    found = {}
    for place, words in (
        ("near", ("127.0.0.1:8080",)),
        ("far", ("0.0.0.0:8080",)),
        ("behind", ("0.0.0.0:8080", "--plain-http")),
    ):
        state, config = shell.directory / place / "state", shell.directory / place / "hub.toml"
        config.parent.mkdir()
        begin = [
            "hub",
            "begin",
            "--commune",
            "a",
            "--name",
            "A",
            "--address",
            "10.0.0.9",
            "--state",
            str(state),
            "--web",
            *words,
        ]
        assert main(["--config", str(config), *begin]) == 0
        said = shell._capsys.readouterr().out
        found[place] = (
            load_hub(str(config)).web.own_cert,
            next(line.split()[1] for line in said.splitlines() if "trang:" in line),
        )
    assert found == {
        "near": (False, "http://127.0.0.1:8080"),
        "far": (True, "https://10.0.0.9:8080"),
        "behind": (False, "http://10.0.0.9:8080"),
    }


def test_a_mistake_in_hub_toml_does_not_send_people_to_the_posts_check(shell: Keyboard) -> None:
    """`kengd check` reads a post's file; a wrong key, a broken line and a missing file each have their own way out."""
    text = shell.config.read_text("utf-8")
    for changed, vi in ((text.replace("[duty]", "[dutty]"), "[dutty"), (text + "\nx = ", "dòng")):
        shell.config.write_text(changed, "utf-8")
        code, said = shell("users", "list")
        assert code == 2 and "[settings_invalid]" in said and "kengd check" not in said, said
        assert "sudo systemctl restart kengd-hub" in said and vi.strip("[") in said
    shell.config.unlink()
    code, said = shell("users", "list")
    assert code == 2 and "[no_settings]" in said and "kengd hub begin --commune MÃ_XÃ --name TÊN_XÃ --address" in said


def test_a_wrong_template_is_blamed_and_not_the_posts_file(shell: Keyboard) -> None:
    """The template's own line; the file in /etc is on another machine and does not exist yet."""
    template = shell.directory / "template.toml"
    for text, line in ((NO_TEMPLATE, "dòng 8"), ("[bell\n", "dòng 1")):
        template.write_text(text, "utf-8")
        code, said = shell("enrol", "thon-1", "--name", "Kẻng", "--template", str(template))
        assert code == 2 and "[settings_invalid]" in said and "mẫu cài đặt" in said and line in said, said
        assert "/etc/kengd" not in said and "kengd check" not in said
    assert shell.audit() == []


def test_a_backup_is_restored_elsewhere_when_it_is_told_where(shell: Keyboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """hub.toml in the backup says where the state lies: on the same machine that is taken, so `--state` says where else; what has
    to be typed from then on is said."""
    shell.settle()
    passphrase = shell.directory / "passphrase"
    passphrase.write_text(PASS + "\n", "utf-8")
    made = backup(
        load_hub(str(shell.config)), shell.config, shell.directory / "b.zip", PASS, "shell:root", clock.now().wall_ms
    )
    shell.config = shell.directory / "new" / "hub.toml"
    words = ("restore", str(made.path), "--passphrase-file", str(passphrase))
    code, said = shell(*words)
    assert code == 2 and "[hub_exists]" in said and "--state THƯ_MỤC" in said and "đã có" in said
    blocked = shell.directory / "file"
    blocked.write_text("")
    code, said = shell(*words, "--state", str(blocked / "state"))
    assert code == 1 and "[no_directory]" in said and not shell.config.exists()
    state = shell.directory / "new" / "state"
    code, said = shell(*words, "--state", str(state))
    assert code == 0 and f"dữ liệu: {state}" in said and f"kengd --config {shell.config} hub serve" in said, said
    assert load_hub(str(shell.config)).state == state
    assert json.loads(shell("incidents", "--json")[1] or "[]") == []
    assert [line.split()[0] for line in shell("users", "list")[1].splitlines()] == ["quantri"]
