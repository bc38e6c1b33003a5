"""What the linter says of boot partitions with one thing wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kengd.firmware.boards import PI02, PI3, PI4, PI5, Board
from kengd.firmware.lint import Boot, lint
from kengd.settings.plan import BelfryPlan, ButtonPlan, RelayPlan
from tests.firmware.boards_samples import (
    FULL,
    GOOD_CMDLINE,
    INCLUDE,
    LOW,
    PLAN,
    SERIAL,
    STOCK_CMDLINE,
    TRIXIE,
    well,
)


def codes(boot: Boot, plan: BelfryPlan = PLAN, board: Board | None = PI4) -> list[tuple[str, str, str]]:
    """(colour, code, where) of everything found."""
    return [(finding.colour, finding.code, finding.where) for finding in lint(boot, plan, board)]


def changed(boot: Boot, **files: str) -> Boot:
    """Some files replaced."""
    return replace(boot, files={**boot.files, **{f"{name}.txt": text for name, text in files.items()}})


LAST = len((TRIXIE + INCLUDE).splitlines())

LINES: list[tuple[str, Board, list[tuple[str, str]]]] = [
    # unknown words
    ("hdmi_grup=1", PI4, [("yellow", "unknown_key")]),
    ("[pi5]\nhdmi_grup=1", PI4, [("yellow", "unknown_key")]),  # sections of other boards are looked at too
    ("nonsense", PI4, [("yellow", "not_understood")]),
    ("[pi6]", PI4, [("yellow", "unknown_section")]),
    ("dtparam=strict_gpoid", PI4, [("yellow", "unknown_dtparam")]),
    ("gpio=17-op,dl", PI4, [("yellow", "gpio_not_understood")]),
    ("gpio=24=op,low", PI4, [("yellow", "gpio_not_understood")]),
    ("gpio=24=op,dl # lamp", PI4, [("yellow", "comment_after_value")]),
    ("initramfs " + "x" * 100, PI4, [("red", "line_too_long")]),
    ("include wifi.txt", PI4, [("yellow", "include_missing")]),
    ("[cm5]\ninclude wifi.txt", PI4, []),
    # the reach of overlays
    ("dtoverlay=dwc2\ndtparam=i2s=on", PI4, [("yellow", "dtparam_after_overlay")]),
    ("dtoverlay=dwc2\ndtparam=strict_gpiod", PI4, [("red", "dtparam_after_overlay")]),
    ("dtoverlay=dwc2\ndtparam=dr_mode=host", PI4, []),
    # pins
    ("gpio=17=op,dh", PI4, [("red", "relay_driven")]),
    ("gpio=17=a2", PI4, [("red", "relay_driven")]),
    (
        "gpio=0-27=a2",
        PI4,
        [("red", "relay_driven"), *[("red", "contact_driven")] * 3, *[("yellow", "lamp_driven")] * 2],
    ),
    ("gpio=17=ip,pu", PI4, [("red", "relay_driven")]),
    ("gpio=17=ip,pd", PI4, []),
    ("[pi5]\ngpio=17=op,dh", PI4, []),
    ("[gpio4=1]\ngpio=17=op,dh", PI4, [("red", "relay_driven")]),  # perhaps is bad enough
    ("[gpio4=1]\ngpio=17=op,dl", PI4, [("yellow", "relay_not_sure")]),
    ("gpio=13=ip,pd", PI4, [("yellow", "contact_without_pull")]),
    ("gpio=5,6=np", PI4, [("yellow", "contact_without_pull")] * 2),
    ("gpio=5=op,dl", PI4, [("red", "contact_driven")]),
    ("gpio=23=dh", PI4, [("yellow", "lamp_driven")]),
    # the watchdog
    ("dtparam=watchdog=off", PI4, [("yellow", "no_watchdog")]),
    ("dtparam=watchdog=off\nkernel_watchdog_timeout=15", PI4, []),
    ("kernel_watchdog_timeout=60", PI4, [("yellow", "watchdog_too_long")]),
]


@pytest.mark.parametrize(("text", "board", "expected"), LINES)
def test_one_line_below_a_good_config_is_judged_alone(text: str, board: Board, expected: list[tuple[str, str]]) -> None:
    """Each line does what it is said to do, and no more is said."""
    found = codes(changed(well(), config=TRIXIE + INCLUDE + text + "\n"), board=board)
    assert [(colour, code) for colour, code, _ in found] == expected


CLASHES: list[tuple[str, Board, BelfryPlan, list[int]]] = [
    ("dtoverlay=w1-gpio", PI4, LOW, [4]),
    ("dtoverlay=w1-gpio,gpiopin=13", PI4, PLAN, [13]),
    ("dtoverlay=w1-gpio\ndtparam=gpiopin=22", PI4, PLAN, [22]),
    ("dtoverlay=w1-gpio,gpiopin=27", PI4, PLAN, []),
    ("dtoverlay=w1-gpio-pullup", PI4, PLAN, [5]),
    ("dtoverlay=gpio-shutdown", PI4, PLAN, []),
    ("dtoverlay=gpio-shutdown,gpio_pin=17", PI4, PLAN, [17]),
    ("dtoverlay=gpio-fan,gpiopin=23,temp=60000", PI4, PLAN, [23]),
    ("dtoverlay=gpio-led,gpio=6", PI4, PLAN, [6]),
    ("dtoverlay=gpio-key,gpio=5,keycode=28", PI4, PLAN, [5]),
    ("dtoverlay=gpio-poweroff,gpiopin=17", PI4, PLAN, [17]),
    ("dtoverlay=i2c-gpio", PI4, PLAN, [23]),
    ("dtoverlay=i2c-gpio,i2c_gpio_sda=2,i2c_gpio_scl=3", PI4, PLAN, []),
    ("dtoverlay=i2c3", PI4, PLAN, [5]),
    ("dtoverlay=i2c3,pins_2_3", PI4, PLAN, []),
    ("dtoverlay=i2c3", PI5, PLAN, [6]),
    ("dtoverlay=spi1-1cs", PI4, PLAN, []),
    ("dtoverlay=spi1-2cs", PI4, PLAN, [17]),
    ("dtoverlay=spi1-2cs,cs1_pin=26", PI4, PLAN, []),
    ("dtoverlay=spi4-1cs", PI4, PLAN, [5, 6]),
    ("dtoverlay=uart3", PI4, PLAN, [5]),
    ("dtoverlay=uart3", PI5, PLAN, []),
    ("dtoverlay=uart5", PI4, PLAN, [13]),
    ("dtoverlay=pwm,pin=13,func=4", PI4, PLAN, [13]),
    ("dtoverlay=hifiberry-dacplus", PI4, replace(PLAN, relay=RelayPlan(20)), [20]),
    ("dtoverlay=rotary-encoder", PI4, PLAN, [17]),
    ("dtoverlay=vc4-kms-dpi-generic", PI4, replace(PLAN, buttons=()), [17, 22, 23]),
    ("dtoverlay=my-own-board,reset_gpio=17,irq-gpio=22", PI4, PLAN, [17, 22]),
    ("dtoverlay=miniuart-bt", PI3, replace(SERIAL, buttons=()), [15]),
    ("dtoverlay=miniuart-bt", PI5, replace(SERIAL, buttons=()), []),
    ("enable_uart=1", PI02, SERIAL, [15]),
    ("enable_uart=0", PI02, SERIAL, []),
    ("enable_uart=1", PI5, SERIAL, []),
    ("dtparam=uart0=on", PI5, SERIAL, [15]),
    ("enable_jtag_gpio=1", PI4, PLAN, [22, 23]),
    ("dtparam=spi=on", PI4, replace(PLAN, relay=RelayPlan(9)), [9]),
    ("dtparam=spi=off", PI4, replace(PLAN, relay=RelayPlan(27)), []),
    ("dtparam=i2s=on", PI4, replace(PLAN, relay=RelayPlan(21)), [21]),
    ("dtparam=i2c_arm=on", PI4, replace(PLAN, buttons=(ButtonPlan("alarm", 2, "alarm"),)), [2]),
    ("dtparam=act_led_gpio=17", PI4, PLAN, [17]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "board", "plan", "pins"), CLASHES)
def test_a_pin_that_something_else_takes_is_named(text: str, board: Board, plan: BelfryPlan, pins: list[int]) -> None:
    """R16: overlays with their defaults and moved pins, parameters, serial ports; file and line are those of the taker."""
    boot = changed(well(plan), config=TRIXIE + INCLUDE + text + "\n")
    clashes = [finding for finding in lint(boot, plan, board) if finding.code == "pin_clash"]
    first = LAST + 1
    assert [(finding.colour, finding.where) for finding in clashes] == [("red", f"config.txt:{first}")] * len(pins)
    assert [int(finding.en.partition("GPIO")[2].partition(",")[0]) for finding in clashes] == pins


def test_a_clash_says_who_takes_what_from_whom() -> None:
    """Vietnamese sentence, cure, English: whole."""
    boot = changed(well(), config=TRIXIE + INCLUDE + "dtoverlay=w1-gpio,gpiopin=5\n")
    (finding,) = lint(boot, PLAN, PI4)
    assert (finding.vi, finding.cure, finding.en) == (
        'dtoverlay=w1-gpio chiếm GPIO5, là chân của nút "alarm"',
        "xoá dòng này, hoặc nối sang chân khác và sửa trong kengd.toml",
        "dtoverlay=w1-gpio takes GPIO5, which is button alarm",
    )


RELAYS: list[tuple[int, bool, list[tuple[str, str]]]] = [
    *[(pin, False, []) for pin in (12, 16, 17, 18, 19, 20, 21, 25, 26, 27)],
    *[(pin, True, []) for pin in (4,)],
    *[(pin, False, [("red", "relay_forbidden_pin")]) for pin in (0, 1, 2, 3, 7, 8, 14)],
    *[(pin, True, [("red", "relay_forbidden_pin")]) for pin in (0, 1, 2, 3, 7, 8, 14)],
    *[(pin, False, [("yellow", "relay_risky_pin")]) for pin in (9, 10, 11)],
    (4, False, [("red", "relay_against_reset_pull")]),
    (17, True, [("red", "relay_against_reset_pull")]),
    (9, True, [("yellow", "relay_risky_pin"), ("red", "relay_against_reset_pull")]),
]


@pytest.mark.parametrize(("pin", "low", "expected"), RELAYS)
def test_a_relay_is_where_the_machine_leaves_it_alone(pin: int, low: bool, expected: list[tuple[str, str]]) -> None:
    """R10: pulls at reset (GPIO 0–8 up, 9–27 down) against the relay's rest, and pins that move at boot."""
    plan = replace(PLAN, relay=RelayPlan(pin, low))
    found = codes(well(plan), plan, PI5)
    assert [(colour, code) for colour, code, _ in found if code.startswith("relay")] == expected


