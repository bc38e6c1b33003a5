"""Who has shut somebody out is told whether he is out: only where systemd watches the broker's files is that by itself (R43)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kengd.hub.broker_news import UNIT, WATCHED, news_en, news_vi, takes_by_itself


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One that answers with what stands in the file `code`."""
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\n[ "$3" = kengd-broker.path ] || exit 9\nexit $(cat {tmp_path}/code)\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "code"


def test_an_installed_hub_says_that_the_broker_is_restarted_by_itself(systemctl: Path) -> None:
    """As hub-install.sh lays it down."""
    systemctl.write_text("0")
    assert takes_by_itself(WATCHED / "mosquitto.conf")
    assert "tự khởi động lại" in news_vi(WATCHED / "mosquitto.conf") and "by itself" in news_en(
        WATCHED / "mosquitto.conf"
    )


@pytest.mark.parametrize(("where", "code"), [(WATCHED, "3"), (Path("/srv/hub/broker"), "0")])
def test_elsewhere_it_is_not_done_yet_and_the_command_is_told(systemctl: Path, where: Path, code: str) -> None:
    """The path unit does not run, or looks at other files: a stolen unit is still let in."""
    systemctl.write_text(code)
    assert "CHƯA XONG" in news_vi(where / "mosquitto.conf") and "systemctl restart mosquitto" in news_vi(
        where / "mosquitto.conf"
    )
    assert "NOT DONE YET" in news_en(where / "mosquitto.conf")


def test_without_systemd_it_is_not_done_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container, a trial."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert not takes_by_itself(WATCHED / "mosquitto.conf")


def test_what_is_watched_is_what_the_unit_watches() -> None:
    """Of the unit that is installed."""
    unit = (Path(__file__).parents[2] / "systemd" / UNIT).read_text("utf-8")
    watched = {Path(line.partition("=")[2]).parent for line in unit.splitlines() if line.startswith("PathChanged=")}
    assert watched == {WATCHED}
