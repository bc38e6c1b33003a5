"""`kengd hub users` and `keys`: what the installer does at the shell, each change a line of the audit book."""

from __future__ import annotations

from pathlib import Path

import pytest

from kengd.hub.authority.authority import Authority
from kengd.hub.ledger import audits
from kengd.hub.ledger.store import Ledger
from kengd.hub.people.passwords import argon2
from tests.hub.authority_kit import NOW_MS, wish
from tests.hub.shell_kit import Shell


class Keyboard(Shell):
    """Whose acts are read back."""

    def acts(self) -> list[str]:
        """What the audit book says, without the founding."""
        ledger = Ledger(self.settings.database_url)
        with ledger.read() as connection:
            assert audits.verify(connection) is None
            found = [item.act for item in audits.read(connection) if item.by.startswith("shell:")]
        ledger.close()
        return found[1:]


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Keyboard:
    monkeypatch.setattr("kengd.hub.people.ground.argon2", lambda: argon2(time_cost=1, memory_kib=8))
    return Keyboard(tmp_path, capsys)


def test_officers_are_added_listed_reset_and_ended(shell: Keyboard) -> None:
    """The password is shown once; who has left signs in no more; every act stands in the audit book."""
    code, said = shell("users", "add", "an.nguyen", "--name", "Đại úy Nguyễn Văn An", "--role", "chief")
    assert code == 0 and "mật khẩu lần đầu:" in said
    code, said = shell("users", "list")
    assert [line.split()[0] for line in said.splitlines()] == ["quantri", "an.nguyen"]
    assert "chỉ huy" in said and "Đại úy Nguyễn Văn An" in said
    code, reset = shell("users", "password", "an.nguyen")
    assert code == 0 and "mật khẩu lần đầu:" in reset
    assert shell("users", "end", "an.nguyen")[0] == 0
    assert [line.split()[0] for line in shell("users", "list")[1].splitlines()] == ["quantri"]
    assert shell.acts() == ["officer_made", "password_reset", "officer_ended"]


def test_what_cannot_be_done_is_said_and_changes_nothing(shell: Keyboard) -> None:
    """A code, a sentence, a cure; the last admin stays."""
    found = {
        words: shell("users", *words)
        for words in (
            ("add", "x"),
            ("add",),
            ("password", "nobody"),
            ("end", "quantri"),
            ("add", "Ông An", "--name", "An"),
        )
    }
    codes = [said.split("[")[1].split("]")[0] for _, said in found.values()]
    assert codes == ["usage", "usage", "no_such_officer", "last_admin", "bad_login"]
    assert all(code in (1, 2) for code, _ in found.values())
    assert shell.acts() == []


def test_a_signing_key_is_changed_with_an_overlap(shell: Keyboard) -> None:
    """R43: new, files for the posts, retire, revoke; each step says what the installer has to do next."""
    authority = Authority.open(shell.settings.authority)
    authority.enrol(wish("thon-1"), NOW_MS)
    first = authority.signing()[0]
    code, said = shell("keys", "new", "cong-lac-moi")
    assert code == 0
    assert "kengd hub enrol thon-1 --renew" in said and f"kengd hub keys retire {first}" in said
    code, said = shell("keys", "list")
    assert code == 0 and "ĐANG KÝ" in said and "điểm kẻng chưa có khoá này: thon-1" in said
    for act in ("retire", "revoke"):
        code, said = shell("keys", act, first)
        assert code == 1 and "[posts_would_refuse]" in said and "thon-1" in said and "--yes" in said
    assert Authority.open(shell.settings.authority).signing()[0] == first, (
        "a hush would be refused too: nothing has changed"
    )
    code, said = shell("keys", "retire", first, "--yes")
    assert code == 0 and "sẽ TỪ CHỐI lệnh: thon-1" in said
    assert shell("keys", "revoke", first)[0] == 0
    assert Authority.open(shell.settings.authority).signing()[0] == "cong-lac-moi"
    assert shell("keys", "renew")[0] == 0
    assert (shell.settings.state / "broker" / "mosquitto.conf").exists()
    assert shell.acts() == ["key_made", "key_retired", "key_revoked"]


def test_a_broker_with_a_new_address_gets_a_certificate_that_names_it(shell: Keyboard) -> None:
    """R42: broker.names in hub.toml, then `keys renew`; before that a post would not believe it, so no file is made for one."""
    enrol = (
        "enrol",
        "thon-1",
        "--name",
        "Kẻng",
        "--broker",
        "10.0.0.7",
        "--out",
        str(shell.config.with_name("thon-1.toml")),
    )
    code, said = shell(*enrol)
    assert code == 2 and "[host_not_in_certificate]" in said and "kengd hub keys renew" in said
    named = 'names = ["127.0.0.1"]'
    text = shell.config.read_text("utf-8")
    assert named in text
    shell.config.write_text(text.replace(named, 'names = ["10.0.0.7", "127.0.0.1"]'), "utf-8")
    code, said = shell("keys", "renew")
    assert code == 0 and "10.0.0.7, 127.0.0.1" in said and "Khởi động lại máy chủ MQTT" in said
    assert Authority.open(shell.settings.authority).server_names == ("10.0.0.7", "127.0.0.1")
    assert shell(*enrol)[0] == 0
    assert "Chưa có chứng thư nào" in shell("keys", "renew")[1], "once is enough"
    assert shell.acts() == ["certificates_renewed", "enrol"]


def test_a_key_without_a_name_or_a_successor_is_refused(shell: Keyboard) -> None:
    """Nothing has changed then."""
    first = Authority.open(shell.settings.authority).signing()[0]
    said = [shell("keys", *words)[1] for words in (("new",), ("retire", first), ("revoke", "none"), ("new", first))]
    assert [one.split("[")[1].split("]")[0] for one in said] == ["usage", "no_successor", "unknown_kid", "kid_taken"]
    assert shell.acts() == []
