"""config.txt as the firmware reads it: sections, includes, the reach of overlays. Never an exception, whatever the text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kengd.firmware.boards import BOARDS, PI02, PI4, PI5, Board, board_of
from kengd.firmware.config import read
from kengd.firmware.lint import Boot, lint, releases_pins
from kengd.firmware.tree import tree_of
from kengd.firmware.watchdog import runtime_watchdog_s
from tests.firmware.boards_samples import PLAN

MODELS = [
    ("Raspberry Pi Zero 2 W Rev 1.0\0", "pi02", {"pi02", "pi0", "pi0w"}),
    ("Raspberry Pi 3 Model B Rev 1.2\0", "pi3", {"pi3"}),
    ("Raspberry Pi 3 Model B Plus Rev 1.3\0", "pi3", {"pi3", "pi3+"}),
    ("Raspberry Pi 4 Model B Rev 1.4\0", "pi4", {"pi4"}),
    ("Raspberry Pi 400 Rev 1.0\0", "pi4", {"pi4", "pi400"}),
    ("Raspberry Pi Compute Module 4 Rev 1.1\0", "pi4", {"pi4", "cm4"}),
    ("Raspberry Pi Compute Module 4S Rev 1.0\0", "pi4", {"pi4", "cm4s"}),
    ("Raspberry Pi 5 Model B Rev 1.0\0", "pi5", {"pi5"}),
    ("Raspberry Pi 500 Rev 1.0\0", "pi5", {"pi5", "pi500"}),
    ("Raspberry Pi Compute Module 5 Rev 1.0\0", "pi5", {"pi5", "cm5"}),
]


@pytest.mark.parametrize(("model", "name", "filters"), MODELS)
def test_a_board_is_known_by_its_own_word(model: str, name: str, filters: set[str]) -> None:
    """/proc/device-tree/model → the sections it obeys (conditional.adoc)."""
    board = board_of(model)
    assert board is not None and (board.name, set(board.filters)) == (name, filters)


def test_other_machines_are_no_board() -> None:
    """A PC, an older Pi: all boards are looked at instead."""
    assert [board_of(model) for model in ("", "Raspberry Pi Model B Rev 2", "Raspberry Pi Zero W Rev 1.1", "QEMU")] == [
        None
    ] * 4


SECTIONS: list[tuple[str, Board, str]] = [
    ("x=1", PI4, "yes"),
    ("[pi4]\nx=1", PI4, "yes"),
    ("[pi4]\nx=1", PI5, "no"),
    ("[PI4]\nx=1", PI4, "yes"),
    ("[pi4]\n[pi5]\nx=1", PI4, "no"),  # filters of one kind replace each other
    ("[pi5]\n[all]\nx=1", PI4, "yes"),
    ("[none]\nx=1", PI4, "no"),
    ("[pi0]\nx=1", PI02, "yes"),
    ("[cm4]\nx=1", PI4, "no"),
    ("[0x12345678]\nx=1", PI4, "maybe"),
    ("[EDID=VSC-TD2220]\nx=1", PI4, "maybe"),
    ("[gpio4=1]\nx=1", PI4, "maybe"),
    ("[HDMI:1]\nx=1", PI4, "maybe"),
    ("[board-type=0x14]\nx=1", PI4, "maybe"),
    ("[tryboot]\nx=1", PI4, "maybe"),
    ("[partition=2]\nx=1", PI4, "maybe"),
    ("[bootvar0&0x10]\nx=1", PI4, "maybe"),
    ("[gpio4=1]\n[pi5]\nx=1", PI4, "no"),  # filters of different kinds add up
    ("[gpio4=1]\n[pi4]\nx=1", PI4, "maybe"),
    ("[gpio4=1]\n[all]\nx=1", PI4, "yes"),
    ("[pi6]\nx=1", PI4, "no"),  # no such section
    ("[pi4\nx=1", PI4, "no"),
]


@pytest.mark.parametrize(("text", "board", "applies"), SECTIONS)
def test_a_line_applies_where_its_filters_say(text: str, board: Board, applies: str) -> None:
    """conditional.adoc, case by case; what cannot be known from here is "maybe"."""
    (line,) = read({"config.txt": text}, board).lines
    assert line.applies == applies


def test_an_included_file_stands_where_its_line_stands() -> None:
    """Inserted in place, filters and all; read only where the line applies; a circle ends."""
    files = {
        "config.txt": "a=1\n[pi5]\ninclude five.txt\n[pi4]\ninclude FOUR.TXT\nd=1\n",
        "four.txt": "b=1\n[all]\nc=1\ninclude four.txt\n",
        "five.txt": "never=1\n",
    }
    reading = read(files, PI4)
    assert [(line.file, line.number, line.key) for line in reading.lines if line.key != "include"] == [
        ("config.txt", 1, "a"),
        ("four.txt", 1, "b"),
        ("four.txt", 3, "c"),
        ("config.txt", 6, "d"),
    ]
    assert [line.applies for line in reading.lines if line.key == "d"] == ["yes"]  # [all] in the file holds after it
    assert reading.included == {"five.txt": "no", "four.txt": "yes"}
    assert [finding.where for finding in reading.findings if finding.code == "include_circle"] == ["four.txt:4"]


REACH = [
    ("dtparam=strict_gpiod\ndtoverlay=disable-bt\n", True),
    ("dtparam=audio=on,strict_gpiod\n", True),
    ("device_tree_param=strict_gpiod=on\n", True),
    ("dtoverlay=disable-bt\ndtparam=strict_gpiod\n", False),
    ("dtoverlay=disable-bt\n[all]\ndtparam=strict_gpiod\n", False),  # a section ends no overlay's reach
    ("dtoverlay=disable-bt\n[cm4]\notg_mode=1\n[all]\ndtparam=strict_gpiod\n", False),
    ("dtoverlay=disable-bt\n[cm5]\ndtoverlay=\n[all]\ndtparam=strict_gpiod\n", False),  # ended on another board only
    ("dtoverlay=disable-bt\ndtoverlay=\ndtparam=strict_gpiod=on\n", True),
    ("[pi1]\ndtoverlay=disable-bt\n[all]\ndtparam=strict_gpiod\n", True),  # an overlay of another board reaches nothing
    ("[cm5]\ndtparam=strict_gpiod\n", False),
    ("[gpio4=1]\ndtparam=strict_gpiod\n", False),  # perhaps is not surely
    ("dtparam=strict_gpiod\ndtparam=strict_gpiod=off\n", False),
    ("#dtparam=strict_gpiod\n", False),
    ("dtparam=strict_gpoid\n", False),
    ("", False),
]


@pytest.mark.parametrize(("text", "expected"), REACH)
def test_strict_gpiod_counts_only_where_the_firmware_surely_reads_it(text: str, expected: bool) -> None:
    """P1: a dtparam is offered to the overlay above it first (device-tree.adoc 3.2)."""
    assert releases_pins({"config.txt": text}) is expected
    assert releases_pins({"config.txt": "include kengd.txt\n", "kengd.txt": text}) is expected


def test_the_command_line_may_say_it_for_its_own_chip() -> None:
    """P1: pinctrl_bcm2835 for all but the Pi 5, which has pinctrl_rp1."""
    files = {"config.txt": "", "cmdline.txt": "root=x pinctrl_rp1.persist_gpio_outputs=n\n"}
    assert [releases_pins(files, board) for board in (PI02, PI4, PI5)] == [False, False, True]
    files["cmdline.txt"] = "root=x pinctrl_bcm2835.persist_gpio_outputs=n pinctrl_rp1.persist_gpio_outputs=y\n"
    assert [releases_pins(files, board) for board in (PI02, PI4, PI5)] == [True, True, False]


def test_overlays_keep_their_own_parameters() -> None:
    """Those on the line, in both spellings, and those below; a base parameter below is lost to them."""
    text = "dtoverlay=lirc-rpi:gpio_out_pin=16\ndtparam=gpio_in_pin=5,spi=on\ndtoverlay=i2c-rtc,ds3231\ndtparam=i2c0\n"
    tree = tree_of(read({"config.txt": text}, PI4))
    own = [(overlay.name, [param.name for param in overlay.params]) for overlay in tree.overlays]
    assert own == [("lirc-rpi", ["gpio_out_pin", "gpio_in_pin"]), ("i2c-rtc", ["ds3231", "i2c0"])]
    assert [(param.name, above) for param, above in tree.lost] == [("spi", "lirc-rpi")]


SPANS = [
    ([], None),
    (["[Manager]\n#RuntimeWatchdogSec=20\n"], None),
    (["RuntimeWatchdogSec=10"], 10),
    (["RuntimeWatchdogSec=10s", "RuntimeWatchdogSec=1m\n"], 60),
    (["RuntimeWatchdogSec = 1min 30s"], 90),
    (["RuntimeWatchdogSec=500ms"], 0.5),
    (["RuntimeWatchdogSec=off"], 0),
    (["RuntimeWatchdogSec="], 0),
    (["RuntimeWatchdogSec=soon"], None),
]


@pytest.mark.parametrize(("texts", "seconds"), SPANS)
def test_systemd_s_time_is_read_as_systemd_reads_it(texts: list[str], seconds: float | None) -> None:
    """systemd.time(7); the last drop-in wins."""
    assert runtime_watchdog_s(texts) == seconds


PIECES = st.sampled_from(
    [
        "[", "]", "[all]", "[pi4]", "[gpio4=1]", "=", ",", ":", "#", " #", "\n", "\r\n", "\0", "\ufeff", "include ", "kengd.txt",
        "config.txt", "x.txt", "dtoverlay=", "dtparam=", "gpio=", "17", "0-27", "99999999999999999999", "=op,dh", "w1-gpio", "gpiopin=",
        "cs0_pin=", "spi1-2cs", "pins_", "_4_5", "strict_gpiod", "kernel_watchdog_timeout=", "cmdline=", "panic=", "overlayroot=", "٣", "²",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=25).map("".join))


@given(TEXTS, TEXTS, TEXTS, TEXTS)
@example("cmdline=", "", "", "")
def test_no_text_makes_the_linter_fail(config: str, fragment: str, cmdline: str, conf: str) -> None:
    """Whatever an editor, a dying card or a bad day left there: findings, never an exception."""
    files = {"config.txt": config, "kengd.txt": fragment, "x.txt": fragment, "cmdline.txt": cmdline}
    found = lint(Boot(files, frozenset(("w1-gpio",)), False, (conf,)), PLAN)
    assert len(found) == len(set(found))
    for finding in found:
        assert finding.vi and finding.cure and finding.en and finding.file
    for board in BOARDS:
        assert set(lint(Boot(files, frozenset(("w1-gpio",)), False, (conf,)), PLAN, board)) <= set(found)


def test_files_that_include_each_other_many_times_are_not_read_for_days() -> None:
    """Twenty lines, eight files deep, would be 25 thousand million lines."""
    files = {f"a{n}.txt": f"include a{n + 1}.txt\n" * 20 for n in range(8)}
    reading = read({**files, "config.txt": "include a0.txt\n" * 20, "a8.txt": "dtparam=audio=on\n"}, PI4)
    assert len(reading.lines) == 10_000
