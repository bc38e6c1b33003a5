"""The hub as a source of time: added, never put in the place of others, and gone when the hub is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from kengd.cli.time_source import POOLS, follow
from kengd.settings.plan import BrokerPlan


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("sources.d", "timesyncd.conf.d"):
        (tmp_path / name).mkdir()
    return tmp_path / "sources.d/kengd.sources", tmp_path / "timesyncd.conf.d/kengd.conf"


def test_the_hub_is_asked_beside_the_distributions_servers(files: tuple[Path, Path]) -> None:
    """A hub that serves no time must not cost the post its clock: timesyncd's list keeps the pools."""
    assert follow(BrokerPlan("10.0.0.1", 8883), *files) == "10.0.0.1"
    assert files[0].read_text() == "server 10.0.0.1 iburst\n"
    assert files[1].read_text() == f"[Time]\nNTP=10.0.0.1 {POOLS}\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_itself_is_nobody_to_ask(files: tuple[Path, Path], host: str) -> None:
    """A broker on the post, for trying things out."""
    assert follow(BrokerPlan(host, 1883), *files) is None
    assert not any(path.exists() for path in files)


def test_without_a_hub_nothing_of_it_is_left(files: tuple[Path, Path]) -> None:
    """The settings have no [broker] any more."""
    follow(BrokerPlan("xa.example", 8883), *files)
    assert follow(None, *files) is None
    assert not any(path.exists() for path in files)


def test_a_keeper_of_time_that_is_not_installed_is_left_alone(tmp_path: Path) -> None:
    """No directory of chrony's is made on a machine without chrony."""
    follow(BrokerPlan("10.0.0.1", 8883), tmp_path / "chrony/kengd.sources", tmp_path / "timesyncd/kengd.conf")
    assert list(tmp_path.iterdir()) == []
