"""The hub's unit files against hub-install.sh: what one lays out the other must not take away."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"


def unit(name: str) -> configparser.ConfigParser:
    """A unit file; of settings that stand twice the last."""
    found = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read_string(re.sub(r"\\\n", " ", (SYSTEMD / name).read_text()))
    return found


@pytest.mark.parametrize("name", ["kengd-hub.service", "kengd-hub-backup.service"])
def test_the_broker_may_pass_through_the_state_directory_after_each_start_too(name: str) -> None:
    """systemd sets the mode of a StateDirectory at each start: with another than the installer's the next restart of the broker
    could not read its ACL, and the commune would be deaf (seen on a real systemd)."""
    installed = re.search(r'^\s*chmod (\d+) "\$state"$', (ROOT / "deploy/hub-install.sh").read_text(), re.MULTILINE)
    assert installed is not None
    service = unit(name)["Service"]
    assert (service["StateDirectory"], service["StateDirectoryMode"]) == ("kengd-hub", installed[1])
    assert int(installed[1], 8) & 0o007 == 0o001, "others: through, no more"


def test_the_broker_is_started_again_for_ever() -> None:
    """Without it nobody hears anybody; systemd's own limit is five starts in ten seconds."""
    drop_in = unit("mosquitto-kengd.conf")
    assert drop_in["Service"]["Restart"] == "always"
    assert drop_in["Unit"]["StartLimitIntervalSec"] == "0"


def test_each_unit_that_hub_install_enables_is_laid_out() -> None:
    """A timer or path that is enabled and not there stops the installation half-way."""
    script = (ROOT / "deploy/hub-install.sh").read_text()
    laid = set(
        re.findall(r"kengd-[a-z-]+\.(?:service|timer|path)", script.split("lay_out_units() {")[1].split("\n}")[0])
    )
    enabled = set(
        re.findall(r"kengd-[a-z-]+\.(?:service|timer|path)", script.split("systemctl enable")[1].split("\n")[0])
    )
    assert enabled <= laid
    assert all((SYSTEMD / name).exists() for name in laid)


def test_the_nightly_backup_has_a_place_and_nobody_else_reads_the_ledger() -> None:
    """The unit writes where hub-install.sh made a directory (it failed each night on a real systemd); what `hub begin` writes
    bears people's numbers, and others may pass through the state directory."""
    script = (ROOT / "deploy/hub-install.sh").read_text()
    assert "$state/backup" in re.findall(r'install -d -m 0700 -o kengd-hub -g kengd-hub "(.+)"', script)
    assert '"/var/lib/kengd-hub/backup/' in (SYSTEMD / "kengd-hub-backup.service").read_text()
    assert re.search(r"^as_hub\(\) \{ \(cd \"\$state\" && umask 0077 && setpriv ", script, re.MULTILINE)
