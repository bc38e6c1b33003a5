"""The board's files, as a Pi has them, read from a directory that stands in for /sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from kengd.duty.board import Reading
from kengd.duty.health import Condition
from kengd.duty.words import Instant
from kengd.office.boardwatch import EVERY_MS, BoardWatch, read


def put(sysfs: Path, path: str, text: str) -> None:
    (sysfs / path).parent.mkdir(parents=True, exist_ok=True)
    (sysfs / path).write_text(text)


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, Reading(None, None)),
        ({"class/hwmon/hwmon0/name": "cpu_thermal\n", "class/hwmon/hwmon0/in0_lcrit_alarm": "1\n"}, Reading()),
        ({"class/hwmon/hwmon1/name": "rpi_volt\n", "class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"}, Reading(True)),
        ({"class/hwmon/hwmon1/name": "rpi_volt\n", "class/hwmon/hwmon1/in0_lcrit_alarm": "0\n"}, Reading(False)),
        ({"class/hwmon/hwmon1/name": "rpi_volt\n"}, Reading()),
        ({"devices/platform/soc/soc:firmware/get_throttled": "50005\n"}, Reading(True)),
        ({"devices/platform/soc/soc:firmware/get_throttled": "50000\n"}, Reading(False)),
        ({"devices/platform/soc/soc:firmware/get_throttled": "\n"}, Reading()),
        ({"class/thermal/thermal_zone0/temp": "48312\n"}, Reading(None, 48.312)),
        ({"class/thermal/thermal_zone0/temp": "?\n"}, Reading()),
    ],
)
def test_each_way_in_which_a_board_tells(tmp_path: Path, files: dict[str, str], wanted: Reading) -> None:
    """hwmon `rpi_volt` first, then the firmware's own word; rubbish tells nothing. 0x50000: it was so since boot, not now."""
    for path, text in files.items():
        put(tmp_path, path, text)
    assert read(tmp_path) == wanted


def test_a_bad_supply_is_said_and_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at every ten seconds, not with every tick."""
    monkeypatch.setenv("KENGD_SYSFS", str(tmp_path))
    held: dict[str, Condition] = {}
    watch = BoardWatch(lambda item: held.__setitem__(item.code, item), held.__delitem__)
    put(tmp_path, "devices/platform/soc/soc:firmware/get_throttled", "1\n")
    put(tmp_path, "class/thermal/thermal_zone0/temp", "84900\n")
    watch.tick(Instant(0, 0))
    assert sorted(held) == ["too_hot", "undervoltage"]
    assert held["too_hot"].vi.endswith(": 85 °C")
    put(tmp_path, "devices/platform/soc/soc:firmware/get_throttled", "10000\n")
    put(tmp_path, "class/thermal/thermal_zone0/temp", "50000\n")
    watch.tick(Instant(EVERY_MS - 1, 0))
    assert sorted(held) == ["too_hot", "undervoltage"]
    watch.tick(Instant(EVERY_MS, 0))
    assert sorted(held) == ["undervoltage"]
    watch.tick(Instant(EVERY_MS + 60_000, 0))
    assert held == {}
