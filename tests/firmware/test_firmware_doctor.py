"""`kengd doctor --boot`: the boot partition as it lies there, with the settings of the post."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kengd.__main__ import main
from kengd.cli.booting import boot_findings, boot_texts, gather_boot, system_conf, this_board
from kengd.errors import UsageError
from kengd.firmware.boards import PI4, PI5
from tests.firmware.boards_samples import EXAMPLE, INCLUDE, PLAN, STOCK_CMDLINE, TRIXIE, well


def card(place: Path, **more: str) -> Path:
    """A boot partition in good order, with some files changed."""
    place.mkdir(exist_ok=True)
    files = dict(well().files) | {f"{name}.txt": text for name, text in more.items()}
    for name, text in files.items():
        (place / name).write_text(text, encoding="utf-8")
    return place


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """Exit code and what was printed about the boot partition, an item for each finding."""
    code = main(["doctor", *arguments, "--config", str(EXAMPLE)])
    items = re.split(r"\n(?=[✓!✗\n])", capsys.readouterr().out)
    return code, [item for item in items if item[2:].startswith(("config.txt", "kengd.txt", "cmdline.txt", "systemd"))]


def test_a_card_in_good_order_is_one_green_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Any Pi, or the one that is named."""
    place = card(tmp_path / "boot")
    assert f"✓ config.txt: {place}: khớp với cài đặt (mọi loại Raspberry Pi)" in said(capsys, "--boot", str(place))[1]
    told = said(capsys, "--boot", str(place), "--board", "pi5")[1]
    assert f"✓ config.txt: {place}: khớp với cài đặt (Raspberry Pi 5)" in told


def test_a_red_line_has_file_number_cure_and_english_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three lines for an ill: what, how to cure it, the same in English."""
    place = card(tmp_path / "boot", config=TRIXIE + INCLUDE + "[pi4]\ngpio=17=op,dh\n")
    code, told = said(capsys, "--boot", str(place), "--board", "pi4")
    number = len((TRIXIE + INCLUDE).splitlines()) + 2
    assert (code, told) == (
        1,
        [
            f"✗ config.txt:{number}: dòng này không giữ rơ-le ở mức nghỉ (cần gpio=17=op,dl)\n"
            "    → kengd firmware | sudo tee /boot/firmware/kengd.txt, rồi khởi động lại\n"
            "    (this line does not keep the relay at rest (wanted: gpio=17=op,dl))",
        ],
    )
    assert "mọi loại" not in " ".join(said(capsys, "--boot", str(place), "--board", "pi3")[1])


def test_without_the_switch_the_partition_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """`kengd doctor` alone says nothing of config.txt on a machine that has none."""
    assert said(capsys)[1] == []


def test_a_place_that_is_none_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and the cure; a directory without config.txt is red."""
    assert main(["doctor", "--boot", str(tmp_path / "none"), "--config", str(EXAMPLE)]) == 2
    assert "kengd doctor --boot THƯ_MỤC" in capsys.readouterr().err
    assert [finding.code for finding in boot_findings(PLAN, str(tmp_path), PI4)[1]] == ["no_config"]
    assert main(["doctor", "--boot", "--board", "pi1", "--config", str(EXAMPLE)]) == 2


def test_this_machine_s_own_partition_is_found_first(tmp_path: Path) -> None:
    """/boot/firmware before /boot; its system is asked too: watchdog, and where the book lies."""
    newer, older = tmp_path / "firmware", tmp_path / "older"

    def found(given: str = "") -> tuple[Path, list[str]]:
        conf = (str(tmp_path / "etc"),)
        place, ills = boot_findings(PLAN, given, PI4, dirs=(str(newer), str(older)), conf_dirs=conf)
        return place, [ill.code for ill in ills]

    with pytest.raises(UsageError):
        found()
    card(older)
    assert found() == (older, ["no_runtime_watchdog", "book_in_memory"])
    card(newer, cmdline=STOCK_CMDLINE)
    assert found() == (newer, ["no_runtime_watchdog", "no_panic_reboot", "root_writable"])
    assert found(str(newer)) == found()
    assert found(str(older)) == (older, [])  # another machine's card: its system is not here to be asked


def test_the_partition_is_gathered_without_raising(tmp_path: Path) -> None:
    """Names in lower case, one level down, nothing large, nothing that is no text; overlays by name."""
    place = card(tmp_path / "boot")
    (place / "CONFIG2.TXT").write_bytes(b"\xff\xfe\x00bad")
    (place / "Sub").mkdir()
    (place / "Sub" / "more.txt").write_text("a=1\n")
    (place / "large.txt").write_bytes(b"x" * 300_000)
    (place / "dir.txt").mkdir()
    (place / "overlays").mkdir()
    (place / "overlays" / "i2c-rtc.dtbo").write_bytes(b"")
    assert sorted(boot_texts(place)) == ["cmdline.txt", "config.txt", "config2.txt", "kengd.txt", "sub/more.txt"]
    boot = gather_boot(place, None)
    assert (boot.overlays, boot.own_partition, boot.system_conf) == (frozenset(("i2c-rtc",)), None, None)
    assert gather_boot(tmp_path / "none", "/").own_partition is True


def test_drop_ins_count_in_systemd_s_order(tmp_path: Path) -> None:
    """By name across all directories; the same name in /etc replaces the one of the distribution."""
    for root, name, text in (
        ("lib", "system.conf", "lib main"),
        ("lib", "system.conf.d/40-rpi.conf", "lib 40"),
        ("lib", "system.conf.d/90-late.conf", "lib 90"),
        ("etc", "system.conf", "etc main"),
        ("etc", "system.conf.d/60-kengd.conf", "etc 60"),
        ("etc", "system.conf.d/90-late.conf", "etc 90"),
    ):
        path = tmp_path / root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    roots = (str(tmp_path / "lib"), str(tmp_path / "etc"))
    assert list(system_conf(roots)) == ["etc main", "lib 40", "etc 60", "etc 90"]


def test_the_board_is_read_from_the_device_tree(tmp_path: Path) -> None:
    """With its closing zero byte; on a PC there is none."""
    model = tmp_path / "model"
    model.write_bytes(b"Raspberry Pi 5 Model B Rev 1.1\0")
    assert (this_board(str(model)), this_board(str(tmp_path / "none"))) == (PI5, None)
