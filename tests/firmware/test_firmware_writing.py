"""`kengd firmware --write`: the boot partition is told of kengd once, and nothing of it is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.__main__ import main
from kengd.cli.firmware import BEFORE, write
from kengd.cli.intake_hands import Hands
from kengd.errors import KengdError
from kengd.firmware.cmdline import ALWAYS
from kengd.firmware.editing import INCLUDE, with_include, with_words
from kengd.settings.find import load

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "deploy/kengd.example.toml")
STOCK = "dtparam=audio=on\ncamera_auto_detect=1\n[cm5]\ndtoverlay=dwc2,dr_mode=host\n\n[all]\n"
ROOT_WORDS = "console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootfstype=ext4 fsck.repair=yes rootwait\n"


def card(place: Path) -> Path:
    (place / "config.txt").write_text(STOCK)
    (place / "cmdline.txt").write_text(ROOT_WORDS)
    return place


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        (STOCK, STOCK + "[all]\ninclude kengd.txt\n"),
        ("arm_64bit=1", "arm_64bit=1\n[all]\ninclude kengd.txt\n"),
        ("a=1\r\n[pi4]\r\n", "a=1\r\n[pi4]\r\n[all]\r\ninclude kengd.txt\r\n"),
        ("include kengd.txt\n[pi5]\n", "include kengd.txt\n[pi5]\n"),
        ("[all]\n  include   kengd.txt  \n", "[all]\n  include   kengd.txt  \n"),
        ("[pi5]\ninclude kengd.txt\n", "[pi5]\ninclude kengd.txt\n[all]\ninclude kengd.txt\n"),
        ("#include kengd.txt\n", "#include kengd.txt\n[all]\ninclude kengd.txt\n"),
        ("include kengd.txt.old\n", "include kengd.txt.old\n[all]\ninclude kengd.txt\n"),
    ],
)
def test_config_txt_reads_our_file_on_every_board(config: str, wanted: str) -> None:
    """P1: an include under another board's section, or one that is a comment, is none."""
    assert with_include(config) == wanted
    assert with_include(wanted) == wanted


@given(st.text(st.sampled_from("[]al pi4\r\n#=include kengd.txt"), max_size=200))
def test_nothing_that_was_in_config_txt_is_lost(config: str) -> None:
    """Whatever it is: only added to, once."""
    once = with_include(config)
    assert once.startswith(config)
    assert with_include(once) == once
    assert any(line.split() == INCLUDE.split() for line in once.splitlines())


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("root=/dev/mmcblk0p2 rw\n", "root=/dev/mmcblk0p2 rw panic=10 a_b.c=n\n"),
        ("panic=0 root=x a-b.c=y rw", "root=x rw panic=10 a_b.c=n\n"),
        ("\nroot=x\n", "\nroot=x panic=10 a_b.c=n\n"),
        ("root=x panic=10 quiet a_b.c=n", "root=x panic=10 quiet a_b.c=n"),
        ("", ""),
        (" \n", " \n"),
    ],
)
def test_words_stand_once_on_the_one_line(line: str, wanted: str) -> None:
    """A word is replaced up to its "="; a command line that names no root is never made."""
    assert with_words(line, ("panic=10", "a_b.c=n")) == wanted
    assert with_words(wanted, ("panic=10", "a_b.c=n")) == wanted


def test_a_stock_card_is_made_ready_once_and_what_was_there_is_kept(tmp_path: Path) -> None:
    """The linter finds nothing of ours missing afterwards; a second time changes nothing."""
    plan = load(EXAMPLE).plan
    assert write(card(tmp_path), plan, Hands()) == ["kengd.txt", "config.txt", "cmdline.txt"]
    assert write(tmp_path, plan, Hands()) == []
    assert (tmp_path / "kengd.txt").read_text() == (ROOT / "firmware_config/kengd.txt").read_text()
    assert (tmp_path / "config.txt").read_text() == STOCK + "[all]\ninclude kengd.txt\n"
    assert set((tmp_path / "cmdline.txt").read_text().split()) == {*ROOT_WORDS.split(), *ALWAYS}
    assert (tmp_path / f"config.txt{BEFORE}").read_text() == STOCK
    assert (tmp_path / f"cmdline.txt{BEFORE}").read_text() == ROOT_WORDS


def test_the_shell_command_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And refuses a directory that is no boot partition."""
    call = ["--config", EXAMPLE, "firmware", "--write", str(tmp_path)]
    assert main(call) == 2
    assert "không phải phân vùng khởi động" in capsys.readouterr().err
    card(tmp_path)
    assert main(call) == 0
    assert "đã ghi kengd.txt, config.txt, cmdline.txt" in capsys.readouterr().out
    assert main(call) == 0
    assert "đã đúng" in capsys.readouterr().out


class Full(Hands):
    """A card without room."""

    def write(self, path: Path, data: bytes, mode: int, group: int | None = None) -> None:
        if path.name.startswith("config.txt"):
            raise OSError(28, "No space left on device", str(path))
        super().write(path, data, mode, group)


def test_a_full_card_keeps_its_old_files(tmp_path: Path) -> None:
    """Clear words, and a card that starts as before."""
    with pytest.raises(KengdError) as caught:
        write(card(tmp_path), load(EXAMPLE).plan, Full())
    assert (caught.value.code, bool(caught.value.cure)) == ("boot_unwritable", True)
    assert (tmp_path / "config.txt").read_text() == STOCK
    shutil.rmtree(tmp_path)
