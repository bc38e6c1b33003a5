"""The settings file that an installer drops on the boot partition: taken in whole, keys out of sight, mistakes explained there."""

from __future__ import annotations

import re

import pytest

from kengd.cli.intake import IN_MEMORY
from kengd.settings.credentials import NAMES
from tests.deploy.card import BROKER, PASSWORD, PINS, WEB, Card, key_table
from tests.deploy.pem import locked_key, pair


@pytest.fixture
def card(tmp_path: object) -> Card:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    return Card(tmp_path)


def test_nothing_on_the_partition_is_nothing_to_do(card: Card) -> None:
    """A start without a dropped file changes nothing and fails nothing."""
    said = card.take()
    assert (said.code, card.on_boot(), card.kept()) == (0, [], {})


@pytest.mark.parametrize("name", ["kengd.toml", "kengd.toml.txt", "KENGD.TOML", "Kengd.toml.txt"])
def test_the_file_is_taken_by_any_name_that_windows_gives_it(card: Card, name: str) -> None:
    """Windows hides ".txt"; a FAT has no upper and lower case."""
    card.drop(card.settings(), name)
    assert card.take().code == 0
    assert card.kept() == {"kengd.toml": (card.settings(), 0o640)}
    assert card.on_boot() == ["kengd-da-nhan.txt"]
    assert "Kẻng thôn 1 (cong-lac/thon-1)" in card.said("kengd-da-nhan.txt")


def test_what_notepad_writes_is_taken(card: Card) -> None:
    """The mark of UTF-8 first, CR LF at each line's end; neither is in the settings afterwards."""
    card.drop(b"\xef\xbb\xbf" + card.settings().replace("\n", "\r\n").encode())
    assert card.take().code == 0
    assert card.kept() == {"kengd.toml": (card.settings(), 0o640)}


def test_keys_go_to_root_only_storage_and_the_plain_copy_is_gone(card: Card) -> None:
    """Each key in a file of its own, 0600 in a 0700 directory; the settings hold none of them; nothing of them stays on the boot
    partition; the note says that a flash card cannot be proved clean."""
    text = card.settings(broker=BROKER) + key_table()
    card.drop(text)
    assert card.take().code == 0
    kept = card.kept()
    certificate, private = pair("thon-1")
    assert {name: kept[name] for name in kept if name.startswith("keys/")} == {
        "keys/ca.pem": (pair("xa")[0], 0o600),
        "keys/broker.pem": (certificate, 0o600),
        "keys/broker.key": (private, 0o600),
        "keys/broker.password": (PASSWORD + "\n", 0o600),
    }
    assert card.places.keys.stat().st_mode & 0o777 == 0o700
    settings = kept["kengd.toml"][0]
    assert "BEGIN" not in settings and PASSWORD not in settings and "[keys]" not in settings
    assert (
        settings.split("\n")[: text.split("\n").index("[keys]")] == text.split("\n")[: text.split("\n").index("[keys]")]
    )
    assert card.on_boot() == ["kengd-da-nhan.txt"]
    note = card.said("kengd-da-nhan.txt")
    assert "không ai chứng minh được là đã xoá sạch" in note and "đổi khoá" in note
    assert PASSWORD not in note and "BEGIN" not in note


def test_the_pages_keys_and_the_keepers_pins_come_the_same_way(card: Card) -> None:
    """The post's page: certificate, key and hashed PINs go where the other keys go, and settings that ask for them get them."""
    certificate, private = pair("trang-thon-1")
    bare = card.settings(broker=WEB)
    card.drop(bare + key_table(web_pem=certificate, web_key=private, web_pins=PINS))
    assert card.take().code == 0
    kept = card.kept()
    assert {name: kept[f"keys/{name}"] for name in NAMES if name.startswith("web")} == {
        "web.pem": (certificate, 0o600),
        "web.key": (private, 0o600),
        "web.pins": (PINS, 0o600),
    }
    assert kept["kengd.toml"][0].strip() == bare.strip() and "scrypt" not in card.said("kengd-da-nhan.txt")


def test_a_table_after_the_keys_keeps_its_line_and_its_comment(card: Card) -> None:
    """[keys] need not be last."""
    card.drop(card.settings() + key_table() + BROKER)
    assert card.take().code == 0
    settings = card.kept()["kengd.toml"][0]
    assert "# Đường dây tới xã\n[broker]" in settings and "BEGIN" not in settings


