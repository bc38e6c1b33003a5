"""kengd.txt: made from the settings, shipped for the example, clean on every board."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.__main__ import main
from kengd.firmware.boards import BOARDS, Board
from kengd.firmware.cmdline import ALWAYS, READ_ONLY
from kengd.firmware.config import FRAGMENT, read
from kengd.firmware.fragment import fragment
from kengd.firmware.lint import lint
from kengd.firmware.tree import tree_of
from kengd.settings.plan import BelfryPlan, ButtonPlan, RelayPlan
from tests.firmware.boards_samples import BARE, EXAMPLE, FULL, LOW, ON_I2C, PLAN, ROOT, SERIAL, STOCK, well

HERE = ROOT / "firmware_config"
PLANS = {"example": PLAN, "active-low": LOW, "inputs": FULL, "serial pins": SERIAL, "no clock": ON_I2C, "bare": BARE}


def said(text: str) -> list[str]:
    """The lines that are not comments."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def words(name: str) -> list[str]:
    """The words of a commented list."""
    return said((HERE / name).read_text(encoding="utf-8"))


def test_the_shipped_file_is_what_the_command_prints_for_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    """P1, R10: the file beside the example agrees with it in every pin, since it is made from it."""
    assert main(["firmware", "--config", str(EXAMPLE)]) == 0
    assert capsys.readouterr().out == (HERE / FRAGMENT).read_text(encoding="ascii")


def test_the_example_rests_relay_lamps_and_buttons() -> None:
    """The lines that count, whole: parameters before overlays, each reach of an overlay ended."""
    clock = "dtoverlay=i2c-rtc,ds3231"
    assert said(fragment(PLAN)) == [
        "[all]", "dtoverlay=", "dtparam=strict_gpiod", "dtparam=watchdog=on",
        "gpio=17=op,dl", "gpio=5,6,13=ip,pu", "gpio=22,23=op,dl", "dtoverlay=disable-bt",
        "[pi02]", clock, "[pi3]", clock, "[pi4]", clock, "[all]", "dtoverlay=",
    ]  # fmt: skip


def test_each_way_of_wiring_gets_its_own_lines() -> None:
    """Active-low rests high (R10); inputs by their polarity; the serial port stays away from wired pins; no clock on a button."""
    gpio = [line for line in said(fragment(replace(FULL, relay=LOW.relay))) if line.startswith("gpio=")]
    assert gpio == ["gpio=4=op,dh", "gpio=5,6,13=ip,pu", "gpio=24=ip,pu", "gpio=25=ip,pd", "gpio=22,23=op,dl"]
    serial = said(fragment(SERIAL))
    assert "dtoverlay=disable-bt" not in serial
    assert serial.index("enable_uart=0") < serial.index("dtparam=krnbt=off") < serial.index("gpio=17=op,dl")
    assert not [line for line in said(fragment(ON_I2C)) if "i2c" in line]
    assert [line for line in said(fragment(BARE)) if line.startswith("gpio")] == ["gpio=17=op,dl"]


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
@pytest.mark.parametrize("stock", STOCK.values(), ids=STOCK)
def test_appended_to_a_stock_config_it_is_clean_on_every_board(stock: str, board: Board, plan: BelfryPlan) -> None:
    """No finding at all, red or yellow: what the installer writes is what the linter wants."""
    boot = well(plan, stock if "auto_initramfs" in stock else stock + "auto_initramfs=1\n")
    assert [(finding.where, finding.en) for finding in lint(boot, plan, board)] == []


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_it_keeps_its_parameters_away_from_the_overlays_around_it(board: Board) -> None:
    """A dtparam below the include reaches the base tree again, as those in the fragment do."""
    files = dict(well().files)
    files["config.txt"] += "dtparam=i2s=on\n"
    tree = tree_of(read(files, board))
    assert tree.lost == ()
    assert [param.name for param in tree.base] == ["audio", "strict_gpiod", "watchdog", "i2s"]


@given(
    st.lists(st.integers(2, 27), min_size=2, max_size=22, unique=True),
    st.booleans(),
)
def test_every_fragment_is_ascii_short_and_within_the_firmware_s_limits(pins: list[int], low: bool) -> None:
    """98 characters a line, 4 KiB in all (raspberrypi/firmware#1012, #1848), whatever is wired."""
    relay, *buttons = pins
    plan = replace(
        BARE, relay=RelayPlan(relay, low), buttons=tuple(ButtonPlan(f"b{pin}", pin, "alarm") for pin in buttons[:20])
    )
    text = fragment(plan)
    assert text.isascii() and len(text) < 4096
    assert max(map(len, text.splitlines())) <= 98


def test_the_lists_beside_it_are_those_the_linter_asks_for() -> None:
    """One word a line, nothing else; the installer reads them."""
    assert words("cmdline.txt") == list(ALWAYS)
    assert words("cmdline-readonly.txt") == [READ_ONLY]


def test_the_bootloader_s_configuration_fits_its_eeprom() -> None:
    """Without comments under 600 characters (raspberrypi/rpi-eeprom#732), and it starts by itself after a power cut."""
    text = "\n".join(words("eeprom.txt"))
    assert len(text) < 600
    keys = dict(line.split("=") for line in text.splitlines() if "=" in line)
    assert keys == {
        "BOOT_ORDER": "0xf1", "POWER_OFF_ON_HALT": "0", "WAKE_ON_GPIO": "1", "BOOT_UART": "0", "WAIT_FOR_POWER_BUTTON": "0",
    }  # fmt: skip


def test_the_page_names_every_finding_and_every_line() -> None:
    """firmware_config/README.md: the table of codes is whole, each line of the fragment has its reason and source."""
    page = (HERE / "README.md").read_text(encoding="utf-8")
    files = (ROOT / "kengd" / "firmware").glob("*.py")
    rooms = "\n".join(path.read_text(encoding="utf-8") for path in files if path.name != "finding.py")
    codes = set(re.findall(r'"(?:red|yellow)",\s*"([a-z_]+)"', rooms)) | set(
        re.findall(r'"(?:red|yellow)" if .*?,\s*"([a-z_]+)"', rooms)
    )
    table = page.partition("| code |")[2].partition("\n\n")[0]
    assert codes == set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", table))
    for line in said(fragment(PLAN)):
        assert f"`{line}`" in page, line