def test_inputs_are_pulled_as_they_are_wired() -> None:
    """A contact to ground up, a contact to 3.3 V down."""
    boot = changed(well(FULL), config=TRIXIE + INCLUDE + "gpio=24=pd\ngpio=25=pu\n")
    assert codes(boot, FULL) == [
        ("yellow", "contact_without_pull", f"config.txt:{LAST + 1}"),
        ("yellow", "contact_without_pull", f"config.txt:{LAST + 2}"),
    ]


def test_a_stock_card_is_told_all_that_is_missing() -> None:
    """Nothing done yet: the fragment, strict_gpiod, the pins, the watchdogs, the kernel's command line."""
    stock = Boot({"Config.txt": TRIXIE, "cmdline.txt": STOCK_CMDLINE}, own_partition=False, system_conf=("",))
    assert codes(stock, board=None) == [
        ("yellow", "no_fragment", "config.txt"),
        ("red", "no_strict_gpiod", "config.txt"),
        ("yellow", "relay_not_set", "config.txt"),
        ("yellow", "contact_without_pull", "config.txt"),  # only GPIO 13: 5 and 6 are pulled up from reset
        ("yellow", "no_watchdog", "config.txt"),
        ("yellow", "no_runtime_watchdog", "systemd"),
        ("yellow", "no_panic_reboot", "cmdline.txt"),
        ("yellow", "root_writable", "cmdline.txt"),
    ]


