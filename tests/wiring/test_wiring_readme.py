"""The installer's chapter of the README: its pictures, files and words are those that there are."""

from __future__ import annotations

import re
import textwrap
import tomllib

from firmware_config.wiring.generator.binder import PRINT_ALL
from kengd.cli import intake_notes
from kengd.cli.firmware import BEFORE
from kengd.firmware.cmdline import ALWAYS
from kengd.settings import credentials
from tests.readme.pages import ROOT, example, readme
from tests.wiring.drawing import names


def chapter() -> str:
    """From its heading to the next chapter."""
    found = re.search(r"^## Lắp một điểm kẻng.*?(?=^## )", readme(), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[0]


def words_of(name: str) -> list[str]:
    """The words of a file that has one a line and comments."""
    lines = (ROOT / "firmware_config" / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_every_sheet_is_linked_and_every_link_leads_to_a_file() -> None:
    """Also the page that prints all of them."""
    linked = set(re.findall(r"\]\((firmware_config/[^)]+)\)", chapter()))
    assert linked == {f"firmware_config/wiring/{name}" for name in (*(f"{sheet}.svg" for sheet in names()), PRINT_ALL)}
    assert all((ROOT / path).is_file() for path in linked)


def test_a_sheet_is_called_by_its_own_number() -> None:
    """ "tờ 13" leads to sheet 13."""
    told = re.findall(r"\[tờ (\d+)\]\(firmware_config/wiring/(\d\d)-", chapter())
    assert len(told) > 15 and all(int(number) == int(file) for number, file in told)


def test_the_steps_are_there_in_their_order_and_each_has_english() -> None:
    """From parts to a ringing bell; what to do when it fails; upgrade, roll back, remove, replace."""
    heads = re.findall(r"^### (.*)$", chapter(), re.MULTILINE)
    assert [head.split(".")[0] for head in heads[:6]] == [f"Bước {n}" for n in range(1, 7)]
    assert heads[6:] == ["Khi không được", "Nâng cấp, quay lại, gỡ, thay Pi hỏng"]
    parts = re.split(r"^### .*$", chapter(), flags=re.MULTILINE)
    assert all(re.search(r"^\*[A-Z][^*]+\*$|\*Hang [^*]+\*$", part, re.MULTILINE) for part in parts)
    assert len(re.findall(r"^!\[", chapter(), re.MULTILINE)) >= 3


def test_the_words_for_cmdline_txt_are_those_of_the_firmware_room() -> None:
    """firmware_config/cmdline.txt gives the reason for each word that is written."""
    assert words_of("cmdline.txt") == list(ALWAYS)


def test_what_the_machine_keeps_of_the_boot_files_is_called_by_its_name() -> None:
    """Who looks for the file of before finds it."""
    assert f"….{BEFORE.removeprefix('.')}`" in chapter()


def test_the_keys_shown_are_such_as_are_taken_in() -> None:
    """TOML, with names that the service is handed."""
    keys = tomllib.loads(textwrap.dedent(example("keys")))["keys"]
    assert set(keys) <= set(credentials.NAMES)
    assert all(f'"{credentials.PREFIX}{name}"' in chapter() for name in keys)


def test_the_files_that_the_machine_leaves_on_the_card_are_named_as_it_names_them() -> None:
    """Who reads the card on a PC finds what the README promises."""
    left = re.findall(r"^\| `(kengd-[a-z-]+\.txt)`", chapter(), re.MULTILINE)
    script = (ROOT / "deploy" / "first-boot" / "from-card.sh").read_text(encoding="utf-8")
    assert set(left) == {intake_notes.TAKEN, intake_notes.REFUSED, "kengd-cai-dat.txt"}
    assert "/kengd-cai-dat.txt" in script and "ĐÃ CÀI XONG" in script and "CHƯA XONG" in script


def test_the_commands_of_an_upgrade_are_those_that_the_scripts_put_in_place() -> None:
    """kengd-rollback, kengd-uninstall, the bundle with its install.sh."""
    release = (ROOT / "deploy" / "release.sh").read_text(encoding="utf-8")
    for command in ("kengd-rollback", "kengd-uninstall"):
        assert f"sudo {command}" in chapter() and command in release
    wheelhouse = (ROOT / "deploy" / "wheelhouse.sh").read_text(encoding="utf-8")
    assert "\nname=kengd-bundle\n" in wheelhouse and 'cf "$out/$name-$version.tar" "kengd-$version"' in wheelhouse
    assert "tar -xf /boot/firmware/kengd-bundle-*.tar && cd kengd-*/" in chapter()
    for name in ("user-data", "firstrun.sh"):
        assert (ROOT / "deploy" / "first-boot" / name).is_file() and f"`{name}`" in chapter()
