"""A post on simulated pins that every test may spoil."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = """\
state_dir = "state"

[post]
commune = "cong-lac"
id = "thon-1"
name = "Kẻng thôn 1"

[codebook]
use = "cong_lac"

[bell]
kind = "striker"

[limits]
alarm_s = 180

[gpio]
pins = "simulated"
relay = { pin = 17 }

[[gpio.buttons]]
name = "alarm"
pin = 5
does = "alarm"

[[gpio.buttons]]
name = "hush"
pin = 6
does = "hush"

[[timetable]]
at = "22:00"
signal = "curfew"

[broker]
host = "127.0.0.1"
ca = "ca.pem"

[[hub.keys]]
kid = "k1"
public = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""

Write = Callable[..., str]


@pytest.fixture(autouse=True)
def no_settings_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's own settings is seen."""
    for name in ("KENGD_CONFIG", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("kengd.settings.where.SYSTEM_CONFIG", str(tmp_path / "etc.toml"))
    monkeypatch.setattr("kengd.settings.where.SYSTEM_STATE", str(tmp_path / "var"))
    monkeypatch.setattr("kengd.settings.where.SYSTEM_RUN", str(tmp_path / "run"))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the good settings with changes: `write(("old", "new"), …, more="…")` answers the path."""

    def _write(*changes: tuple[str, str], more: str = "") -> str:
        text = GOOD
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / "kengd.toml"
        path.write_text(text + more, encoding="utf-8")
        return str(path)

    return _write