def test_the_fragment_must_be_read_and_be_this_post_s() -> None:
    """Missing, in another board's section, of other settings, or its own lines in config.txt instead."""
    good = well()
    without = {name: text for name, text in good.files.items() if name != "kengd.txt"}
    assert codes(replace(good, files=without))[0] == ("red", "include_missing", f"config.txt:{LAST}")
    assert "no_fragment" not in [code for _, code, _ in codes(replace(good, files=without))]
    skipped = changed(good, config=TRIXIE + "[cm5]\ninclude kengd.txt\n")
    assert codes(skipped)[0] == ("red", "fragment_skipped", "config.txt")
    assert codes(good, replace(PLAN, relay=RelayPlan(27)))[0] == ("yellow", "fragment_stale", "kengd.txt")
    pasted = changed(good, config=TRIXIE + good.files["kengd.txt"])
    assert codes(pasted) == [("yellow", "no_fragment", "config.txt")]
    assert codes(replace(good, files={}), board=None) == [("red", "no_config", "config.txt")]


def test_what_an_included_file_cannot_say_is_told() -> None:
    """raspberrypi/firmware#1332, #1810: the first stage follows no include."""
    boot = changed(well(more="gpu_mem=16\n"), config="gpu_mem=64\n" + TRIXIE + INCLUDE + "include more.txt\n")
    assert codes(boot) == [("yellow", "early_key_included", "more.txt:1")]


def test_a_config_too_large_for_a_pi_5_is_told() -> None:
    """raspberrypi/firmware#1848; what is included counts."""
    assert codes(changed(well(), config="# x\n" * 3000 + TRIXIE + INCLUDE)) == []
    assert codes(changed(well(), config="# x\n" * 4000 + TRIXIE + INCLUDE)) == [
        ("yellow", "config_too_large", "config.txt")
    ]


