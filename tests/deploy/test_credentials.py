"""`credential:NAME`: where the key is depends on who asks, so it is looked up where a file is opened, never before."""

from __future__ import annotations

from pathlib import Path

import pytest

from kengd.office.lines import line_settings
from kengd.settings.credentials import at_hand, file_of
from kengd.settings.find import load
from kengd.settings.load_plan import compiled
from kengd.settings.problems import SettingsError
from tests.deploy.card import BROKER, SETTINGS


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "kengd.toml"
    path.write_text(SETTINGS.format(state=tmp_path / "state", name="Kẻng") + BROKER)
    return path


def test_in_the_service_it_is_systemds_copy_and_outside_roots_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """LoadCredential puts copies into $CREDENTIALS_DIRECTORY, which only the service can read."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert file_of("credential:ca.pem") == "/etc/kengd/keys/ca.pem"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/kengd.service")
    assert file_of("credential:ca.pem") == "/run/credentials/kengd.service/ca.pem"
    assert file_of("/etc/ssl/ca.pem") == "/etc/ssl/ca.pem"


def test_settings_compiled_outside_of_the_service_work_inside(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """install.sh compiles them before the bell is stopped, without the service's credentials: the word must stay a word."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    compiled(str(config))
    secrets = config.parent / "secrets"
    secrets.mkdir()
    (secrets / "broker.password").write_text("mat-khau\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secrets))
    loaded = compiled(str(config))
    assert loaded.path is not None and loaded.office_plan.broker is not None
    line = line_settings(loaded.plan, loaded.office_plan.broker)
    wanted = (str(secrets / "ca.pem"), str(secrets / "broker.pem"), str(secrets / "broker.key"), "mat-khau")
    assert (line.ca, line.cert, line.key, line.password) == wanted


def test_a_missing_password_is_an_empty_one_and_no_crash(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit's default for a missing key is a blank line: the bell and the line start, and the broker says no."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(config.parent))
    (config.parent / "broker.password").write_text("\n")
    loaded = load(str(config))
    assert loaded.broker is not None
    assert line_settings(loaded.plan, loaded.broker).password == ""


def test_other_paths_stay_relative_to_the_settings(config: Path) -> None:
    """Only the word is special."""
    config.write_text(config.read_text().replace("credential:ca.pem", "ca.pem"))
    broker = load(str(config)).broker
    assert broker is not None and at_hand(broker).ca == str(config.parent / "ca.pem")


@pytest.mark.parametrize("name", ["root.pem", "../shadow", "ca.pem/..", "", "/etc/shadow"])
def test_only_keys_that_the_unit_loads_can_be_named(config: Path, name: str) -> None:
    """Anything else would be a path in disguise, or a file that is never there."""
    config.write_text(config.read_text().replace("credential:ca.pem", f"credential:{name}"))
    with pytest.raises(SettingsError) as wrong:
        load(str(config))
    assert [problem.where for problem in wrong.value.problems] == ["broker.ca"]
    assert "credential:ca.pem" in wrong.value.problems[0].cure