def test_a_mistake_is_explained_on_the_partition_and_the_old_settings_stay(card: Card) -> None:
    """In Vietnamese, with the line and the cure; the file stays where it is, to be mended there."""
    card.drop(card.settings("Kẻng cũ"))
    card.take()
    before = card.kept()
    wrong = card.settings().replace("pin = 5", "pin = 99") + key_table(broker_key="rác")
    card.drop(wrong)
    said = card.take()
    assert said.code == 1 and card.kept() == before
    assert card.on_boot() == ["kengd-da-nhan.txt", "kengd-loi.txt", "kengd.toml"]
    note = card.said("kengd-loi.txt")
    line = wrong.split("\n").index("pin = 99") + 1
    assert f"dòng {line}, gpio.buttons[1].pin" in note and "→" in note
    assert PASSWORD not in note and "BEGIN" not in note


def test_the_note_about_a_mistake_goes_when_the_file_is_mended(card: Card) -> None:
    """A stale explanation would be believed."""
    card.drop("không phải toml")
    assert card.take().code == 1
    card.drop(card.settings())
    assert card.take().code == 0
    assert card.on_boot() == ["kengd-da-nhan.txt"]


def test_a_file_that_was_refused_is_not_checked_again_at_each_start(
    card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checking takes a quarter of a minute on the smallest Pi, and the bell waits for it."""
    card.drop(card.settings() + "[gpoi]\n")
    assert card.take().code == 1

    def never(*_: object) -> None:
        raise AssertionError("checked again")

    monkeypatch.setattr("kengd.settings.dropped.read_dropped", never)
    assert card.take().code == 1
    assert card.on_boot() == ["kengd-loi.txt", "kengd.toml"]


@pytest.mark.parametrize(
    ("dropped", "told"),
    [
        (lambda c: c.settings().encode("utf-16"), "UTF-8"),
        (lambda c: b"", "post"),
        (lambda c: b"x" * 200_000, "128 KiB"),
        (lambda c: c.settings() + '\n[keys]\n"id_rsa" = "x"\n', "không có khoá nào tên như vậy"),
        (lambda c: c.settings() + '\n[keys]\n"ca.pem" = ""\n', "chưa có nội dung"),
        (lambda c: c.settings() + '\n[keys]\n"ca.pem" = "abc"\n', "không phải chứng thư"),
        (lambda c: c.settings() + key_table(broker_key=locked_key()), "có đặt mật khẩu"),
        (lambda c: c.settings() + key_table(broker_key=pair("khac")[1]), "không phải của chứng thư"),
        (lambda c: c.settings() + key_table(broker_password="a\nb"), "một dòng"),
        (lambda c: c.settings(broker=BROKER), 'không có khoá "ca.pem"'),
        (lambda c: c.settings(broker=WEB), 'không có khoá "web.pins"'),
        (lambda c: c.settings() + key_table(web_pins="Ông Thái\t204865"), "dòng thứ 1 của tệp mã PIN"),
        (lambda c: c.settings() + key_table(web_pem=pair("a")[0], web_key=pair("b")[1]), "chứng thư web.pem"),
        (lambda c: c.settings(broker="[web]\ntls_port = 8443\n"), "tls_port"),
        (lambda c: c.settings(broker=BROKER.replace("ca.pem", "root.pem")), 'không có khoá nào tên "root.pem"'),
        (lambda c: key_table(), "chưa có cài đặt"),
    ],
)
def test_each_kind_of_mistake_has_its_sentence(card: Card, dropped: object, told: str) -> None:
    """Nothing of a refused file is taken, neither settings nor keys."""
    assert callable(dropped)
    card.drop(dropped(card))
    assert card.take().code == 1
    assert told in card.said("kengd-loi.txt")
    assert card.kept() == {}


def test_keys_hidden_where_the_settings_should_be_are_not_taken(card: Card) -> None:
    """`keys."ca.pem" = …` at the top would leave the key in a file that others may read."""
    card.drop('keys."broker.password" = "mat-khau-thu"\n' + card.settings())
    assert card.take().code == 1 and card.kept() == {}
    assert "dòng 1, keys" in card.said("kengd-loi.txt")


def test_a_line_of_text_that_looks_like_a_table_inside_a_key_is_no_table(card: Card) -> None:
    """What stands between the quotes of a key never comes into the settings."""
    strange = pair("xa")[0] + "\n[web]\nport = 1\n# ghi chú bí mật\n"
    card.drop(card.settings() + key_table(ca_pem=strange) + "\n[web]\nport = 8481\n")
    assert card.take().code == 0
    settings = card.kept()["kengd.toml"][0]
    assert "port = 8481" in settings and "port = 1\n" not in settings and "bí mật" not in settings


def test_keys_alone_renew_the_keys(card: Card) -> None:
    """The hub changed the keys: a file with nothing but [keys] leaves the settings as they are."""
    card.drop(card.settings(broker=BROKER) + key_table())
    card.take()
    settings = card.kept()["kengd.toml"]
    card.drop(key_table(broker_password="moi", ca_pem=None, broker_pem=None, broker_key=None))
    assert card.take().code == 0
    assert card.kept()["kengd.toml"] == settings
    assert card.kept()["keys/broker.password"][0] == "moi\n"
    assert card.kept()["keys/ca.pem"][0] == pair("xa")[0]


def test_settings_may_ask_for_a_key_that_came_earlier(card: Card) -> None:
    """A correction of the settings need not bring the keys again."""
    card.drop(card.settings(broker=BROKER) + key_table())
    card.take()
    card.drop(card.settings("Kẻng sửa tên", broker=BROKER))
    assert card.take().code == 0
    assert "Kẻng sửa tên" in card.kept()["kengd.toml"][0]


@pytest.mark.parametrize("kind", IN_MEMORY)
def test_on_a_read_only_root_nothing_is_taken_and_that_is_said(card: Card, kind: str) -> None:
    """What is taken in would be gone after the next start, and so would the file that it came in."""
    card.mounts.write_text(f"25 1 0:1 / / rw - {kind} overlayroot rw\n")
    card.drop(card.settings() + key_table())
    assert card.take().code == 1
    assert card.on_boot() == ["kengd-loi.txt", "kengd.toml"] and card.kept() == {}
    assert "overlayroot" in card.said("kengd-loi.txt")
    card.mounts.write_text("25 1 179:2 / / rw - ext4 /dev/root rw\n")
    assert card.take().code == 0  # not remembered as refused


def test_two_files_are_one_too_many(card: Card) -> None:
    """Which of them is meant, nobody knows; neither is taken."""
    card.drop(card.settings())
    card.drop(card.settings("khác"), "kengd.toml.txt")
    assert card.take().code == 1 and card.kept() == {}
    assert "xoá một trong hai tệp" in card.said("kengd-loi.txt")


def test_the_plain_copy_is_overwritten_before_it_is_removed(card: Card) -> None:
    """As far as a card does what it is told: another name for the same bytes shows what became of them."""
    file = card.drop(card.settings(broker=BROKER) + key_table())
    size = file.stat().st_size
    witness = card.root / "witness"
    witness.hardlink_to(file)
    card.take()
    left = witness.read_bytes()
    assert len(left) == size and b"BEGIN" not in left and PASSWORD.encode() not in left


def test_no_key_is_ever_printed(card: Card, capsys: pytest.CaptureFixture[str]) -> None:
    """P12: what the intake says goes to the system's log."""
    from kengd.settings.dropped import read_dropped

    text = card.settings(broker=BROKER) + key_table()
    card.drop(text)
    said = card.take()
    printed = said.text + "".join(capsys.readouterr()) + repr(read_dropped(text.encode(), "x"))
    assert not re.search(r"BEGIN|mat-khau-thu", printed)


def test_the_firmware_is_told_of_the_new_pins(card: Card) -> None:
    """P1: between power-on and kengd the relay rests by kengd.txt, which must be made from these settings; a partition that takes no
    more writing keeps neither the settings nor the keys from being taken."""
    (card.places.boot / "config.txt").write_text("dtparam=audio=on\n")
    (card.places.boot / "cmdline.txt").write_text("root=/dev/mmcblk0p2 rw\n")
    card.drop(card.settings())
    assert card.take().code == 0
    assert (card.places.boot / "config.txt").read_text() == "dtparam=audio=on\n[all]\ninclude kengd.txt\n"
    assert "gpio=17=op,dl" in (card.places.boot / "kengd.txt").read_text()
    assert "panic=10" in (card.places.boot / "cmdline.txt").read_text()
    assert "khởi động lại một lần nữa" in card.said("kengd-da-nhan.txt")
    card.drop(card.settings())
    assert card.take().code == 0
    assert "khởi động lại một lần nữa" not in card.said("kengd-da-nhan.txt")