def test_an_overlay_that_is_not_on_the_card_is_told() -> None:
    """A slip in an overlay's name means no clock, silently."""
    boot = changed(well(), config=TRIXIE + INCLUDE + "dtoverlay=i2c-rtcc,ds3231\n")
    assert codes(boot) == []
    boot = replace(boot, overlays=frozenset(("vc4-kms-v3d", "disable-bt", "i2c-rtc", "dwc2")))
    (finding,) = lint(boot, PLAN, PI4)
    assert (finding.code, finding.cure) == ("unknown_overlay", 'có phải "i2c-rtc"?')


CMDLINES: list[tuple[str, bool | None, list[tuple[str, str, str]]]] = [
    (GOOD_CMDLINE, None, []),
    (GOOD_CMDLINE, True, []),
    (GOOD_CMDLINE.replace("panic=10", "panic=0"), True, [("yellow", "no_panic_reboot", "cmdline.txt")]),
    (GOOD_CMDLINE.replace("panic=10", "panic=900"), True, [("yellow", "no_panic_reboot", "cmdline.txt")]),
    (GOOD_CMDLINE.replace("fsck.repair=yes", ""), True, [("yellow", "no_fsck_repair", "cmdline.txt")]),
    (GOOD_CMDLINE.replace("quiet", "fsck.mode=skip"), True, [("yellow", "no_fsck_repair", "cmdline.txt")]),
    (GOOD_CMDLINE + "quiet\n", True, [("red", "cmdline_many_lines", "cmdline.txt")]),
    (GOOD_CMDLINE.replace("overlayroot=tmpfs:recurse=0", ""), True, [("yellow", "root_writable", "cmdline.txt")]),
    (GOOD_CMDLINE.replace("overlayroot=tmpfs:recurse=0", ""), False, [("yellow", "root_writable", "cmdline.txt")]),
    (GOOD_CMDLINE.replace(":recurse=0", ""), True, [("red", "overlay_swallows_book", "cmdline.txt")]),
    (GOOD_CMDLINE.replace(":recurse=0", ":swap=1,recurse=0"), True, []),
    (GOOD_CMDLINE, False, [("red", "book_in_memory", "cmdline.txt")]),
    (GOOD_CMDLINE.replace("overlayroot=tmpfs:recurse=0", "overlayroot=disabled"), False, [("yellow", "root_writable", "cmdline.txt")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "own_partition", "expected"), CMDLINES)
def test_the_kernel_s_command_line_is_judged(
    text: str, own_partition: bool | None, expected: list[tuple[str, str, str]]
) -> None:
    """P7: never a read-only root that takes the book with it; after a crash the machine comes back by itself."""
    assert codes(replace(changed(well(), cmdline=text), own_partition=own_partition)) == expected


def test_the_command_line_s_file_may_have_another_name() -> None:
    """`cmdline=` in config.txt; a missing file is told, and an overlay without initramfs."""
    files = {"config.txt": TRIXIE + INCLUDE + "cmdline=Other.txt\n", "kengd.txt": well().files["kengd.txt"]}
    assert codes(replace(well(), files=files)) == [("yellow", "no_cmdline", "other.txt")]
    files["other.txt"] = GOOD_CMDLINE
    assert codes(replace(well(), files=files)) == []
    files["config.txt"] = files["config.txt"].replace("auto_initramfs=1", "")
    assert codes(replace(well(), files=files)) == [("yellow", "overlay_without_initramfs", "config.txt")]


WATCHDOGS: list[tuple[tuple[str, ...] | None, list[tuple[str, str, str]]]] = [
    (None, []),
    (("RuntimeWatchdogSec=15",), []),
    (("RuntimeWatchdogSec=16",), [("red", "watchdog_too_long", "systemd")]),
    (("RuntimeWatchdogSec=1m",), [("red", "watchdog_too_long", "systemd")]),
    (("RuntimeWatchdogSec=1m", "RuntimeWatchdogSec=10s"), []),
    (("RuntimeWatchdogSec=off",), [("yellow", "no_runtime_watchdog", "systemd")]),
    ((), [("yellow", "no_runtime_watchdog", "systemd")]),
]


@pytest.mark.parametrize(("conf", "expected"), WATCHDOGS)
def test_systemd_feeds_the_watchdog_within_what_it_can_count(
    conf: tuple[str, ...] | None, expected: list[tuple[str, str, str]]
) -> None:
    """systemd#27427: more than 15 s was refused, and the watchdog silently off."""
    assert codes(replace(well(), system_conf=conf)) == expected
